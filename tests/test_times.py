"""The table of times: made from kept runs, put between README's markers and nowhere else."""

import pytest

from course_utils.kit import times

START, END = "<!-- times:start -->", "<!-- times:end -->"


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(times, "ROOT", tmp_path)
    times.save({"00_start_here.ipynb": 4.44, "03_lstm.ipynb": 61.2}, "embedded")
    return tmp_path / "README.md"


def test_the_table_adds_up_and_shows_what_is_missing():
    table = times.table({"embedded": {"a.ipynb": 1.4, "b.ipynb": 2.4}, "full": {"a.ipynb": 10.0}})
    assert table.splitlines() == [
        "| notebook | seconds, embedded digits | seconds, full MNIST |",
        "| --- | ---: | ---: |",
        "| a | 1 | 10 |",
        "| b | 2 | – |",
        "| all | 4 | 10 |",
    ]


def test_only_the_text_between_the_markers_changes(kept):
    kept.write_text(f"before\n{START}\nold\n{END}\nafter\n", encoding="utf-8")
    assert times.write_table(kept) == 0
    text = kept.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "| 03_lstm | 61 |" in text and "| all | 66 |" in text
    assert times.write_table(kept) == 0 and kept.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("text", ["no markers", f"{END}{START}", f"{START}{START}{END}"])
def test_a_readme_without_markers_stays_as_it_is(kept, text, capsys):
    kept.write_text(text, encoding="utf-8")
    assert times.write_table(kept) == 1
    assert kept.read_text(encoding="utf-8") == text and "once each" in capsys.readouterr().err


def test_a_later_run_of_one_notebook_keeps_the_others(kept):
    times.save({"03_lstm.ipynb": 70.0}, "embedded")
    assert times.load("embedded") == {"00_start_here.ipynb": 4.4, "03_lstm.ipynb": 70.0}


def test_without_a_run_there_is_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(times, "ROOT", tmp_path)
    assert times.write_table(tmp_path / "README.md") == 1
    assert "make test" in capsys.readouterr().err
