"""The lessons in a lecture: no training is made, and what the recorded networks do lies in the bands, which each lesson checks itself."""

import json
import os

import pytest

from course_utils.kit.notebooks import execute
from course_utils.publish import recordings

RECORDED = [(path, kind) for path in recordings.training_lessons() for kind in recordings.KINDS
            if kind == "embedded" or recordings._full_data() and recordings.file_of(path, kind).exists()]


def surroundings(kind, scratch):
    variables = os.environ | {"COURSE_RUN": "lecture", "COURSE_JOURNAL": os.devnull}
    if kind == "embedded":
        variables.pop("COURSE_DATA", None)
        variables |= {"COURSE_CACHE": str(scratch / "cache"), "KERAS_HOME": str(scratch / "keras")}
    return variables


@pytest.mark.parametrize(("path", "kind"), RECORDED, ids=lambda part: getattr(part, "stem", part))
def test_a_lecture_shows_every_training_and_keeps_the_bands(path, kind, tmp_path):
    notebook = execute(path, env=surroundings(kind, tmp_path))
    assert notebook is not None, "a cell failed; a band that was left says so above"
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = "\n".join(output.get("text") or str(output.get("data", {}).get("text/plain", "")) for output in outputs)
    runs = json.loads(recordings.file_of(path, kind).read_text(encoding="utf-8"))["runs"]
    assert said.count("nothing was trained now") == len(runs) > 0
    assert "the band of five recorded runs goes from" in said
