"""Where many answers are right, the check looks at what must be true of every right one."""

from __future__ import annotations

import numpy as np


def epochs(inputs: dict[str, np.ndarray], arrays: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """What a true shuffle does, seen in two epochs of batches (`_epochs` in evidence.py).

    Image k shows the number k everywhere and has the label k, so that each can be followed. Returns batch sizes of the first
    epoch, how many different images it holds, how many kept their label, and four answers 0 or 1: are images out of their
    old order, do batches mix images from far apart, has the second epoch another order, does the same seed give the same order.
    """
    sizes, first, labels, _, second, _, repeated = arrays
    if first.shape[1:] != inputs["images"].shape[1:] or labels.ndim != 1:
        raise ValueError(f"images of shape {first.shape} and labels of shape {labels.shape}")
    number, again = (part.reshape(len(part), -1)[:, 0].astype(int) for part in (first, second))
    width = int(inputs["batch_size"])
    seats = np.arange(len(number))
    moved = np.mean(number != seats) > 0.5
    mixed = np.mean([len(set(number[k : k + width] // width)) for k in range(0, max(len(number), 1), width)]) > 1.6
    kept = int(np.sum(number == labels)) if len(number) == len(labels) else -1
    renewed = len(again) != len(number) or np.mean(again != number) > 0.5
    found = sizes, len(set(number.tolist())), kept, moved, mixed, renewed, np.array_equal(first, repeated)
    return tuple(np.asarray(value, dtype=float) for value in found)


FEATURES = {"epochs": epochs}
