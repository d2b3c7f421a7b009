"""What students get: exercises without answers, made from their sources; and the student kit, a folder and a zip.

`python -m course_utils.grading.release --exercises` makes only notebooks/exercises/release/, without it the kit as well.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)

from course_utils.checks.reset import exercise, has_answers, untouched
from course_utils.grading.exercises import grade_id, lessons, source_notebook, tasks
from course_utils.kit.jupyter import KERNEL_ENV
from course_utils.kit.notebooks import tidy

CODE_STUB = "# Your code goes here."
FUNCTION_STUB = 'raise NotImplementedError("Your code goes here: {function} is not written yet.")'
TEXT_STUB = "Write your answer here."


class Prompts(ClearSolutions):
    """nbgrader's ClearSolutions with a stub for each kind of cell: a function raises, an open cell only invites."""

    text_stub = TEXT_STUB

    def __init__(self, lesson: str):
        super().__init__()
        self.functions = {f"{task.name}_answer": task.function for task in tasks(lesson)}

    def preprocess_cell(self, cell, resources, cell_index):
        function = self.functions.get(grade_id(cell))
        self.code_stub = {"python": FUNCTION_STUB.format(function=function) if function else CODE_STUB}
        return super().preprocess_cell(cell, resources, cell_index)


def release_notebook(lesson: str) -> NotebookNode:
    """The exercise of a lesson as students get it, made by nbgrader's own steps, in its own order.

    Raises:
        ValueError: the lesson has no exercises.
        RuntimeError: a solution region is not closed, or stands in a cell that is none for solutions.
    """
    notebook, resources = nbformat.read(source_notebook(lesson), as_version=4), {}
    steps = (LockCells(), Prompts(lesson), ClearOutput(), CheckCellMetadata(), ClearHiddenTests(), ComputeChecksums(), CheckCellMetadata())
    for step in steps:
        notebook, resources = step.preprocess(notebook, resources)
    notebook.metadata.pop("widgets", None)
    tidy(notebook)
    return notebook


def make_exercises() -> list[str]:
    """Write the exercises of all lessons; those in which somebody has written stay. Returns a sentence for each of these."""
    return [said for lesson in lessons() if (said := make_exercise(lesson))]


def make_exercise(lesson: str) -> str:
    """Write one exercise and its untouched copy. Returns "", or a sentence when there are answers, which are never overwritten."""
    mine, clean, notebook = exercise(lesson), untouched(lesson), release_notebook(lesson)
    answered = mine.is_file() and (has_answers(mine, clean) if clean.is_file() else True)
    changed = not clean.is_file() or nbformat.read(clean, as_version=4) != notebook
    write(notebook, clean)
    if answered and has_answers(mine, clean):
        return f"{mine} holds answers and was kept. For the new version: python -m course_utils reset {lesson}" if changed else ""
    if changed or not mine.is_file():
        write(notebook, mine)
    return ""


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    nbformat.write(notebook, part)
    os.replace(part, path)


def main(arguments: list[str] | None = None) -> int:
    """Make the exercises, and unless told otherwise the student kit; returns 0, or 1 after a sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m course_utils.grading release", description="Make what students get.")
    parser.add_argument("--exercises", action="store_true", help="only notebooks/exercises/release/, in this folder")
    chosen = parser.parse_args(arguments)
    try:
        for said in make_exercises():
            print(said)
        if not chosen.exercises:
            make_and_show_kit()
    except OSError as error:
        print(f"{error.filename} cannot be written: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def make_and_show_kit() -> None:
    """Make the student kit and say where it is."""
    os.environ.update(KERNEL_ENV)  # a table asks TensorFlow, which writes log lines otherwise
    from course_utils.grading.student_kit import make_kit

    kit, archive = make_kit()
    print(f"The student kit is ready, without answers: {kit}\nTo hand out: {archive} ({archive.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    sys.exit(main())
