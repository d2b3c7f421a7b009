"""The grader or one of its workers is killed; nothing is lost, and the next run completes."""

import contextlib
import os
import random
import signal

import psutil
import pytest

from . import harness, runs
from .paper import RNN, Paper

KILLS = 20
# How far the runs are when they are killed, as a share of what an undisturbed run does; two for each state folder.
RNG = random.Random(2)
MOMENTS = [sorted((RNG.random(), RNG.random())) for _ in range(KILLS // 2)]



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
        runs.readable(state)
    assert killed == 2
    code, words = harness.run(state, "all", undisturbed.folder)
    assert code == 0, words
    runs.assert_complete(state, undisturbed)


def _killed_after(count, state, folder):
    """Start a run and kill its main process after so many steps; False when it had ended before."""
    process = harness.start(state, "all", folder)
    with runs.words_of(process):
        for step, _ in enumerate(runs.steps(process, state), start=1):
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
    harness.hand_in_honest(folder, undisturbed.places, *runs.QUICK)
    for k in range(2):
        runs.hand_in(folder, f"slow_{k}", Paper(undisturbed.places).right().first("import time\ntime.sleep(3)").data())
    process = harness.start(state, "all", folder)
    with runs.words_of(process) as words:
        for _ in runs.steps(process, state):
            killed = killed or _kill_worker_at(stage, process, state)
    assert killed and process.returncode == 0, words
    assert harness.left_over() == []
    for student in runs.QUICK:
        assert harness.verdicts(state)[student, RNN] == undisturbed.verdicts[student, RNN]
    for k in range(2):
        assert harness.verdicts(state)[f"slow_{k}", RNN] == undisturbed.verdicts["honest_right", RNN]


def _kill_worker_at(stage, process, state):
    """SIGKILL to the first worker that is at this stage; whether there was one."""
    for worker in (child for child in runs.children(process.pid) if "spawn_main" in runs.command(child)):
        below = [runs.command(child) for child in runs.children(worker.pid)]
        there = {"warms up": bool(below), "has a sandbox": any("bwrap" in line for line in below),
                 "has saved a result": bool(below) and bool(harness.results(state))}  # fmt: skip
        if there[stage]:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
                return True
    return False


def test_lock_of_a_killed_run_does_not_stop_the_next(undisturbed, tmp_path):
    """What a killed run leaves behind names a process that is gone, or is damaged."""
    state = harness.copy_state(undisturbed.state, tmp_path / "state")
    for holder in ('{"process": 1, "host": "elsewhere", "since": "yesterday"}', "", "[half"):
        (state / "lock").touch()
        (state / "lock.holder").write_text(holder)
        code, words = harness.run(state, "grade")
        assert code == 0, words
    runs.assert_complete(state, undisturbed)
