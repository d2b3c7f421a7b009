"""The author's side of the exercises: from each lesson's source notebook and its tasks.py to tables of answers.

The reference answers are the solution cells of the source notebook and stand nowhere else. None of this, and none of what
it reads, is in the student's kit.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import numpy as np

import course_utils.checks
from course_utils.checks.diagnosis import Mistake, Table, featured
from course_utils.checks.evidence import ask

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "notebooks" / "exercises" / "source"
PUBLIC_SEED = 2026  # of the inputs that students see; a grader's are fresh in each run
SOLUTION = re.compile(r"^\s*### (BEGIN|END) SOLUTION\s*$")


class Case(NamedTuple):
    """Inputs by argument name, and a clause that says what the answer should be for them."""

    says: str
    inputs: dict[str, Any]


class Wrong(NamedTuple):
    """A typical mistake: a short name, what to tell the student, and a function that makes it."""

    name: str
    sentence: str
    function: Callable


class Task(NamedTuple):
    """One task that is graded by what the student's function answers.

    Attributes:
        name: of the task, which is the grade_id of its check cell.
        function: name of the function that the student writes.
        parts: the answer's parts, as (name, meaning of the axes).
        cases: makes the cases from a generator of random numbers, from the simplest to the full one.
        wrong: typical mistakes, the likeliest first.
        hints: three sentences, the last nearly the answer.
        call: how the function is called, one of `course_utils.checks.evidence.CALLS`.
        points: for a right answer; half for one with exactly one named mistake.
    """

    name: str
    function: str
    parts: list[tuple[str, str]]
    cases: Callable[[np.random.Generator], list[Case]]
    wrong: list[Wrong]
    hints: tuple[str, str, str]
    call: str = "plain"
    points: float = 10.0


def lessons() -> list[str]:
    """The lessons that have exercises, in order."""
    return sorted(path.parent.name for path in SOURCE.glob("*/tasks.py"))


def source_notebook(lesson: str) -> Path:
    """The notebook with the solutions; ValueError for a lesson without exercises."""
    if lesson not in lessons():
        raise ValueError(f"lesson: expected one of {', '.join(lessons())}; received {lesson!r}.")
    return SOURCE / lesson / f"{lesson}.ipynb"


@functools.cache
def tasks(lesson: str) -> tuple[Task, ...]:
    """The tasks of a lesson's tasks.py, in the order of the notebook."""
    path = source_notebook(lesson).with_name("tasks.py")
    spec = importlib.util.spec_from_file_location(f"tasks_of_{lesson}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tuple(module.TASKS)


def task(name: str) -> Task:
    """The task of this name."""
    return next(found for lesson in lessons() for found in tasks(lesson) if found.name == name)


@functools.cache
def warm(lesson: str) -> str:
    """What a process needs in memory to run the lesson's exercises quickly: "tensorflow" or "numpy"."""
    notebook = nbformat.read(source_notebook(lesson), as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return "tensorflow" if re.search(r"^\s*(import|from) (keras|tensorflow)\b", code, re.MULTILINE) else "numpy"


@functools.cache
def references(lesson: str) -> dict[str, Callable]:
    """Function name -> reference answer, from the solution cells and the imports of the source notebook."""
    notebook = nbformat.read(source_notebook(lesson), as_version=4)
    answers = {f"{found.name}_answer" for found in tasks(lesson)}
    namespace: dict[str, Any] = {}
    for cell in notebook.cells:
        if grade_id(cell) in answers | {"set_up"}:
            exec(_definitions(cell.source, lesson), namespace)  # noqa: S102 - the instructor's own notebook
    return {found.function: namespace[found.function] for found in tasks(lesson)}


def grade_id(cell) -> str | None:
    """The name that nbgrader knows the cell by, None for cells it does not know."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _definitions(source: str, lesson: str):
    """Imports and functions of a cell, compiled; what a cell does beside that is for readers."""
    tree = ast.parse("\n".join(line for line in source.splitlines() if not SOLUTION.match(line)))
    tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef))]
    return compile(tree, f"<source of {lesson}>", "exec")


def make_table(lesson: str, name: str, seed: int) -> Table:
    """The table of a task for inputs drawn with `seed`."""
    found = next(found for found in tasks(lesson) if found.name == name)
    says, inputs = zip(*found.cases(np.random.default_rng(seed)))
    inputs = [{key: np.asarray(value) for key, value in case.items()} for case in inputs]
    empty = Table(name, found.function, found.call, found.parts, list(says), inputs, [], [], list(found.hints))

    def answers(function):
        outcomes = [ask(found.call, function, case) for case in inputs]
        return [featured(empty, k, outcome) for k, outcome in enumerate(outcomes)]

    with np.errstate(all="ignore"):
        mistakes = [Mistake(wrong.name, wrong.sentence, answers(wrong.function)) for wrong in found.wrong]
        return empty._replace(right=answers(references(lesson)[found.function]), mistakes=mistakes)


def version(lesson: str) -> str:
    """A digest of all that decides about points in a lesson: its source, its tasks and the checks."""
    checks = sorted(Path(course_utils.checks.__file__).parent.glob("*.py"))
    digest = hashlib.sha256()
    for path in (source_notebook(lesson), source_notebook(lesson).with_name("tasks.py"), Path(__file__), *checks):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
