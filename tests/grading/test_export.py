"""Status and CSV: who is graded, who needs a person and why, and never a zero that nobody earned."""

import csv
import io

import pytest
from conftest import graded
from test_gradebook import changed_answer, mark, record

from course_utils.grading import export, state as states
from course_utils.grading.gradebook import Book

ONE = "01_rnn_formula"
HOSTILE = '=HYPERLINK("http://evil","x")'


def add(book, state, student, found=None, **more):
    """A student's record and, where given, grade; as collect and grade leave them."""
    about = record(student, **more)
    states.write_json(state.record(student, ONE), about)
    if found:
        book.save(found, about)
    book.complete()


@pytest.fixture
def book(state, course):
    with Book(state) as book:
        yield book


def table(state, book):
    found = export.rows(state, book)
    return {row["student"]: row for row in csv.DictReader(io.StringIO(export.table(found)))}


def test_every_kind_of_student_is_in_the_table(state, book):
    states.write_json(state.folder / "students.json", {"students": [{"student": "dora", "name": "Dora", "keys": []}]})
    add(book, state, "alice", graded(ONE))
    add(book, state, "bob", graded(ONE, "bob", (10.0, None), status="needs a person", why="It ran too long."))
    add(book, state, "cy", problem="The file is empty.")
    add(book, state, "eve")
    found = table(state, book)
    assert [(s, r["status"], r["why"]) for s, r in sorted(found.items())] == [
        ("alice", "graded", "Marks by hand are open: open."), ("bob", "needs a person", "It ran too long."),
        ("cy", "needs a person", "The file is empty."), ("dora", "not submitted", ""), ("eve", "needs a person", "It has not been graded yet."),
    ]  # fmt: skip
    assert [found["alice"][c] for c in ("rnn_states", "rnn_step", "open", "by hand", "total", "max")] == ["10", "5", "", "", "", "30"]
    assert found["bob"]["rnn_step"] == "" and not any(found[s][c] for s in ("cy", "dora", "eve") for c in ("rnn_states", "rnn_step", "open", "total"))
    assert "0" not in {found[s][c] for s in found for c in ("rnn_states", "rnn_step", "open", "by hand", "total")}


def test_a_zero_that_was_earned_is_a_zero(state, book):
    add(book, state, "alice", graded(ONE, points=(0.0, 0.0)))
    assert table(state, book)["alice"]["rnn_step"] == "0"


def test_the_total_is_there_when_everything_is(state, book):
    add(book, state, "alice", graded(ONE))
    mark(book, "open", 7.5)
    found = table(state, book)["alice"]
    assert (found["total"], found["by hand"], found["open"], found["why"]) == ("22.5", "7.5", "7.5", "")


def test_a_person_who_marks_everything_settles_it(state, book):
    add(book, state, "cy", problem="The file is empty.")
    for name in ("open", "rnn_step", "rnn_states"):
        mark(book, name, 1.0, "cy")
    found = table(state, book)["cy"]
    assert (found["status"], found["total"]) == ("graded", "3") and "The file is empty" in found["why"]


def test_a_mark_for_an_answer_that_changed_needs_a_person(state, book):
    add(book, state, "alice", graded(ONE))
    mark(book, "open", 7.0)
    add(book, state, "alice", changed_answer())
    found = table(state, book)["alice"]
    assert found["status"] == "needs a person" and "marked by hand has changed" in found["why"] and found["total"] == ""


def test_notes_are_kept_beside_a_grade(state, book):
    add(book, state, "alice", graded(ONE), later={"submitted_at": "2026-03-02T00:00:00Z", "problem": "The file is empty."})
    found = table(state, book)["alice"]
    assert found["status"] == "graded" and "2026-03-02T00:00:00Z" in found["why"] and "earlier one counts" in found["why"]


@pytest.mark.parametrize("name", [HOSTILE, "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "  =1", "\t=1", "＝1"])
def test_no_formula_of_a_students_stands_in_the_csv(state, book, name):
    add(book, state, "alice", name=name, problem=name)
    for cell in next(iter(table(state, book).values())).values():
        assert cell.strip()[:1] not in tuple("=+-@|＝")


def test_the_file_is_whole_and_readable_by_spreadsheets(state, book):
    add(book, state, "alice", graded(ONE), name="李明\ud800")
    path = export.write_csv(state, export.rows(state, book))
    assert path == state.folder / "grades.csv" and path.read_bytes().startswith(b"\xef\xbb\xbf") and "李明" in path.read_text("utf-8-sig")


def test_status_counts_and_names(state, book, capsys):
    add(book, state, "alice", graded(ONE))
    add(book, state, "cy", problem="The file is [bold]empty[/bold].\x1b[31m")
    states.write_json(state.folder / "unplaced.json", {"files": [{"student": "", "name": "", "original": "x.ipynb", "problem": "No name."}]})
    export.print_status(state, export.rows(state, book))
    said = capsys.readouterr().out
    assert export.counts(export.rows(state, book))[ONE] == {"graded": 1, "needs a person": 1, "by hand": 2}
    assert "[bold]empty[/bold]" in said and "\x1b[31m" not in said and "x.ipynb: No name." in said
