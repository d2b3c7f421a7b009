"""What keeps a lesson from being shown stops the build, and is named with its notebook and its cell."""

import nbformat
import pytest
from nbformat import v4

from course_utils.publish import slides
from course_utils.publish.lessons import VIEW, LessonFault, lessons, read_lesson

MARKS = ["### BEGIN SOLUTION", "### END SOLUTION", "### BEGIN HIDDEN TESTS", "=== BEGIN MARK SCHEME ==="]


def good_lesson():
    output = v4.new_output("stream", name="stdout", text="0.5\n")
    code = v4.new_code_cell("print(x)", id="code", execution_count=1, outputs=[output])
    return v4.new_notebook(cells=[v4.new_markdown_cell("# 9 · A lesson\n\n![a cell](figures/cell.svg)", id="text"), code])


def saved(folder, change=lambda notebook: None):
    """The good lesson after a change, saved in a folder with its figure."""
    (folder / "figures").mkdir()
    (folder / "figures" / "cell.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    notebook = good_lesson()
    change(notebook)
    nbformat.write(notebook, folder / "09_lesson.ipynb")
    return folder / "09_lesson.ipynb"


def add(output):
    return lambda notebook: notebook.cells[1].outputs.append(output)


BREAKS = {
    "error": (add(v4.new_output("error", ename="ValueError", evalue="no", traceback=[])), "cell 2 (code)", "ValueError"),
    "never run": (lambda notebook: notebook.cells[1].update(execution_count=None, outputs=[]), "cell 2 (code)", "no outputs"),
    "no state": (add(v4.new_output("display_data", {VIEW: {"model_id": "m"}})), "cell 2 (code)", "state"),
    "figure": (lambda notebook: notebook.cells[0].update(source="# 9\n\n![a](figures/other.svg)"), "cell 1 (text)", "figures/other.svg"),
    "HTML figure": (lambda notebook: notebook.cells[0].update(source='<img alt="a" src="none.png">'), "cell 1 (text)", "none.png"),
    "figure of another host": (lambda notebook: notebook.cells[0].update(source="![a](https://example.org/a.png)"), "cell 1 (text)", "another host"),
    "solution by nbgrader": (lambda notebook: notebook.cells[1].metadata.update(nbgrader={"solution": True}), "cell 2 (code)", "exercise"),
    "hidden test by nbgrader": (lambda notebook: notebook.cells[1].metadata.update(nbgrader={"grade": True}), "cell 2 (code)", "exercise"),
    **{mark: (lambda notebook, mark=mark: notebook.cells[1].update(source=f"x = 1\n{mark}\nx = 2"), "cell 2 (code)", mark.strip("=# ")) for mark in MARKS},
}  # fmt: skip


def test_a_good_lesson_is_read(tmp_path):
    assert len(read_lesson(saved(tmp_path)).cells) == 2


@pytest.mark.parametrize(("change", "cell", "word"), BREAKS.values(), ids=BREAKS)
def test_a_fault_names_notebook_and_cell(change, cell, word, tmp_path):
    with pytest.raises(LessonFault, match="09_lesson.ipynb") as caught:
        read_lesson(saved(tmp_path, change))
    assert cell in str(caught.value) and word in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_all_faults_are_named_at_once(tmp_path):
    def break_both(notebook):
        BREAKS["figure"][0](notebook)
        BREAKS["error"][0](notebook)

    with pytest.raises(LessonFault) as caught:
        read_lesson(saved(tmp_path, break_both))
    assert len(str(caught.value).splitlines()) == 2


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "09_lesson.ipynb").write_text('{"cells": [')
    with pytest.raises(LessonFault, match="09_lesson.ipynb"):
        read_lesson(tmp_path / "09_lesson.ipynb")


@pytest.mark.parametrize("name", ["error", "never run", "figure", "### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS"])
def test_the_command_stops_and_the_old_decks_stay(name, tmp_path, capsys):
    (tmp_path / "decks").mkdir()
    (tmp_path / "decks" / "kept.html").write_text("old")
    lesson = saved(tmp_path, BREAKS[name][0])
    assert slides.main([str(lesson), "--folder", str(tmp_path / "decks")]) == 1
    said = capsys.readouterr().err
    assert "09_lesson.ipynb" in said and BREAKS[name][1] in said
    assert [path.name for path in (tmp_path / "decks").iterdir()] == ["kept.html"]


@pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
def test_the_lessons_can_be_shown(path):
    read_lesson(path)
