import numpy as np


def rnn_step_1(x_t, h_prev, W_x, W_h, b, is_first):
    """It never uses is_first: a digit at its first row still sees the state of the digit before."""
    return np.tanh(x_t @ W_x + h_prev @ W_h + b)


def rnn_step_2(x_t, h_prev, W_x, W_h, b, is_first):
    """It is the wrong way round: it keeps the old state of the digits at their first row and forgets the others."""
    old = h_prev * is_first[:, None]
    return np.tanh(x_t @ W_x + old @ W_h + b)


def rnn_step_3(x_t, h_prev, W_x, W_h, b, is_first):
    """The new states are right, but it writes zeros into the h_prev that it was given."""
    h_prev[is_first] = 0
    return np.tanh(np.dot(x_t, W_x) + np.dot(h_prev, W_h) + b)


def rnn_step_4(x_t, h_prev, W_x, W_h, b, is_first):
    """It sets the new state of a digit at its first row to zero, where the old one should count as zero."""
    h_t = np.tanh(x_t @ W_x + h_prev @ W_h + b)
    return np.where(is_first[:, np.newaxis], 0.0, h_t)


def rnn_step_5(x_t, h_prev, W_x, W_h, b, is_first):
    """A digit at its first row loses the bias as well as its past."""
    keep = np.array([0.0 if first else 1.0 for first in is_first]).reshape(-1, 1)
    memory = np.dot(h_prev, W_h) + b
    return np.tanh(np.dot(x_t, W_x) + keep * memory)


def rnn_step_6(x_t, h_prev, W_x, W_h, b, is_first):
    """As soon as one digit is at its first row, all digits of the stack lose their past."""
    if np.any(is_first):
        h_prev = np.zeros_like(h_prev)
    return np.tanh(x_t @ W_x + h_prev @ W_h + b)


def rnn_step_7(x_t, h_prev, W_x, W_h, b, is_first):
    """It multiplies the old state by the transposed W_h."""
    old = np.where(is_first[:, None], 0, h_prev)
    return np.tanh(np.einsum("nf,fu->nu", x_t, W_x) + np.einsum("nu,vu->nv", old, W_h) + b)


def rnn_step_8(x_t, h_prev, W_x, W_h, b, is_first):
    """It lays is_first along the units, not along the digits: an error, unless there are as many units as digits."""
    h_tilde = np.where(is_first, 0, h_prev)
    return np.tanh(x_t @ W_x + h_tilde @ W_h + b)


def rnn_step_9(x_t, h_prev, W_x, W_h, b, is_first):
    """The return stands inside the loop, so it gives the state of the first digit only."""
    new = np.zeros_like(h_prev)
    for n in range(len(x_t)):
        if is_first[n]:
            new[n] = np.tanh(x_t[n] @ W_x + b)
        else:
            new[n] = np.tanh(x_t[n] @ W_x + h_prev[n] @ W_h + b)
        return new[n]


def rnn_step_10(x_t, h_prev, W_x, W_h, b, is_first):
    """It returns nothing when no digit is at its first row, and when one is, it leaves out the bias."""
    if is_first.any():
        old = h_prev.copy()
        old[is_first] = 0
        return np.tanh(x_t @ W_x + old @ W_h)
