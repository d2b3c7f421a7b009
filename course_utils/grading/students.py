"""Who is who: from the names that platforms write to one safe, unique and lasting id for each student."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from course_utils.grading.state import GradingError, State, read_json, sha256, write_json

SAFE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}  # no folder names on Windows
NAME_COLUMNS = ("name", "full name", "fullname", "student name", "student")
ID_COLUMNS = ("id", "student id", "student_id", "username", "user name", "identifier", "sis login id", "login")


class Owner(NamedTuple):
    """Whom a path names: as the platform wrote it, and the platform's own number where it has one."""

    platform: str
    name: str
    number: str

    @classmethod
    def moodle(cls, name: str, number: str) -> Owner:
        """Blind marking calls everybody "Participant"; there the number is the name."""
        name = shown_name(name)
        return cls("moodle", f"Participant {number}" if name in ("", "Participant") else name, number)

    @classmethod
    def canvas(cls, name: str, number: str) -> Owner:
        return cls("canvas", shown_name(name) or f"User {number}", number)

    @classmethod
    def folder(cls, name: str) -> Owner:
        return cls("folder", shown_name(name), "")

    def key(self, lesson: str | None) -> str:
        """What tells this student from others. Moodle's numbers are new for every assignment, Canvas' are the student's own."""
        if self.platform == "moodle":
            return f"moodle:{lesson or '?'}:{self.number}"
        return f"{self.platform}:{self.number or self.name}"


def shown_name(text: str) -> str:
    """A name in any script, on one line, composed, without control characters, at most 120 characters."""
    plain = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))
    return " ".join(plain.split())[:120]


def safe_id(name: str, taken: set[str], key: str) -> str:
    """An id for folders, addresses and databases: the name itself where that is safe, else its letters and a digest.

    >>> safe_id("alice", set(), "folder:alice"), safe_id("Alice", {"alice"}, "folder:Alice")
    ('alice', 'alice_3bc51062')
    """
    if SAFE.fullmatch(name) and name not in taken and name not in RESERVED:
        return name
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")[:30].strip("_") or "student"
    for seed in (name, f"{name} {key}", *(f"{name} {key} {k}" for k in range(1000))):
        found = f"{stem}_{sha256(seed.encode('utf-8', 'surrogatepass'))[:8]}"
        if found not in taken:
            return found
    raise GradingError(f"No free id was found for the student {name!r}.")


@dataclass
class Students:
    """All known students, kept in students.json."""

    known: dict[str, dict]
    said: list[str] = field(default_factory=list)
    shared: set[tuple[str, str | None]] = field(default_factory=set)  # names that several people have in one lesson

    @classmethod
    def load(cls, state: State) -> Students:
        return cls({student["student"]: student for student in read_json(state.folder / "students.json").get("students", [])})

    def save(self, state: State) -> None:
        content = {"students": sorted(self.known.values(), key=lambda student: student["student"])}
        if content != read_json(state.folder / "students.json"):
            write_json(state.folder / "students.json", content)

    def name(self, student: str) -> str:
        return self.known[student]["name"]

    def announce(self, owners: set[tuple[Owner, str | None]]) -> None:
        """Tell all owners of a collection first, so that two people of the same name are noticed before the first gets an id."""
        numbers: dict[tuple[str, str | None], set[str]] = {}
        for owner, lesson in owners:
            if owner.platform == "moodle":
                numbers.setdefault((owner.name, lesson), set()).add(owner.number)
        self.shared = {who for who, found in numbers.items() if len(found) > 1}
        for name, lesson in sorted(self.shared, key=str):
            self.said.append(
                f"Several students are called {name} ({lesson}). They are kept apart by the platform's numbers, which change from assignment "
                "to assignment: check that each one's lessons belong together."
            )
        for owner, lesson in sorted(owners, key=str):  # ids must not depend on the order of files
            self.identify(owner, lesson)

    def identify(self, owner: Owner, lesson: str | None) -> str:
        """The student's id, a new one where nobody known fits."""
        key = owner.key(lesson)
        student = self._by_key(owner, key) or self._by_name(owner, lesson)
        if student is None:
            student = safe_id(owner.name, set(self.known), key)
            self.known[student] = {"student": student, "name": owner.name, "keys": []}
        about = self.known[student]
        if key not in about["keys"]:
            about["keys"] = sorted([*about["keys"], key])
        return student

    def _by_key(self, owner: Owner, key: str) -> str | None:
        keys = {key, f"moodle:?:{owner.number}"} if owner.platform == "moodle" else {key}
        return next((student for student, about in self.known.items() if keys & set(about["keys"])), None)

    def _by_name(self, owner: Owner, lesson: str | None) -> str | None:
        """Somebody of the same name, unless the platform's numbers say that it is somebody else."""
        if owner.platform == "canvas":
            return None
        same = [student for student, about in self.known.items() if about["name"] == owner.name]
        other = f"moodle:{lesson or '?'}:"
        free = [student for student in same if owner.platform != "moodle" or not any(key.startswith(other) for key in self.known[student]["keys"])]
        return free[0] if len(free) == 1 else None

    def add_roster(self, rows: list[dict]) -> list[str]:
        """Everybody of the roster becomes known; returns sentences about rows that fit several students."""
        said = []
        for row in rows:
            same = [student for student, about in self.known.items() if self._fits(about, row)]
            if len(same) > 1:
                said.append(f"The roster's {row['name']} fits several students: {', '.join(same)}.")
                continue
            student = same[0] if same else safe_id(row["id"] or row["name"], set(self.known), "roster")
            about = self.known.setdefault(student, {"student": student, "name": row["name"], "keys": []})
            about |= {"keys": sorted({*about["keys"], *row["keys"]}), "roster": True, "name": row["name"] or about["name"]}
            self.known[student] = about
        return said

    @staticmethod
    def _fits(about: dict, row: dict) -> bool:
        numbers = {key.rsplit(":", 1)[-1] for key in about["keys"] if key.startswith("moodle:")}
        if set(row["keys"]) & set(about["keys"]) or numbers & {key[9:] for key in row["keys"] if key.startswith("moodle:?:")}:
            return True
        return about["student"] == row["id"] or bool(row["name"]) and about["name"].casefold() == row["name"].casefold()


def read_roster(path: Path) -> list[dict]:
    """The students of a CSV: of one's own (columns name and id), of Moodle's grading worksheet or of Canvas' gradebook.

    Raises:
        GradingError: the file cannot be read, or has no column that names students.
    """
    try:
        text = path.read_bytes()[:20_000_000].decode("utf-8-sig", "replace")
    except OSError as error:
        raise GradingError(f"--roster should be a CSV file; {path} cannot be read ({error.strerror}).") from error
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    rows = [{(key or "").strip().lower(): (value or "").strip() for key, value in row.items() if isinstance(value, (str, type(None)))}
            for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)]  # fmt: skip
    found = [_roster_row(row) for row in rows]
    kept = [row for row in found if row["name"] or row["id"]]
    if not kept:
        raise GradingError(f"--roster should be a CSV with a column `name` (or `first name` and `last name`) or `id`; {path} has none with entries.")
    return kept


def _roster_row(row: dict[str, str]) -> dict:
    first = next((row[c] for c in ("first name", "first_name", "firstname") if row.get(c)), "")
    last = next((row[c] for c in ("last name", "last_name", "lastname", "surname") if row.get(c)), "")
    name = next((row[c] for c in NAME_COLUMNS if row.get(c)), "") or f"{first} {last}".strip()
    number = next((row[c] for c in ID_COLUMNS if row.get(c)), "")
    participant = re.fullmatch(r"Participant (\d+)", number)
    if participant:
        return {"name": shown_name(name), "id": "", "keys": [f"moodle:?:{participant[1]}"]}
    if name.lower() == "points possible" or name.lower().startswith("student, test"):  # rows that Canvas adds
        return {"name": "", "id": "", "keys": []}
    return {"name": shown_name(name), "id": number, "keys": [f"id:{number}", *([f"canvas:{number}"] if number.isdigit() else [])] if number else []}
