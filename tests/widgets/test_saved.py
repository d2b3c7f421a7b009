"""The pictures in the saved lessons have today's scripts and styles."""

import nbformat
import pytest

from course_utils.kit import trust
from course_utils.widgets import LSTMScope, saved

SHOWN = {"01_rnn_formula": "OneCell", "02_unrolling": "Unfold", "03_lstm": "LSTMScope", "04_misclassification": "MissExplorer"}


@pytest.mark.parametrize("path", trust.lessons(), ids=lambda path: path.stem)
def test_saved_pictures_are_those_of_today(path):
    found = saved.pictures(nbformat.read(path, as_version=4))
    assert [picture.__name__ for state, picture in found if saved.is_old(state, picture)] == [], "run: python -m course_utils.widgets.saved"
    assert SHOWN.get(path.stem, "PredictNumber") in {picture.__name__ for _, picture in found}


def test_an_old_picture_is_renewed():
    state = {"_anywidget_id": "course_utils.widgets.lstm_scope.LSTMScope", "_esm": "// as it was", "_css": str(LSTMScope._css), "row": 3}
    other = {"_anywidget_id": "somebody.Elses", "_esm": "x"}
    notebook = nbformat.v4.new_notebook(metadata={"widgets": {saved.STATE: {"state": {"a": {"state": state}, "b": {"state": other}, "c": {"state": {}}}}}})
    assert [saved.is_old(*found) for found in saved.pictures(notebook)] == [True]
    assert (saved.renew(notebook), saved.renew(notebook)) == (1, 0)
    assert saved.pictures(notebook) == [(state | {"_esm": str(LSTMScope._esm)}, LSTMScope)]
    assert notebook.metadata.widgets[saved.STATE]["state"]["b"]["state"] == other
