"""The glossary: the tables of letters and names that stand in the lessons, together on one page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from course_utils.publish.lessons import read_lesson

FIRST = ("symbol", "name")  # what the first column of such a table is called
HEAD = """# Glossary

Every letter and name of the course, from the tables of the lessons. A letter may mean something else in another lesson.

| symbol or name | meaning | shape | in code | lesson |
|---|---|---|---|---|
"""


class Entry(NamedTuple):
    """A line of a lesson's table."""

    symbol: str
    meaning: str
    shape: str
    code: str


def glossary(notebooks: Sequence[Path]) -> str:
    """The page as Markdown, in the order of the lessons."""
    lines = [f"| {' | '.join(entry)} | [{path.stem[:2].lstrip('0') or '0'}](notebooks/{path.name}) |" for path in notebooks for entry in entries(path)]
    return HEAD + "\n".join(lines) + "\n"


def entries(path: Path) -> Iterator[Entry]:
    """The lines of a lesson's tables of letters; one that has no symbol of its own takes that of the line above."""
    for cell in read_lesson(path).cells:
        for head, rows in tables(cell.source) if cell.cell_type == "markdown" else ():
            if head[0] in FIRST and len(head) == 4:
                symbol = ""
                for row in rows:
                    symbol = row[0] or symbol
                    yield Entry(symbol, *row[1:])


def tables(source: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Each Markdown table of a text: the words of its head, and its rows."""
    for block in re.findall(r"(?:^\|.*\|[ ]*\n?)+", source, flags=re.MULTILINE):
        head, _, *rows = [[part.strip() for part in re.split(r"(?<!\\)\|", line.strip()[1:-1])] for line in block.splitlines()]
        yield head, rows
