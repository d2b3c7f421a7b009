"""Runs the lessons top to bottom and saves them with fresh outputs, for maintainers."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from course_utils.kit import trust
from course_utils.kit.jupyter import make_data_folder_absolute

ROOT = Path(__file__).resolve().parents[2]
# Set to 1 for kernels that run beside each other: they lose a third of their speed when each takes all the cores.
ONE_THREAD_EACH = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def run_and_save(paths: Sequence[str] = ()) -> int:
    """Execute each notebook (default: all lessons) in its folder and save it; stops at the first error and returns 1.

    A notebook that fails keeps its old file: what is saved has run from the first cell to the last.
    """
    chosen = [Path(path).resolve() for path in paths] or saved_notebooks()
    if missing := [str(path) for path in chosen if not path.is_file()]:
        print(f"A notebook was expected, but there is none at {', '.join(missing)}.", file=sys.stderr)
        return 1
    make_data_folder_absolute()
    os.environ["COURSE_JOURNAL"] = os.devnull  # nobody's own progress goes into what is saved
    print(f"Digits: {_digits()}. What is saved for others is to come from full MNIST.", flush=True)
    failed = next((1 for path in chosen if not run_one(path)), 0)
    if set(chosen) & set(trust.lessons()):
        trust.record()
    return failed


def saved_notebooks() -> list[Path]:
    """Lessons and sources of exercises; not what editors leave beside them, nor the exercises in which somebody works."""
    left_out = {".ipynb_checkpoints", "release"}
    return sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if not left_out & set(path.relative_to(ROOT).parts))


def run_one(path: Path, *, timeout: float = 1800.0) -> bool:
    """Execute one notebook and save it with its widgets' state; False after an error, with the file untouched."""
    import nbformat

    print(f"{path.name} ...", flush=True)
    notebook = execute(path, timeout=timeout)
    if notebook is None:
        print(f"{path.name} was not saved, because a cell failed.", file=sys.stderr)
        return False
    tidy(notebook)
    part = path.with_suffix(".part")
    nbformat.write(notebook, part)
    os.replace(part, path)
    return True


def execute(path: Path, *, timeout: float = 1800.0, **start):
    """Run a notebook's cells in its folder and return it with new outputs; None, and the error printed, when a cell fails.

    `start` goes to the kernel's start, as in `env={...}`.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    options = {"timeout": timeout, "kernel_name": "python3", "record_timing": False, "store_widget_state": True}
    try:
        return NotebookClient(notebook, resources={"metadata": {"path": str(path.parent)}}, **options).execute(**start)
    except (CellExecutionError, CellTimeoutError) as error:
        print(f"{path.name}: a cell failed:\n{error}", file=sys.stderr)
        return None


def tidy(notebook) -> None:
    """Leave out what tells the machine and not the lesson: the Python's patch version, times, the editor's traces."""
    notebook.metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for key in ("execution", "collapsed", "scrolled", "jupyter"):
            cell.metadata.pop(key, None)


def _digits() -> str:
    from course_utils.data import load_mnist

    return load_mnist(verbose=False).source
