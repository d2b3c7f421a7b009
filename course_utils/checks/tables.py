"""Where the tables of answers come from: in a student's kit from files, in the instructor's copy from the exercises' source."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.checks.diagnosis import Mistake, Table
from course_utils.checks.evidence import Outcome

FOLDER = Path(__file__).with_name("tables")  # made for the student's kit; not there in the instructor's copy


@functools.cache
def load(lesson: str, name: str) -> Table:
    """The table of a task for the inputs that students see.

    Raises:
        FileNotFoundError: neither the file nor the source is there.
    """
    path = FOLDER / f"{name}.json"
    if path.is_file():
        return decode(json.loads(path.read_text(encoding="utf-8")))
    try:
        from course_utils.grading.exercises import PUBLIC_SEED, make_table
    except ImportError:
        raise FileNotFoundError(
            f"The table {path.name} that the check needs is missing from {FOLDER}. Unpack the course again; your own notebooks can stay."
        ) from None
    return make_table(lesson, name, PUBLIC_SEED)


def encode(table: Table) -> dict[str, Any]:
    """The table as plain JSON; `decode` makes it again."""
    plain = {key: getattr(table, key) for key in ("name", "function", "call", "parts", "says", "hints")}
    return plain | {
        "inputs": [{key: _plain(value) for key, value in case.items()} for case in table.inputs],
        "right": [_plain_outcome(outcome) for outcome in table.right],
        "mistakes": [[m.name, m.sentence, [_plain_outcome(outcome) for outcome in m.outcomes]] for m in table.mistakes],
    }


def decode(plain: dict[str, Any]) -> Table:
    """The table that `encode` wrote."""
    return Table(
        **{key: plain[key] for key in ("name", "function", "call", "says", "hints")},
        parts=[tuple(part) for part in plain["parts"]],
        inputs=[{key: _array(value) for key, value in case.items()} for case in plain["inputs"]],
        right=[_outcome(entry) for entry in plain["right"]],
        mistakes=[
            Mistake(name, sentence, [_outcome(entry) for entry in outcomes]) for name, sentence, outcomes in plain["mistakes"]
        ],
    )


def _plain(array: np.ndarray) -> list:
    return [array.dtype.str, list(array.shape), array.ravel().tolist()]


def _array(plain: list) -> np.ndarray:
    dtype, shape, values = plain
    return np.array(values, dtype).reshape(shape)


def _plain_outcome(outcome: Outcome) -> list:
    return [outcome.kind, [_plain(array) for array in outcome.arrays]]


def _outcome(plain: list) -> Outcome:
    return Outcome(plain[0], tuple(_array(array) for array in plain[1]))
