"""The commands, end to end with a grader that stands in for the sandbox."""

import csv
import io
import sys
from types import ModuleType

import pytest
from conftest import graded, submission

from course_utils.grading import lock
from course_utils.grading.__main__ import main

ONE, TWO = "01_rnn_formula", "02_unrolling"
VERSION = "v1"


@pytest.fixture
def grader(monkeypatch, course):
    """A grade() with the interface of the real one: points are 10 for `x + 1`, 5 for other answers, none where the code says "loop"."""
    calls = []

    def one(record, data):
        points = None if data is None or b"loop" in data else 10.0 if b"x + 1" in data else 5.0
        status = ("needs a person", "It ran too long.") if points is None else ("graded", "")
        return graded(record["lesson"], record["student"], (points, points), status=status[0], why=status[1], data=data, sha=record["sha256"])

    def grade(records, *, read, save, finished, scheduler, workers, seconds, unsafe):
        if unsafe:
            raise lock.Busy("Another run is at work.")
        kept = {(r["student"], r["lesson"]): finished(r) for r in records}
        todo = [r for r in records if not (kept[r["student"], r["lesson"]] or {}).get("sha256") == r["sha256"]]
        for record in todo:
            calls.append((record["name"], record["lesson"]) if seconds == 120 else seconds)
            save(one(record, None if record["problem"] else read(record)))
        return len(todo)

    module = ModuleType("course_utils.grading.grade")
    module.grade, module.SECONDS = grade, 120.0
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys.modules["course_utils.grading"], "grade", module, raising=False)
    return calls


def run(state, *arguments):
    return main(["--state", str(state.folder), *map(str, arguments)])


def grades(state):
    return {(row["name"], row["lesson"]): row for row in csv.DictReader(io.StringIO((state.folder / "grades.csv").read_text("utf-8-sig")))}


def test_all_in_one_and_again(state, make_zip, grader, capsys, tmp_path):
    (tmp_path / "roster.csv").write_text("name\nAna\nDora\n")
    archive = make_zip({f"{name}_{k}_assignsubmission_file_/01_rnn_formula.ipynb": submission(ONE, text) if text else b""
                        for k, (name, text) in enumerate({"Ana": "    return x + 1", "Bo": "    return x", "Cy": "    loop", "Di": ""}.items())})  # fmt: skip
    for _ in range(2):
        assert run(state, "all", archive, "--roster", tmp_path / "roster.csv") == 0
    assert sorted(grader) == [("Ana", ONE), ("Bo", ONE), ("Cy", ONE), ("Di", ONE)]  # and not again
    found = grades(state)
    assert {name: (row["status"], row["rnn_step"], row["total"]) for (name, _), row in found.items()} == {
        "Ana": ("graded", "10", ""), "Bo": ("graded", "5", ""), "Cy": ("needs a person", "", ""), "Di": ("needs a person", "", ""), "Dora": ("not submitted", "", ""),
    }  # fmt: skip
    assert len(list(state.folder.glob("feedback/*/*/*.html"))) == 4 and (state.folder / "report.html").is_file()
    said = capsys.readouterr()
    assert "Graded 0 submissions; 4 were up to date." in said.out and "It ran too long." in said.out and said.err == ""


def test_a_better_second_try_counts_and_a_failed_one_does_not(state, make_zip, grader):
    def submit(text, day):
        data = submission(ONE, text) if text else b""
        run(state, "all", make_zip({"Ana_1_assignsubmission_file_/01_rnn_formula.ipynb": (data, (2026, 3, day, 1, 0, 0))}))
        return next(iter(grades(state).values()))

    assert submit("    return x", 1)["rnn_step"] == "5" and submit("    return x + 1", 2)["rnn_step"] == "10"
    row = submit("    loop", 3)
    assert (row["status"], row["rnn_step"]) == ("graded", "10") and "It ran too long." in row["why"]
    row = submit("", 4)
    assert (row["status"], row["rnn_step"]) == ("graded", "10") and "The file is empty" in row["why"]


def test_errors_are_sentences_with_status_one(state, make_zip, grader, capsys, tmp_path):
    for arguments in (["status"], ["grade"], ["feedback"], ["export"], ["report"], ["collect", tmp_path / "none"], ["collect", make_zip({})]):
        assert run(state, *arguments) == 1
        assert capsys.readouterr().err.startswith("Stopped. ")
    run(state, "collect", make_zip({"Ana_1_assignsubmission_file_/01_rnn_formula.ipynb": submission(ONE)}))
    assert run(state, "grade", "--unsafe") == 1 and "Another run is at work." in capsys.readouterr().err


def test_another_time_limit(state, make_zip, grader):
    archive = make_zip({"Ana_1_assignsubmission_file_/01_rnn_formula.ipynb": submission(ONE, "    return x + 1")})
    assert run(state, "all", archive, "--seconds", 300) == 0
    assert grader == [300]


def test_an_export_elsewhere(state, make_zip, grader, tmp_path):
    run(state, "all", make_zip({"Ana_1_assignsubmission_file_/01_rnn_formula.ipynb": submission(ONE)}))
    assert run(state, "export", "--to", tmp_path / "out.csv") == 0 and "Ana" in (tmp_path / "out.csv").read_text("utf-8-sig")


def test_an_interrupted_command_says_so(state, monkeypatch, capsys):
    from course_utils.grading import __main__ as commands

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setitem(commands.COMMANDS, "status", interrupt)
    assert run(state, "status") == 130 and "goes on from there" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["collect"], ["nonsense"], ["grade", "--seconds", "3"]])
def test_what_cannot_be_understood_has_status_two(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and "usage:" in capsys.readouterr().err
