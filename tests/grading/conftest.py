"""A course of two small lessons, a state folder and submissions, for the tests of collecting and the gradebook."""

import json
import zipfile
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.grading.state import open_state

LESSONS = {"01_rnn_formula": {"rnn_step", "rnn_states"}, "02_unrolling": {"sequence_loss", "back_through_time"}}


def about(grade_id, **more):
    """nbgrader's metadata of a cell."""
    plain = {"schema_version": 3, "grade_id": grade_id, "grade": False, "solution": False, "locked": False, "task": False}
    return {"nbgrader": plain | more}


def source(lesson):
    """A source notebook with solutions and hidden parts, as authors write it."""
    cells = [new_markdown_cell(f"# Exercises: {lesson}"), new_code_cell("import numpy as np")]
    for task in sorted(LESSONS[lesson]):
        answer = f"def {task}(x):\n    ### BEGIN SOLUTION\n    return x + 4242\n    ### END SOLUTION\n"
        cells += [
            new_markdown_cell(f"Write `{task}`."),
            new_code_cell(answer, metadata=about(f"{task}_answer", solution=True)),
            new_code_cell(f"check_{task}({task})\n### BEGIN HIDDEN TESTS\nassert {task}(1) == 4243\n### END HIDDEN TESTS",
                          metadata=about(task, grade=True, locked=True, points=10)),
        ]  # fmt: skip
    cells += [new_markdown_cell("Rubric: ..."), new_markdown_cell("Your words.", metadata=about("open", grade=True, solution=True, points=10))]
    return new_notebook(cells=cells)


def submission(lesson, text="    return x + 1", more=()):
    """A student's notebook as bytes: every answer cell filled with `text`."""
    notebook = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    for task in sorted(LESSONS[lesson]):
        notebook.cells.append(new_code_cell(f"def {task}(x):\n{text}", metadata=about(f"{task}_answer", solution=True)))
        notebook.cells.append(new_code_cell(f"check_{task}({task})", metadata=about(task, grade=True, locked=True, points=10)))
    notebook.cells.append(new_markdown_cell("My words.", metadata=about("open", grade=True, solution=True, points=10)))
    notebook.cells.extend(more)
    return nbformat.writes(notebook).encode()


@pytest.fixture
def state(tmp_path):
    return open_state(str(tmp_path / "state"))


@pytest.fixture
def make_zip(tmp_path):
    """`make_zip({name: bytes or (bytes, (2026, 1, 2, 3, 4, 6))})` -> path of the zip."""

    def make(files, name="all.zip", compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", compression) as archive:
            for member, content in files.items() if isinstance(files, dict) else files:
                data, when = content if isinstance(content, tuple) else (content, (2026, 3, 1, 12, 0, 0))
                info = member if isinstance(member, zipfile.ZipInfo) else zipfile.ZipInfo(member, when)
                info.compress_type = compression
                archive.writestr(info, data)
        return path

    return make


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The two lessons' source notebooks in place of the course's own."""
    from course_utils.grading import lessons, release

    folder = tmp_path / "source"
    for lesson in LESSONS:
        path = folder / lesson / f"{lesson}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(source(lesson), path)
    monkeypatch.setattr(lessons, "names", lambda: sorted(LESSONS))
    monkeypatch.setattr(release, "source_notebook", lambda lesson: folder / lesson / f"{lesson}.ipynb")
    monkeypatch.setattr(release, "tasks", lambda lesson: [SimpleNamespace(name=task, function=task) for task in sorted(LESSONS[lesson])])
    lessons.pristine.cache_clear()
    yield folder
    lessons.pristine.cache_clear()


def graded(lesson, student="alice", points=(10.0, 5.0), *, status="graded", why="", data=None, cells=None, sha="0" * 64):
    """A Graded as the worker hands it over."""
    tasks = {}
    for task, value in zip(sorted(LESSONS[lesson]), points):
        name, sentence = ("right", "Right.") if value == 10 else ("no evidence", why) if value is None else ("missing term", "The recurrent term is missing.")
        tasks[task] = {"points": value, "max": 10.0, "name": name, "sentence": sentence}
    if cells is None:
        found = json.loads(data or submission(lesson))["cells"]
        cells = [{"source": "".join(cell["source"]), "cell_type": cell["cell_type"], "grade_id": cell["metadata"].get("nbgrader", {}).get("grade_id"),
                  "outputs": [], "note": ""} for cell in found]  # fmt: skip
    return {"student": student, "lesson": lesson, "sha256": sha, "version": "v1", "seed": 1, "status": status, "why": why,
            "tasks": tasks, "cells": cells, "seconds": 1.5}  # fmt: skip
