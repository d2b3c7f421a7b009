"""Numbers from samples: medians, spreads, ratios within a round, goals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

KIT = ("the kit", "make test")  # who is compared with the others
FLOORS = ("matrix products alone", "matrix products alone by PyTorch", "matplotlib.pyplot and ipywidgets", "Python and NumPy alone")


class Goal(NamedTuple):
    """What the median ratio to somebody is to be at most; or the kit's own seconds, where nobody is named."""

    row: str
    case: str
    to: str | None
    most: float
    words: str


GOALS = (
    Goal("steps", "rnn", "best peer", 0.6, "RNN step, of the best peer's"),
    Goal("steps", "rnn", "floor", 1.6, "RNN step, of the matrix products alone"),
    Goal("steps", "lstm", "PyTorch nn.LSTM", 0.8, "LSTM step, of PyTorch's"),
    Goal("steps", "lstm", "PyTorch nn.LSTM", 0.65, "LSTM step, of PyTorch's (stretch)"),
    Goal("steps", "lstm", "floor", 1.5, "LSTM step, of the matrix products alone"),
    Goal("to_99", "all seeds", "keras.fit", 0.4, "time to 99%, of plain keras.fit's"),
    Goal("to_99", "all seeds", None, 20.0, "time to 99%, seconds, median of five seeds"),
    Goal("batches", "mnist", "tf.data", 0.2, "a batch, of tf.data's"),
)


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> tuple[float, float]:
    """The quartiles; of fewer than four values, the smallest and the largest.

    >>> spread([1.0, 2.0, 3.0, 4.0, 5.0])
    (2.0, 4.0)
    """
    if len(values) < 4:
        return min(values), max(values)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def kit_of(samples: Mapping[str, Sequence[float]]) -> str | None:
    """The kit's name in a case."""
    return next((name for name in KIT if name in samples), None)


def ratio(samples: Mapping[str, Sequence[float]], to: str) -> float | None:
    """The kit's time as a share of somebody's: the median over rounds, each of which saw the same machine.

    >>> ratio({"the kit": [1.0, 2.0, 3.0], "slow": [2.0, 4.0, 6.0]}, "slow")
    0.5
    """
    kit = kit_of(samples)
    if kit is None or not samples.get(to):
        return None
    return median([ours / theirs for ours, theirs in zip(samples[kit], samples[to])])


def best_peer(samples: Mapping[str, Sequence[float]]) -> str | None:
    """The fastest of those that do the same work."""
    return _fastest([name for name in samples if name not in (*KIT, *FLOORS) and samples[name]], samples)


def floor(samples: Mapping[str, Sequence[float]]) -> str | None:
    """The fastest of those that do only what cannot be left out."""
    return _fastest([name for name in samples if name in FLOORS and samples[name]], samples)


def _fastest(names: Sequence[str], samples: Mapping[str, Sequence[float]]) -> str | None:
    return min(names, key=lambda name: median(samples[name]), default=None)


def reached(goal: Goal, outcome: Mapping) -> float | None:
    """Where a goal stands, None when it was not measured; an upper bound where the other one gave up (see `gave_up`)."""
    samples = outcome["samples"]
    if is_bound(goal, outcome):
        return median(samples[kit_of(samples)]) / outcome["gave_up"][goal.to]
    if goal.to is None:
        kit = kit_of(samples)
        return median(samples[kit]) if kit else None
    to = {"best peer": best_peer, "floor": floor}.get(goal.to, lambda _: goal.to)(samples)
    return ratio(samples, to) if to else None


def is_bound(goal: Goal, outcome: Mapping) -> bool:
    """Whether all that can be said of a goal is that the kit needs less than so much of somebody's time, who never got there."""
    return goal.to in outcome.get("gave_up", {}) and not outcome["samples"].get(goal.to) and kit_of(outcome["samples"]) is not None


def gave_up(cases: Sequence[Mapping]) -> dict[str, float]:
    """Who did not reach the goal of a training in some run -> the seconds of its last look, the shortest of those runs."""
    ended: dict[str, float] = {}
    for outcome in cases:
        for name, looks in outcome.get("looks", {}).items():
            if not outcome["samples"].get(name):
                ended[name] = min(ended.get(name, math.inf), looks[-1][0])
    return ended


def one_outcome(cases: Mapping[str, Mapping]) -> dict:
    """Cases that are runs of one thing, as the seeds of a training, in one outcome: a run a sample, paired where all have one."""
    names = {name: None for outcome in cases.values() for name in outcome["samples"]}
    first = next(iter(cases.values()))
    ordered = sorted(cases.values(), key=lambda outcome: -len(outcome["samples"]))  # those with all contenders first, so that pairs stay pairs
    samples = {name: [value for outcome in ordered for value in outcome["samples"].get(name, [])] for name in names}
    missing = {name: reason for outcome in cases.values() for name, reason in outcome["missing"].items()}
    return {**first, "samples": samples, "missing": missing, "gave_up": gave_up(list(cases.values())), "complete": all(outcome["complete"] for outcome in cases.values()), "title": first["title"].rpartition(",")[0]}


def shown(seconds: float, unit: str) -> str:
    """Three digits that mean something, in seconds, "ms" or "µs" as the unit asks.

    >>> shown(0.01234, "ms"), shown(123.4, "s"), shown(0.00012, "ms")
    ('12.3', '123', '0.120')
    """
    value = seconds * (1000 if unit == "ms" else 1)
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value > 0 else "0"
