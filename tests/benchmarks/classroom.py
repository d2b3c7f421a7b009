"""A class of submissions: released exercises with answers that students wrote, right, wrong and none at all."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

import nbformat
import numpy as np

from course_utils.grading.exercises import grade_id, tasks
from course_utils.grading.release import release_notebook

ANSWERS = Path(__file__).resolve().parents[1] / "checks"


def answers(task: str) -> list[str]:
    """Source texts of all known answers to a task, under the task's own name: about one third right, and "" for none."""
    found = [""]
    for kind in ("right_answers", "wrong_answers"):
        path = ANSWERS / kind / f"{task}.py"
        spec = importlib.util.spec_from_file_location(f"{kind}_{task}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        helpers = path.read_text(encoding="utf-8").split(f"\ndef {task}_1(")[0]
        for name, function in vars(module).items():
            if re.fullmatch(rf"{task}_\d+", name):
                found.append(helpers + "\n\n" + inspect.getsource(function).replace(name, task))
    return found


def submission(lesson: str, number: int):
    """The notebook of the student with this number."""
    rng = np.random.default_rng(number)
    notebook = release_notebook(lesson)
    chosen = {f"{task.name}_answer": rng.choice(answers(task.name)) for task in tasks(lesson)}
    for cell in notebook.cells:
        if grade_id(cell) in chosen and chosen[grade_id(cell)]:
            cell.source = str(chosen[grade_id(cell)])
        if grade_id(cell) == "open":
            cell.source = f"I expected a slow decay. It came faster (student {number})."
    return notebook


def write_class(folder: Path, lesson: str, count: int) -> None:
    """`count` submissions laid out as nbgrader does: folder/student/lesson/lesson.ipynb."""
    for number in range(count):
        path = folder / f"student_{number:04d}" / lesson / f"{lesson}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(submission(lesson, number), path)
