"""What a cell is on a slide: which slide it opens, which blocks of it are shown, and what only the speaker reads.

A cell says it in its metadata, and what it does not say has a default:

- ``slideshow.slide_type``: slide, subslide, fragment, skip or - (goes on), as JupyterLab's sidebar writes it.
- ``lecture.code``: true shows the code; else only the outputs are shown.
- ``lecture.outputs``: "all" are shown, or the "text" alone, or the text and the "last" picture.
- ``lecture.prose``: "all" paragraphs are shown, or the "first" below each heading and a last line that leads to the next cell with
  a colon, or "none"; the others go to the speaker's notes. Headings, lists, tables, formulas, pictures and predictions are always
  shown.
- ``lecture.views``: the parts of an interactive picture that is too much for one slide; each gets a slide of its own, and they
  stay one picture. ``pictures.css`` says what belongs to a part.
- ``lecture.notes``: minutes, misconception, refuted_by (a cell's id) and question.

How a result lies in its band is for the speaker: it stands in the notes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from course_utils.publish.lessons import VIEW

TYPES = ("slide", "subslide", "fragment", "skip", "-")
PREDICT = "**Predict.**"
METER = re.compile(r"^\s*\d+%\|")  # how long a training took on the machine that saved it
BAND = re.compile(r"^.*; the band of five recorded runs goes from .*$\n?", flags=re.MULTILINE)  # as course_utils.runs says it
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def slide_type(cell: NotebookNode, before: NotebookNode | None = None) -> str:
    """What the cell's metadata says, else a default.

    A heading opens a slide; so does a text that leads to the next cell or asks for a prediction, and what comes after a
    prediction waits for a key. A text that reads a result stays with it.
    """
    said = cell.metadata.get("slideshow", {}).get("slide_type")
    if said in TYPES:
        return said
    if cell.cell_type == "markdown":
        heading = re.match(r"#+ ", cell.source)
        leads = PREDICT in cell.source or cell.source.rstrip().endswith(":")
        return "slide" if heading and len(heading[0]) < 4 else "subslide" if heading or leads else "-"
    return "fragment" if before is not None and PREDICT in before.source else "-"


def lecture(cell: NotebookNode) -> dict:
    """The cell's own words about a lecture, with defaults."""
    return {"code": False, "outputs": "all", "prose": "all", "views": [], "notes": {}} | dict(cell.metadata.get("lecture", {}))


def blocks(cell: NotebookNode, pages: dict[str, str]) -> tuple[list[str], list[str]]:
    """The HTML blocks that stand on the slide, and what the speaker says.

    ``pages`` has the page of each notebook that has one, by the notebook's name; a link to another file becomes its text.
    """
    if cell.cell_type == "markdown":
        return prose_blocks(cell.source, lecture(cell)["prose"], pages)
    if cell.cell_type != "code":
        return [], []
    code = [code_block(cell.source)] if lecture(cell)["code"] else []
    outputs, bands = without_bands(joined(cell.outputs))
    spoken = [f"<p>{html.escape(band)}</p>" for band in bands]
    return code + output_blocks(outputs, lecture(cell)["outputs"], lecture(cell)["views"]), spoken


def without_bands(outputs: list[NotebookNode]) -> tuple[list[NotebookNode], list[str]]:
    """Outputs without the lines that tell where a result lies in its band, and these lines."""
    bands = []
    for output in outputs:
        if output.output_type == "stream":
            bands += [line.strip() for line in BAND.findall(output.text)]
            output["text"] = BAND.sub("", output.text)
    return [output for output in outputs if output.output_type != "stream" or output.text.strip()], bands


def prose_blocks(source: str, prose: str, pages: dict[str, str]) -> tuple[list[str], list[str]]:
    """The blocks of a Markdown text, shown and spoken; see the module for which is which."""
    text = MarkdownWithMath(renderer=IPythonRenderer(escape=False, exclude_anchor_links=True)).render(source)
    soup = BeautifulSoup(text, "html.parser")
    for link in soup.find_all("a", href=True):
        settle(link, pages)
    found = [tag for tag in soup.find_all(recursive=False) if tag.get_text(strip=True) or tag.find("img")]
    plain = [tag for tag in found if is_plain(tag)]
    kept = {"all": plain, "first": first_ones(found), "none": []}[prose]
    if prose == "first" and plain and plain[-1] is found[-1] and plain[-1].get_text().rstrip().endswith(":"):
        kept = [*kept, plain[-1]]
    spoken = [tag for tag in plain if not any(tag is other for other in kept)]
    return [str(tag) for tag in found if not any(tag is other for other in spoken)], [str(tag) for tag in spoken]


def first_ones(tags: list[Tag]) -> list[Tag]:
    """The first paragraph of words, and the first below each heading."""
    found, wanted = [], True
    for tag in tags:
        wanted = wanted or tag.name in HEADINGS
        if wanted and is_plain(tag):
            found, wanted = [*found, tag], False
    return found


def is_plain(tag: Tag) -> bool:
    """A paragraph of words: no picture, no formula of its own, no caption in italics below a picture."""
    text = tag.get_text().strip()
    alone = len(tag.find_all(recursive=False)) == 1 and tag.find("em", recursive=False) and tag.find("em").get_text().strip() == text
    return tag.name == "p" and not tag.find("img") and not text.startswith("$$") and not alone


def settle(link: Tag, pages: dict[str, str]) -> None:
    """A link to a lesson leads to its deck, one to the web stays, and one to another file is only words here."""
    target = link["href"]
    if re.match(r"https?:", target):
        link["rel"] = "noreferrer"
    elif Path(target).name in pages and "/" not in target:
        link["href"] = pages[target]
    else:
        link.unwrap()


def code_block(source: str) -> str:
    """The cell's code in colours."""
    return f'<div class="code">{Highlight2HTML()(source)}</div>'


def output_blocks(outputs: list[NotebookNode], which: str = "all", views: Sequence[str] = ()) -> list[str]:
    """What a cell showed; a picture takes the caption that was printed after it. See the module for `which` and `views`."""
    found, outputs = [], joined(outputs)
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    dropped = {"all": [], "text": pictures, "last": pictures[:-1]}[which]
    for output, after in zip(outputs, [*outputs[1:], None]):
        data = output.get("data", {})
        if output.output_type == "stream":
            found.append(text_block(output.text))
        elif "image/png" in data or VIEW in data:
            alt = " ".join(output.metadata.get("image/png", {}).get("alt", "").split())
            caption = taken_caption(after, alt)
            if not any(output is other for other in dropped):
                found += [figure(data, alt, caption, view) for view in (views if VIEW in data and views else [""])]
        elif "text/html" in data:
            found.append(html_block(data["text/html"]))
        elif "text/plain" in data and not METER.match(data["text/plain"]):
            found.append(text_block(data["text/plain"]))
    return [block for block in found if block]


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Outputs with stretches of printed text in one piece each."""
    found: list[NotebookNode] = []
    for output in outputs:
        output = NotebookNode(output)
        if output.output_type == "stream" and found and found[-1].output_type == "stream":
            found[-1]["text"] += output.text
        else:
            found.append(output)
    return found


def taken_caption(output: NotebookNode | None, alt: str) -> str:
    """The caption in the output after a picture, which is taken out of it."""
    key = "text" if output is not None and output.output_type == "stream" else "text/plain"
    place = output if key == "text" else (output or {}).get("data", {})
    text = place.get(key, "").removeprefix("At the start: ") if place else ""
    if not alt or "image/png" in place or not " ".join(text.split()).startswith(alt):
        return ""
    words = len(alt.split())
    place[key] = re.sub(rf"^\s*(?:\S+\s+){{{words - 1}}}\S+\s*", "", text)
    return alt


def figure(data: dict, alt: str, caption: str, view: str = "") -> str:
    """A picture; where it is interactive, the place of the live one, or of one view of it, with what stands still inside."""
    png = data.get("image/png", "").strip()
    still = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{png}">' if png else data.get("text/html") or text_block(data.get("text/plain", ""))
    if VIEW in data:
        part = f' data-view="{html.escape(view)}"' if view else ""
        still = f'<div class="live" data-model="{html.escape(data[VIEW]["model_id"])}"{part}>{still}</div>'
    words = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{still}{words}</figure>"


def html_block(text: str) -> str:
    """HTML that a cell showed; a style sheet alone is nothing to see."""
    soup = BeautifulSoup(text, "html.parser")
    return f'<div class="shown">{text}</div>' if [tag for tag in soup.find_all(recursive=False) if tag.name != "style"] else ""


def text_block(text: str) -> str:
    """What a cell printed."""
    return f'<pre class="out">{html.escape(text.strip(chr(10)))}</pre>' if text.strip() else ""
