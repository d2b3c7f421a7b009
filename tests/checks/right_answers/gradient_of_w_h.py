import math

import numpy as np


def gradient_of_w_h_1(x, y, w_x, w_h):
    """Forward and backward as in the lesson."""
    h = [0.0]
    for x_t in x:
        h.append(np.tanh(w_x * x_t + w_h * h[-1]))
    dh, dw_h = h[-1] - y, 0.0
    for t in reversed(range(len(x))):
        da = dh * (1 - h[t + 1] ** 2)
        dw_h += da * h[t]
        dh = da * w_h
    return dw_h


def gradient_of_w_h_2(x, y, w_x, w_h):
    """With math.tanh, indices from 1 to T; the step from h_0 = 0 adds nothing and is left out."""
    T = len(x)
    h = [0.0] * (T + 1)
    for t in range(1, T + 1):
        h[t] = math.tanh(float(w_x) * float(x[t - 1]) + float(w_h) * h[t - 1])
    gradient, delta = 0.0, h[T] - float(y)
    for t in range(T, 1, -1):
        delta *= 1 - h[t] * h[t]
        gradient += delta * h[t - 1]
        delta *= float(w_h)
    return gradient


def gradient_of_w_h_3(x, y, w_x, w_h):
    """The sum over the steps from a product of slopes, backwards with np.cumprod."""
    h = np.zeros(len(x) + 1)
    for t, x_t in enumerate(x):
        h[t + 1] = np.tanh(w_x * x_t + w_h * h[t])
    slopes = 1 - h[:0:-1] ** 2
    factors = np.cumprod(np.concatenate([[1.0], w_h * slopes[:-1]]))
    return (h[-1] - y) * np.sum(factors * slopes * h[-2::-1])


def gradient_of_w_h_4(x, y, w_x, w_h):
    """A function that calls itself: down to the end of the sequence, and back with the derivative."""
    def walk(t, h):
        """Derivatives of the loss by h_t and by w_h in the steps after t."""
        if t == len(x):
            return h - y, 0.0
        new = math.tanh(w_x * x[t] + w_h * h)
        d_new, d_weight = walk(t + 1, new)
        da = d_new * (1 - new ** 2)
        return da * w_h, d_weight + da * h

    return walk(0, 0.0)[1]


def gradient_of_w_h_5(x, y, w_x, w_h):
    """Two nested loops over the pairs of steps: how h_T depends on h_t, for each t."""
    h = [0.0]
    for x_t in x:
        h.append(float(np.tanh(w_x * x_t + w_h * h[-1])))
    T, terms = len(x), []
    for t in range(1, T + 1):
        chain = 1.0
        for s in range(T, t, -1):
            chain *= (1 - h[s] ** 2) * w_h
        terms.append((h[T] - y) * chain * (1 - h[t] ** 2) * h[t - 1])
    return sum(terms)
