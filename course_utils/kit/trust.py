"""Signs the lessons as they come with the course, so that JupyterLab shows their saved pictures before anything is run.

Jupyter shows saved widgets only of notebooks whose content it has signed, because a notebook of somebody else's could carry
any script. The lessons come in one piece with this package, whose code runs anyway. So a lesson whose content is the recorded
one, to the last output, is signed; one that was changed, or put in its place, is not. What is run here, Lab signs by itself.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path(__file__).with_name("lessons.json")


def lessons() -> list[Path]:
    """The lessons of this folder, without the exercises."""
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def digest(path: Path) -> str:
    """SHA-256 of what is in a notebook, the same for every way to break its lines; empty when it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def record() -> None:
    """Write down the lessons as they are now: `make notebooks` does, and `python -m course_utils.kit.trust` (maintainers)."""
    digests = {path.name: digest(path) for path in lessons()}
    RECORD.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")


def unchanged(paths: list[Path]) -> list[Path]:
    """Those of the notebooks that are lessons with the recorded content."""
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    return [path for path in paths if digest(path) == recorded.get(path.name, "none")]


def sign_lessons(data_dir: str | None = None) -> list[Path]:
    """Sign the unchanged lessons in Jupyter's data folder (default: the user's) and return them.

    None are returned where that folder cannot be written: Lab then shows the pictures' stills until a lesson is run.
    """
    import nbformat
    from jupyter_core.paths import jupyter_data_dir
    from nbformat.sign import NotebookNotary

    found = unchanged(lessons())
    folder = Path(data_dir or jupyter_data_dir())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NotebookNotary(data_dir=str(folder)) as notary:
            for path in found:
                notary.sign(nbformat.read(path, as_version=4))
    except (OSError, sqlite3.Error):
        return []
    return found


if __name__ == "__main__":
    record()
