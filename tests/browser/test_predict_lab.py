"""A prediction in a real JupyterLab: guessed, shown, followed, saved with the notebook, and still there when its cell runs again."""

import nbformat
from nbclient import NotebookClient

ASK = """from course_utils.widgets import PredictChoice
negative = PredictChoice("Which unit is negative?", ["unit 1", "unit 2", "unit 3"])
negative"""
SHOW = 'negative.show("unit 1", {"unit 2": "See [Clue 3](#Clue-3:-the-start-at-zero)."})'


def a_notebook(journal="/dev/null"):
    cells = [nbformat.v4.new_code_cell(f"import os\nos.environ['COURSE_JOURNAL'] = {str(journal)!r}", id="set-up"), nbformat.v4.new_code_cell(ASK, id="ask"),
             nbformat.v4.new_code_cell(SHOW, id="show"), nbformat.v4.new_code_cell("print('it is', negative.guess)", id="tell"),
             nbformat.v4.new_markdown_cell("text\n\n" * 60, id="far"), nbformat.v4.new_markdown_cell("### Clue 3: the start at zero", id="clue"),
             nbformat.v4.new_markdown_cell("text\n\n" * 60, id="end")]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})


def run(page, number):
    """Run one cell and wait until it is done."""
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(number)
    before = cell.locator(".jp-InputArea-prompt").inner_text()
    cell.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function("([number, before]) => { const text = document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputArea-prompt')[number].innerText; return text !== before && /\\d/.test(text); }", arg=[number, before], timeout=120_000)


def output(page, number):
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number).locator(".jp-OutputArea-output").last.inner_text().strip()


def status(page):
    return page.locator(".pf-status").inner_text()


def test_a_guess_from_the_question_to_the_saved_notebook(open_lab, saving, tmp_path):
    page = open_lab(a_notebook(tmp_path / "journal.jsonl"), "guess")
    run(page, 0)
    run(page, 1)
    page.get_by_label("unit 1").focus()
    for key in ("ArrowDown", "b", "x", "Tab", "Enter"):  # in Lab, b inserts a cell and x cuts one
        page.keyboard.press(key)
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 4
    assert status(page).startswith("Kept: “unit 2”.")
    run(page, 3)
    assert output(page, 3) == "it is unit 2"
    run(page, 2)
    assert output(page, 2) == "What came out: unit 1. The picture above compares it with your guess."
    page.wait_for_function("document.querySelector('.pf-status').innerText.includes('What came out')")
    assert status(page) == "You said “unit 2”. What came out: “unit 1”."

    page.locator(".pf-note a").click()
    page.wait_for_timeout(500)
    assert page.locator("h3", has_text="Clue 3").evaluate("(node) => { const place = node.getBoundingClientRect(); return place.top >= 0 && place.bottom < innerHeight; }")

    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!document.querySelector('.jp-mod-dirty')")
    page.wait_for_timeout(500)
    kept = nbformat.read(saving / "guess.ipynb", as_version=4).metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    states = [model["state"] for model in kept.values() if model["state"].get("question")]
    assert [(state["state"]["guess"], state["truth"]["value"]) for state in states] == [("unit 2", "unit 1")]

    run(page, 1)
    page.wait_for_function("document.querySelector('.pf-status')?.innerText.startsWith('Kept')")
    assert status(page).startswith("Kept: “unit 2”.") and page.locator(".pf-box").count() == 1


def test_without_a_guess_all_cells_run_and_a_saved_notebook_asks_before_it_tells(open_lab):
    executed = NotebookClient(a_notebook(), kernel_name="python3", store_widget_state=True, timeout=120).execute()
    assert executed.cells[3].outputs[0].text == "it is None\n"
    page = open_lab(executed, "asks", trusted=True)
    page.wait_for_selector(".pf-box", timeout=60_000)
    assert status(page) == "" and page.get_by_role("button", name="Show me").is_visible()
    page.get_by_label("unit 1").check()
    page.get_by_role("button", name="This is my guess").click()
    assert status(page) == "Right: “unit 1”."


def test_who_runs_on_without_a_guess_is_told_kindly(open_lab):
    page = open_lab(a_notebook(), "none")
    for number in range(3):
        run(page, number)
        page.wait_for_selector(".pf-box") if number else None
    page.wait_for_function("document.querySelector('.pf-status').innerText !== ''")
    assert status(page) == "No guess this time, no harm done. What came out: unit 1."
