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
    if lesson.stem == "03_lstm":
        drive(page, page.get_by_role("group", name="LSTM scope"))


def drive(page, scope):
    """Read fewer rows by keyboard, force a gate by pointer; the bars are those that NumPy has for the state that Python got."""
    scope.get_by_label("Rows read").focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    scope.get_by_label("forget gate", exact=True).click()
    page.wait_for_timeout(1000)  # the state is saved once the hand is quiet
    state, p = json.loads(page.evaluate(ASK, "import json; print(json.dumps([scope.state, scope.trace()['p'][scope.state['row'] - 1].tolist()]))"))
    assert state["row"] == 24 and state["forced"]["gate"] == "f"
    shares = [int(text.rstrip("%")) for text in scope.locator(".u-share").all_inner_texts()]
    assert np.abs(np.array(shares) - 100 * np.array(p)).max() <= 0.5 + 1e-6
