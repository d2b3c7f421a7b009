"""The lessons in a lecture: no training is made, and what the recorded networks do lies in the bands, which each lesson checks itself."""

import json
import os

import pytest

from course_utils.kit.notebooks import execute
from course_utils.publish import recordings

KIND = "full" if recordings._full_data() else "embedded"  # full MNIST in `make test-full`, the embedded digits in `make test-pages`


def surroundings(scratch):
    variables = os.environ | {"COURSE_RUN": "lecture", "COURSE_JOURNAL": os.devnull}
    if KIND == "embedded":
        variables.pop("COURSE_DATA", None)
        variables |= {"COURSE_CACHE": str(scratch / "cache"), "KERAS_HOME": str(scratch / "keras")}
    return variables


@pytest.mark.parametrize("path", recordings.training_lessons(), ids=lambda path: f"{path.stem}-{KIND}")
def test_a_lecture_shows_every_training_and_keeps_the_bands(path, tmp_path):
    notebook = execute(path, env=surroundings(tmp_path))
    assert notebook is not None, "a cell failed; a band that was left says so above"
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = "\n".join(output.get("text") or str(output.get("data", {}).get("text/plain", "")) for output in outputs)
    runs = json.loads(recordings.file_of(path, KIND).read_text(encoding="utf-8"))["runs"]
    assert said.count("nothing was trained now") == len(runs) > 0
    assert "the band of five recorded runs goes from" in said
