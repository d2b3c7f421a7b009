"""The grader is killed, out of space, kept waiting, or started twice; nothing is lost, and the next run completes."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from course_utils.grading.state import write_json

from . import harness
from .paper import RNN, Paper

KILLS = 20
# How far the runs are when they are killed, as a share of what an undisturbed run does; two for each state folder.
RNG = random.Random(2)
MOMENTS = [sorted((RNG.random(), RNG.random())) for _ in range(KILLS // 2)]
QUICK = ("honest_right", "honest_stubs", "honest_half", "honest_by_hand")


@pytest.fixture(scope="module")
def undisturbed():
    """Six submissions, graded once in peace: what everybody else has to come to in the end."""
    with harness.guarded() as (places, _):
        folder = places.scratch / "submissions"
        harness.hand_in_honest(folder, places, *QUICK)
        _hand_in(folder, "exits", Paper(places).right().last("import os\nos._exit(0)").data())
        _hand_in(folder, "half_a_notebook", Paper(places).right().data()[:3000])
        state = places.scratch / "undisturbed"
        process, steps = harness.start(state, "all", folder), 0
        with _words_of(process) as words:
            for steps, _ in enumerate(_steps(process, state), start=1):
                pass
        assert process.returncode == 0, words
        yield SimpleNamespace(folder=folder, state=state, steps=steps, places=places, **_outcome(state))


@contextlib.contextmanager
def _words_of(process):
    """Read what the process says while we look at other things; else it waits for us when a pipe is full."""
    words = []
    reader = threading.Thread(target=lambda: words.extend(process.communicate()))
    reader.start()
    try:
        yield words
    finally:
        reader.join()


def _steps(process, state):
    """Yields whenever a file was written or a process began or ended: progress that does not depend on the machine's speed."""
    last = None
    while process.poll() is None:
        files = sorted((path.name, path.stat().st_mtime_ns) for path in state.rglob("*") if _is_file(path))
        now = files, [child.pid for child in _children(process.pid)]
        if now != last:
            yield now
        last = now
        time.sleep(0.02)


def _is_file(path):
    with contextlib.suppress(OSError):
        return path.is_file()
    return False


def _hand_in(folder, student, data, when=1_750_000_000):
    path = folder / student / f"{RNN}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (when, when))


def _outcome(state):
    """What a run has to come to, whatever happened on the way."""
    pages = sorted(str(path.relative_to(state)) for name in ("feedback", "autograded", "submitted") for path in (state / name).rglob("*") if path.is_file())
    return {"rows": harness.rows(state), "verdicts": harness.verdicts(state), "pages": pages}


def _assert_complete(state, undisturbed):
    for name, found in _outcome(state).items():
        assert found == getattr(undisturbed, name), name
    assert set(harness.gradebook_rows(state)) == set(harness.gradebook_rows(undisturbed.state))
    assert [str(path) for path in state.rglob("*.part")] == []


def _readable(state):
    """What is there while the work is not done: whole files and no row that is wrong."""
    if (state / "gradebook.db").is_file() and (state / "gradebook.db").stat().st_size:
        base = sqlite3.connect(state / "gradebook.db")
        with contextlib.closing(base):
            assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for result in harness.results(state).values():
        assert result["tasks"]


# --- Killed ---


@pytest.mark.parametrize("parts", MOMENTS, ids=lambda parts: "-".join(f"{part:.2f}" for part in parts))
def test_grader_killed_at_random_moments(undisturbed, parts, tmp_path):
    """A run is killed, a second one goes on and is killed as well; the third completes."""
    state, done, killed = tmp_path / "state", 0, 0
    for part in parts:
        steps = max(int(part * undisturbed.steps) - done, 1)
        while not _killed_after(steps, state, undisturbed.folder):
            steps = max(steps // 2, 1)  # it was through already, which takes fewer steps where much was done before
            harness.remove(state)
        done, killed = done + steps, killed + 1
        _readable(state)
    assert killed == 2
    code, words = harness.run(state, "all", undisturbed.folder)
    assert code == 0, words
    _assert_complete(state, undisturbed)


def _killed_after(count, state, folder):
    """Start a run and kill its main process after so many steps; False when it had ended before."""
    process = harness.start(state, "all", folder)
    with _words_of(process):
        for step, _ in enumerate(_steps(process, state), start=1):
            if step >= count:
                os.kill(process.pid, signal.SIGKILL)
                break
    assert harness.left_over() == []
    return process.returncode == -signal.SIGKILL


def test_twenty_moments_are_spread_over_the_run():
    moments = sorted(moment for pair in MOMENTS for moment in pair)
    assert len(moments) == KILLS and moments[0] < 0.1 and moments[-1] > 0.9
    assert max(b - a for a, b in zip(moments, moments[1:])) < 0.15


@pytest.mark.parametrize("stage", ["warms up", "has a sandbox", "has saved a result"])
def test_a_worker_killed(undisturbed, stage, tmp_path):
    """One of Dask's workers is killed, with the sandboxes below it: the same run grades everybody."""
    state, folder, killed = tmp_path / "state", tmp_path / "submissions", False
    harness.hand_in_honest(folder, undisturbed.places, *QUICK)
    for k in range(2):
        _hand_in(folder, f"slow_{k}", Paper(undisturbed.places).right().first("import time\ntime.sleep(3)").data())
    process = harness.start(state, "all", folder)
    with _words_of(process) as words:
        for _ in _steps(process, state):
            killed = killed or _kill_worker_at(stage, process, state)
    assert killed and process.returncode == 0, words
    assert harness.left_over() == []
    for student in QUICK:
        assert harness.verdicts(state)[student, RNN] == undisturbed.verdicts[student, RNN]
    for k in range(2):
        assert harness.verdicts(state)[f"slow_{k}", RNN] == undisturbed.verdicts["honest_right", RNN]


def _kill_worker_at(stage, process, state):
    """SIGKILL to the first worker that is at this stage; whether there was one."""
    for worker in (child for child in _children(process.pid) if "spawn_main" in _command(child)):
        below = [_command(child) for child in _children(worker.pid)]
        there = {"warms up": bool(below), "has a sandbox": any("bwrap" in line for line in below),
                 "has saved a result": bool(below) and bool(harness.results(state))}  # fmt: skip
        if there[stage]:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
                return True
    return False


def _children(pid):
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def _command(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def test_lock_of_a_killed_run_does_not_stop_the_next(undisturbed, tmp_path):
    """What a killed run leaves behind names a process that is gone, or is damaged."""
    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    for holder in ('{"process": 1, "host": "elsewhere", "since": "yesterday"}', "", "[half"):
        (state / "lock").touch()
        (state / "lock.holder").write_text(holder)
        code, words = harness.run(state, "grade")
        assert code == 0, words
    _assert_complete(state, undisturbed)


# --- Two at once ---


def _contents(state):
    """Every file but those of the lock itself, with its time."""
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(state.rglob("*")) if path.is_file() and not path.name.startswith("lock")}


def test_two_runs_at_once(undisturbed, tmp_path):
    """The second run says who is at work and changes nothing; the first one, which is stopped meanwhile, completes."""
    state, folder = tmp_path / "state", tmp_path / "submissions"
    _hand_in(folder, "slow", Paper(undisturbed.places).right().data())
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
    _assert_complete(state, undisturbed)


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
        _readable(state)
        filler.unlink()
        code, words = harness.run(state, "all", undisturbed.folder)
        assert code == 0, words
        _assert_complete(state, undisturbed)


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
    _assert_complete(state, undisturbed)


# --- Again ---


def test_regrading_one_leaves_all_other_rows(undisturbed, tmp_path):
    """One student hands in again: of everybody else not a byte of the gradebook, the results and the pages changes."""
    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    rows, files = harness.gradebook_rows(state), _contents(state)
    folder = tmp_path / "again"
    _hand_in(folder, "honest_stubs", Paper(undisturbed.places).right().data(), when=1_760_000_000)
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
    _hand_in(folder, "honest_stubs", Paper(undisturbed.places).right().data())
    assert harness.run(state, "all", folder)[0] == 0
    assert harness.points(harness.rows(state)["honest_stubs", RNN]) == (10, 10)


def test_a_broken_resubmission_keeps_the_grade_and_is_said(undisturbed, tmp_path):
    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    folder = tmp_path / "again"
    _hand_in(folder, "honest_half", b"", when=1_760_000_000)
    code, words = harness.run(state, "all", folder)
    row = harness.rows(state)["honest_half", RNN]
    assert code == 0 and harness.points(row) == (5, 10)
    assert "later submission" in row["why"] and "honest_half" in words


def test_a_resubmission_that_never_ends_keeps_the_grade_and_is_said(undisturbed, tmp_path):
    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    folder = tmp_path / "again"
    paper = Paper(undisturbed.places).right().answer("rnn_step", "import os\nos._exit(0)")
    _hand_in(folder, "honest_half", paper.data(), when=1_760_000_000)
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
    _assert_complete(state, undisturbed)


# --- Does all this notice anything? ---


def test_the_guards_see_what_happens_without_a_sandbox(tmp_path):
    """The same harmless attacks, run with --unsafe: each guard has to notice, else it guards nothing."""
    from . import running_wild, wanting_marks

    with harness.guarded() as (places, visitors):
        folder = places.scratch / "submissions"
        for build in (wanting_marks.imports_the_reference, running_wild.opens_sockets):
            paper = Paper(places)
            build(paper)
            _hand_in(folder, build.__name__, paper.data())
        path = places.files[0]
        _hand_in(folder, "reads", Paper(places).last(f"print(open({str(path)!r}).read())").data())
        _hand_in(folder, "writes", Paper(places).last(f"open({str(path)!r}, 'a').write('x'); open('/tmp/{places.abstract}-was-here', 'w')").data())
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
