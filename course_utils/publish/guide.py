"""Puts the speaker's notes of the lessons into docs/instructor.md, so that they are written once: `python -m course_utils.publish.guide`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat

from course_utils.kit import readme
from course_utils.publish.lessons import ROOT, lessons

GUIDE = ROOT / "docs" / "instructor.md"


def table(path: Path) -> str:
    """A lesson's notes as a Markdown table, in their order, with the sections of the lesson."""
    lines = ["| section | minutes | where people get stuck: they think that | what settles it | ask the room |", "|---|---:|---|---|---|"]
    cells, section, sections = nbformat.read(path, as_version=4).cells, "", {}
    for cell in cells:
        heads = re.findall(r"^#{1,3} (.*)$", cell.source, flags=re.MULTILINE) if cell.cell_type == "markdown" else []
        section = heads[-1] if heads else section
        sections[cell.id] = section
    for cell in cells:
        if note := cell.metadata.get("lecture", {}).get("notes"):
            settled = f"*{sections[note.refuted_by]}*"
            lines.append(f"| {sections[cell.id]} | {note.minutes} | {note.misconception} | {settled} | {note.question} |")
    return "\n".join(lines)


def main() -> int:
    """Write the table of each lesson between its markers in the guide."""
    for path in lessons():
        readme.put(f"notes-{path.stem}", f"\n{table(path)}\n", GUIDE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
