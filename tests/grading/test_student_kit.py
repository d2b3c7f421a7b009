"""The student kit: no answer in it, wherever one looks; the same checks as the instructor's; the same bytes each time."""

import base64
import importlib
import inspect
import io
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
import zlib
from pathlib import Path

import nbformat
import numpy as np
import pytest

import course_utils.checks
import leaks
from course_utils.checks import TASKS
from course_utils.checks.diagnosis import diagnose
from course_utils.checks.evidence import ask
from course_utils.checks.tables import decode, load
from course_utils.grading import exercises, student_kit
from course_utils.kit import environment

ROOT = Path(__file__).parents[2]
NAMES = [(lesson, task) for lesson, tasks in TASKS.items() for task in tasks]
KINDS = {".js", ".npz", ".py", ".ipynb", ".svg", ".css", ".mplstyle", ".json", ".csv", ".toml", ".lock", ".yml", ".md", ".cff", ".cfg", ""}

# Lines of the author's that may be in the kit, because they stand there for all to read: line, notebook or module with it, reason.
LESSONS, GIVEN = "notebooks", "notebooks/exercises/source/01_rnn_formula"
TAUGHT = [
    ("from course_utils.data import DataLoader, load_mnist", f"{LESSONS}/02_unrolling.ipynb", "an import; lesson 2 needs both as well"),
    ("from course_utils.models import rnn_classifier", f"{LESSONS}/02_unrolling.ipynb", "an import; lesson 2 builds the same network"),
    ("from scipy.stats import binomtest", f"{LESSONS}/03_lstm.ipynb", "an import; lessons teach McNemar's test with it"),
    ("h, states = np.zeros(len(b)), []", f"{LESSONS}/01_rnn_formula.ipynb", "lesson 1's loop over one digit starts like this; the task is the batch"),
    ('digit = load_mnist("embedded", verbose=False).x_test[7]', f"{GIVEN}/01_rnn_formula.ipynb", "given in a locked cell of exercise 1"),
    ("from course_utils.training import make_step, train", "course_utils/projects/rnn_or_cnn.py", "an import; the project's long runs train with both"),
    ("from collections import Counter", f"{LESSONS}/06_project_sentiment.ipynb", "an import of the standard library; the project counts words with it"),
]


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return student_kit.make_kit(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def files(kit):
    folder, _ = kit
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# No answers


def taught():
    return frozenset(leaks.bare(line) for line, _, _ in TAUGHT)


@pytest.fixture(scope="module")
def found(files):
    """What is in the folder when nothing is excepted."""
    return leaks.leaks(files)


def test_there_is_no_answer_in_the_folder(found):
    assert [fault for fault in found if not any(f": {line} (" in fault for line in taught())] == []


def test_there_is_no_answer_in_the_zip(kit):
    assert leaks.leaks({"zip": kit[1].read_bytes()}, taught()) == []


@pytest.mark.parametrize(("line", "path", "reason"), TAUGHT)
def test_a_line_that_may_be_there_is_one_that_is_taught(line, path, reason, found):
    """Word for word in a cell or a module that students get; and still needed: one that is no longer found must leave the list."""
    texts = [(ROOT / path).read_text(encoding="utf-8")] if path.endswith(".py") else [cell.source for cell in nbformat.read(ROOT / path, as_version=4).cells]
    sources = [re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", "", text, flags=re.DOTALL) for text in texts]
    assert any(line in map(str.strip, source.splitlines()) for source in sources) and len(reason) > 20
    assert any(f": {leaks.bare(line)} (" in fault for fault in found)


def test_projects_are_in_the_kit_and_their_filled_reports_are_not(files):
    """Neither the notebook nor a paragraph of it that the project does not say itself."""
    assert sorted(name for name in files if re.match(r"notebooks/\d\d_project", name)) and not [name for name in files if "reports" in name]
    assert {"course_utils/projects/bench.py", "course_utils/projects/recorded/05_project_rnn_or_cnn.json"} <= set(files)
    said = "\n".join(cell.source for name, data in files.items() if name.endswith(".ipynb") for cell in nbformat.reads(data.decode(), as_version=4).cells)
    reports = [nbformat.read(path, as_version=4) for path in (ROOT / "notebooks" / "reports").glob("*.ipynb")]
    paragraphs = [part for report in reports for cell in report.cells if cell.cell_type == "markdown" for part in cell.source.split("\n\n") if part[:1].isalpha() and len(part) > 80]
    assert len(paragraphs) > 5 and [part for part in paragraphs if part in said] == []


SOLUTION = leaks.solutions("02_unrolling")[0]
PROSE = leaks.solutions("02_unrolling")[-1].split("\n\n")[1]
RENAMED = "def g(q, r, u, v):\n" + re.sub(r"\bh\b", "state", re.sub(r"\bgradient\b", "total", SOLUTION)).replace("dh, total = state[-1] - y, 0.0", "dh, total = (state[-1]\n      - y, 0.0)")
NOTEBOOK, TABLE = "notebooks/exercises/release/02_unrolling/02_unrolling.ipynb", "course_utils/checks/tables/gradient_of_w_h.json"


def in_notebook(change):
    def plant(files):
        notebook = nbformat.reads(files[NOTEBOOK].decode(), as_version=4)
        change(notebook, next(cell for cell in notebook.cells if cell.source.startswith("def gradient")))
        return {NOTEBOOK: nbformat.writes(notebook).encode()}

    return plant


def in_table(files):
    table = json.loads(files[TABLE])
    return {TABLE: json.dumps(table | {"hints": [*table["hints"], SOLUTION.splitlines()[2]]}).encode()}


def zipped(text):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("old.txt", text)
    return file.getvalue()


def b64(data):
    return base64.b64encode(data).decode()


WIDGET = "application/vnd.jupyter.widget-state+json"
PLANTS = {
    "solution left in": in_notebook(lambda notebook, cell: cell.update(source=f"def gradient_of_w_h(x, y, w_x, w_h):\n{SOLUTION}")),
    "one line left in": in_notebook(lambda notebook, cell: cell.update(source=cell.source + "\n" + SOLUTION.splitlines()[2])),
    "in a cell's metadata": in_notebook(lambda notebook, cell: cell.metadata.update(old=SOLUTION.splitlines())),
    "in an output": in_notebook(lambda notebook, cell: cell.outputs.append(nbformat.v4.new_output("stream", text=SOLUTION))),
    "in an attachment": in_notebook(lambda notebook, cell: notebook.cells[0].update(attachments={"a.txt": {"text/plain": b64(SOLUTION.encode())}})),
    "in a widget": in_notebook(lambda notebook, cell: notebook.metadata.update(widgets={WIDGET: {"state": {"a": {"state": {"value": json.dumps({"b": SOLUTION})}}}}})),
    "as a key": in_notebook(lambda notebook, cell: notebook.metadata.update({SOLUTION.splitlines()[2]: 1})),
    "open answer": in_notebook(lambda notebook, cell: notebook.cells[-1].update(source=PROSE)),
    "one sentence of it, as HTML": in_notebook(lambda notebook, cell: notebook.cells[-1].update(source=PROSE.split(". ")[1].replace(" ", "&#32;"))),
    "in a table": in_table,
    "other names and layout": lambda files: {"course_utils/checks/help.py": RENAMED.encode()},
    "packed in base64": lambda files: {"styles/a.css": f"a: url(data:x;base64,{b64(zlib.compress(SOLUTION.encode()))})".encode()},
    "a zip": lambda files: {"notes.md": zipped(SOLUTION)},
    "tasks.py": lambda files: {"x.py": (exercises.SOURCE / "02_unrolling" / "tasks.py").read_bytes()},
    "grading": lambda files: {"x.py": (ROOT / "course_utils" / "grading" / "student_kit.py").read_bytes()},
    "a mark": lambda files: {"x.md": b"### BEGIN SOLUTION"},
}  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_an_answer_left_in_is_found(plant, files):
    planted = plant(files)
    assert any(files.get(name) != data for name, data in planted.items())
    assert leaks.leaks(planted, taught())


def test_nothing_but_known_kinds_of_files_and_nothing_of_the_authors(files):
    """No bytecode: it could hold anything."""
    assert {Path(name).suffix for name in files if not Path(name).name.startswith("LICENSE")} <= KINDS
    assert not [name for name in files if re.search(r"grading|source|tasks\.py|__pycache__|checkpoint", name)]


def test_the_zip_holds_the_folder_in_order_without_times(kit, files):
    with zipfile.ZipFile(kit[1]) as archive:
        entries = archive.infolist()
        assert {entry.filename: archive.read(entry) for entry in entries} == {f"unrolled-student/{name}": data for name, data in files.items()}
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {(entry.date_time, entry.external_attr) for entry in entries} == {((1980, 1, 1, 0, 0, 0), 0o100644 << 16)}


def test_made_again_it_has_the_same_bytes_and_no_old_files(kit, tmp_path):
    (tmp_path / "unrolled-student").mkdir()
    (tmp_path / "unrolled-student" / "old.txt").write_text("of another version")
    again = student_kit.make_kit(tmp_path)
    assert again[1].read_bytes() == kit[1].read_bytes() and not (again[0] / "old.txt").exists()


# The checks


@pytest.fixture(scope="module", params=NAMES, ids=[task for _, task in NAMES])
def pair(request, files):
    """The table of a task as the instructor's copy makes it, and as the kit holds it."""
    lesson, name = request.param
    return lesson, load(lesson, name), decode(json.loads(files[f"course_utils/checks/tables/{name}.json"]))


def verdict(table, function):
    return diagnose(table, [ask(table.call, function, inputs) for inputs in table.inputs])


def nothing(*inputs):
    return None


def broken(*inputs):
    raise ZeroDivisionError("one by one")


def raises_the_stub(*inputs):
    raise NotImplementedError


def a_number(*inputs):
    return 1.0


def spoiled(function):
    """A right answer that changes its first array in passing."""

    def spoiling(*inputs):
        answer = function(*inputs)
        array = next(value for value in inputs if isinstance(value, np.ndarray))
        array += 1
        return answer

    return spoiling


def test_the_kit_says_the_same_as_the_instructors_copy(pair):
    lesson, live, kept = pair
    task = exercises.task(live.name)
    right = exercises.references(lesson)[task.function]
    answers = [right, spoiled(right), nothing, broken, raises_the_stub, a_number, *(wrong.function for wrong in task.wrong)]
    said = [(verdict(live, answer), verdict(kept, answer)) for answer in answers]
    assert all(one == other for one, other in said)
    assert [one.right for one, _ in said].count(True) == 1 and len({one.name for one, _ in said}) > 8


def callables():
    """Everything in course_utils.checks that can be called, private or not."""
    for module in pkgutil.iter_modules(course_utils.checks.__path__, "course_utils.checks."):
        yield from (value for _, value in inspect.getmembers(importlib.import_module(module.name), callable))
    yield from (value for _, value in inspect.getmembers(course_utils.checks, callable))


def test_nothing_in_the_checks_passes_a_check(pair, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tried = list(dict.fromkeys(value for value in callables() if value.__hash__))
    assert len(tried) > 60
    assert [value for value in tried if verdict(pair[2], value).right] == []


# What makes it a kit


def test_make_lists_what_works_in_the_kit(kit):
    if not shutil.which("make"):
        pytest.skip("make is not used on Windows")
    said = subprocess.run(["make", "--no-print-directory"], cwd=kit[0], capture_output=True, text=True)
    assert re.findall(r"^  ([a-z-]+) ", said.stdout, flags=re.MULTILINE) == list(student_kit.TARGETS) and said.stderr == ""
    assert "grading" not in (kit[0] / "Makefile").read_text() and "exercises" not in (kit[0] / "Makefile").read_text()


def test_make_asks_whether_the_set_up_is_current_though_all_files_are_old(kit):
    """A newer kit unpacked over this one must be set up, and make would see only the times of 1980."""
    if not shutil.which("make"):
        pytest.skip("make is not used on Windows")
    (kit[0] / ".venv").mkdir()
    (kit[0] / ".venv" / "unrolled-ready").write_text("")
    try:
        assert "bootstrap.py" in subprocess.run(["make", "-n", "setup"], cwd=kit[0], capture_output=True, text=True).stdout
    finally:
        shutil.rmtree(kit[0] / ".venv")


def test_a_file_that_no_longer_fits_is_refused():
    with pytest.raises(RuntimeError, match="expected once"):
        student_kit.pyproject("[project]\n")


def test_the_project_names_only_what_is_there(kit, files):
    table = tomllib.loads(files["pyproject.toml"].decode())
    assert set(table["tool"]["setuptools"]["packages"]) == {str(Path(name).parent).replace("/", ".") for name in files if name.endswith("__init__.py")}
    assert set(table["project"]["optional-dependencies"]) == {"test"} and all((kit[0] / name).is_dir() for name in table["tool"]["pytest"]["ini_options"]["testpaths"])
    assert table["project"]["dependencies"] == environment.project()["dependencies"]


def test_the_lock_has_what_students_need_and_no_grading(files):
    lock = files["requirements.lock"].decode()
    whole = environment.LOCK.read_text(encoding="utf-8")
    names = {pin.name for pin in environment.pins(lock)}
    assert {str(pin) for pin in environment.pins(lock)} <= {str(pin) for pin in environment.pins(whole)}
    assert {entry.name for entry in environment.direct_dependencies("test")} | {"setuptools"} <= names
    assert not names & {"nbgrader", "dask", "distributed", "psycopg", "sqlalchemy", "alembic"}
    assert len(lock) > 0.5 * len(whole) and environment.conda_environment(lock).encode() == files["environment.yml"]


def test_what_a_needed_package_needs_is_in_the_lock(files):
    """As pip sees it on this platform: each requirement of each pin, with its markers."""
    pins = environment.pins(files["requirements.lock"].decode())
    names = {pin.name for pin in pins}
    here = [pin.name for pin in pins if not pin.marker or pin.marker.evaluate()]
    needed = {student_kit.plain(entry.name) for name in here for entry in student_kit.required_by(name, frozenset()) if not entry.marker or entry.marker.evaluate({"extra": ""})}
    assert needed <= names


@pytest.mark.parametrize("name", ["README.md", *(f"notebooks/{lesson}.ipynb" for lesson in TASKS), "notebooks/00_start_here.ipynb", NOTEBOOK])
def test_links_lead_to_files_of_the_kit(name, kit, files):
    text = "\n".join(cell.source for cell in nbformat.reads(files[name].decode(), as_version=4).cells if cell.cell_type == "markdown") if name.endswith("ipynb") else files[name].decode()
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target and not target.startswith("#")]
    assert targets and [target for target in targets if not (kit[0] / name).parent.joinpath(target).is_file()] == []


def test_the_readme_lists_every_lesson_with_its_exercise(files):
    text = files["README.md"].decode()
    assert len(re.findall(r"^\| \d \|", text, flags=re.MULTILINE)) == len(list((ROOT / "notebooks").glob("0*.ipynb"))) and "{" not in text
    assert all(re.search(rf"release/{lesson}/{lesson}\.ipynb\), about an hour", text) for lesson in TASKS)


def run(kit, *arguments):
    """Run a module in the kit's folder with the kit's own package and nothing of this repository."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COURSE_SOCKET"))}
    surroundings |= {"PYTHONPATH": str(kit[0]), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=kit[0], env=surroundings, capture_output=True, text=True)


def test_the_kits_own_tests_pass(kit):
    done = run(kit, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", "notebooks/00_start_here.ipynb")
    assert done.returncode == 0 and re.search(r"\d\d passed", done.stdout), done.stdout[-3000:]


def test_reset_works_in_the_kit(kit):
    path = kit[0] / NOTEBOOK
    before = path.read_bytes()
    path.write_bytes(before.replace(b"raise NotImplementedError", b"return 42"))
    done = run(kit, "-m", "course_utils", "reset", "02")
    assert done.returncode == 0 and path.read_bytes() == before, done.stderr
    kept = list(path.parent.glob("*_kept_*"))
    assert len(kept) == 1 and b"return 42" in kept[0].read_bytes()
    kept[0].unlink()


def test_the_kit_has_no_way_to_the_authors_side(kit):
    code = (
        "import sys; sys.meta_path = [finder for finder in sys.meta_path if '__editable__' not in repr(finder)]\n"  # this repository's own
        "import course_utils.checks as c; print(c.__file__); c.check_gradient_of_w_h(lambda x, y, w_x, w_h: 0.0); import course_utils.grading"
    )
    done = run(kit, "-c", code)
    assert str(kit[0]) in done.stdout and "should be" in done.stdout and "No module named 'course_utils.grading'" in done.stderr
