"""Predictions on a bare page in Chromium: guessed by pointer, touch and keyboard, and held against what NumPy says came out."""

import contextlib
import io

import matplotlib.image
import numpy as np
import pytest
from test_lstm_scope_page import contrast

from course_utils.widgets import PredictChoice, PredictCurve, PredictNumber, PredictRanking
from course_utils.widgets.predict import _short

NOTES = {"unit 2": "`W_h` moves it on. See [What does each term do?](#What-does-each-term-do?).", "unit 3": "It sees a 2."}
CURVE = 0.5 ** np.arange(28, -1, -1.0)
RUNS = {"as it was": [92.5, 94.9], "true shuffle": [94.2, 96.1], "good start": [97.0, 97.2]}


def choice(guess=None, shown=False):
    return PredictChoice("Which unit is negative?", ["unit 1", "unit 2", "unit 3"], state={"guess": guess, "shown": shown})


def number(guess=None, **more):
    return PredictNumber("How many rows are blank?", 0, 28, unit="rows", state={"guess": guess}, **more)


def ranking(guess=None):
    return PredictRanking("Which helps most?", list(RUNS), most="helps most", least="helps least", unit="%", state={"guess": guess})


def curve(guess=None):
    return PredictCurve("How long is it?", range(29), 1e-12, 1e3, xlabel="time step", ylabel="length", log=True, state={"guess": guess})


def shown(prediction, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        prediction.show(*arguments)
    return prediction


MAKE = {"choice": (choice, "unit 2", lambda p: shown(p, "unit 1", NOTES)), "number": (number, 12, lambda p: shown(p, 3.4863, {(8, 28): "Too many."})),
        "ranking": (ranking, list(RUNS), lambda p: shown(p, RUNS, {"as it was": "It was first in the list only."})),
        "curve": (curve, [1.0] * 29, lambda p: shown(p, CURVE, {"stays level": "Each step multiplies."}))}
each_kind = pytest.mark.parametrize("kind", MAKE)


def saves(page):
    return page.evaluate("window.pictures[0].model.saves")


def commit(page):
    page.get_by_role("button", name="This is my guess").click()
    return saves(page)[-1]["guess"]


def buttons(page):
    return [node.inner_text() for node in page.locator(".u-tools button").all() if node.is_visible()]


def status(page):
    return page.locator(".pf-status").inner_text()


def arrives(page, prediction):
    """What came out reaches a picture that somebody looks at, as `show` sends it."""
    page.evaluate("(truth) => window.pictures[0].model.set('truth', truth)", prediction.truth)


# ---- guessing, by hand ---------------------------------------------------------------------------------------------------


def test_a_choice_by_pointer_and_what_it_gets_wrong(open_page):
    page = open_page(choice())
    assert page.get_by_role("button", name="This is my guess").is_disabled() and buttons(page) == ["This is my guess"]
    page.get_by_label("unit 2").check()
    assert saves(page) == []  # it is no guess before it is one
    assert commit(page) == "unit 2"
    assert status(page) == "Kept: “unit 2”. Now run on: what comes out will be drawn here." and buttons(page) == ["Change it"]
    arrives(page, shown(choice(), "unit 1", NOTES))
    assert status(page) == "You said “unit 2”. What came out: “unit 1”."
    marks = page.locator(".pf-choices .u-choice").all_inner_texts()
    assert "● what came out" in marks[0] and "◆ your guess" in marks[1] and marks[2].strip() == "unit 3"
    assert page.locator(".pf-note").inner_text() == "W_h moves it on. See What does each term do?."
    assert not page.locator(".pf-others li").is_visible()
    page.locator(".pf-others summary").click()
    assert page.locator(".pf-others li").all_inner_texts() == ["“unit 3”: It sees a 2."]


def test_a_choice_by_keyboard_changed_once(open_page):
    page = open_page(choice())
    page.get_by_label("unit 1").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert saves(page)[-1] == {"guess": "unit 3", "shown": False}
    page.keyboard.press("Enter")  # the focus is on "Change it"
    assert saves(page)[-1]["guess"] is None and buttons(page) == ["This is my guess"]
    page.get_by_label("unit 1").check()
    assert commit(page) == "unit 1"
    arrives(page, shown(choice(), "unit 1", NOTES))
    assert status(page) == "Right: “unit 1”." and not page.locator(".pf-note").is_visible()


def test_a_number_by_pointer(open_page):
    page = open_page(number())
    line = page.locator(".pf-line")
    box = line.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 12.3 / 28, box["y"] + 30)
    assert page.locator(".pf-guess").inner_text().endswith("your guess: 12 rows") and line.get_attribute("aria-valuetext") == "12 rows"
    page.mouse.move(box["x"] + box["width"] * 12 / 28, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 15 / 28, box["y"] + 60, steps=4)
    page.mouse.up()
    assert commit(page) == 15
    arrives(page, shown(number(), 3.4863, {(8, 28): "Too many."}))
    assert status(page) == "You said 15 rows. What came out: 3.5 rows. That is 11.5 rows too high."
    assert page.locator(".pf-note").inner_text() == "Too many."
    for name, value in (("guess", 15), ("truth", 3.4863)):
        place = page.locator(f".pf-{name} > i").bounding_box()
        assert place["x"] + place["width"] / 2 == pytest.approx(box["x"] + box["width"] * value / 28, abs=1)


def test_a_number_by_keyboard(open_page):
    page = open_page(number())
    page.locator(".pf-line").focus()
    for keys, value in ((["ArrowLeft"], 13), (["PageDown"], 10), (["Home", "ArrowRight"], 1), (["End", "ArrowDown"], 27), (["ArrowUp"] * 3, 28)):
        for key in keys:
            page.keyboard.press(key)
        assert float(page.locator(".pf-line").get_attribute("aria-valuenow")) == pytest.approx(value, abs=0.5)
    assert commit(page) == 28
    page.locator(".pf-line").focus()
    page.keyboard.press("Home")  # locked: a guess is a guess
    assert page.locator(".pf-line").get_attribute("aria-valuenow") == "28"


def test_a_number_on_a_logarithmic_axis(open_page):
    asked = PredictNumber("How much is left?", 1e-9, 1, log=True, state={"guess": None})
    page = open_page(asked)
    box = page.locator(".pf-line").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 6 / 9, box["y"] + 30)
    page.locator(".pf-line").focus()
    before = float(page.locator(".pf-line").get_attribute("aria-valuenow"))
    assert before == pytest.approx(1e-3, rel=0.06)
    page.keyboard.press("ArrowRight")
    assert before < float(page.locator(".pf-line").get_attribute("aria-valuenow")) < 1.4 * before
    page.keyboard.press("PageUp")
    guess = commit(page)
    PredictNumber("How much is left?", 1e-9, 1, log=True, state={"guess": guess})  # Python takes it
    arrives(page, shown(asked, 0.0523))
    assert status(page) == f"You said {_short(guess)}. What came out: 0.052. That is {_short(0.0523 / guess)} times too low."


def test_a_ranking_by_buttons_and_by_keyboard(open_page):
    page = open_page(ranking())
    page.get_by_role("button", name="good start: up").click()
    page.keyboard.press("ArrowUp")  # the focus went along with the row
    assert page.locator(".pf-items li").all_inner_texts()[0].startswith("good start")
    page.keyboard.press("ArrowUp")  # it is the first already
    page.get_by_role("button", name="as it was: down").focus()
    page.keyboard.press("ArrowDown")
    assert commit(page) == ["good start", "true shuffle", "as it was"]
    arrives(page, shown(ranking(), RUNS))
    assert status(page) == "Right. What came out: good start, then true shuffle or as it was. Of the 2 pairs that can be told apart, you have all right."
    assert page.locator(".pf-slopes .pf-level").count() == 3
    assert page.locator(".pf-slopes > div").nth(1).locator("li").all_inner_texts()[0].split() == "good start 97.0 to 97.2%".split()


def test_a_ranking_that_is_wrong_and_one_that_nobody_can_know(open_page):
    page = open_page(MAKE["ranking"][2](ranking(list(RUNS))))
    assert status(page).endswith("Of the 2 pairs that can be told apart, you have 0 right.")
    assert page.locator(".pf-note").inner_text() == "You put “as it was” first. It was first in the list only."
    lines = page.locator(".pf-slopes line").evaluate_all("(lines) => lines.map((line) => [line.getAttribute('y1'), line.getAttribute('y2')])")
    assert lines == [["0.5", "2.5"], ["1.5", "1.5"], ["2.5", "0.5"]]
    page.set_viewport_size({"width": 600, "height": 800})
    assert page.locator(".pf-slopes svg").is_visible()  # also on a narrow page
    page = open_page(shown(ranking(list(RUNS)), {item: [1, 2] for item in RUNS}, {item: "No." for item in RUNS}))
    assert "nobody can rank these" in status(page)
    assert not page.locator(".pf-note").is_visible() and not page.locator(".pf-others").is_visible()


def draw(page, places):
    """A line through places of the field, (0, 0) at its lower left."""
    box = page.locator(".pf-area").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=6)
    page.mouse.up()


def test_a_curve_by_pointer(open_page):
    page = open_page(curve())
    draw(page, [(0, 0.4), (1, 0.8)])
    guess = np.array(commit(page))
    assert np.allclose(np.log10(guess), np.linspace(-12 + 15 * 0.4, -12 + 15 * 0.8, 29), atol=0.15)
    curve(guess.tolist())  # Python takes it
    arrives(page, shown(curve(), CURVE))
    assert page.locator(".pf-readout").inner_text().endswith(f"what came out {_short(CURVE[28])}")
    off = np.abs(np.log10(guess) - np.log10(CURVE)).mean()
    assert status(page).startswith(f"Your curve goes from {_short(guess[0])} at time step 0 to {_short(guess[-1])} at time step 28. What came out goes from 3.7e-09")
    assert f"On average they are a factor of {_short(10**off)} apart." in status(page)
    box = page.locator(".pf-area").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 10 / 28, box["y"] + 20)
    assert page.locator(".pf-readout").inner_text() == f"time step 10:   your guess {_short(guess[10])}   what came out {_short(CURVE[10])}"
    draw(page, [(0, 0.1), (1, 0.1)])  # locked
    assert page.evaluate("window.pictures[0].model.get('state').guess") == guess.tolist()


def test_a_curve_by_keyboard(open_page):
    page = open_page(curve())
    page.locator(".pf-area").focus()
    for key in ["PageUp"] * 2 + ["End"] + ["ArrowDown"] * 5:
        page.keyboard.press(key)
    assert page.locator(".u-hidden").text_content() == page.locator(".pf-readout").inner_text()
    guess = commit(page)
    places = (np.log10(guess) + 12) / 15
    assert places == pytest.approx(np.linspace(0.7, 0.6, 29), abs=1e-3)


def test_a_stroke_goes_over_a_part_and_the_rest_stays_level(open_page):
    page = open_page(curve())
    draw(page, [(0.5, 0.2), (0.75, 0.6)])
    places = (np.log10(commit(page)) + 12) / 15
    assert places[:15] == pytest.approx(np.full(15, places[0]), abs=1e-9) and places[21:] == pytest.approx(np.full(8, 0.6), abs=0.02)
    assert (np.diff(places[14:22]) > 0).all()


def test_a_curve_that_goes_the_right_way_but_far_off_is_told_what_is_wrong(open_page):
    def fading(guess):
        return PredictCurve("How many are right?", range(11), 0, 100, xlabel="blank rows added", place="blank row", ylabel="right", unit="%", state={"guess": guess})

    truth, notes = np.array([97, 60] + [10] * 9), {"too high": "Too slow.", "too low": "Too fast.", "rises": "It does not."}
    slow, close = np.linspace(97, 50, 11), truth + 5.0 * (truth < 90)
    page = open_page(shown(fading(slow.tolist()), truth, notes), shown(fading(close.tolist()), truth, notes), shown(fading(slow.tolist()), truth))
    assert page.locator(".pf-note").first.inner_text() == "Too slow." and not page.locator(".pf-note").nth(1).is_visible() and not page.locator(".pf-note").nth(2).is_visible()
    assert page.locator(".pf-others").nth(1).locator("b").all_text_contents() == ["a curve that lies too high: ", "a curve that lies too low: ", "a curve that rises: "]
    said = page.locator(".pf-status").first.inner_text()
    assert said.startswith("Your curve goes from 97% at blank row 0 to 50% at blank row 10.")
    assert f"On average they are {np.abs(slow - truth).mean():.0f} points apart." in said  # shares lie points apart, not per cent
    assert page.locator(".pf-xlabel").first.inner_text() == "blank rows added"


def test_what_an_axis_counts_is_said_before_the_guess(open_page):
    page = open_page(number(), PredictNumber("How much?", 0, 100, unit="%", state={"guess": None}), curve(), PredictNumber("How small?", 1e-9, 1, log=True, state={"guess": None}))
    assert page.locator(".pf-unit").all_inner_texts() == ["rows"]
    ticks = page.locator(".pf-line").nth(1).locator(".pf-tick").all_inner_texts()
    assert ticks[0] == "0%" and ticks[-1] == "100%"
    leads = page.locator(".u-how").all_inner_texts()
    assert "logarithmic" not in leads[0] and "The upright axis is logarithmic: each grid line is 1,000 times the one below it." in leads[2]
    assert "The axis is logarithmic: each mark is 100 times the one before it." in leads[3]
    assert all(lead.endswith("You may skip this; the cells run anyway.") for lead in leads)


def test_places_that_the_runs_cannot_tell_apart_are_shared(open_page):
    page = open_page(MAKE["ranking"][2](ranking(list(RUNS))))
    came = page.locator(".pf-slopes > div").nth(1).locator("li")
    assert came.evaluate_all("(rows) => rows.map((row) => getComputedStyle(row, '::before').content)") == ['"1."', '"2–3."', '"2–3."']


def test_a_finger_guesses_too(open_page):
    page = open_page(number(), touch=True)
    box = page.locator(".pf-line").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 4, box["y"] + 30)
    assert commit(page) == 7
    page = open_page(curve(), touch=True)
    box = page.locator(".pf-area").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 5)
    assert (np.log10(commit(page)) + 12) / 15 == pytest.approx(np.full(29, 0.8), abs=0.01)


# ---- when it is hidden and when it is shown --------------------------------------------------------------------------------


@each_kind
def test_a_saved_page_hides_what_came_out_until_somebody_guesses_or_asks(open_page, kind):
    build, guess, show = MAKE[kind]
    for press in ("Show me", "This is my guess"):
        page = open_page(show(build()))
        text = page.locator(".pf-box").inner_text()
        assert "How to read this" not in text and status(page) == "" and not page.locator(".pf-others").is_visible()
        assert "This is my guess" in buttons(page) and "Show me" in buttons(page)
        for selector in (".pf-truth", ".pf-mark", ".pf-slopes", ".pf-truth-key"):
            assert not any(node.is_visible() and node.inner_text().strip() for node in page.locator(selector).all())
        assert not page.locator(".pf-truth-line[points]:not([points=''])").count()
        if press != "Show me":
            {"choice": lambda: page.get_by_label("unit 3").check(), "number": lambda: page.locator(".pf-line").click(), "ranking": lambda: None,
             "curve": lambda: draw(page, [(0, 0.5), (1, 0.5)])}[kind]()  # fmt: skip
        page.get_by_role("button", name=press).click()
        assert "What came out" in status(page) and page.locator(".u-how").inner_text().startswith("How to read this")
        assert status(page).startswith("No guess this time, no harm done.") == (press == "Show me")
        assert buttons(page) == ["Start over"]


@each_kind
def test_somebody_who_did_not_guess_is_shown_it_when_it_comes(open_page, kind):
    build, _, show = MAKE[kind]
    page = open_page(build())
    arrives(page, show(build()))
    assert status(page) == f"No guess this time, no harm done. What came out: {show(build()).truth['text']}."
    assert saves(page) == [{"guess": None, "shown": True}]
    page.get_by_role("button", name="Start over").click()
    assert saves(page)[-1] == {"guess": None, "shown": False} and "Show me" in buttons(page) and status(page) == ""


def test_what_the_hand_has_begun_counts_when_the_result_comes(open_page):
    page = open_page(number())
    page.locator(".pf-line").focus()
    page.keyboard.press("End")
    arrives(page, shown(number(), 3))
    assert saves(page) == [{"guess": 28, "shown": False}] and status(page).startswith("You said 28 rows.")


@each_kind
def test_a_kept_guess_stands_over_what_came_out(open_page, kind):
    build, guess, show = MAKE[kind]
    page = open_page(build(guess))
    assert status(page).startswith("Kept: ") and buttons(page) == ["Change it"]
    arrives(page, show(build()))
    assert page.locator(".pf-note").is_visible() and buttons(page) == ["Start over"]
    assert saves(page) == []  # nothing new to keep
    page.get_by_role("button", name="Start over").click()
    assert saves(page) == [{"guess": None, "shown": False}] and not page.locator(".pf-note").is_visible()


def test_a_result_beyond_the_axis_is_drawn_at_its_end(open_page):
    page = open_page(shown(number(20), 40), shown(curve([1.0] * 29), 1e9 * CURVE))
    assert "40 rows (beyond the line)" in page.locator(".pf-truth").first.inner_text()
    place, line = page.locator(".pf-truth > i").first.bounding_box(), page.locator(".pf-line").first.bounding_box()
    assert place["x"] + place["width"] / 2 == pytest.approx(line["x"] + line["width"], abs=1)
    points = page.locator(".pf-truth-line").get_attribute("points").split()
    assert points[-1].endswith(",0.0") and not any(point.split(",")[1].startswith("-") for point in points)


def test_guess_and_result_are_both_on_the_screen_as_dashed_and_full_lines(open_page):
    page = open_page(shown(curve((1e3 * np.ones(29) / 10).tolist()), CURVE))
    page.wait_for_timeout(400)
    pixels = matplotlib.image.imread(io.BytesIO(page.locator(".pf-area").screenshot(scale="css")))[..., :3]
    height, width = pixels.shape[:2]

    def share_of(colour, places):
        """How many columns have the colour where the line is to be."""
        found = []
        for x, place in places:
            y, column = (1 - place) * height, int(min(width - 1, x * width))
            near = pixels[max(0, int(y) - 4): int(y) + 5, column]
            found.append((np.abs(near - colour).max(axis=1) < 0.15).any())
        return np.mean(found)

    x = np.linspace(0.03, 0.97, 90)
    line = (np.interp(28 * x, np.arange(29), np.log10(CURVE)) + 12) / 15
    assert share_of(np.array([0, 114, 178]) / 255, zip(x, line, strict=True)) > 0.97
    assert 0.4 < share_of(np.array([213, 94, 0]) / 255, zip(x, np.full(90, 14 / 15), strict=True)) < 0.9


# ---- a good neighbour on the page ------------------------------------------------------------------------------------------


def test_a_link_leads_to_the_heading_whatever_the_page_made_of_it(open_page):
    page = open_page(shown(choice("unit 2"), "unit 1", NOTES))
    page.evaluate("""() => {
        const far = document.createElement("div"), heading = document.createElement("h2");
        far.style.height = "3000px";
        heading.innerHTML = 'What does <em>each</em> term do?<a href="#x">¶</a>';
        heading.dataset.jupyterId = "What-does-each-term-do?";
        document.body.append(far, heading, far.cloneNode());
    }""")
    page.locator(".pf-note a").click()
    assert page.locator("h2").bounding_box()["y"] == pytest.approx(0, abs=2)
    assert "#" not in page.url


def test_a_link_turns_the_slides(open_page):
    page = open_page(shown(choice("unit 2"), "unit 1", NOTES))
    page.evaluate("""() => {
        const slide = (name) => `<section><h2>${name}</h2></section>`;
        document.body.insertAdjacentHTML("beforeend", `<div class="reveal"><div class="slides">${slide("Other")}${slide("What does each term do?")}</div></div>`);
        window.Reveal = { getIndices: (node) => ({ h: [...document.querySelectorAll("section")].indexOf(node), v: 0 }), slide: (...where) => { window.turned = where; } };
    }""")
    page.locator(".pf-note a").click()
    assert page.evaluate("window.turned") == [1, 0]


@each_kind
def test_keys_stay_inside(open_page, kind):
    page = open_page(MAKE[kind][0]())
    page.evaluate("window.heard = []; document.addEventListener('keydown', (event) => window.heard.push(event.key))")
    page.locator(".pf-box :is(input, button:enabled, [tabindex])").first.focus()
    for key in ("b", "ArrowLeft", "ArrowDown", "Escape"):
        page.keyboard.press(key)
    assert page.evaluate("window.heard") == []


def test_pictures_on_one_page_stay_apart(open_page):
    page = open_page(choice(), choice())
    page.get_by_label("unit 2").first.check()
    page.get_by_label("unit 3").nth(1).check()
    assert page.get_by_label("unit 2").first.is_checked()
    page.get_by_role("button", name="This is my guess").first.click()
    assert page.evaluate("window.pictures[1].model.saves.length") == 0 and buttons(page) == ["Change it", "This is my guess"]


@each_kind
def test_nothing_is_left_when_it_is_closed(open_page, kind):
    page = open_page(MAKE[kind][0]())
    left = page.evaluate("""() => {
        const { model, el, dispose } = window.pictures[0];
        dispose();
        model.set("truth", { value: 3, text: "3", notes: {} });
        return [el.childElementCount, model.saves.length, ...Object.values(model.listeners).map((list) => list.length)];
    }""")
    assert left == [0, 0, 0, 0]


def test_a_state_set_from_python_shows_at_once(open_page):
    page = open_page(shown(choice(), "unit 1", NOTES))
    page.evaluate("window.pictures[0].model.set('state', { guess: 'unit 3', shown: false })")
    assert status(page) == "You said “unit 3”. What came out: “unit 1”."
    page.evaluate("window.pictures[0].model.set('state', { guess: null, shown: false })")
    assert status(page) == "" and saves(page) == []


def test_what_cannot_be_shown_says_so(open_page):
    prediction = choice()
    prediction.kind = "colour"
    page = open_page(prediction)
    assert page.get_by_role("alert").inner_text() == "Predict first cannot be shown. It knows choice, number, ranking, curve; it was asked for “colour”."


@each_kind
@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_both_themes(open_page, kind, dark):
    build, guess, show = MAKE[kind]
    for prediction in (build(), show(build(guess))):
        page = open_page(prediction, dark=dark)
        page.wait_for_timeout(300)
        assert contrast(page, ".unrolled-picture :is(p, b, label > span:not(.pf-mark), code, a, summary, .pf-tick, .pf-xtick, .pf-ytick, .pf-marker > span, li > span, button:enabled)") >= 4.5


@each_kind
@pytest.mark.parametrize("width", [1200, 600, 380])
def test_it_fits_its_place(open_page, kind, width):
    build, guess, show = MAKE[kind]
    for prediction in (build(), show(build(guess))):
        page = open_page(prediction, width=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        outside = page.evaluate("""() => {
            const box = document.querySelector(".pf-box").getBoundingClientRect();
            return [...document.querySelectorAll(".pf-box *")].filter((node) => { const place = node.getBoundingClientRect(); return place.width && !node.closest(".u-hidden") && (place.right > box.right + 1 || place.left < box.left - 1); }).length;
        }""")
        assert outside == 0


def test_a_state_is_told_in_words(open_page):
    page = open_page(number(), shown(curve([1.0] * 29), CURVE), ranking())
    assert page.get_by_role("slider", name="How many rows are blank?").get_attribute("aria-valuetext") == "no guess yet"
    assert page.get_by_role("status").nth(1).inner_text() == page.locator(".pf-status").nth(1).inner_text()
    page.get_by_role("button", name="true shuffle: up").click()
    assert page.locator(".u-hidden").nth(2).text_content() == "true shuffle is number 1 now"
