"""Every lesson in a real JupyterLab, run from its first cell to its last with few training steps: no error, and no blank picture."""

import json
import os
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest

from course_utils import widgets
from course_utils.kit import trust
from course_utils.kit.jupyter import ROOT

LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LONGEST = 600_000  # milliseconds for a lesson on a busy machine; it takes about a minute

RUN = """() => void window.jupyterapp.commands.execute("notebook:run-all-cells").then(() => { window.ran = true; })"""
# What went wrong in a cell, and in what a widget's callback printed: both are shown and neither stops the run.
FAULTS = """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap((cell, number) => cell.model.type !== "code" ? [] : [
    ...cell.model.outputs.toJSON().filter((output) => output.output_type === "error").map((output) => `${number}: ${output.ename} ${output.evalue}`),
    ...[...cell.node.querySelectorAll('[data-mime-type="application/vnd.jupyter.error"], .u-error')].map((node) => `${number}: ${node.textContent}`),
    ...(/could not be drawn|Error displaying widget|Loading widget/.exec(cell.outputArea.node.textContent) ?? []).map((words) => `${number}: ${words}`),
    ...(cell.model.executionCount ? [] : [`${number}: was not run`])])"""
# Outputs that are one of the course's pictures: what they say where no widget is shown begins with the class.
EXPECTED = """(names) => window.jupyterapp.shell.currentWidget.content.widgets.flatMap((cell) => cell.model.outputs?.toJSON() ?? [])
    .filter(({ data = {} }) => names.includes(String(data["text/plain"]).split("(")[0])).length"""
# A picture that painted: it has a size, and its canvases that are seen are not all of one colour (a pad to draw on may be).
BLANK = """(picture) => {
    const { width, height } = picture.getBoundingClientRect(), canvases = [...picture.querySelectorAll("canvas")].filter((canvas) => canvas.getClientRects().length);
    const plain = (canvas) => {
        const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
        return pixels.every((pixel) => pixel === pixels[0]);
    };
    return width < 300 || height < 60 || picture.innerText.trim() === "" || (canvases.length > 0 && canvases.every(plain));
}"""
# Python's answer in the lesson's own kernel.
ASK = """(code) => new Promise((resolve) => {
    const asked = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code });
    asked.onIOPub = (message) => message.header.msg_type === "stream" && resolve(message.content.text);
})"""


@pytest.fixture(scope="module")
def course(lab_server):
    """The folder of the lessons with their figures, under the server's root."""
    shutil.copytree(ROOT / "notebooks" / "figures", lab_server[1] / "notebooks" / "figures")


def saved_pictures(lesson):
    """How many of the course's pictures are among a lesson's saved outputs."""
    outputs = [output for cell in nbformat.read(lesson, as_version=4).cells for output in cell.get("outputs", ())]
    return sum("".join(output.get("data", {}).get("text/plain", "")).split("(")[0] in widgets.__all__ for output in outputs)


@pytest.mark.parametrize("lesson", list(filter(saved_pictures, LESSONS)), ids=lambda path: path.stem)
def test_saved_pictures_show_before_anything_is_run(open_lab, course, lab_server, lesson):
    assert lesson in trust.sign_lessons(str(lab_server[2]))  # as `make lab` does
    page = open_lab(nbformat.read(lesson, as_version=4), f"notebooks/{lesson.stem}")
    page.wait_for_function("(count) => document.querySelectorAll('.unrolled-picture').length === count", arg=saved_pictures(lesson), timeout=60_000)
    for picture in page.locator(".unrolled-picture").all():
        picture.scroll_into_view_if_needed()
        page.wait_for_function(f"(picture) => !({BLANK})(picture)", arg=picture.element_handle(), timeout=20_000)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_it_runs_and_its_pictures_are_painted(open_lab, course, lesson):
    page = open_lab(nbformat.read(lesson, as_version=4), f"notebooks/{lesson.stem}")
    page.evaluate(RUN)
    page.wait_for_function("window.ran", timeout=LONGEST)
    shown = page.locator(".unrolled-picture")
    for picture in shown.all():
        picture.scroll_into_view_if_needed()
        page.wait_for_function(f"(picture) => !({BLANK})(picture)", arg=picture.element_handle(), timeout=20_000)
    assert page.evaluate(FAULTS) == []
    assert shown.count() == page.evaluate(EXPECTED, widgets.__all__)
    assert not Path(os.environ["COURSE_SOCKET_LOG"]).exists()  # nobody asked the network
    for name in DRIVEN.get(lesson.stem, ()):
        HANDS[name](page, page.get_by_role("group", name=name, exact=True).first)


def asked(page, code):
    """What Python prints in the lesson's kernel, once the picture's state has come to it."""
    page.wait_for_timeout(1000)  # it is saved when the hand is quiet
    return json.loads(page.evaluate(ASK, f"import json, numpy as np; print(json.dumps({code}))"))


def slider(picture, name):
    return picture.locator("label.u-slider", has_text=name).locator("input")


def squash(page, picture):
    """Lesson 1: the states after "Squash", and after an input was changed by keyboard, are NumPy's."""
    picture.get_by_role("button", name="Squash", exact=True).click()
    field = picture.locator("input[type=range]:visible").nth(1)  # below the time step: the input that is chosen
    for press in ("", "ArrowLeft", "ArrowLeft"):
        if press:
            field.press(press)
        h = asked(page, "cell.trace()['h'][cell.state['step'] - 1].tolist()")
        words = picture.inner_text().replace("\u2212", "-")
        assert [f"{value:.4f}".rstrip("0") for value in h if f"{value:.4f}".rstrip("0") not in words] == []


def unfold(page, picture):
    """Lesson 2: the number of units, moved by keyboard, moves the count of parameters; that of time steps does not."""
    units = slider(picture, "Units")
    for _ in range(3):
        units.press("ArrowRight")
    n = int(units.input_value())
    total = f"{28 * n + n * n + n + 10 * n + 10:,}"
    assert n != 32 and total in picture.inner_text()
    slider(picture, "Time steps").press("ArrowLeft")
    assert total in picture.inner_text()


def flow(page, picture):
    """Lessons 2 and 3: with W_h made smaller by pointer, what arrives is what NumPy has for the state that Python got."""
    slider(picture, "Scale of W_h").click(position={"x": 20, "y": 5})
    scale, power = asked(page, "[river.state['scale'], float(river.sizes()['RNN']['h'][0])]")
    shown = picture.inner_text().replace("\u2212", "-")
    assert scale < 0.9 and f"{10 ** (power % 1):.1f}e{int(np.floor(power)):+03d}" in shown


def force(page, scope):
    """Read fewer rows by keyboard, force a gate by pointer; the bars are those that NumPy has for the state that Python got."""
    scope.get_by_label("Rows read").focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    scope.get_by_label("forget gate", exact=True).click()
    state, p = asked(page, "[scope.state, scope.trace()['p'][scope.state['row'] - 1].tolist()]")
    assert state["row"] == 24 and state["forced"]["gate"] == "f"
    shares = [int(text.rstrip("%")) for text in scope.locator(".u-share").all_inner_texts()]
    assert np.abs(np.array(shares) - 100 * np.array(p)).max() <= 0.5 + 1e-6


HANDS = {"One formula, one cell": squash, "Fold and unfold": unfold, "Gradient river": flow, "LSTM scope": force}
DRIVEN = {"01_rnn_formula": ["One formula, one cell"], "02_unrolling": ["Fold and unfold", "Gradient river"], "03_lstm": ["LSTM scope", "Gradient river"]}
