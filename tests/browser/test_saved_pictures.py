"""The course's plugin in JupyterLab: a picture of a saved lesson that nobody has run is found, and is still there after saving."""

import nbformat
from nbclient import NotebookClient

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
STATES = "application/vnd.jupyter.widget-state+json"
# Lab looks for two seconds. This widget is there from then on, so it falls into the gap between the last look and the end.
LATE = """async () => {
    const [version] = Object.values(window._JUPYTERLAB.unrolled.shared["@jupyter-widgets/base-manager"]);
    const { ManagerBase } = (await version.get())(), asked = Date.now(), model = Promise.resolve("found");
    const manager = { get _models() { return Date.now() - asked < 2000 ? {} : { late: model }; }, has_model: ManagerBase.prototype.has_model };
    const told = (id) => ManagerBase.prototype.get_model.call(manager, id).catch((error) => error.message);
    return Promise.all([told("late"), told("never")]);
}"""
ASK = "from course_utils.widgets import PredictChoice\nPredictChoice('Which?', ['unit 1', 'unit 2'])"


def notebook_of(*cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=PYTHON)


def saved(page, file):
    """Save, whether or not Lab thinks that there is something to save; what is in the file then, and its widgets by kind."""
    before = file.stat().st_mtime_ns
    page.evaluate("window.jupyterapp.shell.currentWidget.context.save()")
    assert file.stat().st_mtime_ns > before
    notebook = nbformat.read(file, as_version=4)
    states = notebook.metadata.widgets[STATES]["state"]
    return notebook, {f"{model['model_name']}": model["state"] for model in states.values()}


def test_it_is_found_and_what_is_not_there_is_still_missed(open_lab):
    page = open_lab(notebook_of("1"), "late")
    assert page.evaluate(LATE) == ["found", "widget model not found"]


def test_a_lesson_that_is_opened_and_saved_without_running_keeps_its_pictures(open_lab, saving):
    executed = NotebookClient(notebook_of(ASK), kernel_name="python3", store_widget_state=True, timeout=120).execute()
    page = open_lab(executed, "opened", trusted=True)
    notebook, states = saved(page, saving / "opened.ipynb")  # at once, perhaps before the picture is there
    assert {"AnyModel", "LayoutModel"} <= set(states) and notebook.cells[0].outputs == executed.cells[0].outputs
    page.wait_for_selector(".pf-box", timeout=60_000)
    page.get_by_label("unit 2").check()
    page.get_by_role("button", name="This is my guess").click()
    notebook, states = saved(page, saving / "opened.ipynb")
    assert states["AnyModel"]["state"]["guess"] == "unit 2" and states["AnyModel"]["question"] == "Which?"
    page = open_lab(notebook, "opened_again", trusted=True)
    page.wait_for_selector(".pf-box", timeout=60_000)
    assert page.locator(".pf-status").inner_text().startswith("Kept: “unit 2”.")


def test_what_no_output_shows_is_not_saved_for_ever(open_lab, saving):
    executed = NotebookClient(notebook_of(ASK), kernel_name="python3", store_widget_state=True, timeout=120).execute()
    page = open_lab(executed, "gone", trusted=True)
    page.wait_for_selector(".pf-box", timeout=60_000)
    page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    assert saved(page, saving / "gone.ipynb")[1] == {}
