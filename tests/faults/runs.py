"""Runs of the graders' commands that are looked at while they work, and what they come to in the end."""

import contextlib
import os
import sqlite3
import threading
import time

import psutil

from . import harness
from .paper import RNN

QUICK = ("honest_right", "honest_stubs", "honest_half", "honest_by_hand")


@contextlib.contextmanager
def words_of(process):
    """Read what the process says while we look at other things; else it waits for us when a pipe is full."""
    words = []
    reader = threading.Thread(target=lambda: words.extend(process.communicate()))
    reader.start()
    try:
        yield words
    finally:
        reader.join()


def steps(process, state):
    """Yields whenever a file was written or a process began or ended: progress that does not depend on the machine's speed."""
    last = None
    while process.poll() is None:
        files = sorted(filter(None, map(written, state.rglob("*"))))
        now = files, [child.pid for child in children(process.pid)]
        if now != last:
            yield now
        last = now
        time.sleep(0.02)


def written(path):
    """A file's name and when it was written; None for a folder, and for a file that is gone before we have looked."""
    with contextlib.suppress(OSError):
        return (path.name, path.stat().st_mtime_ns) if path.is_file() else None
    return None


def hand_in(folder, student, data, when=1_750_000_000):
    path = folder / student / f"{RNN}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (when, when))


def outcome(state):
    """What a run has to come to, whatever happened on the way."""
    pages = sorted(str(path.relative_to(state)) for name in ("feedback", "autograded", "submitted") for path in (state / name).rglob("*") if path.is_file())
    return {"rows": harness.rows(state), "verdicts": harness.verdicts(state), "pages": pages}


def assert_complete(state, undisturbed):
    for name, found in outcome(state).items():
        assert found == getattr(undisturbed, name), f"{name}: {set(map(str, found)) ^ set(map(str, getattr(undisturbed, name)))}"
    assert set(harness.gradebook_rows(state)) == set(harness.gradebook_rows(undisturbed.state))
    assert [str(path) for path in state.rglob("*.part")] == []


def readable(state):
    """What is there while the work is not done: whole files and no row that is wrong."""
    if (state / "gradebook.db").is_file() and (state / "gradebook.db").stat().st_size:
        base = sqlite3.connect(state / "gradebook.db")
        with contextlib.closing(base):
            assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for result in harness.results(state).values():
        assert result["tasks"]


def children(pid):
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def command(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""
