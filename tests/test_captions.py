"""A caption says what its figure shows: it is computed, and it changes when the data does."""

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import notebook_rules as rules

NOTEBOOKS = sorted(path for folder in ("notebooks", "notebooks/reports") for path in (Path(__file__).parents[1] / folder).glob("*.ipynb"))
PERTURB = """
examples = examples._replace(x_train=0.9 * examples.x_train.transpose(0, 2, 1), x_test=0.9 * examples.x_test.transpose(0, 2, 1),
                             y_train=(examples.y_train + 1) % 10, y_test=(examples.y_test + 1) % 10)
"""


def captions(notebook):
    """The alt texts of all figures, in order; not those of live pictures, which bring numbers of their own (see tests/widgets)."""
    shown = [output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    return [output.metadata["image/png"]["alt"] for output in shown if "application/vnd.jupyter.widget-view+json" not in output.data]


def without_assertions(source):
    """Assertions hold for the true data only; a perturbed lesson runs without them."""
    body = [node for node in ast.parse(source).body if not isinstance(node, ast.Assert)]
    return ast.unparse(ast.Module(body=body, type_ignores=[]))


@pytest.mark.parametrize("name", ["00_start_here", "01_rnn_formula"])
def test_captions_change_with_the_data(name):
    path = next(path for path in NOTEBOOKS if path.stem == name)
    stored = nbformat.read(path, as_version=4)
    perturbed = nbformat.read(path, as_version=4)
    for _, cell in rules.code_cells(perturbed):
        cell.source = without_assertions(cell.source)
        if "load_mnist('embedded')" in cell.source:
            cell.source += PERTURB
    NotebookClient(perturbed, resources={"metadata": {"path": str(path.parent)}}).execute()
    pairs = list(zip(captions(stored), captions(perturbed), strict=True))
    assert pairs and [old for old, new in pairs if old == new] == []


def is_computed(caption):
    """Whether an expression holds anything but fixed words."""
    return any(isinstance(node, (ast.Name, ast.Call, ast.Attribute)) for node in ast.walk(caption))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_caption_is_a_fixed_sentence(path):
    for number, cell in rules.code_cells(nbformat.read(path, as_version=4)):
        for call in ast.walk(ast.parse(cell.source)):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "show":
                assert is_computed(call.args[1]), f"code cell {number}: the caption says the same whatever the figure shows"


@pytest.mark.parametrize("caption, computed", [("'A digit.'", False), ("f'A digit.'", False), ("f'A {label}.'", True), ("'A ' + str(3)", True)])
def test_what_counts_as_computed(caption, computed):
    assert is_computed(ast.parse(caption, mode="eval").body) == computed
