"""Reads a submitted notebook without trust: whatever the bytes are, they become cells, or a sentence for a person."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

MOST_BYTES = 10_000_000
MOST_CELLS = 1_000
MOST_SOURCE = 100_000  # characters of one cell that are kept for people to read; all of it is run
MOST_SOURCE_IN_ALL = 2_000_000


class Problem(Exception):
    """The submission cannot be graded by a machine; the message is for a person."""


class Cell(NamedTuple):
    """A cell of a submission.

    Attributes:
        kind: "code" or "markdown".
        source: text without lone surrogates.
        grade_id: what the notebook claims; None when it claims nothing that could be a name.
    """

    kind: str
    source: str
    grade_id: str | None


def read_cells(data: bytes) -> list[Cell]:
    """The cells of a notebook in their order.

    Raises:
        Problem: not a notebook, in an old format, or too large.
    """
    if len(data) > MOST_BYTES:
        raise Problem(f"The file has {len(data):,} bytes; at most {MOST_BYTES:,} are read.")
    notebook = _parsed(data)
    cells = notebook.get("cells")
    if notebook.get("nbformat") in (1, 2, 3) or "worksheets" in notebook:
        raise Problem("The notebook has an old format (before nbformat 4). Open it in JupyterLab, save it, and hand it in again.")
    if not isinstance(cells, list):
        raise Problem("The file is JSON, but not a notebook: it has no list of cells.")
    found = [cell for cell in map(_cell, cells) if cell]
    if len(found) > MOST_CELLS:
        raise Problem(f"The notebook has {len(found):,} cells; at most {MOST_CELLS:,} are run.")
    if sum(len(cell.source) for cell in found) > MOST_SOURCE_IN_ALL:
        raise Problem(f"The cells hold more than {MOST_SOURCE_IN_ALL:,} characters; nobody has typed that.")
    return found


def _parsed(data: bytes) -> dict[str, Any]:
    if not data.strip():
        raise Problem("The file is empty.")
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise Problem("The file is damaged: it is no JSON, or was cut off while it was saved.") from error
    if not isinstance(notebook, dict):
        raise Problem("The file is JSON, but not a notebook.")
    return notebook


def _cell(cell: Any) -> Cell | None:
    """A cell; None for what cannot be one, and for raw cells."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown"):
        return None
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    if not isinstance(source, str):
        return None
    source = source.replace("\r\n", "\n")  # Windows' line ends; else every cell would look as if the student had changed it
    return Cell(cell["cell_type"], source.encode("utf-8", "replace").decode(), _grade_id(cell.get("metadata")))


def _grade_id(metadata: Any) -> str | None:
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return name if isinstance(name, str) and name.isprintable() and 0 < len(name) <= 100 else None
