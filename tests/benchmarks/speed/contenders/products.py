"""The floor: the matrix products of a training step and nothing else, by the library that does them fastest here.

Forward, all rows' x_t W_x are one product, and each h_{t-1} W_h is one; backward, each step has one with W_h transposed, and the
gradients of W_x and of W_h are one product each over all steps. The first state is zero, so its two products fall away.
"""

from __future__ import annotations

import numpy as np

from . import common


def shapes(kind: str, units: int, batch: int, rows: int, features: int) -> list[tuple[int, tuple[int, int, int], str]]:
    """How often, (m, k, n) of an (m, k) by (k, n) product, and which factor lies transposed: "", "a" or "b"."""
    columns = units * (4 if kind == "lstm" else 1)
    steps = rows - 1
    return [
        (1, (batch * rows, features, columns), ""), (steps, (batch, units, columns), ""), (1, (batch, units, 10), ""),
        (1, (units, batch, 10), "a"), (1, (batch, 10, units), "b"),
        (steps, (batch, columns, units), "b"), (1, (units, batch * steps, columns), "a"), (1, (features, batch * rows, columns), "a"),
    ]  # fmt: skip


def operations(products) -> float:
    """Multiplications and additions in all."""
    return float(sum(2 * times * m * k * n for times, (m, k, n), _ in products))


def factors(products, make=np.array) -> list[tuple]:
    """Two arrays a product, each product its own left one, as the states of a step have."""
    rng = np.random.default_rng(0)
    found = []
    for times, (m, k, n), turned in products:
        right = make(rng.standard_normal((n, k) if turned == "b" else (k, n), dtype=np.float32))
        for _ in range(times):
            found.append((make(rng.standard_normal((k, m) if turned == "a" else (m, k), dtype=np.float32)), right, turned))
    return found


class Training:
    """library: "numpy", "torch" or "tensorflow"; the last takes the two halves of the batch side by side, as the kit does."""

    def __init__(self, kind: str, units: int, batch: int, given: str, library: str = "numpy", **_) -> None:
        rows, features = common.read(given)["images"].shape[1:]
        halves = 2 if library == "tensorflow" else 1
        self.products = shapes(kind, units, batch // halves, rows, features)
        self.amount = operations(self.products) * halves
        self.run = {"numpy": _numpy, "torch": _torch, "tensorflow": _tensorflow}[library](self.products)

    def billions(self) -> float:
        """Floating-point operations of one step's products, in billions."""
        return self.amount / 1e9

    def go(self, count: int) -> float:
        """Seconds for the products of one step."""
        return common.mean_seconds(self.run, count)


class Square(Training):
    """One large square product: the rate that the library reaches at best."""

    def __init__(self, size: int = 1024, library: str = "numpy", **_) -> None:
        self.products = [(1, (size, size, size), "")]
        self.amount = operations(self.products)
        self.run = {"numpy": _numpy, "torch": _torch}[library](self.products)


def _numpy(products):
    pairs = [(a.T if turned == "a" else a, b.T if turned == "b" else b) for a, b, turned in factors(products)]

    def run():
        for a, b in pairs:
            a @ b

    return run


def _torch(products):
    import torch

    torch.set_num_threads(2)
    pairs = [(a.T if turned == "a" else a, b.T if turned == "b" else b) for a, b, turned in factors(products, torch.from_numpy)]

    def run():
        with torch.inference_mode():
            for a, b in pairs:
                a @ b

    return run


def _tensorflow(products):
    import tensorflow as tf

    pairs = [pair for _ in range(2) for pair in factors(products, tf.constant)]

    @tf.function
    def run(pairs):
        made = [tf.matmul(a, b, transpose_a=turned == "a", transpose_b=turned == "b") for (a, b), turned in zip(pairs, turns)]
        return tf.add_n([product[0, 0] for product in made])  # TensorFlow leaves out a product whose result nobody asks for

    turns = [turned for *_, turned in pairs]
    given = [(a, b) for a, b, _ in pairs]
    return lambda: float(run(given))
