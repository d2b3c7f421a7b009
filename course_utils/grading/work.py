"""Grades one submission, in a worker that never runs a student's code: sandboxes answer, this decides."""

from __future__ import annotations

import atexit
import base64
import contextlib
import functools
import hashlib
import math
import os
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from course_utils.checks import evidence
from course_utils.checks.diagnosis import Table, diagnose
from course_utils.grading import attempt, exercises, submission
from course_utils.grading.attempt import Attempt
from course_utils.grading.sandbox import SandboxRefused
from course_utils.grading.warm import Warmed

MOST_ATTEMPTS = 5
MOST_EACH = 20.0  # seconds for one cell, and for one task

_warmed: dict[tuple[str, bool], Warmed] = {}
_one_at_a_time = threading.Lock()  # a worker may have several threads; it has one warmed parent of each kind


def grade_one(job: dict[str, Any]) -> dict[str, Any]:
    """Grade one submission.

    Args:
        job: "student", "lesson", "notebook" (bytes), "seed" (an int that the student cannot know), "seconds" in all, and
            "unsafe" (True: without a sandbox).

    Returns:
        A Graded: a dict for JSON with "status" "graded" or "needs a person", "why", "tasks" and "cells". A task that did not
        answer has points None.

    Raises:
        SandboxRefused: there is no sandbox on this machine.
        RuntimeError, OSError: the grader's own trouble, twice; nothing is said about the submission.
    """
    digest = hashlib.sha256(job["notebook"]).hexdigest()
    graded = {**_nothing(job["student"], job["lesson"]), "sha256": digest, "seed": job["seed"]}
    try:
        cells = submission.read_cells(job["notebook"])
    except submission.Problem as problem:
        return {**graded, "why": str(problem)}
    tables = [_table(job["lesson"], task.name, job["seed"]) for task in exercises.tasks(job["lesson"])]
    tries = _Tries(cells, tables)
    with _one_at_a_time:
        _parent(exercises.warm(job["lesson"]), job.get("unsafe", False))  # what it imports is not the student's time
        begun = time.monotonic()
        tries.run(job, begun + job["seconds"])
    return {**graded, **tries.decided(job["lesson"]), "cells": tries.shown(), "seconds": round(time.monotonic() - begun, 3)}


def not_run(record: dict[str, Any], why: str) -> dict[str, Any]:
    """A Graded for a submission that was not run, for a reason that a person should read."""
    return {**_nothing(record["student"], record["lesson"]), "sha256": record.get("sha256") or "", "why": why}


def _nothing(student: str, lesson: str) -> dict[str, Any]:
    """A Graded of which nothing is known but its tasks."""
    tasks = {task.name: _task(task, None, "no evidence", "") for task in exercises.tasks(lesson)}
    return {
        "student": student, "lesson": lesson, "sha256": "", "version": exercises.version(lesson), "seed": None, "status": "needs a person",
        "why": "", "tasks": tasks, "cells": [], "seconds": 0.0,
    }


def _task(task: exercises.Task, points: float | None, name: str, sentence: str) -> dict[str, Any]:
    return {"points": points, "max": task.points, "name": name, "sentence": sentence}


@functools.lru_cache(maxsize=64)
def _table(lesson: str, name: str, seed: int) -> Table:
    """The answers for this seed; all students of a run have the same one, since no sandbox can tell another."""
    with _silent(exercises.warm(lesson) == "tensorflow"):
        return exercises.make_table(lesson, name, seed)


@contextlib.contextmanager
def _silent(wanted: bool) -> Iterator[None]:
    """Keep away what TensorFlow's C++ writes to the terminal when it is imported; no setting of its own does."""
    if not wanted:
        yield
        return
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


class _Tries:
    """The attempts at one submission: after each that did not end well, a fresh one without the cell or task that ended it."""

    def __init__(self, cells: list[submission.Cell], tables: list[Table]) -> None:
        self._cells, self._tables = cells, tables
        self._skipped: dict[int, str] = {}  # cell -> why
        self._lost: dict[int, str] = {}  # task -> why
        self._evidence: dict[int, bytes] = {}
        self._outputs: dict[int, list[dict]] = {}

    def run(self, job: dict[str, Any], until: float) -> None:
        """Try until all tasks have answered or are given up."""
        kind, each = exercises.warm(job["lesson"]), min(MOST_EACH, job["seconds"] / 6)
        for _ in range(MOST_ATTEMPTS):
            if not self._open_tasks() or time.monotonic() >= until:
                break
            self._keep(_attempt(kind, job.get("unsafe", False), self._sources(), self._requests(), each, until), each)
        reason = "the time limit was reached" if time.monotonic() >= until else f"the notebook ended its process {MOST_ATTEMPTS} times"
        for number in self._open_tasks():
            self._lost[number] = f"{self._tables[number].function} was not asked: {reason}."

    def _sources(self) -> dict[int, str]:
        return {n: cell.source for n, cell in enumerate(self._cells) if cell.kind == "code" and cell.source.strip() and n not in self._skipped}

    def _open_tasks(self) -> list[int]:
        return [number for number in range(len(self._tables)) if number not in self._evidence and number not in self._lost]

    def _requests(self) -> dict[int, dict[str, str]]:
        tables = {number: self._tables[number] for number in self._open_tasks()}
        return {
            number: {"function": table.function, "call": table.call, "inputs": base64.b64encode(evidence.pack_inputs(table.inputs)).decode()}
            for number, table in tables.items()
        }

    def _keep(self, found: Attempt, each: float) -> None:
        """What an attempt brought, and what the next one leaves out."""
        self._outputs.update(found.outputs)
        self._evidence.update(found.evidence)
        for number in found.late:
            self._lost[number] = f"{self._tables[number].function} took longer than {each:g} s on the grader's inputs."
        for number in found.absent:
            self._lost[number] = f"{self._tables[number].function} is not there after all cells have run."
        if found.ended != "done" and found.at:
            self._leave_out(*found.at, _what_happened(found, each))
        if found.ended == "done":
            for number in self._open_tasks():
                self._lost[number] = f"{self._tables[number].function} was asked and gave no answer that can be sent."

    def _leave_out(self, what: str, number: int, happened: str) -> None:
        if what == "cell":
            self._skipped[number] = f"This cell was left out: {happened}."
        elif number not in self._evidence and number not in self._lost:
            self._lost[number] = f"{self._tables[number].function} gave no answer: {happened}."

    def shown(self) -> list[dict[str, Any]]:
        """The cells with what they showed, for people."""
        return [
            {"source": cell.source[: submission.MOST_SOURCE], "cell_type": cell.kind, "grade_id": cell.grade_id,
             "outputs": self._outputs.get(n, []), "note": self._skipped.get(n, "")}
            for n, cell in enumerate(self._cells)
        ]

    def decided(self, lesson: str) -> dict[str, Any]:
        """Status, reason and tasks."""
        tasks = {task.name: self._decide(number, task) for number, task in enumerate(exercises.tasks(lesson))}
        missing = [task["sentence"] for task in tasks.values() if task["points"] is None]
        why = " ".join([*missing, self._trouble()]).strip() if missing else ""
        return {"tasks": tasks, "status": "needs a person" if missing else "graded", "why": why}

    def _decide(self, number: int, task: exercises.Task) -> dict[str, Any]:
        """Points for one task; none where nothing was answered that can be read."""
        if number not in self._evidence:
            return _task(task, None, "no evidence", self._lost[number])
        table = self._tables[number]
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                verdict = diagnose(table, evidence.unpack(self._evidence[number], len(table.inputs)))
        except Exception as error:  # these bytes come from a student: whatever they break, it is theirs alone
            sentence = f"What {task.function} answered cannot be read ({type(error).__name__}: {str(error)[:200]})."
            return _task(task, None, "no evidence", attempt.clean(sentence))
        if verdict.name == "raises an error" and (cell := self._cut_short()):
            return _task(task, None, "no evidence", f"{verdict.sentence} But cell {cell} was stopped or left out, and that may be why.")
        points = round(float(verdict.share) * task.points, 4)
        if not (math.isfinite(points) and 0 <= points <= task.points):
            raise RuntimeError(f"The checks gave {verdict.share} as a share of the points; expected 0 to 1.")
        return _task(task, points, verdict.name, verdict.sentence)

    def _cut_short(self) -> int | None:
        """The first cell, from 1, that could not run to its end: what it would have made is missing, for which nobody loses points."""
        stopped = {n for n, shown in self._outputs.items() if any(output.get("ename") == "TimeLimit" for output in shown)}
        return min((n + 1 for n in stopped | set(self._skipped)), default=None)

    def _trouble(self) -> str:
        """The first cell that went wrong, as a hint for the person."""
        for number, cell in enumerate(self._cells):
            if number in self._skipped:
                return f"Cell {number + 1}: {self._skipped[number]}"
            for shown in self._outputs.get(number, []):
                if shown["output_type"] == "error" and cell.grade_id not in {table.name for table in self._tables}:
                    return f"Cell {number + 1} stopped with {shown['ename']}: {shown['evalue'][:200]}"
        return ""


def _what_happened(found: Attempt, each: float) -> str:
    return {
        "silent": f"it ran longer than {each:g} s and could not be stopped",
        "no time": "the time limit of the whole submission was reached",
        "died": f"it ended the process ({found.how or 'no reason is known'})",
        "malformed": "it wrote into the grader's own channel",
    }[found.ended]


def _attempt(kind: str, unsafe: bool, *run) -> Attempt:
    """One attempt; when the warmed parent itself is in trouble, once more with a new one."""
    try:
        return attempt.run(_parent(kind, unsafe), *run)
    except SandboxRefused:
        raise
    except (RuntimeError, OSError):
        _forget(kind, unsafe)
        return attempt.run(_parent(kind, unsafe), *run)


def _parent(kind: str, unsafe: bool) -> Warmed:
    if (kind, unsafe) not in _warmed:
        _warmed[kind, unsafe] = Warmed(kind, unsafe)
    return _warmed[kind, unsafe]


def _forget(kind: str, unsafe: bool) -> None:
    if warmed := _warmed.pop((kind, unsafe), None):
        warmed.close()


@atexit.register
def close() -> None:
    """End the warmed parents of this process. (They end by themselves when it is killed.)"""
    for key in list(_warmed):
        _forget(*key)
