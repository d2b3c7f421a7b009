import math

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def old_lstm_step_1(x_t, h_prev, c_prev, W, b):
    """One product and np.split."""
    i, j, f, o = np.split(np.concatenate([x_t, h_prev], axis=1) @ W + b, 4, axis=1)
    c = sigmoid(f + 1) * c_prev + sigmoid(i) * np.tanh(j)
    return sigmoid(o) * np.tanh(c), c


def old_lstm_step_2(x_t, h_prev, c_prev, W, b):
    """Loops over everything, with math."""
    (batch, features), units = x_t.shape, h_prev.shape[1]
    h, c = np.zeros((batch, units)), np.zeros((batch, units))

    def entry(n, column):
        total = float(b[column])
        for k in range(features):
            total += float(x_t[n, k]) * float(W[k, column])
        for k in range(units):
            total += float(h_prev[n, k]) * float(W[features + k, column])
        return total

    for n in range(batch):
        for u in range(units):
            i, j, f, o = (entry(n, gate * units + u) for gate in range(4))
            c[n, u] = c_prev[n, u] / (1 + math.exp(-f - 1)) + math.tanh(j) / (1 + math.exp(-i))
            h[n, u] = math.tanh(c[n, u]) / (1 + math.exp(-o))
    return h, c


def old_lstm_step_3(x_t, h_prev, c_prev, W, b):
    """W cut in two, the gates as slices of the columns, and einsum."""
    features, units = x_t.shape[1], h_prev.shape[1]
    a = np.einsum("nk,kg->ng", x_t, W[:features]) + np.einsum("nu,ug->ng", h_prev, W[features:]) + b
    keep = sigmoid(a[:, 2 * units:3 * units] + 1.0)
    write = sigmoid(a[:, :units])
    show = sigmoid(a[:, 3 * units:])
    c_t = keep * c_prev + write * np.tanh(a[:, units:2 * units])
    h_t = show * np.tanh(c_t)
    return h_t, c_t


def old_lstm_step_4(x_t, h_prev, c_prev, W, b):
    """The forget bias in a copy of b, the gates on an axis of their own, in float32."""
    units = len(b) // 4
    b = b.astype("float32").reshape(4, units)
    b[2] += 1
    both = np.hstack([x_t, h_prev]).astype("float32")
    a = np.tensordot(both, W.astype("float32").reshape(-1, 4, units), axes=1) + b
    gates = 0.5 * (1 + np.tanh(a / 2))
    c = gates[:, 2] * c_prev + gates[:, 0] * np.tanh(a[:, 1])
    return gates[:, 3] * np.tanh(c), c


def old_lstm_step_5(x_t, h_prev, c_prev, W, b):
    """The weights sorted into Keras' order, then the step of lesson 3."""
    def sort(w):
        i, j, f, o = np.split(w, 4, axis=-1)
        return np.concatenate([i, f, j, o], axis=-1)

    def lstm_step(x_t, h_prev, c_prev, W_x, W_h, b):
        a_i, a_f, a_g, a_o = np.split(x_t @ W_x + h_prev @ W_h + b, 4, axis=-1)
        i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
        c = f * c_prev + i * g
        return o * np.tanh(c), c

    forget_bias = np.repeat([0.0, 1.0, 0.0, 0.0], h_prev.shape[-1])
    W_x, W_h = np.split(sort(W), [x_t.shape[-1]])
    return lstm_step(x_t, h_prev, c_prev, W_x, W_h, sort(b) + forget_bias)
