"""Whatever the bytes of a submission are, they become cells or a sentence for a person."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.grading.submission import Problem, read_cells


def notebook(*cells, **more):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}).encode()


def code(source, **more):
    return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source, **more}


@pytest.mark.parametrize(("data", "says"), [
    (b"", "empty"),
    (b"  \n", "empty"),
    (b"{", "damaged"),
    (notebook(code("1"))[:-9], "damaged"),
    (b"\xff\xfe\x00", "damaged"),
    (b"[" * 200_000, "damaged"),
    (b'{"a":' * 200_000, "damaged"),
    (b"[]", "not a notebook"),
    (b"3", "not a notebook"),
    (b"{}", "no list of cells"),
    (b'{"cells": {"0": 1}}', "no list of cells"),
    (b'{"nbformat": 3, "worksheets": [{"cells": []}]}', "old format"),
    (b"x" * 10_000_001, "10,000,001 bytes"),
    (notebook(*[code("1")] * 1_001), "1,001 cells"),
    (notebook(code("#" * 3_000_000)), "nobody has typed"),
])
def test_what_is_no_notebook_is_said(data, says):
    with pytest.raises(Problem, match=says):
        read_cells(data)


def test_strange_cells_are_read_or_left_out():
    strange = [code(["a\n", "b"]), code("x\ud800y"), code(None), code(3), 7, None, [], {}, {"cell_type": "code"}, code(["a", 1]),
               {"cell_type": "raw", "source": "r"}, {"cell_type": "markdown", "source": "# t"}]
    found = read_cells(notebook(*strange))
    assert [cell.source for cell in found] == ["a\nb", "x?y", "", "a", "# t"]


@pytest.mark.parametrize("metadata", [None, 3, [], {"nbgrader": 3}, {"nbgrader": []}, {"nbgrader": {"grade_id": 3}}, {"nbgrader": {"grade_id": float("nan")}},
                                      {"nbgrader": {"grade_id": "a\nb"}}, {"nbgrader": {"grade_id": "x" * 200}}, {"nbgrader": {"grade_id": ""}}])
def test_metadata_of_a_wrong_type_names_nothing(metadata):
    assert [cell.grade_id for cell in read_cells(notebook(code("1", metadata=metadata)))] == [None]


def test_a_cell_without_metadata_and_a_duplicate_are_cells():
    named = code("1", metadata={"nbgrader": {"grade_id": "rnn_step"}})
    found = read_cells(notebook(named, named, {"cell_type": "code", "source": "2"}))
    assert [cell.grade_id for cell in found] == ["rnn_step", "rnn_step", None]


@given(st.one_of(st.binary(max_size=200), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(["cells", "cell_type", "source", "metadata", "nbgrader", "nbformat", "code"]) | st.text(), x)).map(lambda x: json.dumps(x).encode())))
def test_nothing_else_is_ever_raised(data):
    try:
        cells = read_cells(data)
    except Problem as problem:
        assert str(problem)
    else:
        assert all(isinstance(cell.source, str) for cell in cells)
