import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def old_lstm_step_1(x_t, h_prev, c_prev, W, b):
    """It takes the gates in Keras' order i, f, j, o, not in the old order i, j, f, o."""
    a = np.concatenate([x_t, h_prev], axis=1) @ W + b
    a_i, a_f, a_j, a_o = np.split(a, 4, axis=-1)
    c = sigmoid(a_f + 1) * c_prev + sigmoid(a_i) * np.tanh(a_j)
    h = sigmoid(a_o) * np.tanh(c)
    return h, c


def old_lstm_step_2(x_t, h_prev, c_prev, W, b):
    """The forget bias of 1 is missing."""
    features = x_t.shape[1]
    a_i, a_j, a_f, a_o = np.split(x_t @ W[:features] + h_prev @ W[features:] + b, 4, axis=-1)
    i, j, f, o = sigmoid(a_i), np.tanh(a_j), sigmoid(a_f), sigmoid(a_o)
    c = f * c_prev + i * j
    return o * np.tanh(c), c


def old_lstm_step_3(x_t, h_prev, c_prev, W, b):
    """It adds the 1 to the forget gate itself, outside the sigmoid, not to the gate's input."""
    i, j, f, o = np.split(np.hstack((x_t, h_prev)) @ W + b, 4, axis=1)
    c_t = (sigmoid(f) + 1) * c_prev + sigmoid(i) * np.tanh(j)
    h_t = sigmoid(o) * np.tanh(c_t)
    return h_t, c_t


def old_lstm_step_4(x_t, h_prev, c_prev, W, b):
    """It puts the hidden state before the input, but the first rows of W belong to the input."""
    both = np.concatenate([h_prev, x_t], axis=1)
    i, j, f, o = np.split(np.dot(both, W) + b, 4, axis=1)
    c = sigmoid(f + 1.0) * c_prev + sigmoid(i) * np.tanh(j)
    return sigmoid(o) * np.tanh(c), c


def old_lstm_step_5(x_t, h_prev, c_prev, W, b):
    """It returns the pair the wrong way round, the cell state first."""
    i, j, f, o = np.split(np.concatenate([x_t, h_prev], axis=1) @ W + b, 4, axis=1)
    new_c = c_prev * sigmoid(f + 1.0) + sigmoid(i) * np.tanh(j)
    new_h = np.tanh(new_c) * sigmoid(o)
    return new_c, new_h


def old_lstm_step_6(x_t, h_prev, c_prev, W, b):
    """The tanh of the cell state is missing in the hidden state."""
    units = h_prev.shape[1]
    a = np.c_[x_t, h_prev] @ W + b
    i = sigmoid(a[:, :units])
    j = np.tanh(a[:, units:2 * units])
    f = sigmoid(a[:, 2 * units:3 * units] + 1)
    o = sigmoid(a[:, 3 * units:])
    c = f * c_prev + i * j
    h = o * c
    return h, c


def old_lstm_step_7(x_t, h_prev, c_prev, W, b):
    """It squeezes the candidate with sigmoid, where the formula has tanh."""
    gates = np.concatenate([x_t, h_prev], axis=1) @ W + b
    gates[:, 2 * h_prev.shape[1]:3 * h_prev.shape[1]] += 1
    i, j, f, o = (sigmoid(gate) for gate in np.split(gates, 4, axis=1))
    c = f * c_prev + i * j
    return o * np.tanh(c), c


def old_lstm_step_8(x_t, h_prev, c_prev, W, b):
    """It adds the 1 into the b that it was given, so the forget bias grows with each call."""
    units = h_prev.shape[-1]
    b[2 * units:3 * units] += 1
    i, j, f, o = np.split(np.concatenate([x_t, h_prev], axis=-1) @ W + b, 4, axis=-1)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(j)
    h = sigmoid(o) * np.tanh(c)
    return h, c


def old_lstm_step_9(x_t, h_prev, c_prev, W, b):
    """It adds the 1 to the input of the candidate, the second gate in W, not to that of the forget gate."""
    gates = []
    for k, part in enumerate(np.split(np.arange(W.shape[1]), 4)):
        a = np.einsum("nk,ku->nu", np.concatenate([x_t, h_prev], axis=1), W[:, part]) + b[part]
        gates.append(a + 1 if k == 1 else a)
    i, j, f, o = gates
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(j)
    return sigmoid(o) * np.tanh(c), c


def old_lstm_step_10(x_t, h_prev, c_prev, W, b):
    """It adds the 1 to the inputs of all four gates, and it computes the hidden state from the old cell state."""
    i, j, f, o = np.split(np.concatenate([x_t, h_prev], axis=1) @ W + b + 1, 4, axis=1)
    h = sigmoid(o) * np.tanh(c_prev)
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(j)
    return h, c
