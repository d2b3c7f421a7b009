"""The three image sets of the first project, each image as a sequence of rows, and the other orders in which it can be read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from course_utils.data import SOURCES, load_mnist
from course_utils.kit import arrays

NAMES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}
WHOLE = {"mnist": 60_000, "fashion_mnist": 60_000, "cifar10": 50_000}  # images to train on in the whole set


class ImageSet(NamedTuple):
    """An image set, ready to train on: images float32 in [0, 1], labels int64 from 0 to 9.

    An image is a sequence: step t of ``x_train[k]`` is row t, all its pixels from the left, each with its channels. So MNIST has
    28 steps of 28 numbers, and CIFAR-10 has 32 steps of 32 · 3 = 96.
    """

    x_train: np.ndarray  # (n, rows, columns * channels)
    y_train: np.ndarray  # (n,)
    x_test: np.ndarray
    y_test: np.ndarray
    source: str  # "folder", "cache", "keras" or "embedded"
    name: str  # "mnist", "fashion_mnist" or "cifar10"
    shape: tuple[int, int, int]  # rows, columns, channels

    @property
    def is_whole(self) -> bool:
        """Whether this is all of the published set, and not a part of it."""
        return len(self.x_train) == WHOLE[self.name]

    def __repr__(self) -> str:
        """Name, sizes and whether it is all of it, in one line, for captions too."""
        whole = "the whole set" if self.is_whole else f"a part: the whole set has {WHOLE[self.name]:,}"
        return f"{NAMES[self.name]}, {len(self.x_train):,} to train and {len(self.x_test):,} to test ({whole})"


def load_images(name: str, source: str = "auto", *, verbose: bool = True) -> ImageSet:
    """Load one of the three sets from where `course_utils.data.load_mnist` looks for MNIST; never from the network.

    Args:
        name: ``"mnist"``, ``"fashion_mnist"`` (Xiao, Rasul, Vollgraf, 2017) or ``"cifar10"`` (Krizhevsky, 2009). Of CIFAR-10 a
            folder may hold all images or the first 500 and 100 of each class; `ImageSet.is_whole` tells.
        source: ``"auto"``, or as for `load_mnist`; only MNIST has embedded digits.
        verbose: print what was found.

    Raises:
        ValueError: an unknown name or source, or a damaged file.
        FileNotFoundError: the set is not there; the message says how to get it.

    >>> load_images("mnist", "embedded").x_train.shape
    MNIST, 4,000 to train and 1,000 to test (a part: the whole set has 60,000)
    (4000, 28, 28)
    """
    if name not in NAMES:
        raise ValueError(f"name: expected one of {', '.join(NAMES)}, received {name!r}.")
    if source not in SOURCES or (source == "embedded" and name != "mnist"):
        raise ValueError(f"source: expected one of {', '.join(SOURCES)} (embedded for mnist only), received {source!r} for {name}.")
    found = _mnist(source) if name == "mnist" else _other(name, source)
    if verbose:
        print(found)
    return found


def _mnist(source: str) -> ImageSet:
    return ImageSet(*load_mnist(source, verbose=False), name="mnist", shape=(28, 28, 1))


def _other(name: str, source: str) -> ImageSet:
    raw, found = arrays.read_set(name, source)
    rows, columns, channels = (*raw["x_train"].shape[1:], 1)[:3]
    images = [(raw[key].reshape(-1, rows, columns * channels) / np.float32(255)).astype(np.float32, copy=False) for key in ("x_train", "x_test")]
    labels = [raw[key].reshape(-1).astype(np.int64) for key in ("y_train", "y_test")]
    return ImageSet(images[0], labels[0], images[1], labels[1], found, name, (rows, columns, channels))


# --- Other orders ---


def by_columns(data: ImageSet) -> ImageSet:
    """The same images read column by column, from the left: step t is column t, its pixels from the top.

    Rows and columns change places; that is a transpose. A reshape would keep the order of the pixels and cut it elsewhere.
    """
    rows, columns, channels = data.shape

    def turned(images):
        grid = images.reshape(-1, rows, columns, channels).transpose(0, 2, 1, 3)
        return np.ascontiguousarray(grid).reshape(-1, columns, rows * channels)

    return data._replace(x_train=turned(data.x_train), x_test=turned(data.x_test), shape=(columns, rows, channels))


def by_pixels(data: ImageSet, block: int = 2) -> ImageSet:
    """The images shrunken to the mean of each block of pixels, then read one pixel a step, row after row: MNIST has 14 · 14 = 196 steps.

    Raises:
        ValueError: ``block`` does not divide rows and columns.
    """
    rows, columns, channels = data.shape
    if rows % block or columns % block:
        raise ValueError(f"block: expected a number that divides {rows} rows and {columns} columns, received {block!r}.")

    def shrunken(images):
        blocks = images.reshape(-1, rows // block, block, columns // block, block, channels)
        return blocks.mean(axis=(2, 4)).reshape(-1, rows // block * (columns // block), channels)

    steps = rows // block * (columns // block)
    return data._replace(x_train=shrunken(data.x_train), x_test=shrunken(data.x_test), shape=(steps, 1, channels))


ORDERS = {"rows": lambda data: data, "columns": by_columns, "pixels": by_pixels}
