"""Builds the notebook that formgrader and the feedback show: the exercise as handed out, with a student's answers and the verdicts."""

from __future__ import annotations

import copy
import json

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.grading import escape, lessons

MOST_CELLS = 500  # of the student's own that are shown


def autograded(graded: dict, *, note: str = "") -> nbformat.NotebookNode:
    """The notebook of one Graded.

    Every cell of the exercise stands there as it was handed out, with nbgrader's metadata; answer cells hold the student's text, check
    cells the verdict. Cells of the student's own follow the cell after which they stood. Nothing in it runs in a browser.

    Args:
        graded: as the worker returned it, or `gradebook.unread` made it.
        note: a sentence for the top, for instance why the submission needs a person.
    """
    pristine = lessons.pristine(graded["lesson"])
    answers, extras = _sorted_cells(graded["cells"], pristine)
    cells = [_note(note)] if note else []
    cells += extras.get(-1, [])
    for k, cell in enumerate(pristine.cells):
        cells += [_cell(cell, answers, graded), *extras.get(k, [])]
    for k, cell in enumerate(cells):
        cell["id"] = f"cell-{k}"  # nbformat's own are random; the same Graded is to give the same bytes
    return new_notebook(cells=cells, metadata=copy.deepcopy(pristine.metadata))


def to_bytes(notebook: nbformat.NotebookNode) -> bytes:
    nbformat.validate(notebook)
    return nbformat.writes(notebook).encode()


def _sorted_cells(given: list[dict], pristine) -> tuple[dict[str, dict], dict[int, list]]:
    """The first cell of each answer, and the other cells of the student's by the exercise's cell they follow (-1: none)."""
    places = {lessons.about(cell)["grade_id"]: k for k, cell in enumerate(pristine.cells) if lessons.about(cell)}
    sources = {cell.source.strip(): k for k, cell in enumerate(pristine.cells) if not lessons.about(cell).get("solution")}
    answers, extras, at = {}, {}, -1
    for cell in given[:MOST_CELLS]:
        name, source = cell.get("grade_id"), cell["source"].strip()
        known = places.get(name, sources.get(source))
        at = at if known is None else known
        if known is None or (pristine.cells[known].source.strip() != source and not _is_answer(pristine.cells[known])):
            extras.setdefault(at, []).append(_own(cell))
        elif _is_answer(pristine.cells[known]):
            if name in answers:
                extras.setdefault(at, []).append(_own(cell))
            answers.setdefault(name, cell)
    if len(given) > MOST_CELLS:
        extras.setdefault(at, []).append(_note(f"{len(given) - MOST_CELLS:,} more cells are not shown."))
    return answers, extras


def _is_answer(cell) -> bool:
    return bool(lessons.about(cell).get("solution"))


def _cell(cell, answers: dict[str, dict], graded: dict):
    """One cell of the exercise: as it was handed out, with the student's answer or with the verdict."""
    cell, name = copy.deepcopy(cell), lessons.about(cell).get("grade_id")
    cell.metadata = {"nbgrader": cell.metadata["nbgrader"]} if lessons.about(cell) else {}
    if _is_answer(cell):
        _fill(cell, answers.get(name))
    elif name in graded["tasks"]:
        cell.outputs = [new_output("stream", name="stdout", text=verdict(graded["tasks"][name]))]
    return cell


def _fill(cell, answer: dict | None) -> None:
    """Put the student's text into an answer cell, whatever kind of cell the student made of it."""
    text = answer["source"] if answer else "(This cell is missing in the submission.)"
    cell.source = escape.markdown_block(text) if cell.cell_type == "markdown" else _code(text)
    if answer and cell.cell_type == "code":
        cell.outputs = outputs(answer)


def _own(cell: dict):
    """A cell of the student's own. What is neither code nor Markdown is shown as text."""
    if cell.get("cell_type") == "code":
        return new_code_cell(_code(cell["source"]), outputs=outputs(cell))
    return new_markdown_cell(escape.markdown_block(cell["source"]))


def _code(text: str) -> str:
    return escape.cut(escape.printable(text))


def _note(sentence: str):
    return new_markdown_cell(escape.text_block(sentence))


def verdict(task: dict) -> str:
    """What a check cell shows: points and the sentence."""
    sentence = escape.printable(task["sentence"])
    if task["points"] is None:
        return f"Not graded yet: this task needs a person. {sentence}".strip() + "\n"
    return f"{task['points']:g} of {task['max']:g} points. {sentence}".strip() + "\n"


def outputs(cell: dict) -> list:
    """Text, errors and checked PNG pictures of a cell; nothing else that a student's code may have shown."""
    made = [_output(output) for output in cell.get("outputs", [])[:100]]
    note = escape.printable(str(cell.get("note") or ""))
    return [output for output in made if output is not None] + ([new_output("stream", name="stdout", text=note + "\n")] if note else [])


def _output(output: dict):
    kind = output.get("output_type")
    if kind == "stream":
        return new_output("stream", name="stdout", text=_text(output.get("text")))
    if kind == "error":
        name, value = _text(output.get("ename"))[:200], _text(output.get("evalue"))[:2_000]
        lines = [_text(line) for line in output.get("traceback") or []][:200] or [f"{name}: {value}"]
        return new_output("error", ename=name, evalue=value, traceback=lines)
    picture = escape.checked_png((output.get("data") or {}).get("image/png"))
    return picture and new_output("display_data", data={"image/png": picture}, metadata={"image/png": {"alt": "Picture that this cell drew"}})


def _text(text: object) -> str:
    return escape.cut(escape.printable("".join(text) if isinstance(text, list) else str(text or "")), 20_000)


def digest(graded: dict) -> dict[str, str]:
    """grade_id of each graded cell -> a digest of the answer it is about and of the automatic points: what a manual mark depends on."""
    from course_utils.grading.state import sha256

    sources: dict[str, list] = {}
    for cell in graded["cells"]:
        sources.setdefault(cell.get("grade_id") or "", []).append(cell["source"].strip())
    points = {name: task["points"] for name, task in graded["tasks"].items()}
    return {
        name: sha256(json.dumps([[sources.get(cell) for cell in cells], points.get(name)]).encode())
        for name, cells in lessons.answer_cells(graded["lesson"]).items()
    }
