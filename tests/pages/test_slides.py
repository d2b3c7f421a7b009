"""Every slide of every deck in Chromium, opened from a file: all of it is on the slide, can be read, and lives without a network."""

import re
import shutil

import nbformat
import pypdf
import pytest
from nbformat import v4

from course_utils.publish import handout, slides
from course_utils.publish.lessons import STATE, lessons, read_lesson

SIZES = [(1280, 720), (1920, 1080)]
# Goes through the deck and hands back what is wrong: things off the slide, and letters that are too small for the last row.
LOOK = """async () => {
    const faults = [], deck = document.querySelector(".reveal"), LETTERS = { prose: 24, code: 20 };
    const scale = Reveal.getScale(), frame = document.querySelector(".slides").getBoundingClientRect();
    for (const [number, slide] of Reveal.getSlides().entries()) {
        const { h, v } = Reveal.getIndices(slide);
        Reveal.slide(h, v, 99);
        await new Promise(requestAnimationFrame);
        const say = (block, text) => faults.push(`slide ${number + 1}, cell ${block.dataset.cell}: ${text}`);
        for (const block of slide.querySelectorAll(".block")) {
            for (const part of [block, ...block.querySelectorAll("p, pre, table, img, li, mjx-container, svg, .unrolled-picture, .unrolled-picture *")]) {
                const box = part.getBoundingClientRect();
                if (part.closest("mjx-assistive-mml, .u-hidden") || !box.width) continue;
                const off = box.left < frame.left - 1 || box.top < frame.top - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
                if (off) { say(block, `${part.tagName} is not all on the slide: ${Math.round(box.right - frame.right)}, ${Math.round(box.bottom - frame.bottom)}`); break; }
            }
            if (block.dataset.small) say(block, `had to be made smaller as a whole: ${block.dataset.small}`);
            if (block.querySelector("[data-alive]")) continue; // it has letters of its own
            for (const part of block.querySelectorAll("p, li, td, th, pre, figcaption")) {
                const size = parseFloat(getComputedStyle(part).fontSize), least = part.matches("p, li") ? LETTERS.prose : LETTERS.code;
                if (part.textContent.trim() && !part.closest(".shown") && size < least) { say(block, `${part.tagName} has letters of ${size}`); break; }
            }
        }
        if (!slide.querySelector(".block:not(.fragment)")) faults.push(`slide ${number + 1} is empty at first`);
    }
    return faults;
}"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    return {path.stem: path for path in slides.make_decks(lessons(), tmp_path_factory.mktemp("made") / "slides")}


def ready(page, when=handout.READY):
    page.wait_for_function(when, timeout=handout.LONGEST)
    return page


def by_stem(paths):
    return pytest.mark.parametrize("name", [path.stem for path in paths])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@by_stem(lessons())
def test_all_of_every_slide_is_seen(decks, open_file, name, size):
    page = ready(open_file(decks[name], viewport={"width": size[0], "height": size[1]}))
    page.wait_for_timeout(1500)  # live pictures have counted and said what they have to say
    assert page.evaluate(LOOK) == []
    assert page.evaluate("Reveal.getSlides().length") >= 6
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0


@by_stem(lessons())
def test_nothing_of_the_lesson_is_lost_on_the_way(decks, open_file, name):
    """What the page carries before it is laid out is there afterwards, in the same order."""
    text = "[...document.querySelectorAll('.block[data-cell]')].map((block) => block.dataset.cell).filter((cell, k, all) => cell !== all[k - 1])"
    page = ready(open_file(decks[name]))
    written = re.findall(r'class="block[^"]*" data-cell="([^"]+)"', decks[name].read_text(encoding="utf-8"))
    assert page.evaluate(text) == [cell for k, cell in enumerate(written) if k == 0 or cell != written[k - 1]]


def long_lesson():
    """A lesson whose cells are far too long for a slide, and say nothing about slides."""
    rows = "\n".join(f"| row {k} | with some words about it | {k} |" for k in range(40))
    points = "\n".join(f"- point {k}, with enough words in it that its line is a long one and runs on to the next, as lines of a lesson do" for k in range(30))
    lines = v4.new_output("stream", name="stdout", text="\n".join(f"line {k} of what was printed" for k in range(70)))
    wide = v4.new_output("stream", name="stdout", text="number " * 90)
    return v4.new_notebook(cells=[
        v4.new_markdown_cell("# 9 · Long\n\n" + "\n\n".join("A sentence that goes on and on. " * 12 for _ in range(6))),
        v4.new_markdown_cell(f"## A table\n\n| a | b | c |\n|---|---|---|\n{rows}"), v4.new_markdown_cell(f"## A list\n\n{points}"),
        v4.new_code_cell("print(1)", execution_count=1, outputs=[lines]), v4.new_code_cell("print(2)", execution_count=2, outputs=[wide]),
        v4.new_markdown_cell("## A function"), v4.new_code_cell("\n".join(f"value_{k} = {k} + 1" for k in range(45)), execution_count=3, metadata={"lecture": {"code": True}}),
    ])  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_a_new_cell_that_is_too_long_goes_on_on_further_slides(open_file, tmp_path, size):
    nbformat.write(long_lesson(), tmp_path / "09_long.ipynb")
    [deck] = slides.make_decks([tmp_path / "09_long.ipynb"], tmp_path / "slides")
    page = ready(open_file(deck, viewport={"width": size[0], "height": size[1]}))
    assert page.evaluate(LOOK) == []
    said = page.evaluate("[...document.querySelectorAll('.block')].map((block) => block.textContent).join('\\n')")
    for k in range(70):
        assert k >= 40 or f"row {k}\n" in said
        assert k >= 30 or f"point {k}," in said
        assert f"line {k} of" in said
        assert k >= 45 or f"value_{k} =" in said


def test_the_look_finds_what_is_off_a_slide_and_what_is_too_small(decks, open_file):
    page = ready(open_file(decks["01_rnn_formula"]))
    page.add_style_tag(content=".block pre { font-size: 15px !important; } .block h1 { height: 900px; }")
    faults = page.evaluate(LOOK)
    assert any("letters of 15" in fault for fault in faults) and any(fault.startswith("slide 1,") for fault in faults)


# --- Alive ---


def live_cells(path):
    notebook = read_lesson(path)
    state = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    views = [output.get("data", {}).get("application/vnd.jupyter.widget-view+json") for cell in notebook.cells if cell.cell_type == "code"
             and cell.metadata.get("slideshow", {}).get("slide_type") != "skip" for output in cell.outputs]
    return sum("_esm" in state[view["model_id"]]["state"] for view in views if view)


@by_stem(path for path in lessons() if live_cells(path))
def test_every_interactive_picture_lives(decks, open_file, name):
    page = ready(open_file(decks[name]))
    path = next(path for path in lessons() if path.stem == name)
    assert page.locator("[data-alive] .unrolled-picture").count() == live_cells(path)
    assert page.locator("[data-alive] img").count() == 0 and page.locator(".u-error").count() == 0
    for place in page.locator("[data-alive]").all():
        assert place.locator("canvas, svg, input, button").count() > 0


def test_a_picture_answers_the_hand_and_keeps_its_keys(decks, open_file):
    page = ready(open_file(decks["03_lstm"]))
    page.evaluate("{ const { h, v } = Reveal.getIndices(document.querySelector('[data-alive]').closest('section')); Reveal.slide(h, v); }")
    slider = page.get_by_label("Rows read")
    slider.focus()
    before = page.evaluate("Reveal.getIndices()")
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert page.locator(".u-status b").inner_text().startswith("After row 23 the answer is")
    assert page.evaluate("Reveal.getIndices()") == before
    box = page.locator('[data-map="h"]').bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 11.5 / 28)
    assert page.locator(".u-status b").inner_text().startswith("After row 12 the answer is")


def test_a_picture_that_breaks_leaves_its_still(decks, open_file, tmp_path):
    shutil.copytree(decks["03_lstm"].parent, tmp_path / "slides")
    broken = tmp_path / "slides" / "03_lstm.html"
    text = broken.read_text(encoding="utf-8").replace('"_esm": "', '"_esm": "throw new Error(1);\\n')
    broken.write_text(text, encoding="utf-8")
    page = ready(open_file(broken, expected="A picture stays still."))
    assert page.locator("[data-model] img").count() == page.locator("[data-model]").count() > 0


# --- By keys, and for the speaker ---


def test_keys_show_what_waits_and_turn_the_slides(decks, open_file):
    page = ready(open_file(decks["01_rnn_formula"]))
    slide = page.locator("section section:has(.fragment)").first
    page.evaluate("(slide) => { const { h, v } = Reveal.getIndices(slide); Reveal.slide(h, v, -1); }", slide.element_handle())
    hidden = slide.locator(".fragment").first
    assert not hidden.evaluate("(block) => block.classList.contains('visible')")
    page.keyboard.press("Space")
    assert hidden.evaluate("(block) => block.classList.contains('visible')")
    before = page.evaluate("Reveal.getSlidePastCount()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getSlidePastCount()") > before


def test_notes_are_for_the_speaker(decks, open_file):
    page = ready(open_file(decks["01_rnn_formula"]))
    assert page.locator("aside.notes").count() > 10
    assert page.locator("aside.notes:visible").count() == 0
    refuted = page.locator("[data-refutes]").all_text_contents()
    assert len(refuted) == 12 and all(re.fullmatch(r"Refuted on slide \d+\.", text) for text in refuted)


def test_the_speaker_view_shows_the_note_of_the_slide(decks, open_file):
    page = ready(open_file(decks["01_rnn_formula"]))
    page.evaluate("Reveal.slide(1, 0)")
    with page.context.expect_page() as opened:
        page.keyboard.press("s")
    view = opened.value
    view.wait_for_function("document.querySelector('.speaker-controls-notes .value')?.textContent.includes('Ask the room')", timeout=60_000)
    assert "The memory holds all that was read" in view.locator(".speaker-controls-notes .value").inner_text()


# --- The handout ---


@pytest.fixture(scope="module")
def handouts(decks, chromium):
    return {name: pypdf.PdfReader(handout.print_deck(chromium, path)) for name, path in decks.items()}


@by_stem(lessons())
def test_the_handout_has_a_page_a_slide_with_its_words(decks, handouts, open_file, name):
    page, pdf = ready(open_file(decks[name], "?print-pdf"), handout.PRINTABLE), handouts[name]
    slides_there = page.evaluate("[...document.querySelectorAll('.pdf-page')].map((page) => [...page.querySelectorAll('h1, h2, h3, .out')].map((part) => part.textContent))")
    assert len(pdf.pages) == len(slides_there) >= 6
    for number, (sheet, parts) in enumerate(zip(pdf.pages, slides_there), start=1):
        words = re.sub(r"\W+", "", sheet.extract_text())
        assert [part for part in parts if re.sub(r"\W+", "", part) not in words] == [], f"page {number} of {name}"
        assert float(sheet.mediabox.width) / float(sheet.mediabox.height) == pytest.approx(16 / 9, abs=0.01)


def test_the_handout_has_pictures_and_no_notes(handouts):
    pdf = handouts["01_rnn_formula"]
    assert sum(len(page.images) for page in pdf.pages) >= 6
    assert "Ask the room" not in "".join(page.extract_text() for page in pdf.pages)
