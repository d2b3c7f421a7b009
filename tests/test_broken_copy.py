"""The suite notices a lesson that went wrong: copies with one fault each must fail where the lesson itself passes."""

import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

import notebook_rules as rules

ROOT = Path(__file__).parents[1]
LESSON = ROOT / "notebooks" / "01_rnn_formula.ipynb"
FORMULA = re.compile(r"np\.tanh\(")


def run(folder, *options):
    """Run pytest with the project's own settings on the notebooks of a folder; a fresh process, as `make test` does."""
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), "-x", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run([*command, *options, str(folder)], capture_output=True, text=True, cwd=ROOT, env=environment)
    return done.returncode, done.stdout


def save(folder, notebook):
    nbformat.write(notebook, folder / "copy.ipynb")
    return folder


def tiny(*sources, outputs):
    """A notebook of single-line cells with their stored results."""
    pairs = enumerate(zip(sources, outputs, strict=True), start=1)
    cells = [v4.new_code_cell(source, execution_count=count, outputs=[stream(text)] if text else []) for count, (source, text) in pairs]
    return v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def stream(text):
    return v4.new_output("stream", name="stdout", text=text + "\n")


def change_a_number(notebook):
    """One digit of the first compared number in an output becomes another."""
    cells = (cell for _, cell in rules.code_cells(notebook) if rules.is_compared(cell) and cell.outputs)
    output = next(output for cell in cells for output in cell.outputs if output.get("name") == "stdout" and re.search(r"\d", output.text))
    output.text = re.sub(r"\d", lambda match: str((int(match.group()) + 1) % 10), output.text, count=1)


def change_the_formula(notebook):
    """The recurrence is computed with a sine in place of the hyperbolic tangent."""
    cell = next(cell for _, cell in rules.code_cells(notebook) if FORMULA.search(cell.source))
    cell.source = FORMULA.sub("np.sin(", cell.source)


@pytest.mark.skipif(not any((ROOT / "notebooks").glob("*.ipynb")), reason="no lesson is written yet")
@pytest.mark.parametrize("change", [change_a_number, change_the_formula])
def test_a_broken_copy_of_a_lesson_fails(change, tmp_path):
    notebook = nbformat.read(LESSON, as_version=4)
    before = deepcopy(notebook)
    change(notebook)
    assert notebook != before
    status, said = run(save(tmp_path, notebook))
    assert status == 1 and re.search(r"Cell outputs differ|AssertionError", said), said[-3000:]


def test_a_true_copy_passes_and_a_changed_output_fails(tmp_path):
    """The same on a notebook of two lines, with the counter-check that the unchanged one passes."""
    notebook = tiny("x = 6 * 7", "print(x)", outputs=[None, "42"])
    assert run(save(tmp_path, notebook))[0] == 0
    notebook.cells[1].outputs[0].text = "43\n"
    status, said = run(save(tmp_path, notebook))
    assert status == 1 and "Cell outputs differ" in said


@pytest.mark.parametrize(
    "source",
    [
        "import socket; socket.create_connection(('203.0.113.1', 80), timeout=1)",
        "import urllib.request\ntry: urllib.request.urlopen('http://example.org', timeout=1)\nexcept OSError: pass",
    ],
    ids=["open", "swallowed"],
)
def test_a_lesson_that_asks_for_the_network_fails(source, tmp_path):
    status, said = run(save(tmp_path, tiny(source, outputs=[None])))
    assert status == 1 and ("asked for" in said)


def test_a_kernel_may_talk_to_this_computer_and_sees_no_other_data(tmp_path):
    source = (
        "import os, socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()).close(); "
        "print('COURSE_DATA' in os.environ, os.listdir(os.environ['COURSE_CACHE']), os.environ['COURSE_RUN'])"
    )
    status, said = run(save(tmp_path, tiny(source, outputs=["False [] full"])))
    assert status == 0, said[-3000:]


def test_full_needs_the_data(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    done = subprocess.run([sys.executable, "-m", "pytest", "--full", "notebooks"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode != 0 and "--full needs COURSE_DATA" in done.stderr
