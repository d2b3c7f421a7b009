"""What a run of a lesson is: quick, full or a lecture, with which seed, and which band its results should fall into.

A lesson's training results vary with the seed, the machine and the data at hand. So a lesson never promises a number.
It asserts that its result lies in a *band*: the mean of five recorded runs, give or take four standard deviations,
and for a share never below 0 or above 1.
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
    """How training cells behave: ``full`` (as in the text) or quick (a few steps), the ``seed``, and whether a ``lecture`` shows recorded runs."""

    full: bool
    seed: int
    lecture: bool = False

    def __repr__(self) -> str:
        return f"Run(full={self.full}, seed={self.seed}{', lecture=True' if self.lecture else ''})"

    def steps(self, steps: int) -> int:
        """Return ``steps`` in a full run, at most a handful in a quick one.

        >>> Run(full=False, seed=1).steps(5_000)
        8
        """
        return steps if self.full else min(steps, QUICK_STEPS)


def course_run() -> Run:
    """Read the two switches: ``COURSE_RUN`` (``full`` by default, ``quick`` or ``lecture``) and ``COURSE_SEED`` (1 by default).

    A lecture is a full run whose trainings were recorded; they have seed 1.

    Raises:
        ValueError: a switch holds something else.
    """
    mode, seed = os.environ.get("COURSE_RUN", "full"), os.environ.get("COURSE_SEED", "1")
    if mode not in ("quick", "full", "lecture"):
        raise ValueError(f"COURSE_RUN must be 'quick', 'full' or 'lecture', but it is {mode!r}. Unset it for a full run.")
    if not seed.isdigit():
        raise ValueError(f"COURSE_SEED must be a whole number such as 1, but it is {seed!r}. Unset it to use 1.")
    if mode == "lecture" and int(seed) != 1:
        raise ValueError(f"COURSE_SEED must be 1 in a lecture, whose runs were recorded with it, but it is {seed!r}. Unset it.")
    return Run(full=mode != "quick", seed=int(seed), lecture=mode == "lecture")


def recorded(name: str, source: str) -> list[float]:
    """Return the values of the five recorded runs, in the order of their seeds; for a name and source see `band`.

    While `make measure` records, those of earlier runs do not count: the list holds the value of this run alone.

    Raises:
        KeyError: nothing of that name was recorded for these data.
    """
    if record := os.environ.get("COURSE_RECORD"):
        lines = [json.loads(line) for line in Path(record).read_text(encoding="utf-8").splitlines()]
        return [line["value"] for line in lines if line["name"] == name][-1:]
    return _entry(name, source)["values"]


def band(name: str, source: str) -> tuple[float, float]:
    """Return the lowest and highest value that a full run should give.

    Args:
        name: what was measured, such as ``"rnn, good start"``.
        source: where the digits came from, ``Digits.source``; all sources but ``"embedded"`` hold the full MNIST.

    Raises:
        KeyError: nothing of that name was recorded for these data.
    """
    entry = _entry(name, source)
    return entry["low"], entry["high"]


def _entry(name, source):
    kind = "embedded" if source == "embedded" else "full"
    bands = json.loads(BANDS_FILE.read_text(encoding="utf-8"))["bands"]
    try:
        return bands[name][kind]
    except KeyError:
        raise KeyError(f"No run called {name!r} was recorded on the {kind} digits. Recorded: {sorted(bands)}. "
                       "`make measure` records what the lessons report.") from None


def check_band(name: str, value: float, source: str, *, seconds: float | None = None) -> None:
    """Print the band of the recorded runs and assert that ``value`` lies in it.

    A quick run learns nothing, so it is not compared. While `make measure` records, the value is written down instead.

    Args:
        name: what was measured, such as ``"rnn, good start"``.
        value: this run's result, for instance an accuracy in [0, 1].
        source: ``Digits.source``.
        seconds: how long the training took; recorded beside the value, never compared.

    Raises:
        AssertionError: the value lies outside the band: something differs from the recorded runs.
        KeyError: nothing of that name was recorded.
    """
    run = course_run()
    if not run.full:
        print(f"{name}: a quick run, not compared with the recorded ones.")
    elif record := os.environ.get("COURSE_RECORD"):
        line = dict(name=name, kind="embedded" if source == "embedded" else "full", seed=run.seed, value=float(value))
        line |= {} if seconds is None else {"seconds": round(seconds, 1)}
        with open(record, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    else:
        low, high = band(name, source)
        print(f"{name}: {value:.4f}; the band of five recorded runs goes from {low:.4f} to {high:.4f}.")
        assert low <= value <= high, (
            f"{name}: {value:.4f} is outside {low:.4f} to {high:.4f}. Was a cell above changed? Restart the kernel and "
            "run all cells; if it stays outside, your machine or data differ from the recorded ones.")
