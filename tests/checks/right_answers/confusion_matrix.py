import numpy as np


def confusion_matrix_1(labels, logits):
    """np.add.at, as in the lesson."""
    classes = logits.shape[1]
    matrix = np.zeros((classes, classes), dtype=int)
    np.add.at(matrix, (labels, logits.argmax(axis=1)), 1)
    return matrix


def confusion_matrix_2(labels, logits):
    """Plain loops, the largest logit searched by hand."""
    classes = logits.shape[1]
    matrix = np.zeros((classes, classes), dtype=int)
    for n in range(len(labels)):
        best = 0
        for k in range(1, classes):
            if logits[n, k] > logits[n, best]:
                best = k
        matrix[int(labels[n]), best] += 1
    return matrix


def confusion_matrix_3(labels, logits):
    """A product of one-hot rows, in floats, as whole numbers at the end."""
    one_hot = np.eye(logits.shape[1])
    return np.rint(one_hot[labels].T @ one_hot[np.argmax(logits, axis=-1)]).astype(int)


def confusion_matrix_4(labels, logits):
    """np.bincount of one number for each pair of classes."""
    classes = np.shape(logits)[1]
    pairs = np.asarray(labels, dtype=int) * classes + np.argmax(logits, axis=1)
    return np.bincount(pairs, minlength=classes ** 2).reshape(classes, classes)


def confusion_matrix_5(labels, logits):
    """einsum over two tables of True and False."""
    classes = np.arange(logits.shape[1])
    is_true, is_said = labels[:, None] == classes, logits.argmax(axis=1)[:, None] == classes
    return np.einsum("ni,nj->ij", is_true.astype(int), is_said.astype(int))


def confusion_matrix_6(labels, logits):
    """A histogram in two dimensions, which counts in floats."""
    edges = np.arange(logits.shape[1] + 1) - 0.5
    return np.histogram2d(labels, logits.argmax(axis=1), bins=(edges, edges))[0]
