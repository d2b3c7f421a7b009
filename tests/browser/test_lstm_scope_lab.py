"""The LSTM scope in a real JupyterLab: run, driven by pointer and keyboard, saved, and opened again without running."""

import json
from copy import deepcopy

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from course_utils.widgets import LSTMScope

START = {"digit": 123, "row": 28}
CELLS = ["from course_utils.widgets import LSTMScope", f"scope = LSTMScope(state={START})\nscope",
         "import json\nprint(json.dumps(scope.state), scope.image.sum())"]


def a_notebook():
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id=f"cell-{k}") for k, source in enumerate(CELLS)],
                                    metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})


def run(page, command, arguments=None):
    page.evaluate("([name, options]) => window.jupyterapp.commands.execute(name, options)", [command, arguments or {}])


def bars(page):
    return [int(text.rstrip("%")) for text in page.locator(".u-share").all_inner_texts()]


def shows(page, scope):
    return np.abs(np.array(bars(page)) - 100 * scope.trace()["p"][scope.state["row"] - 1]).max() <= 0.5 + 1e-6


def test_run_drive_and_ask_python(open_lab):
    page = open_lab(a_notebook())
    run(page, "notebook:run-all-cells")
    page.wait_for_selector(".unrolled-picture .u-share", timeout=120_000)
    assert shows(page, LSTMScope(state=START))
    page.get_by_label("Rows read").focus()
    for key in ["ArrowLeft"] * 5 + ["b", "a", "x"]:
        page.keyboard.press(key)
    assert page.locator(".jp-CodeCell").count() == len(CELLS)  # in Lab, b and a insert a cell and x cuts one
    assert shows(page, LSTMScope(state=START | {"row": 23}))
    page.get_by_label("forget gate", exact=True).check()
    page.locator(".u-pad").scroll_into_view_if_needed()
    box = page.locator(".u-pad").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 90, steps=9)
    page.mouse.up()
    page.wait_for_timeout(1000)  # the state is saved once the hand is quiet
    page.locator(".jp-CodeCell").nth(2).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function("document.querySelectorAll('.jp-CodeCell')[2].querySelector('.jp-OutputArea-output')?.textContent.includes('forced')")
    state, ink = page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output").inner_text().rsplit(" ", 1)
    scope = LSTMScope(state=json.loads(state))
    assert scope.state["row"] == 23 and scope.state["forced"]["gate"] == "f"
    assert scope.image.sum() == pytest.approx(float(ink)) and scope.image.sum() > LSTMScope(state=START).image.sum() + 5
    assert shows(page, scope)


@pytest.fixture(scope="module")
def executed():
    """As the lessons are saved: run by nbclient, with the widgets' state."""
    return NotebookClient(a_notebook(), kernel_name="python3", store_widget_state=True, timeout=120).execute()


def test_a_saved_notebook_shows_it_without_running(open_lab, executed):
    page = open_lab(executed, "saved", trusted=True)
    page.wait_for_selector(".unrolled-picture .u-share", timeout=60_000)
    assert shows(page, LSTMScope(state=START))
    page.get_by_label("Rows read").fill("20")
    assert shows(page, LSTMScope(state=START | {"row": 20}))
    assert page.locator(".jp-RenderedImage img").count() == 0


def test_lab_shows_the_still_of_a_notebook_it_does_not_trust(open_lab, executed):
    foreign = deepcopy(executed)
    foreign.cells.append(nbformat.v4.new_markdown_cell("Signed by nobody: a signature holds for the content, whatever the file's name."))
    page = open_lab(foreign, "foreign")
    page.wait_for_selector(".jp-RenderedImage img", timeout=60_000)
    assert page.locator(".jp-RenderedImage img").evaluate("(image) => image.naturalWidth") > 500
    assert executed.cells[1].outputs[0].data["text/plain"] == "LSTMScope(LSTM with 64 units, 500 digits)"


def test_running_a_cell_again_leaves_one_picture(open_lab):
    page = open_lab(a_notebook(), "again")
    for _ in range(2):
        run(page, "notebook:run-all-cells")
        page.wait_for_selector(".unrolled-picture .u-share", timeout=120_000)
        page.wait_for_function("![...document.querySelectorAll('.jp-InputArea-prompt')].some((prompt) => prompt.textContent.includes('*'))", timeout=120_000)
    assert page.locator(".unrolled-picture").count() == 1
