"""nbgrader's gradebook: the grades of every student, written by one process, one student in one transaction.

A Graded goes into three places, in this order: results/<student>/<lesson>.json, the autograded notebook, the database. Whatever
stops the grading in between, `complete` brings the later places up to date with the first.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy
from nbgrader import api, preprocessors
from sqlalchemy import Column, MetaData, String, Table, Text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, NoSuchModuleError, OperationalError

from course_utils.grading import answers, lessons
from course_utils.grading.state import GradingError, State, read_json, sha256, write, write_json

COURSE = "unrolled"
# Ours, in the same database, so that they change in the same transaction as the grades.
OURS = MetaData()
SAVED = Table("unrolled_saved", OURS, Column("student", String(128), primary_key=True), Column("lesson", String(128), primary_key=True),
              Column("digest", String(64), nullable=False), Column("answers", Text, nullable=False))  # fmt: skip
LESSONS = Table("unrolled_lesson", OURS, Column("lesson", String(128), primary_key=True), Column("digest", String(64), nullable=False))


# --- Where the database is ---


def database_url(state: State, named: str | None = None) -> str:
    """COURSE_DB_URL, or the state folder's own SQLite file; with 60 seconds of patience where another process writes.

    Raises:
        GradingError: the address names neither PostgreSQL nor a SQLite file by its absolute path.
    """
    named = os.environ.get("COURSE_DB_URL", "") if named is None else named
    if not named:
        return _text_of(URL.create("sqlite", database=str(state.folder / "gradebook.db"), query={"timeout": "60"}))
    try:
        url = make_url(named)
    except ArgumentError:
        raise GradingError(f"COURSE_DB_URL should look like postgresql://user@host/name; it cannot be read: {_masked(named)!r}.") from None
    kind = url.get_backend_name()
    if kind == "sqlite" and url.database and Path(url.database).is_absolute():
        return _text_of(url.update_query_dict({"timeout": url.query.get("timeout", "60")}))
    if kind == "postgresql":
        return _text_of(url)
    raise GradingError(
        "COURSE_DB_URL should name PostgreSQL (postgresql://user@host/name) or a SQLite file by its absolute path "
        f"(sqlite:////folder/gradebook.db); it is {url.render_as_string()!r}. Unset it to use the state folder's own file."
    )


def _text_of(url: URL) -> str:
    text = url.render_as_string(hide_password=False)
    if make_url(text) != url:
        raise GradingError(f"The folder or database name {url.database!r} has characters that an address cannot hold. Choose another one.")
    return text


def _masked(url: str) -> str:
    return re.sub(r":[^:@/]*@", ":***@", url)


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Database errors as sentences; the password never stands in them."""
    shown = make_url(url).render_as_string()
    try:
        yield
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise GradingError(f"The database {shown} needs a driver that is not installed ({error}).") from error
    except OperationalError as error:
        reason = _masked(str(error.orig).strip().splitlines()[0])
        if "locked" in reason:
            raise GradingError(
                f"The gradebook {shown} is kept busy by another program, for a minute now. Everything graded so far is kept in results; "
                "close what uses the gradebook (formgrader?) and run the command again: it goes on from there."
            ) from error
        if "full" in reason or "readonly" in reason:
            raise GradingError(f"The gradebook {shown} cannot be written ({reason}). What was graded is kept in results; mend it, then run again.") from error
        raise GradingError(f"The database {shown} does not answer ({reason}). Nothing was written elsewhere instead.") from error
    except DatabaseError as error:
        raise GradingError(
            f"The gradebook {shown} cannot be used ({_masked(str(error.orig or error).strip().splitlines()[0])}). Move it away and run the command "
            "again: grades come back from results, but marks given by hand are only in it; look for a copy."
        ) from error


# --- What goes in ---


def unread(record: dict) -> dict:
    """A Graded for a submission that nobody could read: no points at all, and why."""
    tasks = {
        name: {"points": None, "max": points, "name": "no evidence", "sentence": record["problem"]}
        for name, points in lessons.graded_cells(record["lesson"]).items()
        if name not in lessons.open_tasks(record["lesson"])
    }
    return {
        "student": record["student"], "lesson": record["lesson"], "sha256": record["sha256"], "version": "", "seed": 0,
        "status": "needs a person", "why": record["problem"], "tasks": tasks, "cells": [], "seconds": 0.0,
    }  # fmt: skip


def keep(state: State, graded: dict) -> dict:
    """Write a Graded into results. One that needs a person never replaces an earlier grade: it carries that along as "earlier"."""
    path = state.result(graded["student"], graded["lesson"])
    old = read_json(path)
    earlier = old if old.get("status") == "graded" else old.get("earlier")
    if graded["status"] != "graded" and earlier:
        graded = graded | {"earlier": {key: value for key, value in earlier.items() if key != "earlier"}}
    write_json(path, graded)
    return graded


def counting(graded: dict) -> dict:
    """The Graded whose points count: the earlier one where the last one needs a person."""
    return graded.get("earlier") or graded


def note_of(graded: dict, record: dict) -> str:
    """What somebody should know beside the points; empty when there is nothing."""
    notes = [record.get("note", "")]
    later = record.get("later")
    if later:
        notes.append(f"A later submission ({later['submitted_at'] or 'time unknown'}) could not be read, so the earlier one counts: {later['problem']}")
    if graded.get("earlier"):
        notes.append(f"The last run could not grade it, so the grade of an earlier one counts: {graded['why']}")
    if record["sha256"] != graded["sha256"]:
        notes.append("A newer submission is not graded yet.")
    return " ".join(note for note in notes if note)


class Book:
    """The gradebook of one state folder; use it with `with`.

    Raises:
        GradingError: from every method, when the database does not answer, is busy for a minute, or is damaged.
    """

    def __init__(self, state: State, url: str | None = None) -> None:
        self.state, self.url = state, database_url(state, url)
        with _explained(self.url), _version_looked_up():
            self.nbgrader = api.Gradebook(self.url, course_id=COURSE)
            OURS.create_all(self.nbgrader.engine)

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *error) -> None:
        self.nbgrader.close()

    @property
    def db(self):
        return self.nbgrader.db

    def register(self, lesson: str) -> None:
        """Enter a lesson's assignment and its graded cells; at once when they are there already.

        Raises:
            GradingError: the lesson lost cells for which there are grades.
        """
        pristine = lessons.pristine(lesson)
        digest = sha256(answers.to_bytes(pristine))
        with _explained(self.url):
            if self.db.execute(sqlalchemy.select(LESSONS.c.digest).where(LESSONS.c.lesson == lesson)).scalar() == digest:
                return
            self.nbgrader.update_or_create_assignment(lesson)
            self._save_cells(lesson, pristine)
            self.db.execute(LESSONS.delete().where(LESSONS.c.lesson == lesson))
            self.db.execute(LESSONS.insert().values(lesson=lesson, digest=digest))
            self.db.commit()

    def _save_cells(self, lesson: str, pristine) -> None:
        """By nbgrader's own preprocessor, and from the notebook that is handed out: no solution, no hidden part goes into the database."""
        resources = {"nbgrader": {"notebook": lesson, "assignment": lesson, "db_url": self.url}}
        self.db.commit()  # the preprocessor has a connection of its own
        try:
            preprocessors.SaveCells().preprocess(answers.copy.deepcopy(pristine), resources)
        except RuntimeError as error:
            raise GradingError(
                f"The exercises of {lesson} have other cells than when its first submission was graded; nbgrader cannot change that. Restore the "
                "cells, or begin with a new state folder (COURSE_STATE)."
            ) from error
        self.db.expire_all()

    def save(self, graded: dict, record: dict) -> None:
        """Keep a Graded: results, autograded notebook, database, each whole or not at all."""
        kept = keep(self.state, graded)
        self._follow(unread(record) if record["problem"] else kept, record)

    def complete(self) -> int:
        """Bring notebooks and database up to date with results and records; returns how many submissions that took."""
        count = 0
        for record in self.state.records():
            graded = unread(record) if record["problem"] else read_json(self.state.result(record["student"], record["lesson"]))
            if graded:
                count += self._follow(graded, record)
        return count

    def _follow(self, graded: dict, record: dict) -> bool:
        """The second and third place; False when both were up to date."""
        counts, note = counting(graded), note_of(graded, record)
        digest = sha256(json.dumps([counts, note, record["name"], record["submitted_at"]], sort_keys=True).encode())
        path = self.state.autograded(record["student"], record["lesson"])
        with _explained(self.url):
            if path.is_file() and self._saved(record)[0] == digest:
                return False
            self.register(record["lesson"])
            self.db.commit()  # no transaction stays open while the disk is written
            write(path, answers.to_bytes(answers.autograded(counts, note=(counts["why"] if counts is graded else "") or note)))
            self._write_rows(counts, record, digest)
        return True

    def _saved(self, record: dict) -> tuple[str, dict]:
        """Digest and digests of the answers as they were saved last."""
        here = (SAVED.c.student == record["student"]) & (SAVED.c.lesson == record["lesson"])
        row = self.db.execute(sqlalchemy.select(SAVED.c.digest, SAVED.c.answers).where(here)).first()
        return (row.digest, json.loads(row.answers)) if row else ("", {})

    def _write_rows(self, graded: dict, record: dict, digest: str) -> None:
        """One student's rows in one transaction; once more when another host made the same row at that moment."""
        for attempt in (1, 2):
            try:
                self._rows(graded, record, digest)
                self.db.commit()
                return
            except IntegrityError:
                self.db.rollback()
                if attempt == 2:
                    raise
            except BaseException:
                self.db.rollback()
                raise
            finally:
                self.db.remove()  # nothing stays in memory from one student to the next

    def _rows(self, graded: dict, record: dict, digest: str) -> None:
        submission = self._submission(record)
        notebook = submission.notebooks[0]
        before, now = self._saved(record)[1], answers.digest(graded)
        for grade in self._grades(notebook):
            changed = before.get(grade.name) != now.get(grade.name)
            _set_grade(grade, graded["tasks"].get(grade.name, {}).get("points"), changed)
            notebook.flagged = bool(notebook.flagged or (changed and grade.manual_score is not None))
        self.db.execute(SAVED.delete().where((SAVED.c.student == record["student"]) & (SAVED.c.lesson == record["lesson"])))
        self.db.execute(SAVED.insert().values(student=record["student"], lesson=record["lesson"], digest=digest, answers=json.dumps(now)))

    def _submission(self, record: dict) -> api.SubmittedAssignment:
        """The student's row and the submission's, made where they are missing, as nbgrader's `add_submission` does but without a commit."""
        student = self.db.get(api.Student, record["student"])
        if student is None:
            student = api.Student(id=record["student"])
            self.db.add(student)
        student.first_name, student.last_name = nbgrader_name(record["name"])
        try:
            submission = self.nbgrader.find_submission(record["lesson"], record["student"])
        except api.MissingEntry:
            submission = api.SubmittedAssignment(assignment=self.nbgrader.find_assignment(record["lesson"]), student=student)
            self.db.add(submission)
        if not submission.notebooks:
            self.db.add(api.SubmittedNotebook(notebook=self.nbgrader.find_notebook(record["lesson"], record["lesson"]), assignment=submission))
        submission.timestamp = _naive(record["submitted_at"])
        self.db.flush()
        return submission

    def _grades(self, notebook: api.SubmittedNotebook) -> list[api.Grade]:
        """The grades of a submission, with rows for cells that it has none for yet."""
        graded, commented = ({row.cell_id for row in rows} for rows in (notebook.grades, notebook.comments))
        self.db.add_all(api.Grade(cell_id=cell.id, notebook_id=notebook.id) for cell in notebook.notebook.grade_cells if cell.id not in graded)
        self.db.add_all(api.Comment(cell_id=cell.id, notebook_id=notebook.id) for cell in notebook.notebook.solution_cells if cell.id not in commented)
        self.db.flush()
        self.db.expire(notebook)
        return notebook.grades

    def marks(self, lesson: str) -> dict[str, dict[str, dict]]:
        """student -> grade_id -> {"auto", "manual", "extra", "open"}: points or None; open while somebody has to look at it."""
        query = (
            sqlalchemy.select(api.SubmittedAssignment.student_id, api.BaseCell.name, api.Grade.auto_score, api.Grade.manual_score,
                              api.Grade.extra_credit, api.Grade.needs_manual_grade)
            .select_from(api.Grade).join(api.BaseCell, api.BaseCell.id == api.Grade.cell_id)
            .join(api.SubmittedNotebook, api.SubmittedNotebook.id == api.Grade.notebook_id)
            .join(api.SubmittedAssignment, api.SubmittedAssignment.id == api.SubmittedNotebook.assignment_id)
            .join(api.Assignment, api.Assignment.id == api.SubmittedAssignment.assignment_id).where(api.Assignment.name == lesson)
        )  # fmt: skip
        found: dict[str, dict[str, dict]] = {}
        with _explained(self.url):
            for student, name, auto, manual, extra, open_ in self.db.execute(query):
                found.setdefault(student, {})[name] = {"auto": auto, "manual": manual, "extra": extra, "open": bool(open_)}
            self.db.commit()
        return found

    def comments(self, lesson: str, student: str) -> dict[str, str]:
        """grade_id of an answer cell -> what a grader wrote to it."""
        with _explained(self.url):
            try:
                notebook = self.nbgrader.find_submission_notebook(lesson, lesson, student)
            except api.MissingEntry:
                return {}
            return {comment.name: comment.comment for comment in notebook.comments if comment.comment}


def _set_grade(grade: api.Grade, points: float | None, changed: bool) -> None:
    """Automatic points. A mark given by hand stays; when what it was given for has changed, somebody has to look again."""
    grade.auto_score = points
    if grade.manual_score is None:
        grade.needs_manual_grade = points is None
    elif changed:
        grade.needs_manual_grade = True


def nbgrader_name(name: str) -> tuple[str, str]:
    """(first, last) for formgrader, whose pages do not escape names: letters, digits, spaces and a few harmless signs only."""
    safe = re.sub(r"[^\w .,\-]", " ", name.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}").replace("\N{RIGHT SINGLE QUOTATION MARK}", "-"))
    *first, last = safe.split() or [""]
    return " ".join(first)[:100], last[:100]


def _naive(time: str | None) -> datetime | None:
    """nbgrader keeps UTC without a zone."""
    return datetime.fromisoformat(time.removesuffix("Z")) if time else None


@contextmanager
def _version_looked_up() -> Iterator[None]:
    """For a new database, nbgrader starts the command `alembic` to learn one number: six seconds, and only where it is on the PATH."""
    from alembic.script import ScriptDirectory
    from nbgrader.dbutil import ALEMBIC_DIR

    theirs = api.get_alembic_version
    api.get_alembic_version = lambda: ScriptDirectory(ALEMBIC_DIR).get_current_head()
    try:
        yield
    finally:
        api.get_alembic_version = theirs
