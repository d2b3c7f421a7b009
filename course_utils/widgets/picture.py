"""What all pictures share: the widget's class, with a still for where scripts do not run, and the digits it carries."""

from __future__ import annotations

import io
import zlib
from typing import NamedTuple

import anywidget
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

MOST = 500  # digits saved with a picture: they lie in the notebook's file


class Picture(anywidget.AnyWidget):
    """A picture that computes in the browser. A subclass has `_esm`, `_css`, `still` and `caption`."""

    def still(self) -> Figure:
        """The picture as it stands, drawn by matplotlib."""
        raise NotImplementedError

    def caption(self) -> str:
        """One sentence, computed from the data, that says what the still shows: its text alternative."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs):
        """The widget; and its still, which GitHub, print and a page without scripts show instead."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        png, figure = io.BytesIO(), self.still()
        figure.savefig(png, format="png", dpi=80)
        plt.close(figure)
        return data | {"image/png": png.getvalue()}, metadata | {"image/png": {"alt": self.caption()}}


class Sample(NamedTuple):
    """Digits that travel with a picture: grey levels 0 to 255."""

    images: np.ndarray  # (n, 28, 28) uint8
    labels: np.ndarray  # (n,) uint8

    def packed(self) -> bytes:
        """The images as the browser unpacks them: zlib."""
        return zlib.compress(self.images.tobytes())


def sample(images: ArrayLike | None = None, labels: ArrayLike | None = None, classes: int = 10) -> Sample:
    """At most 500 digits, evenly spaced among those given; without any, half of the embedded test digits.

    Args:
        images: shape (n, 28, 28), ink from 0 to 1; kept in 256 grey levels, which is what MNIST has.
        labels: shape (n,), whole numbers from 0 to classes - 1.
        classes: number of classes that the model knows.

    Raises:
        ValueError: one of the two is missing, has another shape, is empty, or holds something else.
    """
    if images is None and labels is None:
        from course_utils.data import load_mnist

        images, labels = load_mnist("embedded", verbose=False)[2:4]
    if images is None or labels is None:
        raise ValueError("images, labels: expected both or neither; received only one.")
    images, labels = checked_images(images), np.asarray(labels)
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels: expected {len(images)} whole numbers, one for each image; "
                         f"received shape {labels.shape} of {labels.dtype}.")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels: expected 0 to {classes - 1}, the model's classes; received {labels.min()} to {labels.max()}.")
    chosen = np.arange(min(MOST, len(images))) * len(images) // min(MOST, len(images))
    return Sample(grey(images[chosen]), labels[chosen].astype(np.uint8))


def checked_images(images: ArrayLike, name: str = "images", ndim: int = 3) -> np.ndarray:
    """Images of 28 x 28 with ink from 0 to 1, as an array; ValueError for anything else."""
    images = np.asarray(images)
    if images.ndim != ndim or images.shape[-2:] != (28, 28) or len(images) == 0:
        wanted = "(n, 28, 28), at least one image" if ndim == 3 else "(28, 28)"
        raise ValueError(f"{name}: expected shape {wanted}; received shape {images.shape}.")
    if images.dtype.kind not in "fbiu" or not np.isfinite(images).all() or images.min() < 0 or images.max() > 1:
        raise ValueError(f"{name}: expected numbers from 0 (paper) to 1 (ink); received others. Divide pixels by 255.")
    return images


def grey(images: np.ndarray) -> np.ndarray:
    """Ink from 0 to 1 as grey levels 0 to 255."""
    return np.rint(np.asarray(images, dtype=float) * 255).astype(np.uint8)
