"""Where the grading keeps what it knows: one private folder outside the repository, named by COURSE_STATE.

    submitted/<student>/<lesson>/<lesson>.ipynb and record.json, autograded/…, feedback/…, results/<student>/<lesson>.json,
    students.json, unplaced.json, gradebook.db, grades.csv, report.html, lock
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psutil

ROOT = Path(__file__).resolve().parents[2]
OURS = ("submitted", "gradebook.db", "students.json", "lock", "results")  # a folder that holds one of these is ours


class GradingError(Exception):
    """Grading cannot go on; the message says what was expected, what came and what to do."""


@dataclass(frozen=True)
class State:
    """The paths below one state folder."""

    folder: Path

    def record(self, student: str, lesson: str) -> Path:
        return self.folder / "submitted" / student / lesson / "record.json"

    def notebook(self, student: str, lesson: str) -> Path:
        return self.folder / "submitted" / student / lesson / f"{lesson}.ipynb"

    def autograded(self, student: str, lesson: str) -> Path:
        return self.folder / "autograded" / student / lesson / f"{lesson}.ipynb"

    def feedback(self, student: str, lesson: str) -> Path:
        return self.folder / "feedback" / student / lesson / f"{lesson}.html"

    def result(self, student: str, lesson: str) -> Path:
        return self.folder / "results" / student / f"{lesson}.json"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    def records(self) -> list[dict]:
        """All records, by lesson and student; one that was cut off while being written is left to the next collect."""
        found = [read_json(path) for path in (self.folder / "submitted").glob("*/*/record.json")]
        return sorted((record for record in found if record), key=lambda record: (record["lesson"], record["student"]))

    def results(self) -> Iterator[dict]:
        """Every Graded that was kept, one at a time: all of them together may not fit into memory."""
        for path in sorted((self.folder / "results").glob("*/*.json")):
            graded = read_json(path)
            if graded:
                yield graded

    def students(self) -> list[dict]:
        """Everybody known: {"student", "name", "keys"}, those that only the roster names among them."""
        return read_json(self.folder / "students.json").get("students", [])

    def unplaced(self) -> list[dict]:
        """Files of which nobody can say which lesson or student they belong to: {"student", "name", "original", "problem", …}."""
        return read_json(self.folder / "unplaced.json").get("files", [])


def open_state(folder: str | None = None) -> State:
    """The state folder (default: COURSE_STATE, else one of the user's), made private where it is new.

    Raises:
        GradingError: the folder is relative, inside the repository, somebody else's, readable by others or not writable.
    """
    named = folder or os.environ.get("COURSE_STATE") or ""
    path = Path(named).expanduser() if named else Path(platformdirs.user_state_dir("unrolled")) / "grading"
    if not path.is_absolute():
        raise GradingError(f"COURSE_STATE should be an absolute path, because commands run in several folders; it is {named!r}.")
    path = path.resolve()
    if path == ROOT or ROOT in path.parents or path in ROOT.parents:
        raise GradingError(
            f"COURSE_STATE should lie outside the repository, so that students' work and hidden parts are never published; {path} "
            f"and {ROOT} lie inside each other. Name another folder."
        )
    _make_private(path)
    _remove_halves(path)
    return State(path)


def _make_private(path: Path) -> None:
    """Make the folder with mode 0700; tighten it when it is empty or ours; leave others' folders alone."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.name == "posix" and path.stat().st_mode & 0o077:
            if any(path.iterdir()) and not any((path / name).exists() for name in OURS):
                raise GradingError(f"The folder {path} can be read by others and holds other things. Name a new folder as COURSE_STATE.")
            path.chmod(0o700)
        probe = path / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise GradingError(f"The state folder {path} cannot be written ({error.strerror}). Name another one as COURSE_STATE.") from error


def _remove_halves(folder: Path) -> None:
    """Remove what write() had begun when its process was killed; the whole file is written again where it is needed."""
    for path in folder.rglob(".*.part"):
        process = path.name.split(".")[-2]
        if process.isdigit() and not psutil.pid_exists(int(process)) and path.is_file():
            path.unlink(missing_ok=True)


def read_json(path: Path) -> dict:
    """The object in a file that we wrote; an empty one when it is missing or was damaged."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, content: dict) -> None:
    """Write an object whole or not at all."""
    write(path, json.dumps(content, indent=1, sort_keys=True).encode() + b"\n")


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and onto the disk before this returns.

    Raises:
        GradingError: no space left, or another trouble with the disk; the earlier content stays.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise GradingError(
            f"{path} could not be written ({error.strerror}). What was there before is kept; free some space, then run the command again: "
            "it goes on from here."
        ) from error


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
