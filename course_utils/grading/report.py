"""The instructor's report: one HTML file without scripts that shows what students get wrong, and who needs a person."""

from __future__ import annotations

import statistics
from collections import Counter
from datetime import datetime, timezone

import jinja2

from course_utils.grading import export
from course_utils.grading.escape import cut, printable
from course_utils.grading.export import Row
from course_utils.grading.feedback import TEMPLATES
from course_utils.grading.state import State, write

STATUSES = (export.GRADED, export.PERSON, export.WAITING, export.MISSING, "by hand")
MOST_TERMS = 12


def write_report(state: State, found: list[Row], now: datetime | None = None) -> None:
    """Write report.html into the state folder."""
    write(state.folder / "report.html", html(state, found, now).encode("utf-8", "replace"))


def html(state: State, found: list[Row], now: datetime | None = None) -> str:
    """The report as one page; whatever a student wrote is escaped."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    counts = export.counts(found)
    return environment.get_template("report.html.j2").render(
        style=(TEMPLATES / "house.css").read_text(encoding="utf-8"),
        now=(now or datetime.now(timezone.utc)).strftime("%Y-%m-%d %H:%M UTC"),
        statuses=[*STATUSES[:-1], "marks by hand open"],
        lessons=[_lesson(name, [counts[name][status] for status in STATUSES], [row for row in found if row.lesson == name]) for name in counts],
        people=export.people(state, found),
        time=_time(found),
    )


def _lesson(name: str, counts: list[int], found: list[Row]) -> dict:
    verdicts = [(task, verdict) for row in found for task, verdict in row.tasks.items()]
    tasks = list(dict.fromkeys(task for task, _ in verdicts))
    wrong = Counter((task, _clean(verdict["name"])) for task, verdict in verdicts if failed(verdict))
    return {
        "name": name, "counts": counts, "tasks": tasks, "heat": _heat(tasks, wrong), "terms": _terms(wrong, verdicts),
        "sentences": [_sentence(task, [verdict for other, verdict in verdicts if other == task]) for task in tasks],
    }  # fmt: skip


def failed(verdict: dict) -> bool:
    """Whether a check was answered, and not with a right answer; no evidence is no failed check."""
    return verdict["points"] is not None and verdict["points"] < verdict["max"]


def _heat(tasks: list[str], wrong: Counter) -> list[dict]:
    """A line for each verdict, the most common first; the colour's strength goes from 0 to 0.6, so that text stays readable on it."""
    totals = Counter()
    for (_, name), count in wrong.items():
        totals[name] += count
    most = max(wrong.values(), default=1)
    return [
        {"name": name, "cells": [{"count": wrong[task, name], "strength": round(0.6 * wrong[task, name] / most, 2)} for task in tasks]}
        for name, _ in sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    ]


def _terms(wrong: Counter, verdicts: list[tuple[str, dict]]) -> list[dict]:
    examples = {(task, _clean(verdict["name"])): _clean(verdict["sentence"]) for task, verdict in reversed(verdicts)}
    ranked = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))[:MOST_TERMS]
    return [{"task": task, "name": name, "count": count, "sentence": examples[task, name]} for (task, name), count in ranked]


def _sentence(task: str, verdicts: list[dict]) -> str:
    """The heat map's column in words."""
    answered = [verdict for verdict in verdicts if verdict["points"] is not None]
    right = sum(not failed(verdict) for verdict in answered)
    wrong = Counter(_clean(verdict["name"]) for verdict in answered if failed(verdict)).most_common(1)
    often = f" Most often wrong: {wrong[0][0]} ({wrong[0][1]})." if wrong else ""
    open_ = f" {len(verdicts) - len(answered)} gave no evidence and need a person." if len(answered) < len(verdicts) else ""
    return f"{task}: {right} of {len(answered)} answers are right.{often}{open_}"


def _time(found: list[Row]) -> str:
    timed = sorted((row for row in found if row.seconds > 0), key=lambda row: row.seconds)
    if not timed:
        return "Nothing has been timed yet."
    slowest = ", ".join(f"{_clean(row.name)}, {row.lesson} ({row.seconds:.1f} s)" for row in timed[:-4:-1])
    total = sum(row.seconds for row in timed)
    return (
        f"{len(timed)} submissions took {total:.0f} seconds of computing in all, {statistics.median(row.seconds for row in timed):.1f} seconds in the "
        f"median. The slowest: {slowest}."
    )


def _clean(text: str) -> str:
    return cut(" ".join(printable(text).split()), 400)
