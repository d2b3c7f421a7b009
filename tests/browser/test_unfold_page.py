"""Fold and unfold on a bare page in Chromium: what stands on the screen is what NumPy says, by pointer and by keyboard."""

import io
import re

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from test_lstm_scope_page import contrast, saved

from course_utils.models import rnn_classifier
from course_utils.widgets import Unfold
from course_utils.widgets.unfold import middle

OPEN = {"fold": 1}


def visible(page):
    return [
        box
        for box in page.evaluate("""[...document.querySelectorAll('.uf-copy')].filter((copy) => !copy.hidden)
        .map((copy) => { const { left, width } = copy.getBoundingClientRect(); return [left, width]; })""")
    ]


def threads(page, kind="threads"):
    """The ends of all threads (x, y), counted from the chain's corner."""
    path = page.locator(f".uf-{kind}").get_attribute("d")
    return [
        tuple(float(number) for number in re.search(r"([-\d.e]+) [-\d.e]+V([-\d.e]+)$", part).groups())
        for part in path.split("M")[1:]
    ]


def strip(page, copy, kind, numbers):
    """The colours of a copy's state or row as they are on the screen."""
    page.add_style_tag(content=".uf-lines { display: none }")
    png = page.locator(f".uf-{kind} canvas").nth(copy).screenshot(scale="css")
    pixels = 255 * matplotlib.image.imread(io.BytesIO(png))[..., :3]
    y = ((np.arange(numbers) + 0.5) / numbers * pixels.shape[0]).astype(int)
    return pixels[y, pixels.shape[1] // 2]


def assert_shows(page, chain):
    """States, rows, shares, count and words agree with NumPy on the state that was saved."""
    trace, state = chain.trace(), chain.state
    assert len(visible(page)) == state["steps"] and len(threads(page)) == state["steps"]
    rows = middle(chain._sample.images[state["digit"]], state["steps"]) / 255
    for copy in {0, state["steps"] // 2, state["steps"] - 1}:
        for kind, values, colours, low in (("state", trace["h"][copy], "PuOr_r", -1), ("input", rows[copy], "gray_r", 0)):
            place = np.clip(np.floor((values - low) * 256 / (1 - low)), 0, 255).astype(int)
            far = np.abs(strip(page, copy, kind, len(values)) - matplotlib.colormaps[colours](place)[..., :3] * 255).max(axis=-1)
            assert (far > 4).mean() <= 1 / 16, (kind, copy)  # 32-bit floats at the border of two colours
    heights = page.evaluate(
        """[...document.querySelectorAll('.uf-copy:not([hidden]) .uf-share')]
            .map((bar) => (bar.classList.contains('uf-below') ? -1 : 1) * parseFloat(bar.style.height))"""
    )
    up, down = max(0, trace["shares"].max()), min(0, trace["shares"].min())
    assert np.allclose(heights, 100 * trace["shares"] / ((up - down) or 1), atol=0.1)  # they take all the height
    total = sum(array.size for array in chain.cell()[2:])
    assert page.locator(".uf-count").inner_text().split(" = ")[1].startswith(f"{total:,} parameters.")
    assert page.locator(".uf-total").inner_text() == f"{total:,} parameters"
    above = (28 - state["steps"]) // 2
    assert page.locator(".uf-copy:not([hidden]) .uf-name").all_text_contents() == [
        str(above + t + 1) for t in range(state["steps"])
    ]
    said = trace["p"][-1].argmax()
    assert page.locator(".uf-top span").inner_text().endswith(f"answer: {said} ({100 * trace['p'][-1, said]:.0f}%)")


@pytest.mark.parametrize(
    "state", [OPEN, OPEN | {"digit": 4, "weight": ["W_x", 14, 9]}, OPEN | {"steps": 6, "units": 8, "weight": ["b", 1, 3]}]
)
def test_the_first_look(open_page, state):
    chain = Unfold(state=state)
    assert_shows(open_page(chain), chain)


def test_a_model_of_ones_own(open_page):
    chain = Unfold(rnn_classifier(10, activation="relu", seed=4), state=OPEN | {"steps": 12})
    assert_shows(open_page(chain), chain)


def test_the_handle_unfolds_it(open_page):
    page = open_page(Unfold())
    places = np.array(visible(page))
    assert np.ptp(places[:, 0]) < 0.01  # a pile: the loop
    assert page.locator(".u-lead").inner_text().startswith("A recurrent cell is a loop. Pull the handle")
    box = page.locator(".uf-handle").bounding_box()
    page.mouse.move(box["x"] + 15, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 12, steps=5)
    between = np.diff(np.array(visible(page))[:, 0])
    assert between.min() > 5 and np.ptp(between) < 0.01  # evenly
    page.mouse.move(1400, box["y"] + 12, steps=5)
    page.mouse.up()
    state = saved(page)
    assert state["fold"] == 1
    assert_shows(page, Unfold(state=state))


def test_the_slider_and_the_button_do_the_same(open_page):
    page = open_page(Unfold())
    page.get_by_label("Loop").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert saved(page)["fold"] == 0.03
    page.get_by_role("button", name="Unfold").press("Enter")
    page.wait_for_function("document.querySelector('.uf-fold button').textContent === 'Fold'")
    page.wait_for_timeout(400)
    assert saved(page)["fold"] == 1
    page.get_by_role("button", name="Fold").click()
    page.wait_for_timeout(400)
    assert saved(page)["fold"] == 0


def test_steps_and_units_are_two_things(open_page):
    page = open_page(Unfold(state=OPEN))
    count, why = page.locator(".uf-count").inner_text(), " The 28 are the pixels of a row; time steps do not appear."
    assert "time steps" not in count  # that would tell before anybody has tried
    page.get_by_label("Time steps").fill("9")
    assert page.locator(".uf-count").inner_text() == count + why
    assert page.locator(".uf-tools output").nth(1).inner_text() == "9 rows, from the middle"
    page.get_by_role("slider", name="Units").fill("16")
    assert (
        page.locator(".uf-count").inner_text()
        == "28 pixels · 16 units + 16 · 16 + 16 biases + output layer 170 = 890 parameters." + why
    )
    assert (
        page.locator(".u-note").inner_text()
        == "If each copy had weights of its own: 448 + 256 + 16 = 720 for a copy, 9 · 720 + 170 = 6,650 in all."
    )
    state = saved(page)
    assert (state["steps"], state["units"]) == (9, 16)
    assert_shows(page, Unfold(state=state))
    page.get_by_role("slider", name="Units").fill("32")  # the trained network is back
    assert_shows(page, Unfold(state=saved(page)))


def test_a_thread_leads_to_every_copy(open_page):
    page = open_page(Unfold(state=OPEN | {"steps": 10}))
    for name in ("W_x", "W_h", "b"):
        page.get_by_label(f"{name}, from" if name != "b" else "b, one for each unit", exact=False).first.check()
        left = page.locator(".uf-chain").bounding_box()["x"]
        ends, copies = np.array(threads(page)), np.array(visible(page)) - [left, 0]
        assert len(ends) == 10
        inside = (ends[:, 0] > copies[:, 0] - 12) & (ends[:, 0] < copies[:, 0] + copies[:, 1])
        assert inside.all(), name
        assert saved(page)["weight"][0] == name


def test_a_weight_is_picked_by_pointer_and_by_keyboard(open_page):
    page = open_page(Unfold(state=OPEN))
    box = page.locator(".uf-W_x").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 4.5 / 32, box["y"] + box["height"] * 13.5 / 28)
    assert saved(page)["weight"] == ["W_x", 14, 5]
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    state = saved(page)
    assert state["weight"] == ["W_x", 15, 7]
    chain = Unfold(state=state)
    assert_shows(page, chain)
    assert (
        page.locator(".uf-said")
        .inner_text()
        .startswith(f"W_x from pixel 15 to unit 7 is {chain.cell().W_x[14, 6]:.4f}".rstrip("0").replace("-", "−"))
    )


def test_pointing_at_a_copy_shows_what_the_weight_does_there(open_page):
    chain = Unfold(state=OPEN | {"weight": ["W_h", 3, 4]})
    page, trace = open_page(chain), chain.trace()
    for copy in (1, 20, 28):
        left, wide = visible(page)[copy - 1]
        page.mouse.move(left + wide / 2, page.locator(".uf-chain").bounding_box()["y"] + 120)
        text = page.locator(".uf-said").inner_text().replace("−", "-")
        assert f"In copy {copy} it meets" in text
        met, w, product = (float(number) for number in re.search(r"([-\d.]+) · \(?([-\d.]+)\)? = ([-\d.]+)\.$", text).groups())
        before = trace["h"][copy - 2, 2] if copy > 1 else 0
        assert (met, w, product) == pytest.approx((before, chain.cell().W_h[2, 3], before * chain.cell().W_h[2, 3]), abs=5.1e-5)
        assert page.locator(".uf-seen").count() == 1 and len(threads(page, "bright")) == 1
        row = page.locator(".uf-digit .u-row").bounding_box()["y"] - page.locator(".uf-digit").bounding_box()["y"]
        assert row == pytest.approx((copy - 1) * 4 - 1, abs=1.5)
    digit = page.locator(".uf-digit").bounding_box()
    page.mouse.move(digit["x"] + 50, digit["y"] + 4 * 9.5)
    assert "In copy 10 it meets" in page.locator(".uf-said").inner_text()
    page.locator(".uf-chain").focus()
    page.keyboard.press("ArrowRight")
    assert saved(page)["copy"] == 15


@pytest.mark.parametrize("steps", [28, 12])
def test_folded_the_row_marked_in_the_digit_is_the_one_in_the_cell(open_page, steps):
    page, above = open_page(Unfold(state={"steps": steps})), (28 - steps) // 2

    def marked_and_on_top():
        digit, row = (page.locator(place).bounding_box()["y"] for place in (".uf-digit", ".uf-digit .u-row"))
        state = page.locator(".uf-seen .uf-input").bounding_box()
        top = """([x, y]) => document.elementFromPoint(x, y).closest('.uf-copy').querySelector('.uf-name').textContent"""
        return round((row + 1 - digit) / 4) + 1, int(page.evaluate(top, [state["x"] + 8, state["y"] + 40]))

    assert marked_and_on_top() == (above + steps // 2,) * 2
    digit = page.locator(".uf-digit").bounding_box()
    page.mouse.move(digit["x"] + 50, digit["y"] + 4 * 16.5)
    assert marked_and_on_top() == (17, 17)
    assert f"In copy {17 - above}" in page.locator(".uf-said").inner_text()


def test_the_handle_covers_no_thread(open_page):
    page = open_page(Unfold(state=OPEN))
    page.get_by_label("W_x, from pixels to units", exact=True).first.check()
    handle, chain = page.locator(".uf-handle").bounding_box(), page.locator(".uf-chain").bounding_box()
    assert handle["x"] - chain["x"] > max(x for x, _ in threads(page))
    assert handle["x"] + handle["width"] <= chain["x"] + chain["width"]


def test_the_largest_shares_are_named_and_add_up(open_page):
    chain = Unfold(state=OPEN | {"asked": "sum"})
    page, shares = open_page(chain), chain.trace()["shares"]
    text = page.locator(".uf-answer").inner_text().split("add up: ")[1].split(". That is")[0]
    powers = {ord(high): low for high, low in zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")}
    found = [
        float(number) * 10.0 ** -int((power or "0").translate(powers))
        for number, power in re.findall(r"(-?\d+\.?\d*)(?: · 10⁻([⁰¹²³⁴⁵⁶⁷⁸⁹]+))?(?=\)? \(|$)", text.replace("−", "-"))
    ]
    largest = np.sort(np.argsort(-np.abs(shares))[:3])
    assert [int(copy) for copy in re.findall(r"copy (\d+)", text)] == list(largest + 1) and "(the other 25)" in text
    assert found == pytest.approx([*shares[largest], np.delete(shares, largest).sum(), shares.sum()], rel=0.06, abs=5.1e-5)
    assert min(np.abs(found[:3])) > 0
    assert page.locator(".u-lead").inner_text().startswith("Each bar is one copy's share")
    assert [ask.get_attribute("aria-pressed") for ask in page.locator(".uf-asks button").all()] == ["false", "false", "true"]


@pytest.mark.parametrize("name", ["W_x", "W_h", "b"])
def test_a_matrix_is_opened_at_one_of_its_large_weights(open_page, name):
    page, other = open_page(Unfold(state=OPEN | {"weight": ["b" if name == "W_h" else "W_h", 1, 1]})), Unfold()
    page.locator(f".uf-store input[value={name}]").check()
    _, row, column = saved(page)["weight"]
    weights = np.atleast_2d(getattr(other.cell(), name))
    part = weights[13:14] if name == "W_x" else weights
    assert abs(weights[row - 1, column - 1]) == np.abs(part).max()


def test_the_questions_are_answered_with_the_numbers_at_hand(open_page):
    chain = Unfold(state={"steps": 3, "units": 6, "weight": ["W_x", 16, 2]})
    page, trace = open_page(chain), chain.trace()
    assert not page.locator(".uf-track").first.is_visible()
    page.get_by_role("button", name="Why one gradient?").click()
    page.wait_for_timeout(400)
    text = page.locator(".uf-answer").inner_text().replace("−", "-").replace("(", "").replace(")", "")
    *shares, total = [float(number) for number in re.findall(r"-?\d+\.?\d*(?= \+| =|\. That)", text.split("add up:")[1])]
    assert shares == pytest.approx(list(trace["shares"]), abs=5.1e-5) and total == pytest.approx(
        trace["shares"].sum(), abs=5.1e-5
    )
    assert saved(page)["fold"] == 1 and saved(page)["asked"] == "sum"
    assert page.locator(".uf-track").first.is_visible()
    assert (
        page.locator(".uf-said")
        .inner_text()
        .replace("−", "-")
        .endswith(f"share of the gradient: {trace['shares'][1]:.4f}".rstrip("0") + ".")
    )
    page.get_by_role("button", name="Is the weight another one").click()
    assert page.locator(".uf-answer").inner_text().startswith("No. W_x from pixel 16 to unit 2 is one number")
    page.get_by_role("button", name="Units or time steps?").click()
    assert "3, once for each row" in page.locator(".uf-answer").inner_text()


def test_pictures_on_one_page_stay_apart(open_page):
    page = open_page(Unfold(state=OPEN), Unfold(state=OPEN | {"weight": ["b", 1, 1]}))
    page.get_by_label("W_x, from pixels to units", exact=True).first.check()
    assert page.get_by_label("b, one for each unit", exact=True).nth(1).is_checked()
    assert page.evaluate("window.pictures[1].model.saves.length") == 0


def test_nothing_is_left_when_it_is_closed(open_page):
    page = open_page(Unfold(), Unfold())
    page.get_by_role("button", name="Unfold").first.click()  # it still moves, and its save is still to come
    left = page.evaluate("""async () => {
        const { model, el, dispose } = window.pictures[0];
        dispose();
        await new Promise((resume) => setTimeout(resume, 700));
        return [el.childElementCount, model.listeners["change:state"].length, model.saves.length];
    }""")
    assert left == [0, 0, 0]


def test_a_state_set_from_python_shows_at_once(open_page):
    page, staged = open_page(Unfold()), Unfold(state=OPEN | {"steps": 4, "units": 3, "digit": 2})
    page.evaluate("(state) => window.pictures[0].model.set('state', state)", staged.state)
    assert_shows(page, staged)


def test_what_cannot_be_shown_says_so(open_page):
    chain = Unfold()
    chain.weights = chain.weights[:-4]
    page = open_page(chain)
    assert page.get_by_role("alert").inner_text() == "Fold and unfold cannot be shown. 2282 weights were expected, 2281 came."


def test_keys_stay_inside(open_page):
    page = open_page(Unfold())
    page.evaluate("window.heard = []; document.addEventListener('keydown', (event) => window.heard.push(event.key))")
    for selector in (".uf-chain", ".uf-W_h"):
        page.locator(selector).focus()
        for key in ("b", "ArrowRight", "Escape"):
            page.keyboard.press(key)
    assert page.evaluate("window.heard") == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_both_themes(open_page, dark):
    page = open_page(Unfold(state=OPEN | {"asked": "sum"}), dark=dark)
    assert contrast(page, ".unrolled-picture :is(p, span, b, button, output, label, legend, sub, .uf-handle)") >= 4.5


@pytest.mark.parametrize("fold", [0, 1])
@pytest.mark.parametrize("width", [1200, 1000, 860, 700, 600, 400])
def test_it_fits_its_place(open_page, width, fold):
    page = open_page(Unfold(state={"fold": fold, "steps": 28 if fold else 12, "asked": "sum"}), width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    title, right = page.locator(".uf-top b").bounding_box(), page.locator(".uf-top").bounding_box()
    answer = page.locator(".uf-top span").bounding_box()
    assert title["x"] + title["width"] <= answer["x"] and answer["x"] + answer["width"] <= right["x"] + right["width"] + 0.1
    if width >= 600:
        assert page.locator(".uf-top b").evaluate("(title) => title.scrollWidth <= title.clientWidth")
    chain = page.locator(".uf-chain").bounding_box()
    assert max(left + wide for left, wide in visible(page)) <= chain["x"] + chain["width"]


def test_the_state_is_told_in_words(open_page):
    page = open_page(Unfold(state=OPEN))
    page.get_by_label("Time steps").fill("5")
    said = Unfold(state=OPEN | {"steps": 5}).caption()
    page.wait_for_function("(said) => document.querySelector('[role=status]').textContent.startsWith(said)", arg=said)
