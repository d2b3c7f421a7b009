"""The gradient river on a bare page in Chromium: the lines and words on the screen are NumPy's, by pointer and keyboard."""

import io

import matplotlib.image
import numpy as np
import pytest
from test_lstm_scope_page import contrast, saved

from course_utils.models import lstm_classifier, rnn_classifier
from course_utils.widgets import GradientRiver
from course_utils.widgets.river import HIGH, LOW, _power

EDGE = 0.5
BLUE, ORANGE = (0, 114, 178), (213, 94, 0)


def ends(page):
    """The numbers beside the ends of the lines, by the lines' names."""
    shown = page.locator(".u-river-end:visible")
    return dict(zip(shown.locator("b").all_inner_texts(), shown.locator("> span").all_inner_texts()))


def settle(page):
    """Wait until all slices are done: the status speaks of the same numbers as the ends of the lines."""
    page.wait_for_function("""() => [...document.querySelectorAll('.u-river-end:not([hidden])')].every((end) =>
        document.querySelector('.u-status').textContent.includes(end.querySelector('b').textContent + ' ' + end.querySelector(':scope > span').textContent.split(' ')[0]))""")
    page.wait_for_timeout(300)


def words(log10):
    text = _power(log10).replace("e-", "e−")
    return text + (" ▲" if log10 > HIGH + EDGE else " ▼" if log10 < LOW - EDGE else "")


def assert_shows(page, river):
    """The ends in words, and each line where its numbers are, looked for on a picture of the screen."""
    settle(page)
    expected = {f"LSTM, {key}" if name == "LSTM" else name: values for name, sizes in river.sizes().items() for key, values in sizes.items()}
    assert ends(page) == {label: words(values[0]) for label, values in expected.items()}
    page.add_style_tag(content=".u-river-across, .u-river-says, .u-river-at, .u-river .u-river-stream:not(.u-river-alone) { display: none !important } "
                               ".u-river-stream { stroke-dasharray: none !important; stroke-width: 4px !important }")
    for label, values in expected.items():
        page.evaluate("""(name) => document.querySelectorAll('.u-river .u-river-stream').forEach((path) =>
            path.classList.toggle('u-river-alone', path.classList.contains(name)))""", "u-river-stream-" + {"RNN": "RNN-h"}.get(label, label.replace(", ", "-")))
        pixels = 255 * matplotlib.image.imread(io.BytesIO(page.locator(".u-river").screenshot(scale="css")))[..., :3]
        for t in np.linspace(0, len(values) - 1, 9).astype(int)[1:-1]:
            power = np.clip(values[t], LOW - EDGE, HIGH + EDGE)
            x, y = (t + 0.5) / len(values) * pixels.shape[1], (HIGH + EDGE - power) / (HIGH - LOW + 2 * EDGE) * pixels.shape[0]
            near = pixels[max(0, int(y) - 3) : int(y) + 4, int(x)]
            assert np.abs(near - (BLUE if label == "RNN" else ORANGE)).sum(axis=1).min() < 60, (label, t)


@pytest.mark.parametrize("state", [{}, {"scale": 0.5}, {"steps": 112, "scale": 1.2, "forget": 3.0, "digit": 4}, {"steps": 784, "cells": ["LSTM"]}])
def test_the_lines_are_those_of_numpy(open_page, state):
    river = GradientRiver(state=state)
    assert_shows(open_page(river), river)


def test_given_networks(open_page):
    river = GradientRiver(lstm_classifier(40, seed=3), rnn_classifier(24, seed=3), state={"scale": 1.1})
    page = open_page(river)
    assert_shows(page, river)
    note = page.locator(".u-note", has_text="Seen here").inner_text()
    assert "the RNN given, 24 units; the LSTM given, 40 units" in note and "no longer the network that was trained" in note
    assert page.get_by_label("Forget bias, fresh LSTM").is_disabled()
    page.get_by_role("slider", name="Time steps").fill("1")
    settle(page)
    note = page.locator(".u-note", has_text="Seen here").inner_text()
    assert "a fresh, untrained RNN of 32 units" in note and "for longer sequences fresh ones stand in" in note
    assert page.get_by_label("Forget bias, fresh LSTM").is_enabled() and page.get_by_label("fresh, untrained networks").is_disabled()
    assert_shows(page, GradientRiver(state=saved(page)))


def test_sliders_by_keyboard(open_page):
    page = open_page(GradientRiver())
    page.get_by_label("Scale of W_h").focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    assert page.locator(".u-slider output").nth(1).inner_text() == "× 0.70"
    page.get_by_role("slider", name="Time steps").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.locator(".u-slider output").first.inner_text() == "196, each of 4 pixels"
    page.get_by_label("Forget bias, fresh LSTM").focus()
    page.keyboard.press("ArrowRight")
    state = saved(page)
    assert (state["scale"], state["steps"], state["forget"]) == (0.7, 196, 1.25)
    assert_shows(page, GradientRiver(state=state))


def test_a_newer_setting_stops_the_work_on_an_older(open_page):
    page = open_page(GradientRiver(state={"steps": 784}))
    page.evaluate("""() => { for (const value of [0.4, 2.5, 0.9]) {
        const input = document.querySelectorAll('.u-slider input')[1];
        input.value = value;
        input.dispatchEvent(new Event('input'));
    } }""")
    page.wait_for_timeout(600)
    assert_shows(page, GradientRiver(state=saved(page)))


def test_lines_and_digits_are_chosen(open_page):
    page = open_page(GradientRiver())
    page.get_by_role("button", name="read a 8").click()
    page.get_by_label("LSTM", exact=True).uncheck()
    state = saved(page)
    assert state["cells"] == ["RNN"] and state["digit"] == 8
    page.get_by_label("RNN", exact=True).click()
    assert page.get_by_label("RNN", exact=True).is_checked()  # one line stays
    assert_shows(page, GradientRiver(state=state))


def test_pointing_shows_the_numbers_of_a_step(open_page):
    river = GradientRiver(state={"steps": 56})
    page, sizes = open_page(river), river.sizes()
    settle(page)
    box = page.locator(".u-river").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 20.5 / 56, box["y"] + 60)
    text = page.locator(".u-numbers").inner_text()
    factor = {name: 10 ** (values["c" if name == "LSTM" else "h"][20] - values["c" if name == "LSTM" else "h"][21]) for name, values in sizes.items()}
    assert text.startswith(f"t = 21:   RNN  {words(sizes['RNN']['h'][20])}: {factor['RNN']:.2f} times the value at step 22 (mean slope of tanh there ")
    assert f"LSTM  h {words(sizes['LSTM']['h'][20])}, c {words(sizes['LSTM']['c'][20])}: c is {factor['LSTM']:.2f} times the value at step 22 (mean forget gate there " in text
    page.locator(".u-river").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator(".u-numbers").inner_text().startswith("t = 20:") and saved(page)["step"] == 20
    page.keyboard.press("End")
    assert page.locator(".u-numbers").inner_text().startswith("t = 56:   RNN  1.0e+00\nLSTM  h 1.0e+00, c ")


def test_what_explodes_is_beyond_the_axis_and_never_blank(open_page):
    page = open_page(GradientRiver(state={"steps": 784, "scale": 3.0}))
    settle(page)
    assert float(ends(page)["RNN"].removesuffix(" ▲").replace("e+", "e")) > 1e50
    assert page.locator(".u-river-beyond-high").is_visible() and not page.locator(".u-river-beyond-low").is_visible()
    assert page.get_by_text("A push that grows 1e+16 times").is_visible()
    assert "NaN" not in page.locator(".u-river-stream-RNN-h").first.get_attribute("d") + page.locator(".unrolled-picture").inner_text()
    page.get_by_label("Scale of W_h").fill("0.3")
    settle(page)
    assert ends(page)["RNN"].endswith(" ▼") and page.locator(".u-river-beyond-low").is_visible() and not page.locator(".u-river-beyond-high").is_visible()
    assert page.get_by_text("A push that grows 1e+16 times").count() == 0


def test_a_state_set_from_python_shows_at_once(open_page):
    page, staged = open_page(GradientRiver()), GradientRiver(state={"scale": 0.8, "steps": 112, "cells": ["LSTM"], "digit": 3, "step": 7})
    settle(page)
    page.evaluate("(state) => window.pictures[0].model.set('state', state)", staged.state)
    page.wait_for_function("document.querySelector('.u-numbers').textContent.startsWith('t = 7:')")
    assert_shows(page, staged)


def test_pictures_on_one_page_stay_apart_and_leave_nothing(open_page):
    page = open_page(GradientRiver(), GradientRiver(state={"steps": 784}))
    page.wait_for_timeout(500)
    second = page.locator(".unrolled-picture").nth(1).locator(".u-status").inner_text()
    page.get_by_label("Scale of W_h").first.fill("0.5")
    left = page.evaluate("""async () => {
        const { model, el, dispose } = window.pictures[0], steps = el.querySelectorAll('input')[0];
        steps.value = 5;  // still under way, and not yet saved, when it is closed
        steps.dispatchEvent(new Event('input'));
        model.saves = [];
        dispose();
        await new Promise((resume) => setTimeout(resume, 500));
        return [el.childElementCount, model.listeners["change:state"].length, model.saves.length];
    }""")
    assert left == [0, 0, 0]
    assert page.locator(".u-status").inner_text() == second


def test_what_cannot_be_shown_says_so(open_page):
    river = GradientRiver()
    river.weights = river.weights[:-4]
    page = open_page(river)
    assert page.get_by_role("alert").inner_text().startswith("Gradient river cannot be shown.")


def test_the_state_is_told_in_words(open_page):
    river = GradientRiver(state={"scale": 0.5})
    page, sizes = open_page(river), river.sizes()
    page.wait_for_function("document.querySelector('[aria-live]').textContent.startsWith('From step 1')")
    text = page.locator("[aria-live]").text_content()
    reach = {name: int(np.argmax(sizes[name]["h"][::-1] < -3)) for name in sizes}
    assert f"From step 1 to step 28, a tiny push becomes this many times as long: RNN {words(sizes['RNN']['h'][0])}; LSTM, h {words(sizes['LSTM']['h'][0])};" in text
    assert f"RNN the last {reach['RNN']}; LSTM, h the last {reach['LSTM']};" in text


def test_a_reach_with_a_gap_is_not_called_the_last_steps(open_page):
    """At scale 1.15 the digit's ink lets little through, and the blank pixels before it let pushes grow again."""
    river = GradientRiver(state={"steps": 784, "scale": 1.15, "cells": ["RNN"]})
    page, values = open_page(river), river.sizes()["RNN"]["h"]
    settle(page)
    gap, arrives = int(np.argmax(values[::-1] < -3)), int(np.sum(values >= -3))
    assert gap < arrives < 784 and values[0] > 6
    assert page.locator(".u-status").inner_text().endswith(f"1e−03 or more arrives from: RNN {arrives} steps, the last {gap} of them without a gap.")


def test_no_line_runs_through_words_about_what_lies_beyond_the_axis(open_page):
    page = open_page(GradientRiver(state={"steps": 784, "scale": 1.15}))
    settle(page)
    plot = page.locator(".u-river").bounding_box()
    for name, below in (("high", False), ("low", True)):
        words = page.locator(f".u-river-beyond-{name}")
        box = words.bounding_box()
        assert words.is_visible() and (box["y"] >= plot["y"] + plot["height"] if below else box["y"] + box["height"] <= plot["y"])
    assert page.locator(".u-river-title").inner_text().startswith("a tiny push arrives this many times as long")
    assert page.locator(".u-river-axis").inner_text().split("\n") == ["t = 1", "the push travels →", "← the gradient travels", "T = 784"]


def test_the_exact_words_are_folded_away(open_page):
    page = open_page(GradientRiver())
    assert not page.get_by_text("Frobenius").is_visible()
    page.locator(".u-river-exactly summary").focus()
    page.keyboard.press("Enter")
    assert page.get_by_text("Frobenius").is_visible()


def test_keys_stay_inside(open_page):
    page = open_page(GradientRiver())
    page.evaluate("window.heard = []; document.addEventListener('keydown', (event) => window.heard.push(event.key))")
    page.locator(".u-river").focus()
    for key in ("b", "ArrowLeft", "PageDown"):
        page.keyboard.press(key)
    assert page.evaluate("window.heard") == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_both_themes(open_page, dark):
    page = open_page(GradientRiver(state={"steps": 784, "scale": 3.0}), dark=dark)
    settle(page)
    assert contrast(page, ".unrolled-picture :is(p, span, b, button:enabled, output, label)") >= 4.5


@pytest.mark.parametrize("width", [1200, 1000, 700, 600])
def test_it_fits_its_place(open_page, width):
    page = open_page(GradientRiver(rnn_classifier(5), state={"steps": 784}), width=width)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate("""() => [...document.querySelectorAll('.u-river-end, .u-slider, .u-tools, .u-river-axis, .u-river-strip-name, .u-river-title, .u-river-foot')]
        .filter((node) => node.offsetParent && node.scrollWidth > node.clientWidth + 1).map((node) => node.outerHTML.slice(0, 160))""")
    assert cut == []
