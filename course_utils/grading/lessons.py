"""What the gradebook and the pages need to know of a lesson's exercises; the author's side is in `exercises`."""

from __future__ import annotations

import functools
import re

from nbformat import NotebookNode


def names() -> list[str]:
    """The lessons that have exercises."""
    from course_utils.grading import exercises

    return exercises.lessons()


@functools.cache
def pristine(lesson: str) -> NotebookNode:
    """The notebook as it is handed out: without solutions, hidden parts and outputs. Copy it before changing it."""
    from course_utils.grading import release

    return release.release_notebook(lesson)


def graded_cells(lesson: str) -> dict[str, float]:
    """grade_id -> points, in the notebook's order."""
    return {about(cell)["grade_id"]: float(about(cell)["points"]) for cell in pristine(lesson).cells if about(cell).get("grade")}


def open_tasks(lesson: str) -> list[str]:
    """grade_ids of the tasks that are marked by hand."""
    return [about(cell)["grade_id"] for cell in pristine(lesson).cells if about(cell).get("grade") and about(cell).get("solution")]


def about(cell) -> dict:
    """nbgrader's metadata of a cell; empty where it has none."""
    return cell.metadata.get("nbgrader", {})


def known_by() -> dict[str, set[str]]:
    """lesson -> grade_ids and functions that only its notebook has: how a renamed notebook is recognised."""
    found = {lesson: _marks(lesson) for lesson in names()}
    return {lesson: marks - set().union(*(found[other] for other in found if other != lesson)) for lesson, marks in found.items()}


def _marks(lesson: str) -> set[str]:
    cells = pristine(lesson).cells
    functions = {name for cell in cells if cell.cell_type == "code" for name in re.findall(r"^def\s+(\w+)", cell.source, re.MULTILINE)}
    return functions | {about(cell)["grade_id"] for cell in cells if about(cell)}


def answer_cells(lesson: str) -> dict[str, list[str]]:
    """grade_id of each graded cell -> grade_ids of the student's cells that it is about: those since the last graded cell."""
    found, since = {}, []
    for cell in pristine(lesson).cells:
        if about(cell).get("solution"):
            since.append(about(cell)["grade_id"])
        if about(cell).get("grade"):
            found[about(cell)["grade_id"]], since = since, []
    return found
