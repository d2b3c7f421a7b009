"""One formula, one cell (lesson 1): the RNN step with every product in sight, first by hand, then in the real size."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.widgets import joined
from course_utils.widgets.picture import Picture, Sample, checked_images, grey, sample
from course_utils.widgets.weights import provenance, read_model, shipped

if TYPE_CHECKING:
    import keras

TOY = {  # the numbers of lesson 1
    "features": 2, "units": 3, "steps": 2, "activation": "tanh",
    "W": [[1.0, -1.0, 0.0], [0.0, 1.0, 2.0],  # W_x
          [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0],  # W_h
          [0.0, 0.0, -1.0]],  # b
    "x": [[1.0, 0.0], [0.0, 1.0]],
}  # fmt: skip
START = {"toy": {"step": 2, "unit": 1, "line": 2}, "real": {"step": 15, "unit": 1, "line": 14}}
REST = {"stage": 0, "digit": 0, "order": "place", "edits": []}
MOST_UNITS = 256


class Net(NamedTuple):
    """A cell and the sequence it reads; the weights W_x, W_h and b lie below each other in one table."""

    W: np.ndarray  # (features + units + 1, units)
    x: np.ndarray  # (steps, features)
    activation: str  # "tanh" or "relu"

    @property
    def units(self) -> int:
        return self.W.shape[1]

    @property
    def features(self) -> int:
        return self.x.shape[1]


class OneCell(Picture):
    """One time step of ``h_t = tanh(x_t W_x + h_prev W_h + b)`` in the browser: multiply, add, squash, and change any number.

    Without a model or weights it opens on the three units of lesson 1, and a small trained network is one click away.

    Args:
        model: a Keras model of SimpleRNN, then Dense, that reads rows of 28 numbers.
        weights: instead of a model, ``{"W_x": (28, units), "W_h": (units, units), "b": (units,)}``, at most 256 units.
        image: a digit to read, (28, 28) with ink from 0 to 1; ten embedded test digits to choose from if None.
        state: where to start, any of: ``network`` ("toy" or "real"), ``step`` (time step, from 1), ``unit`` (from 1), ``line``
            (of the table: inputs first, then old states, then the bias; from 1), ``stage`` (0 the numbers, 1 multiply, 2 add,
            3 squash), ``digit`` (which of the digits, from 0), ``order`` of the products ("place" or "size"), ``edits`` (numbers
            that were changed: ``["W", line, unit, value]`` or ``["x", step, input, value]``).

    The trait ``state`` holds the same, and follows the hand; what it is set to shows at once. `still()` draws it.

    Raises:
        ValueError: the model or the weights have another form or hold NaN, the image has another size, or the state holds
            something impossible. The message says what is accepted.

    >>> cell = OneCell(state={"stage": 3})
    >>> cell
    OneCell(the three units of lesson 1; SimpleRNN with 32 units)
    >>> cell.caption()
    'Step 2 of 2, unit 1 of 3: it sees 0, remembers −0.7616, and its bias is 0; together −0.7616. tanh makes −0.642 of it.'
    """

    _esm = joined.light(joined.source("one_cell"))
    _css = joined.light(joined.style("one_cell"))
    spec = traitlets.Dict(help="the toy with its numbers, or None; sizes, activation and name of the real network").tag(sync=True)
    weights = traitlets.Bytes(help="W_x, W_h, b of the real network: float32, little-endian").tag(sync=True)
    images = traitlets.Bytes(help="the digits: grey levels, packed with zlib").tag(sync=True)
    labels = traitlets.Bytes(help="their classes, a byte each").tag(sync=True)
    about = traitlets.Unicode(help="which network this is").tag(sync=True)
    state = traitlets.Dict(help="network, step, unit, line, stage, digit, order, edits: see the class").tag(sync=True)

    def __init__(
        self,
        model: keras.Model | None = None,
        *,
        weights: dict[str, ArrayLike] | None = None,
        image: ArrayLike | None = None,
        state: dict | None = None,
    ) -> None:
        own = model is None and weights is None
        self._W, activation = _real_table(model, weights)
        self._sample, self._toy = ten_digits(image), TOY if own else None
        units = self._W.shape[1]
        real = dict(
            features=28,
            units=units,
            steps=28,
            activation=activation,
            name=f"28 pixels, {units} units" + (", trained" if own else ""),
        )
        super().__init__(
            spec={"toy": self._toy, "real": real},
            weights=self._W.astype("<f4").tobytes(),
            images=self._sample.packed(),
            labels=self._sample.labels.tobytes(),
            about=_about(own, model is not None, units),
            state=state or {},
        )

    @traitlets.validate("state")
    def _whole_state(self, proposal) -> dict:
        return _checked_state(proposal["value"], self._toy is not None, self._W.shape[1], len(self._sample.labels))

    def net(self) -> Net:
        """The cell and its sequence as they stand there now, with every change made by hand."""
        toy = self.state["network"] == "toy"
        W = np.array(TOY["W"] if toy else self._W, dtype=float)
        x = np.array(TOY["x"] if toy else self._sample.images[self.state["digit"]] / np.float32(255), dtype=float)
        for kind, first, second, value in self.state["edits"]:
            (W if kind == "W" else x)[first - 1, second - 1] = value
        return Net(W, x, TOY["activation"] if toy else self.spec["real"]["activation"])

    def trace(self) -> dict[str, np.ndarray]:
        """The numbers in the picture, for all steps: ``v`` (steps, lines) comes in; ``seen``, ``kept``, ``a``, ``h`` (steps, units)."""
        return run_net(self.net())

    def caption(self) -> str:
        net, trace, t, j = self.net(), self.trace(), self.state["step"] - 1, self.state["unit"] - 1
        seen, kept, bias, a, h = (
            self._say(value)
            for value in (trace["seen"][t, j], trace["kept"][t, j], net.W[-1, j], trace["a"][t, j], trace["h"][t, j])
        )
        squash = "ReLU" if net.activation == "relu" else "tanh"
        return (
            f"Step {t + 1} of {len(net.x)}, unit {j + 1} of {net.units}: it sees {seen}, remembers {kept}, and its bias is {bias}; "
            f"together {a}. {squash} makes {h} of it."
        )

    def _say(self, value):
        return say(value, 4 if self.state["network"] == "toy" else 3)

    def still(self) -> Figure:
        """The table of products, those of the chosen unit as bars, and its place on the curve, drawn by matplotlib."""
        from course_utils.widgets.still import draw_cell

        return draw_cell(self.net(), self.trace(), self.state, self.caption(), self._say)

    def __repr__(self) -> str:
        toy = "the three units of lesson 1; " if self._toy else ""
        return f"OneCell({toy}SimpleRNN with {self._W.shape[1]} units)"


def run_net(net: Net) -> dict[str, np.ndarray]:
    """What the browser computes, in NumPy: what comes in, the parts of each sum, the sum, and the state, step by step."""
    f, h, history = net.features, np.zeros(net.units), []
    for x_t in net.x:
        seen, kept = x_t @ net.W[:f], h @ net.W[f:-1]
        v, a = np.concatenate([x_t, h, [1.0]]), seen + kept + net.W[-1]
        h = np.maximum(a, 0) if net.activation == "relu" else np.tanh(a)
        history.append({"v": v, "seen": seen, "kept": kept, "a": a, "h": h})
    return {name: np.array([step[name] for step in history]) for name in history[0]}


def say(value: float, places: int) -> str:
    """A number as one writes it: no zeros at the end, a true minus sign."""
    text = f"{value:.{places}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


def _real_table(model, weights):
    """W_x, W_h and b below each other, and the activation."""
    if model is not None and weights is not None:
        raise ValueError("model, weights: expected one of the two; received both.")
    if weights is not None:
        return _checked_weights(weights), "tanh"
    cell = shipped("rnn32") if model is None else read_model(model)
    if cell.kind != "rnn":
        raise ValueError("model: expected a SimpleRNN layer, whose step is one formula; received an LSTM. LSTMScope shows those.")
    return np.vstack([cell.W_x, cell.W_h, cell.b]), cell.activation


def _checked_weights(weights):
    wanted = 'weights: expected {"W_x": (28, units), "W_h": (units, units), "b": (units,)} of finite numbers, at most 256 units'
    if not isinstance(weights, dict) or set(weights) != {"W_x", "W_h", "b"}:
        raise ValueError(
            f"{wanted}; received {sorted(map(str, weights)) if isinstance(weights, dict) else type(weights).__name__}."
        )
    W_x, W_h, b = (np.asarray(weights[name]) for name in ("W_x", "W_h", "b"))
    units = len(b) if b.ndim == 1 else 0
    if not 1 <= units <= MOST_UNITS or W_x.shape != (28, units) or W_h.shape != (units, units):
        raise ValueError(f"{wanted}; received W_x {W_x.shape}, W_h {W_h.shape}, b {b.shape}.")
    table = np.vstack([W_x, W_h, b])
    if table.dtype.kind not in "fiu" or not np.isfinite(table).all():
        raise ValueError(f"{wanted}; received NaN, inf or something that is no number.")
    return table.astype(np.float32)


def ten_digits(image: ArrayLike | None) -> Sample:
    """The image given, (28, 28), or one embedded test digit of each class, the 3 of lesson 1 first."""
    if image is not None:
        return Sample(grey(checked_images(image, "image", ndim=2))[None], np.zeros(1, np.uint8))
    all_digits = sample()
    firsts = [
        int(np.flatnonzero(all_digits.labels == label)[0]) for label in (3, 0, 1, 2, 4, 5, 6, 7, 8, 9)
    ]  # the lesson's 3 first
    return Sample(all_digits.images[firsts], all_digits.labels[firsts])


def _about(own, model, units):
    if not own:
        return f"The {'model' if model else 'weights'} given, a SimpleRNN with {units} units."
    test = provenance("rnn32")["test"]
    return (
        f"Three units: the numbers of lesson 1. {units} units: a SimpleRNN that comes with the course; with its output layer it "
        f"has {test['right']} of the {test['of']:,} embedded test digits right."
    )


def _checked_state(state: dict, toy: bool, units: int, digits: int) -> dict:
    """The whole state, with defaults for what is left out; ValueError names what is impossible."""
    known = {"network", *START["toy"], *REST}
    if set(state) - known:
        raise ValueError(
            f"state: expected any of {', '.join(sorted(known))}; received {', '.join(sorted(map(str, set(state) - known)))}."
        )
    network = state.get("network", "toy" if toy else "real")
    if network not in ("toy", "real") or (network == "toy" and not toy):
        raise ValueError(f"state: expected network to be {'toy or ' * toy}real; received {network!r}.")
    whole = {"network": network} | START[network] | REST | state
    features, most, steps = (2, 3, 2) if network == "toy" else (28, units, 28)
    if whole["order"] not in ("place", "size"):
        raise ValueError(f"state: expected order to be place or size; received {whole['order']!r}.")
    return {
        "network": network, "step": between("step", whole["step"], 1, steps), "unit": between("unit", whole["unit"], 1, most),
        "line": between("line", whole["line"], 1, features + most + 1), "stage": between("stage", whole["stage"], 0, 3),
        "digit": between("digit", whole["digit"], 0, digits - 1), "order": whole["order"],
        "edits": [_checked_edit(edit, features, most, steps) for edit in whole["edits"]],
    }  # fmt: skip


def _checked_edit(edit, features, units, steps):
    edit = list(edit) if isinstance(edit, list | tuple) else [edit]
    if len(edit) != 4 or edit[0] not in ("W", "x"):
        raise ValueError(f'state: expected edits like ["W", line, unit, value] or ["x", step, input, value]; received {edit!r}.')
    first, second = (features + units + 1, units) if edit[0] == "W" else (steps, features)
    low, high = (0, 1) if edit[0] == "x" and features == 28 else (-100, 100)
    return [
        edit[0],
        between("edits", edit[1], 1, first),
        between("edits", edit[2], 1, second),
        between("edits", edit[3], low, high, Real),
    ]


def between(name: str, value, low: float, high: float, kind: type = Integral):
    """The value when it is of that kind and inside; ValueError with its name when not."""
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        number = "a whole number" if kind is Integral else "a number"
        raise ValueError(f"state: expected {name} to be {number} from {low} to {high}; received {value!r}.")
    return value if not isinstance(value, np.generic) else value.item()
