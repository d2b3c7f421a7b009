"""What a DataLoader asks of its arguments: each error names the argument, what was expected and what came."""

from __future__ import annotations

from numbers import Integral

import numpy as np


def whole_number(name: str, value: int, at_most: int | None = None) -> int:
    """`value` as an int from 1 to `at_most`; TypeError for what is not an integer, True and 2.0 among it."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name}: expected a whole number, received {value!r} ({type(value).__name__}).")
    if value < 1 or (at_most is not None and value > at_most):
        limit = f" to {at_most}, the number of examples" if at_most is not None else " or more"
        raise ValueError(f"{name}: expected 1{limit}, received {value}.")
    return int(value)


def checked_images(images: np.ndarray) -> np.ndarray:
    """`images` as an array of floats in [0, 1], (n, rows, columns[, channels]); an array is not copied."""
    images = _array("images", images)
    if images.ndim not in (3, 4):
        raise ValueError(
            f"images: expected shape (n, rows, columns[, channels]), received shape {images.shape}."
        )
    if images.size == 0:
        raise ValueError(f"images: expected at least one image, received none (shape {images.shape}).")
    if not np.issubdtype(images.dtype, np.floating):
        raise TypeError(f"images: expected floats in [0, 1], received {images.dtype}. Divide pixels by 255.")
    low, high = images.min(), images.max()  # NaN if there is one among them
    if np.isnan(low):
        raise ValueError("images: expected numbers in [0, 1], received NaN among them.")
    if low < 0 or high > 1:
        raise ValueError(f"images: expected floats in [0, 1], received values from {low:g} to {high:g}.")
    return images


def checked_labels(labels: np.ndarray, count: int, num_classes: int) -> np.ndarray:
    """A copy of `labels` as int64, (count,), each from 0 to `num_classes` - 1."""
    labels = _array("labels", labels)
    if labels.ndim != 1:
        raise ValueError(f"labels: expected shape (n,), one number an image, received shape {labels.shape}.")
    if len(labels) != count:
        raise ValueError(f"labels: expected {count}, one for each of the images, received {len(labels)}.")
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"labels: expected integers, received {labels.dtype}.")
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"labels: expected 0 to {num_classes - 1} (num_classes is {num_classes}), "
            f"received {labels.min()} to {labels.max()}."
        )
    return labels.astype(np.int64)


def _array(name: str, values: object) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:  # lists of unequal length
        raise ValueError(
            f"{name}: expected an array, received what NumPy cannot make one of: {error}"
        ) from error
