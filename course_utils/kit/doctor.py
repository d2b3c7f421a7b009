"""The readiness report: what is there, what is not, and what to do next. Fast: nothing heavy is imported, only looked up."""

from __future__ import annotations

import html
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from course_utils.kit import environment, jupyter

OK, NOTE, FAIL = "OK", "NOTE", "FAIL"
COLOURS = {OK: "green", NOTE: "yellow", FAIL: "bold red"}
REINSTALL = "make setup (Windows: the first line of the README's Windows part)"


class Row(NamedTuple):
    """One line of the report: what was looked at, how it stands, what was found, and what to do when it is not OK."""

    what: str
    status: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Report:
    """All rows. It shows itself as a table in a notebook, and as coloured text where `rich` prints it."""

    rows: tuple[Row, ...]

    @property
    def ready(self) -> bool:
        """Whether the lessons can run: no row says FAIL."""
        return all(row.status != FAIL for row in self.rows)

    @property
    def next_step(self) -> str:
        """The one thing to do now, as a sentence."""
        if self.ready:
            return "Ready. Next: make lab (or `python -m course_utils lab`), or go on in the lesson you have open."
        first = next(row for row in self.rows if row.status == FAIL)
        return f"Not ready yet. Begin with {first.what}: {first.advice}"

    def __str__(self) -> str:
        lines = [f"{row.status:5} {row.what}: {row.found}{' -> ' + row.advice if row.advice else ''}" for row in self.rows]
        return "\n".join([*lines, self.next_step])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return report_html(self)

    def __rich_console__(self, console, options) -> Iterator:
        yield _rich_table(self)
        yield self.next_step


def check() -> Report:
    """Look at Python, the packages, Jupyter's set-up and the data; takes about a second and changes nothing."""
    steps = (python_row, package_rows, jupyter_row, data_row)
    return Report(tuple(row for step in steps for row in _guarded(step)))


def _guarded(step: Callable) -> list[Row]:
    """The rows of a step; a step that fails becomes a row, because this report is what one reads when things fail."""
    try:
        rows = step()
    except (ValueError, FileNotFoundError) as error:  # ours: the message says what to do
        rows = Row(step.__name__.split("_")[0], FAIL, str(error), "mend this, then look again: python -m course_utils")
    except Exception as error:
        found = f"could not be looked at: {type(error).__name__}: {error}"
        rows = Row(step.__name__.split("_")[0], FAIL, found, REINSTALL)
    return [rows] if isinstance(rows, Row) else list(rows)


def python_row(version: str | None = None) -> Row:
    """Whether this Python is one of those pyproject.toml allows; `version` as in "3.12.1", default: this one's."""
    version = version or platform.python_version()
    allowed = environment.project()["requires-python"]
    good = SpecifierSet(allowed).contains(version, prereleases=True)
    return Row("Python", OK if good else FAIL, version, "" if good else f"install a Python {_range(allowed)}, then: {REINSTALL}")


def package_rows() -> list[Row]:
    """One row for every package that the course itself uses."""
    lock = environment.LOCK.read_text(encoding="utf-8") if environment.LOCK.is_file() else ""
    tested = {pin.name: str(pin.specifier).removeprefix("==") for pin in environment.pins(lock) if not pin.marker or pin.marker.evaluate()}
    return [package_row(wanted, tested.get(wanted.name)) for wanted in environment.direct_dependencies()]


def package_row(wanted: Requirement, tested: str | None = None, installed: str | None = None) -> Row:
    """How the installed version of one package stands to the wanted range and to the version of the lock."""
    installed = installed or installed_version(wanted.name)
    if installed is None:
        return Row(wanted.name, FAIL, "not installed", REINSTALL)
    if not wanted.specifier.contains(installed, prereleases=True):
        return Row(wanted.name, FAIL, f"{installed}, but {_range(str(wanted.specifier))} is needed", REINSTALL)
    other = f" (the course was tested with {tested})" if tested and tested != installed else ""
    return Row(wanted.name, OK, installed + other)


def installed_version(name: str) -> str | None:
    """The version of a package as its metadata states it, without importing it; None when it is not there."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def jupyter_row() -> Row:
    """Whether kernels start with the course's variables; without them lessons run, but show TensorFlow's log lines."""
    if jupyter.is_set_up():
        return Row("Jupyter kernel", OK, "starts with the course's settings")
    advice = "python -m course_utils jupyter keeps TensorFlow's log lines out of the lessons"
    return Row("Jupyter kernel", NOTE, "not set up for the course", advice)


def data_row(load: Callable | None = None) -> Row:
    """Which digits the lessons would use, and how many; `load` stands in for `load_mnist` in tests."""
    if load is None:
        from course_utils.data import load_mnist as load
    digits = load("auto", verbose=False)
    found = f"{len(digits.x_train):,} to train on, {len(digits.x_test):,} to test on, from {SOURCES.get(digits.source, digits.source)}"
    if digits.is_full:
        return Row("Digits", OK, found)
    return Row("Digits", NOTE, found, "enough for every lesson; make data (python -m course_utils fetch) gets all 70,000")


SOURCES = {
    "folder": "the folder COURSE_DATA",
    "cache": "the course's cache",
    "keras": "Keras' cache",
    "embedded": "the digits that come with the installation",
}


def _range(specifier: str) -> str:
    """A version range in words: ">=3.11,<3.14" becomes "at least 3.11 and below 3.14"."""
    words = {">=": "at least ", "<": "below ", "==": "exactly ", "!=": "not ", ">": "above ", "<=": "at most ", "~=": "about "}
    parts = sorted(SpecifierSet(specifier), key=lambda part: part.operator, reverse=True)
    return " and ".join(words[part.operator] + part.version for part in parts)


def print_report() -> int:
    """Print the report in colour and words; returns 0 when the lessons can run, else 1."""
    from rich.console import Console

    report = check()
    Console().print(report)
    return 0 if report.ready else 1


def _rich_table(report: Report):
    """The report as a table of `rich`; the status is a word, colour only underlines it."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Is this computer ready for the course?", title_justify="left")
    for heading in ("", "Status", "Found", "What to do"):
        table.add_column(heading)
    for row in report.rows:
        table.add_row(row.what, Text(row.status, style=COLOURS[row.status]), Text(row.found), Text(row.advice))
    return table


def report_html(report: Report | None = None) -> str:
    """The report as an HTML table: the same words as in the terminal."""
    report = report or check()
    head = "".join(f"<th scope='col' style='text-align:left'>{name}</th>" for name in ("What", "Status", "Found", "What to do"))
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in report.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{html.escape(report.next_step)}</p>"


def show_report() -> Report:
    """For a notebook: `show_report()` as a cell's last line shows the table; its `ready` says whether all is well."""
    return check()
