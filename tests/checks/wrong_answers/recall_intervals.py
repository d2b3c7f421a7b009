import math

import numpy as np


def recall_intervals_1(labels, said, classes, z):
    """It is the interval of the precision: n counts the digits taken for the class, not those of the class."""
    k = np.array([np.sum((labels == c) & (said == c)) for c in range(classes)])
    n = np.maximum(1, np.bincount(said, minlength=classes))
    p = k / n
    half = z * np.sqrt(p * (1 - p) / n + z ** 2 / (4 * n ** 2))
    middle = p + z ** 2 / (2 * n)
    return np.stack([middle - half, middle + half], axis=1) / (1 + z ** 2 / n)[:, None]


def recall_intervals_2(labels, said, classes, z):
    """It is the simple interval p plus or minus z sqrt(p (1 - p) / n), not Wilson's."""
    intervals = np.zeros((classes, 2))
    for c in range(classes):
        right = said[labels == c] == c
        p, n = right.mean(), len(right)
        half = z * np.sqrt(p * (1 - p) / n)
        intervals[c] = p - half, p + half
    return intervals


def recall_intervals_3(labels, said, classes, z):
    """It computes with 1.96 always and does not look at the z that it was given."""
    def wilson(k, n, s=1.96):
        centre = (k + s ** 2 / 2) / (n + s ** 2)
        half = s / (n + s ** 2) * np.sqrt(k * (n - k) / n + s ** 2 / 4)
        return centre - half, centre + half

    found = np.array([np.sum((labels == c) & (said == c)) for c in range(classes)])
    return np.transpose(wilson(found, np.bincount(labels, minlength=classes)))


def recall_intervals_4(labels, said, classes, z):
    """The shape is (2, classes): the lower bounds are one row and the upper bounds another."""
    n = np.array([np.sum(labels == c) for c in range(classes)])
    p = np.array([np.mean(said[labels == c] == c) for c in range(classes)])
    root = np.sqrt(p * (1 - p) / n + z ** 2 / (4 * n ** 2))
    low = (p + z ** 2 / (2 * n) - z * root) / (1 + z ** 2 / n)
    high = (p + z ** 2 / (2 * n) + z * root) / (1 + z ** 2 / n)
    return np.array([low, high])


def recall_intervals_5(labels, said, classes, z):
    """The upper bound comes first and the lower bound second."""
    rows = []
    for c in range(classes):
        n = np.count_nonzero(labels == c)
        p = np.count_nonzero((labels == c) & (said == c)) / n
        rows.append([(p + z * z / (2 * n) + sign * z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)
                     for sign in (1, -1)])
    return np.array(rows)


def recall_intervals_6(labels, said, classes, z):
    """It divides k by n with //, so each recall is 0 or 1."""
    result = np.empty((classes, 2))
    for c in range(classes):
        n = int(np.sum(labels == c))
        k = int(np.sum((labels == c) & (said == c)))
        p = k // n
        middle = p + z ** 2 / (2 * n)
        half = z * math.sqrt(p * (1 - p) / n + z ** 2 / (4 * n ** 2))
        result[c, 0] = (middle - half) / (1 + z ** 2 / n)
        result[c, 1] = (middle + half) / (1 + z ** 2 / n)
    return result


def recall_intervals_7(labels, said, classes, z):
    """Under the root n is not squared in the second term, so the interval is too wide."""
    n = np.bincount(labels, minlength=classes)
    k = np.bincount(labels[labels == said], minlength=classes)
    p = k / n
    root = np.sqrt(p * (1 - p) / n + z ** 2 / (4 * n))
    factor = 1 / (1 + z ** 2 / n)
    return np.column_stack([factor * (p + z ** 2 / (2 * n) - z * root), factor * (p + z ** 2 / (2 * n) + z * root)])


def recall_intervals_8(labels, said, classes, z):
    """The brackets of the first factor are missing: 1 / 1 + z ** 2 / n is 1 plus z ** 2 / n."""
    n = np.bincount(labels, minlength=classes)
    p = np.bincount(labels[labels == said], minlength=classes) / n
    root = z * np.sqrt(p * (1 - p) / n + z ** 2 / (4 * n ** 2))
    factor = 1 / 1 + z ** 2 / n
    return np.stack([factor * (p + z ** 2 / (2 * n) + plus_minus) for plus_minus in (-root, root)], axis=-1)


def recall_intervals_9(labels, said, classes, z):
    """A class that is all right or all wrong gets no interval: both bounds are the recall itself."""
    intervals = []
    for c in range(classes):
        n = np.sum(labels == c)
        p = np.sum((labels == c) & (said == c)) / n
        if p == 0 or p == 1:
            intervals.append((p, p))
            continue
        half = z * np.sqrt(p * (1 - p) / n + z ** 2 / (4 * n ** 2))
        intervals.append(((p + z ** 2 / (2 * n) - half) / (1 + z ** 2 / n), (p + z ** 2 / (2 * n) + half) / (1 + z ** 2 / n)))
    return np.array(intervals)


def recall_intervals_10(labels, said, classes, z):
    """It takes the number of all digits for n in the interval, and it rounds the bounds to two places."""
    n = len(labels)
    table = []
    for c in range(classes):
        p = np.mean(said[labels == c] == c)
        half = z * np.sqrt(p * (1 - p) / n + z ** 2 / (4 * n ** 2))
        middle = p + z ** 2 / (2 * n)
        table.append([round((middle - half) / (1 + z ** 2 / n), 2), round((middle + half) / (1 + z ** 2 / n), 2)])
    return np.array(table)
