"""The lessons ask before they answer: each prediction stands under its question and is shown what came out; no note leads nowhere."""

import ast
import re

import nbformat
import pytest

from course_utils import widgets
from course_utils.kit.notebooks import ROOT

LESSONS = sorted((ROOT / "notebooks").glob("0*.ipynb"))
KINDS = {name for name in widgets.__all__ if name.startswith("Predict")}
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def cells(lesson):
    return nbformat.read(lesson, as_version=4).cells


def code(lesson):
    return [(place, ast.parse(cell.source)) for place, cell in enumerate(cells(lesson)) if cell.cell_type == "code" and "%" not in cell.source[:1]]


def asked(lesson):
    """Name of a prediction -> (place of its cell, its words, the cell's last line)."""
    found = {}
    for place, module in code(lesson):
        for line in module.body:
            call = getattr(line, "value", None)
            if isinstance(line, ast.Assign) and isinstance(call, ast.Call) and getattr(call.func, "id", None) in KINDS:
                found[line.targets[0].id] = place, ast.literal_eval(call.args[0]), ast.unparse(module.body[-1])
    return found


def shown(lesson):
    """(place, name of the prediction, what it is told) of each cell that shows what came out."""
    calls = [(place, node) for place, module in code(lesson) for node in ast.walk(module) if isinstance(node, ast.Call)]
    methods = [(place, node) for place, node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == "show"]
    return [(place, node.func.value.id, node) for place, node in methods if getattr(node.func.value, "id", None) in asked(lesson)]


def slug(text):
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-")


@each_lesson
def test_each_lesson_asks_often_enough(lesson):
    assert len(asked(lesson)) >= (1 if lesson.stem.startswith("00") else 2)


@each_lesson
def test_each_prediction_stands_under_its_question_and_is_displayed(lesson):
    for name, (place, _, last) in asked(lesson).items():
        above = [cell.source for cell in cells(lesson)[max(0, place - 4) : place]]
        assert any("> **Predict.**" in source for source in above), name
        assert last == name, "the picture is what the cell displays"


@each_lesson
def test_each_prediction_is_shown_what_came_out_once_and_later(lesson):
    places = {name: place for name, (place, _, _) in asked(lesson).items()}
    assert sorted(name for _, name, _ in shown(lesson)) == sorted(places)
    for place, name, _ in shown(lesson):
        between = cells(lesson)[places[name] + 1 : place]
        assert any(cell.cell_type == "code" for cell in between), f"{name}: the result comes between guess and answer"
        assert not any("> **Predict.**" in cell.source for cell in between), f"{name}: the next question comes after the answer"


@each_lesson
def test_notes_lead_to_headings_of_the_lesson(lesson):
    headings = {slug(line.lstrip("# ")) for cell in cells(lesson) if cell.cell_type == "markdown" for line in cell.source.splitlines() if re.match("#+ ", line)}
    for _, name, call in shown(lesson):
        texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        targets = [target for text in texts for target in re.findall(r"\]\(#([^)\s]+)\)", text)]
        assert targets, f"{name}: wrong guesses lead to what refutes them"
        assert [target for target in targets if slug(target) not in headings] == [], name


def test_no_two_questions_have_the_same_words():
    """A guess is kept under them."""
    words = [question for lesson in LESSONS for _, question, _ in asked(lesson).values()]
    assert len(words) == len(set(words)) >= 12
