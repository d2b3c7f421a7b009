import math

import numpy as np


def recall_intervals_1(labels, said, classes, z):
    """All classes at once, the formula as it stands."""
    n = np.bincount(labels, minlength=classes)
    p = np.bincount(labels[labels == said], minlength=classes) / n
    root = z * np.sqrt(p * (1 - p) / n + z ** 2 / (4 * n ** 2))
    middle = p + z ** 2 / (2 * n)
    return np.stack([middle - root, middle + root], axis=1) / (1 + z ** 2 / n)[:, None]


def recall_intervals_2(labels, said, classes, z):
    """Loops that count digit by digit, with math.sqrt."""
    table = np.zeros((classes, 2))
    for c in range(classes):
        n = k = 0
        for true, answer in zip(labels, said):
            if true == c:
                n += 1
                if answer == c:
                    k += 1
        p = k / n
        inside = p * (1 - p) / n + z * z / (4 * n * n)
        table[c, 0] = (p + z * z / (2 * n) - z * math.sqrt(inside)) / (1 + z * z / n)
        table[c, 1] = (p + z * z / (2 * n) + z * math.sqrt(inside)) / (1 + z * z / n)
    return table


def recall_intervals_3(labels, said, classes, z):
    """The other form of the formula, from lesson 3, with k and n."""
    def wilson(k, n):
        centre = (k + z ** 2 / 2) / (n + z ** 2)
        half = z / (n + z ** 2) * np.sqrt(k * (n - k) / n + z ** 2 / 4)
        return centre - half, centre + half

    found = np.array([np.sum((labels == c) & (said == c)) for c in range(classes)])
    of_all = np.array([np.sum(labels == c) for c in range(classes)])
    return np.array(wilson(found, of_all)).T


def recall_intervals_4(labels, said, classes, z):
    """The bounds as the two solutions of a quadratic equation, class by class."""
    rows = []
    for c in range(classes):
        right = said[labels == c] == c
        n, p = right.size, right.mean()
        first, second, third = 1 + z ** 2 / n, -(2 * p + z ** 2 / n), p ** 2
        root = math.sqrt(max(0.0, second ** 2 - 4 * first * third))
        rows.append(((-second - root) / (2 * first), (-second + root) / (2 * first)))
    return np.array(rows)


def recall_intervals_5(labels, said, classes, z):
    """From a confusion matrix, the signs along an axis of their own, clipped to 0 and 1."""
    matrix = np.zeros((classes, classes))
    np.add.at(matrix, (labels, said), 1)
    n = matrix.sum(axis=1, keepdims=True)
    p = np.diag(matrix)[:, None] / n
    signs = np.array([[-1.0, 1.0]])
    bounds = (p + z ** 2 / (2 * n) + signs * z * np.sqrt(p * (1 - p) / n + z ** 2 / (4 * n ** 2))) / (1 + z ** 2 / n)
    return np.clip(bounds, 0, 1)
