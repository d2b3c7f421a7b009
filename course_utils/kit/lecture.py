"""A lecture does not wait: with ``COURSE_RUN=lecture`` training cells show runs that were recorded, and load their weights.

The lessons' cells are the same. `train` asks here for a recording of just the training that it was asked for: the same
network, start, optimiser, data, steps and seed. Where there is none, it trains.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

FOLDER = Path(__file__).parent / "recorded"
NUMBERS = np.float16  # half of float32: a recorded accuracy differs in a digit or two of ten thousand


class Recording(NamedTuple):
    """One recorded training: its history, the weights it ended with, and where they come from."""

    loss: np.ndarray
    accuracy: np.ndarray
    weights: list[np.ndarray]
    seconds: float
    date: str


def find(step: Callable, loader, steps: int, batch_size: int, shuffle: bool) -> Recording | None:
    """The recording of this training, None when there is none."""
    wanted = key(description(step, loader, steps, batch_size, shuffle))
    for index in sorted(FOLDER.glob("*.json")):
        recorded = json.loads(index.read_text(encoding="utf-8"))
        if (run := recorded["runs"].get(wanted)) is not None:
            return load(index.with_suffix(".npz"), wanted, run, recorded["date"])
    return None


def load(file: Path, wanted: str, run: dict, date: str) -> Recording:
    """Read one recording out of the file of its lesson."""
    with np.load(file, allow_pickle=False) as arrays:
        loss, accuracy, *weights = (arrays[f"{wanted}/{k}"].astype(np.float32) for k in range(run["arrays"]))
    return Recording(loss, accuracy, weights, run["seconds"], date)


def save(folder: Path, step: Callable, loader, steps: int, batch_size: int, shuffle: bool, described: dict, history) -> None:
    """Keep a training that just ended in `folder`, for `python -m course_utils lecture`; `described` is from before it."""
    arrays = [history.loss, history.accuracy, *model_of(step).get_weights()]
    name = key(described)
    np.savez_compressed(folder / f"{name}.npz", **{f"{name}/{k}": array.astype(NUMBERS) for k, array in enumerate(arrays)})
    entry = {"seconds": round(history.seconds, 1), "arrays": len(arrays), "description": described}
    (folder / f"{name}.json").write_text(json.dumps(entry), encoding="utf-8")


def recording_folder() -> Path | None:
    """Where trainings are kept while a lecture is recorded."""
    folder = os.environ.get("COURSE_RECORD_LECTURE")
    return Path(folder) if folder else None


# --- Which training it is ---


def key(described: dict) -> str:
    """A short name for a description."""
    return hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode()).hexdigest()[:16]


def description(step: Callable, loader, steps: int, batch_size: int, shuffle: bool) -> dict:
    """What tells one training from another, the same on every machine: so of weights only their size and rounded spread."""
    from course_utils.runs import course_run

    model = model_of(step)
    if model is None:
        return {}
    optimizer = next((part for part in parts_of(step) if hasattr(part, "apply") and hasattr(part, "get_config")), getattr(model, "optimizer", None))
    return {
        "layers": [[type(layer).__name__, getattr(getattr(layer, "activation", None), "__name__", "")] for layer in model.layers],
        "weights": [[list(w.shape), round(float(np.std(w)), 2)] for w in model.get_weights()],
        "optimizer": described_optimizer(optimizer),
        "functions": sorted({part.__name__ for part in parts_of(step) if callable(part) and hasattr(part, "__name__")}),
        "examples": len(loader), "steps": steps, "batch": batch_size, "shuffle": shuffle, "seed": course_run().seed,
    }  # fmt: skip


def described_optimizer(optimizer) -> dict:
    """Its settings, and where its running means start: two may differ in nothing else."""
    config = {name: value for name, value in optimizer.get_config().items() if name != "name"}
    starts = [round(float(np.mean(v)), 2) for v in optimizer.variables if len(v.shape)]
    return {"kind": type(optimizer).__name__, "config": json.loads(json.dumps(config, default=str)), "starts": starts}


def model_of(step: Callable):
    """The Keras model that a training step changes, which it closes over; None when there is none."""
    return next((part for part in parts_of(step) if hasattr(part, "trainable_variables") and hasattr(part, "layers")), None)


def parts_of(step: Callable) -> Iterator:
    """What a step, or a function inside it, closes over."""
    for cell in getattr(getattr(step, "python_function", step), "__closure__", None) or ():
        yield cell.cell_contents
        if callable(cell.cell_contents) and hasattr(cell.cell_contents, "__closure__"):
            yield from parts_of(cell.cell_contents)
