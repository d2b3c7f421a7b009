"""Every slide of every deck in Chromium, opened from a file: all of it is on the slide, can be read, and lives without a network."""

import re
import shutil

import nbformat
import pypdf
import pytest
from nbformat import v4

from course_utils.publish import handout, slides
from course_utils.publish.deck import lecture
from course_utils.publish.lessons import STATE, VIEW, lessons, read_lesson

SIZES = [(1280, 720), (1920, 1080)]
# Goes through the deck and hands back what is wrong: things off the slide, and letters that are too small for the last row, those of
# interactive pictures too. Names and numbers may be smaller than sentences; signs below or above the line count as their letter does.
LOOK = """async () => {
    const faults = [], LETTERS = { prose: 24, code: 20 };
    const frame = document.querySelector(".slides").getBoundingClientRect();
    const size = (part) => {
        const own = parseFloat(getComputedStyle(part).fontSize);
        return part.ownerSVGElement ? (own * part.getScreenCTM().a) / Reveal.getScale() : own * part.currentCSSZoom;
    };
    const words = (part) => [...part.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    const field = "select, input:not([type=range], [type=radio], [type=checkbox])";
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
            for (const part of block.querySelectorAll("[data-alive] *")) {
                const seen = part.getBoundingClientRect().width && part.checkVisibility({ visibilityProperty: true }) && !part.closest(".u-hidden");
                if (!seen || !(words(part) || part.matches(field))) continue;
                const least = part.closest("p:not(.u-note, .u-numbers)") ? LETTERS.prose : LETTERS.code;
                const now = size(part.closest("sub, sup")?.parentElement ?? part);
                if (now < least - 0.05) { say(block, `“${(part.textContent || part.value).slice(0, 20)}” in a picture has letters of ${now.toFixed(1)}`); break; }
            }
            if (block.querySelector("[data-alive]")) continue;
            for (const part of block.querySelectorAll("p, li, td, th, pre, figcaption")) {
                const least = part.matches("p, li") ? LETTERS.prose : LETTERS.code;
                if (part.textContent.trim() && !part.closest(".shown") && size(part) < least) { say(block, `${part.tagName} has letters of ${size(part)}`); break; }
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
    page.add_style_tag(content=".block pre { font-size: 15px !important; } .block h1 { height: 900px; } .oc-toy th { font-size: 14px !important; }")
    faults = page.evaluate(LOOK)
    assert any("letters of 15" in fault for fault in faults) and any(fault.startswith("slide 1,") for fault in faults)
    assert any("in a picture has letters of 14" in fault for fault in faults)


def axe_on_slides(page):
    """The serious faults that axe finds on each slide, and on the page around them."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(Axe().axe_script)
    # what lies over or under a slide, and is not seen, would keep axe from knowing its colours
    page.add_style_tag(content=".slides section section:not(.looked-at), .pause-overlay, .backgrounds { display: none !important; }"
                               ".fragment { transition: none !important; }")  # fmt: skip
    return page.evaluate("""async () => {
        const options = { resultTypes: ["violations"], preload: false }, faults = [];
        const serious = (number, { violations }) => faults.push(...violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
            .map(({ id, nodes }) => `slide ${number}: ${id}, ${nodes[0].target} ${nodes[0].any[0]?.message ?? ""}`));
        serious(1, await axe.run(document, options));
        for (const [number, slide] of Reveal.getSlides().entries()) {
            const { h, v } = Reveal.getIndices(slide);
            Reveal.slide(h, v, 99);
            slide.classList.add("looked-at");
            await new Promise(requestAnimationFrame);
            serious(number + 1, await axe.run(slide, options));
            slide.classList.remove("looked-at");
        }
        return faults;
    }""")


@by_stem(lessons())
def test_axe_finds_nothing_serious_on_any_slide(decks, open_file, name):
    assert axe_on_slides(ready(open_file(decks[name]))) == []


def test_axe_finds_a_fault_that_is_there(decks, open_file):
    page = ready(open_file(decks["00_start_here"]))
    page.evaluate("Reveal.getSlides()[3].querySelector('.flow').insertAdjacentHTML('beforeend', '<p style=\"color: #ccc\">pale</p><img src=\"data:image/gif;base64,R0lGODlhAQABAAAAACw=\">')")
    faults = axe_on_slides(page)
    assert len(faults) == 2 and faults[0].startswith("slide 4: ") and {"color-contrast", "image-alt"} == {fault.split()[2].strip(",") for fault in faults}


# --- Alive ---


def live_cells(path):
    """How many views of interactive pictures a lesson's slides have."""
    notebook = read_lesson(path)
    state = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    views = [(output.get("data", {}).get(VIEW), len(lecture(cell)["views"]) or 1) for cell in notebook.cells if cell.cell_type == "code"
             and cell.metadata.get("slideshow", {}).get("slide_type") != "skip" for output in cell.outputs]
    return sum(count for view, count in views if view and "_esm" in state[view["model_id"]]["state"])


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
    place = go_to(page, page.locator("[data-alive][data-view=read]"))
    slider = place.get_by_label("Rows read")
    slider.focus()
    before = page.evaluate("Reveal.getIndices()")
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert place.locator(".u-status b").inner_text().startswith("After row 23 the answer is")
    assert page.evaluate("Reveal.getIndices()") == before
    box = place.locator('[data-map="h"]').bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 11.5 / 28)
    assert place.locator(".u-status b").inner_text().startswith("After row 12 the answer is")


# What a hand does to a picture and what makes it larger: slide's view or part, and the step.
IN_USE = {
    "01_rnn_formula": [(".oc-toy", lambda place: place.get_by_label("28 pixels, 32 units, trained").check())],
    "02_unrolling": [("[data-view=count]", lambda place: place.get_by_role("button", name="Unfold").click()),
                     (".live:has(.u-river)", lambda place: place.get_by_role("slider", name="Time steps").fill("4"))],
    "03_lstm": [("[data-view=force]", lambda place: place.get_by_role("radio", name="forget gate").check()),
                (".live:has(.u-river)", lambda place: place.get_by_label("fresh, untrained networks").check())],
    "04_misclassification": [("[data-view=list]", lambda place: place.get_by_role("button", name="4 read as 9").click()),
                             ("[data-view=digit]", lambda place: place.locator(".u-pad").click(position={"x": 60, "y": 200}))],
}  # fmt: skip


@pytest.mark.parametrize("name", IN_USE)
def test_a_picture_in_use_stays_on_its_slide_and_can_be_read(decks, open_file, name):
    page = ready(open_file(decks[name]))
    for part, step in IN_USE[name]:
        place = page.locator(part).first
        step(go_to(page, place if place.get_attribute("data-model") else page.locator(f".live:has({part})")))
    page.wait_for_timeout(2500)  # 500 digits were counted
    assert page.evaluate(LOOK) == []


def test_a_picture_that_breaks_leaves_its_still(decks, open_file, tmp_path):
    shutil.copytree(decks["03_lstm"].parent, tmp_path / "slides")
    broken = tmp_path / "slides" / "03_lstm.html"
    text = broken.read_text(encoding="utf-8").replace('"_esm": "', '"_esm": "throw new Error(1);\\n')
    broken.write_text(text, encoding="utf-8")
    page = ready(open_file(broken, expected="A picture stays still."))
    assert page.locator("[data-model]:has(img, ul)").count() == page.locator("[data-model]").count() > 0
    assert page.locator("[data-alive]").count() == 0


def go_to(page, place):
    page.evaluate("(place) => { const { h, v } = Reveal.getIndices(place.closest('section')); Reveal.slide(h, v, 99); }", place.element_handle())
    return place


def test_two_views_of_a_picture_are_one_picture(decks, open_file):
    page = ready(open_file(decks["04_misclassification"]))
    several, one = (page.locator(f'[data-alive][data-view="{view}"]') for view in ("list", "digit"))
    assert several.get_attribute("data-model") == one.get_attribute("data-model")
    go_to(page, several).get_by_role("button", name="4 read as 9").click()
    title = several.locator(".u-status").inner_text()
    page.keyboard.press("ArrowRight")  # the press of the mouse is over: the key turns the slide
    one.locator(".u-status", has_text=title).wait_for()
    assert one.evaluate("(place) => Reveal.getCurrentSlide().contains(place)")
    assert not one.locator(".u-miss-matrix").is_visible() and one.locator(".u-miss").is_visible() and not several.locator(".u-miss").is_visible()


# --- A prediction is a question for the room ---


def predictions(path):
    saved = read_lesson(path).metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    return [model["state"] for model in saved.values() if "question" in model["state"]]


@by_stem(lessons())
def test_each_prediction_is_asked_and_the_lecturers_press_shows_what_came_out(decks, open_file, name):
    page, asked = ready(open_file(decks[name])), predictions(next(path for path in lessons() if path.stem == name))
    boxes = page.locator("[data-alive] .pf-box")
    assert boxes.count() == len(asked) >= 1 and page.locator(".pf-open, .pf-out, .pf-truth:not([hidden])").count() == 0
    for box in boxes.all():
        height = go_to(page, box).bounding_box()["height"]
        box.get_by_role("button", name="Show me").click()
        assert box.bounding_box()["height"] == height  # the room for the answer was there: nothing moves
        assert box.locator(".pf-status").inner_text().startswith("No guess this time, no harm done. What came out: ")
    came_out = " ".join(boxes.locator(".pf-status").all_inner_texts())
    assert all(state["truth"]["text"] in came_out for state in asked)
    assert page.evaluate(LOOK) == []


def test_a_wrong_guess_of_the_room_hears_what_is_wrong(decks, open_file):
    page = ready(open_file(decks["01_rnn_formula"]))
    box = go_to(page, page.locator(".pf-box", has_text="the second"))
    box.get_by_label("the second").click()
    box.get_by_role("button", name="This is my guess").click()
    assert box.locator(".pf-status").inner_text() == "You said “the second”. What came out: “the first”."
    assert "The −1 stands in the first" in box.locator(".pf-note").inner_text()
    assert page.evaluate(LOOK) == []


def test_keys_stay_in_a_prediction_until_it_is_left(decks, open_file):
    page = ready(open_file(decks["00_start_here"]))
    line, before = go_to(page, page.locator(".pf-line")), page.evaluate("Reveal.getIndices()")
    line.focus()
    for key in ("ArrowRight", "PageDown", "End"):
        page.keyboard.press(key)
    assert line.get_attribute("aria-valuenow") == "100" and page.evaluate("Reveal.getIndices()") == before
    page.keyboard.press("Escape")
    assert not page.evaluate("Reveal.isOverview()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getIndices()") != before


def test_a_question_is_not_asked_twice(decks, open_file):
    page = ready(open_file(decks["01_rnn_formula"]))
    shown = [box.locator(".u-lead").is_visible() for box in (go_to(page, box) for box in page.locator(".pf-box").all())]
    assert shown == [False, False, True]  # the third asks in other words than the text above it


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
    assert len(pdf.pages) == len(slides_there) >= 5
    for number, (sheet, parts) in enumerate(zip(pdf.pages, slides_there), start=1):
        words = re.sub(r"\W+", "", sheet.extract_text())
        assert [part for part in parts if re.sub(r"\W+", "", part) not in words] == [], f"page {number} of {name}"
        assert float(sheet.mediabox.width) / float(sheet.mediabox.height) == pytest.approx(16 / 9, abs=0.01)


def test_the_handout_has_pictures_and_no_notes(handouts):
    pdf = handouts["01_rnn_formula"]
    assert sum(len(page.images) for page in pdf.pages) >= 6
    assert "Ask the room" not in "".join(page.extract_text() for page in pdf.pages)
