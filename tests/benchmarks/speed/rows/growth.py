"""Row 6: how the cost of a step grows with rows, units and batch, and that of an epoch with images. Slopes, and where they bend."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from .. import race, results
from ..workers import Contender, Missing, Worker, workers
from . import steps

NAME, MINUTES = "growth", 6
CODE = (*results.HEART, *results.HARNESS, "tests/benchmarks/speed/rows/steps.py", "tests/benchmarks/speed/rows/growth.py")
POINTS = {
    "rows": (28, 112, 392, 784),
    "units": (32, 128, 256, 512),
    "batch": (32, 128, 512, 1024),
    "images": (1_000, 8_000, 60_000),
}
ROUNDS, SECONDS = 3, 0.4
BEND = 0.25  # a slope that changes by more than this from one stretch to the next


def contenders() -> list[Contender]:
    """The kit, PyTorch and keras.fit, each with one option: what grows is compared, not what is best."""
    kit, fit, torch = steps.contenders("lstm")[:3]
    first = [(contender, next(iter(contender.options))) for contender in (kit, torch, fit)]
    return [contender._replace(options={option: contender.options[option]}) for contender, option in first]


def cases() -> dict[str, Callable[[dict], None]]:
    """One for each point."""
    return {f"{what} {size}": partial(measure, what, size) for what, sizes in POINTS.items() for size in sizes}


def title(case: str) -> tuple[str, str]:
    """Words and unit of a case."""
    what, size = case.split()
    return (f"LSTM, an epoch of {int(size):,} images", "s") if what == "images" else (f"LSTM, one training step, {int(size):,} {what}", "ms")


def measure(what: str, size: int, outcome: dict) -> None:
    """The step at this size, all from the kit's start; and the seconds until a contender has made its first five steps, as `ready`."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = {"images": {"count": size}, "rows": {"rows": size, "count": 1024}}.get(what, {what: size, "count": 2048})
        case = steps.given_case(Path(folder), "lstm", **sizes)
        entered = {contender.name: (contender, next(iter(contender.options))) for contender in contenders()}
        outcome["chosen"] = {name: option for name, (_, option) in entered.items()}
        with workers(entered, case) as (started, missing):
            outcome["missing"].update(missing)
            outcome["ready"] = ready(started, Path(folder), case["weights"], outcome["missing"])
            runners = {name: race.runner(started[name], SECONDS, least=2) for name in outcome["ready"]}
            race.rounds(runners, ROUNDS, outcome["samples"], outcome["missing"])
    if what == "images":  # from a step to an epoch
        outcome["samples"] = {name: [value * size / case["batch"] for value in values] for name, values in outcome["samples"].items()}


def ready(started: Mapping[str, Worker], folder: Path, weights: str, missing: dict[str, str]) -> dict[str, float]:
    """Seconds that each takes for five first steps, its graph included; whose losses are not the kit's is missing."""
    started[steps.KIT].call("save_weights", path=weights)
    found = {}
    for name, worker in started.items():  # the kit comes first
        answer, begun = folder / ("kit.npz" if name == steps.KIT else "answer.npz"), time.perf_counter()
        try:
            worker.call("losses", into=str(answer), weights=weights)
            found[name] = round(time.perf_counter() - begun, 2)
            with np.load(answer) as losses, np.load(folder / "kit.npz") as right:
                difference = race.parity(losses, right)
            if difference:
                raise Missing(f"not timed: {difference}")
        except Missing as reason:
            missing[name] = str(reason)
            found.pop(name, None)
    return found


def slopes(sizes: Sequence[int], seconds: Sequence[float]) -> list[float]:
    """How many per cent more cost one per cent more size brings, between neighbouring points: 1 is linear.

    >>> [round(slope, 2) for slope in slopes([1, 2, 4], [1.0, 2.0, 8.0])]
    [1.0, 2.0]
    """
    pairs = list(zip(sizes, seconds))
    return [math.log(later[1] / earlier[1]) / math.log(later[0] / earlier[0]) for earlier, later in zip(pairs, pairs[1:])]


def bends(sizes: Sequence[int], seconds: Sequence[float]) -> list[int]:
    """The inner points at which the slope changes by more than BEND.

    >>> bends([1, 2, 4, 8], [1.0, 1.2, 1.5, 3.0])
    [4]
    """
    found = slopes(sizes, seconds)
    return [size for size, before, after in zip(sizes[1:], found, found[1:]) if abs(after - before) > BEND]
