"""What all contenders share: the digits and weights that they are given, the clock, and what it is held to."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

WEIGHTS = ("W_x", "W_h", "b", "W_y", "b_y")  # as Keras lays them out; the gates' columns stand in the order i, f, g, o
ADAM = {"rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


def mean_seconds(step: Callable[[], object], count: int) -> float:
    """Seconds that each of ``count`` calls takes on average, after two that nobody times."""
    for _ in range(2):
        step()
    begun = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - begun) / count


def read(path: str) -> dict[str, np.ndarray]:
    """The arrays of an npz file."""
    with np.load(path) as arrays:
        return dict(arrays)


def batches(images: np.ndarray, labels: np.ndarray, batch: int):
    """Endless batches in a new order each epoch, by plain indexing."""
    rng = np.random.default_rng(0)
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(order) - batch + 1, batch):
            picked = order[start : start + batch]
            yield images[picked], labels[picked]


def first_batches(given: dict[str, np.ndarray], batch: int, count: int = 5):
    """The batches on which parity is looked at: the same for every contender."""
    for k in range(count):
        rows = np.arange(k * batch, (k + 1) * batch) % len(given["images"])
        yield given["images"][rows], given["labels"][rows]


class Stepping:
    """A training whose ``step`` takes a batch of ``data``; ``start`` puts it to given weights."""

    def losses(self, weights: str) -> dict:
        """The losses of five of the timed steps."""
        self.start(weights)
        return {"losses": np.array([self.step(*one)[0] for one in first_batches(self.given, self.batch)])}

    def go(self, count: int) -> float:
        """Seconds of a step with its batch."""
        return mean_seconds(lambda: self.step(*next(self.data)), count)


class Answering:
    """A network whose ``answers`` are the logits of all the images."""

    def go(self, count: int) -> float:
        """Seconds for all the images once."""
        return mean_seconds(self.answers, count)


class Dealing:
    """A loader that deals out one batch at each ``look``."""

    def go(self, count: int) -> float:
        """Seconds for a batch."""
        return mean_seconds(self.look, count)
