"""Fold and unfold (lesson 2): from the loop to its copies with one handle; steps and units apart; one weight, one gradient."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.widgets import joined
from course_utils.widgets.one_cell import between, ten_digits
from course_utils.widgets.picture import Picture, Sample
from course_utils.widgets.weights import Cell, forward, provenance, read_model, shipped

if TYPE_CHECKING:
    import keras

START = {"fold": 0, "steps": 28, "units": None, "digit": 0, "weight": None, "copy": None, "asked": None}
QUESTIONS = (None, "same", "sizes", "sum")
MOST_UNITS = 128


class Unfold(Picture):
    """A recurrent cell that unfolds under the hand, in the browser: one copy for each row, one set of weights for all copies.

    Args:
        model: a Keras model of SimpleRNN, then Dense, that reads rows of 28 numbers, at most 128 units; the course's own
            SimpleRNN if None. At any other number of units the weights are random, and the picture says so.
        image, label: a digit to read, (28, 28) with ink from 0 to 1, and its class; ten embedded test digits if None.
        state: where to start, any of: ``fold`` (0 the loop, 1 the chain), ``steps`` (1 to 28 rows, from the middle), ``units`` (1 to
            128), ``digit`` (which of the digits, from 0), ``weight`` (``["W_x" or "W_h" or "b", row, column]``, from 1;
            the largest of W_h if left out), ``copy`` (whose numbers are shown, from 1), ``asked`` (a question that stands answered: "same", "sizes" or "sum"; None).

    The trait ``state`` holds the same, and follows the hand; what it is set to shows at once. `still()` draws it.

    Raises:
        ValueError: the model has another form or NaN among its weights, the image has another size, or the state holds
            something impossible. The message says what is accepted.

    >>> chain = Unfold(state={"fold": 1})
    >>> chain
    Unfold(SimpleRNN with 32 units, 28 steps)
    >>> chain.caption()
    'A cell of 32 units in 28 copies, one for each row, with one set of 2,282 parameters. Its answer is 3.'
    """

    _esm = joined.light(joined.source("unfold"))
    _css = joined.light(joined.style("unfold"))
    spec = traitlets.Dict(help="kind, activation and sizes of the network").tag(sync=True)
    weights = traitlets.Bytes(help="W_x, W_h, b, W_y, b_y: float32, little-endian").tag(sync=True)
    images = traitlets.Bytes(help="the digits: grey levels, packed with zlib").tag(sync=True)
    labels = traitlets.Bytes(help="their classes, a byte each").tag(sync=True)
    about = traitlets.Unicode(help="which network this is").tag(sync=True)
    state = traitlets.Dict(help="fold, steps, units, digit, weight, copy, asked: see the class").tag(sync=True)

    def __init__(
        self,
        model: keras.Model | None = None,
        image: ArrayLike | None = None,
        label: int | None = None,
        *,
        state: dict | None = None,
    ) -> None:
        self._given = shipped("rnn32") if model is None else _simple_rnn(model)
        self._sample = _digit(image, label, self._given.spec["classes"])
        super().__init__(
            spec=self._given.spec,
            weights=self._given.block(),
            images=self._sample.packed(),
            labels=self._sample.labels.tobytes(),
            about=_about(self._given, model is None),
            state=state or {},
        )

    @traitlets.validate("state")
    def _whole_state(self, proposal) -> dict:
        return _checked_state(proposal["value"], self._given, len(self._sample.labels))

    def cell(self) -> Cell:
        """The weights in the picture: the model's at its own number of units, random ones at any other."""
        return _cell(self._given, self.state["units"])

    def trace(self) -> dict[str, np.ndarray]:
        """The numbers in the picture: ``h`` (steps, units), ``p`` (steps, classes), and the chosen weight's ``shares`` (steps,)."""
        cell, digit, (name, row, column) = self.cell(), self.state["digit"], self.state["weight"]
        rows = middle(self._sample.images[digit], self.state["steps"]) / np.float32(255)
        trace = forward(cell, rows)
        da = back_through_time(cell, trace, self._sample.labels[digit])[:, column - 1]
        before = np.vstack([np.zeros(len(cell.W_h)), trace["h"][:-1]])
        met = {"W_x": lambda: rows[:, row - 1], "W_h": lambda: before[:, row - 1], "b": lambda: np.ones(len(rows))}[name]()
        return trace | {"shares": met * da}

    def caption(self) -> str:
        units, steps, said = self.state["units"], self.state["steps"], self.trace()["p"][-1].argmax()
        total = sum(array.size for array in self.cell()[2:])
        return (
            f"A cell of {units} {'unit' if units == 1 else 'units'} in {steps} {'copy' if steps == 1 else 'copies'}, one for each row, "
            f"with one set of {total:,} parameters. Its answer is {said}."
        )

    def still(self) -> Figure:
        """The chain unfolded: rows below, states above, and each copy's share of the chosen weight's gradient, by matplotlib."""
        from course_utils.widgets.still import draw_chain

        return draw_chain(
            self._sample.images[self.state["digit"]] / 255,
            middle(self._sample.images[self.state["digit"]], self.state["steps"]) / 255,
            self.trace(),
            self.state["weight"],
            self.caption(),
        )

    def __repr__(self) -> str:
        return f"Unfold(SimpleRNN with {self.state['units']} units, {self.state['steps']} steps)"


def middle(image: np.ndarray, steps: int) -> np.ndarray:
    """The rows that are read: all 28, or as many from the middle, since the first rows of a digit are blank."""
    above = (28 - steps) // 2
    return image[above : above + steps]


def chance(seed: int, count: int) -> np.ndarray:
    """Numbers from -1 to 1 that look like chance, the same as in the browser: mulberry32 (T. Ettinger)."""
    with np.errstate(over="ignore"):
        a = np.uint32(seed) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        t = (a ^ a >> np.uint32(15)) * (np.uint32(1) | a)
        t = t + (t ^ t >> np.uint32(7)) * (np.uint32(61) | t) ^ t
    return (t ^ t >> np.uint32(14)) / 2147483648 - 1


def random_cell(given: Cell, units: int) -> Cell:
    """A cell that nobody trained: sizes of Glorot and Bengio (2010); W_h keeps a state about as long as it is."""
    features, classes = len(given.W_x), len(given.b_y)
    numbers = chance(units, features * units + units * units + units * classes)
    W_x, W_h, W_y = np.split(numbers, [features * units, features * units + units * units])
    glorot = np.sqrt(6 / (features + units)), np.sqrt(3 / units), np.sqrt(6 / (units + classes))
    W_x, W_h, W_y = (
        (scale * part).astype(np.float32).reshape(-1, wide)
        for scale, part, wide in zip(glorot, (W_x, W_h, W_y), (units, units, classes))
    )
    return Cell("rnn", given.activation, W_x, W_h, np.zeros(units, np.float32), W_y, np.zeros(classes, np.float32))


def large_weight(W_h: np.ndarray) -> list:
    """The largest recurrent weight, whatever its sign, as ``["W_h", row, column]``, from 1: one that does much."""
    row, column = np.unravel_index(np.abs(W_h).argmax(), W_h.shape)
    return ["W_h", int(row) + 1, int(column) + 1]


def back_through_time(cell: Cell, trace: dict[str, np.ndarray], label: int) -> np.ndarray:
    """How the loss after the last step feels a push on each step's sum: dL/da, (steps, units)."""
    dh = (trace["p"][-1] - np.eye(len(cell.b_y))[label]) @ cell.W_y.T.astype(float)
    steps = []
    for h in trace["h"][::-1]:
        da = dh * ((h > 0) if cell.activation == "relu" else 1 - h**2)
        dh = da @ cell.W_h.T.astype(float)
        steps.append(da)
    return np.array(steps[::-1])


def _cell(given, units):
    return given if units == given.spec["units"] else random_cell(given, units)


def _simple_rnn(model):
    cell = read_model(model)
    if cell.kind != "rnn":
        raise ValueError(
            "model: expected a SimpleRNN layer, whose three weights are drawn; received an LSTM. LSTMScope shows those."
        )
    if len(cell.W_h) > MOST_UNITS:
        raise ValueError(f"model: expected at most {MOST_UNITS} units; received {len(cell.W_h)}.")
    return cell


def _digit(image, label, classes):
    if (image is None) != (label is None):
        raise ValueError("image, label: expected both or neither; received only one.")
    digits = ten_digits(image)
    if image is not None:
        return Sample(digits.images, np.array([between("label", label, 0, classes - 1)], np.uint8))
    known = digits.labels < classes
    return Sample(digits.images[known], digits.labels[known])


def _about(cell, own):
    if not own:
        return f"At {len(cell.W_h)} units: the model given. At any other number of units the weights are random."
    test = provenance("rnn32")["test"]
    return (
        f"At {len(cell.W_h)} units: a SimpleRNN that comes with the course; it has {test['right']} of the {test['of']:,} embedded "
        "test digits right. "
        "At any other number of units the weights are random."
    )


def _checked_state(state: dict, given: Cell, digits: int) -> dict:
    """The whole state, with defaults for what is left out; ValueError names what is impossible."""
    unknown = set(state) - set(START)
    if unknown:
        raise ValueError(f"state: expected any of {', '.join(START)}; received {', '.join(sorted(map(str, unknown)))}.")
    whole = START | state
    steps = between("steps", whole["steps"], 1, 28)
    units = given.spec["units"] if whole["units"] is None else between("units", whole["units"], 1, MOST_UNITS)
    if whole["asked"] not in QUESTIONS:
        raise ValueError(f"state: expected asked to be same, sizes, sum or None; received {whole['asked']!r}.")
    return {
        "fold": between("fold", whole["fold"], 0, 1, Real), "steps": steps, "units": units,
        "digit": between("digit", whole["digit"], 0, digits - 1),
        "weight": _checked_weight(whole["weight"] if "weight" in state else large_weight(_cell(given, units).W_h), units),
        "copy": between("copy", whole["copy"] if "copy" in state else (steps + 1) // 2, 1, steps), "asked": whole["asked"],
    }  # fmt: skip


def _checked_weight(weight, units):
    weight = list(weight) if isinstance(weight, list | tuple) else [weight]
    rows = {"W_x": 28, "W_h": units, "b": 1}
    if len(weight) != 3 or weight[0] not in rows:
        raise ValueError(f'state: expected weight like ["W_h", row, column], of W_x, W_h or b; received {weight!r}.')
    return [weight[0], between("weight", weight[1], 1, rows[weight[0]]), between("weight", weight[2], 1, units)]
