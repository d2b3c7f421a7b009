"""The lessons as they are saved, checked before anything is made of them: a fault names the notebook and the cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
# What nbgrader puts around what students must not see.
MARKS = re.compile(r"#+\s*(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)|=+ (?:BEGIN|END) MARK SCHEME =+")
PICTURES = re.compile(r"!\[[^\]]*\]\(\s*<?([^)\s>]+)|<img[^>]*\ssrc\s*=\s*[\"']([^\"']+)", re.IGNORECASE)


class LessonFault(Exception):
    """A lesson cannot be shown as it is. The message has a line for each fault, with the notebook and the cell."""


def lessons(folder: Path = NOTEBOOKS) -> list[Path]:
    """The lessons' notebooks in their order, without the projects: what is told in a lecture, and so has slides and notes.

    >>> [path.stem for path in lessons()][:2]
    ['00_start_here', '01_rnn_formula']
    """
    return [path for path in sorted(folder.glob("*.ipynb")) if not is_project(path)]


def projects(folder: Path = NOTEBOOKS) -> list[Path]:
    """The projects' notebooks: pages of the site like the lessons, but work for a desk, so they have no slides and no notes."""
    return [path for path in sorted(folder.glob("*.ipynb")) if is_project(path)]


def is_project(path: Path) -> bool:
    """Whether a notebook is a project: its name says so, as in 05_project_rnn_or_cnn.

    >>> is_project(Path("05_project_rnn_or_cnn.ipynb")), is_project(Path("03_lstm.ipynb"))
    (True, False)
    """
    return re.match(r"\d\d_project_", path.name) is not None


def read_lesson(path: Path) -> NotebookNode:
    """A lesson's notebook. LessonFault: it is damaged or has an error, a missing output or picture, or a solution's mark."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat has many: not JSON, not a notebook, another version
        raise LessonFault(f"{path.name}: this is no notebook that can be read: {type(error).__name__}.") from error
    if found := list(faults(notebook, path)):
        raise LessonFault("\n".join(found))
    return notebook


def faults(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """A sentence for each thing that keeps a lesson from being shown."""
    saved = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    for number, cell in enumerate(notebook.cells, start=1):
        found = [*code_faults(cell, saved)] if cell.cell_type == "code" else [*picture_faults(cell, path)]
        for sentence in [*found, *solution_faults(cell)]:
            yield f"{path.name}, {cell_name(number, cell)}: {sentence}"


def cell_name(number: int, cell: NotebookNode) -> str:
    """How a message names a cell: its place in the notebook, counted from 1, its id and its first line."""
    first = next((line.strip() for line in cell.source.splitlines() if line.strip()), "(empty)")
    return f"cell {number} ({cell.get('id', 'no id')}), {first[:50]!r}"


def code_faults(cell: NotebookNode, saved: dict) -> Iterator[str]:
    """Errors, outputs that are not there, and pictures whose state was not saved."""
    if cell.source.strip() and cell.execution_count is None:
        yield "it has no outputs, because it was not run. Run the lesson and save it: make notebooks"
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"its output is an error, {output.ename}."
        view = output.get("data", {}).get(VIEW)
        if view and view["model_id"] not in saved:
            yield "the state of its interactive picture is not saved. Save the lesson again: make notebooks"


def picture_faults(cell: NotebookNode, path: Path) -> Iterator[str]:
    """Pictures of a text cell that lie nowhere, or on another host."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.DOTALL)
    for target in ("".join(groups) for groups in PICTURES.findall(text)):
        if re.match(r"https?:|//", target):
            yield f"its picture {target} lies on another host."
        elif not target.startswith(("attachment:", "data:")) and not (path.parent / unquote(target)).is_file():
            yield f"its picture {target} is not there."


def solution_faults(cell: NotebookNode) -> Iterator[str]:
    """Marks of solutions and hidden tests, in the text or as nbgrader's metadata: these belong to exercises."""
    if mark := MARKS.search(cell.source):
        yield f"the mark {mark[0]!r} belongs to an exercise, not to a lesson."
    graded = cell.metadata.get("nbgrader", {})
    if graded.get("solution") or graded.get("grade"):
        yield "nbgrader counts it as a part of an exercise, not of a lesson."
