"""Lessons as they come with the course are signed for Jupyter; a changed or a foreign notebook is not."""

import json
import shutil

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from course_utils.kit import trust


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one lesson, recorded; `course.trusts(path)` is what Jupyter thinks of a notebook."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(trust, "ROOT", tmp_path)
    monkeypatch.setattr(trust, "RECORD", tmp_path / "lessons.json")
    lesson = tmp_path / "notebooks" / "03_lstm.ipynb"
    output = nbformat.v4.new_output("display_data", {"text/html": "<b>shown</b>"})
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", id="a", outputs=[output])]), lesson)
    trust.record()
    return lesson


def trusts(path, folder):
    folder.mkdir(exist_ok=True)
    with NotebookNotary(data_dir=str(folder)) as notary:
        return notary.check_signature(nbformat.read(path, as_version=4))


def test_the_record_is_of_the_lessons_as_they_are():
    """Out of date? `make notebooks` runs and records them; a saved lesson in which only prose changed needs that too."""
    assert json.loads(trust.RECORD.read_text()) == {path.name: trust.digest(path) for path in trust.lessons()}


def test_an_unchanged_lesson_is_signed(course, tmp_path):
    assert not trusts(course, tmp_path / "data")
    assert trust.sign_lessons(str(tmp_path / "data")) == [course]
    assert trusts(course, tmp_path / "data")


@pytest.mark.parametrize(("old", "new"), [("<b>shown", "<script>shown"), ('"1"', '"2"'), ('"a"', '"b"'), ("}", "")])
def test_a_changed_one_is_not(course, tmp_path, old, new):
    text = course.read_text()
    course.write_text(text.replace(old, new, 1))
    assert trust.sign_lessons(str(tmp_path / "data")) == []


def test_a_notebook_of_another_name_is_not(course, tmp_path):
    other = shutil.copy(course, course.with_name("99_mine.ipynb"))
    assert trust.unchanged([course, course.with_name("99_mine.ipynb"), course.with_name("gone.ipynb")]) == [course]
    nbformat.write(nbformat.v4.new_notebook(), other)
    trust.sign_lessons(str(tmp_path / "data"))
    assert not trusts(other, tmp_path / "data")


def test_other_line_breaks_are_no_change(course, tmp_path):
    course.write_bytes(course.read_bytes().replace(b"\n", b"\r\n"))
    assert trust.sign_lessons(str(tmp_path / "data")) == [course]


def test_a_folder_that_cannot_be_written_stops_nothing(course, tmp_path):
    (tmp_path / "data").write_text("a file where a folder should be")
    assert trust.sign_lessons(str(tmp_path / "data")) == []
