"""The course's plugin in JupyterLab: a saved widget that arrives when Lab has just looked for the last time is shown all the same."""

import nbformat

# Lab looks for two seconds. This widget is there from then on, so it falls into the gap between the last look and the end.
LATE = """async () => {
    const [version] = Object.values(window._JUPYTERLAB.unrolled.shared["@jupyter-widgets/base-manager"]);
    const { ManagerBase } = (await version.get())(), asked = Date.now(), model = Promise.resolve("found");
    const manager = { get _models() { return Date.now() - asked < 2000 ? {} : { late: model }; }, has_model: ManagerBase.prototype.has_model };
    const told = (id) => ManagerBase.prototype.get_model.call(manager, id).catch((error) => error.message);
    return Promise.all([told("late"), told("never")]);
}"""


PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def test_it_is_found_and_what_is_not_there_is_still_missed(open_lab):
    page = open_lab(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")], metadata=PYTHON), "late")
    assert page.evaluate(LATE) == ["found", "widget model not found"]
