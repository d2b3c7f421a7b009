import numpy as np


class Cell:
    def __init__(self, W_x, W_h, b):
        self.W_x, self.W_h, self.b = W_x, W_h, b
        self.h = np.zeros(len(b))

    def step(self, x_t):
        self.h = np.tanh(x_t @ self.W_x + self.h @ self.W_h + self.b)
        return self.h


def states_of_batch_1(digits, W_x, W_h, b):
    """The state leaks: each digit after the first starts from the last state of the digit before."""
    cell = Cell(W_x, W_h, b)
    return np.array([[cell.step(x_t) for x_t in rows] for rows in digits])


def states_of_batch_2(digits, W_x, W_h, b):
    """The axes are in the wrong order: (steps, batch, units)."""
    h, states = np.zeros((len(digits), len(b))), []
    for t in range(digits.shape[1]):
        h = np.tanh(digits[:, t] @ W_x + h @ W_h + b)
        states.append(h)
    return np.stack(states)


def states_of_batch_3(digits, W_x, W_h, b):
    """It reshapes where it should transpose: the shape is right, but the states of the digits are mixed up."""
    batch, steps, _ = digits.shape
    h = np.zeros((batch, len(b)))
    states = []
    for t in range(steps):
        h = np.tanh(digits[:, t, :] @ W_x + h @ W_h + b)
        states.append(h)
    return np.array(states).reshape(batch, steps, len(b))


def states_of_batch_4(digits, W_x, W_h, b):
    """It returns the last state of each digit only, shape (batch, units)."""
    h = np.zeros((digits.shape[0], W_h.shape[0]))
    for t in range(digits.shape[1]):
        h = np.tanh(digits[:, t] @ W_x + h @ W_h + b)
    return h


def states_of_batch_5(digits, W_x, W_h, b):
    """It counts on 28 rows, whatever number of steps the digits have."""
    h, states = np.zeros((len(digits), len(b))), []
    for t in range(28):
        h = np.tanh(digits[:, t] @ W_x + h @ W_h + b)
        states.append(h)
    return np.stack(states, axis=1)


def states_of_batch_6(digits, W_x, W_h, b):
    """It is one step late: it keeps the state before each row, not the state after it."""
    batch, steps, features = digits.shape
    states = np.zeros((batch, steps, len(b)))
    h = np.zeros((batch, len(b)))
    for t in range(steps):
        states[:, t] = h
        h = np.tanh(np.dot(digits[:, t], W_x) + np.dot(h, W_h) + b)
    return states


def states_of_batch_7(digits, W_x, W_h, b):
    """The states have no memory: it goes back to zeros at every row, not only at the first row of a digit."""
    states = []
    for t in range(digits.shape[1]):
        h = np.zeros((digits.shape[0], b.shape[0]))
        h = np.tanh(digits[:, t] @ W_x + h @ W_h + b)
        states.append(h)
    return np.array(states).transpose(1, 0, 2)


def states_of_batch_8(digits, W_x, W_h, b):
    """It appends the same array at each step and overwrites it, so all states of a digit equal its last one."""
    h = np.zeros((len(digits), len(b)))
    states = []
    for t in range(digits.shape[1]):
        h[:] = np.tanh(digits[:, t] @ W_x + h @ W_h + b)
        states.append(h)
    return np.stack(states, axis=1)


def states_of_batch_9(digits, W_x, W_h, b):
    """It returns nested Python lists, which have no shape, not an array."""
    def states_of(rows):
        h, states = np.zeros(len(b)), []
        for x_t in rows:
            h = np.tanh(x_t @ W_x + h @ W_h + b)
            states.append(h.tolist())
        return states

    return [states_of(rows) for rows in digits]


def states_of_batch_10(digits, W_x, W_h, b):
    """It begins at the second row, so each digit's first state stays zero, and it leaves out the bias."""
    states = np.zeros((digits.shape[0], digits.shape[1], W_h.shape[1]))
    for t in range(1, digits.shape[1]):
        states[:, t, :] = np.tanh(digits[:, t, :] @ W_x + states[:, t - 1, :] @ W_h)
    return states
