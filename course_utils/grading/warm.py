"""A warmed parent: a process that has imported what exercises need, and forks a child for each student.

Started afresh with a clean environment by a worker, it never sees a reference answer, the gradebook or a student's work: the
worker hands it two open files for each student, which only the child reads and writes. It ends with the worker.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from course_utils.grading import sandbox

KINDS = ("numpy", "tensorflow")
MEMORY = {"numpy": 2048 * sandbox.MB, "tensorflow": 4096 * sandbox.MB}  # for one process
TOGETHER = {kind: 3 * most // 2 for kind, most in MEMORY.items()}  # for all processes of a sandbox
LOOK_SECONDS = 0.25  # between two looks at the memory of a sandbox
PROCESSES = {"numpy": 64, "tensorflow": 256}  # TensorFlow starts threads
START_SECONDS = 180  # TensorFlow from a cold disk
STOP_SECONDS = 20
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
CLEAN = {
    **dict.fromkeys(THREADS, "1"), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "USER": "student", "LOGNAME": "student", "HOME": sandbox.HOME,
    "TMPDIR": "/tmp", "COURSE_RUN": "quick", "MPLBACKEND": "module://matplotlib_inline.backend_inline", "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow",
}
# What the exercises import; all of it is in the student's kit.
BOTH = [f"course_utils.{name}" for name in ("checks", "data", "plots", "runs", "training", "models", "kit.arrays")]
BOTH += ["scipy.stats", "matplotlib.pyplot"]
MODULES = {"numpy": BOTH, "tensorflow": ["tensorflow", "keras", *BOTH]}
START = "import sys; sys.path.insert(0, sys.argv[1]); from course_utils.grading import warm; warm.serve(int(sys.argv[2]), *sys.argv[3:])"


class Warmed:
    """A warmed parent, as its worker sees it.

    Args:
        kind: "numpy" or "tensorflow".
        unsafe: run students' code without a sandbox, with every right of this user.

    Raises:
        SandboxRefused: there is no sandbox here, and unsafe is False.
        RuntimeError: it did not start; the message holds its last words.
    """

    def __init__(self, kind: str, unsafe: bool = False) -> None:
        if not hasattr(os, "fork"):
            sandbox.check_here(unsafe)
        self.kind = kind
        self._log = tempfile.TemporaryFile()
        self._control, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-c", START, str(sandbox.PACKAGE.parent), str(theirs.fileno()), kind, "unsafe" if unsafe else "safe"]
        with theirs:
            self._process = subprocess.Popen(
                command, env=CLEAN, cwd="/", pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                start_new_session=True,
            )
        answer = self._hear(START_SECONDS)
        if "ready" not in answer:
            self.close()
            raise sandbox.SandboxRefused(answer["refused"]) if "refused" in answer else RuntimeError(self._last_words())

    def start(self, request: bytes, seconds: float) -> int:
        """Fork a child in a sandbox of its own, with so much processor time; the number of the file where its frames arrive."""
        read, write = os.pipe()
        with _file_of(request) as file:
            socket.send_fds(self._control, [json.dumps({"start": seconds}).encode() + b"\n"], [file.fileno(), write])
        os.close(write)
        if "started" not in (answer := self._hear(STOP_SECONDS)):
            os.close(read)
            raise RuntimeError(f"The sandbox did not start: {answer.get('failed') or self._last_words()}")
        return read

    def stop(self, died: bool = False) -> str:
        """End the child and all that it started, and return when all of it is gone.

        Args:
            died: it seems to have ended by itself; the answer is how, in words.

        Raises:
            RuntimeError: the warmed parent is gone or silent.
        """
        try:
            self._control.sendall(json.dumps({"died": died}).encode() + b"\n")
        except ConnectionError:
            pass
        if "stopped" not in (answer := self._hear(STOP_SECONDS)):
            raise RuntimeError(f"The sandbox could not be ended: {self._last_words()}")
        return answer["stopped"]

    def close(self) -> None:
        """End the warmed parent and its children."""
        self._control.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _hear(self, seconds: float) -> dict:
        """Its next message; an empty one when it is gone or silent."""
        self._control.settimeout(seconds)
        try:
            return json.loads(_line(self._control)[0] or b"{}")
        except (TimeoutError, ConnectionError):
            return {}

    def _last_words(self) -> str:
        self._log.seek(0)
        said = self._log.read()[-1500:].decode(errors="replace").strip()
        return f"the process that imports {self.kind} ended or was silent. Its last words: {said or 'none'}"


def _file_of(content: bytes) -> IO[bytes]:
    """An open file in memory, where there is such a thing."""
    file = os.fdopen(os.memfd_create("request"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()
    file.write(content)
    file.flush()
    return file


def _line(control: socket.socket) -> tuple[bytes, list[int]]:
    """One message and the files that came with it; empty at the end."""
    data, files = b"", []
    while not data.endswith(b"\n"):
        part, fds, _, _ = socket.recv_fds(control, 4096, 2)
        if not part:
            return b"", files
        data, files = data + part, files + list(fds)
    return data, files


# --- In the warmed parent ---


def serve(control_fd: int, kind: str, safety: str) -> None:
    """Warm up, then fork a child whenever the worker asks, until the worker is gone."""
    control = socket.socket(fileno=control_fd)
    sandbox.adopt_orphans()
    try:
        shell = warm_up(kind)
        copies = None if safety == "unsafe" else _prepare()
    except (sandbox.SandboxRefused, OSError) as error:
        text = str(error) if isinstance(error, sandbox.SandboxRefused) else sandbox.refused(str(error))
        control.sendall(json.dumps({"refused": text}).encode() + b"\n")
        return
    gc.collect()
    gc.freeze()  # children share this memory as long as nobody writes to it, and collecting garbage writes
    control.sendall(b'{"ready": 1}\n')
    while True:
        message, files = _line(control)
        if not message:
            return
        _one_student(control, kind, copies, shell, json.loads(message)["start"], files)


def warm_up(kind: str):
    """Import what a notebook of this kind needs, and draw once, which loads fonts; the shell in which it will run."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(IPYTHONDIR=home, MPLCONFIGDIR=home, TMPDIR=home)
        for name in MODULES[kind]:
            importlib.import_module(name)
        from course_utils.grading import inside

        shell = inside.make_shell()
        inside.rehearse(shell)
        _draw()
    for name in ("IPYTHONDIR", "MPLCONFIGDIR"):
        del os.environ[name]
    os.environ["TMPDIR"], tempfile.tempdir = CLEAN["TMPDIR"], None
    return shell


def _draw() -> None:
    import matplotlib.pyplot as plt

    plt.switch_backend(CLEAN["MPLBACKEND"])
    plt.plot([0, 1], label="$h_t$")
    plt.legend()
    plt.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    plt.close("all")


def _prepare() -> dict[Path, Path]:
    """Become an ordinary user, and prove that there is a sandbox."""
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise sandbox.SandboxRefused(sandbox.refused(f"the imports started {threads - 1} threads, so that forking is not safe"))
    copies = sandbox.readable_copies(sandbox.visible())
    sandbox.become_ordinary()
    sandbox.release(sandbox.hold(copies))
    return copies


def _one_student(control, kind: str, copies: dict[Path, Path] | None, shell, seconds: float, files: list[int]) -> None:
    """Start a sandbox and a child in it; end both when the worker says so, or when the worker is gone."""
    try:
        holder = sandbox.hold(copies) if copies is not None else None
        folder = None if holder else tempfile.mkdtemp()
    except (OSError, sandbox.SandboxRefused) as error:
        control.sendall(json.dumps({"failed": str(error)}).encode() + b"\n")
        return [os.close(fd) for fd in files] and None
    here = os.getpid()
    child = os.fork()
    if child == 0:
        _child(here, holder, folder, files, kind, seconds, shell)
    for fd in files:
        os.close(fd)
    control.sendall(b'{"started": 1}\n')
    too_much = _watch_memory(control, TOGETHER[kind], holder)
    message, _ = _line(control)
    how = (too_much or _how(child)) if message and json.loads(message)["died"] else ""
    if holder:
        sandbox.release(holder)
    _end_children()
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    if message:
        control.sendall(json.dumps({"stopped": how}).encode() + b"\n")


def _watch_memory(control, most: int, holder) -> str:
    """Wait until the worker says something; end a sandbox that takes too much meanwhile, and say so. Limits of processes do not add up."""
    said = ""
    while not select.select([control], [], [], LOOK_SECONDS)[0]:
        if not said and sandbox.memory_below() > most:
            said = f"its processes together took more than {most // sandbox.MB:,} MB of memory"
            sandbox.release(holder) if holder else _kill_children()
    return said


def _end_children() -> None:
    """Kill and wait until no child is left; orphans of children come to us (see serve), so that none gets away."""
    while True:
        _kill_children()
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _kill_children() -> None:
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    for pid in listed.read_text().split() if listed.exists() else ():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(int(pid), signal.SIGKILL)


def _how(child: int) -> str:
    """How a child ended, when it does so within a second; the one in between passes on what happened to the one inside."""
    deadline = time.monotonic() + 1
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            return ""
        time.sleep(0.005)
    code = os.waitstatus_to_exitcode(ended[1])
    number = -code if code < 0 else code - 128 if code > 128 else 0
    if number:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(number).name}"
    return f"exit status {code}"


def _child(parent: int, holder, folder, files: list[int], kind: str, seconds: float, shell) -> None:
    """Enter the sandbox, give up every right, run the notebook. It never returns."""
    code = 1
    try:
        sandbox.die_with(parent)
        if holder:
            sandbox.prefer_to_be_killed(1000)
            sandbox.enter(holder.inside)
            _go_between(os.fork(), keep=())
            os.chdir(sandbox.HOME)
        else:
            os.chdir(folder)
        os.setsid()  # else a signal to "my group" reaches the parent, across the border of process namespaces
        request, results = _only_these_files(files)
        os.umask(0o077)
        sandbox.set_limits(MEMORY[kind], int(seconds) + 10, PROCESSES[kind])
        if holder:
            sandbox.give_up_rights()
        from course_utils.grading import inside

        inside.begin(request, results, shell)
        code = 0
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="replace"))
    finally:
        os._exit(code)


def _go_between(inner: int, keep: tuple[int, ...]) -> None:
    """In the process between the parent and the one inside: wait, and end as it ended. Inside: go on."""
    if inner == 0:
        return
    os.closerange(0, 1024)
    status = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
    os._exit(128 - status if status < 0 else status)


def _only_these_files(files: list[int]) -> list[int]:
    """Close everything but these; 0, 1 and 2 become /dev/null, these become 3 and 4."""
    kept = [os.dup2(fd, 100 + place) for place, fd in enumerate(files)]
    null = os.open(os.devnull, os.O_RDWR)
    for target in (0, 1, 2):
        os.dup2(null, target)
    kept = [os.dup2(fd, 3 + place, inheritable=False) for place, fd in enumerate(kept)]
    os.closerange(5, 1024)
    return kept
