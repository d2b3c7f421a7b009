"""The gradient river (lessons 2 and 3): how much of a tiny push on an early state still reaches the last one."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from course_utils.widgets import joined
from course_utils.widgets.gradients import FRESH_UNITS, PER_STEP, fresh_cell, gradient_sizes, probe_table, scaled
from course_utils.widgets.lstm_scope import _between, _kind
from course_utils.widgets.picture import Picture, Sample, sample
from course_utils.widgets.weights import Cell, read_model

if TYPE_CHECKING:
    import keras

NAMES = {"rnn": "RNN", "lstm": "LSTM"}
START = {"cells": ["RNN", "LSTM"], "scale": 1.0, "steps": 28, "forget": 1.0, "fresh": False, "digit": 0, "step": None}
STEPS = tuple(28 * 28 // pixels for pixels in PER_STEP)
LOW, HIGH = -12, 6  # the axis, in powers of ten: the same for all settings, so that they can be compared


class GradientRiver(Picture):
    """The length of dh_T/dh_t at each time step t, RNN beside LSTM, on a logarithmic axis: it computes in the browser.

    What is drawn: eight fixed random directions v of the last state, each of length 1, are taken back by vector products; at
    each t the root mean square of the lengths of v dh_T/dh_t. It estimates the Frobenius norm of the Jacobian divided by the
    root of the number of units. For an LSTM also dh_T/dc_t.

    Args:
        models: at most one Keras model of SimpleRNN and one of LSTM, each with a Dense after it, that read rows of 28 numbers.
            For a kind that is not given, and for sequences of more than 28 steps, a fresh, untrained network of 32 units.
        images, labels: digits to read, (n, 28, 28) with ink from 0 to 1 and (n,); the first of each class is taken. Embedded
            test digits if None.
        state: where to start, any of: ``cells`` (which lines: a list of "RNN", "LSTM"), ``scale`` (W_h is multiplied by it, 0.1
            to 3), ``steps`` (time steps: 28, 56, 112, 196, 392 or 784), ``forget`` (forget bias of the fresh LSTM, 0 to 8),
            ``fresh`` (fresh networks instead of those given), ``digit`` (its class), ``step`` (whose numbers are
            shown, from 1; None).

    The trait ``state`` follows the hand; what it is set to shows at once. `still()` draws it.

    Raises:
        ValueError: a model has another form or NaN among its weights, there are two of a kind, the images have another size,
            or the state holds something impossible. The message says what is accepted.

    >>> river = GradientRiver(state={"scale": 0.5, "cells": ["RNN"]})
    >>> river
    GradientRiver(fresh SimpleRNN with 32 units, fresh LSTM with 32 units)
    >>> bool(river.sizes()["RNN"]["h"][0] < -8)
    True
    """

    _esm = joined.light(joined.source("river"))
    _css = joined.light(joined.style("river"))
    networks = traitlets.List(help="for each network, those given and then the fresh ones: name, given, spec").tag(sync=True)
    weights = traitlets.Bytes(help="for each network W_x, W_h, b, W_y, b_y: float32, little-endian").tag(sync=True)
    inputs = traitlets.Bytes(help="W_x of the fresh RNN and LSTM for 14, 7, 4, 2, 1 pixels a step: float32").tag(sync=True)
    probes = traitlets.Bytes(help="directions of the last state before they are cut and scaled: 8 rows, float32").tag(sync=True)
    images = traitlets.Bytes(help="the digits, one of each class: grey levels, packed with zlib").tag(sync=True)
    labels = traitlets.Bytes(help="their classes, a byte each").tag(sync=True)
    about = traitlets.Unicode(help="which networks these are").tag(sync=True)
    state = traitlets.Dict(help="cells, scale, steps, forget, fresh, digit, step: see the class").tag(sync=True)

    def __init__(self, *models: keras.Model, images: ArrayLike | None = None, labels: ArrayLike | None = None,
                 state: dict | None = None) -> None:
        self._given = _read_models(models)
        self._fresh = {(kind, pixels): fresh_cell(kind, pixels) for kind in NAMES for pixels in PER_STEP}
        self._sample = _one_of_each(sample(images, labels))
        nets = [*self._given.values(), *(self._fresh[kind, 28] for kind in NAMES)]
        super().__init__(
            networks=[dict(name=NAMES[cell.kind], given=k < len(self._given), spec=cell.spec) for k, cell in enumerate(nets)],
            weights=b"".join(cell.block() for cell in nets),
            inputs=b"".join(cell.W_x.tobytes() for (_, pixels), cell in self._fresh.items() if pixels < 28),
            probes=probe_table(max(len(cell.W_h) for cell in nets)).tobytes(),
            images=self._sample.packed(), labels=self._sample.labels.tobytes(), about=self._about(), state=state or {})

    @traitlets.validate("state")
    def _whole_state(self, proposal) -> dict:
        return checked_state(proposal["value"], self._sample.labels.tolist())

    def network(self, name: str) -> Cell:
        """The network behind a line, "RNN" or "LSTM", as it is now: given or fresh, its W_h scaled."""
        kind, state = name.lower(), self.state
        if self.is_given(name):
            return scaled(self._given[kind], state["scale"])
        cell = self._fresh[kind, 784 // state["steps"]]
        if kind == "lstm":
            cell = cell._replace(b=np.repeat(np.float32([0, state["forget"], 0, 0]), FRESH_UNITS))
        return scaled(cell, state["scale"])

    def is_given(self, name: str) -> bool:
        """Whether a line is drawn from the model that was given: it reads rows, so only at 28 time steps."""
        return name.lower() in self._given and self.state["steps"] == 28 and not self.state["fresh"]

    @property
    def image(self) -> np.ndarray:
        """The digit as it is read, (time steps, pixels a step), ink from 0 to 1."""
        digit = self._sample.images[self._sample.labels.tolist().index(self.state["digit"])]
        return digit.reshape(self.state["steps"], -1) / 255

    def sizes(self) -> dict[str, dict[str, np.ndarray]]:
        """The lines by name: log10 of the lengths, ``h`` and for the LSTM ``c``, each (time steps,). See `gradient_sizes`."""
        return {name: gradient_sizes(self.network(name), self.image) for name in self.state["cells"]}

    def caption(self) -> str:
        lines = [f"{_power(sizes['h'][0])} times as long ({self._which(name)}{'; on its cell state ' + _power(sizes['c'][0]) if 'c' in sizes else ''})"
                 for name, sizes in self.sizes().items()]
        return (f"{self.state['steps']} time steps, W_h times {self.state['scale']:.2f}: "
                f"a tiny push on the first state arrives at the last {' and '.join(lines)}.")

    def _which(self, name):
        return f"{name} as given" if self.is_given(name) else f"fresh {name}"

    def still(self) -> Figure:
        """The lines over the time steps, drawn by matplotlib."""
        from course_utils.widgets.river_still import draw_river

        return draw_river(self)

    def _about(self):
        given = ", ".join(f"{NAMES[kind]} ({_kind(cell)})" for kind, cell in self._given.items())
        fresh = f"Fresh networks have {FRESH_UNITS} units, as Keras starts them, and never learned anything."
        return (f"Given: {given}; at 28 steps only. " if given else "") + fresh

    def __repr__(self) -> str:
        return "GradientRiver(" + ", ".join(
            _kind(self._given[kind]) if kind in self._given else f"fresh {_kind(self._fresh[kind, 28])}" for kind in NAMES) + ")"


def _power(log10):
    """A number whose logarithm is known, also where it is too small or too large for a float."""
    if not np.isfinite(log10):
        return "0" if log10 < 0 else "beyond all numbers"
    whole = int(np.floor(log10))
    digits = f"{10 ** (log10 - whole):.1f}"
    return f"1.0e{whole + 1:+03d}" if digits == "10.0" else f"{digits}e{whole:+03d}"


def _read_models(models):
    cells = [read_model(model) for model in models]
    kinds = [cell.kind for cell in cells]
    if len(set(kinds)) < len(kinds):
        received = ", ".join(NAMES[kind] for kind in kinds)
        raise ValueError(f"models: expected at most one SimpleRNN and one LSTM; received {received}.")
    return dict(zip(kinds, cells))


def _one_of_each(digits):
    labels = np.unique(digits.labels)
    first = [np.flatnonzero(digits.labels == label)[0] for label in labels]
    return Sample(digits.images[first], labels)


def checked_state(state: dict, classes: list[int]) -> dict:
    """The whole state, with defaults for what is left out; ValueError names what is impossible."""
    unknown = set(state) - set(START)
    if unknown:
        raise ValueError(f"state: expected any of {', '.join(START)}; received {', '.join(sorted(map(str, unknown)))}.")
    whole = START | {"digit": classes[0]} | state
    cells = list(whole["cells"]) if isinstance(whole["cells"], (list, tuple)) else None
    if not cells or set(cells) - set(NAMES.values()) or len(set(cells)) < len(cells):
        raise ValueError(f"state: expected cells to be a list of RNN, LSTM or both; received {whole['cells']!r}.")
    for key, accepted in (("steps", list(STEPS)), ("digit", classes), ("fresh", [True, False])):
        if whole[key] not in accepted or isinstance(whole[key], bool) != (key == "fresh"):
            raise ValueError(f"state: expected {key} to be one of {', '.join(map(str, accepted))}; received {whole[key]!r}.")
    return {
        "cells": [name for name in NAMES.values() if name in cells], "scale": _between("scale", whole["scale"], 0.1, 3, Real),
        "steps": int(whole["steps"]), "forget": _between("forget", whole["forget"], 0, 8, Real), "fresh": whole["fresh"],
        "digit": int(whole["digit"]),
        "step": None if whole["step"] is None else _between("step", whole["step"], 1, int(whole["steps"])),
    }  # fmt: skip
