"""Makes one reveal.js deck a lesson, which opens from a file without a network: `python -m course_utils slides`."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbconvert.exporters import SlidesExporter
from nbformat import NotebookNode

from course_utils.publish import assets
from course_utils.publish.deck import blocks, lecture, slide_type
from course_utils.publish.lessons import NOTEBOOKS, ROOT, STATE, LessonFault, lessons, read_lesson

FOLDER = ROOT / "build" / "slides"
TEMPLATE = Path(__file__).parent / "template"
OURS = ("deck.css", "deck.js", "pictures.css")  # in the template's folder
MOUNT = Path(__file__).parent / "mount.js"


class DeckExporter(SlidesExporter):
    """nbconvert's slides with our template: code hidden, fragments as blocks, no code from other hosts."""

    template_name = "unrolled"
    extra_template_basedirs = [str(TEMPLATE)]

    def from_notebook_node(self, nb: NotebookNode, resources=None, **kw):
        nb = prepared(nb, (resources or {}).get("pages", {}))
        return super().from_notebook_node(nb, resources, **kw)


def prepared(notebook: NotebookNode, pages: dict[str, str]) -> NotebookNode:
    """The notebook with its slides' blocks in the metadata of its cells; cells with nothing to show or say are gone."""
    kept, opens, waits, before = [], None, None, None
    for number, cell in enumerate(notebook.cells):
        kind = slide_type(cell, before)
        before = before if kind == "skip" else cell
        waits = number if kind == "fragment" else waits if kind in ("-", "skip") else None  # - goes on with what waits for a key
        opens = kind if kind in ("slide", "subslide") and opens != "slide" else opens
        for kind, part in parts(cell, kind, pages) if kind != "skip" else ():
            waits = None if kind in ("slide", "subslide") else waits
            part.metadata["slideshow"], part.metadata["deck"]["fragment"] = {"slide_type": opens or kind}, waits
            kept.append(part)
            opens = None  # a cell with nothing to show or say leaves it to the next
    notebook.cells = kept
    return notebook


def parts(cell: NotebookNode, kind: str, pages: dict[str, str]) -> Iterator[tuple[str, NotebookNode]]:
    """A cell as what stands on slides: a heading in the midst of a text opens a slide of its own, and so does each further view
    of a picture. Notes go with the last part."""
    shown, spoken = blocks(cell, pages)
    starts = [place for place in range(1, len(shown)) if opens_slide(shown[place], shown[place - 1])]
    for start, end in zip([0, *starts], [*starts, len(shown)]):
        part = NotebookNode(cell)
        part.metadata = NotebookNode(cell.metadata)
        part["id"] = f"{cell.id}-{start}" if start else cell.id
        last = end == len(shown)
        part.metadata["deck"] = {"cell": cell.id, "blocks": shown[start:end], "spoken": spoken if last else [], "notes": lecture(cell)["notes"] if last else {}}
        if shown or spoken:
            yield kind if not start else "slide" if shown[start].startswith(("<h1", "<h2")) else "subslide", part


def opens_slide(block: str, before: str) -> bool:
    """Whether a block in the midst of a cell begins a slide."""
    return is_heading(block) and not is_heading(before) or "data-view=" in block and "data-view=" in before


def is_heading(block: str) -> bool:
    """Whether a block is a heading."""
    return re.match("<h[1-6]", block) is not None


def make_decks(notebooks: Sequence[Path], folder: Path = FOLDER) -> list[Path]:
    """Write a deck for each notebook, a page that lists them, and what they share; an older folder is replaced whole.

    Raises:
        LessonFault: a lesson cannot be shown as it is; nothing was written.
        FileNotFoundError: a package that brings reveal.js or MathJax is not installed.
    """
    pages = {path.name: f"{path.stem}.html" for path in notebooks}
    decks = {pages[path.name]: deck(path, pages) for path in notebooks}
    new = folder.with_name(folder.name + ".part")
    shutil.rmtree(new, ignore_errors=True)
    copy_assets(new / "assets", notebooks)
    for name, (_, text) in decks.items():
        (new / name).write_text(text, encoding="utf-8")
    (new / "index.html").write_text(index({name: title for name, (title, _) in decks.items()}), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(new, folder)
    return [folder / name for name in decks]


def deck(path: Path, pages: dict[str, str]) -> tuple[str, str]:
    """The title of a lesson and the page with its slides."""
    notebook = read_lesson(path)
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    state = notebook.metadata.get("widgets", {}).get(STATE, {"state": {}})
    alive = {key: model for key, model in state["state"].items() if "_esm" in model["state"]}
    saved = json.dumps({"state": alive}).replace("</", "<\\/")
    body, _ = DeckExporter().from_notebook_node(notebook, {"pages": pages, "title": title, "saved": saved if alive else ""})
    return title, body


def copy_assets(folder: Path, notebooks: Sequence[Path]) -> None:
    """What all decks share; figures keep their place beside the pages, as they have it beside the notebooks."""
    assets.copy_reveal(folder)
    assets.copy_mathjax(folder)
    for path in (MOUNT, *(TEMPLATE / "unrolled" / name for name in OURS)):
        shutil.copyfile(path, folder / path.name)
    for figures in {path.parent / "figures" for path in notebooks}:
        if figures.is_dir():
            shutil.copytree(figures, folder.parent / "figures", dirs_exist_ok=True)


def index(decks: dict[str, str]) -> str:
    """A plain page with a link to each deck."""
    lines = "\n".join(f'<li><a href="{name}">{title}</a></li>' for name, title in decks.items())
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Unrolled: slides</title>'
            f'<link rel="stylesheet" href="assets/deck.css"></head>\n<body class="contents"><main><h1>Unrolled: slides</h1>\n'
            f"<p>Press S for the speaker's view, F for the full screen, Esc for all slides.</p>\n<ul>\n{lines}\n</ul></main></body></html>\n")


def main(arguments: Sequence[str]) -> int:
    """Make the decks, and with --pdf a handout of each; 0 when all went well."""
    parser = argparse.ArgumentParser(prog="python -m course_utils slides", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="lessons; default: all of them")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write, replaced whole")
    parser.add_argument("--pdf", action="store_true", help="print each deck as PDF too (needs Chromium)")
    chosen = parser.parse_args(arguments)
    try:
        decks = make_decks(chosen.notebooks or lessons(NOTEBOOKS), chosen.folder)
        print(f"{len(decks)} decks: open {chosen.folder / 'index.html'}")
        if chosen.pdf:
            from course_utils.publish import handout

            for path in handout.print_decks(decks):
                print(f"{path.name} is in {path.parent}")
    except (LessonFault, FileNotFoundError) as error:
        print(f"The slides were not made.\n{error}", file=sys.stderr)
        return 1
    return 0
