"""What code in a sandbox tries, in the real sandbox: nothing outside is reached, and nothing of it is left."""

import os
import sys

import pytest
import sandboxes

from course_utils.grading import exercises, sandbox, warm

SECRET = "".join(("unrolled", "-secret-", "5b1d"))
PIECES = '"".join(("unrolled", "-secret-", "5b1d"))'  # a cell that looks for it must not hold it

pytestmark = sandboxes.NEEDED


@pytest.fixture(scope="module")
def warmed():
    os.environ["COURSE_DB_URL"] = SECRET
    found = warm.Warmed("numpy")
    yield found
    found.close()
    del os.environ["COURSE_DB_URL"]


def test_an_honest_cell_runs(warmed):
    found = sandboxes.run(warmed, "print('hello')\n6 * 7", "import os; os.getcwd()", "!ls /submission; echo a pipe | cat", "%%bash\necho $HOME")
    assert found.ended == "done" and sandboxes.text(found).split() == ["hello", "42", "'/submission'", "a", "pipe", "/submission"]


def test_figures_arrive_and_html_does_not(warmed):
    found = sandboxes.run(warmed, "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);",
                          "from IPython.display import HTML\nHTML('<script>alert(1)</script>')")
    assert [list(output.get("data", {})) for output in found.outputs[0]] == [["image/png"]]
    assert sandboxes.text(found).strip().endswith("<IPython.core.display.HTML object>")


# Each prints REACHED when it got what it wanted.
TRIES = {
    "the internet": "import socket\nsocket.create_connection(('1.1.1.1', 53), 2)\nprint('REACHED')",
    "a name server": "import socket\nprint('REACHED', socket.gethostbyname('example.com'))",
    "passwords": "open('/etc/shadow').read()\nprint('REACHED')",
    "any file in /etc": "import os\nprint('REACHED' if os.path.exists('/etc') and os.listdir('/etc') else '')",
    "root's home": "import os\nnames = set(os.listdir('/root')) - {'.pyenv', '.local', '.venv', 'venv'}\nprint('REACHED' if names else '')",
    "environment of the grader": f"import os, glob\nseen = str(os.environ)\nfor name in glob.glob('/proc/*/environ'):\n    try: seen += open(name).read()\n    except OSError: pass\nprint('REACHED' if {PIECES} in seen else '')",
    "other processes": "import os\nnames = {open(f'/proc/{pid}/comm').read().strip() for pid in os.listdir('/proc') if pid.isdigit()}\nprint(names, 'REACHED' if names - {'bwrap', 'cat', 'python', 'python3', 'python3.11', 'python3.12', 'python3.13'} else '')",
    "open files of the grader": "import os\nkinds = [os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if os.path.lexists(f'/proc/self/fd/{n}')]\nprint(kinds, 'REACHED' if any(k.startswith(('socket', '/memfd')) for k in kinds) or sum(k.startswith('pipe') for k in kinds) > 1 else '')",
    "ptrace of process 1": "import ctypes\nlibc = ctypes.CDLL(None)\nprint('REACHED' if libc.ptrace(16, 1, 0, 0) == 0 else '')",
    "ptrace of the holder": "import ctypes, os\nlibc = ctypes.CDLL(None)\nprint('REACHED' if any(libc.ptrace(16, int(p), 0, 0) == 0 for p in os.listdir('/proc') if p.isdigit()) else '')",
    "new namespaces": "import ctypes\nlibc = ctypes.CDLL(None)\nprint('REACHED' if any(libc.unshare(f) == 0 for f in (0x10000000, 0x20000, 0x40000000)) else '')",
    "clone into a namespace": "import subprocess\nprint('REACHED' if subprocess.run(['unshare', '-U', 'true']).returncode == 0 else '')",
    "mount": "import ctypes\nlibc = ctypes.CDLL(None)\nprint('REACHED' if libc.mount(b'none', b'/submission', b'tmpfs', 0, None) == 0 else '')",
    "uncover what is hidden": "import course_utils, ctypes, os\nat = course_utils.__path__[0] + '/grading'\nctypes.CDLL(None).umount2(at.encode(), 2)\nprint('REACHED' if os.listdir(at) else '')",
    "a world of its own": "import os\nos.chroot('/submission')\nprint('REACHED')",
    "another user": "import os\nos.setuid(0)\nprint('REACHED')",
    "a setuid program": "import subprocess\nprint('REACHED' if b'uid=0' in subprocess.run('su -c id root; sudo -n id; mount --bind /submission /tmp && echo uid=0', shell=True, capture_output=True, input=b'').stdout else '')",
    "capabilities": "lines = open('/proc/self/status').read().split('\\n')\nprint('REACHED' if any(int(line.split()[1], 16) for line in lines if line.startswith('Cap')) else '')",
    "kernel's keys": "import ctypes\nlibc = ctypes.CDLL(None)\nprint('REACHED' if libc.syscall({'x86_64': 248}.get(__import__('platform').machine(), 217), b'user', b'k', b'v', 1, -3) > 0 else '')",
    "files in memory without limit": "import os\nos.memfd_create('x')\nprint('REACHED')",
    "write to the package": "import course_utils\nopen(course_utils.__file__, 'a').write('#')\nprint('REACHED')",
    "write to NumPy": "import numpy\nopen(numpy.__file__, 'a').write('#')\nprint('REACHED')",
    "write to /": "open('/x', 'w')\nprint('REACHED')",
    "write to /dev": "open('/dev/x', 'w')\nprint('REACHED')",
    "reference answers on disk": "import course_utils, os\nroot = os.path.dirname(course_utils.__path__[0])\nprint('REACHED' if os.path.exists(root + '/notebooks') or os.listdir(root + '/course_utils/grading') else '')",
    "reference answers as modules": "import sys\nprint('REACHED' if {'course_utils.grading.exercises', 'course_utils.grading.work', 'nbgrader', 'distributed'} & set(sys.modules) else '')",
    "raise its limits": "import resource\nfor kind in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):\n    try:\n        resource.setrlimit(kind, (1 << 40, 1 << 40)); print('REACHED')\n    except ValueError: pass",
    "be spared when memory ends": "at = '/proc/self/oom_score_adj'\nfor score in (0, -1000):\n    try: open(at, 'w', 1).write(f'{score}\\n')\n    except OSError: pass\nprint(open(at).read(), 'REACHED' if int(open(at).read()) < 0 else '')",
    "devices": "import os\nprint('REACHED' if {'vda', 'sda', 'mem', 'kmsg', 'kvm', 'fuse'} & set(os.listdir('/dev')) else '')",
}


@pytest.mark.parametrize("what", TRIES)
def test_out_of_reach(warmed, what):
    found = sandboxes.run(warmed, TRIES[what], "print('still', 'there')")
    assert found.ended == "done" and "still there" in sandboxes.text(found)
    assert "REACHED" not in sandboxes.text(found)


def test_servers_of_this_machine_are_out_of_reach(warmed):
    with sandboxes.listening() as (port, name, visitors):
        code = f"import socket\nfor kind, at in ((socket.AF_INET, ('127.0.0.1', {port})), (socket.AF_UNIX, '\\0{name}')):\n    try:\n        socket.socket(kind).connect(at); print('REACHED')\n    except OSError as error: print(error)"
        found = sandboxes.run(warmed, code)
    assert "REACHED" not in sandboxes.text(found) and not visitors and sandboxes.text(found).count("refused") == 2


def test_files_of_the_grader_are_out_of_reach(warmed, tmp_path):
    (tmp_path / "gradebook.db").write_text("grades")
    os.chmod(tmp_path / "gradebook.db", 0o666)
    code = f"import os\nfor path in ({str(tmp_path / 'gradebook.db')!r}, '../gradebook.db', '/proc/1/root/etc/passwd', '/proc/1/cwd/../etc/passwd'):\n    try:\n        open(path, 'r+'); print('REACHED', path)\n    except OSError as error: print(type(error).__name__)"
    found = sandboxes.run(warmed, code)
    assert "REACHED" not in sandboxes.text(found) and sandboxes.text(found).count("Error") == 4
    assert (tmp_path / "gradebook.db").read_text() == "grades"


def scan(needle):
    """A cell that looks for bytes in all of its own memory; it holds them only backwards, so that it does not find itself."""
    return f"""
import re
pattern = re.compile(b''.join(b'[' + re.escape(bytes([c])) + b']' for c in reversed({needle[::-1]!r})))
found = 0
with open('/proc/self/mem', 'rb', 0) as memory:
    for line in open('/proc/self/maps'):
        start, end = (int(part, 16) for part in line.split()[0].split('-'))
        if ' r' in line and end - start < 1 << 30:
            try:
                memory.seek(start)
                found += len(pattern.findall(memory.read(end - start)))
            except (OSError, ValueError):
                pass
print('times', found)
"""


def test_a_scan_of_memory_finds_what_is_there(warmed):
    # The proof that the two tests after this one can fail.
    found = sandboxes.run(warmed, f"mark = bytes(reversed({b'a mark of its own'[::-1]!r}))", scan(b"a mark of its own"))
    assert "times 0" not in sandboxes.text(found) and "times" in sandboxes.text(found)


def test_no_reference_answer_in_memory(warmed):
    answer = exercises.references("01_rnn_formula")["rnn_step"]
    assert b"np.where(is_first[:, None]" in exercises.source_notebook("01_rnn_formula").read_bytes()
    for needle in (b"np.where(is_first[:, None]", SECRET.encode(), answer.__code__.co_code[-40:]):
        assert sandboxes.text(sandboxes.run(warmed, scan(needle))).strip() == "times 0"


def test_nothing_of_the_student_before(warmed):
    leave = "mark = '-'.join(['left', 'by', 'the', 'first']) * 100\nfor folder in ('/submission', '/tmp', '/dev/shm'):\n    open(folder + '/mine', 'w').write(mark)\nimport os; os.environ['MARK'] = 'left'"
    look = "import os\nprint([os.listdir(folder) for folder in ('/submission', '/tmp', '/dev/shm')], os.environ.get('MARK'), 'mark' in globals())"
    first = sandboxes.run(warmed, leave, "import os; print(os.listdir('/submission'))")
    assert "['mine']" in sandboxes.text(first)
    second = sandboxes.run(warmed, look, scan(b"left-by-the-first"))
    lines = sandboxes.text(second).split("\n")
    assert "mine" not in lines[0] and lines[0].endswith("None False") and "times 0" in sandboxes.text(second)


def test_students_draw_different_numbers(warmed):
    drawn = {sandboxes.text(sandboxes.run(warmed, "import numpy as np\nnp.random.rand()")) for _ in range(2)}
    assert len(drawn) == 2


# What is too much ends in an error of the student's own, or in their process; the next cell or run goes on.
BOMBS = {
    "memory": "x = []\nwhile True: x.append(bytearray(1 << 26))",
    "one large array": "import numpy as np\nnp.ones(1 << 30)",
    "a large file": "with open('big', 'wb') as file:\n    for _ in range(300): file.write(bytes(1 << 20))",
    "a large file in /dev/shm": "with open('/dev/shm/big', 'wb') as file:\n    for _ in range(300): file.write(bytes(1 << 20))",
    "a sparse file": "open('big', 'wb').truncate(1 << 40)",
    "many files": "import os\nfor k in range(10 ** 6): os.close(os.open(f'f{k}', os.O_CREAT))",
    "many open files": "import os\nwhile True: os.dup(1)",
    "recursion": "def f(): return f()\nf()",
    "threads": "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_an_error_of_its_own(warmed, what):
    found = sandboxes.run(warmed, BOMBS[what], "print('still', 'there')", each=20)
    assert found.ended == "done" and "still there" in sandboxes.text(found)
    assert [output["output_type"] for output in found.outputs[0]][-1] == "error" or "Error" in sandboxes.text(found)


def test_a_fork_bomb_hits_its_limit(warmed):
    bomb = "import os, time\nfor count in range(10 ** 6):\n    try:\n        if os.fork() == 0: time.sleep(100)\n    except OSError as error:\n        print(count, type(error).__name__); break"
    found = sandboxes.run(warmed, bomb)
    count, error = sandboxes.text(found).split()
    assert int(count) < warm.PROCESSES["numpy"] and error == "BlockingIOError"


# What ends the sandbox ends no more than that.
ENDS = {
    "exit": "import os; os._exit(0)",
    "kill itself": "import os; os.kill(os.getpid(), 9)",
    "kill everybody": "import os; os.kill(-1, 9); os.kill(os.getpid(), 9)",
    "kill its group": "import os; os.kill(0, 9)",
    "kill its parent": "import os; os.kill(os.getppid(), 9); os._exit(1)",
    "kill process 1 and the holder": "import os\nfor pid in (2, 1): os.kill(pid, 9)\nimport time; time.sleep(5)",
    "crash": "import ctypes; ctypes.string_at(0)",
    "deep recursion": "import sys\nsys.setrecursionlimit(10 ** 8)\nclass A:\n    def __repr__(self): return repr(self)\n    __getattr__ = lambda self, name: getattr(self, name + 'x')\ndef f(): return sorted([0], key=lambda x: f())\nf()\nimport os; os._exit(1)",
    "close all files": "import os; os.closerange(0, 256)",
}


@pytest.mark.parametrize("what", ENDS)
def test_the_end_of_a_sandbox_is_nobody_elses(warmed, what):
    before = warmed._process.pid
    assert sandboxes.run(warmed, "1", ENDS[what], "print('not here')").ended in ("died", "malformed")
    assert warmed._process.poll() is None and warmed._process.pid == before
    assert sandboxes.text(sandboxes.run(warmed, "print('well')")).strip() == "well"


@pytest.mark.parametrize("daemon", [
    "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(1000)\n    os._exit(0)",
    "import subprocess\nfor _ in range(5): subprocess.Popen('nohup setsid sleep 1000 &', shell=True, start_new_session=True)",
    "import os, signal, time\nfor number in range(1, 64):\n    try: signal.signal(number, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nif os.fork() == 0:\n    while True: time.sleep(1)",
])
def test_daemons_end_with_the_sandbox(warmed, daemon):
    found = sandboxes.run(warmed, daemon, "print(1)")  # run() looks for what is left
    assert found.ended == "done"


def test_who_swallows_the_limit_is_ended_from_outside(warmed, monkeypatch):
    monkeypatch.setattr("course_utils.grading.attempt.GRACE", 1.0)
    loop = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"
    assert sandboxes.run(warmed, "while True: pass", "print('on')", each=1).ended == "done"
    found = sandboxes.run(warmed, "1", loop, "print('on')", each=1)
    assert (found.ended, found.at) == ("silent", ("cell", 1))


def test_the_total_limit_holds(warmed):
    found = sandboxes.run(warmed, "import time; time.sleep(60)", each=50, total=2)
    assert found.ended == "no time"


def test_output_is_cut(warmed):
    found = sandboxes.run(warmed, "for _ in range(1000): print('x' * 100_000)", "print('y')")
    assert found.ended == "done" and len(sandboxes.text(found)) < 30_000 and "cut" in sandboxes.text(found)


def test_the_warmed_parent_ends_with_its_worker(warmed):
    # A process that starts one, forks a student's endless loop, and is then killed.
    import signal
    import subprocess

    import psutil

    code = ("import sys, time\nfrom course_utils.grading import warm\nw = warm.Warmed('numpy')\n"
            "w.start(b'{\"cells\": [{\"number\": 0, \"source\": \"while True: pass\"}], \"tasks\": [], \"seconds\": 100}', 100)\n"
            "time.sleep(0.3)\nprint(w._process.pid, flush=True)\ntime.sleep(100)")
    worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(sandbox.PACKAGE.parent)})
    parent = psutil.Process(int(worker.stdout.readline()))
    family = [parent, *parent.children(recursive=True)]
    assert len(family) >= 5  # itself, two of bubblewrap, the holder, the child in between, the one inside
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    gone, left = psutil.wait_procs(family, 5)
    assert not left


def test_without_bubblewrap_it_refuses(monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox, "PATH", str(tmp_path))
    with pytest.raises(sandbox.SandboxRefused, match="bubblewrap .* is not installed.*--unsafe"):
        sandbox.check_here()


def test_bubblewrap_that_fails_is_quoted(monkeypatch, tmp_path):
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho No permissions to create a new namespace >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setattr(sandbox, "PATH", str(tmp_path))
    with pytest.raises(sandbox.SandboxRefused, match="No permissions to create a new namespace"):
        sandbox.check_here()


def test_unsafe_runs_without_a_sandbox():
    found = warm.Warmed("numpy", unsafe=True)
    try:
        shown = sandboxes.text(sandboxes.run(found, "import os\nprint(os.path.exists('/etc'), os.getcwd() != '/submission')"))
    finally:
        found.close()
    assert shown.strip() == "True True"
