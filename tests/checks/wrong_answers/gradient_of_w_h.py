import math

import numpy as np


def gradient_of_w_h_1(x, y, w_x, w_h):
    """It does not go back: it has the term of the last step only."""
    h_old, h = 0.0, 0.0
    for x_t in x:
        h_old, h = h, math.tanh(w_x * x_t + w_h * h)
    return (h - y) * (1 - h ** 2) * h_old


def gradient_of_w_h_2(x, y, w_x, w_h):
    """On its way back it multiplies by w_x where it should multiply by w_h."""
    h = [0.0]
    for x_t in x:
        h.append(np.tanh(w_x * x_t + w_h * h[-1]))
    dh, dw_h = h[-1] - y, 0.0
    for t in reversed(range(len(x))):
        da = dh * (1 - h[t + 1] ** 2)
        dw_h += da * h[t]
        dh = da * w_x
    return dw_h


def gradient_of_w_h_3(x, y, w_x, w_h):
    """It is one step off: in each term it takes the state after the step, where the state before it belongs."""
    h = np.zeros(len(x) + 1)
    for t in range(1, len(x) + 1):
        h[t] = np.tanh(w_x * x[t - 1] + w_h * h[t - 1])
    gradient = 0
    dh = h[-1] - y
    for t in range(len(x), 0, -1):
        da = dh * (1 - h[t] ** 2)
        gradient += da * h[t]
        dh = da * w_h
    return gradient


def gradient_of_w_h_4(x, y, w_x, w_h):
    """The derivative of tanh is missing at every step."""
    h = [0.0]
    for x_t in x:
        h.append(math.tanh(w_x * x_t + w_h * h[-1]))
    delta, total = h[-1] - y, 0.0
    for before in h[-2::-1]:
        total += delta * before
        delta *= w_h
    return total


def gradient_of_w_h_5(x, y, w_x, w_h):
    """It is twice too large: it forgets the 1/2 in the loss."""
    h = [0.0]
    for x_t in x:
        h.append(math.tanh(w_x * x_t + w_h * h[-1]))
    dh, dw_h = 2 * (h[-1] - y), 0.0
    for t in reversed(range(len(x))):
        da = dh * (1 - h[t + 1] ** 2)
        dw_h += da * h[t]
        dh = da * w_h
    return dw_h


def gradient_of_w_h_6(x, y, w_x, w_h):
    """The sign is wrong: the derivative of the loss begins with h_T - y, not with y - h_T."""
    states = [0.0]
    for value in x:
        states.append(np.tanh(w_x * value + w_h * states[-1]))
    states = np.array(states)
    slopes = 1 - states[1:] ** 2
    error, gradient = y - states[-1], 0.0
    for slope, before in zip(slopes[::-1], states[-2::-1]):
        gradient += error * slope * before
        error = error * slope * w_h
    return gradient


def gradient_of_w_h_7(x, y, w_x, w_h):
    """It differentiates numerically, with a push that is large, so only the first digits of the number are right."""
    def loss(w):
        h = 0.0
        for x_t in x:
            h = np.tanh(w_x * x_t + w * h)
        return 0.5 * (h - y) ** 2

    push = 1e-2
    return (loss(w_h + push) - loss(w_h)) / push


def gradient_of_w_h_8(x, y, w_x, w_h):
    """It is the derivative with respect to the other weight, w_x."""
    h = [0.0]
    for x_t in x:
        h.append(math.tanh(w_x * x_t + w_h * h[-1]))
    dh, dw = h[-1] - y, 0.0
    for t in reversed(range(len(x))):
        da = dh * (1 - h[t + 1] ** 2)
        dw += da * x[t]
        dh = da * w_h
    return dw


def gradient_of_w_h_9(x, y, w_x, w_h):
    """It has = where += is needed, so only the term of the first step is left, and that is always zero."""
    h = [0.0]
    for x_t in x:
        h.append(math.tanh(w_x * x_t + w_h * h[-1]))
    dh, dw_h = h[-1] - y, 0.0
    for t in reversed(range(len(x))):
        da = dh * (1 - h[t + 1] ** 2)
        dw_h = da * h[t]
        dh = da * w_h
    return dw_h


def gradient_of_w_h_10(x, y, w_x, w_h):
    """It takes tanh a second time in the derivative of tanh, and it divides the sum by the number of steps."""
    h = [0.0]
    for x_t in x:
        h.append(math.tanh(w_x * x_t + w_h * h[-1]))
    dh, terms = h[-1] - y, []
    for t in range(len(x), 0, -1):
        da = dh * (1 - math.tanh(h[t]) ** 2)
        terms.append(da * h[t - 1])
        dh = da * w_h
    return sum(terms) / len(terms)
