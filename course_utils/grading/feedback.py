"""A page for each student and lesson: the answers, points, what the checks found, comments and marks by hand. Nothing hidden."""

from __future__ import annotations

import functools
from pathlib import Path

import nbformat
from nbconvert.exporters import HTMLExporter
from pygments.formatters import HtmlFormatter
from traitlets.config import Config

from course_utils.grading import escape, lessons
from course_utils.grading.export import GRADED, PERSON, Row
from course_utils.grading.gradebook import Book
from course_utils.grading.state import State, write

TEMPLATES = Path(__file__).with_name("templates")


def write_feedback(state: State, book: Book, found: list[Row]) -> tuple[int, int]:
    """Write the page of everybody whose submission was graded or needs a person; (how many there are, how many changed)."""
    there, changed = 0, 0
    for row in found:
        path = state.feedback(row.student, row.lesson)
        if row.status not in (GRADED, PERSON) or not state.autograded(row.student, row.lesson).is_file():
            continue
        html = page(state, book, row).encode("utf-8", "replace")
        there += 1
        if not path.is_file() or path.read_bytes() != html:
            write(path, html)
            changed += 1
    return there, changed


def page(state: State, book: Book, row: Row) -> str:
    """One student's page as HTML."""
    notebook = nbformat.read(state.autograded(row.student, row.lesson), as_version=4)
    comments = {name: escape.markdown_block(text) for name, text in book.comments(row.lesson, row.student).items()}
    html, _ = _exporter().from_notebook_node(notebook, resources={"page": _about(row, comments)})
    return html


def _about(row: Row, comments: dict[str, str]) -> dict:
    tasks = [{"name": name, "points": _points(row, name, most), "sentence": _sentence(row, name)} for name, most in lessons.graded_cells(row.lesson).items()]
    return {
        "title": _title(row.lesson), "name": row.name, "submitted_at": row.submitted_at.replace("T", " ").replace("Z", " UTC"),
        "points": _total(row), "why": row.why, "tasks": tasks, "by_name": {task["name"]: task for task in tasks}, "comments": comments, "style": _style(),
    }  # fmt: skip


def _title(lesson: str) -> str:
    """The first heading of the exercises."""
    text = next((cell.source for cell in lessons.pristine(lesson).cells if cell.source.startswith("# ")), f"# {lesson}")
    return text.split("\n")[0].lstrip("# ")


def _points(row: Row, name: str, most: float) -> str:
    points = row.points.get(name)
    return f"open, of {most:g}" if points is None else f"{points:g} of {most:g}"


def _sentence(row: Row, name: str) -> str:
    """What the check found; a mark by hand is named as one, because it may differ from that."""
    by_hand = "Marked by hand. " if name in row.manual else ""
    task = row.tasks.get(name)
    if task is None:
        return by_hand or "A person reads this answer." if name in lessons.open_tasks(row.lesson) else by_hand or "This task needs a person."
    return by_hand + (task["sentence"] if task["points"] is not None else f"This task needs a person. {task['sentence']}").strip()


def _total(row: Row) -> str:
    """The total where it is complete; until then, how many points there are for what was graded, and no zero for the rest."""
    most = lessons.graded_cells(row.lesson)
    if row.total is not None:
        return f"{row.total:g} of {sum(most.values()):g} points."
    known = {name: points for name, points in row.points.items() if points is not None}
    if not known:
        return "Not graded yet: a person will look at it."
    return f"So far {sum(known.values()):g} of {sum(most[name] for name in known):g} points; {len(most) - len(known)} of {len(most)} tasks are not graded yet."


@functools.cache
def _exporter() -> HTMLExporter:
    config = Config()
    config.HTMLExporter.extra_template_basedirs = [str(TEMPLATES)]
    config.HTMLExporter.template_name = "answer_page"
    return HTMLExporter(config=config, default_preprocessors=[], exclude_anchor_links=True)


@functools.cache
def _style() -> str:
    house = (TEMPLATES / "house.css").read_text(encoding="utf-8")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    plain = ".highlight { background: none !important; }"
    return f"{house}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{plain}"
