"""How far somebody is with the exercises, as a table; made from the journal on this machine."""

from __future__ import annotations

import html
from dataclasses import dataclass

from course_utils.checks import TASKS, journal

HEADINGS = ("Exercises", "Task", "How it stands")


@dataclass(frozen=True)
class Progress:
    """One row for each task: lesson, task, how it stands. It shows itself as a table in a notebook, else as text."""

    rows: tuple[tuple[str, str, str], ...]

    @property
    def summary(self) -> str:
        """How many are right, as a sentence."""
        right = sum(stands == "right" for *_, stands in self.rows)
        return f"{right} of {len(self.rows)} tasks are right. The open tasks are read by a person."

    def __str__(self) -> str:
        return "\n".join([*(f"{lesson:20} {task:18} {stands}" for lesson, task, stands in self.rows), self.summary])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th scope='col' style='text-align:left'>{name}</th>" for name in HEADINGS)
        cells = ("".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in row) for row in self.rows)
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{html.escape(self.summary)}</p>"


def show_progress() -> Progress:
    """For a notebook: as a cell's last line it shows which tasks are right, and what the checks last said of the others."""
    done = journal.progress([task for tasks in TASKS.values() for task in tasks])
    return Progress(tuple((lesson, task, in_words(done[task])) for lesson, tasks in TASKS.items() for task in tasks))


def in_words(verdict: str) -> str:
    """A line of the journal for a reader."""
    if verdict in ("", "right"):
        return verdict or "not tried yet"
    return "not written yet" if verdict == "not implemented" else f"last: {verdict}"
