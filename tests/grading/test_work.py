"""grade_one in real sandboxes: what hostile and broken notebooks gain is nothing, what honest parts earned stays."""

import json

import pytest
import sandboxes

from course_utils.grading import attempt, exercises, work

LESSON = "01_rnn_formula"
STEP = """
import numpy as np
def rnn_step(x_t, h_prev, W_x, W_h, b, is_first):
    return np.tanh(x_t @ W_x + np.where(is_first[:, None], 0, h_prev) @ W_h + b)
"""
STATES = """
def states_of_batch(digits, W_x, W_h, b):
    import numpy as np
    h, states = np.zeros((len(digits), len(b))), []
    for t in range(digits.shape[1]):
        h = np.tanh(digits[:, t] @ W_x + h @ W_h + b)
        states.append(h)
    return np.stack(states, axis=1)
"""

pytestmark = sandboxes.NEEDED


@pytest.fixture(autouse=True)
def short_limits(monkeypatch):
    monkeypatch.setattr(attempt, "GRACE", 1.5)
    monkeypatch.setattr(work, "MOST_EACH", 3.0)


@pytest.fixture(scope="module", autouse=True)
def ended():
    yield
    work.close()


def graded(*cells, seconds=90.0, seed=7, **more):
    """The Graded of a notebook of code cells; nothing of it is left running."""
    cells = [cell if isinstance(cell, dict) else {"cell_type": "code", "metadata": {}, "source": cell} for cell in cells]
    notebook = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **more}).encode()
    found = work.grade_one({"student": "a", "lesson": LESSON, "notebook": notebook, "seed": seed, "seconds": seconds})
    json.dumps(found, allow_nan=False).encode()  # plain, and without lone surrogates
    sandboxes.assert_nothing_left(work._parent("numpy", False))
    return found


def points(found):
    return tuple(task["points"] for task in found["tasks"].values())


MANY = """
import os, time
for _ in range(40):
    if os.fork() == 0:
        kept = bytearray(b"x" * 100_000_000)
        time.sleep(1000)
time.sleep(1000)
"""


def test_an_error_after_a_cell_that_was_cut_short_is_no_zero():
    """What the stopped cell would have made is missing; a mistake of the student's own still counts."""
    late = "import time\ntime.sleep(1000)\nimport numpy as numbers"
    step = STEP.replace("np.", "numbers.").replace("import numpy as np", "")
    found = graded(late, step, STATES)
    assert points(found) == (None, 10) and found["status"] == "needs a person"
    assert "cell 1 was stopped" in found["why"].lower()
    assert points(graded("1 + 1", step, STATES)) == (0, 10)


def test_memory_of_many_processes_counts_together(monkeypatch):
    """Each is far below the limit of one process."""
    monkeypatch.setattr(work, "MOST_EACH", 20.0)
    found = graded(STEP, STATES, MANY, "print('after')")
    assert points(found) == (10, 10)
    assert "its processes together took more than 3,072 MB of memory" in found["cells"][2]["note"]
    assert found["cells"][3]["outputs"][0]["text"] == "after\n"


def test_right_answers_have_all_points():
    found = graded(STEP, STATES, "print('seen')")
    assert points(found) == (10, 10) and (found["status"], found["why"]) == ("graded", "")
    assert [cell["outputs"] for cell in found["cells"]] == [[], [], [{"output_type": "stream", "name": "stdout", "text": "seen\n"}]]


def test_one_named_mistake_has_half_the_points():
    found = graded(STEP.replace("np.where(is_first[:, None], 0, h_prev)", "h_prev"), STATES)
    assert points(found) == (5, 10) and found["status"] == "graded"


def test_stubs_are_zero_points_and_said():
    found = graded(STEP, "def states_of_batch(digits, W_x, W_h, b):\n    raise NotImplementedError('Your turn.')")
    assert points(found) == (10, 0) and found["tasks"]["states_of_batch"]["name"] == "not implemented"


def test_a_missing_function_is_for_a_person_and_no_zero():
    found = graded(STEP, "def states_of_batch(digits: return 1")
    assert points(found) == (10, None) and found["status"] == "needs a person"
    assert "states_of_batch is not there" in found["why"] and "Cell 2 stopped with SyntaxError" in found["why"]


# Each stands between two right answers, and costs nobody anything: the answers before and after it count.
HARMLESS = {
    "endless loop": "while True: pass",
    "loop that swallows": "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass",
    "sleep": "import time; time.sleep(1000)",
    "os._exit": "import os; os._exit(0)",
    "crash": "import ctypes; ctypes.string_at(0)",
    "kill the parent": "import os; os.kill(os.getppid(), 9); os.kill(-1, 9); os.kill(os.getpid(), 9)",
    "recursion": "def f(n): return f(n + 1)\nf(0)",
    "memory": "x = [bytearray(1 << 28) for _ in range(100)]",
    "a large file": "open('x', 'wb').write(bytes(300_000_000))",
    "much output": "print('x' * 100_000_000)",
    "many lines": "for _ in range(300_000): print('line')",
    "an error that cannot be shown": "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
    "magics": "!ls\n%matplotlib inline\n%timeit -n 1 -r 1 1\n%nonsense",
    "bash": "%%bash\necho hi",
    "input": "input('name?')",
    "exit": "exit()",
    "quit and sys.exit": "import sys\nsys.exit(3)",
    "a widget": "import ipywidgets\nipywidgets.IntSlider()",
    "huge HTML": "from IPython.display import HTML, display\ndisplay(HTML('<b>' * 10_000_000))",
    "surrogates": "print('\\ud800')\nraise ValueError('\\udfff')",
    "surrogates in the source": "x = '\ud800'",
    "null bytes in the source": "x = 1\0",
    "colours": "print('\\x1b[31mred\\x1b]0;title\\x07')",
    "threads": "import threading, time\nfor _ in range(5): threading.Thread(target=lambda: [print('x') or time.sleep(0.001) for _ in iter(int, 1)], daemon=True).start()",
    "a thread that stays": "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()",
    "stdout replaced": "import sys\nsys.stdout = sys.stderr = None",
    "stdout that fails": "import sys\nclass S:\n    def write(self, text): raise OSError\n    flush = write\nsys.stdout = sys.stderr = S()",
    "stdout closed": "import sys\nsys.stdout.close()",
    "atexit": "import atexit, time\natexit.register(lambda: time.sleep(1000))",
    "os.write spoiled": "import os\nos.write = os.read = os.close = lambda *a: 0",
    "signal spoiled": "import signal\nsignal.setitimer = signal.signal = signal.pthread_sigmask = None",
    "shell spoiled": "ip = get_ipython()\nip.showtraceback = ip._showtraceback = None\nip.display_pub = None\n1 / 0",
    "every module gone": "import sys\nfor name in list(sys.modules):\n    if name.split('.')[0] in ('json', 'os', 'struct', 'base64', 'io'): del sys.modules[name]",
    "top-level await": "import asyncio\nawait asyncio.sleep(0)",
    "trace": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)",
    "garbage collection off, limits low": "import gc, sys\ngc.disable()\nsys.setrecursionlimit(80)",
}


@pytest.mark.parametrize("what", HARMLESS)
def test_between_right_answers_it_costs_nothing(what):
    found = graded(STEP, HARMLESS[what], STATES)
    assert points(found) == (10, 10) and found["status"] == "graded"
    assert len(json.dumps(found)) < 200_000


# What spoils the process so far that it cannot answer is for a person; it never gives points and never a zero.
SPOILED = {
    "json": "import json\njson.dumps = json.loads = None",
    "builtins": "import builtins\nfor name in ('len', 'bytes', 'int', 'isinstance', 'print', 'open', 'callable', 'type'): setattr(builtins, name, None)",
    "numpy": "import numpy\nnumpy.array = numpy.asarray = numpy.savez = None",
    "the function that asks": "import course_utils.checks.evidence as e\ne.ask = e.pack = lambda *a: 1 / 0",
    "all files closed": "import os; os.closerange(0, 256)",
    "every module": "import sys\nsys.modules.clear()",
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_process_has_no_points_and_no_zero(what):
    found = graded(STEP, STATES, SPOILED[what])
    assert set(points(found)) <= {None, 10.0}
    assert (None in points(found)) == (found["status"] == "needs a person") == bool(found["why"])


# A function that does what none should: the other task keeps its points.
FUNCTIONS = {
    "loops": ("while True: pass", "took longer than 3 s"),
    "loops and swallows": ("import signal\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True: pass", "could not be stopped"),
    "exits": ("import os\n    os._exit(0)", "ended the process (exit status 0)"),
    "crashes": ("import ctypes\n    ctypes.string_at(0)", "killed by SIGSEGV"),
    "kills": ("import os\n    os.kill(-1, 9)\n    os.kill(os.getpid(), 9)", "ended the process"),
    "raises what nobody catches": ("raise KeyboardInterrupt", "gave no answer"),
}


@pytest.mark.parametrize("what", FUNCTIONS)
def test_a_function_that_ends_its_process_costs_only_itself(what):
    body, says = FUNCTIONS[what]
    found = graded(f"def rnn_step(*a):\n    {body}", STATES)
    assert points(found) == (None, 10) and found["status"] == "needs a person" and says in found["tasks"]["rnn_step"]["sentence"]


def test_cells_that_end_the_process_again_and_again_are_for_a_person():
    found = graded(*["import os; os._exit(1)"] * 8, STEP, STATES)
    assert points(found) == (None, None) and "5 times" in found["why"]
    assert sum(bool(cell["note"]) for cell in found["cells"]) == 5


def test_the_total_limit_is_said():
    found = graded(*["import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: time.sleep(1)"] * 3, STEP, STATES, seconds=4)
    assert points(found) == (None, None) and "time limit" in found["why"]


# Attempts to have points without an answer.
FORGED = {
    "equal to everything": "class Yes:\n    __eq__ = __le__ = __ge__ = lambda *a: True\n    def __array__(self, *a, **k): return self\n    shape = ()\ndef rnn_step(*a): return Yes()\nstates_of_batch = rnn_step",
    "an array that claims": "import numpy as np\nclass A(np.ndarray):\n    def __eq__(self, other): return True\ndef rnn_step(x, *a): return np.zeros((len(x), 3)).view(A)\nstates_of_batch = rnn_step",
    "patched checks": "import course_utils.checks as c, course_utils.checks.diagnosis as d\nd.diagnose = lambda *a: d.Verdict(True, 1.0, 'right', '')\nd.close = d.same = lambda *a: True\ndef rnn_step(*a): return 1.0\nstates_of_batch = rnn_step",
    "patched NumPy": "import numpy as np\nnp.allclose = np.array_equal = lambda *a, **k: True\ndef rnn_step(*a): return np.zeros(3)\nstates_of_batch = rnn_step",
    "pickled code": "import numpy as np\nclass P:\n    def __reduce__(self): return (print, ('FORGED',))\ndef rnn_step(*a):\n    x = np.empty(1, object); x[0] = P(); return x\nstates_of_batch = rnn_step",
}


@pytest.mark.parametrize("what", FORGED)
def test_forged_answers_have_no_points(what):
    found = graded(FORGED[what])
    assert points(found) == (0, 0) and found["status"] == "graded"


FRAME = """
import os, struct, io, zipfile, numpy as np
def send(kind, content=b''):
    os.write(4, struct.pack('>BI', ord(kind), len(content)) + content)
def npz(**arrays):
    file = io.BytesIO(); np.savez(file, **arrays); return file.getvalue()
meta = np.frombuffer(b'[["arrays", 1, "", []]]', np.uint8)
def bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as z:
        z.writestr('meta.npy', bytes(200_000_000))
    return file.getvalue()
def claim(shape):
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as z:
        head = repr({'descr': '<f8', 'fortran_order': False, 'shape': shape}).encode().ljust(117) + b'\\n'
        z.writestr('meta.npy', b'\\x93NUMPY\\x01\\x00' + struct.pack('<H', len(head)) + head)
    return file.getvalue()
"""
# Evidence that a function writes itself into the channel, then it ends the process.
EVIDENCE = {
    "nothing": "b''",
    "no zip": "b'x' * 1000",
    "a zip bomb": "bomb()",
    "a claim of 10^12 numbers": "claim((10 ** 12,))",
    "a negative shape": "claim((-1,))",
    "deep JSON": "npz(meta=np.frombuffer(b'[' * 100_000, np.uint8))",
    "a verdict": "npz(meta=np.frombuffer(b'[[\"right\", 0, \"\", []]]', np.uint8))",
    "not a number": "npz(meta=meta, **{'0.0': np.full(3, np.nan)})",
    "strange text": "npz(meta=np.frombuffer(b'[[\"error\", 0, \"\\\\ud800\\\\u0000<script>\", []]]', np.uint8))",
}


@pytest.mark.parametrize("what", EVIDENCE)
def test_forged_evidence_has_no_points(what):
    found = graded(f"{FRAME}\ndef rnn_step(*a):\n    send('v', {EVIDENCE[what]})\n    send('t', b'1'); send('v', b'x'); send('d'); os._exit(0)", STATES)
    assert points(found) == (None, None) and found["status"] == "needs a person"


@pytest.mark.parametrize("frame", [
    "send('d')", "send('t', b'0')", "send('c', b'99')", "os.write(4, b'rubbish' * 1000)", "os.write(4, b'v\\xff\\xff\\xff\\xff')", "send('v', b'x')",
    "import fcntl\nwhile True: os.write(4, bytes(1 << 16))",
])
def test_forged_frames_cost_only_the_cell_that_sends_them(frame):
    found = graded(STEP, f"{FRAME}\n{frame}", STATES)
    assert points(found) == (10, 10) and "channel" in found["cells"][1]["note"]


def test_right_evidence_is_right_whoever_wrote_it():
    # Not a hole: these are the right numbers for this run's inputs, which somebody has to compute.
    code = "from course_utils.checks import evidence as e\nright = rnn_step\ndef rnn_step(*a): return right(*a)"
    assert points(graded(STEP, STATES, code)) == (10, 10)


@pytest.mark.parametrize(("cells", "more"), [([3, None, {}], {}), ([], {"cells": None}), ([], {"nbformat": 3, "worksheets": []}), ([], {"cells": "x"})])
def test_what_is_no_notebook_is_for_a_person(cells, more):
    notebook = json.dumps({"nbformat": 4, "cells": cells, **more}).encode()
    found = work.grade_one({"student": "a", "lesson": LESSON, "notebook": notebook, "seed": 1, "seconds": 30.0})
    assert points(found) == (None, None) and found["status"] == "needs a person" and found["why"]


def test_duplicated_cells_are_graded():
    cell = {"cell_type": "code", "id": "same", "metadata": {"nbgrader": {"grade_id": "rnn_step_answer"}}, "source": STEP}
    check = {"cell_type": "code", "id": "same", "metadata": {"nbgrader": {"grade_id": "rnn_step", "points": 1e9}}, "source": "pass"}
    found = graded(cell, cell, check, check, STATES)
    assert points(found) == (10, 10) and [task["max"] for task in found["tasks"].values()] == [10, 10]


def test_a_parent_that_was_killed_is_replaced():
    graded(STEP, STATES)
    work._parent("numpy", False)._process.kill()
    assert points(graded(STEP, STATES)) == (10, 10)


@pytest.mark.parametrize("lesson", ["01_rnn_formula", "02_unrolling", "03_lstm", "04_misclassification"])
def test_reference_answers_have_all_points(lesson, monkeypatch):
    monkeypatch.setattr(work, "MOST_EACH", 20.0)
    notebook = json.loads(exercises.source_notebook(lesson).read_bytes())
    notebook["cells"] = [cell for cell in notebook["cells"] if not cell["metadata"]["nbgrader"]["grade_id"].startswith("open")]
    found = work.grade_one({"student": "a", "lesson": lesson, "notebook": json.dumps(notebook).encode(), "seed": 3, "seconds": 200.0})
    assert points(found) == (10, 10), found["why"]
