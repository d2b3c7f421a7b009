"""One formula, one cell on a bare page in Chromium: every number on the screen is NumPy's, by pointer and by keyboard."""

import io
import re

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from test_lstm_scope_page import contrast, saved

from course_utils.models import rnn_classifier
from course_utils.widgets import OneCell
from course_utils.widgets.one_cell import say

REAL = {"network": "real", "stage": 3}


def number(text):
    return float(text.replace("−", "-").replace("=", "").replace("·", "").replace("(", "").replace(")", ""))


def totals(page, kind):
    return [text for text in page.locator(f".oc-{kind} td").all_inner_texts()]


def assert_toy_shows(page, cell):
    """Each number of the table, the formula and the curve agree with NumPy on the state that was saved."""
    net, trace, t, j, stage = cell.net(), cell.trace(), cell.state["step"] - 1, cell.state["unit"] - 1, cell.state["stage"]
    v = trace["v"][t]
    fields = [float(field.input_value()) for field in page.locator(".oc-toy td input").all()]
    assert np.abs(np.reshape(fields, net.W.shape) - net.W).max() <= 5e-5
    assert [float(field.input_value()) for field in page.locator(".oc-toy th input").all()] == pytest.approx(v[:2], abs=5e-5)
    assert [number(text) for text in page.locator(".oc-in").all_inner_texts()] == pytest.approx(v[2:], abs=5e-5)
    products = page.locator(".oc-product").all_inner_texts()
    assert products == [f"= {say(p, 4)}" for p in (v[:, None] * net.W).ravel()] if stage else set(products) == {""}
    assert totals(page, "sums") == [say(a, 4) if stage > 1 else "" for a in trace["a"][t]]
    assert totals(page, "states") == [say(h, 4) if stage > 2 else "" for h in trace["h"][t]]
    last = page.locator(".oc-formula .oc-term").last.inner_text()
    assert last == (f"tanh({say(trace['a'][t, j], 4)}) = {say(trace['h'][t, j], 4)}" if stage > 2 else "")
    if stage > 2:
        assert point(page) == pytest.approx(
            [140 + 30 * np.clip(trace["a"][t, j], -4.3, 4.3), 90 - 66 * trace["h"][t, j]], abs=0.1
        )


def point(page):
    page.wait_for_timeout(300)  # it glides
    return page.evaluate("(({ e, f }) => [e, f])(new DOMMatrix(getComputedStyle(document.querySelector('.oc-point')).transform))")


def screen_colours(page, selector, rows, columns):
    """Colours in the middle of each number's place, from a picture of the screen: (rows, columns, 3) in 0...255."""
    page.add_style_tag(content=".oc-cross-line, .oc-cross-unit, .oc-border { display: none !important }")
    pixels = 255 * matplotlib.image.imread(io.BytesIO(page.locator(selector).screenshot(scale="css")))[..., :3]
    y = ((np.arange(rows) + 0.5) / rows * pixels.shape[0]).astype(int)
    x = ((np.arange(columns) + 0.5) / columns * pixels.shape[1]).astype(int)
    return pixels[np.ix_(y, x)]


def assert_real_shows(page, cell):
    """The map of products, the strips and the formula's lines agree with NumPy on the state that was saved."""
    net, trace, t, j = cell.net(), cell.trace(), cell.state["step"] - 1, cell.state["unit"] - 1
    limit = float(page.locator(".oc-key .u-legend span").last.inner_text())
    maps = {
        ".oc-table canvas": (trace["v"][t][:, None] * net.W, limit),
        ".oc-come canvas": (trace["v"][t][:, None], 1),
        ".oc-total >> nth=0": (trace["a"][t][None], 3),
        ".oc-total >> nth=1": (trace["h"][t][None], 1),
    }
    terms = page.locator(".oc-formula .oc-term").all_inner_texts()
    assert [number(terms[k].split("=")[-1]) for k in range(5)] == pytest.approx(
        [trace["seen"][t, j], trace["kept"][t, j], net.W[-1, j], trace["a"][t, j], trace["h"][t, j]], abs=5.1e-4
    )
    for selector, (values, limit) in maps.items():
        place = np.clip(np.floor((values + limit) * 256 / (2 * limit)), 0, 255).astype(int)
        far = np.abs(screen_colours(page, selector, *values.shape) - matplotlib.colormaps["PuOr_r"](place)[..., :3] * 255).max(
            axis=-1
        )
        assert (far > 6).mean() < 0.01, selector  # a product may lie on the border of two colours


def test_step_by_step_by_pointer(open_page):
    page = open_page(OneCell())
    assert_toy_shows(page, OneCell())
    for stage, name in enumerate(["Multiply", "Add", "Squash"], start=1):
        page.get_by_role("button", name=name).click()
        assert_toy_shows(page, OneCell(state={"stage": stage}))
    assert totals(page, "states") == ["−0.642", "0.9427", "0.234"]  # what lesson 1 prints
    assert saved(page)["stage"] == 3


def test_step_by_step_by_keyboard(open_page):
    page = open_page(OneCell())
    page.get_by_role("button", name="The numbers").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_label("Time step").focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="unit 3").focus()
    page.keyboard.press("Enter")
    state = saved(page)
    assert (state["stage"], state["step"], state["unit"]) == (3, 1, 3)
    assert page.locator(".oc-editor legend").inner_text().startswith("Chosen: input 2 and its weight to unit 3.")
    assert_toy_shows(page, OneCell(state=state))


def test_a_changed_weight_and_a_changed_input_and_everything_follows(open_page):
    page = open_page(OneCell(state={"stage": 3}))
    page.get_by_label("W_h, from old state 1 to unit 2").first.fill("-0.5")
    page.get_by_label("input 1", exact=True).fill("1.5")
    state = saved(page)
    assert state["edits"] == [["W", 3, 2, -0.5], ["x", 2, 1, 1.5]] and (state["line"], state["unit"]) == (1, 2)
    assert_toy_shows(page, OneCell(state=state))
    page.get_by_label("Time step").fill("1")
    page.get_by_label("the weight, by slider").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    state = saved(page)
    assert state["edits"][-1] == ["W", 1, 2, -0.6]
    assert_toy_shows(page, OneCell(state=state))
    page.get_by_role("button", name="Put all numbers back").click()
    assert saved(page)["edits"] == []
    assert_toy_shows(page, OneCell(state=saved(page)))


def test_what_is_no_number_is_not_taken(open_page):
    page = open_page(OneCell(state={"stage": 3}))
    field = page.get_by_label("W_x, from input 1 to unit 1").first
    field.fill("")
    page.get_by_label("Time step").focus()
    assert_toy_shows(page, OneCell(state={"stage": 3, "line": 1, "unit": 1}))
    assert saved(page)["edits"] == []


@pytest.mark.parametrize("text, taken", [("10", 9), ("-123.4", -9)])
def test_a_number_beyond_the_limits_is_held_there_and_that_is_said(open_page, text, taken):
    page = open_page(OneCell(state={"stage": 3}))
    said = page.get_by_role("alert")
    page.get_by_label("W_x, from input 1 to unit 1").first.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)
    assert said.inner_text() == f"A number here goes from −9 to 9: it is {say(taken, 0)} now."
    page.get_by_label("Time step").focus()
    assert saved(page)["edits"] == [["W", 1, 1, taken]]
    assert_toy_shows(page, OneCell(state=saved(page)))  # the field, too
    page.get_by_label("the weight", exact=True).fill("12")
    assert saved(page)["edits"] == [["W", 1, 1, 9]] and said.is_visible()
    page.get_by_label("W_x, from input 1 to unit 2").first.fill("9")
    assert not said.is_visible()


def test_a_pixel_beyond_the_limits_is_held_there(open_page):
    page = open_page(OneCell(state=REAL))
    page.get_by_label("the number that comes in", exact=True).fill("2")
    assert page.get_by_role("alert").inner_text() == "A number here goes from 0 to 1: it is 1 now."
    assert saved(page)["edits"] == [["x", 15, 14, 1]]


def test_highlights_run_both_ways(open_page):
    page = open_page(OneCell(state={"stage": 3}))
    trace = OneCell().trace()
    page.get_by_role("button", name="unit 3").hover()
    assert page.locator(".oc-toy td.oc-on").count() == 8 and page.locator(".oc-toy tr.oc-on").count() == 0
    assert (
        page.locator(".oc-formula .oc-term").last.inner_text() == f"tanh({say(trace['a'][1, 2], 4)}) = {say(trace['h'][1, 2], 4)}"
    )
    page.locator(".oc-toy tbody tr").nth(4).locator("td").nth(0).hover(position={"x": 3, "y": 3})
    assert page.locator(".oc-toy tr.oc-on").inner_text().startswith("old state 3")
    assert page.locator(".oc-story").inner_text() == (
        "W_h, from old state 3 to unit 1: the same number at both steps "
        "(step 1, old state 3: 0 · 1 = 0; step 2, old state 3: −0.7616 · 1 = −0.7616)."
    )
    assert page.locator(".oc-editor legend").inner_text().startswith("Chosen: input 2 and its weight to unit 1.")  # stays
    page.mouse.move(5, 5)
    assert page.locator(".oc-sums td.oc-on").evaluate("(cell) => cell.cellIndex") == 1  # back to the unit that was chosen


def test_the_weights_have_their_letters(open_page):
    page = open_page(OneCell())
    assert [name.replace("\n", "") for name in page.locator(".oc-weights").all_inner_texts()] == ["Wx", "Wh", "b"]
    page.get_by_label("28 pixels, 32 units, trained").check()
    names = ["28 pixels x · Wx", "32 old states h · Wh", "constant 1 · b"]
    assert [" ".join(name.split()) for name in page.locator(".oc-names span:not(span span)").all_inner_texts()] == names


def test_what_is_added_up_is_called_a_sum(open_page):
    page = open_page(OneCell(state=REAL | {"stage": 1}))
    terms = page.locator(".oc-formula .oc-term")
    assert "sum" not in terms.first.inner_text()
    page.get_by_role("button", name="Add").click()
    assert "; the sum = " in terms.nth(0).inner_text() and "; the sum = " in terms.nth(1).inner_text()


def test_the_real_size_of_the_trained_network(open_page):
    page = open_page(OneCell(state={"stage": 3}))
    page.get_by_label("28 pixels, 32 units, trained").check()
    assert_real_shows(page, OneCell(state=saved(page)))
    page.get_by_role("button", name="read the 8").click()
    page.get_by_label("Time step").fill("20")
    state = saved(page)
    assert (state["digit"], state["step"]) == (8, 20)
    assert_real_shows(page, OneCell(state=state))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_model_of_ones_own(open_page, activation):
    cell = OneCell(rnn_classifier(16, activation=activation, seed=2), state={"step": 12, "unit": 5, "stage": 3})
    page = open_page(cell)
    if activation == "tanh":
        assert_real_shows(page, cell)
    h = cell.trace()["h"][11, 4]
    assert page.locator(".oc-formula .oc-term").last.inner_text().endswith(f"= {say(h, 3)}")
    assert (
        page.get_by_role("radio").count() == 0 and not page.locator("input[type=radio]").is_visible()
    )  # nothing to choose between


def test_pointing_in_the_real_size_shows_the_literal_numbers(open_page):
    cell = OneCell(state=REAL)
    page, trace, net = open_page(cell), cell.trace(), cell.net()
    box = page.locator(".oc-table").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 10.5 / 32, box["y"] + box["height"] * 13.5 / 61)
    story = page.locator(".oc-story").inner_text()
    assert story.startswith("W_x, from pixel 14 to unit 11: the same number at all 28 steps (here, step 15, pixel 14: ")
    numbers = [number(text) for text in re.findall(r"[−\d.]*\d", story.split("pixel 14: ")[1])]
    assert numbers[:3] == pytest.approx([net.x[14, 13], net.W[13, 10], net.x[14, 13] * net.W[13, 10]], abs=5.1e-4)
    assert page.locator(".oc-formula .oc-term").last.inner_text().endswith(f"= {say(trace['h'][14, 10], 3)}")
    page.locator(".oc-table").focus()
    for key in ("ArrowRight", "ArrowDown", "b"):
        page.keyboard.press(key)
    assert page.locator(".oc-story").inner_text().startswith("W_x, from pixel 15 to unit 2:")
    assert saved(page)["line"] == 15


def test_the_largest_products_in_figures(open_page):
    cell = OneCell(state=REAL | {"unit": 7})
    page = open_page(cell)
    page.get_by_role("button", name="sort the products").click()
    products = np.sort(np.abs(cell.trace()["v"][14] * cell.net().W[:, 6]))[::-1]
    shown = page.locator(".oc-list li span").all_inner_texts()
    assert [abs(number(text.split("=")[1])) for text in shown] == pytest.approx(products[:12], abs=5.1e-4)
    rest = number(page.locator(".oc-list li").last.inner_text().split("together")[1])
    assert rest + sum(number(text.split("=")[1]) for text in shown) == pytest.approx(cell.trace()["a"][14, 6], abs=0.01)
    assert saved(page)["order"] == "size"


def test_an_edit_in_the_real_size(open_page):
    page = open_page(OneCell(state=REAL | {"line": 30, "unit": 4}))
    page.get_by_label("the weight", exact=True).fill("0.9")
    assert page.get_by_label("the number that comes in", exact=True).is_disabled()  # an old state follows from the steps before
    assert_real_shows(page, OneCell(state=saved(page)))
    assert saved(page)["edits"] == [["W", 30, 4, 0.9]]


def test_pictures_on_one_page_stay_apart(open_page):
    page = open_page(OneCell(), OneCell(state={"stage": 3}))
    page.get_by_label("28 pixels, 32 units, trained").first.check()
    assert page.get_by_label("three units, by hand").nth(1).is_checked()
    assert totals(page, "states") == ["−0.642", "0.9427", "0.234"]
    assert page.evaluate("window.pictures[1].model.saves.length") == 0


def test_nothing_is_left_when_it_is_closed(open_page):
    page = open_page(OneCell(), OneCell())
    page.get_by_role("button", name="Add").first.click()  # its save is still to come
    left = page.evaluate("""async () => {
        const { model, el, dispose } = window.pictures[0];
        dispose();
        await new Promise((resume) => setTimeout(resume, 700));
        return [el.childElementCount, model.listeners["change:state"].length, model.saves.length];
    }""")
    assert left == [0, 0, 0]


def test_a_state_set_from_python_shows_at_once(open_page):
    page, staged = open_page(OneCell()), OneCell(state={"stage": 3, "step": 1, "unit": 1, "edits": [["W", 1, 1, 0.5]]})
    page.evaluate("(state) => window.pictures[0].model.set('state', state)", staged.state)
    assert_toy_shows(page, staged)


def test_what_cannot_be_shown_says_so(open_page):
    cell = OneCell(state=REAL)
    cell.weights = cell.weights[:-4]
    page = open_page(cell)
    assert (
        page.get_by_role("alert").inner_text() == "One formula, one cell cannot be shown. 1952 weights were expected, 1951 came."
    )


def test_keys_stay_inside(open_page):
    page = open_page(OneCell())
    page.evaluate("window.heard = []; document.addEventListener('keydown', (event) => window.heard.push(event.key))")
    page.get_by_label("W_x, from input 1 to unit 1").first.focus()
    for key in ("b", "ArrowUp", "Escape"):
        page.keyboard.press(key)
    assert page.evaluate("window.heard") == []


@pytest.mark.parametrize("state", [{"stage": 3}, REAL | {"order": "size"}])
@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_both_themes(open_page, dark, state):
    page = open_page(OneCell(state=state), dark=dark)
    assert (
        contrast(page, ".unrolled-picture :is(p, span, b, button:enabled, input[type=number], label, legend, th, td, li)") >= 4.5
    )


@pytest.mark.parametrize("state", [{"stage": 3}, {"stage": 3, "step": 1}, REAL | {"order": "size"}, REAL])
@pytest.mark.parametrize("width", [1200, 1000, 877, 860, 800, 700, 600, 400])
def test_it_fits_its_place(open_page, width, state):
    page = open_page(OneCell(state=state), width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width >= 600:  # below, the table of three units scrolls
        cut = """[...document.querySelectorAll('.oc-toy, .oc-toy td, .oc-toy th, .oc-list li')]
            .filter((node) => node.scrollWidth > node.clientWidth + 1)"""
        assert page.evaluate(f"{cut}.map((node) => node.textContent)") == []
        assert page.evaluate(OVERLAPS) == []


# Products that reach beyond their cell, and buttons that reach beyond the column they stand in. Layout units round to 1/64 pixel.
OVERLAPS = """[...document.querySelectorAll('.oc-product, .oc-states td, .oc-picks button')].filter((node) => {
    const range = new Range(), place = node.closest('td, .oc-aside').getBoundingClientRect();
    range.selectNodeContents(node);
    const right = node.matches('button') ? node.getBoundingClientRect().right : range.getBoundingClientRect().right;
    return node.checkVisibility() && right > place.right;
}).map((node) => node.textContent)"""


def test_the_state_is_told_in_words(open_page):
    page = open_page(OneCell())
    page.get_by_role("button", name="unit 3").click()
    said = OneCell(state={"unit": 3}).caption()
    page.wait_for_function("(said) => document.querySelector('[role=status]').textContent === said", arg=said)
