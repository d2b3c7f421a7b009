"""Lesson 4: cases, typical mistakes and hints. The answers are in the notebook beside this file."""

import numpy as np

from course_utils.grading.exercises import Case, Task, Wrong

# --- confusion_matrix ---


def confusion_cases(rng):
    def drawn(count, classes, dtype=float, kinds=None):
        labels = rng.integers(0, kinds or classes, count)
        return {"labels": labels, "logits": rng.normal(0, 2, (count, classes)).astype(dtype)}

    one = drawn(1, 3) | {"labels": np.array([2]), "logits": np.array([[0.5, 3.0, -1.0]])}
    absent = drawn(12, 6, kinds=3)
    absent["logits"][:, 4:] = -9
    many = {"labels": np.ones(300, int), "logits": np.tile([[1.0, 0.5]], (300, 1))}
    repeated = {"labels": np.array([0, 0, 0, 1]), "logits": np.array([[0.1, 2.0], [0.0, 1.0], [0.2, 0.9], [1.0, 3.0]])}
    return [
        Case("one digit of class 2, taken for a 1, should count at row 2, column 1", one),
        Case("three digits of class 0 taken for a 1 should count 3 at row 0, column 1", repeated),
        Case("with 40 digits of 4 classes the counts should add up to 40", drawn(40, 4)),
        Case("as many digits as classes should do as well", drawn(5, 5)),
        Case("classes that never occur should have a row of zeros, and a column", absent),
        Case("300 digits of class 1 taken for a 0 should count 300", many),
        Case("200 digits of 10 classes in float32 should do as well", drawn(200, 10, np.float32)),
    ]


def count(labels, logits, *, said=lambda logits: logits.argmax(axis=1)):
    table = np.zeros((logits.shape[1], logits.shape[1]), int)
    np.add.at(table, (labels, said(logits)), 1)
    return table


def lost(labels, logits):
    table = np.zeros((logits.shape[1], logits.shape[1]), int)
    table[labels, logits.argmax(axis=1)] += 1
    return table


def occurring(labels, logits):
    seen = np.union1d(labels, logits.argmax(axis=1))
    return count(labels, logits)[np.ix_(seen, seen)]


def largest(labels, logits):
    classes = max(labels.max(), logits.argmax(axis=1).max()) + 1
    return count(labels, logits)[:classes, :classes]


def without_zero(labels, logits):
    table = count(labels, logits)
    table[0], table[:, 0] = 0, 0
    return table


CONFUSION_MISTAKES = [
    Wrong(
        "transposed",
        "Rows and columns are exchanged: rows are the true classes, columns what the network said.",
        lambda y, z: count(y, z).T,
    ),
    Wrong(
        "pairs counted once",
        "Pairs that come several times are counted once: `counts[rows, columns] += 1` adds one for each place, however often it is named.",
        lost,
    ),
    Wrong(
        "argmax over the wrong axis",
        "argmax goes over the wrong axis: each row of logits holds the classes of one digit.",
        lambda y, z: count(y, z, said=lambda z: z.argmax(axis=0)),
    ),
    Wrong(
        "argmin for argmax",
        "You took the smallest logit; the network's answer is the largest.",
        lambda y, z: count(y, z, said=lambda z: z.argmin(axis=1)),
    ),
    Wrong(
        "shares for counts",
        "These are shares of each row; counts are wanted.",
        lambda y, z: count(y, z) / np.maximum(count(y, z).sum(axis=1, keepdims=True), 1),
    ),
    Wrong("shares of all", "These are shares of all digits; counts are wanted.", lambda y, z: count(y, z) / len(y)),
    Wrong(
        "diagonal left out",
        "The diagonal is left out: right answers count as well.",
        lambda y, z: count(y, z) * (1 - np.eye(z.shape[1], dtype=int)),
    ),
    Wrong(
        "missing classes left out",
        "Classes that never occur are left out; they should have a row and a column of zeros.",
        occurring,
    ),
    Wrong(
        "too few classes",
        "The number of classes is taken from the classes that occur; it is the number of logits of a digit.",
        lambda y, z: largest(y, z),
    ),
    Wrong(
        "counted in 8 bits",
        "The counts begin again at 0 after 255: 8 bits are too few.",
        lambda y, z: count(y, z).astype("uint8"),
    ),
    Wrong("class 0 left out", "Row and column of class 0 are empty: classes begin at 0.", lambda y, z: without_zero(y, z)),
    Wrong("only right answers", "Only the right answers are counted.", lambda y, z: count(y, z) * np.eye(z.shape[1], dtype=int)),
    Wrong("second best", "You took the second largest logit.", lambda y, z: count(y, z, said=lambda z: z.argsort(axis=1)[:, -2])),
]

# --- recall_intervals ---


def recall_cases(rng):
    def drawn(count, classes, z, hit=0.8):
        labels = np.concatenate([np.arange(classes), rng.integers(0, classes, count - classes)])
        said = np.where(rng.random(count) < hit, labels, rng.integers(0, classes, count))
        return {"labels": labels, "said": said, "classes": classes, "z": z}

    perfect = np.repeat(np.arange(2), [5, 30])
    never = np.repeat(np.arange(3), [4, 9, 20])
    return [
        Case(
            "with z = 0 both bounds should be the recall itself: right answers of a class over its digits",
            drawn(60, 3, 0.0, hit=0.6),
        ),
        Case(
            "where all answers are right the upper bound should be 1 and the lower one below it",
            {"labels": perfect, "said": perfect, "classes": 2, "z": 1.96},
        ),
        Case(
            "where all answers are wrong the lower bound should be 0",
            {"labels": never, "said": (never + 1) % 3, "classes": 3, "z": 1.96},
        ),
        Case("with z = 1.96 Wilson's bounds should come out, for each class from its own digits", drawn(80, 4, 1.96)),
        Case("with another z they should be wider", drawn(50, 3, 2.576)),
        Case("1,000 digits of 10 classes should do as well", drawn(1000, 10, 1.96, hit=0.95)),
    ]


def wilson(k, n, z, *, root=np.sqrt, middle=True, centre=lambda p, n, z: p + z**2 / (2 * n), shrink=lambda n, z: 1 + z**2 / n):
    p = k / n
    half = z * root(p * (1 - p) / n + (z**2 / (4 * n**2) if middle else 0))
    return np.stack([(centre(p, n, z) - half) / shrink(n, z), (centre(p, n, z) + half) / shrink(n, z)], axis=1)


def counted(interval, *, of="labels", hits=lambda y, said, c: np.sum((y == c) & (said == c))):
    """Counts for each class, then an interval from them."""

    def mistake(labels, said, classes, z):
        n = (
            np.array([np.sum((labels if of == "labels" else said) == c) for c in range(classes)])
            if of != "all"
            else np.full(classes, len(labels))
        )
        k = np.array([hits(labels, said, c) for c in range(classes)])
        with np.errstate(all="ignore"):
            return interval(k, n, z)

    return mistake


def wald(k, n, z):
    p = k / n
    half = z * np.sqrt(p * (1 - p) / n)
    return np.stack([p - half, p + half], axis=1)


def overall(labels, said, classes, z):
    return np.repeat(wilson(np.array([np.sum(labels == said)]), np.array([len(labels)]), z), classes, axis=0)


def centre_and_half(k, n, z):
    low, high = wilson(k, n, z).T
    return np.stack([(low + high) / 2, (high - low) / 2], axis=1)


RECALL_MISTAKES = [
    Wrong(
        "precision for recall",
        "This is the precision: divide by the digits of the class, not by those that were said to be of it.",
        counted(wilson, of="said"),
    ),
    Wrong(
        "normal interval for Wilson's",
        "This is the normal interval p +- z sqrt(p (1 - p) / n): it leaves [0, 1] and has no width at p = 1. Wilson's moves the centre.",
        counted(wald),
    ),
    Wrong(
        "divided by all digits", "You divided by the number of all digits; each class counts its own.", counted(wilson, of="all")
    ),
    Wrong("accuracy for recall", "Each class has the interval of the overall accuracy; its own is wanted.", overall),
    Wrong(
        "integer division",
        "// cuts the share down to 0 or 1: divide with /.",
        counted(lambda k, n, z: wilson((k // n) * n, n, z)),
    ),
    Wrong("z squared", "z^2 stands in front of the root; it should be z.", counted(lambda k, n, z: scaled(k, n, z, z))),
    Wrong("z missing", "The z in front of the root is missing.", counted(lambda k, n, z: scaled(k, n, z, 1 / z if z else 0))),
    Wrong("root missing", "The square root is missing.", counted(lambda k, n, z: wilson(k, n, z, root=lambda a: a))),
    Wrong(
        "bounds exchanged",
        "The bounds are exchanged: the lower one comes first.",
        counted(lambda k, n, z: wilson(k, n, z)[:, ::-1]),
    ),
    Wrong(
        "centre not moved",
        "The centre is not moved: it is p + z^2 / (2 n), divided by 1 + z^2 / n.",
        counted(lambda k, n, z: wilson(k, n, z, centre=lambda p, n, z: p * (1 + z**2 / n))),
    ),
    Wrong(
        "not divided", "The division by 1 + z^2 / n is missing.", counted(lambda k, n, z: wilson(k, n, z, shrink=lambda n, z: 1))
    ),
    Wrong(
        "second term under the root missing",
        "Under the root z^2 / (4 n^2) is missing.",
        counted(lambda k, n, z: wilson(k, n, z, middle=False)),
    ),
    Wrong(
        "z always 1.96",
        "The z that you are given is not used: 1.96 stands in its place.",
        lambda labels, said, classes, z: counted(wilson)(labels, said, classes, 1.96),
    ),
    Wrong(
        "n not squared under the root",
        "Under the root z^2 is divided by 4 n; it should be 4 n^2.",
        counted(lambda k, n, z: unsquared(k, n, z)),
    ),
    Wrong(
        "brackets missing",
        "1 / 1 + z^2 / n is 1 + z^2 / n: put brackets around what you divide by.",
        counted(lambda k, n, z: wilson(k, n, z, shrink=lambda n, z: 1 / (1 + z**2 / n))),
    ),
    Wrong(
        "no interval at 0 and 1",
        "A class that is all right or all wrong gets no interval; there Wilson's has a width as well.",
        counted(lambda k, n, z: np.where(((k == 0) | (k == n))[:, None], (k / n)[:, None], wilson(k, n, z))),
    ),
    Wrong("per cent", "These are per cent; shares between 0 and 1 are wanted.", counted(lambda k, n, z: 100 * wilson(k, n, z))),
    Wrong("centre and half width", "These are centre and half width; the two bounds are wanted.", counted(centre_and_half)),
    Wrong(
        "errors for right answers",
        "You counted the wrong answers of each class; recall counts the right ones.",
        counted(wilson, hits=lambda y, said, c: np.sum((y == c) & (said != c))),
    ),
]


def unsquared(k, n, z):
    p = k / n
    half, middle = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n)), p + z**2 / (2 * n)
    return np.stack([middle - half, middle + half], axis=1) / (1 + z**2 / n)[:, None]


def scaled(k, n, z, factor):
    low, high = wilson(k, n, z).T
    centre, half = (low + high) / 2, (high - low) / 2 * factor
    return np.stack([centre - half, centre + half], axis=1)


TASKS = [
    Task(
        "confusion_matrix",
        "confusion_matrix",
        [("counts", "(true classes, said classes)")],
        confusion_cases,
        CONFUSION_MISTAKES,
        (
            "What does the network say for one digit? Its row of logits has one number a class.",
            "Begin with a square of zeros, as many rows as there are classes, and go through the pairs (true, said).",
            "For each pair add 1 at counts[true, said]; in a loop, or with np.add.at, which adds as often as a place is named.",
        ),
    ),
    Task(
        "recall_intervals",
        "recall_intervals",
        [("bounds", "(classes, 2), lower before upper")],
        recall_cases,
        RECALL_MISTAKES,
        (
            "For each class: n is the number of its digits, k the number of those that the network got right, p = k / n.",
            "Wilson's interval has the centre (p + z^2 / (2 n)) / (1 + z^2 / n). What is its half width?",
            "The half width is z sqrt(p (1 - p) / n + z^2 / (4 n^2)) / (1 + z^2 / n). Put centre minus half and centre plus half in one row a class.",
        ),
    ),
]
