"""The misclassification explorer in a real JupyterLab: a running kernel gives the digits that are not saved."""

import nbformat
from nbclient import NotebookClient

from course_utils.widgets import MissExplorer

CELLS = ["from course_utils.widgets import MissExplorer", "explorer = MissExplorer()\nexplorer", "print(explorer.state['digit'], explorer.changed)"]


def a_notebook():
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id=f"cell-{k}") for k, source in enumerate(CELLS)],
                                    metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})


def ones(page):
    """Press the count of ones read as ones; the numbers of the digits in the gallery."""
    page.locator(".u-miss-matrix tbody tr").nth(1).locator("button").nth(1).click()
    return page.locator(".u-miss-tile:visible")


def names(tiles):
    return [int(name.split(",")[0].removeprefix("digit ")) for name in tiles.evaluate_all("(nodes) => nodes.map((node) => node.getAttribute('aria-label'))")]


def test_with_a_kernel_all_digits_answer(open_lab):
    explorer = MissExplorer()
    page, listed = open_lab(a_notebook(), "explorer"), explorer.listed(cell=(1, 1))
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_selector(".unrolled-picture .u-miss-matrix", timeout=120_000)
    tiles = ones(page)
    page.get_by_text(f"1 to 18 of {len(listed)}", exact=True).wait_for(timeout=30_000)
    assert names(tiles) == listed[:18].tolist()
    missing = next(k for k in range(18) if listed[k] not in explorer._saved)
    tiles.nth(missing).click()
    page.wait_for_function(f"document.querySelector('.unrolled-picture .u-status').textContent.startsWith('Digit {listed[missing]}, a 1')")
    page.keyboard.press("b")
    assert page.locator(".jp-CodeCell").count() == len(CELLS)  # in Lab, b inserts a cell
    page.wait_for_timeout(1000)  # the state is saved once the hand is quiet
    page.locator(".jp-CodeCell").nth(2).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(f"document.querySelectorAll('.jp-CodeCell')[2].innerText.includes('{listed[missing]} False')")


def test_a_saved_notebook_shows_it_and_says_what_only_a_kernel_has(open_lab):
    executed = NotebookClient(a_notebook(), kernel_name="python3", store_widget_state=True, timeout=120).execute()
    page, explorer = open_lab(executed, "explorer-saved", trusted=True), MissExplorer()
    page.wait_for_selector(".unrolled-picture .u-miss-matrix", timeout=60_000)
    tiles, listed = ones(page), explorer.listed(cell=(1, 1))
    here = [number for number in listed if number in explorer._saved]
    page.get_by_text(f"{len(here)} of {len(listed)} are saved with this picture. The others come from a running kernel").wait_for(timeout=30_000)
    assert names(tiles) == here[:18]
