"""Starting an exercise afresh, and the table of what is done: answers are never lost, and nobody's state is shown."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from course_utils.__main__ import main
from course_utils.checks import TASKS, journal, reset
from course_utils.checks.progress import show_progress

LESSON = "01_rnn_formula"
PROMPT = "def f():\n    raise NotImplementedError"


@pytest.fixture
def exercise(tmp_path, monkeypatch):
    """The exercise of a lesson as it was handed out."""
    monkeypatch.setattr(reset, "RELEASE", tmp_path)
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# Exercise"), v4.new_code_cell(PROMPT)])
    for path in (reset.exercise(LESSON), reset.untouched(LESSON)):
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
    return reset.exercise(LESSON)


def write(path, text):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source = text
    nbformat.write(notebook, path)


def kept(path):
    return sorted(path.parent.glob("*_kept_*"))


def test_the_prompts_come_back_and_the_answers_are_kept(exercise, capsys):
    write(exercise, "def f():\n    return 42")
    before = exercise.read_bytes()
    assert main(["reset", LESSON]) == 0
    said = capsys.readouterr().out
    assert exercise.read_bytes() == reset.untouched(LESSON).read_bytes()
    assert [path.read_bytes() for path in kept(exercise)] == [before]
    assert str(kept(exercise)[0]) in said and re.search(r"_kept_\d{4}-\d\d-\d\d_\d{6}\.ipynb", said)


def test_answers_of_the_same_second_are_both_kept(exercise):
    for text in ("one = 1", "two = 2", "three = 3"):
        write(exercise, text)
        assert main(["reset", LESSON]) == 0
    assert sorted(re.search(r"(one|two|three) =", path.read_text())[1] for path in kept(exercise)) == ["one", "three", "two"]


def test_a_cell_of_ones_own_counts_as_an_answer(exercise):
    notebook = nbformat.read(exercise, as_version=4)
    notebook.cells.append(v4.new_code_cell("mine = True"))
    nbformat.write(notebook, exercise)
    assert main(["reset", LESSON]) == 0 and len(kept(exercise)) == 1


def test_nothing_to_reset_when_only_outputs_and_empty_cells_came(exercise, capsys):
    notebook = nbformat.read(exercise, as_version=4)
    notebook.cells[1].update(outputs=[v4.new_output("stream", text="Not yet implemented")], execution_count=3)
    notebook.cells.append(v4.new_code_cell("  \n"))
    nbformat.write(notebook, exercise)
    assert main(["reset", "01"]) == 0
    assert "Nothing to reset" in capsys.readouterr().out and kept(exercise) == []


def test_a_broken_file_is_kept_too(exercise):
    exercise.write_bytes(b'{"cells": [{"source": "an hour of wo')
    assert main(["reset", LESSON]) == 0
    assert [path.read_bytes() for path in kept(exercise)] == [b'{"cells": [{"source": "an hour of wo']
    assert exercise.read_bytes() == reset.untouched(LESSON).read_bytes()


def test_a_missing_exercise_comes_back(exercise, capsys):
    exercise.unlink()
    assert main(["reset", LESSON]) == 0
    assert exercise.is_file() and "now there is one" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["05_gru", "0", "", "1"])
def test_an_unknown_lesson_is_a_sentence_with_the_known_ones(exercise, name, capsys):
    assert main(["reset", name]) == 1
    said = capsys.readouterr().err
    assert f"received {name!r}" in said and all(lesson in said for lesson in TASKS)


def test_where_the_untouched_exercise_is_missing_nothing_happens(exercise, capsys):
    write(exercise, "x = 1")
    reset.untouched(LESSON).unlink()
    assert main(["reset", LESSON]) == 1
    assert "Unpack the course again" in capsys.readouterr().err and "x = 1" in exercise.read_text()


@pytest.mark.parametrize("step", ["copy2", "copyfile"])
def test_a_folder_that_cannot_be_written_is_a_sentence_and_the_answers_stay(step, exercise, monkeypatch, capsys):
    """As root a read-only folder does not refuse, so the refusal is made here."""

    def refuse(source, target, **options):
        raise PermissionError(13, "Permission denied", str(target))

    write(exercise, "x = 1")
    monkeypatch.setattr(reset.shutil, step, refuse)
    assert main(["reset", LESSON]) == 1
    said = capsys.readouterr().err
    assert "cannot be written: Permission denied" in said and "as they were" in said and "x = 1" in exercise.read_text()


# Progress


@pytest.fixture
def lines(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_JOURNAL", str(tmp_path / "journal.jsonl"))
    return journal.note


def stands(task):
    return next(how for _, name, how in show_progress().rows if name == task)


def test_before_anything_is_tried_every_task_says_so(lines):
    progress = show_progress()
    assert [row[:2] for row in progress.rows] == [(lesson, task) for lesson, tasks in TASKS.items() for task in tasks]
    assert {row[2] for row in progress.rows} == {"not tried yet"} and progress.summary.startswith("0 of 8 ")


def test_the_last_verdict_shows_and_right_stays_right(lines):
    lines("rnn_step", "not implemented")
    assert stands("rnn_step") == "not written yet"
    lines("rnn_step", "bias missing")
    assert stands("rnn_step") == "last: bias missing"
    lines("rnn_step", "right")
    lines("rnn_step", "bias missing")
    assert stands("rnn_step") == "right" and show_progress().summary.startswith("1 of 8 ")


def test_the_table_and_the_text_say_the_same_and_a_journal_holds_no_html(lines):
    lines("rnn_step", "<script>alert(1)</script>")
    progress = show_progress()
    assert "<script>" not in progress._repr_html_() and "&lt;script&gt;" in progress._repr_html_()
    assert all(cell in str(progress) for row in progress.rows for cell in row) and progress.summary in progress._repr_html_()


def test_tests_and_saved_lessons_show_nobodys_progress(monkeypatch):
    """The plugin points the journal at nothing, also when one process's exercises are run beside a lesson."""
    assert os.environ["COURSE_JOURNAL"] == os.devnull
    journal.note("rnn_step", "right")
    assert journal.read() == [] and stands("rnn_step") == "not tried yet"


def test_start_here_stores_an_empty_table():
    notebook = nbformat.read(Path(__file__).parents[1] / "notebooks" / "00_start_here.ipynb", as_version=4)
    cell = next(cell for cell in notebook.cells if cell.source.endswith("show_progress()"))
    assert json.dumps(cell.outputs).count("not tried yet") >= 8 and not cell.metadata.get("tags")


def test_the_table_needs_nothing_heavy():
    code = "import sys; from course_utils.checks.progress import show_progress; show_progress(); print({'tensorflow', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
