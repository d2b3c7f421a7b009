import numpy as np


def confusion_matrix_1(labels, logits):
    """Rows and columns are swapped: the rows are what the network said."""
    said = logits.argmax(axis=1)
    matrix = np.zeros((logits.shape[1], logits.shape[1]), dtype=int)
    for true, answer in zip(labels, said):
        matrix[answer, true] += 1
    return matrix


def confusion_matrix_2(labels, logits):
    """A pair of classes that comes several times is counted once: += with index arrays does not add up."""
    classes = logits.shape[1]
    matrix = np.zeros((classes, classes), dtype=int)
    matrix[labels, logits.argmax(axis=1)] += 1
    return matrix


def confusion_matrix_3(labels, logits):
    """It takes the number of classes from the digits and answers that occur, so the matrix can be too small."""
    said = np.argmax(logits, axis=1)
    classes = max(labels.max(), said.max()) + 1
    matrix = np.zeros((classes, classes), dtype=int)
    np.add.at(matrix, (labels, said), 1)
    return matrix


def confusion_matrix_4(labels, logits):
    """It returns the share of each row, not the counts."""
    classes = logits.shape[1]
    said = logits.argmax(axis=-1)
    counts = np.array([[np.sum((labels == i) & (said == j)) for j in range(classes)] for i in range(classes)])
    return counts / np.maximum(1, counts.sum(axis=1, keepdims=True))


def confusion_matrix_5(labels, logits):
    """It counts the mistakes only: the digits that were read right are missing on the diagonal."""
    size = logits.shape[1]
    matrix = np.zeros((size, size), dtype=int)
    for n in range(len(labels)):
        answer = int(np.argmax(logits[n]))
        if answer != labels[n]:
            matrix[labels[n], answer] += 1
    return matrix


def confusion_matrix_6(labels, logits):
    """It counts on ten classes, whatever number of logits there is."""
    matrix = np.zeros((10, 10), dtype=int)
    np.add.at(matrix, (labels, logits.argmax(axis=1)), 1)
    return matrix


def confusion_matrix_7(labels, logits):
    """It begins to count at class 1, so the row and the column of class 0 stay empty."""
    classes = logits.shape[1]
    said = logits.argmax(axis=1)
    matrix = np.zeros((classes, classes), dtype=int)
    for i in range(1, classes):
        for j in range(1, classes):
            matrix[i, j] = np.count_nonzero((labels == i) & (said == j))
    return matrix


def confusion_matrix_8(labels, logits):
    """It counts in numbers of 8 bits, which begin again at zero after 255."""
    one_hot = np.eye(logits.shape[1], dtype=np.uint8)
    return one_hot[labels].T @ one_hot[logits.argmax(axis=1)]


def confusion_matrix_9(labels, logits):
    """It prints the matrix and returns nothing."""
    classes = logits.shape[1]
    matrix = np.zeros((classes, classes), dtype=int)
    for true, z in zip(labels, logits):
        matrix[true, z.argmax()] += 1
    print(matrix)


def confusion_matrix_10(labels, logits):
    """It has rows only for classes that occur in labels, and it leaves out the last digit."""
    said = logits.argmax(axis=1)
    present = np.unique(labels)
    rows = []
    for true in present:
        row = [0] * logits.shape[1]
        for n in range(len(labels) - 1):
            if labels[n] == true:
                row[said[n]] += 1
        rows.append(row)
    return np.array(rows)
