"""What the lessons say about their slides, and what the decks are made of."""

import json
import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat import v4

from course_utils.publish import deck, slides
from course_utils.publish.lessons import NOTEBOOKS, ROOT, STATE, VIEW, lessons, read_lesson

LESSONS = pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
KEYS = {"code": bool, "outputs": str, "prose": str, "views": list, "notes": dict}
SHORTEST = 25  # characters without blanks: shorter lines are in every program


def notes_of(notebook):
    return [(place, cell.metadata.lecture.notes) for place, cell in enumerate(notebook.cells) if cell.metadata.get("lecture", {}).get("notes")]


# --- What the lessons say ---


@LESSONS
def test_every_cell_says_which_slide_it_is_on(path):
    cells = enumerate(nbformat.read(path, as_version=4).cells, start=1)
    silent = [f"cell {number} ({cell.id}): {cell.source[:40]!r}" for number, cell in cells if cell.metadata.get("slideshow", {}).get("slide_type") not in deck.TYPES]
    assert silent == [], "these cells need slideshow metadata (JupyterLab: the property inspector, slide type)"


@LESSONS
def test_what_a_cell_says_about_a_lecture_is_understood(path):
    for cell in nbformat.read(path, as_version=4).cells:
        said = cell.metadata.get("lecture", {})
        assert all(isinstance(value, KEYS[key]) for key, value in said.items()), (cell.id, said)
        assert said.get("prose", "all") in ("all", "first", "none") and said.get("outputs", "all") in ("all", "text", "last"), cell.id
        style = (slides.TEMPLATE / "unrolled" / "pictures.css").read_text(encoding="utf-8")
        assert all(f'[data-view="{view}"]' in style for view in said.get("views", [])), f"{cell.id}: pictures.css does not know a view"


@LESSONS
def test_every_prediction_is_a_question_for_the_room(path):
    """Its picture is on a slide, and the cell that computes the answer comes later."""
    notebook = read_lesson(path)
    state = notebook.metadata.widgets[STATE].state
    views = [(cell, output.data[VIEW].model_id) for cell in notebook.cells for output in cell.get("outputs", []) if VIEW in output.get("data", {})]
    asking = [cell for cell, model in views if "question" in state[model].state]
    assert asking and [cell.source for cell in asking if cell.metadata.slideshow.slide_type in ("skip", "fragment")] == []


@LESSONS
def test_each_note_names_minutes_a_misconception_a_question_and_the_cell_that_refutes_it(path):
    notebook = nbformat.read(path, as_version=4)
    places = {cell.id: place for place, cell in enumerate(notebook.cells)}
    notes = notes_of(notebook)
    assert len(notes) >= 4
    for place, note in notes:
        assert set(note) == {"minutes", "misconception", "refuted_by", "question"}, note
        assert note.minutes >= 1 and len(note.misconception) > 20 and "?" in note.question, note
        refutes = places.get(note.refuted_by, -1)
        assert refutes >= place, f"{note.refuted_by!r} is no cell below the note {note.misconception!r}"
        assert notebook.cells[refutes].metadata.slideshow.slide_type != "skip", f"{note.refuted_by} is on no slide"


@LESSONS
def test_the_minutes_of_the_notes_are_the_time_of_the_lesson(path):
    notebook = nbformat.read(path, as_version=4)
    time = re.search(r"Time \| (\d+) minutes|\((\d+) minutes\)", notebook.cells[0].source)
    assert sum(note.minutes for _, note in notes_of(notebook)) == int(time[1] or time[2])


@LESSONS
def test_notes_are_invisible_in_the_lesson(path):
    notebook = nbformat.read(path, as_version=4)
    shown = "\n".join(cell.source + json.dumps(cell.get("outputs", [])) for cell in notebook.cells)
    assert not [note for _, note in notes_of(notebook) if note.misconception in shown]


# --- Defaults of a cell that says nothing ---


def text(source):
    return v4.new_markdown_cell(source)


@pytest.mark.parametrize(
    ("cell", "before", "kind"),
    [
        (text("## A section"), None, "slide"),
        (text("### A part"), v4.new_code_cell("1"), "subslide"),
        (text("And as a picture:"), v4.new_code_cell("1"), "subslide"),
        (text("> **Predict.** How many?"), v4.new_code_cell("1"), "subslide"),
        (text("So it is."), v4.new_code_cell("1"), "-"),
        (v4.new_code_cell("1"), text("And now:"), "-"),
        (v4.new_code_cell("1"), text("> **Predict.** How many?"), "fragment"),
        (v4.new_code_cell("1", metadata={"slideshow": {"slide_type": "skip"}}), text("> **Predict.**"), "skip"),
    ],
)
def test_a_cell_that_says_nothing_has_a_place(cell, before, kind):
    assert deck.slide_type(cell, before) == kind


# --- Blocks ---


def shown(cell):
    return " ".join(deck.blocks(cell, {"01_rnn.ipynb": "01_rnn.html"})[0])


def test_code_is_hidden_unless_the_lesson_is_the_code():
    cell = v4.new_code_cell("secret = 1", outputs=[v4.new_output("stream", name="stdout", text="0.5 < 1")])
    assert shown(cell) == '<pre class="out">0.5 &lt; 1</pre>'
    cell.metadata["lecture"] = {"code": True}
    assert "secret" in shown(cell)


def test_paragraphs_go_to_the_speaker():
    cell = text("## Why\n\nFirst.\n\nSecond.\n\n$$a = b$$\n\n### How\n\nThird.\n\nFourth:")
    assert deck.blocks(cell, {})[1] == []
    cell.metadata["lecture"] = {"prose": "first"}
    on_slide, spoken = deck.blocks(cell, {})
    assert [BeautifulSoup(block, "html.parser").get_text().strip() for block in on_slide] == ["Why", "First.", "$$a = b$$", "How", "Third.", "Fourth:"]
    assert "Second." in spoken[0] and len(spoken) == 1
    cell.metadata["lecture"] = {"prose": "none"}
    assert len(deck.blocks(cell, {})[0]) == 3


def test_a_caption_belongs_to_its_picture_and_no_meter_is_shown():
    outputs = [v4.new_output("display_data", {"text/plain": "100%|█████| 5000/5000 [00:30<00:00]"}),
               v4.new_output("display_data", {"image/png": "iVBORw0KGgo="}, metadata={"image/png": {"alt": "A falling line."}}),
               v4.new_output("stream", name="stdout", text="A falling line.\nloss: 0.5\n")]  # fmt: skip
    soup = BeautifulSoup(shown(v4.new_code_cell("draw()", outputs=outputs)), "html.parser")
    assert soup.figcaption.text == soup.img["alt"] == "A falling line." and soup.pre.text == "loss: 0.5" and "5000" not in soup.text
    cell = v4.new_code_cell("draw()", outputs=outputs, metadata={"lecture": {"outputs": "text"}})
    assert shown(cell) == '<pre class="out">loss: 0.5</pre>'


def test_how_a_result_lies_in_its_band_is_for_the_speaker():
    lines = "all 10 digits 90.0%\nlstm: 0.9000; the band of five recorded runs goes from 0.8000 to 1.0000.\nand more\n"
    cell = v4.new_code_cell("check()", outputs=[v4.new_output("stream", name="stdout", text=lines)])
    assert deck.blocks(cell, {}) == (['<pre class="out">all 10 digits 90.0%\nand more</pre>'],
                                     ["<p>lstm: 0.9000; the band of five recorded runs goes from 0.8000 to 1.0000.</p>"])  # fmt: skip
    assert "the band" in lines and cell.outputs[0].text == lines  # the lesson itself stays as it is


def test_a_picture_in_two_views_has_a_slide_for_each():
    output = v4.new_output("display_data", {VIEW: {"model_id": "m"}, "text/plain": "A picture"})
    cell = v4.new_code_cell("show()", outputs=[output], metadata={"lecture": {"views": ["one", "other"]}, "slideshow": {"slide_type": "subslide"}})
    prepared = slides.prepared(v4.new_notebook(cells=[text("# A lesson"), cell]), {}).cells
    assert [(part.metadata.slideshow.slide_type, re.findall('data-view="(.*?)"', "".join(part.metadata.deck.blocks))) for part in prepared[1:]] == [
        ("subslide", ["one"]), ("subslide", ["other"])]  # fmt: skip


def test_what_only_the_speaker_says_is_said_on_its_slide():
    said = text("Look at the bars:")
    said.metadata.update({"lecture": {"prose": "none"}, "slideshow": {"slide_type": "subslide"}})
    shown = v4.new_code_cell("1", outputs=[v4.new_output("stream", name="stdout", text="3")], metadata={"slideshow": {"slide_type": "-"}})
    body, _ = slides.DeckExporter().from_notebook_node(v4.new_notebook(cells=[text("# A lesson"), said, shown]), {"pages": {}, "title": "x", "saved": ""})
    [_, second] = BeautifulSoup(body, "html.parser").select("section section")
    assert second.find("aside").get_text(strip=True) == "Look at the bars:" and second.find("pre").text == "3"


def test_links_lead_to_decks_or_are_words():
    soup = BeautifulSoup(shown(text("[one](01_rnn.ipynb) [two](exercises/release/x.ipynb) [three](https://example.org)")), "html.parser")
    assert [link["href"] for link in soup.find_all("a")] == ["01_rnn.html", "https://example.org"] and "two" in soup.text


def test_a_heading_in_the_midst_of_a_text_opens_a_slide():
    notebook = v4.new_notebook(cells=[text("# 1 · A lesson"), text("So it is.\n\n## Next\n\n### Part\n\nWords.\n\n### Other\n\nMore.")])
    kinds = [(cell.metadata.slideshow.slide_type, len(cell.metadata.deck.blocks)) for cell in slides.prepared(notebook, {}).cells]
    assert kinds == [("slide", 1), ("-", 1), ("slide", 3), ("subslide", 2)]


def test_what_reads_a_prediction_waits_with_its_result():
    answer = v4.new_code_cell("1", outputs=[v4.new_output("stream", name="stdout", text="3")])
    notebook = v4.new_notebook(cells=[text("# 1 · A lesson\n\n> **Predict.** How many?"), answer, text("Three."), text("## Next")])
    waits = [cell.metadata.deck.fragment for cell in slides.prepared(notebook, {}).cells]
    assert waits == [None, 1, 1, None]


# --- Whole decks ---


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    return slides.make_decks(lessons(), tmp_path_factory.mktemp("made") / "slides")


def test_one_deck_a_lesson_and_one_folder_of_assets(decks):
    folder = decks[0].parent
    assert [path.stem for path in decks] == [path.stem for path in lessons()]
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"assets", "figures"}
    named = {file for path in folder.glob("*.html") for file in re.findall(r'(?:src|href)="(?!data:|https?:|#)([^"]+)"', path.read_text(encoding="utf-8"))}
    assert named and [file for file in named if not (folder / file).is_file()] == []


def test_every_note_is_in_its_deck_and_for_the_speaker_only(decks):
    for path, made in zip(lessons(), decks):
        soup = BeautifulSoup(made.read_text(encoding="utf-8"), "html.parser")
        asides = " ".join(aside.extract().get_text() for aside in soup.find_all("aside", class_="notes"))
        for _, note in notes_of(read_lesson(path)):
            assert note.misconception in asides and note.misconception not in soup.get_text()


def bare(line):
    return re.sub(r"\s+", "", line).replace("'", '"')


def test_no_deck_has_a_line_of_a_solution_or_of_a_hidden_test(decks):
    """What a lesson says itself is no secret; nothing else of an answer may be in a deck."""
    said = bare("".join(cell.source for path in lessons() for cell in read_lesson(path).cells))
    sources = [nbformat.read(path, as_version=4) for path in (NOTEBOOKS / "exercises" / "source").glob("*/*.ipynb")]
    marked = "### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END"
    regions = [region for notebook in sources for cell in notebook.cells for region in re.findall(marked, cell.source, flags=re.DOTALL)]
    tasks = [path.read_text(encoding="utf-8") for path in (NOTEBOOKS / "exercises" / "source").glob("*/tasks.py")]
    secrets = {bare(line) for text in regions + tasks for line in text.splitlines() if len(bare(line)) > SHORTEST} - {""}
    secrets = {line for line in secrets if line not in said}
    assert len(regions) > 8 and len(secrets) > 100
    for made in decks:
        words = bare(BeautifulSoup(made.read_text(encoding="utf-8"), "html.parser").get_text())
        assert [line for line in secrets if line in words] == []


def test_nothing_of_others_is_in_the_repository():
    ours = list((ROOT / "course_utils" / "publish").rglob("*.js"))
    assert {path.name for path in ours} == {"mount.js", "deck.js"} and all(path.stat().st_size < 20_000 for path in ours)
