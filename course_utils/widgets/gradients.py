"""How the last state feels a push on an earlier one: vector products backwards through SimpleRNN and LSTM, in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from course_utils.widgets.weights import Cell, forward

PROBES, MOST_UNITS = 8, 1024
PER_STEP = (28, 14, 7, 4, 2, 1)  # pixels that a time step reads: a row, half a row, ... one pixel
FRESH_UNITS = 32


def probes(units: int) -> np.ndarray:
    """Eight fixed random directions of the last state, each of length 1: (8, units)."""
    drawn = probe_table(MOST_UNITS)[:, :units].astype(float)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def probe_table(units: int) -> np.ndarray:
    """The numbers that the directions are cut from, normal, float32: (8, units)."""
    return np.random.default_rng(8).normal(size=(PROBES, MOST_UNITS)).astype("<f4")[:, :units]


def gradient_sizes(cell: Cell, steps: ArrayLike) -> dict[str, np.ndarray]:
    """log10 of the mean length of v dh_T/dh_t (and of v dh_T/dc_t of an LSTM) at each time step t, over the directions v.

    The mean is the root mean square. For directions drawn at random it estimates the Frobenius norm of the Jacobian divided
    by the root of the number of units: 1 means that a push arrives as long as it was. The cell state is held while h_t is pushed.

    Args:
        cell: the network.
        steps: what it reads, (time steps, features).

    Returns:
        ``h`` and, of an LSTM, ``c``: each (time steps,); minus infinity where nothing arrives.
    """
    trace = forward(cell, steps)
    slope = (trace["h"] > 0) if cell.activation == "relu" else 1 - trace["h"] ** 2
    dh, dc, shift, sizes = probes(len(cell.W_h)), 0.0, 0.0, []
    for t in reversed(range(len(trace["h"]))):
        if cell.kind == "lstm":
            dc = dc + dh * trace["o"][t] * (1 - np.tanh(trace["c"][t]) ** 2)
        sizes.append([_log_size(vectors, shift) for vectors in (dh, dc)])
        a, dc = _lstm_sums(trace, t, dh, dc) if cell.kind == "lstm" else (dh * slope[t], 0.0)
        dh = a @ cell.W_h.T.astype(float)
        largest = max(np.linalg.norm(dh), np.linalg.norm(dc))
        if largest > 0 and np.isfinite(largest) and not 1e-60 < largest < 1e60:
            dh, dc, shift = dh / largest, dc / largest, shift + np.log10(largest)
    h, c = np.array(sizes[::-1]).T
    return {"h": h, "c": c} if cell.kind == "lstm" else {"h": h}


def _lstm_sums(trace, t, dh, dc):
    """What reaches the sums of the four gates, side by side, and what goes on along the cell state."""
    i, f, g, o, c = (trace[key][t] for key in "ifgoc")
    before = trace["c"][t - 1] if t > 0 else np.zeros_like(c)
    a = [dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g**2), dh * np.tanh(c) * o * (1 - o)]
    return np.concatenate(a, axis=1), dc * f


def _log_size(vectors, shift):
    with np.errstate(divide="ignore"):
        return np.log10(np.linalg.norm(vectors) / np.sqrt(PROBES)) + shift


def fresh_cell(kind: str, features: int, forget_bias: float = 1.0, seed: int = 0) -> Cell:
    """An untrained cell of 32 units as Keras starts one: Glorot's W_x, an orthogonal W_h, zeros, and 1 for the forget gate.

    Args:
        kind: "rnn" or "lstm".
        features: numbers read in a time step.
        forget_bias: bias of an LSTM's forget gates.
        seed: fixes the draw; W_h does not depend on ``features``.
    """
    units, wide = FRESH_UNITS, FRESH_UNITS * (4 if kind == "lstm" else 1)
    q, r = np.linalg.qr(np.random.default_rng([seed, wide]).normal(size=(wide, units)))
    limit = np.sqrt(6 / (features + wide))
    W_x = np.random.default_rng([seed, wide, features]).uniform(-limit, limit, size=(features, wide))
    b = np.repeat([0.0, forget_bias, 0.0, 0.0], units) if kind == "lstm" else np.zeros(units)
    W_y = np.zeros((units, 2))  # an output layer that nobody reads
    return Cell(kind, "tanh", *(array.astype("<f4") for array in (W_x, (q * np.sign(np.diag(r))).T, b, W_y, np.zeros(2))))


def scaled(cell: Cell, scale: float) -> Cell:
    """The same cell with its recurrent weights W_h multiplied."""
    return cell._replace(W_h=(scale * cell.W_h.astype(float)).astype(np.float32))
