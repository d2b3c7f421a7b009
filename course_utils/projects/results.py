"""Reads the recorded results: picks runs out of a table, and puts the runs of several seeds together."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from course_utils.projects.bench import wilson


def pick(table: dict, **wanted) -> list[dict]:
    """The results in which all the named entries have the given values, in the order of their seeds.

    >>> pick({"runs": {"a": {"result": {"seed": 2, "set": "mnist"}}, "b": {"result": {"set": "imdb"}}}}, set="mnist")
    [{'seed': 2, 'set': 'mnist'}]
    """
    results = [run["result"] for run in table["runs"].values()]
    found = [result for result in results if all(result.get(key) == value for key, value in wanted.items())]
    return sorted(found, key=lambda result: result.get("seed", 0))


def mean(results: Sequence[dict], *keys: str) -> float:
    """The mean of one entry over several results; more keys lead deeper, as in ``mean(found, "latency_ms", "median")``."""
    return statistics.mean(_values(results, keys))


def spread(results: Sequence[dict], *keys: str) -> float:
    """The standard deviation of one entry over several results; 0 for a single one, so say how many there are."""
    return statistics.stdev(_values(results, keys)) if len(results) > 1 else 0.0


def told(results: Sequence[dict]) -> str:
    """Mean accuracy, and how much the seeds differ, in words.

    >>> told([{"accuracy": 0.9}, {"accuracy": 0.92}]), told([{"accuracy": 0.9}])
    ('91.00% ± 1.41% over 2 seeds', '90.00%, one seed')
    """
    if len(results) == 1:
        return f"{mean(results, 'accuracy'):.2%}, one seed"
    return f"{mean(results, 'accuracy'):.2%} ± {spread(results, 'accuracy'):.2%} over {len(results)} seeds"


def interval(results: Sequence[dict]) -> tuple[float, float]:
    """The 95% Wilson interval of the mean accuracy: where the true accuracy may lie, as far as so many test examples can tell.

    More seeds do not make it narrower, because all of them answer the same test images.
    """
    return wilson(round(mean(results, "right")), results[0]["tested"])


def _values(results: Sequence[dict], keys: Sequence[str]) -> list[float]:
    values = []
    for value in results:
        for key in keys:
            value = value[key]
        values.append(value)
    if not values:
        raise ValueError("results: expected at least one, received none. Does the table hold runs of these names?")
    return values
