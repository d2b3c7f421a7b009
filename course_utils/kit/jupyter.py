"""Sets up Jupyter inside the course's own environment, and opens JupyterLab."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST_LESSON = "notebooks/00_start_here.ipynb"

# What every kernel of the course starts with. TensorFlow's C++ part writes time-stamped lines otherwise.
KERNEL_ENV = {"TF_CPP_MIN_LOG_LEVEL": "3"}
# What TensorFlow takes unless these variables are set already. The lessons train on two halves of a batch side by side,
# and on two cores one thread for each half is about a tenth faster than TensorFlow's own choice, where both halves fight
# for both cores. On a larger machine this leaves all but two cores idle: set your own numbers before Jupyter starts.
USUAL_THREADS = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2"}
# Text that C libraries write past Python goes to the terminal, not into a lesson; Python's own stderr still shows.
# This module is also the extension that sets the threads: a kernel's own `env` would overrule what is set already.
KERNEL_ARGUMENTS = ["--IPKernelApp.capture_fd_output=False", f"--IPKernelApp.extra_extensions={__name__}"]

LAB_SETTINGS = {
    # No question about news at the first start, and no request to a news or update server.
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    # All cells stay in the page: cells that are taken out while scrolling lose canvases and make the page jump.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "defer"},
    # A guess, a drawn digit, a forced gate: what was done with a picture is saved with the notebook.
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
}

# A plugin of the course's own, so that no saved picture is missed while a kernel starts; the file says more.
PLUGIN = Path(__file__).with_name("saved_pictures.js")
PLUGIN_PACKAGE = {"name": "unrolled", "version": "1.0.0", "jupyterlab": {"extension": True, "_build": {"load": f"static/{PLUGIN.name}", "extension": "./extension"}}}

# nbgrader comes along for instructors. A student's Lab shows nothing of it, and no server starts its parts unasked:
# `python -m course_utils.grading formgrader` does.
LAB_PAGE = {"disabledExtensions": {"@jupyter/nbgrader": True}}
NBGRADER_PARTS = ("formgrader", "validate_assignment", "assignment_list", "course_list")
SERVER_SETTINGS = {"ServerApp": {"jpserver_extensions": {f"nbgrader.server_extensions.{part}": False for part in NBGRADER_PARTS}}}


def set_up(prefix: Path | None = None) -> int:
    """Write the kernel and the settings into the environment at `prefix` (this one); returns 0, or 1 after a sentence."""
    if prefix is None and not is_environment():
        print(
            f"An environment of the course's own was expected, but {sys.executable} is the system's Python, which is left "
            "as it is. Run `make lab`, or activate .venv or the conda environment first.",
            file=sys.stderr,
        )
        return 1
    share = Path(prefix or sys.prefix) / "share" / "jupyter"
    write_json(share / "kernels" / "python3" / "kernel.json", kernel_spec())
    settings = share / "lab" / "settings" / "overrides.json"
    write_json(settings, {**read_json(settings), **LAB_SETTINGS})
    write_plugin(share / "labextensions" / PLUGIN_PACKAGE["name"])
    etc = Path(prefix or sys.prefix) / "etc" / "jupyter"
    for path, ours in ((etc / "labconfig" / "page_config.json", LAB_PAGE), (etc / "jupyter_server_config.json", SERVER_SETTINGS)):
        write_json(path, merged(read_json(path), ours))
    return 0


def write_plugin(folder: Path) -> None:
    """Lay the plugin where JupyterLab and Notebook look for extensions."""
    write_json(folder / "package.json", PLUGIN_PACKAGE)
    (folder / "static").mkdir(exist_ok=True)
    shutil.copyfile(PLUGIN, folder / "static" / PLUGIN.name)


def load_ipython_extension(ipython) -> None:
    """Called by IPython at the start of every kernel: set the usual threads where nothing else is set."""
    for name, number in USUAL_THREADS.items():
        os.environ.setdefault(name, number)


def is_environment() -> bool:
    """Whether this Python is a virtual environment or one of conda's (Binder's is one)."""
    return sys.prefix != sys.base_prefix or (Path(sys.prefix) / "conda-meta").is_dir()


def kernel_spec() -> dict:
    """The python3 kernel of ipykernel, with the course's variables and arguments."""
    from ipykernel.kernelspec import get_kernel_dict

    spec = get_kernel_dict(extra_arguments=KERNEL_ARGUMENTS)
    # Jupyter puts the interpreter it runs in for the bare name, so the file names no path and the folder may move.
    return {**spec, "argv": ["python", *spec["argv"][1:]], "env": KERNEL_ENV}


def is_set_up() -> bool:
    """Whether the kernel that Jupyter would start in this environment is the course's."""
    spec = read_json(Path(sys.prefix) / "share" / "jupyter" / "kernels" / "python3" / "kernel.json")
    return spec.get("env") == KERNEL_ENV and set(KERNEL_ARGUMENTS) <= set(spec.get("argv", []))


def merged(there: dict, ours: dict) -> dict:
    """Both; ours where both have a value, and objects inside joined in the same way."""
    both = {key: merged(there[key], value) if isinstance(value, dict) and isinstance(there.get(key), dict) else value for key, value in ours.items()}
    return {**there, **both}


def read_json(path: Path) -> dict:
    """The object in a JSON file; an empty one when the file is missing or broken."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)


def lab(arguments: list[str], *, timeout: float = 20.0) -> int:
    """Try once to fetch the full data, sign the lessons, then run JupyterLab at the first one until it is stopped."""
    from jupyterlab.labapp import main

    from course_utils.kit.trust import sign_lessons

    make_data_folder_absolute()
    fetch_once(timeout)
    sign_lessons()
    # The whole checkout is the root, so that a lesson's links to the README and to other lessons work.
    options = [f"--ServerApp.root_dir={ROOT}"]
    if (ROOT / FIRST_LESSON).is_file():
        # As an address and not as a file to open, so that it also stands in the link that the terminal shows.
        options.append(f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}")
    main(options + arguments)
    return 0


def make_data_folder_absolute() -> None:
    """Kernels run in notebooks/: a COURSE_DATA given from where the command was typed must still lead there."""
    if os.environ.get("COURSE_DATA"):
        os.environ["COURSE_DATA"] = str(Path(os.environ["COURSE_DATA"]).expanduser().resolve())


def fetch_once(timeout: float, marker: Path | None = None) -> None:
    """Fetch MNIST when only the embedded digits are there; one try per environment, and a failure stops nothing."""
    from course_utils.data import load_mnist
    from course_utils.kit.fetch import fetch

    marker = marker or Path(sys.prefix) / "unrolled-fetch-tried"
    if marker.exists() or load_mnist(verbose=False).is_full:
        return
    marker.write_text("`make lab` tried once to fetch the full data; `make data` tries again.\n", encoding="utf-8")
    print(f"Fetching the full MNIST once (at most {timeout:.0f} seconds without an answer) ...", flush=True)
    if fetch(("mnist",), timeout=timeout) != 0:
        print("Going on without it: the lessons run on the embedded digits. `make data` tries again.", flush=True)
