"""Lessons are saved only when they ran to the end; what is saved has fresh counts and the widgets' state."""

import nbformat
import pytest
from nbformat import v4

from course_utils.kit import notebooks


def write(path, *sources):
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources], metadata={"language_info": {"version": "3.9.1"}}), path)
    return path


def test_a_lesson_is_saved_with_outputs_and_widget_state(tmp_path):
    path = write(tmp_path / "lesson.ipynb", "import ipywidgets", "print(6 * 7)", "ipywidgets.IntSlider(value=3)")
    assert notebooks.run_one(path)
    saved = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in saved.cells] == [1, 2, 3]
    assert saved.cells[1].outputs[0].text == "42\n" and saved.metadata.language_info == {"name": "python"}
    (view,) = (output.data["application/vnd.jupyter.widget-view+json"] for output in saved.cells[2].outputs)
    assert view["model_id"] in saved.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert all("execution" not in cell.metadata for cell in saved.cells)


def test_a_lesson_with_an_error_keeps_its_file(tmp_path, capsys):
    path = write(tmp_path / "lesson.ipynb", "print(1)", "1 / 0")
    before = path.read_bytes()
    assert notebooks.run_and_save([str(path)]) == 1
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nowhere.ipynb"])
def test_a_missing_notebook_is_named(tmp_path, name, capsys):
    assert notebooks.run_and_save([str(tmp_path / name)]) == 1
    assert name in capsys.readouterr().err
