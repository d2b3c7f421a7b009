"""Row 4: shuffled batches of 128 images with one-hot labels, from 60,000."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from .. import results
from ..workers import Contender, Missing, Worker
from . import steps

NAME, MINUTES = "batches", 1
CODE = ("course_utils/data.py", *results.HARNESS, "tests/benchmarks/speed/rows/batches.py")


def contenders() -> list[Contender]:
    """The kit's loader, the libraries', and plain indexing."""
    return [
        Contender("the kit", "kit", "Batches", {"DataLoader.next_batch": ({}, {})}),
        Contender("tf.data", "plain", "TfData", {
            "shuffle, batch, prefetch": ({}, {}),
            "shuffle, batch": ({"prefetch": False}, {}),
            "shuffled indices, tf.gather, prefetch": ({"gather": True}, {}),
        }),
        Contender("PyTorch DataLoader", "torch_peer", "Batches", {
            "in this process": ({}, {}),
            "two workers": ({"workers": 2}, {}),
            "whole batches of indices": ({"whole": True}, {}),
        }, peer=True),
        Contender("NumPy indexing", "plain", "Batches", {"images[order[k:k + 128]]": ({}, {})}),
    ]  # fmt: skip


def cases() -> dict[str, Callable[[dict], None]]:
    """One."""
    return {"mnist": measure}


def title(case: str) -> tuple[str, str]:
    """Words and unit."""
    return "a batch of 128 shuffled digits and one-hot labels", "ms"


def measure(outcome: dict) -> None:
    """All deal from the same arrays."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        given, count = str(Path(folder) / "given.npz"), 60_000
        # An image's first pixel tells its number, so that a batch can be checked.
        images = rng.random((count, 28, 28), dtype=np.float32)
        images[:, 0, 0] = np.arange(count) / count
        np.savez(given, images=images, labels=rng.integers(0, 10, count))
        with np.load(given) as arrays:
            check = partial(is_batch, path=str(Path(folder) / "batch.npz"), images=arrays["images"], labels=arrays["labels"])
        steps.race_all(contenders(), {"given": given, "batch": 128}, check, outcome)


def is_batch(worker: Worker, path: str, images: np.ndarray, labels: np.ndarray) -> None:
    """Missing unless a batch holds 128 different images in float32 with their own labels, one-hot in float32, and not in order."""
    worker.call("look", into=path)
    with np.load(path) as found:
        x, y = found["value_0"], found["value_1"]
    numbers = np.rint(x[:, 0, 0] * len(images)).astype(int)
    faults = {
        "not float32": x.dtype != np.float32 or y.dtype != np.float32,
        "not 128 different images": x.shape != (128, 28, 28) or len(set(numbers)) != 128,
        "not the images": not np.array_equal(x, images[numbers]),
        "not their one-hot labels": y.shape != (128, 10) or not np.array_equal(y, np.eye(10)[labels[numbers]]),
        "not shuffled": bool((np.diff(numbers) == 1).all()),
    }
    if wrong := [words for words, is_so in faults.items() if is_so]:
        raise Missing(f"not timed: its batch is {wrong[0]}")
