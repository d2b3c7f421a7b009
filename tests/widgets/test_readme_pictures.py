"""README's pictures of the LSTM scope are those of the component as it is now, small, and told in words."""

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "browser"))
import readme_pictures as made  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_they_are_of_the_component_as_it_is_now():
    record = json.loads(made.RECORD.read_text())
    assert record["sources"] == made.sources(), "README's pictures are out of date: run `make pictures`"
    assert record["alt"] == made.texts()


@pytest.mark.parametrize("path, name", [(made.STILL, "still"), (made.MOVING, "moving")])
def test_each_is_small_and_has_its_words(path, name):
    assert path.stat().st_size < 1_500_000
    place = path.relative_to(ROOT).as_posix()
    assert README.count(place) == README.count(f"![{json.loads(made.RECORD.read_text())['alt'][name]}]({place})")


def test_the_moving_one_moves():
    with Image.open(made.MOVING) as picture:
        assert picture.n_frames > 20 and picture.width >= 700
