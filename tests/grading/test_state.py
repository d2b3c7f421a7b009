"""The state folder: private, outside the repository, and files written whole or not at all."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils.grading import state
from course_utils.grading.state import GradingError, open_state


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "deep" / "state"))
    assert mode(open_state().folder) == 0o700


def test_an_open_folder_of_ours_is_tightened(tmp_path):
    folder = tmp_path / "state"
    (folder / "submitted").mkdir(parents=True)
    folder.chmod(0o755)
    assert mode(open_state(str(folder)).folder) == 0o700


def test_somebody_elses_open_folder_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(GradingError, match="holds other things"):
        open_state(str(tmp_path))
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("inside", [".", "build/state", "notebooks/exercises/state"])
def test_a_folder_in_the_repository_is_refused(inside):
    with pytest.raises(GradingError, match="outside the repository"):
        open_state(str(state.ROOT / inside))
    assert not (state.ROOT / "build/state").exists()


def test_a_folder_around_the_repository_or_a_link_into_it_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(state.ROOT / "build")
    for path in (state.ROOT.parent, tmp_path / "link" / "state"):
        with pytest.raises(GradingError, match="outside the repository"):
            open_state(str(path))


def test_a_relative_folder_is_refused():
    with pytest.raises(GradingError, match="absolute path.*'state'"):
        open_state("state")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(GradingError, match="file/state cannot be written"):
        open_state(str(tmp_path / "file" / "state"))


def test_an_unset_variable_means_the_users_own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_STATE", "")
    monkeypatch.setattr(state.platformdirs, "user_state_dir", lambda name: str(tmp_path / name))
    assert open_state().folder == (tmp_path / "unrolled" / "grading").resolve()


def test_a_full_disk_is_said_and_the_old_content_stays(tmp_path, monkeypatch):
    path = tmp_path / "a" / "record.json"
    state.write(path, b"old")

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GradingError, match="No space left.*goes on from here"):
        state.write(path, b"new")
    assert path.read_bytes() == b"old" and [p.name for p in path.parent.iterdir()] == ["record.json"]


def test_halves_of_a_killed_run_are_removed_and_those_of_a_running_one_stay(tmp_path):
    folder = open_state(str(tmp_path / "state")).folder / "submitted/ada/01_rnn_formula"
    folder.mkdir(parents=True)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    killed, running, students = (folder / f".record.json.{process}.part" for process in (ended.pid, os.getpid(), "mine"))
    for path in (killed, running, students):
        path.write_text("half")
    open_state(str(tmp_path / "state"))
    assert sorted(folder.iterdir()) == sorted([running, students])


def test_damaged_json_reads_as_nothing(tmp_path):
    path = Path(tmp_path / "x.json")
    for text in ("", "{", "[1]", "[" * 100_000):
        path.write_text(text)
        assert state.read_json(path) == {}
