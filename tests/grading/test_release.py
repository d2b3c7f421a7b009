"""Released exercises: prompts in place of answers, nothing else changed; they run as they are, and answers are never lost."""

import ast
import os
import re
import shutil
import subprocess
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbgrader import utils

from course_utils.checks import TASKS, reset
from course_utils.grading import exercises, release
from course_utils.kit.notebooks import execute

ROOT = Path(__file__).parents[2]
LESSONS = exercises.lessons()


@pytest.fixture(scope="module")
def released():
    return {lesson: release.release_notebook(lesson) for lesson in LESSONS}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty place for the exercises."""
    monkeypatch.setattr(reset, "RELEASE", tmp_path / "release")
    return tmp_path / "release"


def by_id(notebook):
    return {exercises.grade_id(cell): cell for cell in notebook.cells}


def test_the_checks_know_the_lessons_that_have_exercises():
    assert {lesson: tuple(task.name for task in exercises.tasks(lesson)) for lesson in LESSONS} == TASKS


@pytest.mark.parametrize("lesson", LESSONS)
def test_only_solutions_are_replaced(lesson, released):
    source = nbformat.read(exercises.source_notebook(lesson), as_version=4)
    assert [cell.id for cell in released[lesson].cells] == [cell.id for cell in source.cells]
    for old, new in zip(source.cells, released[lesson].cells):
        assert "SOLUTION" not in new.source and new.metadata.get("tags") == old.metadata.get("tags")
        if "BEGIN SOLUTION" not in old.source:
            assert new.source == old.source


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_function_keeps_its_signature_and_raises_a_sentence(lesson, released):
    for task in exercises.tasks(lesson):
        function = ast.parse(by_id(released[lesson])[f"{task.name}_answer"].source).body[0]
        assert function.name == task.function and ast.get_docstring(function)
        namespace = {}
        exec(compile(ast.Module([function], []), "stub", "exec"), namespace)
        with pytest.raises(NotImplementedError, match=f"Your code goes here: {task.function} is not written yet."):
            namespace[task.function](*[None] * len(function.args.args))


@pytest.mark.parametrize("lesson", LESSONS)
def test_metadata_is_what_nbgrader_and_jupyter_need_and_no_more(lesson, released):
    assert set(released[lesson].metadata) == {"kernelspec", "language_info"}
    for cell in released[lesson].cells:
        assert set(cell.metadata) <= {"nbgrader", "tags", "deletable", "editable"}
        assert cell.metadata.nbgrader.checksum == utils.compute_checksum(cell)
        assert cell.metadata.deletable is False and cell.metadata.get("editable", True) is utils.is_solution(cell)
        assert cell.cell_type == "markdown" or (cell.outputs == [] and cell.execution_count is None)


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_untouched_exercise_runs_from_top_to_bottom(lesson, released, tmp_path):
    """Each check says "Not yet implemented"; no cell fails, and nothing comes out on stderr that a lesson would not store."""
    path = tmp_path / f"{lesson}.ipynb"
    release.write(released[lesson], path)
    done = execute(path, timeout=300)
    assert done is not None
    said = {name: "".join(output.get("text", "") for output in by_id(done)[name].outputs) for name in TASKS[lesson]}
    assert all(text.startswith("Not yet implemented: replace the line that raises") for text in said.values()), said


def test_a_solution_outside_a_solution_cell_is_refused(monkeypatch, tmp_path):
    notebook = nbformat.read(exercises.source_notebook(LESSONS[0]), as_version=4)
    by_id(notebook)["rnn_step_answer"].metadata.nbgrader.update(solution=False, locked=True)
    nbformat.write(notebook, tmp_path / "source.ipynb")
    monkeypatch.setattr(release, "source_notebook", lambda lesson: tmp_path / "source.ipynb")
    with pytest.raises(RuntimeError, match="Solution region detected"):
        release.release_notebook(LESSONS[0])


@pytest.mark.parametrize("lesson", LESSONS)
def test_links_lead_to_files_from_source_and_release(lesson, released):
    here = exercises.source_notebook(lesson).parent
    links = [link for cell in released[lesson].cells if cell.cell_type == "markdown" for link in re.findall(r"\]\(([^)]+)\)", cell.source)]
    assert links and all((here / link).is_file() for link in links)
    assert len(exercises.source_notebook(lesson).relative_to(ROOT).parts) == len(reset.exercise(lesson).relative_to(ROOT).parts)


# Making them


def answer(path, text="x = 1"):
    """Write into an exercise as a student would."""
    notebook = nbformat.read(path, as_version=4)
    next(cell for cell in notebook.cells if str(exercises.grade_id(cell)).endswith("_answer")).source = text
    nbformat.write(notebook, path)


def changed_source(monkeypatch, lesson=LESSONS[0]):
    """As after an update of the course: the source of one lesson has another text."""
    made = release.release_notebook

    def changed(name):
        notebook = deepcopy(made(name))
        if name == lesson:
            notebook.cells[0].source += "\n\nMended."
        return notebook

    monkeypatch.setattr(release, "release_notebook", changed)


def test_making_twice_changes_nothing(folder):
    assert release.make_exercises() == []
    files = {path: path.read_bytes() for path in folder.rglob("*.ipynb")}
    assert len(files) == 2 * len(LESSONS)
    assert release.make_exercises() == [] and {path: path.read_bytes() for path in folder.rglob("*.ipynb")} == files


def test_a_changed_source_makes_the_exercise_again(folder, monkeypatch):
    release.make_exercises()
    changed_source(monkeypatch)
    assert release.make_exercises() == []
    assert "Mended." in reset.exercise(LESSONS[0]).read_text(encoding="utf-8")


def test_answers_survive_a_changed_source_and_it_is_said_once(folder, monkeypatch):
    release.make_exercises()
    answer(reset.exercise(LESSONS[0]))
    before = reset.exercise(LESSONS[0]).read_bytes()
    assert release.make_exercises() == []
    changed_source(monkeypatch)
    said = release.make_exercises()
    assert len(said) == 1 and f"python -m course_utils reset {LESSONS[0]}" in said[0]
    assert release.make_exercises() == [] and reset.exercise(LESSONS[0]).read_bytes() == before


def test_answers_survive_where_the_untouched_copy_was_lost(folder):
    release.make_exercises()
    answer(reset.exercise(LESSONS[0]))
    before = reset.exercise(LESSONS[0]).read_bytes()
    shutil.rmtree(folder / ".untouched")
    release.make_exercises()
    assert reset.exercise(LESSONS[0]).read_bytes() == before and reset.untouched(LESSONS[0]).is_file()


def test_a_folder_that_cannot_be_written_is_a_sentence(folder, capsys):
    folder.write_text("a file where the folder should be")
    assert release.main(["--exercises"]) == 1
    assert str(folder) in capsys.readouterr().err


# Through make


@pytest.fixture
def checkout(tmp_path):
    """What `make exercises` looks at, with a stand-in for Python that writes the exercises' names."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml", "course_utils/kit/bootstrap.py", "course_utils/kit/jupyter.py", "course_utils/kit/saved_pictures.js", "course_utils/grading/release.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "asked: $*"\nmkdir -p notebooks/exercises/release/.untouched notebooks/exercises/release/a\n: > notebooks/exercises/release/a/a.ipynb\n')
    python.chmod(0o755)
    (tmp_path / ".venv/unrolled-ready").write_text("")
    return tmp_path


def make(checkout, target="exercises"):
    done = subprocess.run(["make", "--no-print-directory", target], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.count("asked: -m course_utils.grading.release --exercises")


needs_make = pytest.mark.skipif(not shutil.which("make"), reason="make is not used on Windows")


@needs_make
def test_make_asks_only_when_something_is_new_or_missing(checkout):
    source = checkout / "notebooks/exercises/source/a/a.ipynb"
    source.parent.mkdir(parents=True)
    source.write_text("")
    assert [make(checkout), make(checkout)] == [1, 0]
    (checkout / "notebooks/exercises/release/a/a.ipynb").unlink()
    assert [make(checkout), make(checkout)] == [1, 0]
    for path in checkout.rglob("*"):
        os.utime(path, (1_750_000_000, 1_750_000_000))  # clocks of file systems tick in milliseconds; two writes may fall into one
    source.with_name("tasks.py").write_text("")
    assert [make(checkout, "lab"), make(checkout, "test")] == [1, 0]


@needs_make
def test_make_asks_nothing_where_there_are_no_sources(checkout):
    assert [make(checkout, target) for target in ("exercises", "lab", "test")] == [0, 0, 0]
