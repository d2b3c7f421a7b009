"""Runs the real commands on real submissions, and looks at everything that they and the students' code could have touched."""

import contextlib
import csv
import ctypes
import hashlib
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from course_utils.grading.state import read_json

from .paper import RNN, TASKS, Paper, Places

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds until processes that were told to end have ended; a limit, and no measurement
_SUBREAPER = 36


# --- Commands ---


def adopt_orphans():
    """Processes that lose their parent become ours, so that none gets out of sight; without this they go to process 1."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def environment(state, **more):
    """What a grader's shell has set, without what the tests' own process has."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COURSE_", "PYTEST", "DASK"))}
    return kept | {"COURSE_STATE": str(state), "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"} | more


def start(state, *arguments, **more):
    """The command, running, with its words on pipes and in a process group of its own."""
    command = [sys.executable, "-m", "course_utils.grading", *map(str, arguments)]
    return subprocess.Popen(command, cwd=state.parent, env=environment(state, **more), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            stdin=subprocess.DEVNULL, text=True, errors="replace", start_new_session=True)  # fmt: skip


def run(state, *arguments, **more):
    """(exit status, words on both streams) of the command; fails when a process of it is left."""
    process = start(state, *arguments, **more)
    out, err = process.communicate(timeout=3000)
    assert left_over() == [], f"after {arguments[0]}"
    return process.returncode, out + err


def grade_all(state, folder):
    """Every step in turn; all their words."""
    said = []
    for arguments in (["collect", folder], ["grade"], ["feedback"], ["export"], ["report"], ["status"]):
        code, words = run(state, *arguments)
        assert code == 0, (arguments, words)
        said.append(words)
    return "\n".join(said)


def left_over(before=(), patience=PATIENCE):
    """Command lines of processes below this one that do not end by themselves; those in `before` do not count."""
    deadline = time.monotonic() + patience
    while True:
        found = [process for process in psutil.Process().children(recursive=True) if process.pid not in before and not _reaped(process)]
        if not found or time.monotonic() > deadline:
            return [_shown(process) for process in found]
        time.sleep(0.05)


def _reaped(process):
    """Whether it is gone; orphans that came to us and ended are waited for."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE and process.ppid() == os.getpid():
            os.waitpid(process.pid, os.WNOHANG)
        return process.status() == psutil.STATUS_ZOMBIE and process.ppid() == os.getpid()
    except (psutil.NoSuchProcess, ChildProcessError):
        return True


def _shown(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return f"{process.pid} ({process.status()}): {' '.join(process.cmdline())[:200]}"
    return f"{process.pid}: gone meanwhile"


# --- What must not be touched ---


@contextlib.contextmanager
def guarded():
    """Places with secrets, and servers that count visitors; yields (Places, list of visitors)."""
    secret, name = f"secret-{secrets.token_hex(16)}", f"unrolled-faults-{secrets.token_hex(4)}"
    visitors = []
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{name}-")))
        state = scratch / "state"
        state.mkdir(mode=0o700)
        (REPOSITORY / "build").mkdir(exist_ok=True)
        folders = [scratch, state]
        for parent in (Path.home(), Path("/var/tmp"), Path("/dev/shm"), REPOSITORY / "build"):
            if os.access(parent, os.W_OK):
                folders.append(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f".{name}-", dir=parent))))
        files = [folder / "canary.txt" for folder in folders]
        for file in files:
            file.write_text(secret)
            file.chmod(0o644)  # the sandbox has to hide it, and not the file's own mode
        tcp, udp = stack.enter_context(_servers(name, visitors))
        yield Places(secret, files, state, REPOSITORY, scratch, tcp, udp, name), visitors


@contextlib.contextmanager
def _servers(name, visitors):
    """TCP and UDP on this machine, and an abstract Unix socket; their ports."""
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        unix.bind(f"\0{name}")
        unix.listen()
        udp.bind(("127.0.0.1", 0))
        for server in (tcp, unix):
            threading.Thread(target=_count, args=(server.accept, visitors), daemon=True).start()
        threading.Thread(target=_count, args=(lambda: udp.recv(100), visitors), daemon=True).start()
        yield tcp.getsockname()[1], udp.getsockname()[1]


def _count(come, visitors):
    with contextlib.suppress(OSError):
        while True:
            visitors.append(come())


def fingerprint(places):
    """Every guarded file, and the course's own, with content, mode and time."""
    course = [path for pattern in ("*.md", "Makefile", "*.toml", "course_utils/**/*", "notebooks/*.ipynb", "notebooks/exercises/source/**/*")
              for path in places.repository.glob(pattern)]  # fmt: skip
    found = {}
    for path in [*places.files, *course]:
        if path.is_file() and path.suffix != ".pyc":
            about = path.stat()
            found[str(path)] = (hashlib.sha256(path.read_bytes()).hexdigest(), about.st_mode, about.st_mtime_ns)
    return found


def stray_files(places):
    """Files that student code left in a folder of the machine."""
    folders = {Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/run"), Path.home(), places.repository, places.scratch}
    names = ("fault-*", "*-was-here", "sparse", "results.bin", "stolen*", "sitecustomize.py", "numpy.py")
    return [str(path) for folder in folders for name in names for path in folder.glob(name)]


# --- What came out ---


def rows(state):
    """student and lesson -> the row of grades.csv."""
    with open(state / "grades.csv", encoding="utf-8-sig", newline="") as file:
        return {(row["student"], row["lesson"]): row for row in csv.DictReader(file)}


def points(row, lesson=RNN):
    """Points of the two automatic tasks; None for an empty field."""
    return tuple(float(row[name]) if row[name] else None for name in TASKS[lesson])


def results(state):
    """student and lesson -> the kept result."""
    return {(path.parent.name, path.stem): read_json(path) for path in (state / "results").glob("*/*.json")}


def verdicts(state):
    """What of the results does not depend on the inputs that were drawn."""
    return {key: (found["status"], {name: (task["points"], task["name"]) for name, task in found["tasks"].items()}) for key, found in results(state).items()}


def shown(result):
    """All text that a submission's code has shown."""
    texts = []
    for cell in result["cells"]:
        for output in cell["outputs"]:
            texts += [output.get("text", ""), output.get("ename", ""), output.get("evalue", ""), *output.get("traceback", [])]
    return "\n".join(texts)


def gradebook_rows(state):
    """student -> a digest of every row of the gradebook that is about that student; "" for rows about nobody."""
    base = sqlite3.connect(f"file:{state / 'gradebook.db'}?mode=ro", uri=True)
    try:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert base.execute("PRAGMA foreign_key_check").fetchall() == []
        owners = _owners(base)
        found = {}
        for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
            names = [column[1] for column in base.execute(f'PRAGMA table_info("{table}")')]
            for row in base.execute(f'SELECT * FROM "{table}"').fetchall():
                owner = next((owners[value] for value in row if value in owners), "")
                found.setdefault(owner, []).append(repr((table, list(zip(names, row)))))
    finally:
        base.close()
    return {owner: hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest() for owner, lines in found.items()}


def _owners(base):
    """Every key by which a row can be a student's: the id, the submission's, the notebook's."""
    owners = {student: student for (student,) in base.execute("SELECT id FROM student")}
    owners |= dict(base.execute("SELECT id, student_id FROM submitted_assignment").fetchall())
    owners |= {notebook: owners[assignment] for notebook, assignment in base.execute("SELECT id, assignment_id FROM submitted_notebook")}
    return owners


# --- Honest students ---


def honest_right(paper):
    paper.right()


def honest_stubs(paper):
    pass


def honest_half(paper):
    paper.right("states_of_batch").answer("rnn_step", "return np.tanh(x_t @ W_x + np.where(is_first[:, None], 0, h_prev) @ W_h)")


def honest_by_hand(paper):
    paper.right().cell("open").source = "**Prediction.** The mark fades.\n\n**What came.** It does, for $|W_h| < 1$."
    paper.cell("open_code").source = "plt.plot(digit.sum(axis=1))\nplt.show()"


def honest_tensorflow(paper):
    paper.right()


HONEST = {honest_right: RNN, honest_stubs: RNN, honest_half: RNN, honest_by_hand: RNN, honest_tensorflow: "03_lstm"}
HONEST_POINTS = {"honest_right": (10, 10), "honest_stubs": (0, 0), "honest_half": (5, 10), "honest_by_hand": (10, 10), "honest_tensorflow": (10, 10)}


def hand_in_honest(folder, places, *wanted):
    """Write the honest submissions into a folder of folders, all with the same fixed time."""
    for build, lesson in HONEST.items():
        if wanted and build.__name__ not in wanted:
            continue
        paper = Paper(places, lesson)
        build(paper)
        path = folder / build.__name__ / f"{lesson}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(paper.data())
        os.utime(path, (1_750_000_000, 1_750_000_000))


def hand_in(folder, places, faults):
    for fault in faults:
        (folder / fault.name).mkdir(parents=True)
        fault.hand_in(folder / fault.name, places)


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)


def copy_state(state, target):
    shutil.copytree(state, target, symlinks=True)
    return target
