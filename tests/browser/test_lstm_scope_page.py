"""The LSTM scope on a bare page in Chromium: what stands on the screen is what NumPy says, by pointer, touch and keyboard."""

import io
import re

import matplotlib
import matplotlib.image
import numpy as np
import pytest

from course_utils.models import lstm_classifier, rnn_classifier
from course_utils.widgets import LSTMScope
from course_utils.widgets.weights import forward

CUT = {"gate": "f", "value": 0.0, "first": 10, "last": 14}


def percents(page, picture=0):
    """The numbers beside the bars, as they are read on the screen."""
    texts = page.locator(".unrolled-picture").nth(picture).locator(".u-share").all_inner_texts()
    return [int(text.rstrip("%")) for text in texts]


def saved(page, picture=0):
    page.wait_for_function(f"window.pictures[{picture}].model.saves.length > 0")
    page.wait_for_timeout(350)  # the last save comes when the hand has been quiet
    return page.evaluate(f"window.pictures[{picture}].model.saves.at(-1)")


def screen_colours(page, key, rows, units):
    """Colours in the middle of each number's place in a map, from a picture of the screen: (rows, units, 3) in 0...255."""
    png = page.locator(f'[data-map="{key}"] canvas').screenshot(scale="css")
    pixels = 255 * matplotlib.image.imread(io.BytesIO(png))[..., :3]
    y = ((np.arange(rows) + 0.5) / rows * pixels.shape[0]).astype(int)
    x = ((np.arange(units) + 0.5) / units * pixels.shape[1]).astype(int)
    return pixels[np.ix_(y, x)]


def assert_shows(page, scope):
    """The bars and every map agree with NumPy on the state that was saved."""
    trace, row = scope.trace(), scope.state["row"]
    assert np.abs(np.array(percents(page)) - 100 * trace["p"][row - 1]).max() <= 0.5 + 1e-6
    page.evaluate("document.querySelector('.u-grid').classList.remove('u-probing')")  # its lines cover numbers
    page.add_style_tag(content=".u-veil, .u-line, .u-forced { display: none !important }")
    for key in set(trace) - {"p"}:
        low, high = (0, 1) if key in "ifo" else (-1, 1)
        if key == "c":
            high = int(page.locator('.u-panel:has([data-map="c"]) .u-legend span').last.inner_text())
            low = -high
        place = np.clip(np.floor((trace[key][:, scope.order] - low) * 256 / (high - low)), 0, 255).astype(int)
        colours = matplotlib.colormaps["YlGnBu" if key in "ifo" else "PuOr_r"](place)[..., :3] * 255
        assert np.abs(screen_colours(page, key, *trace[key].shape) - colours).max() <= 3, key


@pytest.mark.parametrize("state", [{"digit": 123}, {"digit": 7, "row": 17}, {"digit": 30, "forced": CUT}])
def test_the_first_look(open_page, state):
    scope = LSTMScope(state=state)
    page = open_page(scope)
    assert_shows(page, scope)


def test_a_trained_model_and_a_simple_rnn(open_page):
    for model in (lstm_classifier(32, seed=4), rnn_classifier(32, seed=4)):
        scope = LSTMScope(model)
        page = open_page(scope)
        assert_shows(page, scope)
    assert page.locator(".u-map").count() == 1 and page.locator(".u-force").count() == 0


def test_rows_by_keyboard_and_by_pointer(open_page):
    scope = LSTMScope(state={"digit": 123})
    page, p = open_page(scope), scope.trace()["p"]
    page.get_by_label("Rows read").focus()
    for row in (27, 26, 25):
        page.keyboard.press("ArrowLeft")
        said = p[row - 1].argmax()
        assert page.locator(".u-status b").inner_text() == f"After row {row} the answer is {said} ({100 * p[row - 1, said]:.0f}%)."
    assert percents(page) == [int(f"{100 * share:.0f}") for share in p[24]]
    box = page.locator('[data-map="h"]').bounding_box()
    page.mouse.click(box["x"] + 40, box["y"] + box["height"] * 11.5 / 28)
    assert page.locator(".u-slider output").first.inner_text() == "12 of 28"
    assert saved(page)["row"] == 12


def test_pointing_shows_the_numbers_of_a_unit(open_page):
    scope = LSTMScope(state={"digit": 123, "forced": CUT})
    page, trace = open_page(scope), scope.trace()
    box = page.locator('[data-map="c"]').bounding_box()
    page.mouse.move(box["x"] + box["width"] * (scope.order.index(16) + 0.5) / 64, box["y"] + box["height"] * 11.5 / 28)
    text = page.locator(".u-numbers").inner_text().replace("−", "-")
    f, i, g, c, o, h = (trace[key][11, 16] for key in "figcoh")
    assert text.startswith("Unit 17, row 12:") and "(forced)" in text
    numbers = [float(number) for number in re.findall(r"-?\d+\.\d\d", text)]
    assert numbers == pytest.approx([f, trace["c"][10, 16], i, g, c, o, np.tanh(c), h], abs=0.0051)
    page.locator('[data-map="c"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    right = scope.order[min(scope.order.index(16) + 1, 63)] + 1
    assert page.locator(".u-numbers").inner_text().startswith(f"Unit {right}, row 11:")
    box = page.locator(".u-pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 14.5 / 28, box["y"] + box["height"] * 13.5 / 28)
    assert page.locator(".u-numbers").inner_text() == f"Row 14, column 15:   ink {scope.image[13, 14]:.2f}"


def draw_a_one(page):
    box = page.locator(".u-pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8, steps=12)
    page.mouse.up()


def test_drawing_by_pointer(open_page):
    page = open_page(LSTMScope())
    page.get_by_role("button", name="Clear").click()
    draw_a_one(page)
    scope = LSTMScope(state=saved(page))
    assert scope.image.max() == 1 and 40 < (scope.image > 0).sum() < 120
    assert scope.trace()["p"][-1].argmax() == 1
    assert_shows(page, scope)


def test_erasing_and_drawing_by_keyboard(open_page):
    start = LSTMScope(state={"digit": 123})
    page = open_page(start)
    pad = page.locator(".u-pad")
    pad.focus()
    for key in ["ArrowUp"] * 4 + ["ArrowLeft"] * 3 + [" "]:
        page.keyboard.press(key)
    scope = LSTMScope(state=saved(page))
    changed = np.argwhere(scope.image != start.image)
    assert changed.tolist() == [[10, 11]]
    assert scope.image[10, 11] == (0 if start.image[10, 11] >= 0.5 else 1)
    assert_shows(page, scope)
    page.get_by_role("button", name="Erase").click()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    erased = LSTMScope(state=saved(page))
    assert erased.image[13:15].max() == 0 and start.image[13:15].max() > 0


def test_a_finger_draws(open_page):
    page = open_page(LSTMScope(), touch=True)
    page.get_by_role("button", name="Clear").tap()
    box = page.locator(".u-pad").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.25)
    image = LSTMScope(state=saved(page)).image
    assert image[6:8, 13:15].min() > 0.7 and image[12:].max() == 0


def test_a_forced_gate_and_what_it_does_to_500_digits(open_page):
    scope = LSTMScope(state={"digit": 3})
    page = open_page(scope)
    page.get_by_label("forget gate", exact=True).check()
    page.get_by_label("held at").fill("0.2")
    page.get_by_label("to row").fill("16")
    page.get_by_label("from row").fill("9")
    forced = {"gate": "f", "value": 0.2, "first": 9, "last": 16}
    assert saved(page)["forced"] == forced
    cell, images, labels = scope._cell, scope._sample.images / np.float32(255), scope._sample.labels
    said = [np.array([forward(cell, image, cut)["p"][-1].argmax() for image in images]) for cut in (None, forced)]
    right = [(answers == labels).sum() for answers in said]
    page.wait_for_function("document.querySelector('.u-note').textContent !== ''")
    results = page.locator(".u-result").all_inner_texts()
    assert [int(text.split()[0]) for text in results] == right
    verdict = page.locator(".u-note").inner_text()
    assert f"{right[1]} of 500 digits are right instead of {right[0]}" in verdict
    assert page.locator(".u-status").inner_text().endswith(f"After row 28, {right[1]} of 500 digits are right instead of {right[0]}.")
    assert f"most often is {np.bincount(said[1]).argmax()}: {np.bincount(said[1]).max()} times" in verdict
    page.get_by_label("no gate").check()
    assert saved(page)["forced"] is None
    assert_shows(page, scope)


def test_the_range_never_turns_over(open_page):
    page = open_page(LSTMScope(state={"forced": CUT}))
    page.get_by_label("from row").fill("20")
    assert saved(page)["forced"] == CUT | {"first": 20, "last": 20}


def test_picking_goes_on_to_the_next_digit_of_the_class(open_page):
    scope = LSTMScope()
    page, sevens = open_page(scope), np.flatnonzero(scope._sample.labels == 7)
    for digit in sevens[:2]:
        page.get_by_role("button", name="another 7").click()
        assert page.locator(".u-title span").first.inner_text() == f"number {digit + 1}, a 7"
    assert saved(page)["digit"] == sevens[1]


def test_pictures_on_one_page_stay_apart(open_page):
    page = open_page(LSTMScope(state={"digit": 3}), LSTMScope(state={"digit": 4, "forced": CUT}))
    second = percents(page, 1)
    page.get_by_label("input gate", exact=True).first.check()
    page.get_by_label("Rows read").first.fill("12")
    assert percents(page, 1) == second
    assert page.get_by_label("forget gate", exact=True).nth(1).is_checked()
    assert page.evaluate("window.pictures[1].model.saves.length") == 0


def test_nothing_is_left_when_it_is_closed(open_page):
    page = open_page(LSTMScope(), LSTMScope())
    page.get_by_label("Rows read").first.fill("12")  # its save is still to come
    left = page.evaluate("""async () => {
        const { model, el, dispose } = window.pictures[0];
        dispose();
        await new Promise((resume) => setTimeout(resume, 500));
        return [el.childElementCount, model.listeners["change:state"].length, model.saves.length];
    }""")
    assert left == [0, 0, 0]
    assert page.locator(".unrolled-picture").count() == 1


def test_a_state_set_from_python_shows_at_once(open_page):
    page, staged = open_page(LSTMScope()), LSTMScope(state={"digit": 9, "row": 20, "forced": CUT})
    page.evaluate("(state) => window.pictures[0].model.set('state', state)", staged.state)
    assert_shows(page, staged)
    assert page.get_by_label("forget gate", exact=True).is_checked()


def test_what_cannot_be_shown_says_so(open_page):
    scope = LSTMScope()
    scope.weights = scope.weights[:-4]
    page = open_page(scope)
    assert page.get_by_role("alert").inner_text() == "LSTM scope cannot be shown. 24458 weights were expected, 24457 came."


def test_keys_stay_inside(open_page):
    page = open_page(LSTMScope())
    page.evaluate("window.heard = []; document.addEventListener('keydown', (event) => window.heard.push(event.key))")
    page.get_by_label("Rows read").focus()
    for key in ("b", "ArrowLeft", "Escape"):
        page.keyboard.press(key)
    assert page.evaluate("window.heard") == []


def contrast(page, selector):
    """The lowest contrast between text and what lies behind it, by the formula of WCAG 2."""
    return page.evaluate("""(selector) => {
        const numbers = (colour) => colour.match(/[\\d.]+/g).map((text, k) => Number(text) * (colour.startsWith("color(") && k < 3 ? 255 : 1));
        const light = ([r, g, b]) => [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
            .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
        const behind = (node) => { const c = numbers(getComputedStyle(node).backgroundColor); return c[3] === 0 ? behind(node.parentElement) : c; };
        return Math.min(...[...document.querySelectorAll(selector)].map((node) => {
            const [a, b] = [light(numbers(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
            return (a + 0.05) / (b + 0.05);
        }));
    }""", selector)


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_both_themes(open_page, dark):
    page = open_page(LSTMScope(state={"forced": CUT}), dark=dark)
    page.get_by_role("button", name="Erase").click()
    assert contrast(page, ".unrolled-picture :is(p, span, b, button, output, label, legend)") >= 4.5


@pytest.mark.parametrize("width", [1000, 560, 360])
def test_it_fits_its_place(open_page, width):
    page = open_page(LSTMScope(), width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_state_is_told_in_words(open_page):
    scope = LSTMScope(state={"digit": 30, "row": 20, "forced": CUT})
    page, said = open_page(scope), scope.trace()["p"][20].argmax()
    page.wait_for_function("document.querySelector('.u-note').textContent !== ''")  # all is counted
    page.get_by_label("Rows read").fill("21")
    page.wait_for_function("document.querySelector('[aria-live]').textContent.startsWith('After row 21')")
    text = page.locator("[aria-live]").text_content()
    assert text.startswith(f"After row 21 the answer is {said} (") and "; without the force it would be " in text
    assert "The forget gate is held at 0.00 in rows 10 to 14." in text
    assert "It learned to answer after row 28 only: after row 21 it is right for" in text
