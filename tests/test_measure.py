"""`make measure`: runs are kept under the hash of their code, bands cover their runs, the recorded ones tell good from bad."""

import json
import statistics

import nbformat
import pytest

from course_utils import runs
from course_utils.kit import measure, readme


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one tiny lesson, with folders of its own."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "course_utils").mkdir()
    for name in ("data.py", "models.py", "training.py"):
        (tmp_path / "course_utils" / name).write_text("")
    monkeypatch.setattr(measure, "ROOT", tmp_path)
    monkeypatch.setattr(measure, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(measure, "BANDS_FILE", tmp_path / "bands.json")
    monkeypatch.setattr(measure, "SHOWN", {"tiny": "a tiny lesson"})
    (tmp_path / "README.md").write_text("<!-- accuracies:start -->\n<!-- accuracies:end -->\n")
    monkeypatch.setattr(measure, "README", tmp_path / "README.md")
    return tmp_path


def lesson(course, code):
    path = course / "notebooks" / "01_tiny.ipynb"
    cells = [nbformat.v4.new_code_cell("from course_utils.runs import check_band, course_run"), nbformat.v4.new_code_cell(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_runs_become_bands_that_hold_them(course):
    lesson(course, 'check_band("tiny", 0.9 + 0.001 * course_run().seed, "embedded", seconds=2)')
    assert measure.main(["--digits", "embedded", "--seeds", "1", "2", "3"]) == 0
    entry = json.loads((course / "bands.json").read_text())["bands"]["tiny"]["embedded"]
    assert entry["values"] == [0.901, 0.902, 0.903] and entry["mean"] == 0.902 and entry["seconds"] == 2
    assert entry["low"] < 0.901 and entry["high"] > 0.903
    assert "| a tiny lesson | – | 90.20% ± 0.10% |" in (course / "README.md").read_text()


@pytest.mark.parametrize("name, low, high", [("tiny", 0.5, 1.0), ("tiny, first loss", 0.5, 1.3), ("remedy, tiny", 0.5, 1.3)])
def test_the_band_of_a_share_ends_at_one_and_that_of_a_loss_does_not(name, low, high):
    band = measure._band(name, "full", [{"seed": seed, "value": value} for seed, value in enumerate([0.8, 0.9, 1.0])])
    assert (band["low"], band["high"]) == (low, high)


def test_the_band_of_a_share_ends_at_zero_and_that_of_a_difference_does_not():
    runs = [{"seed": seed, "value": value} for seed, value in enumerate([0.0, 0.1, 0.2])]
    assert measure._band("tiny", "full", runs)["low"] == 0.0
    assert measure._band("one minus other", "full", runs)["low"] == measure._band("one's lead", "full", runs)["low"] == -0.3


def test_runs_that_lie_together_by_luck_make_no_narrow_band():
    runs = [{"seed": seed, "value": 0.9} for seed in range(5)]
    share, difference = (measure._band(name, "full", runs) for name in ("tiny", "remedy, tiny"))
    assert (share["low"], share["high"]) == (0.897, 0.903)
    assert (difference["low"], difference["high"]) == (0.896, 0.904)


def test_a_run_that_is_kept_is_not_made_again_until_the_code_changes(course, capsys):
    path = lesson(course, 'check_band("tiny", 0.5, "embedded")')
    made = []
    for code in (None, None, 'check_band("tiny", 0.6, "embedded")'):
        if code:
            path = lesson(course, code)
        assert measure.record(path, "embedded", 1)
        made.append("tiny, embedded" in capsys.readouterr().out)
    assert made == [True, False, True]


def test_a_lesson_that_fails_leaves_the_bands_as_they_were(course, capsys):
    lesson(course, 'check_band("tiny", 0.5, "embedded"); 1 / 0')
    (course / "bands.json").write_text("old")
    assert measure.main(["--digits", "embedded", "--seeds", "1"]) == 1
    assert (course / "bands.json").read_text() == "old" and not list((course / "kept").glob("*.jsonl"))
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_full_bands_need_full_data(course, monkeypatch, capsys):
    lesson(course, 'check_band("tiny", 0.5, "folder")')
    monkeypatch.setenv("COURSE_DATA", str(course))
    assert measure.main(["--digits", "full"]) == 1
    assert "set COURSE_DATA" in capsys.readouterr().err


def test_what_is_told_in_the_runs_on_both_kinds_of_digits_counts_once(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "BANDS_FILE", tmp_path / "bands.json")
    measure.write_bands({"name": "little language", "kind": "embedded", "seed": seed, "value": value} for seed, value in [(1, 0.9), (2, 0.92), (1, 0.91)])
    assert json.loads((tmp_path / "bands.json").read_text(encoding="utf-8"))["bands"]["little language"]["embedded"]["values"] == [0.9, 0.92]


def recorded():
    return json.loads(runs.BANDS_FILE.read_text(encoding="utf-8"))["bands"]


def test_each_recorded_band_comes_from_five_seeds_and_holds_them():
    for name, kinds in recorded().items():
        for kind, entry in kinds.items():
            assert len(entry["values"]) == 5, (name, kind)
            assert entry["low"] <= min(entry["values"]) and max(entry["values"]) <= entry["high"], (name, kind)
            assert entry["mean"] == pytest.approx(statistics.mean(entry["values"]), abs=1e-4)


def test_no_recorded_band_of_a_share_leaves_zero_to_one():
    """(A new kind of result that is no share must be known to `is_share`: cut off, its band would not hold its runs.)"""
    for name, kinds in recorded().items():
        for kind, entry in kinds.items():
            if measure.is_share(name):
                assert 0 <= entry["low"] and entry["high"] <= 1, (name, kind)


def test_each_recorded_name_stands_in_a_lesson():
    """The other way round is `check_band` itself: a name that was never recorded is an error of the lesson."""
    code = "".join(path.read_text(encoding="utf-8") for path in measure.lessons())
    for name in recorded():
        last_part = name.removeprefix("remedy, ").removesuffix(", early loss")  # these are put together in a loop
        assert f'\\"{last_part}\\"' in code, f"no lesson reports {name!r} any more: run `make measure`"


@pytest.mark.parametrize("kind", ["embedded", "full"])
@pytest.mark.parametrize("bad, good", [
    ("rnn as it was, early loss", "rnn, good start, early loss"),
    ("rnn, Keras RMSProp, early loss", "rnn, good start, early loss"),
    ("rnn, true shuffle, early loss", "rnn, good start, early loss"),
    ("lstm classic, first loss", "lstm with Keras' start, first loss"),
    ("lstm classic", "lstm modern"),
])
def test_bad_starts_fall_outside_the_band_of_the_good_one(bad, good, kind):
    band = recorded()[good][kind]
    inside = [value for value in recorded()[bad][kind]["values"] if band["low"] <= value <= band["high"]]
    assert inside == [], f"{bad} reaches the band of {good} on {kind} digits"


@pytest.mark.parametrize("kind", ["embedded", "full"])
def test_the_lstm_led_in_each_recorded_run_as_lesson_3_says(kind):
    assert min(recorded()["the LSTM's lead"][kind]["values"]) > 0


def test_the_table_in_the_readme_is_that_of_the_recorded_bands():
    bands = json.loads(runs.BANDS_FILE.read_text(encoding="utf-8"))
    written = readme.between_markers("accuracies", readme.README.read_text(encoding="utf-8"))
    assert written == measure.accuracy_table(bands), "run `make measure`: it writes the table again"
