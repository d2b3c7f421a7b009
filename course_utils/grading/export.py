"""What is known of every submission, as rows; the table of `status` and the CSV of `export` are made of them."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.grading import lessons
from course_utils.grading.escape import printable
from course_utils.grading.gradebook import Book, counting, note_of
from course_utils.grading.state import State, read_json, write

GRADED, PERSON, MISSING, WAITING = "graded", "needs a person", "not submitted", "not yet graded"


@dataclass
class Row:
    """One student and one lesson.

    Attributes:
        status: GRADED (each task that is checked automatically has its points), PERSON, MISSING or WAITING.
        why: what a person should know; for PERSON the reason.
        points: task -> points, None where there are none yet.
        manual: task -> points given by hand.
        by_hand: tasks whose mark by hand is still open.
        tasks: the verdicts, task -> {"points", "max", "name", "sentence"}.
    """

    student: str
    name: str
    lesson: str
    status: str
    why: str = ""
    points: dict[str, float | None] = field(default_factory=dict)
    manual: dict[str, float] = field(default_factory=dict)
    by_hand: list[str] = field(default_factory=list)
    tasks: dict[str, dict] = field(default_factory=dict)
    submitted_at: str = ""
    seconds: float = 0.0

    @property
    def total(self) -> float | None:
        """All points together; None until each task has its points and nobody has to look at anything."""
        open_ = self.status != GRADED or self.by_hand or not self.points or None in self.points.values()
        return None if open_ else sum(self.points.values())


def rows(state: State, book: Book) -> list[Row]:
    """A row for every student in every lesson that somebody submitted, by lesson and name."""
    records = state.records()
    students = {student["student"]: student["name"] for student in state.students()} | {r["student"]: r["name"] for r in records}
    found = []
    for lesson in sorted({record["lesson"] for record in records}):
        marks, there = book.marks(lesson), {record["student"]: record for record in records if record["lesson"] == lesson}
        for student, name in sorted(students.items(), key=lambda item: (item[1].casefold(), item[0])):
            record = there.get(student)
            found.append(_row(state, record, marks.get(student, {})) if record else Row(student, name, lesson, MISSING))
    return found


def _row(state: State, record: dict, marks: dict[str, dict]) -> Row:
    row = Row(record["student"], record["name"], record["lesson"], PERSON, record["problem"] or "", submitted_at=record["submitted_at"] or "")
    graded = read_json(state.result(record["student"], record["lesson"]))
    if not record["problem"] and not graded:
        row.status, row.why = WAITING, "It has not been graded yet."
        return row
    if graded and not record["problem"]:
        counts = counting(graded)
        row.tasks, row.seconds = counts["tasks"], counts["seconds"]
        row.status, row.why = counts["status"], (counts["why"] if counts is graded else "") or note_of(graded, record)
    _add_marks(row, marks)
    return row


def _add_marks(row: Row, marks: dict[str, dict]) -> None:
    """Points from the gradebook. What a person has marked in formgrader no longer needs one."""
    by_hand = set(lessons.open_tasks(row.lesson))
    for name in lessons.graded_cells(row.lesson):
        mark = marks.get(name, {"auto": None, "manual": None, "extra": None, "open": True})
        row.points[name] = points_of(mark)
        if mark["manual"] is not None:
            row.manual[name] = row.points[name]
    row.by_hand = [name for name in by_hand if row.points[name] is None]
    looked_at = all(points is not None for name, points in row.points.items() if name not in by_hand)
    stale = [name for name, mark in marks.items() if mark["manual"] is not None and mark["open"]]
    if stale:
        row.status, row.why = PERSON, f"What was marked by hand has changed since: {', '.join(stale)}. {row.why}".strip()
    elif row.status == PERSON and looked_at:
        row.status, row.why = GRADED, f"Marked by hand: {row.why}"
    elif row.status == GRADED and not looked_at:
        row.status, row.why = PERSON, f"The gradebook has no points for it; run `grade` again. {row.why}".strip()


def points_of(mark: dict) -> float | None:
    """What counts: the mark by hand, else the automatic one, and extra credit."""
    points = mark["auto"] if mark["manual"] is None else mark["manual"]
    return None if points is None else points + (mark["extra"] or 0.0)


# --- CSV ---


def table(found: list[Row]) -> str:
    """The rows as CSV: a column for each task, a total only where it is complete, never a zero that nobody earned."""
    tasks = list(dict.fromkeys(name for lesson in sorted({row.lesson for row in found}) for name in lessons.graded_cells(lesson)))
    tasks.sort(key=lambda name: name in {task for row in found for task in lessons.open_tasks(row.lesson)})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "name", "lesson", "status", "why", *tasks, "by hand", "total", "max", "submitted_at"])
    writer.writerows(_cells(row, tasks) for row in found)
    return text.getvalue()


def _cells(row: Row, tasks: list[str]) -> list[str]:
    status = PERSON if row.status == WAITING else row.status
    why = row.why or (f"Marks by hand are open: {', '.join(row.by_hand)}." if row.by_hand else "")
    points = [_number(row.points.get(name)) for name in tasks]
    by_hand = _number(sum(row.manual.values()) if row.manual else None)
    most = _number(sum(lessons.graded_cells(row.lesson).values()))
    words = [harmless(text) for text in (row.student, row.name, row.lesson, status, why)]
    return [*words, *points, by_hand, _number(row.total), most, row.submitted_at]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula, on one line.

    >>> harmless("=HYPERLINK(1)"), harmless("Ana-María"), harmless(" @x")
    ("'=HYPERLINK(1)", 'Ana-María', "' @x")
    """
    line = "".join(c if c.isprintable() else " " for c in text)
    start = line.lstrip()[:1]
    return "'" + line if start in tuple("=+-@|%\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}") and start else line


def write_csv(state: State, found: list[Row], path: Path | None = None) -> Path:
    """Write grades.csv; with a byte order mark, so that spreadsheets read names in every script."""
    path = path or state.folder / "grades.csv"
    write(path, table(found).encode("utf-8-sig", "replace"))
    return path


# --- Status ---


def counts(found: list[Row]) -> dict[str, Counter]:
    """lesson -> how many rows have each status, and "by hand": how many wait for marks by hand."""
    result: dict[str, Counter] = {}
    for row in found:
        result.setdefault(row.lesson, Counter())[row.status] += 1
        result[row.lesson]["by hand"] += bool(row.by_hand)
    return result


def print_status(state: State, found: list[Row]) -> None:
    """The table on the terminal, and under it everybody who needs a person or about whom there is something to say."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console, view = Console(), Table(title="Submissions", title_justify="left")
    for heading in ("lesson", GRADED, PERSON, WAITING, MISSING, "marks by hand open"):
        view.add_column(heading, justify="left" if heading == "lesson" else "right", no_wrap=heading == "lesson")
    for lesson, count in counts(found).items():
        view.add_row(lesson, *(str(count[key]) for key in (GRADED, PERSON, WAITING, MISSING, "by hand")))
    console.print(view)
    for line in people(state, found):
        console.print(Text(line), soft_wrap=True)


def people(state: State, found: list[Row]) -> list[str]:
    """A line for everybody who needs a person, and for notes."""
    needing = [f"needs a person: {row.name} ({row.student}), {row.lesson}: {row.why}" for row in found if row.status == PERSON]
    notes = [f"note: {row.name} ({row.student}), {row.lesson}: {row.why}" for row in found if row.status == GRADED and row.why]
    unplaced = [f"needs a person: {one['name'] or 'nobody named'}, lesson unclear: {one['original']}: {one['problem']}" for one in state.unplaced()]
    return [" ".join(printable(line).split())[:600] for line in needing + unplaced + notes]
