"""The weights of one cell and its output layer, read from a Keras model or from the file that comes with the course."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import keras

FOLDER = Path(__file__).parent
SHIPPED = FOLDER / "lstm64.npz"
ACCEPTED = "a Keras model that reads rows of 28 numbers: one SimpleRNN or LSTM layer, then one Dense layer of 2 to 26 classes"


class Cell(NamedTuple):
    """A recurrent layer and the output layer on its last state; arrays as Keras keeps them, float32."""

    kind: str  # "lstm" or "rnn"
    activation: str  # around a SimpleRNN's sum: "tanh" or "relu"
    W_x: np.ndarray  # (features, units), or (features, 4 units) with the gates i, f, g, o side by side
    W_h: np.ndarray  # (units, units) or (units, 4 units)
    b: np.ndarray  # (units,) or (4 units,)
    W_y: np.ndarray  # (units, classes)
    b_y: np.ndarray  # (classes,)

    @property
    def spec(self) -> dict:
        """What the browser needs to cut the block of numbers into matrices."""
        units, classes = self.W_y.shape
        return dict(kind=self.kind, activation=self.activation, features=len(self.W_x), units=units, classes=classes)

    def block(self) -> bytes:
        """All numbers in one piece: W_x, W_h, b, W_y, b_y, each row by row, float32, little-endian."""
        return b"".join(np.ascontiguousarray(array, dtype="<f4").tobytes() for array in self[2:])


def read_model(model: keras.Model) -> Cell:
    """Take the weights out of a Keras model: one SimpleRNN or LSTM, then Dense.

    Raises:
        ValueError: the model has another form, its weights hold NaN, or it computes something else than its layers say.
    """
    layers = [layer for layer in getattr(model, "layers", []) if type(layer).__name__ != "InputLayer"]
    kinds = [type(layer).__name__ for layer in layers]
    if kinds not in (["SimpleRNN", "Dense"], ["LSTM", "Dense"]) or not model.built:
        raise ValueError(f"model: expected {ACCEPTED}; received {_described(model, kinds)}.")
    _check_options(*layers)
    cell = _cell(kinds[0], *layers)
    if len(cell.W_x) != 28 or not 2 <= len(cell.b_y) <= 26:
        raise ValueError(f"model: expected {ACCEPTED}; received rows of {len(cell.W_x)} numbers and {len(cell.b_y)} classes.")
    if not all(np.isfinite(array).all() for array in cell[2:]):
        raise ValueError("model: expected finite weights; received NaN or inf. Training broke down: build the model again.")
    _check_parity(model, cell)
    return cell


def _described(model, kinds):
    if not kinds:
        return f"{type(model).__name__}, which has no layers"
    return f"the layers {', then '.join(kinds)}" + ("" if model.built else ", not built yet: call it once on a batch of digits")


def _check_options(layer, head):
    """Options of the layers that would need another formula."""
    asked = dict(go_backwards=False, return_sequences=False)
    asked |= dict(recurrent_activation="sigmoid", activation="tanh") if type(layer).__name__ == "LSTM" else {}
    found = layer.get_config()
    wrong = {name: found[name] for name, value in asked.items() if found[name] != value}
    if found["activation"] not in ("tanh", "relu"):
        wrong["activation"] = found["activation"]
    if head.get_config()["activation"] not in ("linear", "softmax"):
        wrong["activation of Dense"] = head.get_config()["activation"]
    if wrong:
        raise ValueError(f"model: expected {ACCEPTED}, with Keras' usual options; received {wrong}.")


def _cell(kind, layer, head):
    arrays = [np.asarray(weight, dtype=np.float32) for weight in layer.get_weights()]
    out = [np.asarray(weight, dtype=np.float32) for weight in head.get_weights()]
    W_x, W_h, b = arrays if len(arrays) == 3 else (*arrays, np.zeros(arrays[0].shape[1], np.float32))
    W_y, b_y = out if len(out) == 2 else (*out, np.zeros(out[0].shape[1], np.float32))
    return Cell("lstm" if kind == "LSTM" else "rnn", layer.get_config()["activation"], W_x, W_h, b, W_y, b_y)


def _check_parity(model, cell):
    """A model may have the right layers and still do something else with them: two noisy digits tell."""
    images = np.random.default_rng(0).uniform(size=(2, 28, 28)).astype(np.float32)
    theirs = np.asarray(model(images), dtype=float)
    if model.layers[-1].get_config()["activation"] == "linear":
        theirs = _softmax(theirs)
    ours = [forward(cell, image)["p"][-1] for image in images]
    if not np.allclose(ours, theirs, atol=1e-4):
        raise ValueError(f"model: expected {ACCEPTED}, one after the other; this one computes something else from its layers.")


def forward(cell: Cell, image: ArrayLike, forced: dict | None = None) -> dict[str, np.ndarray]:
    """What the browser computes, in NumPy: states and gates (rows, units) and class probabilities `p` (rows, classes).

    Args:
        cell: from `read_model` or `shipped`.
        image: (rows, 28), ink is 1.
        forced: ``{"gate": "i", "f" or "o", "value": 0 to 1, "first": row, "last": row}``, rows counted from 1; or None.
    """
    h, c, history = np.zeros(len(cell.W_h)), np.zeros(len(cell.W_h)), []
    W_x, W_h, b, W_y, b_y = (array.astype(float) for array in cell[2:])
    for row, x_t in enumerate(np.asarray(image, dtype=float), start=1):
        a = x_t @ W_x + h @ W_h + b
        if cell.kind == "rnn":
            h = np.maximum(a, 0) if cell.activation == "relu" else np.tanh(a)
            history.append({"h": h})
            continue
        a_i, a_f, a_g, a_o = np.split(a, 4)
        gates = {"i": _sigmoid(a_i), "f": _sigmoid(a_f), "g": np.tanh(a_g), "o": _sigmoid(a_o)}
        if forced and forced["first"] <= row <= forced["last"]:
            gates[forced["gate"]] = np.full_like(h, forced["value"])
        c = gates["f"] * c + gates["i"] * gates["g"]
        h = gates["o"] * np.tanh(c)
        history.append({"h": h, "c": c, **gates})
    trace = {name: np.array([states[name] for states in history]) for name in history[0]}
    return trace | {"p": _softmax(trace["h"] @ W_y + b_y)}


def _sigmoid(a):
    return (1 + np.tanh(a / 2)) / 2  # never overflows


def _softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def shipped(name: str = "lstm64") -> Cell:
    """A network that comes with the course, so that every picture works before anything was trained here: lstm64 or rnn32."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return Cell(name.rstrip("0123456789"), "tanh", *(file[part].astype(np.float32) for part in ("W_x", "W_h", "b", "W_y", "b_y")))


def provenance(name: str = "lstm64") -> dict:
    """Where shipped weights come from: data, versions, seed, date, accuracy with its interval."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
