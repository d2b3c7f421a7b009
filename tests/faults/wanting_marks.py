"""Students who want marks without knowing the answer: forged comparisons, forged evidence, edited metadata, stolen answers."""

import base64

from course_utils.checks.evidence import pack_inputs
from course_utils.grading import exercises
from nbformat.v4 import new_code_cell

from .paper import BOTH, LSTM, SAY_LOOT, fault, guessed

NOTHING = (0, 0)


def _marks(points, why="", **more):
    return fault("wants marks", points, why, **more)


# --- Objects that pretend ---


@_marks(NOTHING)
def equal_to_everything(paper):
    """Answers with an object that says it equals whatever it is compared with."""
    guessed(paper).first("""class Right:
    def __eq__(self, other): return True
    __ne__ = lambda self, other: False
    def __getattr__(self, name): return Right()
    def __call__(self, *a, **k): return Right()
    __bool__ = lambda self: True""")
    for name in paper.tasks:
        paper.answer(name, "return Right()")


@_marks(NOTHING)
def ndarray_subclass(paper):
    """A subclass of ndarray of which every comparison and every ufunc says that it is right."""
    guessed(paper).first("""class Right(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs): return True
    def __array_function__(self, function, types, args, kwargs): return True
    def __reduce__(self): return (print, ("reduced",))""")
    paper.answer("rnn_step", "return np.zeros(h_prev.shape).view(Right)")
    paper.answer("states_of_batch", "return np.zeros((*digits.shape[:2], len(b))).view(Right)")


@_marks(NOTHING)
def array_on_demand(paper):
    """An object that makes its array anew whenever it is asked for one, of ones, of zeros and of its own kind."""
    guessed(paper).first("""class Right:
    times = 0
    def __array__(self, dtype=None, copy=None):
        Right.times += 1
        return np.full((3, 3), Right.times % 2, dtype or float)
    __len__ = lambda self: Right.times""")
    for name in paper.tasks:
        paper.answer(name, "return Right()")


@_marks((None, None), "killed by SIGSEGV")
def array_from_nowhere(paper):
    """An object that claims to be an array at address 1, on which whoever reads it breaks down."""
    guessed(paper).first("""class Right:
    __array_interface__ = {"shape": (3,), "typestr": "<f8", "version": 3, "data": (1, False)}""")
    for name in paper.tasks:
        paper.answer(name, "return Right()")


@_marks(NOTHING)
def nan_everywhere(paper):
    """NaN in the right shape: a careless comparison takes it for equal to anything."""
    paper.answer("rnn_step", "return np.full(h_prev.shape, np.nan)")
    paper.answer("states_of_batch", "return np.full((*digits.shape[:2], len(b)), np.inf)")


@_marks(NOTHING)
def empty_arrays(paper):
    """Arrays without values: all none of their values agree with anything."""
    paper.answer("rnn_step", "return np.zeros((0, 0))")
    paper.answer("states_of_batch", "return np.zeros((0, 10**17, 3))")


@_marks(NOTHING)
def wide_numbers(paper):
    """Numbers that overflow when they are made ordinary: long doubles, large unsigned ones, single numbers for a whole array."""
    paper.answer("rnn_step", 'return np.full(h_prev.shape, np.longdouble("1e4000"))')
    paper.answer("states_of_batch", "return np.uint64(2**64 - 1)")


@_marks(NOTHING)
def objects_in_arrays(paper):
    """Arrays of objects, of texts and of dates in place of numbers."""
    paper.answer("rnn_step", "return np.array([object(), [1, 2]], dtype=object)")
    paper.answer("states_of_batch", 'return np.array([["right", "10 points"]])')


@_marks(NOTHING)
def huge_arrays(paper):
    """An array of 8 GB, and a small one that claims to be one."""
    paper.answer("rnn_step", "return np.ones((1000, 1000, 1000))")
    paper.answer("states_of_batch", "return np.broadcast_to(np.float64(1), (10**5, 10**5))")


@_marks((5, 10))
def changes_its_input(paper):
    """Right values, and the input is overwritten with them, in the hope that it is what is looked at later."""
    paper.right().source("rnn_step", paper.cell("rnn_step_answer").source.replace("return ", "new = ") + "\n    h_prev[:] = new\n    return new")


# --- Patches in the student's own process ---


@_marks(NOTHING)
def patched_allclose(paper):
    """Replaces NumPy's comparisons by functions that always agree."""
    guessed(paper).first("""agree = lambda *a, **k: True
np.allclose = np.isclose = np.array_equal = np.array_equiv = agree
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None
np.core = np.linalg = None""")


@_marks(NOTHING)
def replaced_checks(paper):
    """Puts checks of its own into sys.modules, which say "Right." to everything."""
    guessed(paper).first("""import sys, types
fake = types.ModuleType("course_utils.checks")
fake.__getattr__ = lambda name: lambda *a, **k: print("Right, in all cases.")
for name in [name for name in sys.modules if name.startswith("course_utils")]:
    sys.modules[name] = fake
check_rnn_step = check_states_of_batch = fake.check""")


@_marks(NOTHING)
def checks_that_do_nothing(paper):
    """Defines the checks anew, as functions that do nothing, and replaces the verdict's type."""
    guessed(paper).first("""import course_utils.checks.diagnosis as d
check_rnn_step = check_states_of_batch = lambda function: None
d.diagnose = lambda table, outcomes: d.Verdict(True, 1.0, "right", "Right, in all cases.")
d.same = d.close = lambda *a, **k: True""")


@_marks((None, None), "cannot be read")
def patched_savez(paper):
    """Replaces the writer of arrays, json and zipfile by ones that write a certificate."""
    guessed(paper).first("""import json, zipfile
def certificate(file, *a, **k):
    file.write(b'{"points": 10, "right": true}')
np.savez = np.savez_compressed = np.save = certificate
json.dumps = lambda *a, **k: '[["right", 10]]'""")


@_marks((None, None), "is not there")
def patched_builtins(paper):
    """Replaces len, isinstance, print, open and sum for everybody in the process, so that no later cell runs."""
    guessed(paper).first("""import builtins
for name in ("len", "isinstance", "sum", "tuple", "any", "all", "enumerate", "open", "print"):
    setattr(builtins, name, lambda *a, **k: True)""")


@_marks(NOTHING)
def patched_not_implemented(paper):
    """Leaves the stubs and makes NotImplementedError an error that everybody ignores."""
    paper.first("""import builtins
class Ignored(Exception): pass
builtins.NotImplementedError = NotImplementedError = Ignored""")


@_marks(NOTHING)
def stubs_that_exit(paper):
    """Leaves with SystemExit and with KeyboardInterrupt from inside the functions, as if all were done."""
    paper.answer("rnn_step", "raise SystemExit(0)")
    paper.answer("states_of_batch", "raise StopIteration('10 points')")


# --- Forged evidence ---

FORGE = """import io, json, struct, zipfile
from course_utils.checks import evidence
def npz(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()
def npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()
def meta(content):
    return ("meta.npy", npy(np.frombuffer(json.dumps(content).encode(), np.uint8)))
"""


def _forged(paper, source):
    """Evidence is packed by a function of the student's."""
    return guessed(paper).first(FORGE + source)


@_marks((None, None), "cannot be read")
def evidence_with_verdict(paper):
    """Evidence that holds points and a verdict in place of answers."""
    _forged(paper, 'evidence.pack = lambda outcomes: npz([meta([["right", 0, "Right, in all cases.", []]] * len(outcomes))])')


@_marks((None, None), "cannot be read")
def evidence_pickled(paper):
    """Evidence with a pickle that would run a command in the process that reads it."""
    paths = [str(path) for path in paper.places.files]
    _forged(paper, f"""import os, pickle
class Bomb:
    def __reduce__(self): return (os.system, ("rm -f {' '.join(paths)}; touch {paper.places.scratch}/pickle-was-here",))
bomb = np.array([Bomb()], dtype=object)
file = io.BytesIO()
np.lib.format.write_array(file, bomb, allow_pickle=True)
evidence.pack = lambda outcomes: npz([meta([["arrays", 1, "", []]] * len(outcomes))] + [(f"{{k}}.0.npy", file.getvalue()) for k in range(len(outcomes))])""")


@_marks((None, None), "cannot be read")
def evidence_zip_bomb(paper):
    """Evidence of a few kilobytes that unpacks to gigabytes."""
    _forged(paper, """bomb = npz([(f"{k}.0.npy", bytes(40_000_000)) for k in range(3)])
evidence.pack = lambda outcomes: bomb""")


@_marks((None, None), "cannot be read")
def evidence_of_false_size(paper):
    """Arrays whose header claims a thousand billion values."""
    _forged(paper, """header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
claim = b"\\x93NUMPY\\x01\\x00" + struct.pack("<H", len(header)) + header + bytes(8)
evidence.pack = lambda outcomes: npz([meta([["arrays", 1, "", []]] * len(outcomes))] + [(f"{k}.0.npy", claim) for k in range(len(outcomes))])""")


@_marks((None, None), "cannot be read")
def evidence_of_brackets(paper):
    """Headers and lists nested a thousand times, to exhaust whoever parses them."""
    _forged(paper, """deep = b"[" * 60_000
header = b"(" * 60_000
claim = b"\\x93NUMPY\\x01\\x00" + struct.pack("<H", len(header)) + header
packs = [npz([("meta.npy", npy(np.frombuffer(deep, np.uint8)))]), npz([("meta.npy", claim)])]
evidence.pack = lambda outcomes: packs.pop()""")


@_marks((None, None), "cannot be read")
def evidence_with_huge_numbers(paper):
    """Numbers of a million digits and names of a million letters in the list of answers."""
    _forged(paper, """packs = [npz([("meta.npy", npy(np.frombuffer(text, np.uint8)))]) for text in
         (b"[[1" + b"0" * 5_000_000 + b"]]", json.dumps([["arrays", 10**9, "x" * 10**6, []]] * 9).encode())]
evidence.pack = lambda outcomes: packs.pop()""")


@_marks((None, None), "own channel")
def evidence_too_long(paper):
    """Evidence longer than any answer may be."""
    _forged(paper, "evidence.pack = lambda outcomes: bytes(9_000_000)")


@_marks((None, None), "cannot be read")
def evidence_of_other_size(paper):
    """Answers to a hundred cases where nine were asked."""
    _forged(paper, """pack = evidence.pack
evidence.pack = lambda outcomes: pack(outcomes * 11)""")


FRAMES = """import os, struct
def frame(kind, content=b""):
    return struct.pack(">BI", ord(kind), len(content)) + content
def to_all(data):
    for fd in range(256):
        try:
            os.write(fd, data)
        except OSError:
            pass
"""


@_marks(NOTHING)
def forged_frames(paper):
    """Writes finished evidence and "done" to every open file, before anybody asks."""
    guessed(paper).first(FRAMES + 'to_all(frame("t", b"0") + frame("v", b"10 points") + frame("t", b"1") + frame("v", b"10 points") + frame("d"))')


@_marks((None, None), "cannot be read")
def forged_end(paper):
    """Plays the rest of the run to the grader's channel, from the last cell on, and leaves."""
    guessed(paper).last(FRAMES + """to_all(frame("t", b"0") + frame("v", b"right") + frame("t", b"1") + frame("v", b"right") + frame("d"))
os._exit(0)""")


@_marks(NOTHING)
def noise_on_all_files(paper):
    """Writes random bytes to every open file, from a thread, all the time."""
    guessed(paper).first(FRAMES + """import threading
def noise():
    while True:
        to_all(os.urandom(64))
threading.Thread(target=noise, daemon=True).start()
threading.Event().wait(1)""")


@_marks(NOTHING)
def rewriting_thread(paper):
    """A thread that finds answers on their way out and changes them, and the list of answers with them."""
    guessed(paper).first("""import gc, threading, time
def rewrite():
    while True:
        for thing in gc.get_objects():
            if isinstance(thing, np.ndarray) and thing.dtype == float and thing.flags.writeable:
                thing[...] = 0.5
        time.sleep(0.001)
threading.Thread(target=rewrite, daemon=True).start()""")


@_marks(BOTH)
def left_at_exit(paper):
    """Functions for the end of the process that write evidence again and then hang."""
    paper.right().first(FRAMES + """import atexit, threading, time, sys
atexit.register(lambda: (to_all(frame("v", b"10 points")), time.sleep(1000)))
sys.exitfunc = lambda: time.sleep(1000)
threading._register_atexit(lambda: time.sleep(1000))""")


# --- Metadata ---


@_marks(NOTHING)
def points_of_a_thousand(paper):
    """Wrong answers, and the metadata says that each task is worth 1,000 points, which it got."""
    guessed(paper)
    for name in paper.tasks:
        paper.cell(name).metadata["nbgrader"] |= {"points": 1000, "score": 1000, "auto_score": 1000, "grade": True, "schema_version": 99}
    paper.notebook.metadata["nbgrader"] = {"score": 9999, "max_score": 1}


@_marks(NOTHING)
def answers_marked_by_hand(paper):
    """Turns the answer cells into manually graded ones with a mark, and the checks into answers."""
    guessed(paper)
    for name in paper.tasks:
        paper.cell(f"{name}_answer").metadata["nbgrader"] |= {"grade": True, "points": 10, "manual_score": 10, "comment": "very good"}
        paper.cell(name).metadata["nbgrader"] |= {"grade": False, "solution": True, "locked": False}


@_marks(BOTH)
def locked_cells_edited(paper):
    """Rewrites everything that is locked: title, instructions, rubric and checks."""
    paper.right()
    for cell in paper.notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("locked") and cell.metadata["nbgrader"]["grade_id"] != "set_up":
            cell.source = "pass" if cell.cell_type == "code" else "Full marks for everybody."


@_marks(BOTH)
def locked_cells_deleted(paper):
    """Deletes every cell but the imports and the two answers."""
    paper.right()
    keep = {"set_up", *(f"{name}_answer" for name in paper.tasks)}
    paper.notebook.cells = [cell for cell in paper.notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") in keep]


@_marks(BOTH)
def cells_duplicated(paper):
    """Each cell stands twice, with the same grade_id: plain nbgrader stops the whole batch here."""
    paper.right()
    paper.notebook.cells = [copied for cell in paper.notebook.cells for copied in (cell, type(cell)(cell))]


@_marks((0, 10))
def last_answer_counts(paper):
    """A right answer and below it a wrong one, in a second cell of the same name."""
    paper.right()
    wrong = new_code_cell("def rnn_step(*all):\n    return np.zeros(3)", metadata=dict(paper.cell("rnn_step_answer").metadata))
    paper.notebook.cells.append(wrong)


@_marks(NOTHING)
def more_graded_cells(paper):
    """Adds twenty cells that are graded with 10 points each."""
    guessed(paper)
    about = paper.cell("rnn_step").metadata["nbgrader"]
    for k in range(20):
        paper.notebook.cells.append(new_code_cell("print('Right, in all cases.')", metadata={"nbgrader": about | {"grade_id": f"extra_{k}"}}))
    paper.notebook.cells.append(new_code_cell("print('Right, in all cases.')", metadata={"nbgrader": dict(about)}))


@_marks((None, 10), "is not there")
def answer_deleted(paper):
    """Deletes an answer cell, so that no wrong answer stands there."""
    paper.right().drop("rnn_step_answer")


@_marks((None, 10), "is not there")
def function_deleted_at_the_end(paper):
    """Deletes a wrong function in the last cell, so that nobody can ask it."""
    guessed(paper).right("states_of_batch").last("del rnn_step")


@_marks(NOTHING)
def claims_to_be_another(paper):
    """The notebook says in all its metadata that it is the work of the best student."""
    guessed(paper)
    claim = {"student": "honest_right", "student_id": "honest_right", "user": "honest_right", "assignment": "03_lstm", "lesson": "03_lstm"}
    paper.notebook.metadata |= {**claim, "nbgrader": claim, "authors": [{"name": "honest_right"}]}
    paper.first("import os\nos.environ |= dict(USER='honest_right', NB_USER='honest_right', JUPYTERHUB_USER='honest_right')")


@_marks((None, None), "is not there")
def names_of_another_lesson(paper):
    """Answers lesson 3 under the name of lesson 1."""
    paper.first("def old_lstm_step(*all): return 10").drop("rnn_step_answer").drop("states_of_batch_answer")


# --- Stolen answers ---


@_marks(NOTHING)
def answers_to_public_inputs(paper):
    """A stored right answer to each input that students see; it knows no other."""
    guessed(paper)
    stored = {}
    for name in paper.tasks:
        table = exercises.make_table(paper.lesson, name, exercises.PUBLIC_SEED)
        stored[name] = [[base64.b64encode(pack_inputs([case])).decode() for case in table.inputs],
                        base64.b64encode(pack_inputs([{"right": right.arrays[0]} for right in table.right])).decode()]  # fmt: skip
    paper.first(f"""import base64
from course_utils.checks.evidence import pack_inputs, unpack_inputs
stored = {stored!r}
def known(name, **given):
    seen = base64.b64encode(pack_inputs([{{key: np.asarray(value) for key, value in given.items()}}])).decode()
    right = unpack_inputs(base64.b64decode(stored[name][1]))
    return right[stored[name][0].index(seen)]["right"] if seen in stored[name][0] else np.zeros(3)""")
    paper.answer("rnn_step", 'return known("rnn_step", x_t=x_t, h_prev=h_prev, W_x=W_x, W_h=W_h, b=b, is_first=is_first)')
    paper.answer("states_of_batch", 'return known("states_of_batch", digits=digits, W_x=W_x, W_h=W_h, b=b)')
    paper.last("check_rnn_step(rnn_step)")


@_marks(NOTHING)
def guesses_the_seed(paper):
    """Tries 1,000 seeds and the time for the one from which the inputs were drawn; with it the cases would be known."""
    guessed(paper).first(SAY_LOOT + """import time
def drawn_from(x):
    for seed in [*range(1000), int(time.time())]:
        if np.isclose(np.abs(x).ravel()[0], np.random.default_rng(seed).uniform(0.2, 0.8)):
            loot("seed", seed)""")
    paper.answer("rnn_step", "drawn_from(x_t)\nreturn np.zeros(h_prev.shape)")


@_marks((None, None), "is not there")
def imports_the_reference(paper):
    """Asks the grader's own package for the reference answers and tables."""
    for name in paper.tasks:
        paper.source(name, f"from course_utils.grading import exercises\n{name} = exercises.references('{paper.lesson}')['{name}']")


@_marks(NOTHING)
def looks_through_memory(paper):
    """Looks through all objects and the process's own memory for right answers and for the author's source."""
    guessed(paper).first(SAY_LOOT + """import gc, re, sys
def look():
    for thing in gc.get_objects():
        if type(thing).__name__ in ("Table", "Mistake", "Task"):
            loot("an object", type(thing).__name__)
    mark = b"BEGIN SOL" + b"UTION"
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            if " rw" in line and end - start < 2**28:
                try:
                    memory.seek(start)
                    found = memory.read(end - start)
                except (OSError, OverflowError, ValueError):
                    continue
                if re.search(re.escape(mark) + rb"\\n +past = ", found):
                    loot("source")
look()""")
    paper.answer("rnn_step", "if len(x_t) == 1:\n    look()\nreturn np.zeros(h_prev.shape)")


@_marks(NOTHING)
def looks_at_the_caller(paper):
    """Walks up the callers' frames for whatever they hold: right answers, the other students, the grader's files."""
    guessed(paper).first(SAY_LOOT + """import sys
def look():
    frame = sys._getframe()
    while frame:
        for name, value in list(frame.f_locals.items()) + list(frame.f_globals.items()):
            if name in ("table", "tables", "right", "expected", "reference", "student", "graded", "record") and frame.f_back:
                loot(name, type(value))
        frame = frame.f_back""")
    paper.answer("rnn_step", "look()\nreturn np.zeros(h_prev.shape)")


@_marks(NOTHING)
def looks_for_files(paper):
    """Searches every folder for solutions, the gradebook, other students' work and whatever the course hides."""
    guessed(paper).first(SAY_LOOT + f"""import os
wanted = ("tasks.py", "gradebook.db", "record.json", "grades.csv", "students.json", "release.py", "exercises.py")
for place, folders, files in os.walk("/"):
    if place.startswith(("/proc", "/sys", os.path.dirname(os.__file__))) or place.endswith("/site-packages/nbgrader"):
        folders.clear()
        continue
    for name in files:
        path = os.path.join(place, name)
        ours = name in wanted if "course_utils" in place else name in wanted[1:5] or name.endswith(".ipynb")
        if ours or name == "tasks.py" and "course_utils" in open(path).read():
            loot(path)
for path in {[str(path) for path in paper.places.files] + [str(paper.places.state), str(paper.places.repository / 'notebooks')]!r}:
    try:
        loot(path, os.listdir(path) if os.path.isdir(path) else open(path).read())
    except OSError:
        pass""")


@_marks(NOTHING)
def looks_into_proc(paper):
    """Reads environment, command line, open files and root folder of every process it can see."""
    guessed(paper).first(SAY_LOOT + f"""import glob, os
def read(path):
    try:
        return open(path, "rb").read()
    except OSError:
        return b""
for path in set(glob.glob("/proc/[0-9]*")) - {{f"/proc/{{os.getpid()}}"}}:
    command = read(path + "/cmdline")
    # Beside its own there are only bubblewrap's process 1 and the program that keeps the sandbox open.
    if b"bwrap" not in command and command != b"/bin/cat\\0" and os.path.exists(path):
        loot(path, command)
    if b"COURSE_STATE" in read(path + "/environ"):
        loot(path, "environ")
    for wanted in {[str(path) for path in paper.places.files]!r}:
        for base in [f"{{path}}/root", f"{{path}}/cwd"] + glob.glob(f"{{path}}/fd/*") + glob.glob(f"{{path}}/map_files/*"):
            if read(base + wanted):
                loot(base + wanted)""")


@_marks(NOTHING)
def looks_into_the_environment(paper):
    """Prints its own environment, where keys and addresses of databases often lie."""
    guessed(paper).first(SAY_LOOT + """import os, sys
for name, value in os.environ.items():
    if name.startswith(("COURSE_", "PYTEST", "DASK", "PG")) and name != "COURSE_RUN":
        loot(name, value)
print(sys.argv, sys.orig_argv, os.getcwd())""")


# --- The same for a lesson with TensorFlow ---


@_marks(NOTHING, lesson=LSTM)
def patched_keras(paper):
    """Replaces the layer that the grader makes, and NumPy's arrays, so that answer and question agree."""
    guessed(paper).first("""class Layer(keras.layers.LSTM):
    def get_weights(self): return [np.zeros((4, 8)), np.zeros((2, 8)), np.zeros(8)]
    def set_weights(self, weights): Layer.given = weights
    def __call__(self, *a, **k): return np.zeros((1, 5, 2))
keras.layers.LSTM = Layer
keras.ops.all = lambda *a: True""")
    paper.answer("forget_gates", "W_x, W_h, b = layer.get_weights()\nreturn np.full((len(rows), len(W_h)), 0.5)")


@_marks((10, None), "could not be stopped", lesson=LSTM)
def endless_tensorflow(paper):
    """A loop inside TensorFlow that never comes back to Python."""
    paper.right().answer("forget_gates", """import tensorflow as tf
@tf.function
def loop():
    return tf.while_loop(lambda k: k >= 0, lambda k: [(k + 1) % 7], [tf.constant(0)])
return loop()""")


@_marks(BOTH, lesson=LSTM)
def tensorflow_takes_all(paper):
    """A tensor of a terabyte, then many that fill the memory, and a thread pool of a thousand."""
    paper.right().last("import tensorflow as tf\ntf.zeros((500, 1000, 1000, 1000))").last("""kept = []
while True:
    kept.append(tf.ones((5000, 5000)))""")


# --- What is allowed ---


@_marks(BOTH)
def keras_for_a_numpy_task(paper):
    """Answers with a Keras layer where NumPy was meant: slow, and right."""
    paper.right("rnn_step").first("import keras").first("import tensorflow").answer("states_of_batch", """layer = keras.layers.SimpleRNN(len(b), return_sequences=True)
layer.build((None, None, digits.shape[-1]))
layer.set_weights([W_x, W_h, b])
return np.array(layer(digits.astype("float32")))""")


@_marks(BOTH)
def lists_for_arrays(paper):
    """Right numbers as nested lists, computed in plain Python."""
    paper.right("states_of_batch").answer("rnn_step", """import math
new = []
for n in range(len(x_t)):
    row = []
    for j in range(len(b)):
        a = b[j] + sum(x_t[n][i] * W_x[i][j] for i in range(len(W_x)))
        if not is_first[n]:
            a += sum(h_prev[n][i] * W_h[i][j] for i in range(len(W_h)))
        row.append(math.tanh(a))
    new.append(row)
return new""")
