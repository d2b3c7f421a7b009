"""Reads what a learning platform or an instructor hands over: a zip or a folder, entry by entry, bounded, no link followed."""

from __future__ import annotations

import calendar
import os
import re
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from course_utils.grading.state import GradingError

MOST_BYTES = 10_000_000  # of one notebook
MOST_FILES = 20_000
MOST_TOTAL = 4_000_000_000  # bytes of all notebooks of one collection
NOISE = {"__macosx", ".ds_store", "thumbs.db", "desktop.ini", ".git"}


class Unreadable(Exception):
    """One file could not be read; the message is a sentence for the record."""


class Entry(NamedTuple):
    """One file. `read` gives at most `most` bytes, or raises Unreadable; `fault` says why it must not be read at all."""

    parts: tuple[str, ...]
    time: str  # ISO 8601 in UTC; empty when unknown
    read: Callable[[int], bytes]
    fault: str = ""

    @property
    def name(self) -> str:
        return self.parts[-1] if self.parts else ""


def entries(source: Path) -> list[Entry]:
    """Every file of a zip or a folder but the operating system's litter.

    Raises:
        GradingError: there is no such file or folder, it is no zip, or it holds too many files.
    """
    if source.is_dir():
        found = _of_folder(source)
    elif source.is_file():
        found = _of_zip(source)
    else:
        raise GradingError(f"SUBMISSIONS should be a zip or a folder; there is nothing at {source}.")
    kept = []
    for entry in found:
        if not any(part.lower() in NOISE for part in entry.parts) and not entry.name.startswith("._"):
            kept.append(entry)
        if len(kept) > MOST_FILES:
            raise GradingError(f"{source} holds more than {MOST_FILES:,} files. Split it, or take out what is no submission.")
    return kept


# --- A folder ---


def _of_folder(folder: Path) -> Iterator[Entry]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        linked = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in sorted(files + linked):
            path = Path(place, name)
            parts = path.relative_to(folder).parts
            yield _file(path, (*parts, "") if name in linked else parts)  # a folder's own path ends with a slash, so that a student's stays one


def _file(path: Path, parts: tuple[str, ...]) -> Entry:
    try:
        about = path.lstat()
    except OSError as error:
        return Entry(parts, "", _nothing, f"It could not be read ({error.strerror}).")
    return Entry(parts, _iso(about.st_mtime), lambda most: _read_file(path, most), _fault_of_mode(about.st_mode, about.st_nlink))


def _fault_of_mode(mode: int, names: int = 1) -> str:
    if stat.S_ISLNK(mode):
        return "It is a link; links are not followed."
    if not stat.S_ISREG(mode):
        return "It is no ordinary file."
    return "It is a hard link, which has other names elsewhere; only plain copies are read." if names > 1 else ""


def _read_file(path: Path, most: int) -> bytes:
    """O_NOFOLLOW and the second look: the file may have been exchanged for a link since it was listed."""
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(number, "rb") as file:
            fault = _fault_of_mode(os.fstat(number).st_mode)
            if fault:
                raise Unreadable(fault)
            return file.read(most)
    except OSError as error:
        raise Unreadable(f"It could not be read ({error.strerror}).") from error


def _nothing(most: int) -> bytes:
    raise Unreadable("It cannot be read.")


# --- A zip ---


def _of_zip(path: Path) -> Iterator[Entry]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise GradingError(
            f"SUBMISSIONS should be a folder or a zip as a learning platform makes it; {path} cannot be opened as a zip ({error})."
        ) from error
    if len(archive.infolist()) > 2 * MOST_FILES:
        raise GradingError(f"{path} holds more than {MOST_FILES:,} files. Split it, or take out what is no submission.")
    for member in archive.infolist():
        if not member.is_dir():
            yield _member(archive, member)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Entry:
    name = member.filename.replace("\\", "/")
    mode = member.external_attr >> 16
    fault = _fault_of_mode(mode) if stat.S_IFMT(mode) else ""
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/"):
        fault = "Its path leads outside the archive."
    parts = tuple(part for part in PurePosixPath(name).parts if part not in ("/", ".", ".."))
    return Entry(parts, _time_of(member), lambda most: _read_member(archive, member, most), fault)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """At most `most` bytes, whatever size the archive claims: a bomb is stopped while it is unpacked."""
    try:
        with archive.open(member) as file:
            return file.read(most)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise Unreadable(f"It could not be unpacked ({error}).") from error


def _time_of(member: zipfile.ZipInfo) -> str:
    """The time in UTC that Unix zips carry; else the entry's own, which has no zone and is read as this machine's."""
    extra = member.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        if kind == 0x5455 and size >= 5 and extra[4] & 1:
            return _iso(struct.unpack("<i", extra[5:9])[0])
        extra = extra[4 + size :]
    try:
        return "" if member.date_time[0] <= 1980 else _iso(time.mktime((*member.date_time, 0, 0, -1)))
    except (ValueError, OverflowError):
        return ""


def _iso(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return ""


def parse_time(text: str) -> str:
    """The ISO form of what nbgrader writes into timestamp.txt; empty when it cannot be read."""
    from nbgrader.utils import parse_utc

    try:
        return _iso(calendar.timegm(parse_utc(text.strip()).timetuple()))
    except (ValueError, OverflowError, AttributeError):
        return ""
