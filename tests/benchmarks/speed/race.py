"""Rounds: each contender in turn, in an order that moves on, so that all see the same machine."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np

from .workers import Contender, Missing, Worker, workers

ROUNDS, TRIAL_ROUNDS = 11, 3
SECONDS = 0.5  # about so long does each compute in a round


def rounds(runners: Mapping[str, Callable[[], float]], count: int, samples: dict[str, list[float]], missing: dict[str, str]) -> None:
    """Add ``count`` measurements of each to ``samples`` as they come; one that fails drops out, with its reason in ``missing``."""
    names = list(runners)
    for turn in range(count if names else 0):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            if name in missing:
                continue
            try:
                samples.setdefault(name, []).append(runners[name]())
            except Missing as reason:
                missing[name] = str(reason)


def runner(worker: Worker, seconds: float = SECONDS, least: int = 2) -> Callable[[], float]:
    """A go of about so many seconds; how many steps that is was tried once, which also warms the contender up."""
    worker.call("go", count=1)
    count = max(least, round(seconds / max(worker.call("go", count=least), 1e-6)))
    return lambda: worker.call("go", count=count)


def best_option(contender: Contender, case: dict, check: Callable[[Worker], None], again: dict) -> str | None:
    """The words of the fastest option, None if none runs. All medians (seconds), and why one does not run, go into ``again``."""
    wanted = {option: (contender, option) for option in contender.options}
    tried, samples = again.setdefault(contender.name, {}), {}
    with workers(wanted, case) as (started, missing):
        runners = {}
        for option, worker in started.items():
            try:
                check(worker)
                runners[option] = runner(worker, SECONDS / 2)
            except Missing as reason:
                missing[option] = str(reason)
        rounds(runners, TRIAL_ROUNDS, samples, missing)
    medians = {option: statistics.median(values) for option, values in samples.items() if option not in missing}
    tried.update({**missing, **medians})
    return min(medians, key=medians.get) if medians else None


COUNT = """
import sys, time, numpy as np
a, count = np.ones((128, 512), np.float32), 0
b = np.ones((512, 128), np.float32)
while time.time() < float(sys.argv[1]):
    a @ b
while time.time() < float(sys.argv[2]):
    a @ b
    count += 1
print(count)
"""


def two_at_once(seconds: float = 1.0, times: int = 3) -> float:
    """How often the matrix products of one process two processes make side by side: 2 on two whole cores, less where these share one."""
    def products(processes: int) -> int:
        begin = time.time() + 1.0  # by then NumPy is imported
        started = [subprocess.Popen([sys.executable, "-c", COUNT, str(begin), str(begin + seconds)], stdout=subprocess.PIPE, text=True,
                                    env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}) for _ in range(processes)]  # fmt: skip
        return sum(int(process.communicate()[0]) for process in started)

    return statistics.median(products(2) / products(1) for _ in range(times))


def parity(found: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray], tolerance: float = 1e-3) -> str | None:
    """None when all arrays agree, else the first that does not. Differences count against the largest number of the array."""
    for name, expected in right.items():
        if found[name].shape != expected.shape:
            return f"{name} has the shape {found[name].shape}, not {expected.shape}"
        off = float(np.abs(found[name] - expected).max() / max(np.abs(expected).max(), 1e-12))
        if not off <= tolerance:
            return f"{name} differs from the kit's by {off:.1e} of its largest number"
    return None
