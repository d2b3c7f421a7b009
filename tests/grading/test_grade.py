"""The fan-out in real worker processes: killed ones are survived, results are kept once, two runs are kept apart."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
import sandboxes

from course_utils.grading import exercises, grade, lock, sandbox, work

LESSON = "01_rnn_formula"
STUB = "def rnn_step(*a): raise NotImplementedError\nstates_of_batch = rnn_step"

pytestmark = sandboxes.NEEDED


def record(number, source=STUB, **more):
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "metadata": {}, "source": source}]}
    data = json.dumps(notebook).encode()
    return {"student": f"s{number}", "lesson": LESSON, "sha256": hashlib.sha256(data).hexdigest(), "problem": None, "data": data, **more}


def run(records, save, **more):
    return grade.grade(records, read=lambda found: found["data"], save=save, workers=2, progress=False, **more)


def family():
    """All processes below this one that live; orphans that came to us and ended wait for nobody."""
    return [process for process in psutil.Process().children(recursive=True) if command(process)]


def command(process):
    """Its command line; empty for one that has ended."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


@pytest.fixture(autouse=True)
def nothing_left():
    before = {process.pid for process in family()}
    yield
    gone, left = psutil.wait_procs([process for process in family() if process.pid not in before and "resource_tracker" not in command(process)], 10)
    assert not left


def kill_a_worker(saved):
    """Once something is graded, kill one of the Dask workers that have a warmed parent."""
    while not saved:
        time.sleep(0.02)
    warmed = next(p for p in family() if "warm.serve" in command(p))
    warmed.parent().send_signal(signal.SIGKILL)
    saved.append({"killed": True})


def test_a_killed_worker_costs_nothing():
    records, saved = [record(k, f"import time; time.sleep(0.5)\n{STUB}") for k in range(10)], []
    killer = threading.Thread(target=kill_a_worker, args=(saved,))
    killer.start()
    assert run(records, saved.append) == 10
    killer.join()
    results = [graded for graded in saved if "killed" not in graded]
    assert len(results) == len(saved) - 1 == 10
    assert sorted(graded["student"] for graded in results) == sorted(found["student"] for found in records)
    assert {graded["status"] for graded in results} == {"graded"} and len({graded["seed"] for graded in results}) == 1


def test_strangers_on_this_machine_learn_nothing_and_send_nothing():
    import distributed
    import requests

    with grade._client(None, 1) as client:
        client.run(os.getpid)
        ports = {c.laddr for process in (psutil.Process(), *family()) for c in process.net_connections("tcp") if c.status == "LISTEN"}
        assert ports and {at.ip for at in ports} == {"127.0.0.1"} and all(address.startswith("tls://") for address in client.nthreads())
        for path in ("status", "info/main/workers.html", "json/index.html", "metrics", "health", "api/v1/get_workers"):
            assert requests.get(f"http://127.0.0.1:{client.cluster.scheduler.http_server.port}/{path}", timeout=10).status_code == 404
        with pytest.raises((OSError, TypeError, RuntimeError)):
            distributed.Client(client.scheduler.address.replace("tls", "tcp"), timeout=2)


def test_what_is_finished_or_has_a_problem_is_not_run(monkeypatch):
    monkeypatch.setattr(grade, "_client", lambda *a: pytest.fail("a cluster for nothing"))
    done, broken, saved = record(1), record(2, problem="The file is empty."), []
    kept = {"s1": {"sha256": done["sha256"], "version": exercises.version(LESSON)}}
    assert run([done, broken], saved.append, finished=lambda found: kept.get(found["student"])) == 1
    assert [(graded["student"], graded["status"], graded["why"]) for graded in saved] == [("s2", "needs a person", "The file is empty.")]
    assert {task["points"] for task in saved[0]["tasks"].values()} == {None}


@pytest.mark.parametrize("kept", [None, {}, {"sha256": "other"}, {"sha256": "same", "version": "older"}])
def test_another_notebook_or_version_is_not_finished(kept):
    found = record(1)
    kept = kept and {**kept, "sha256": found["sha256"] if kept.get("sha256") == "same" else "other"}
    assert not grade._is_finished(found, kept)


class Failed:
    """A future whose task failed."""

    def __init__(self, error):
        self.exception = lambda: error


def test_the_graders_own_failure_is_said_and_tried_again_next_time():
    graded = grade._result(Failed(RuntimeError("no memory")), record(1))
    assert graded["status"] == "needs a person" and "no memory" in graded["why"] and not grade._is_finished(record(1), graded)


def test_a_file_that_cannot_be_read_stops_nobody_else():
    def read(found):
        if found["student"] == "s1":
            raise PermissionError(13, "Permission denied")
        return found["data"]

    saved = {}
    grade.grade([record(k) for k in range(3)], read=read, save=lambda found: saved.update({found["student"]: found}), workers=1, progress=False)
    assert {student: found["status"] for student, found in saved.items()} == {"s0": "graded", "s1": "needs a person", "s2": "graded"}
    assert "Permission denied" in saved["s1"]["why"] and not grade._is_finished(record(1), saved["s1"])


def test_no_sandbox_ends_the_run(monkeypatch, tmp_path):
    with pytest.raises(sandbox.SandboxRefused):
        grade._result(Failed(sandbox.SandboxRefused("none here")), record(1))
    monkeypatch.setattr(sandbox, "PATH", str(tmp_path))
    with pytest.raises(sandbox.SandboxRefused, match="--unsafe"):
        run([record(1)], pytest.fail)


def test_two_runs_are_kept_apart(tmp_path):
    code = f"from course_utils.grading import lock; from pathlib import Path; import time\nwith lock.only_one(Path({str(tmp_path / 'lock')!r})):\n    print(1, flush=True); time.sleep(100)"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(sandbox.PACKAGE.parent)})
    other.stdout.readline()
    with pytest.raises(lock.Busy, match=f"process {other.pid} on .* since 20"):
        run([], pytest.fail, lock=tmp_path / "lock")
    other.kill()
    other.communicate()
    assert run([], pytest.fail, lock=tmp_path / "lock") == 0  # killed, and yet the lock is free
    assert not (tmp_path / "lock.holder").exists()


def test_a_run_that_is_killed_leaves_nothing(tmp_path):
    code = (f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r})\nimport test_grade as t\nif __name__ == '__main__':\n"
            "    t.run([t.record(k, 'while True: pass') for k in range(4)], print)")
    (tmp_path / "main.py").write_text(code)
    main = subprocess.Popen([sys.executable, str(tmp_path / "main.py")], env={**os.environ, "PYTHONPATH": str(sandbox.PACKAGE.parent)})
    process, deadline = psutil.Process(main.pid), time.monotonic() + 300
    while sum("bwrap" in child.name() for child in process.children(recursive=True)) < 4:  # both workers run a student's loop
        assert main.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    everything = process.children(recursive=True)
    main.kill()
    main.wait()
    assert not psutil.wait_procs(everything, 20)[1]


def test_only_a_few_are_in_flight():
    submitted, done = [], []

    class Client:
        def nthreads(self):
            return {"a": 1, "b": 1}

        def submit(self, function, job, **more):
            submitted.append(job)
            assert function is work.grade_one and len(submitted) - len(done) <= 5
            return type("Future", (), {"key": more["key"], "exception": lambda self: None, "result": lambda self: job})()

    class Running(list):
        def __init__(self, **more):
            super().__init__()

        add = list.append

        def __iter__(self):
            while self:
                yield self.pop(0)

    import distributed

    original, distributed.as_completed = distributed.as_completed, Running
    try:
        for job in grade._fanned_out(Client(), iter([(record(k), k) for k in range(50)])):
            done.append(job)
    finally:
        distributed.as_completed = original
    assert done == list(range(50))
