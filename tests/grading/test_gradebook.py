"""The gradebook: one transaction a student, manual marks that survive, and a database that is busy, full, wrong or damaged."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import uuid

import pytest
import sqlalchemy
from conftest import LESSONS, graded, submission

from course_utils.grading import gradebook, state as states
from course_utils.grading.gradebook import Book, database_url, nbgrader_name
from course_utils.grading.state import GradingError

ONE, TWO = "01_rnn_formula", "02_unrolling"


def record(student="alice", lesson=ONE, **more):
    return {"student": student, "name": student.title() + " Doe", "lesson": lesson, "sha256": "0" * 64, "submitted_at": "2026-03-01T12:00:00Z",
            "original": "x.ipynb", "problem": None} | more  # fmt: skip


def put(state, *students, lesson=ONE, **more):
    """Records in the state folder, as collect leaves them."""
    for student in students:
        states.write_json(state.record(student, lesson), record(student, lesson, **more))


def rows(path, student, *, others):
    """Every row of the database that belongs to the student, or to all others, as one hash."""
    tables = {
        "student": "id", "submitted_assignment": "student_id", "unrolled_saved": "student",
        "submitted_notebook": "(select student_id from submitted_assignment a where a.id = assignment_id)",
        "grade": "(select student_id from submitted_assignment a join submitted_notebook n on n.assignment_id = a.id where n.id = t.notebook_id)",
        "comment": "(select student_id from submitted_assignment a join submitted_notebook n on n.assignment_id = a.id where n.id = t.notebook_id)",
    }  # fmt: skip
    with sqlite3.connect(path) as db:
        names = {name for (name,) in db.execute("select name from sqlite_master where type = 'table'")}
        found = [db.execute(f"select * from {table} t where {owner} {'!=' if others else '='} ? order by 1", [student]).fetchall() for table, owner in tables.items()]
        rest = [db.execute(f"select * from {table} order by 1").fetchall() for table in sorted(names - set(tables))] if others else []
    return hashlib.sha256(repr((found, rest)).encode()).hexdigest()


@pytest.fixture
def book(state, course):
    with Book(state) as book:
        yield book


def test_points_come_from_the_source_and_nothing_hidden_goes_in(book, state):
    book.register(ONE)
    with sqlite3.connect(state.folder / "gradebook.db") as db:
        cells = dict(db.execute("select b.name, g.max_score from grade_cells g join base_cell b on b.id = g.id").fetchall())
        everything = "\n".join(db.iterdump())
    assert cells == {"rnn_step": 10.0, "rnn_states": 10.0, "open": 10.0}
    assert "4242" not in everything and "4243" not in everything and "HIDDEN" not in everything


def test_a_graded_is_kept_in_three_places(book, state):
    put(state, "alice")
    book.save(graded(ONE), record())
    assert states.read_json(state.result("alice", ONE))["status"] == "graded" and state.autograded("alice", ONE).is_file()
    marks = book.marks(ONE)["alice"]
    assert marks["rnn_states"] == {"auto": 10.0, "manual": None, "extra": None, "open": False} and marks["rnn_step"]["auto"] == 5.0
    assert marks["open"] == {"auto": None, "manual": None, "extra": None, "open": True}


def test_saving_again_changes_no_byte_and_another_student_changes_no_other_row(book, state):
    path = state.folder / "gradebook.db"
    put(state, "alice", "bob")
    book.save(graded(ONE), record())
    before = rows(path, "bob", others=True), rows(path, "alice", others=False)
    book.save(graded(ONE), record())
    assert before == (rows(path, "bob", others=True), rows(path, "alice", others=False))
    book.save(graded(ONE, "bob", (0.0, None), status="needs a person", why="It ran too long."), record("bob"))
    assert before == (rows(path, "bob", others=True), rows(path, "alice", others=False))
    book.save(graded(ONE, "bob", (10.0, 10.0)), record("bob"))
    assert before == (rows(path, "bob", others=True), rows(path, "alice", others=False))
    assert book.marks(ONE)["bob"]["rnn_step"]["auto"] == 10.0


def test_a_task_without_evidence_has_no_points_and_waits_for_a_person(book):
    book.save(graded(ONE, points=(10.0, None), status="needs a person", why="It ran too long."), record())
    assert book.marks(ONE)["alice"]["rnn_step"] == {"auto": None, "manual": None, "extra": None, "open": True}


def mark(book, name, points, student="alice"):
    """Type a mark into formgrader: what its handler does."""
    grade = book.nbgrader.find_grade(name, ONE, ONE, student)
    grade.manual_score, grade.needs_manual_grade = points, False
    book.db.commit()


def test_a_mark_by_hand_survives_a_regrade_of_the_same_answer(book):
    book.save(graded(ONE), record())
    mark(book, "open", 7.0)
    mark(book, "rnn_step", 8.0)
    book.save(graded(ONE) | {"seed": 99, "version": "v2"}, record())
    marks = book.marks(ONE)["alice"]
    assert (marks["open"]["manual"], marks["open"]["open"]) == (7.0, False) and (marks["rnn_step"]["manual"], marks["rnn_step"]["open"]) == (8.0, False)


def changed_answer(text="My other words."):
    found = graded(ONE)
    next(cell for cell in found["cells"] if cell["grade_id"] == "open")["source"] = text
    return found


def test_a_mark_by_hand_is_kept_and_flagged_when_the_answer_changed(book):
    book.save(graded(ONE), record())
    mark(book, "open", 7.0)
    mark(book, "rnn_step", 8.0)
    for seed in (1, 2):  # and it stays flagged until somebody looked
        book.save(changed_answer() | {"seed": seed}, record())
        marks = book.marks(ONE)["alice"]
        assert (marks["open"]["manual"], marks["open"]["open"]) == (7.0, True) and not marks["rnn_step"]["open"]
    mark(book, "open", 9.0)
    book.save(changed_answer() | {"seed": 3}, record())
    assert not book.marks(ONE)["alice"]["open"]["open"]


def test_a_mark_by_hand_is_flagged_when_the_verdict_changed(book):
    book.save(graded(ONE, points=(10.0, 5.0)), record())
    mark(book, "rnn_step", 8.0)
    book.save(graded(ONE, points=(10.0, 0.0)), record())
    assert book.marks(ONE)["alice"]["rnn_step"]["open"]


def test_a_run_that_fails_does_not_erase_an_earlier_grade(book, state):
    book.save(graded(ONE), record())
    for _ in range(2):
        book.save(graded(ONE, points=(None, None), status="needs a person", why="It ran too long.", cells=[], sha="1" * 64), record(sha256="1" * 64))
    found = states.read_json(state.result("alice", ONE))
    assert book.marks(ONE)["alice"]["rnn_states"]["auto"] == 10.0 and found["sha256"] == "1" * 64 and "earlier" not in found["earlier"]
    assert "It ran too long." in gradebook.note_of(found, record(sha256="1" * 64)) and "def rnn_step" in state.autograded("alice", ONE).read_text()
    book.save(graded(ONE, points=(5.0, 5.0), sha="2" * 64), record(sha256="2" * 64))
    assert book.marks(ONE)["alice"]["rnn_states"]["auto"] == 5.0 and "earlier" not in states.read_json(state.result("alice", ONE))


def test_what_nobody_could_read_is_entered_without_points(book, state):
    put(state, "alice", problem="The file is empty: nothing was saved in it.")
    assert book.complete() == 1 and book.complete() == 0
    assert all(mark["auto"] is None and mark["open"] for mark in book.marks(ONE)["alice"].values())
    assert "The file is empty" in state.autograded("alice", ONE).read_text()


# --- Interrupted ---


class Killed(BaseException):
    """Stands for a process that ends at this point."""


@pytest.mark.parametrize("place", ["answers.to_bytes", "gradebook.write", "gradebook.Book._rows", "gradebook.Book._write_rows", "gradebook._set_grade"])
def test_a_run_that_was_killed_is_completed_by_the_next(state, course, monkeypatch, place):
    put(state, "alice", "bob")
    with Book(state) as book:
        book.register(ONE)
        book.save(graded(ONE, "bob"), record("bob"))
        before = rows(state.folder / "gradebook.db", "alice", others=True)
        with monkeypatch.context() as patch, pytest.raises(Killed):
            def die(*arguments, **more):
                raise Killed
            patch.setattr(f"course_utils.grading.{place}", die)
            book.save(graded(ONE), record())
        assert rows(state.folder / "gradebook.db", "alice", others=True) == before
    with Book(state) as book:
        assert book.complete() == 1
        assert book.marks(ONE)["alice"]["rnn_states"]["auto"] == 10.0 and state.autograded("alice", ONE).is_file()
        assert rows(state.folder / "gradebook.db", "alice", others=True) == before


def test_a_lost_database_comes_back_from_results(state, course):
    put(state, "alice", "bob")
    with Book(state) as book:
        for student in ("alice", "bob"):
            book.save(graded(ONE, student), record(student))
        before = book.marks(ONE)
    (state.folder / "gradebook.db").unlink()
    with Book(state) as book:
        assert book.complete() == 2 and book.marks(ONE) == before


def test_a_full_disk_is_said_and_nothing_is_lost(book, state, monkeypatch):
    put(state, "alice")
    with monkeypatch.context() as patch:
        def full(number):
            raise OSError(28, "No space left on device")
        patch.setattr(os, "fsync", full)
        with pytest.raises(GradingError, match="No space left"):
            book.save(graded(ONE), record())
    book.save(graded(ONE), record())
    assert book.marks(ONE)["alice"]["rnn_states"]["auto"] == 10.0


@pytest.mark.parametrize("name, reason", [("alice", "database or disk is full"), ("bob", "attempt to write a readonly database")])
def test_a_database_that_cannot_be_written_is_said(book, state, monkeypatch, name, reason):
    def full(*arguments):
        raise sqlalchemy.exc.OperationalError("insert", {}, sqlite3.OperationalError(reason))

    put(state, name)
    monkeypatch.setattr(Book, "_rows", full)
    with pytest.raises(GradingError, match=f"cannot be written .{reason}.*kept in results"):
        book.save(graded(ONE, name), record(name))
    monkeypatch.undo()


@pytest.mark.parametrize("seconds", [7])
def test_a_locked_database_is_waited_for(book, state, seconds):
    """Longer than the five seconds that SQLite waits by itself."""
    put(state, "alice")
    book.register(ONE)
    other = sqlite3.connect(state.folder / "gradebook.db", isolation_level=None, check_same_thread=False)
    other.execute("begin exclusive")
    threading.Timer(seconds, lambda: other.execute("commit")).start()
    book.save(graded(ONE), record())
    assert book.marks(ONE)["alice"]["rnn_states"]["auto"] == 10.0
    other.close()


def test_a_database_that_stays_locked_is_said(state, course):
    put(state, "alice")
    with Book(state, f"sqlite:///{state.folder}/gradebook.db?timeout=0.2") as book:
        book.register(ONE)
        other = sqlite3.connect(state.folder / "gradebook.db", isolation_level=None)
        other.execute("begin exclusive")
        with pytest.raises(GradingError, match="kept busy by another program"):
            book.save(graded(ONE), record())
        other.execute("commit")
        assert book.complete() == 1


def test_a_damaged_database_is_said(state, course):
    (state.folder / "gradebook.db").write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with pytest.raises(GradingError, match="cannot be used.*marks given by hand"):
        Book(state)


# --- Changed exercises ---


def test_new_points_and_cells_are_taken_over_and_lost_cells_are_said(state, course, monkeypatch):
    import nbformat

    from course_utils.grading import lessons

    put(state, "alice")
    with Book(state) as book:
        book.save(graded(ONE), record())
    path = course / ONE / f"{ONE}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].metadata.nbgrader.points = 20
    nbformat.write(notebook, path)
    lessons.pristine.cache_clear()
    with Book(state) as book:
        book.register(ONE)
        assert book.nbgrader.find_grade_cell("open", ONE, ONE).max_score == 20
    del notebook.cells[-1]
    nbformat.write(notebook, path)
    lessons.pristine.cache_clear()
    with Book(state) as book, pytest.raises(GradingError, match="other cells than when"):
        book.register(ONE)


# --- Addresses ---


def test_the_default_address_waits_a_minute(state, monkeypatch):
    monkeypatch.delenv("COURSE_DB_URL", raising=False)
    assert database_url(state) == f"sqlite:///{state.folder}/gradebook.db?timeout=60"
    assert database_url(state, "sqlite:////x/y.db") == "sqlite:////x/y.db?timeout=60"


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:secret@h/d", "sqlite:///relative.db", "sqlite://", "postgresql//u:secret@h/d", "//u:secret@h"])
def test_a_wrong_address_is_an_error_that_hides_the_password(state, course, monkeypatch, url):
    monkeypatch.setenv("COURSE_DB_URL", url)
    with pytest.raises(GradingError, match="COURSE_DB_URL should") as caught:
        Book(state)
    assert "secret" not in str(caught.value) and not (state.folder / "gradebook.db").exists()


def test_a_server_that_does_not_answer_is_never_replaced_by_a_file(state, course, monkeypatch):
    pytest.importorskip("psycopg")
    monkeypatch.setenv("COURSE_DB_URL", "postgresql://u:secret@127.0.0.1:9/none")
    with pytest.raises(GradingError, match="does not answer.*Nothing was written elsewhere") as caught:
        Book(state)
    assert "secret" not in str(caught.value) and not (state.folder / "gradebook.db").exists()


def test_the_database_has_the_version_that_nbgraders_own_command_gives_it(book, monkeypatch):
    monkeypatch.setenv("PATH", f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}")  # as in an activated environment
    from nbgrader.api import get_alembic_version

    assert book.db.execute(sqlalchemy.text("select version_num from alembic_version")).scalar() == get_alembic_version()


def test_names_cannot_carry_markup_into_formgrader():
    assert nbgrader_name("<img src=x onerror=alert(1)>") == ("img src x onerror alert", "1")
    assert nbgrader_name("Ángela María Núñez") == ("Ángela María", "Núñez") and nbgrader_name("李明") == ("", "李明") and nbgrader_name("") == ("", "")
    assert not re.search(r"[<>&\"'`{}\\/]", "".join(nbgrader_name("O'Neil & \"{{x}}\" `y` \\ /")))


# --- PostgreSQL ---


@pytest.fixture
def postgres(tmp_path_factory):
    """A server of our own on a socket; skipped where none is installed."""
    pytest.importorskip("psycopg")
    tools = next((folder for folder in ("/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin") if os.path.isdir(folder)), None)
    initdb = shutil.which("initdb") or (tools and f"{tools}/initdb")
    if not initdb or not os.path.exists(initdb):
        pytest.skip("PostgreSQL is not installed here")
    import getpass
    import pwd
    import tempfile

    user = "postgres" if getpass.getuser() == "root" else getpass.getuser()
    folder = tempfile.mkdtemp(prefix="pg-")  # short: a socket's path may have about 100 characters
    about = pwd.getpwnam(user)
    os.chown(folder, about.pw_uid, about.pw_gid)
    options = {"user": about.pw_uid, "group": about.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    bin_ = os.path.dirname(initdb)
    subprocess.run([f"{bin_}/initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "tester"], check=True, capture_output=True, cwd=folder, **options)
    server = subprocess.Popen([f"{bin_}/postgres", "-D", f"{folder}/data", "-k", folder, "-c", "listen_addresses="], stderr=subprocess.DEVNULL, cwd=folder, **options)
    for _ in range(100):
        if os.path.exists(f"{folder}/.s.PGSQL.5432"):
            break
        time.sleep(0.1)
    yield f"postgresql://tester@/postgres?host={folder}"
    server.terminate()
    server.wait()
    shutil.rmtree(folder, ignore_errors=True)


def test_postgresql_gives_the_same_grades(state, course, postgres, monkeypatch):
    def story(book):
        for student in ("alice", "bob"):
            book.save(graded(ONE, student), record(student))
        mark(book, "open", 7.0)
        book.save(changed_answer(), record())
        book.save(graded(TWO, points=(None, 10.0), status="needs a person", why="x"), record(lesson=TWO))
        return book.marks(ONE), book.marks(TWO), book.complete()

    put(state, "alice", "bob")
    with Book(state) as book:
        expected = story(book)
    monkeypatch.setenv("COURSE_DB_URL", postgres)
    other = states.open_state(str(state.folder.with_name(f"other-{uuid.uuid4().hex}")))
    put(other, "alice", "bob")
    with Book(other) as book:
        assert story(book) == expected
    assert not (other.folder / "gradebook.db").exists()


def test_the_graded_of_tests_is_json():
    assert json.loads(json.dumps(graded(ONE, data=submission(ONE)))) and set(LESSONS) == {ONE, TWO}
