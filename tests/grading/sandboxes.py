"""Helps the tests of the sandbox: runs cells in a fresh one and says what they showed and what is left of them."""

import contextlib
import os
import shutil
import socket
import sys
import threading
import time

import psutil
import pytest

from course_utils.grading import attempt

# A build server (CI is set) that skipped these tests would prove nothing: there, they fail when bubblewrap is missing.
NEEDED = pytest.mark.skipif(
    (sys.platform != "linux" or not shutil.which("bwrap")) and not os.environ.get("CI"), reason="the sandbox needs Linux and bubblewrap"
)


def run(warmed, *sources, each=10.0, total=60.0, tasks=None):
    """The Attempt for these cells; fails the test when a process of it is left."""
    found = attempt.run(warmed, dict(enumerate(sources)), tasks or {}, each, time.monotonic() + total)
    assert_nothing_left(warmed)
    return found


def text(found):
    """All that was shown, errors too."""
    shown = [output for outputs in found.outputs.values() for output in outputs]
    return "\n".join(output.get("text") or f"{output.get('ename')}: {output.get('evalue')}" for output in shown)


def assert_nothing_left(warmed):
    """No process below the warmed parent, and none of its user, alive a second after the run."""
    parent = psutil.Process(warmed._process.pid)
    deadline = time.monotonic() + 1
    while left := parent.children(recursive=True) + _of_same_user(parent):
        assert time.monotonic() < deadline, f"left over: {left}"
        time.sleep(0.02)


def _of_same_user(parent):
    user = parent.uids().real
    if user < 61184:
        return []  # an ordinary user's own processes: the tree above has to do
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.uids().real == user and process.pid != parent.pid:
                found.append(process)
    return found


@contextlib.contextmanager
def listening():
    """A TCP server on this machine and one on an abstract Unix address: (port, name, list of who connected)."""
    visitors, name = [], f"unrolled-test-{time.monotonic_ns()}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(f"\0{name}")
        unix.listen()
        for server in (tcp, unix):
            threading.Thread(target=_count, args=(server, visitors), daemon=True).start()
        yield tcp.getsockname()[1], name, visitors


def _count(server, visitors):
    with contextlib.suppress(OSError):
        while True:
            visitors.append(server.accept())
