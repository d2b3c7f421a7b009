"""What a run of a lesson is: quick or full, with which seed, and which band its results should fall into.

A lesson's training results vary with the seed, the machine and the data at hand. So a lesson never promises a number.
It asserts that its result lies in a *band*: the mean of five recorded runs, give or take four standard deviations.
`make measure` records the runs by executing the lessons themselves; nothing is measured elsewhere.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

BANDS_FILE = Path(__file__).parent / "kit" / "bands.json"
QUICK_STEPS = 8  # enough to run every line of a training cell, too few to learn


class Run(NamedTuple):
    """How training cells behave: ``full`` (as in the text) or quick (a few steps), and the ``seed`` they use."""

    full: bool
    seed: int

    def steps(self, steps: int) -> int:
        """Return ``steps`` in a full run, at most a handful in a quick one.

        >>> Run(full=False, seed=1).steps(5_000)
        8
        """
        return steps if self.full else min(steps, QUICK_STEPS)


def course_run() -> Run:
    """Read the two switches: ``COURSE_RUN`` (``full`` by default, or ``quick``) and ``COURSE_SEED`` (1 by default).

    Raises:
        ValueError: a switch holds something else.
    """
    mode, seed = os.environ.get("COURSE_RUN", "full"), os.environ.get("COURSE_SEED", "1")
    if mode not in ("quick", "full"):
        raise ValueError(f"COURSE_RUN must be 'quick' or 'full', but it is {mode!r}. Unset it for a full run.")
    if not seed.isdigit():
        raise ValueError(f"COURSE_SEED must be a whole number such as 1, but it is {seed!r}. Unset it to use 1.")
    return Run(full=mode == "full", seed=int(seed))


def band(name: str, source: str) -> tuple[float, float]:
    """Return the lowest and highest value that a full run should give.

    Args:
        name: what was measured, such as ``"rnn, zero start"``.
        source: where the digits came from, ``Digits.source``; all sources but ``"embedded"`` hold the full MNIST.

    Raises:
        KeyError: nothing of that name was recorded for these data.
    """
    kind = "embedded" if source == "embedded" else "full"
    recorded = json.loads(BANDS_FILE.read_text(encoding="utf-8"))["bands"]
    try:
        entry = recorded[name][kind]
    except KeyError:
        raise KeyError(f"No run called {name!r} was recorded on the {kind} digits. Recorded: {sorted(recorded)}. "
                       "`make measure` records what the lessons report.") from None
    return entry["low"], entry["high"]


def check_band(name: str, value: float, source: str) -> None:
    """Print the band of the recorded runs and assert that ``value`` lies in it.

    A quick run learns nothing, so it is not compared. While `make measure` records, the value is written down instead.

    Args:
        name: what was measured, such as ``"rnn, zero start"``.
        value: this run's result, for instance an accuracy in [0, 1].
        source: ``Digits.source``.

    Raises:
        AssertionError: the value lies outside the band: something differs from the recorded runs.
        KeyError: nothing of that name was recorded.
    """
    run = course_run()
    if not run.full:
        print(f"{name}: a quick run, not compared with the recorded ones.")
    elif record := os.environ.get("COURSE_RECORD"):
        line = dict(name=name, kind="embedded" if source == "embedded" else "full", seed=run.seed, value=float(value))
        with open(record, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    else:
        low, high = band(name, source)
        print(f"{name}: {value:.4f}; recorded runs lie between {low:.4f} and {high:.4f}.")
        assert low <= value <= high, (
            f"{name}: {value:.4f} is outside {low:.4f} to {high:.4f}. Was a cell above changed? Restart the kernel and "
            "run all cells; if it stays outside, your machine or data differ from the recorded ones.")
