"""The code of others that pages need, out of installed packages: reveal.js and MathJax. None of it is in the repository."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

REVEAL, MATHJAX = "sphinx-revealjs", "sphinx-mathjax-offline"
# package, path inside it -> name in the folder of assets
REVEAL_FILES = {
    "sphinx_revealjs/_static/revealjs/dist/reset.css": "reset.css",
    "sphinx_revealjs/_static/revealjs/dist/reveal.css": "reveal.css",
    "sphinx_revealjs/_static/revealjs/dist/reveal.js": "reveal.js",
    "sphinx_revealjs/_static/revealjs/plugin/notes/notes.js": "notes.js",
    "sphinx_revealjs/_static/revealjs/LICENSE": "reveal.LICENSE",
}
# One file with all that is needed: pictures of formulas as SVG, so no fonts, and MathML beside them for screen readers.
MATHJAX_FILES = {"sphinx-mathjax-offline/static/mathjax/tex-svg.js": "mathjax.js"}


def copy_reveal(folder: Path) -> None:
    """Put reveal.js, its style, the speaker view and its licence into `folder`."""
    _copy(REVEAL, REVEAL_FILES, folder)


def copy_mathjax(folder: Path) -> None:
    """Put MathJax into `folder`, as mathjax.js."""
    _copy(MATHJAX, MATHJAX_FILES, folder)


def _copy(package: str, files: dict[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for inside, name in files.items():
        shutil.copyfile(located(package, inside), folder / name)


def located(package: str, inside: str) -> Path:
    """Where an installed package has a file. FileNotFoundError says what to install."""
    try:
        path = Path(str(distribution(package).locate_file(inside)))
    except PackageNotFoundError:
        path = None
    if path is None or not path.is_file():
        raise FileNotFoundError(f"The package {package} with its file {inside} was expected and is not there: make setup")
    return path
