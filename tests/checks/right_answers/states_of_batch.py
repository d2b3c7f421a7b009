import math

import numpy as np


def states_of_batch_1(digits, W_x, W_h, b):
    """One loop over the steps, stacked along axis 1."""
    h, states = np.zeros((len(digits), len(b))), []
    for t in range(digits.shape[1]):
        h = np.tanh(digits[:, t] @ W_x + h @ W_h + b)
        states.append(h)
    return np.stack(states, axis=1)


def states_of_batch_2(digits, W_x, W_h, b):
    """Loops over everything, with math.tanh."""
    batch, steps, features = digits.shape
    units = len(b)
    states = np.zeros((batch, steps, units))
    for n in range(batch):
        old = [0.0] * units
        for t in range(steps):
            new = []
            for u in range(units):
                total = float(b[u])
                total += sum(float(digits[n, t, k]) * float(W_x[k, u]) for k in range(features))
                total += sum(old[v] * float(W_h[v, u]) for v in range(units))
                new.append(math.tanh(total))
            states[n, t] = old = new
    return states


def states_of_batch_3(digits, W_x, W_h, b):
    """All products with W_x at once; before the first row it reads the zeros at the end of the empty array."""
    projected = np.einsum("ntk,ku->ntu", digits, W_x) + b
    states = np.zeros_like(projected)
    for t in range(digits.shape[1]):
        states[:, t] = np.tanh(projected[:, t] + np.dot(states[:, t - 1], W_h))
    return states


def states_of_batch_4(digits, W_x, W_h, b):
    """A loop over the digits with a function for one digit."""
    def states_of(rows):
        states = [np.zeros(len(b))]
        for x_t in rows:
            states.append(np.tanh(x_t @ W_x + states[-1] @ W_h + b))
        return states[1:]

    return np.array([states_of(rows) for rows in digits])


def states_of_batch_5(digits, W_x, W_h, b):
    """In float32, time first, transposed at the end."""
    W_x, W_h, b = (np.asarray(w, dtype=np.float32) for w in (W_x, W_h, b))
    h, history = np.float32(0) * np.ones((digits.shape[0], W_h.shape[0]), np.float32), []
    for rows in np.swapaxes(np.asarray(digits, dtype=np.float32), 0, 1):
        h = np.tanh(rows @ W_x + h @ W_h + b)
        history.append(h)
    return np.array(history).transpose(1, 0, 2)


def states_of_batch_6(digits, W_x, W_h, b):
    """A small class that holds the state and is given the rows one by one."""
    class Cell:
        def __init__(self):
            self.h = np.zeros((digits.shape[0], b.size))

        def read(self, x_t):
            self.h = np.tanh(x_t.dot(W_x) + self.h.dot(W_h) + b)
            return self.h

    cell = Cell()
    return np.concatenate([cell.read(digits[:, t])[:, None, :] for t in range(digits.shape[1])], axis=1)
