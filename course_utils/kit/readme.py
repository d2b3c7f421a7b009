"""Puts tables that commands make between their markers in README.md."""

from __future__ import annotations

import os
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def between_markers(name: str, text: str) -> str:
    """What stands between the markers called ``name`` in ``text``, without the line breaks around it.

    Raises:
        ValueError: the two markers are not there once each, in this order.
    """
    return _split(name, text)[1].strip("\n")


def put(name: str, table: str, readme: Path = README) -> None:
    """Write ``table`` between the markers called ``name``; the rest of the file stays. Errors as `between_markers`."""
    before, _, after = _split(name, readme.read_text(encoding="utf-8"))
    start, end = _markers(name)
    part = readme.with_suffix(".part")
    part.write_text(f"{before}{start}\n{table}\n{end}{after}", encoding="utf-8", newline="\n")
    os.replace(part, readme)


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table whose first column is text and whose others are numbers, set to the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _split(name: str, text: str) -> tuple[str, str, str]:
    start, end = _markers(name)
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise ValueError(f"README.md is expected to hold {start} and {end} once each, in this order.")
    before, rest = text.split(start)
    return before, *rest.split(end)


def _markers(name: str) -> tuple[str, str]:
    return f"<!-- {name}:start -->", f"<!-- {name}:end -->"
