"""Records the long runs of both projects: `python -m course_utils.projects`, or `make projects`.

What is done is kept in `build/projects`; an interrupted command goes on where it was, and only runs whose code changed are made again.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from course_utils.kit import arrays
from course_utils.projects.runs import KEPT, RECORDED, Run, run_all, write_table

# Project -> the module with its function `runs()`.
PROJECTS = {"05_project_rnn_or_cnn": "rnn_or_cnn", "06_project_sentiment": "sentiment"}
# Project -> the data sets that its runs use.
USES = {"05_project_rnn_or_cnn": ("mnist", "fashion_mnist", "cifar10"), "06_project_sentiment": ("imdb",)}


def main(arguments: Sequence[str]) -> int:
    """Make what is missing, then write a table for each project; exit status 0 when every run succeeded."""
    chosen = parser().parse_args(arguments)
    used = [name for project in chosen.projects for name in USES[project]]
    if lacking := missing(used):
        print(f"The long runs use {', '.join(used)}; not here: {', '.join(lacking)}. `python -m course_utils fetch` downloads them, "
              "or set COURSE_DATA to a folder that holds them all.", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever stops this command stops the run that it has begun, too
    try:
        return record([runs_of(project)() for project in chosen.projects])
    except KeyboardInterrupt:
        print("Stopped. What is done is kept: the same command goes on from there.", file=sys.stderr)
        return 130


def missing(used: Sequence[str]) -> list[str]:
    """Those of the data sets that are not on this machine, nor in the folder that COURSE_DATA names."""
    def here(name: str) -> bool:
        try:
            return arrays.locate(name) is not None
        except FileNotFoundError:
            return False

    return [name for name in used if not here(name)]


def record(projects: Sequence[Sequence[Run]], kept: Path = KEPT, tables: Path = RECORDED) -> int:
    """Run each project's runs and write its table when all of them are there; 0 when that holds for every project."""
    return max([_record_one(runs, kept, tables) for runs in projects], default=0)


def _record_one(runs: Sequence[Run], kept: Path, tables: Path) -> int:
    entries, project = run_all(runs, kept), runs[0].project
    if missing := [run.name for run, entry in zip(runs, entries) if entry is None]:
        print(f"{project}: {', '.join(missing)} failed; the recorded table stays as it was. Start the command again to go on.", file=sys.stderr)
        return 1
    print(f"{project}: {len(runs)} runs, written to {write_table(runs, entries, tables)}.")
    return 0


def runs_of(project: str) -> Callable[[], list[Run]]:
    """The function that lists a project's runs."""
    return importlib.import_module(f"course_utils.projects.{PROJECTS[project]}").runs


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    top = argparse.ArgumentParser(prog="python -m course_utils.projects", description=__doc__.splitlines()[0])
    top.add_argument("projects", nargs="*", default=list(PROJECTS), metavar="project", type=_project, help=f"of {', '.join(PROJECTS)}; default: both")
    return top


def _project(name: str) -> str:
    if name not in PROJECTS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(PROJECTS)}; received {name}")
    return name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
