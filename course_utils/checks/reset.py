"""Starts an exercise afresh: its prompts come back, and what was written so far is kept in a file beside it."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

from course_utils.checks import TASKS

RELEASE = Path(__file__).resolve().parents[2] / "notebooks" / "exercises" / "release"


def exercise(lesson: str) -> Path:
    """The notebook in which a student works."""
    return RELEASE / lesson / f"{lesson}.ipynb"


def untouched(lesson: str) -> Path:
    """The same notebook as it was handed out. In a folder that Jupyter does not show, so that nobody works in it."""
    return RELEASE / ".untouched" / f"{lesson}.ipynb"


def main(name: str) -> int:
    """Reset the exercise of a lesson and say what happened; returns 0, or 1 after a sentence on stderr.

    Args:
        name: of the lesson, such as "01_rnn_formula"; "01" will do.
    """
    try:
        print(reset(lesson_of(name)))
    except (ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"The exercise was not reset, because {error.filename} cannot be written: {error.strerror}. Your answers are as they were.", file=sys.stderr)
    else:
        return 0
    return 1


def lesson_of(name: str) -> str:
    """The lesson whose name begins with `name`; ValueError when there is none, or more than one."""
    found = [lesson for lesson in TASKS if lesson.startswith(name)]
    if len(found) != 1:
        raise ValueError(f"lesson: expected one of {', '.join(TASKS)}; received {name!r}.")
    return found[0]


def reset(lesson: str) -> str:
    """Put the untouched exercise in place of the student's, which is kept beside it. Returns a sentence that says so.

    Raises:
        FileNotFoundError: the untouched exercise is missing.
        OSError: the folder cannot be written; then nothing was changed.
    """
    mine, clean = exercise(lesson), untouched(lesson)
    if not clean.is_file():
        raise FileNotFoundError(f"The untouched exercise was expected at {clean} and is not there. Unpack the course again, or type `make exercises` where there is one.")
    if not mine.is_file():
        replace(clean, mine)
        return f"There was no exercise at {mine}; now there is one."
    if not has_answers(mine, clean):
        return f"Nothing to reset: {mine} holds no answer of yours."
    kept = keep(mine)
    replace(clean, mine)
    return f"{mine} is as it was at first. Your answers are kept in {kept}.\nIs it open in JupyterLab? Then choose File, Reload Notebook from Disk."


def has_answers(mine: Path, clean: Path) -> bool:
    """Whether the cells differ from the untouched ones. Outputs and empty cells do not count; a file nobody can read does."""
    try:
        return cells(mine) != cells(clean)
    except Exception:  # nbformat raises many kinds for a broken file; whatever it holds may be an answer
        return True


def cells(path: Path) -> list[tuple[str, str]]:
    """Kind and text of each cell that is not empty."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    return [(cell.cell_type, cell.source.strip()) for cell in notebook.cells if cell.source.strip()]


def keep(path: Path) -> Path:
    """Copy a file beside itself under a name with the time, and return the copy's path."""
    stem = f"{path.stem}_kept_{datetime.now():%Y-%m-%d_%H%M%S}"
    names = (f"{stem}{'' if k == 1 else f'_{k}'}{path.suffix}" for k in range(1, 1000))
    kept = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    shutil.copy2(path, kept)
    return kept


def replace(source: Path, target: Path) -> None:
    """Write a copy of a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    shutil.copyfile(source, part)
    os.replace(part, target)
