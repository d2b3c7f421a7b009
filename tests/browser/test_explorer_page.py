"""The misclassification explorer on a bare page in Chromium: what stands on the screen is what NumPy says."""

import io
import re

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from test_lstm_scope_page import contrast, saved

from course_utils.data import load_mnist
from course_utils.models import lstm_classifier, rnn_classifier
from course_utils.widgets import MissExplorer

PAGE = 18  # digits that the gallery shows at once


@pytest.fixture(scope="module")
def mnist():
    return load_mnist("embedded", verbose=False)


def both(mnist, **options):
    """Two untrained networks, so that the matrices are full of mistakes."""
    return MissExplorer({"LSTM": lstm_classifier(12, seed=4), "RNN": rnn_classifier(9, seed=4)}, mnist.x_test, mnist.y_test, **options)


def tiles(page):
    """The numbers of the digits in the gallery, in the order they stand there."""
    return [int(name.split(",")[0].removeprefix("digit ")) for name in
            page.locator(".u-miss-tile:visible").evaluate_all("(nodes) => nodes.map((node) => node.getAttribute('aria-label'))")]


def count(page, true, said):
    return page.locator(".u-miss-matrix tbody tr").nth(true).locator("button").nth(said)


def percents(page, net):
    return [int(text.rstrip("%")) for text in page.locator(".u-miss-net").nth(net).locator(".u-share").all_inner_texts()]


def assert_shows(page, explorer):
    """Bars and maps of both networks agree with NumPy on the state that was saved."""
    page.add_style_tag(content=".u-veil, .u-line, .u-row, .u-miss-true, .u-miss-stripes { display: none !important }")
    for net, (name, p) in enumerate(explorer.probabilities().items()):
        assert np.abs(np.array(percents(page, net)) - 100 * p[explorer.state["row"] - 1]).max() <= 0.5 + 1e-6
        png = page.locator(f'[data-net="{name}"] canvas').screenshot(scale="css")
        pixels = 255 * matplotlib.image.imread(io.BytesIO(png))[..., :3]
        y, x = (((np.arange(size) + 0.5) / size * edge).astype(int) for size, edge in zip(p.shape, pixels.shape))
        colours = matplotlib.colormaps["YlGnBu"](np.clip(np.floor(p * 256), 0, 255).astype(int))[..., :3] * 255
        assert np.abs(pixels[np.ix_(y, x)] - colours).max() <= 3, name


def test_the_first_look(open_page, mnist):
    explorer = both(mnist)
    page = open_page(explorer)
    for true, said in np.ndindex(10, 10):
        assert count(page, true, said).inner_text() == str(explorer.networks[0]["counts"][true][said] or "")
    assert page.get_by_role("button", name=f"All {explorer.wrong()} misses").get_attribute("aria-pressed") == "true"
    listed = [number for number in explorer.listed() if number in explorer._saved]
    assert tiles(page) == listed[:PAGE] and explorer.state["digit"] == listed[0]
    assert_shows(page, explorer)


def test_from_a_count_to_its_digits_and_into_one(open_page, mnist):
    explorer = MissExplorer()
    page, counts = open_page(explorer), np.array(explorer.networks[0]["counts"]) * (1 - np.eye(10))
    cell = [int(k) for k in np.unravel_index(counts.argmax(), counts.shape)]
    count(page, *cell).click()
    listed = explorer.listed(cell=cell).tolist()
    assert tiles(page) == listed and len(listed) == counts.max()
    assert page.locator(".u-miss-gallery-title").inner_text() == f"{len(listed)} digits: a {cell[0]}, read as {cell[1]} by the LSTM"
    page.get_by_label("Order of the digits").select_option("narrowest margin first")
    assert tiles(page) == explorer.listed(cell=cell, sort="narrowest margin first").tolist()
    page.locator(".u-miss-tile:visible").last.click()
    state = saved(page)
    assert state == {"network": "LSTM", "cell": cell, "sort": "narrowest margin first", "digit": tiles(page)[-1], "image": None, "row": 28}
    assert_shows(page, MissExplorer(state=state))


def test_matrix_and_gallery_by_keyboard(open_page, mnist):
    explorer = both(mnist)
    page = open_page(explorer)
    count(page, 0, 0).focus()
    for key in ["ArrowDown"] * 3 + ["ArrowRight"] * 9 + ["ArrowRight", "ArrowLeft", "Enter"]:
        page.keyboard.press(key)
    assert saved(page)["cell"] == [3, 8] and count(page, 3, 8).get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="All ").click()
    page.locator('.u-miss-tile[tabindex="0"]').focus()
    for key in ["ArrowRight", "ArrowRight", "ArrowLeft", "Enter"]:
        page.keyboard.press(key)
    assert saved(page)["digit"] == tiles(page)[1]
    page.locator('[data-net="RNN"]').focus()
    for _ in range(9):
        page.keyboard.press("ArrowUp")
    state = saved(page)
    assert state["row"] == 19
    assert_shows(page, both(mnist, state=state))


def test_the_other_network_has_a_matrix_of_its_own(open_page, mnist):
    explorer = both(mnist)
    page = open_page(explorer)
    page.get_by_label("RNN", exact=True).check()
    assert [count(page, 7, said).inner_text() for said in range(10)] == [str(n or "") for n in explorer.networks[1]["counts"][7]]
    assert tiles(page) == [n for n in explorer.listed("RNN") if n in explorer._saved][:PAGE] and saved(page)["network"] == "RNN"


def test_pages_of_the_gallery(open_page, mnist):
    explorer = both(mnist)
    page, listed = open_page(explorer), [number for number in explorer.listed() if number in explorer._saved]
    page.get_by_role("button", name="further digits").click()
    assert tiles(page) == listed[PAGE : 2 * PAGE]
    assert page.get_by_text(f"{PAGE + 1} to {2 * PAGE} of {len(listed)} saved").count() == 1
    page.get_by_role("button", name="earlier digits").click()
    assert tiles(page) == listed[:PAGE] and page.get_by_role("button", name="earlier digits").is_disabled()


def test_hover_works_both_ways(open_page, mnist):
    explorer = both(mnist)
    page = open_page(explorer)
    page.locator(".u-miss-tile:visible").nth(3).hover()
    number = tiles(page)[3]
    cell = [int(explorer._labels[number]), int(explorer._answers["LSTM"].said[number])]
    assert count(page, *cell).evaluate("(node) => node.classList.contains('u-miss-marked')")
    count(page, *cell).hover()
    marked = page.locator(".u-miss-tile.u-miss-marked").evaluate_all("(nodes) => nodes.map((node) => node.getAttribute('aria-label'))")
    assert any(name.startswith(f"digit {number},") for name in marked)
    assert all(f"a {cell[0]}, read as {cell[1]}," in name for name in marked)


def stroke(page, points):
    box = page.locator(".u-pad").bounding_box()
    for k, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, steps=1 if k == 0 else 8)
        if k == 0:
            page.mouse.down()
    page.mouse.up()


def test_erasing_and_adding_moves_the_answer(open_page):
    explorer = MissExplorer()
    page, before = open_page(explorer), explorer.image
    page.get_by_role("button", name="Erase").click()
    stroke(page, [(0.1, 0.45), (0.9, 0.45)])
    changed = MissExplorer(state=saved(page))
    assert changed.changed and changed.image[12].max() == 0 < before[12].max()
    assert changed.state["digit"] == explorer.state["digit"]
    assert_shows(page, changed)
    now, was = (each.probabilities()["LSTM"][-1] for each in (changed, explorer))
    text = page.locator(".u-status").inner_text()
    assert f"changed: after row 28 the LSTM says {now.argmax()} ({100 * now.max():.0f}%)." in text
    assert f"Before the change: LSTM {was.argmax()} ({100 * was.max():.0f}%)." in text
    page.get_by_role("button", name="Erase").click()
    page.locator(".u-pad").focus()
    page.keyboard.press(" ")
    assert MissExplorer(state=saved(page)).image[14, 14] == (0 if changed.image[14, 14] >= 0.5 else 1)
    page.get_by_role("button", name="Undo changes").click()
    assert saved(page)["image"] is None
    assert_shows(page, explorer)


def test_a_digit_of_ones_own(open_page):
    page = open_page(MissExplorer())
    page.get_by_role("button", name="Blank sheet").click()
    assert page.locator(".u-status").inner_text().startswith("A blank sheet")
    stroke(page, [(0.22, 0.1), (0.2, 0.75)])
    state = saved(page)
    own = MissExplorer(state=state)
    assert state["digit"] is None and 40 < (own.image > 0).sum() < 120
    assert page.locator(".u-status").inner_text().startswith("Your own digit: after row 28 the LSTM says")
    page.get_by_role("button", name="Centre it").click()
    centred = MissExplorer(state=saved(page))
    rows, columns = np.indices((28, 28)) + 0.5
    middle = [(centred.image * place).sum() / centred.image.sum() for place in (rows, columns)]
    assert np.abs(np.array(middle) - 14).max() <= 0.5 and centred.image.sum() == pytest.approx(own.image.sum())
    assert centred.probabilities()["LSTM"][-1].argmax() == 1
    assert_shows(page, centred)


def test_even_blank_paper_gets_an_answer_and_it_is_said_why(open_page, mnist):
    page = open_page(both(mnist))
    page.get_by_role("button", name="Blank sheet").click()
    blank = both(mnist, state=saved(page))
    says = ", ".join(f"the {name} says {p[-1].argmax()} ({100 * p[-1].max():.0f}%)" for name, p in blank.probabilities().items())
    assert page.locator(".u-status").inner_text() == (
        f"A blank sheet. Write a digit on it, anywhere. Even blank paper gets an answer, because each network must choose one of 10: {says}.")


def test_what_is_pointed_at_no_more_is_not_marked(open_page, mnist):
    page = open_page(both(mnist))
    for field in (page.locator('[data-net="RNN"]'), page.locator(".u-pad")):
        field.hover()
        assert page.locator(".u-row").first.is_visible() and page.locator(".u-numbers").inner_text().startswith("After row")
        page.mouse.move(2, 2)
        assert not page.locator(".u-row").first.is_visible() and page.locator(".u-numbers").inner_text().startswith("Point at")
    page.locator('[data-net="RNN"]').focus()
    page.keyboard.press("ArrowUp")
    assert page.locator(".u-row").first.is_visible()
    page.keyboard.press("Tab")
    assert not page.locator(".u-row").first.is_visible()


def test_an_empty_count_cannot_be_chosen(open_page):
    explorer = MissExplorer()
    page, counts = open_page(explorer), np.array(explorer.networks[0]["counts"])
    empty, full = ([int(k) for k in np.argwhere(where)[0]] for where in (counts == 0, (counts > 0) & ~np.eye(10, dtype=bool)))
    count(page, *full).click()
    before = saved(page), tiles(page)
    count(page, *empty).click(force=True)  # Playwright waits for what is disabled
    assert (saved(page), tiles(page)) == before and count(page, *empty).get_attribute("aria-disabled") == "true"
    assert count(page, *full).get_attribute("aria-pressed") == "true" and count(page, *full).get_attribute("aria-disabled") == "false"
    page.evaluate("(state) => window.pictures[0].model.set('state', state)", {**saved(page), "cell": empty})  # as Python may set it
    assert page.get_by_text("No digit was read like this. The digit below is another one.").is_visible()


def test_the_eraser_is_put_down_for_another_digit(open_page):
    page = open_page(MissExplorer())
    page.get_by_role("button", name="Erase").click()
    page.locator(".u-miss-tile:visible").nth(2).click()
    assert page.get_by_role("button", name="Erase").get_attribute("aria-pressed") == "false"
    before = MissExplorer(state=saved(page)).image.sum()
    stroke(page, [(0.1, 0.45), (0.9, 0.45)])
    assert MissExplorer(state=saved(page)).image.sum() > before  # a pen again


@pytest.mark.parametrize("width", [1000, 860, 700])
def test_nothing_below_jumps_when_the_gallery_gets_short(open_page, mnist, width):
    explorer = both(mnist)
    page, counts = open_page(explorer, width=width), np.array(explorer.networks[0]["counts"])
    before = page.locator(".u-pad").bounding_box()["y"]
    count(page, *[int(k) for k in np.argwhere(counts == 1)[0]]).click()
    page.wait_for_timeout(300)
    assert len(tiles(page)) <= 1 and page.locator(".u-pad").bounding_box()["y"] == before


def test_count_and_digit_are_on_one_screen_and_the_maps_side_by_side(open_page, mnist):
    """As wide as Lab beside its list of files."""
    page = open_page(both(mnist), width=860, height=900)
    top, bottom = page.locator(".u-miss-matrix").bounding_box()["y"], page.locator(".u-pad").bounding_box()
    assert bottom["y"] + bottom["height"] - top < 700
    assert len({page.locator(f'[data-net="{name}"]').bounding_box()["y"] for name in ("LSTM", "RNN")}) == 1


def test_orange_is_the_true_class_and_no_answer(open_page, mnist):
    page = open_page(both(mnist))
    colours = page.evaluate("""() => ['.u-said .u-bar', '.u-miss-true'].map((name) =>
        getComputedStyle(document.querySelector('.u-miss ' + name))[name.endsWith('true') ? 'borderTopColor' : 'backgroundColor'])""")
    assert colours[1] == "rgb(213, 94, 0)" and colours[0] != colours[1]


def test_how_far_the_rows_can_be_trusted_is_counted(open_page, mnist):
    explorer = both(mnist, every_row=True)
    page = open_page(explorer)
    page.get_by_label("Rows read").fill("20")
    right = [f"{network['rightAfter'][19]:,}" for network in explorer.networks]
    note = page.locator(".u-note", has_text="learned").inner_text()
    assert f"after row 20 the LSTM is right for {right[0]}, the RNN is right for {right[1]} of all 1,000 digits" in note
    assert note.startswith("These networks learned to answer after every row")
    assert page.locator(".u-miss-unlearned").count() == 0
    page = open_page(MissExplorer())
    assert page.locator(".u-note", has_text="learned").inner_text().startswith("Careful: this network learned to answer after row 28 only.")
    assert page.locator(".u-miss-unlearned .u-miss-stripes").is_visible()


def test_pointing_at_a_line_shows_its_numbers(open_page, mnist):
    explorer = both(mnist)
    page = open_page(explorer)
    box = page.locator('[data-net="RNN"]').bounding_box()
    page.mouse.click(box["x"] + 50, box["y"] + box["height"] * 15.5 / 28)
    text = page.locator(".u-numbers").inner_text()
    assert text.startswith("After row 16:") and saved(page)["row"] == 16
    for name, p in explorer.probabilities().items():
        found = re.search(rf"{name} (.*?)(?:\s{{4,}}|$)", text)[1]
        best = np.argsort(-p[15])[:3]
        assert found == "  ".join(f"{label}: {p[15, label]:.3f}" for label in best)


KERNEL = """({ facts, images, size }) => {
    const { model } = window.pictures[0], bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
    window.wishes = [];
    model.send = (wish) => {
        window.wishes.push(wish);
        const pixels = bytes(images), all = new Uint8Array(784 * (wish.numbers ?? []).length);
        (wish.numbers ?? []).forEach((number, k) => all.set(new Uint8Array(pixels.buffer, 784 * number, 784), 784 * k));
        const answer = wish.want === "facts" ? [{ have: "facts" }, [bytes(facts)]] : [{ have: "images", numbers: wish.numbers }, [new DataView(all.buffer)]];
        setTimeout(() => model.listeners["msg:custom"].forEach((heard) => heard(...answer)), 20);
    };
}"""


def test_the_kernel_gives_what_is_not_saved(open_page):
    import base64

    explorer = MissExplorer()
    page, text = open_page(explorer), lambda value: base64.b64encode(value).decode()
    page.evaluate(KERNEL, {"facts": text(explorer._facts(np.arange(1000))), "images": text(explorer._images.tobytes()), "size": 784})
    count(page, 1, 1).click()
    listed = explorer.listed(cell=(1, 1))
    page.wait_for_function("window.wishes.length === 2")
    page.wait_for_function("[...document.querySelectorAll('.u-note')].every((node) => !node.textContent.includes('kernel'))")
    assert tiles(page) == listed[:PAGE].tolist()
    missing = next(k for k in range(PAGE) if listed[k] not in explorer._saved)
    page.locator(".u-miss-tile").nth(missing).click()
    page.wait_for_function(f"document.querySelector('.u-status').textContent.startsWith('Digit {listed[missing]}, a 1')")
    state = saved(page)
    assert state["digit"] == listed[missing] and state["image"] is not None  # so that it is there without a kernel too
    explorer.state = state
    assert not explorer.changed
    assert_shows(page, explorer)


def test_without_a_kernel_it_says_what_cannot_be_shown(open_page):
    explorer = MissExplorer()
    page, listed = open_page(explorer), explorer.listed(cell=(1, 1))
    count(page, 1, 1).click()
    here = [number for number in listed if number in explorer._saved]
    page.get_by_text(f"{len(here)} of {len(listed)} are saved with this picture. The others come from a running kernel").wait_for()
    assert tiles(page) == here[:PAGE]


def test_a_state_set_from_python_shows_at_once(open_page, mnist):
    explorer = both(mnist)
    page, staged = open_page(explorer), both(mnist, state={"network": "RNN", "digit": int(explorer._saved[100]), "row": 20, "cell": [4, 4]})
    page.evaluate("(state) => window.pictures[0].model.set('state', state)", staged.state)
    assert_shows(page, staged)
    assert page.get_by_label("RNN", exact=True).is_checked() and count(page, 4, 4).get_attribute("aria-pressed") == "true"


def test_pictures_on_one_page_stay_apart_and_leave_nothing(open_page, mnist):
    page = open_page(MissExplorer(), both(mnist))
    page.locator(".u-choice", has_text="RNN").click()
    page.get_by_label("Rows read").first.fill("12")
    assert page.evaluate("window.pictures[1].model.saves.length") in (0, 1) and page.get_by_label("Rows read").nth(1).input_value() == "28"
    count(page, 1, 1).click()  # asks a kernel that is not there
    left = page.evaluate("""async () => {
        const { model, el, dispose } = window.pictures[0], row = el.querySelector('input[type=range]');
        row.dispatchEvent(new Event('input'));  // its save is still to come
        model.saves = [];
        dispose();
        await new Promise((resume) => setTimeout(resume, 500));
        return [el.childElementCount, model.listeners["change:state"].length, model.listeners["msg:custom"].length, model.saves.length];
    }""")
    assert left == [0, 0, 0, 0]


def test_what_cannot_be_shown_says_so(open_page):
    explorer = MissExplorer()
    explorer.weights = explorer.weights[:-4]
    page = open_page(explorer)
    assert page.get_by_role("alert").inner_text().startswith("Misclassification explorer cannot be shown.")


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_both_themes(open_page, mnist, dark):
    page = open_page(both(mnist), dark=dark)
    count(page, 3, 3).click()
    assert contrast(page, ".unrolled-picture :is(p, span, b, button:enabled, select, output, label, th, caption)") >= 4.5


@pytest.mark.parametrize("width", [1200, 1000, 700, 600])
def test_it_fits_its_place(open_page, mnist, width):
    page = open_page(both(mnist), width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate("""() => [...document.querySelectorAll('.u-title, .u-miss-matrix button, .u-miss-tile, .u-miss-net, .u-panel')]
        .filter((node) => node.offsetParent && node.scrollWidth > node.clientWidth + 1).map((node) => node.outerHTML.slice(0, 120))""")
    assert cut == []
