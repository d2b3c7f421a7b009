"""Every saved lesson keeps the rules, and every rule catches a notebook that breaks it."""

from copy import deepcopy

import nbformat
import pytest
from nbformat import v4

import notebook_rules as rules
from course_utils.kit.notebooks import saved_notebooks

NOTEBOOKS = saved_notebooks()
LEAST_SHARE = 0.8
VIEW = "application/vnd.jupyter.widget-view+json"


def read(path):
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_lesson_keeps_the_rule(rule, path):
    assert rule(read(path), path) == []


def test_enough_cells_are_compared():
    """At least four fifths of the code cells with text output, over all lessons."""
    counts = {path: rules.compared(read(path)) for path in NOTEBOOKS}
    done, all_of_them = (sum(column) for column in zip((0, 0), *counts.values(), strict=True))
    assert done >= LEAST_SHARE * all_of_them, counts


# A good notebook, and one way to break it for each rule


def good_notebook():
    """A cell with a compared output, a picture with its caption, a silent cell, and prose that states what they show."""
    words = v4.new_output("stream", name="stdout", text="loss 0.6931 after 5,120 steps\n")
    picture = v4.new_output("display_data", {"image/png": "aGk=", "text/plain": "<Figure>"}, metadata={"image/png": {"alt": "A rising line."}})
    caption = v4.new_output("stream", name="stdout", text="A rising line.\n")
    cells = [
        v4.new_markdown_cell("# Lesson 12\n\nThe loss is 0.693 after 5,120 steps; $x_{99}$ and `x[77]` are not prose. See [here](there.md#part)."),
        v4.new_code_cell("print(loss(BATCH))", execution_count=1, outputs=[words]),
        v4.new_code_cell("show(figure, caption)", execution_count=2, outputs=[picture, caption]),
        v4.new_code_cell("silence = 0", execution_count=3),
    ]
    return v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


@pytest.fixture
def place(tmp_path):
    (tmp_path / "there.md").write_text("# part")
    return tmp_path / "12_good.ipynb"


def broken(change):
    notebook = deepcopy(good_notebook())
    change(notebook)
    return notebook


def add_output(output):
    return lambda notebook: notebook.cells[1].outputs.append(output)


def add_prose(text):
    return lambda notebook: notebook.cells.append(v4.new_markdown_cell(text))


def set_source(text, tags=()):
    return lambda notebook: notebook.cells[1].update(source=text, metadata={"tags": list(tags)})


def set_alt(text):
    return lambda notebook: notebook.cells[2].outputs[0].metadata.update({"image/png": {"alt": text}})


def crash_a_widget(notebook):
    error = {"output_type": "error", "ename": "ZeroDivisionError"}
    state = {"abc": {"state": {"outputs": [error]}}}
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": state}}


def crash_a_callback(notebook):
    state = {"abc": {"state": {"value": "<p>This picture could not be drawn. ValueError: 7</p>"}}}
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": state}}


BREAKS = {
    "never run": (rules.run_in_order, lambda notebook: notebook.cells[1].update(execution_count=None)),
    "run out of order": (rules.run_in_order, lambda notebook: notebook.cells[1].update(execution_count=7)),
    "error output": (rules.no_errors, add_output(v4.new_output("error", ename="ValueError", evalue="", traceback=[]))),
    "stored warning": (rules.no_stderr, add_output(v4.new_output("stream", name="stderr", text="UserWarning: old"))),
    "path of a machine": (rules.no_machine_paths, add_output(v4.new_output("stream", name="stdout", text="in /home/ada/x.py"))),
    "foreign kernel": (rules.standard_kernel, lambda notebook: notebook.metadata["kernelspec"].update(name="venv-ada")),
    "crashed widget": (rules.widgets_work, crash_a_widget),
    "widget without state": (rules.widgets_work, add_output(v4.new_output("display_data", {VIEW: {"model_id": "abc"}}))),
    "picture a widget could not draw": (rules.widgets_work, crash_a_callback),
    "long cell": (rules.short_cells, set_source("x = 1\n" * 16)),
    "loose cell without a band": (rules.bands, set_source("# assert nothing\nprint('assert')", [rules.IGNORED])),
    "skipped cell": (rules.only_known_tags, set_source("1", ["nbval-skip"])),
    "expected error": (rules.only_known_tags, set_source("1", ["raises-exception"])),
    "comment for nbval": (rules.only_known_tags, set_source("# NBVAL_IGNORE_OUTPUT\n1")),
    "interact": (rules.no_interact, set_source("import ipywidgets as w\nw.interact(f, x=3)")),
    "interact by name": (rules.no_interact, set_source("from ipywidgets import interact")),
    "no alt": (rules.alt_texts, set_alt("")),
    "no caption": (rules.captions, lambda notebook: notebook.cells[2].outputs.pop()),
    "caption elsewhere": (rules.captions, lambda notebook: notebook.cells[2].outputs.reverse()),
    "other caption": (rules.captions, set_alt("A falling line.")),
    "dead link": (rules.links_resolve, add_prose("See [that](nowhere.ipynb).")),
    "dead picture": (rules.links_resolve, add_prose("![a cell](figures/cell.svg)")),
    "dead HTML picture": (rules.links_resolve, add_prose('<img alt="a cell" src="figures/cell.svg">')),
    "picture in prose without alt": (rules.pictures_have_alt, add_prose("![](there.md)")),
    "HTML picture without alt": (rules.pictures_have_alt, add_prose('<img src="there.md">')),
    "number from nowhere": (rules.numbers_have_a_source, add_prose("It reaches 97.3% of the digits.")),
    "number rounded wrongly": (rules.numbers_have_a_source, add_prose("The loss is 0.694.")),
    "large number": (rules.numbers_have_a_source, add_prose("After 5,121 steps, in 2017.")),
}  # fmt: skip


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_passes(rule, place):
    assert rule(good_notebook(), place) == []


@pytest.mark.parametrize(("rule", "change"), BREAKS.values(), ids=BREAKS)
def test_a_broken_notebook_is_caught(rule, change, place):
    assert len(rule(broken(change), place)) == 1


def test_every_rule_has_a_notebook_that_breaks_it():
    assert {rule for rule, _ in BREAKS.values()} == set(rules.RULES)


@pytest.mark.parametrize("band", ["assert 0.9 < accuracy < 0.95", "check_band(accuracy, 'rnn', source)", "runs.check_band(1, 'a', 'b')"])
def test_a_band_makes_a_loose_cell_good(band, place):
    assert rules.bands(broken(set_source(f"%time x = 1\n{band}", [rules.IGNORED])), place) == []


@pytest.mark.parametrize(
    ("prose", "source"),
    [("98.1% of them", "print(accuracy)"), ("after 5,000 steps", "STEPS = 5_000"), ("a batch of 128", "train(batch_size=128)")],
)
def test_numbers_from_outputs_and_named_constants_are_known(prose, source, place):
    notebook = broken(set_source(source))
    notebook.cells[1].outputs[0].text = "0.9812"
    notebook.cells[0].source = prose
    assert rules.numbers_have_a_source(notebook, place) == []


@pytest.mark.parametrize(
    ("text", "source", "tags", "counts"),
    [
        ("0.6931", "print(loss)", [], True),
        ("0.6931", "print(loss)", [rules.IGNORED], False),
        ("True", "np.allclose(a, b)", [], False),
        ("ok", "print(say)", [], False),
        ("all shapes agree", "print('all shapes agree')", [], False),
        ("28", "28", [], False),
        ("largest difference 1e-07: True", "print(f'largest difference {d:.0e}: {d < 1e-5}')", [], True),
    ],
)
def test_only_outputs_that_can_change_count_as_compared(text, source, tags, counts):
    output = v4.new_output("stream", name="stdout", text=text)
    cell = v4.new_code_cell(source, outputs=[output], metadata={"tags": tags})
    assert rules.is_compared(cell) is counts
    assert rules.compared(v4.new_notebook(cells=[cell])) == (int(counts), 1)


@pytest.mark.parametrize("prose", ["Needs 75 minutes.", "## Sources\n\n- Ada, 9(8), 1735-1780.", "### 44 Digits", "17. first", "in $42$ and `43`, [a](44.md)"])
def test_numbers_that_state_nothing_measured_are_left_alone(prose):
    assert rules.prose_numbers(prose) == []


def test_a_style_sheet_is_no_text_output():
    style = v4.new_output("display_data", {"text/html": "<style>p { margin: 3px }</style>", "text/plain": "<IPython.core.display.HTML object>"})
    assert rules.cell_text(v4.new_code_cell("use_course_style()", outputs=[style])) == ""


def test_every_allowed_number_has_a_reason():
    assert all(set(entry) <= {"numbers", "reason", "lesson"} and len(entry["reason"]) > 20 for entry in rules.ALLOWED)
