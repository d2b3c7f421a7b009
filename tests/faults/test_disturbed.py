"""The grader is out of space, kept waiting, started twice, or meets changed submissions; nothing is lost, and the next run completes."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import psutil
import pytest
from course_utils.grading.state import write_json

from . import harness, runs
from .paper import RNN, Paper

# --- Two at once ---


def _contents(state):
    """Every file but those of the lock itself, with its time."""
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(state.rglob("*")) if path.is_file() and not path.name.startswith("lock")}


def test_two_runs_at_once(undisturbed, tmp_path):
    """The second run says who is at work and changes nothing; the first one, which is stopped meanwhile, completes."""
    state, folder = tmp_path / "state", tmp_path / "submissions"
    runs.hand_in(folder, "slow", Paper(undisturbed.places).right().data())
    assert harness.run(state, "collect", folder)[0] == 0
    first = harness.start(state, "grade")
    try:
        while not (state / "lock.holder").is_file() and first.poll() is None:
            time.sleep(0.05)
        os.kill(first.pid, signal.SIGSTOP)
        before = _contents(state)
        second = harness.start(state, "grade")
        out, err = second.communicate(timeout=300)
        assert second.returncode == 1 and f"process {first.pid}" in err, out + err
        assert _contents(state) == before
    finally:
        os.kill(first.pid, signal.SIGCONT)
        said = first.communicate(timeout=300)
    assert first.returncode == 0, said
    assert harness.left_over() == []
    assert harness.verdicts(state)["slow", RNN][0] == "graded"


def test_nothing_is_changed_while_another_run_holds_the_lock(undisturbed, tmp_path):
    """Not even what a killed run left undone in the gradebook; the other run will do that."""
    import filelock

    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    (state / "gradebook.db").unlink()
    before = _contents(state)
    with filelock.FileLock(state / "lock"):
        code, words = harness.run(state, "grade", "--again")
    assert code == 1 and "Another run" in words, words
    assert _contents(state) == before
    assert harness.run(state, "all", undisturbed.folder)[0] == 0
    runs.assert_complete(state, undisturbed)


# --- The disk, the database ---


@contextlib.contextmanager
def _small_disk(folder, size):
    """A disk of so many bytes; skipped, or on a build server failed, where it cannot be made."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", str(folder)], capture_output=True, text=True)
    if made.returncode:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"No small disk can be made here: {made.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("left", [0, 150_000, 300_000, 450_000])
def test_disk_full(undisturbed, left, tmp_path):
    """The disk is full from the beginning, or becomes full on the way: the command says so, and a rerun completes."""
    with _small_disk(tmp_path / "disk", 30_000_000) as disk:
        state, filler = disk / "state", disk / "filler"
        assert harness.run(state, "collect", undisturbed.folder)[0] == 0
        _fill(filler, disk, left)
        code, words = harness.run(state, "all", undisturbed.folder)
        assert code == 1 and "Stopped." in words and "Traceback" not in words, words
        assert any(word in words for word in ("No space left", "full", "cannot be written")), words
        runs.readable(state)
        filler.unlink()
        code, words = harness.run(state, "all", undisturbed.folder)
        assert code == 0, words
        runs.assert_complete(state, undisturbed)


def _fill(filler, disk, left):
    """A file that takes all of the disk but `left` bytes."""
    about = os.statvfs(disk)
    filler.write_bytes(bytes(max(about.f_bavail * about.f_frsize - left, 0)))


def test_database_locked_for_20_seconds(undisturbed, tmp_path):
    """Another program writes to the gradebook for 20 seconds while the grader wants to."""
    state = tmp_path / "state"
    assert harness.run(state, "collect", undisturbed.folder)[0] == 0
    assert harness.run(state, "status")[0] == 0
    base = sqlite3.connect(state / "gradebook.db", isolation_level=None, check_same_thread=False)
    base.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(20, base.execute, ["ROLLBACK"])
    timer.start()
    try:
        code, words = harness.run(state, "all", undisturbed.folder)
    finally:
        timer.join()
        base.close()
    assert code == 0, words
    runs.assert_complete(state, undisturbed)


# --- Again ---


def test_regrading_one_leaves_all_other_rows(undisturbed, tmp_path):
    """One student hands in again: of everybody else not a byte of the gradebook, the results and the pages changes."""
    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    rows, files = harness.gradebook_rows(state), _contents(state)
    folder = tmp_path / "again"
    runs.hand_in(folder, "honest_stubs", Paper(undisturbed.places).right().data(), when=1_760_000_000)
    code, words = harness.run(state, "all", folder)
    assert code == 0, words
    assert harness.points(harness.rows(state)["honest_stubs", RNN]) == (10, 10)
    assert _changed(rows, harness.gradebook_rows(state)) == {"honest_stubs"}
    touched = {Path(path).relative_to(state).parts for path in _changed(files, _contents(state))}
    assert {parts for parts in touched if len(parts) > 1 and parts[1] != "honest_stubs"} == set()


def _changed(before, after):
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def test_a_run_with_nothing_to_do_changes_nothing(undisturbed, tmp_path):
    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    before = _contents(state)
    code, words = harness.run(state, "all", undisturbed.folder)
    assert code == 0, words
    changed = {Path(path).name for path in _changed(before, _contents(state))}
    assert changed <= {"report.html", "grades.csv"}  # made anew each time


def test_the_same_time_stamp_and_other_content(undisturbed, tmp_path):
    """Plain nbgrader takes it for graded already."""
    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    folder = tmp_path / "again"
    runs.hand_in(folder, "honest_stubs", Paper(undisturbed.places).right().data())
    assert harness.run(state, "all", folder)[0] == 0
    assert harness.points(harness.rows(state)["honest_stubs", RNN]) == (10, 10)


def test_a_broken_resubmission_keeps_the_grade_and_is_said(undisturbed, tmp_path):
    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    folder = tmp_path / "again"
    runs.hand_in(folder, "honest_half", b"", when=1_760_000_000)
    code, words = harness.run(state, "all", folder)
    row = harness.rows(state)["honest_half", RNN]
    assert code == 0 and harness.points(row) == (5, 10)
    assert "later submission" in row["why"] and "honest_half" in words


def test_a_resubmission_that_never_ends_keeps_the_grade_and_is_said(undisturbed, tmp_path):
    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    folder = tmp_path / "again"
    paper = Paper(undisturbed.places).right().answer("rnn_step", "import os\nos._exit(0)")
    runs.hand_in(folder, "honest_half", paper.data(), when=1_760_000_000)
    assert harness.run(state, "all", folder)[0] == 0
    row = harness.rows(state)["honest_half", RNN]
    assert harness.points(row) == (5, 10) and "earlier" in row["why"]


def test_damaged_results_are_graded_again(undisturbed, tmp_path):
    """A result cut off in the middle, a missing notebook and a deleted page come back."""
    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    result = state / "results" / "honest_half" / f"{RNN}.json"
    result.write_bytes(result.read_bytes()[:100])
    (state / "autograded" / "honest_right" / RNN / f"{RNN}.ipynb").unlink()
    (state / "feedback" / "honest_stubs" / RNN / f"{RNN}.html").unlink()
    write_json(state / "results" / "honest_by_hand" / f"{RNN}.json", {})
    assert harness.run(state, "all", undisturbed.folder)[0] == 0
    runs.assert_complete(state, undisturbed)


# --- Does all this notice anything? ---


def test_the_guards_see_what_happens_without_a_sandbox(tmp_path):
    """The same harmless attacks, run with --unsafe: each guard has to notice, else it guards nothing."""
    from . import running_wild, wanting_marks

    with harness.guarded() as (places, visitors):
        folder = places.scratch / "submissions"
        for build in (wanting_marks.imports_the_reference, running_wild.opens_sockets):
            paper = Paper(places)
            build(paper)
            runs.hand_in(folder, build.__name__, paper.data())
        path = places.files[0]
        runs.hand_in(folder, "reads", Paper(places).last(f"print(open({str(path)!r}).read())").data())
        runs.hand_in(folder, "writes", Paper(places).last(f"open({str(path)!r}, 'a').write('x'); open('/tmp/{places.abstract}-was-here', 'w')").data())
        before = harness.fingerprint(places)
        assert harness.run(places.state, "collect", folder)[0] == 0
        process = harness.start(places.state, "grade", "--unsafe")
        said = process.communicate(timeout=600)
        assert process.returncode == 0, said
        try:
            shown = {key[0]: harness.shown(result) for key, result in harness.results(places.state).items()}
            assert places.secret in shown["reads"] and "LOOT: tcp" in shown["opens_sockets"]
            assert len(visitors) >= 2
            assert [task["points"] for task in harness.results(places.state)["imports_the_reference", RNN]["tasks"].values()] == [10, 10]
            assert harness.fingerprint(places) != before
            assert any(places.abstract in stray for stray in harness.stray_files(places))
        finally:
            Path(f"/tmp/{places.abstract}-was-here").unlink(missing_ok=True)


def test_the_guards_see_a_daemon():
    """A process of its own session whose parents are gone."""
    subprocess.run(["sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &"], check=True)
    found = harness.left_over(patience=1)
    assert len(found) == 1 and "sleep 1000" in found[0]
    psutil.Process(int(found[0].split()[0])).kill()
    assert harness.left_over() == []
