"""The LSTM scope (lesson 3): a digit is read row by row, every gate and state is seen, and a gate can be forced by hand."""

from __future__ import annotations

import base64
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.widgets import joined
from course_utils.widgets.picture import Picture, checked_images, grey, sample
from course_utils.widgets.weights import Cell, forward, provenance, read_model, shipped

if TYPE_CHECKING:
    import keras

START = {"digit": 0, "image": None, "row": 28, "unit": None, "forced": None}
GATES = {"i": "input gate", "f": "forget gate", "o": "output gate"}


class LSTMScope(Picture):
    """A digit runs through a recurrent network row by row, in the browser: draw, scrub, force a gate.

    Args:
        model: a Keras model of SimpleRNN or LSTM, then Dense, that reads rows of 28 numbers; the course's own LSTM if None.
        images, labels: digits to pick from and to count on, (n, 28, 28) with ink from 0 to 1 and (n,); of more than 500, 500
            evenly spaced ones are taken. Half of the embedded test digits if None. A model that learned from full MNIST
            has seen those: give it ``mnist.x_test, mnist.y_test``.
        state: where to start, any of: ``digit`` (which of the digits, from 0), ``image`` (28, 28) to show instead, ``row``
            (rows read, 1 to 28), ``unit`` (whose numbers are shown in that row, from 1; None),
            ``forced`` (``{"gate": "i", "f" or "o", "value": 0 to 1, "first": row, "last": row}``; None).

    The trait ``state`` holds the same, and follows the hand; what it is set to shows at once. `still()` draws it.

    Raises:
        ValueError: the model has another form or NaN among its weights, the images have another size or there are none,
            or the state holds something impossible. The message says what is accepted.

    >>> scope = LSTMScope(state={"row": 17})
    >>> scope
    LSTMScope(LSTM with 64 units, 500 digits)
    >>> scope.state["row"]
    17
    """

    _esm = joined.light(joined.source("lstm_scope"))
    _css = joined.light(joined.style("lstm_scope"))
    spec = traitlets.Dict(help="kind, activation and sizes of the network").tag(sync=True)
    weights = traitlets.Bytes(help="W_x, W_h, b, W_y, b_y: float32, little-endian").tag(sync=True)
    images = traitlets.Bytes(help="the digits: grey levels, packed with zlib").tag(sync=True)
    labels = traitlets.Bytes(help="their classes, a byte each").tag(sync=True)
    about = traitlets.Unicode(help="which network and which digits these are").tag(sync=True)
    order = traitlets.List(help="the units from left to right, counted from 0: early ones first").tag(sync=True)
    state = traitlets.Dict(help="digit, image, row, unit, forced: see the class").tag(sync=True)

    def __init__(self, model: keras.Model | None = None, images: ArrayLike | None = None, labels: ArrayLike | None = None, *,
                 state: dict | None = None) -> None:
        self._cell = shipped() if model is None else read_model(model)
        self._sample = sample(images, labels, self._cell.spec["classes"])
        super().__init__(
            spec=self._cell.spec, weights=self._cell.block(), images=self._sample.packed(), labels=self._sample.labels.tobytes(),
            order=early_first(self._cell, self._sample.images[:20] / 255), about=_about(self._cell, model is None, images is None, len(self._sample.labels)), state=state or {})

    @traitlets.validate("state")
    def _whole_state(self, proposal) -> dict:
        return checked_state(proposal["value"], self._cell.kind, self._cell.spec["units"], len(self._sample.labels))

    @property
    def image(self) -> np.ndarray:
        """The digit that stands there now, (28, 28), ink from 0 to 1: also what was drawn by hand."""
        if self.state["image"] is None:
            return self._sample.images[self.state["digit"]] / 255
        return np.frombuffer(base64.b64decode(self.state["image"]), np.uint8).reshape(28, 28) / 255

    def trace(self) -> dict[str, np.ndarray]:
        """The numbers in the picture: states and gates (28, units) and class probabilities ``p`` (28, classes), each by its letter."""
        return forward(self._cell, self.image, self.state["forced"])

    def caption(self) -> str:
        p, row, forced = self.trace()["p"], self.state["row"], self.state["forced"]
        held = f" with the {GATES[forced['gate']]} held at {forced['value']:.2f} in rows {forced['first']} to {forced['last']}" if forced else ""
        return f"{_kind(self._cell)} reads a digit{held}. After row {row} of 28 its answer is {p[row - 1].argmax()} ({p[row - 1].max():.0%})."

    def still(self) -> Figure:
        """The digit, all gates and states beside it, and the answer after the row that was read, drawn by matplotlib."""
        from course_utils.widgets.still import draw_scope

        return draw_scope(self.image, self.trace(), self.state, self.caption(), self.order)

    def __repr__(self) -> str:
        return f"LSTMScope({_kind(self._cell)}, {len(self._sample.labels)} digits)"


def early_first(cell: Cell, images: ArrayLike) -> list[int]:
    """The units in order of the row around which their state is largest, on average over some digits.

    The state is c of an LSTM and h of a SimpleRNN; the row is the mean of all rows, each weighed by the state's size.
    """
    size = np.mean([np.abs(forward(cell, image)["c" if cell.kind == "lstm" else "h"]) for image in images], axis=0)
    middle = np.arange(len(size)) @ size / np.maximum(size.sum(axis=0), 1e-12)
    return np.argsort(middle, kind="stable").tolist()


def _kind(cell):
    return f"{'LSTM' if cell.kind == 'lstm' else 'SimpleRNN'} with {cell.spec['units']} units"


def _about(cell, own, embedded, count):
    test = provenance()["test"]
    network = f"Network: {_kind(cell)}" + (
        f" that comes with the course; it has {test['right']} of the {test['of']:,} embedded test digits right." if own else ", the model given.")
    return f"{network} Digits: {count} " + ("of the embedded test digits." if embedded else "of those given.")


def checked_state(state: dict, kind: str, units: int, count: int) -> dict:
    """The whole state, with defaults for what is left out; ValueError names what is impossible."""
    unknown = set(state) - set(START)
    if unknown:
        raise ValueError(f"state: expected any of {', '.join(START)}; received {', '.join(sorted(map(str, unknown)))}.")
    whole = START | state
    image = _checked_image(whole["image"])
    return {
        "digit": None if image else _between("digit", whole["digit"], 0, count - 1), "image": image,
        "row": _between("row", whole["row"], 1, 28),
        "unit": None if whole["unit"] is None else _between("unit", whole["unit"], 1, units),
        "forced": None if whole["forced"] is None else _checked_force(whole["forced"], kind),
    }  # fmt: skip


def _checked_image(image):
    if image is None:
        return None
    if isinstance(image, str):  # as the browser saves it
        if len(base64.b64decode(image)) != 28 * 28:
            raise ValueError("state: expected 784 grey levels in image, received another number.")
        return image
    return base64.b64encode(grey(checked_images(image, "image", ndim=2)).tobytes()).decode()


def _checked_force(forced, kind):
    if kind != "lstm":
        raise ValueError("forced: a SimpleRNN has no gates to force; expected None.")
    if set(forced) != {"gate", "value", "first", "last"} or forced["gate"] not in GATES:
        raise ValueError(f"forced: expected gate (i, f or o), value, first and last; received {forced!r}.")
    first = _between("first", forced["first"], 1, 28)
    return {"gate": forced["gate"], "value": _between("value", forced["value"], 0, 1, Real), "first": first,
            "last": _between("last", forced["last"], first, 28)}


def _between(name, value, low, high, kind=Integral):
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        number = "a whole number" if kind is Integral else "a number"
        raise ValueError(f"state: expected {name} to be {number} from {low} to {high}; received {value!r}.")
    return value if not isinstance(value, np.generic) else value.item()
