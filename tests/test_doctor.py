"""The readiness report tells what is there and what is missing, without importing anything heavy."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from course_utils import __main__ as command
from course_utils.kit import doctor
from course_utils.kit.doctor import FAIL, NOTE, OK, Report, Row

GOOD = Report((Row("Python", OK, "3.12.1"), Row("Digits", NOTE, "4,000 embedded", "make data")))
BAD = Report((*GOOD.rows, Row("keras", FAIL, "not <installed>", "make setup")))


def digits(source, full):
    return SimpleNamespace(source=source, is_full=full, x_train=range(60_000 if full else 4_000), x_test=range(10_000 if full else 1_000))


@pytest.mark.parametrize(("installed", "status"), [("3.15.1", OK), ("3.14.9", FAIL), ("4.0.0rc1", FAIL)])
def test_a_version_is_held_against_its_range(installed, status):
    assert doctor.package_row(Requirement("keras>=3.15,<4"), installed=installed).status == status


def test_a_missing_package_fails_and_says_what_to_do():
    row = doctor.package_row(Requirement("no-such-package>=1"))
    assert row.status == FAIL and row.found == "not installed" and "make setup" in row.advice


def test_a_version_the_course_was_not_tested_with_is_mentioned():
    assert "tested with 3.15.1" in doctor.package_row(Requirement("keras>=3"), "3.15.1", "3.16.0").found
    assert "tested" not in doctor.package_row(Requirement("keras>=3"), "3.15.1", "3.15.1").found


def test_a_range_is_told_in_words():
    assert doctor.package_row(Requirement("keras>=3.15,<4"), installed="2.1").found == "2.1, but at least 3.15 and below 4 is needed"


@pytest.mark.parametrize(("version", "status"), [("3.10.1", FAIL), ("3.11.0", OK), ("3.13.9", OK), ("3.14.0", FAIL)])
def test_python_is_held_against_pyproject(version, status):
    assert doctor.python_row(version).status == status


def test_every_direct_dependency_has_a_row():
    names = {entry.name for entry in doctor.environment.direct_dependencies()}
    assert {row.what for row in doctor.package_rows()} == names and "tensorflow" in names


def test_data_is_counted_and_named():
    full = doctor.data_row(lambda *a, **k: digits("folder", True))
    assert full.status == OK and "60,000" in full.found and "10,000" in full.found and "COURSE_DATA" in full.found
    few = doctor.data_row(lambda *a, **k: digits("embedded", False))
    assert few.status == NOTE and "4,000" in few.found and "make data" in few.advice


def test_bad_data_and_unforeseen_trouble_become_rows():
    def data_row():
        raise ValueError("COURSE_DATA: expected a folder with mnist.npz")

    def jupyter_row():
        raise RuntimeError("boom")

    (bad,) = doctor._guarded(data_row)
    assert bad.status == FAIL and bad.found.startswith("COURSE_DATA: expected")
    (worse,) = doctor._guarded(jupyter_row)
    assert worse.status == FAIL and "RuntimeError: boom" in worse.found


def test_only_a_fail_makes_it_unready():
    assert GOOD.ready and not BAD.ready
    assert GOOD.next_step.startswith("Ready.") and "keras: make setup" in BAD.next_step


@pytest.mark.parametrize(("report", "status"), [(GOOD, 0), (BAD, 1)])
def test_the_command_prints_words_and_tells_by_its_status(report, status, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "check", lambda: report)
    assert command.main([]) == status
    printed = capsys.readouterr().out
    assert all(row.what in printed and row.status in printed for row in report.rows)


def test_the_notebook_shows_the_same_words_escaped():
    shown = BAD._repr_html_()
    assert "not &lt;installed&gt;" in shown and "<td style='text-align:left'>FAIL</td>" in shown and "Not ready yet" in shown


def test_the_report_imports_nothing_heavy():
    program = (
        "import sys, json; from course_utils.kit import doctor; doctor.python_row(); doctor.package_rows(); doctor.jupyter_row(); "
        "print(json.dumps([name for name in ('tensorflow', 'keras', 'matplotlib') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_unknown_commands_and_options_are_refused():
    for arguments in (["dance"], ["fetch", "--speed"]):
        with pytest.raises(SystemExit):
            command.main(arguments)
