"""The time that each notebook takes in the tests: kept as JSON by a test run, written into README.md by a command."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from course_utils.kit import readme

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = {"embedded": "embedded digits", "full": "full MNIST"}


def times_file(data: str) -> Path:
    """Where a test run on `data` ("embedded" or "full") leaves its times."""
    return ROOT / "build" / f"times-{data}.json"


def save(seconds: Mapping[str, float], data: str) -> None:
    """Keep one run's seconds per notebook; a run of a few notebooks leaves the others' times as they were."""
    path = times_file(data)
    path.parent.mkdir(exist_ok=True)
    kept = {**load(data), **{name: round(value, 1) for name, value in seconds.items()}}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(part, path)


def load(data: str) -> dict[str, float]:
    """The kept seconds per notebook; empty when no run left any."""
    try:
        return json.loads(times_file(data).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def table(runs: Mapping[str, Mapping[str, float]]) -> str:
    """The Markdown table for `runs`, {"embedded" or "full": {notebook: seconds}}; a last row adds them up."""
    used = [data for data in COLUMNS if runs.get(data)]
    names = sorted({name for data in used for name in runs[data]})
    rows = [[name.removesuffix(".ipynb"), *(_seconds(runs[data].get(name)) for data in used)] for name in names]
    rows.append(["all", *(_seconds(sum(runs[data].values())) for data in used)])
    head = ["notebook", *(f"seconds, {COLUMNS[data]}" for data in used)]
    return readme.markdown_table(head, rows)


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def write_table(file: Path = readme.README) -> int:
    """Put the table between README's two markers; returns 0, or 1 after a sentence when something is missing."""
    runs = {data: load(data) for data in COLUMNS}
    if not any(runs.values()):
        print("No times are kept yet: run `make test` (and `make test-full`) first.", file=sys.stderr)
        return 1
    try:
        readme.put("times", table(runs), file)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
