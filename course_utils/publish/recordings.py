"""Records the trainings of the lessons for `COURSE_RUN=lecture`: `python -m course_utils lecture`.

Each lesson is executed once on each kind of digits, and every training in it is kept with its provenance. A recording is old when
the code that its trainings depend on has changed since: the cells that train, all cells that define what these use, and what all of them reach in our modules.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import json
import os
import platform
import symtable
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import nbformat
import numpy as np

from course_utils.kit import lecture, provenance
from course_utils.kit.measure import SEEDS, _full_data, _surroundings
from course_utils.kit.notebooks import execute
from course_utils.publish.lessons import lessons

KINDS = ("embedded", "full")


def main(arguments: Sequence[str]) -> int:
    """Record what is missing or old; 0 when every lesson ran."""
    parser = argparse.ArgumentParser(prog="python -m course_utils lecture", description=__doc__.splitlines()[0])
    parser.add_argument("--digits", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--all", action="store_true", help="those that are not old, too")
    chosen = parser.parse_args(arguments)
    if "full" in chosen.digits and not _full_data():
        print("Recordings on the full MNIST need a folder with mnist.npz: set COURSE_DATA to it, or add --digits embedded.", file=sys.stderr)
        return 1
    todo = [(path, kind) for path in training_lessons() for kind in chosen.digits if chosen.all or is_old(path, kind)]
    return 0 if all([record(path, kind) for path, kind in todo]) else 1


def training_lessons() -> list[Path]:
    """The lessons that train."""
    return [path for path in lessons() if training_code(path)]


def file_of(path: Path, kind: str) -> Path:
    """The provenance of a lesson's recordings; the arrays lie beside it, as npz."""
    return lecture.FOLDER / f"{path.stem}-{kind}.json"


def is_old(path: Path, kind: str) -> bool:
    """Whether nothing was recorded, or the code has changed since."""
    file = file_of(path, kind)
    return not file.is_file() or json.loads(file.read_text(encoding="utf-8"))["code"] != digest(path)


def record(path: Path, kind: str) -> bool:
    """Execute one lesson and keep its trainings; True when it ran to its end."""
    print(f"{path.stem}, {kind} ...", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        kept = Path(scratch) / "kept"
        kept.mkdir()
        surroundings = _surroundings(kind, SEEDS[0], Path(scratch), Path(scratch) / "lines")
        surroundings = {name: value for name, value in surroundings.items() if name != "COURSE_RECORD"}  # so the bands are checked
        if execute(path, env=surroundings | {"COURSE_RECORD_LECTURE": str(kept)}) is None:
            return False
        write(path, kind, kept)
    return True


def write(path: Path, kind: str, kept: Path) -> None:
    """Put what a run left in `kept` into two files, whole or not at all."""
    runs = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(kept.glob("*.json"))}
    arrays = {}
    for name in runs:
        with np.load(kept / f"{name}.npz", allow_pickle=False) as file:
            arrays |= {key: file[key] for key in file.files}
    provenance = {"lesson": path.stem, "data": kind, "seed": SEEDS[0], "date": datetime.date.today().isoformat(), "python": platform.python_version(),
                  **{package: version(package) for package in ("tensorflow", "keras", "numpy")}, "code": digest(path), "runs": runs}  # fmt: skip
    target = file_of(path, kind)
    target.parent.mkdir(exist_ok=True)
    with open(target.with_suffix(".part"), "wb") as file:
        np.savez_compressed(file, **arrays)
    os.replace(target.with_suffix(".part"), target.with_suffix(".npz"))
    target.with_suffix(".part").write_text(json.dumps(provenance, indent=1) + "\n", encoding="utf-8")
    os.replace(target.with_suffix(".part"), target)


# --- The code that a training depends on ---


def digest(path: Path) -> str:
    """A hash of the code that a lesson's trainings depend on."""
    return provenance.digest(training_code(path))


def training_code(path: Path) -> list[str]:
    """The cells that train, and above each the nearest cells that give it what it uses, and so on."""
    sources = [provenance.python(cell.source) for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    trees = [ast.parse(source) for source in sources]
    names = [given_and_used(source) for source in sources]
    todo = [place for place, tree in enumerate(trees) if called(tree) & trainers(trees)]
    chosen = set(todo)
    while todo:
        place = todo.pop()
        wanted = names[place][1] - names[place][0]
        givers = {max((above for above in range(place) if name in names[above][0]), default=place) for name in wanted}
        more = givers - chosen
        chosen |= more
        todo += more
    return [sources[place] for place in sorted(chosen)]


def trainers(trees: list[ast.Module]) -> set[str]:
    """`train`, and the functions of a lesson that end in a call of it."""
    found = {"train"}
    for node in (node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)):
        found |= {node.name} if called(node) & found else set()
    return found


def called(tree: ast.AST) -> set[str]:
    """The names of the functions that are called."""
    return {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def given_and_used(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell gives to the cells below it, imports left out, and those that it uses, also inside its functions."""
    cell = symtable.symtable(source, "cell", "exec")
    scopes = [cell]
    for scope in scopes:  # it grows while it is read
        scopes += scope.get_children()
    given = {symbol.get_name() for symbol in cell.get_symbols() if symbol.is_assigned() and not symbol.is_imported()}
    return given, {symbol.get_name() for scope in scopes for symbol in scope.get_symbols() if symbol.is_referenced() and (scope is cell or symbol.is_global())}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
