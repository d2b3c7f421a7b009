"""Runs and bands: the switches, and that a result outside its band does not pass."""

import json

import pytest

from course_utils import runs
from course_utils.runs import Run, band, check_band, course_run


@pytest.fixture(autouse=True)
def no_switches(monkeypatch):
    for name in ("COURSE_RUN", "COURSE_SEED", "COURSE_RECORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """One recorded result with different bands on the two kinds of digits."""
    bands = {"rnn": {"full": {"low": 0.96, "high": 0.98}, "embedded": {"low": 0.90, "high": 0.94}}}
    file = tmp_path / "bands.json"
    file.write_text(json.dumps({"recorded": {}, "bands": bands}))
    monkeypatch.setattr(runs, "BANDS_FILE", file)


def test_switches(monkeypatch):
    assert course_run() == Run(full=True, seed=1)
    monkeypatch.setenv("COURSE_RUN", "quick")
    monkeypatch.setenv("COURSE_SEED", "7")
    assert course_run() == Run(full=False, seed=7)


@pytest.mark.parametrize("name, value", [("COURSE_RUN", "fast"), ("COURSE_SEED", "-1"), ("COURSE_SEED", "one")])
def test_a_wrong_switch_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name} must be .* but it is '{value}'"):
        course_run()


def test_a_quick_run_makes_few_steps():
    assert Run(full=True, seed=1).steps(5_000) == 5_000
    assert Run(full=False, seed=1).steps(5_000) == runs.QUICK_STEPS
    assert Run(full=False, seed=1).steps(3) == 3


@pytest.mark.parametrize("source", ["folder", "cache", "keras"])
def test_all_sources_but_the_embedded_digits_are_full_mnist(recorded, source):
    assert band("rnn", source) == (0.96, 0.98)
    assert band("rnn", "embedded") == (0.90, 0.94)


def test_a_result_in_its_band_passes_and_is_printed(recorded, capsys):
    check_band("rnn", 0.97, "cache")
    assert capsys.readouterr().out == "rnn: 0.9700; the band of five recorded runs goes from 0.9600 to 0.9800.\n"


@pytest.mark.parametrize("value", [0.9599, 0.9801, float("nan")])
def test_a_result_outside_its_band_fails(recorded, value):
    with pytest.raises(AssertionError, match="is outside 0.9600 to 0.9800"):
        check_band("rnn", value, "cache")


def test_a_quick_run_is_not_compared(recorded, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_RUN", "quick")
    check_band("rnn", 0.1, "cache")
    assert "quick run, not compared" in capsys.readouterr().out


def test_a_name_that_was_never_recorded(recorded):
    with pytest.raises(KeyError, match="No run called 'gru' was recorded on the full digits"):
        check_band("gru", 0.97, "cache")


def test_recording_writes_the_value_down_and_compares_nothing(recorded, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_RECORD", str(tmp_path / "lines"))
    monkeypatch.setenv("COURSE_SEED", "4")
    check_band("rnn", 0.5, "embedded")
    check_band("gru", 0.25, "keras", seconds=3.0)
    lines = [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
    assert lines == [{"name": "rnn", "kind": "embedded", "seed": 4, "value": 0.5},
                     {"name": "gru", "kind": "full", "seed": 4, "value": 0.25, "seconds": 3.0}]


def test_recorded_values_are_the_five_kept_or_while_recording_the_one_of_this_run(tmp_path, monkeypatch):
    bands = {"rnn": {"full": {"low": 0, "high": 1, "values": [0.1, 0.2, 0.3, 0.4, 0.5]}}}
    (tmp_path / "bands.json").write_text(json.dumps({"bands": bands}))
    monkeypatch.setattr(runs, "BANDS_FILE", tmp_path / "bands.json")
    assert runs.recorded("rnn", "cache") == [0.1, 0.2, 0.3, 0.4, 0.5]
    monkeypatch.setenv("COURSE_RECORD", str(tmp_path / "lines"))
    check_band("rnn", 0.9, "cache")
    assert runs.recorded("rnn", "cache") == [0.9]
