"""Long runs, one after the other: each in a process of its own, each result kept at once, so that a call goes on where the last one stopped.

Why a process each: what TensorFlow has built and reserved for one network must not slow down the next, or the order of the runs would
stand in the timings.
"""

from __future__ import annotations

import ast
import datetime
import hashlib
import inspect
import json
import multiprocessing
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from course_utils.kit import provenance as code
from course_utils.kit.jupyter import KERNEL_ENV, USUAL_THREADS

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "projects"
RECORDED = Path(__file__).with_name("recorded")
PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn")


class Run(NamedTuple):
    """One long run.

    Attributes:
        project: the project's notebook without its ending, such as ``"05_project_rnn_or_cnn"``; names the folder and the table.
        name: names the result; unique in its project, letters, digits, ``-`` and ``_`` only.
        make: called without arguments in a new process; returns a dict of plain values, as JSON holds them. A function at the top of
            a module, or `functools.partial` of one with plain arguments.
        seconds: about how long it takes on two cores; only the progress bar uses it.
    """

    project: str
    name: str
    make: Callable[[], dict]
    seconds: float = 10.0


def run_all(runs: Sequence[Run], kept: Path = KEPT) -> list[dict | None]:
    """Make what is not kept yet, with a progress bar; a run that fails is named, and the rest goes on.

    Returns:
        One dict for each run, in the same order: ``run``, ``code`` (see `digest`), ``seconds``, ``recorded`` (machine, versions, date)
        and ``result``; None for a run that failed.

    Raises:
        ValueError: two runs share a name, a name does not fit a file, or ``make`` cannot be called in another process.
    """
    from tqdm import tqdm

    _check(runs)
    found = [read_kept(run, kept) for run in runs]
    done = sum(run.seconds for run, entry in zip(runs, found) if entry)
    layout = "{percentage:3.0f}%|{bar}| {desc} [{elapsed}, about {remaining} left]"
    with tqdm(total=sum(run.seconds for run in runs), initial=done, bar_format=layout, file=sys.stderr, dynamic_ncols=True) as bar:
        for place, run in enumerate(runs):
            if found[place] is None:
                bar.set_description_str(f"{run.name} ({place + 1} of {len(runs)})")
                found[place] = _make_and_keep(run, kept, say=bar.write, refresh=bar.refresh)
                bar.update(run.seconds)
    return found


def write_table(runs: Sequence[Run], entries: Sequence[dict], folder: Path = RECORDED) -> Path:
    """Write the results of one project's runs as one file, whole or not at all; returns its path.

    What a table holds: ``recorded`` (each of machine, versions and date; a list where the runs differ), ``seconds`` of all runs
    together, and ``runs``: name -> ``code``, ``seconds``, ``result``.
    """
    (project,) = {run.project for run in runs}
    recorded = {key: _one_or_all([entry["recorded"].get(key) for entry in entries]) for key in entries[0]["recorded"]}
    rows = {entry["run"]: {key: entry[key] for key in ("code", "seconds", "result")} for entry in entries}
    table = {"project": project, "recorded": recorded, "seconds": round(sum(entry["seconds"] for entry in entries)), "runs": rows}
    folder.mkdir(parents=True, exist_ok=True)
    return _write(folder / f"{project}.json", table)


def read_table(project: str, folder: Path = RECORDED) -> dict:
    """The recorded results of a project, as `write_table` says.

    Raises:
        FileNotFoundError: nothing is recorded yet; the message names the command.
    """
    file = folder / f"{project}.json"
    if not file.is_file():
        raise FileNotFoundError(f"Expected the recorded results of {project} in {file}, but there is no such file. "
                                "`make projects` records them (up to an hour); it needs the full data sets.")
    return json.loads(file.read_text(encoding="utf-8"))


def provenance() -> dict:
    """Date, machine and versions, as far as they bear on a result."""
    return {"date": datetime.date.today().isoformat(), "machine": code.processor(), "cores": os.cpu_count(), "python": platform.python_version(),
            **{package: version(package) for package in PACKAGES}}  # fmt: skip


# --- One run ---


def read_kept(run: Run, kept: Path = KEPT) -> dict | None:
    """The kept entry of a run; None if there is none, its code has changed since, or the file is damaged."""
    try:
        entry = json.loads(_file(run, kept).read_text(encoding="utf-8"))
        whole = (entry["run"], entry["code"]) == (run.name, digest(run)) and isinstance(entry["result"], dict) and {"seconds", "recorded"} <= set(entry)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return entry if whole else None


def _make_and_keep(run: Run, kept: Path, say: Callable[[str], None], refresh: Callable[[], None]) -> dict | None:
    file = _file(run, kept)
    file.parent.mkdir(parents=True, exist_ok=True)
    log = file.with_suffix(".log")
    process = multiprocessing.get_context("spawn").Process(target=_child, args=(run, file, log), daemon=False)
    with _surroundings():
        process.start()
    try:
        while process.is_alive():
            process.join(timeout=1.0)
            refresh()  # or the clock would stand still for a minute
    finally:
        if process.is_alive():  # we were interrupted: nothing half done goes on behind our back
            process.kill()
            process.join()
    entry = read_kept(run, kept) if process.exitcode == 0 else None
    if entry is None:
        say(f"{run.name} failed, exit status {process.exitcode}. Its last words (all of them: {log}):\n{_tail(log)}")
    return entry


def _child(run: Run, file: Path, log: Path) -> None:
    """What the new process does: everything printed goes into `log`, the result into `file`."""
    with open(log, "w", encoding="utf-8") as words:
        os.dup2(words.fileno(), 1)
        os.dup2(words.fileno(), 2)
        try:
            start = time.perf_counter()
            result = run.make()
            entry = {"run": run.name, "code": digest(run), "seconds": round(time.perf_counter() - start, 1),
                     "recorded": provenance(), "result": result}  # fmt: skip
            _write(file, entry)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)


class _surroundings:
    """The variables that a kernel of the course would have; what is set already stays."""

    def __enter__(self):
        self.new = {name: value for name, value in (KERNEL_ENV | USUAL_THREADS).items() if name not in os.environ}
        os.environ.update(self.new)

    def __exit__(self, *error):
        for name in self.new:
            del os.environ[name]


def _write(file: Path, value: dict) -> Path:
    text = json.dumps(value, indent=1, allow_nan=False) + "\n"  # a NaN is no result, and no JSON
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, file)
    return file


def _file(run: Run, kept: Path) -> Path:
    return kept / run.project / f"{run.name}-{digest(run)}.json"


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) if log.is_file() else "(none)"


def _check(runs: Sequence[Run]) -> None:
    seen = set()
    for run in runs:
        if not run.name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"name: expected letters, digits, - and _ only, received {run.name!r}.")
        if (run.project, run.name) in seen:
            raise ValueError(f"name: expected each name once in a project, received {run.name!r} twice.")
        if "<" in _function(run).__qualname__:
            raise ValueError(f"make: expected a function at the top of a module, or functools.partial of one, for {run.name}.")
        seen.add((run.project, run.name))


def _one_or_all(values: list):
    different = sorted(set(values), key=str)
    return different[0] if len(different) == 1 else different


# --- The code that a result depends on ---


def digest(run: Run) -> str:
    """A hash of a run's arguments and of the code that makes it, without comments, docstrings and layout.

    The code: the function and what it reaches, in its own module, in what that imports of this folder, and in the modules at the
    heart of the course. `runs` itself is left out; it changes no result.
    """
    function = _function(run)
    arguments = (run.make.args, sorted(run.make.keywords.items())) if isinstance(run.make, partial) else ()
    modules = _modules(Path(inspect.getfile(function)))
    reached = _reached(function.__name__, tuple(modules), tuple(map(_read, modules)))
    return hashlib.sha256(f"{arguments!r}\0{reached}".encode()).hexdigest()[:16]


def _function(run: Run) -> Callable:
    return run.make.func if isinstance(run.make, partial) else run.make


def _modules(file: Path) -> list[Path]:
    files = [file]
    for file in files:  # it grows while it is read
        files += [found for name in _imported(_read(file)) if (found := _here(name)) and found not in files]
    return files + [code.PACKAGE / name for name in code.MODULES]


@lru_cache
def _reached(name: str, modules: tuple[Path, ...], texts: tuple[str, ...]) -> str:
    """`texts` are what stands in the modules, so that a changed one is read again."""
    return "\0".join(ast.unparse(node) for node in code.definitions({name}, modules))


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@lru_cache
def _imported(text: str) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return sorted(names)


def _here(name: str) -> Path | None:
    """The file of a module of this folder; None for all others, and for this module."""
    folder, _, module = name.rpartition(".")
    file = Path(__file__).with_name(f"{module}.py")
    return file if folder == __package__ and file.is_file() and file != Path(__file__) else None
