"""Makes the course's site from the saved lessons and the pages in docs/: `python -m course_utils site`. It opens from a file.

The pages are laid out in a folder as they lie in the repository, so links between them stay as they are. Lessons are never run
again: their outputs are taken over, pictures with their words, and interactive ones come alive in the reader's browser.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4

from course_utils.kit.environment import project
from course_utils.publish import assets
from course_utils.publish.deck import METER, figure, html_block
from course_utils.publish.glossary import glossary
from course_utils.publish.lessons import ROOT, STATE, VIEW, LessonFault, is_project, lessons, projects, read_lesson
from course_utils.publish.slides import MOUNT

FOLDER = ROOT / "build" / "site"
DOCS = ROOT / "docs"
PAGES = {"README.md": "About it", "CONTRIBUTING.md": "Working on the course", "CHANGELOG.md": "Changes"}  # beside those of docs/
FILES = ("LICENSE", "LICENSE-CONTENT", "CITATION.cff")  # that pages link to
NO_PAGES = ("index.md", "conf.py", "site.css")  # of docs/: these have their own place
EXERCISES = "exercises/release"
# A formula that is wider than the page can be moved by keys as well.
START = """addEventListener("load", async () => {
  await Promise.all([Unrolled.mountAll(), window.MathJax?.startup?.promise]);
  for (const formula of document.querySelectorAll("mjx-container, .pst-scrollable-table-container"))
    if (formula.scrollWidth > formula.clientWidth || formula.scrollHeight > formula.clientHeight) formula.tabIndex = 0;
  document.documentElement.dataset.site = "ready";
});
"""


def make_site(folder: Path = FOLDER, notebooks: Sequence[Path] | None = None, address: str | None = None) -> list[str]:
    """Write the site and return Sphinx's warnings, which are none when all links resolve; an older site is replaced whole.

    Args:
        folder: where to write.
        notebooks: lessons and projects; all of them by default.
        address: where the repository is for everybody; by default what pyproject.toml says, and without it no launch buttons.

    Raises:
        LessonFault: a lesson cannot be shown as it is; nothing was written.
    """
    sources, new = folder.with_name(folder.name + "-sources"), folder.with_name(folder.name + ".part")
    for old in (sources, new):
        shutil.rmtree(old, ignore_errors=True)
    lay_out(sources, list(notebooks or [*lessons(), *projects()]))
    warnings = run_sphinx(sources, new, address or public_address())
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(new, folder)
    return warnings


def public_address() -> str | None:
    """Where the repository is for everybody: `Repository` in the table project.urls of pyproject.toml; None while it is not there."""
    return project().get("urls", {}).get("Repository")


# --- The pages, laid out ---


def lay_out(folder: Path, notebooks: list[Path]) -> None:
    """Write all that Sphinx reads into `folder`."""
    folder.mkdir(parents=True)
    for path in notebooks:
        write(folder / "notebooks" / path.name, nbformat.writes(shown(read_lesson(path))))
    for figures in {path.parent / "figures" for path in notebooks}:
        if figures.is_dir():
            shutil.copytree(figures, folder / "notebooks" / "figures", dirs_exist_ok=True)
    exercises = {path.stem: text for path in notebooks if (text := exercise_page(path.stem))}
    for lesson, text in exercises.items():
        write(folder / "notebooks" / EXERCISES / lesson / f"{lesson}.md", text)
    for path in [ROOT / name for name in (*PAGES, *FILES)] + sorted(DOCS.rglob("*")):
        if path.is_file() and path.name not in NO_PAGES:
            copy(path, folder / path.relative_to(ROOT))
    write(folder / "glossary.md", glossary(notebooks))
    write(folder / "index.md", index_page(notebooks, list(exercises)))
    shutil.copyfile(DOCS / "conf.py", folder / "conf.py")
    lay_out_scripts(folder / "_static")


def write(path: Path, text: str) -> None:
    """A text file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def copy(path: Path, target: Path) -> None:
    """A file as it is, with the folders above it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)


def lay_out_scripts(folder: Path) -> None:
    """What pages load: MathJax, what brings the pictures to life, and our part of the style."""
    assets.copy_mathjax(folder)
    for path in (MOUNT, DOCS / "site.css"):
        shutil.copyfile(path, folder / path.name)
    write(folder / "start.js", START)


def shown(notebook: NotebookNode) -> NotebookNode:
    """A lesson with its outputs as HTML where that says more: pictures with their words, and the saved state of live ones."""
    state = notebook.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    alive = {key: model for key, model in state.items() if "_esm" in model["state"]}
    for cell in notebook.cells:
        cell.metadata.pop("lecture", None)
        if cell.cell_type == "markdown":
            cell.source = re.sub(rf"\]\(({EXERCISES}/[^)]*)\.ipynb\)", r"](\1.md)", cell.source)
        else:
            cell.outputs = [shown_output(output) for output in cell.outputs if is_shown(output)]
    if alive:
        saved = json.dumps({"state": alive}).replace("</", "<\\/")
        last = next(cell for cell in reversed(notebook.cells) if cell.cell_type == "code")
        last.outputs.append(html_output(f'<script type="{STATE}">{saved}</script>'))
    return notebook


def is_shown(output: NotebookNode) -> bool:
    """Whether an output is anything to see: no style sheet alone, no empty place, no meter of a training that is over."""
    data = output.get("data", {})
    if VIEW in data:
        return True
    if "text/html" in data:
        return bool(html_block(data["text/html"]))
    return output.output_type == "stream" or "image/png" in data or bool(data.get("text/plain", "").strip()) and not METER.match(data["text/plain"])


def shown_output(output: NotebookNode) -> NotebookNode:
    """A picture as HTML with its text alternative, which no other form carries to the page; all else as it is."""
    data = output.get("data", {})
    if "image/png" not in data and VIEW not in data:
        return output
    return html_output(figure(data, " ".join(output.metadata.get("image/png", {}).get("alt", "").split()), ""))


def html_output(text: str) -> NotebookNode:
    return v4.new_output("display_data", {"text/html": text})


def exercise_page(lesson: str) -> str:
    """The exercises of a lesson as a page to read, without answers; empty when it has none."""
    from course_utils.grading import exercises
    from course_utils.grading.release import release_notebook

    if lesson not in exercises.lessons():
        return ""
    cells = release_notebook(lesson).cells
    return "\n\n".join(cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```" for cell in cells) + "\n"


def index_page(notebooks: list[Path], exercises: list[str]) -> str:
    """docs/index.md, which becomes the first page, with the table of contents of all."""
    text = re.sub(r"\]\((?!https?:|#)([^)]+)\)", lambda link: f"]({os.path.normpath(os.path.join('docs', link[1]))})", (DOCS / "index.md").read_text(encoding="utf-8"))
    teaching = [f"docs/{path.stem}" for path in sorted(DOCS.glob("*.md"), key=lambda path: (path.stem != "instructor", path.stem)) if path.stem != "index"]
    pages = {kind: [f"notebooks/{path.stem}" for path in notebooks if is_project(path) == kind] for kind in (False, True)}
    trees = {"Lessons": pages[False] + ["glossary"], "Projects": pages[True], "Exercises": [f"notebooks/{EXERCISES}/{name}/{name}" for name in exercises],
             "Teaching": teaching, "The repository": [f"{title} <{Path(name).stem}>" for name, title in PAGES.items()]}  # fmt: skip
    return text + "".join(f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```\n" for caption, names in trees.items() if names)


# --- Sphinx ---


def run_sphinx(sources: Path, folder: Path, address: str | None) -> list[str]:
    """Build the pages and return the warnings."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    said = io.StringIO()
    with patch_docutils(str(sources)), docutils_namespace(), contextlib.redirect_stderr(said):
        app = Sphinx(sources, sources, folder, sources / ".doctrees", "html", confoverrides=launch(address), status=None, warning=said, freshenv=True)
        app.build()
    shutil.rmtree(sources / ".doctrees", ignore_errors=True)
    return [line for line in re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()).splitlines() if "WARNING" in line or "ERROR" in line]


def launch(address: str | None) -> dict:
    """Settings for launch buttons: Binder, and Colab where it can reach the repository; none without an address."""
    if not address:
        return {}
    colab = {"colab_url": "https://colab.research.google.com"} if address.startswith("https://github.com/") else {}
    return {f"html_theme_options.{name}": value for name, value in {
        "repository_url": address.rstrip("/"), "repository_branch": "main", "path_to_docs": "",
        "launch_buttons": {"notebook_interface": "jupyterlab", "binderhub_url": "https://mybinder.org", **colab}}.items()}  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Make the site; 0 when all went well, 1 after a sentence when a lesson cannot be shown or a link leads nowhere."""
    parser = argparse.ArgumentParser(prog="python -m course_utils site", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write, replaced whole")
    chosen = parser.parse_args(arguments)
    try:
        warnings = make_site(chosen.folder)
    except (LessonFault, FileNotFoundError) as error:
        print(f"The site was not made.\n{error}", file=sys.stderr)
        return 1
    if warnings:
        print("The site has faults:\n" + "\n".join(warnings), file=sys.stderr)
        return 1
    print(f"Open {chosen.folder / 'index.html'}")
    return 0
