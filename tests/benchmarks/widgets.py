"""How long the pictures take from an event to a painted frame: `make bench-widgets` (about eight minutes on two cores).

In Chromium, in a real JupyterLab, first with idle kernels and then while another notebook's kernel trains an LSTM. Beside each
picture stands a twin: the same thing drawn by matplotlib under the sliders of `interact`. A few events of each in turn, so that
all see the same machine. The clock runs from the time stamp of the key or the pointer to just after the frame that shows
what came of it: for a picture the next one, for a twin the first with a new figure in it. The table goes to build/bench_widgets.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
from tqdm import trange

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from real_lab import running_lab  # noqa: E402

from course_utils.kit.chromium import browser  # noqa: E402

TABLE = ROOT / "build" / "bench_widgets.md"
MEDIAN, NINTH = 16, 30  # milliseconds: the goals
IN_TURN = 5  # events of one picture before it is the next one's turn: to give a picture the focus takes longer than an event
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


class Picture(NamedTuple):
    """What is measured: the cell that makes it, the event that the hand sends (`event(page, output, k)`, the k-th one), and its twin's cell."""

    cell: str
    event: Callable
    twin: str | None = None


def key(control: str) -> Callable:
    """An arrow key on a control, there and back again."""
    def press(page, output, k):
        for _ in range(0 if k % IN_TURN else 2):  # after a click elsewhere Lab takes the focus once more
            output.locator(control).first.focus()
            page.wait_for_timeout(100)
        return lambda: page.keyboard.press("ArrowLeft" if k % 2 else "ArrowRight"), "keydown"
    return press


def stroke(pad: str) -> Callable:
    """One move of a pen that is down, somewhere on a pad."""
    def move(page, output, k):
        if k % IN_TURN == 0:
            output.locator(pad).first.scroll_into_view_if_needed()
        box = output.locator(pad).first.bounding_box()
        x, y = box["x"] + box["width"] * (0.2 + 0.6 * (k * 0.618 % 1)), box["y"] + box["height"] * (0.2 + 0.6 * (k * 0.414 % 1))
        page.mouse.move(x, y)
        page.mouse.down()
        return lambda: page.mouse.move(x + 6, y + 4), "pointermove"
    return move


SCOPE = "from course_utils.widgets import LSTMScope\nLSTMScope(state={'row': 14})"
TWIN = """from ipywidgets import IntSlider, interact
import matplotlib.pyplot as plt
from course_utils.widgets import LSTMScope
from course_utils.widgets.still import draw_scope
scope, image = LSTMScope(), LSTMScope().image.copy()
traces = {0: scope.trace()}
"""
TWIN_ROWS = TWIN + """
@interact(row=IntSlider(value=14, min=1, max=28))
def draw(row):
    draw_scope(scope.image, traces[0], scope.state | {"row": row}, "")
    plt.show()
"""
TWIN_INK = TWIN + """
from course_utils.widgets.weights import forward, shipped
@interact(ink=IntSlider(value=300, min=0, max=783))
def draw(ink):
    image.flat[ink] = 1 - image.flat[ink]
    draw_scope(image, forward(shipped(), image), scope.state, "")
    plt.show()
"""
# What the browser and the machine take by themselves: a slider that does nothing.
BARE_NAME = "a bare slider, for comparison"
BARE = "from IPython.display import HTML\nHTML('<input type=range value=5 min=0 max=10>')"
# Add a picture: its name, the cell that makes it, the event, and the cell of its twin.
PICTURES = {
    BARE_NAME: Picture(BARE, key("input[type=range]")),
    "LSTM scope, one row more": Picture(SCOPE, key("input[type=range]"), TWIN_ROWS),
    "LSTM scope, drawing": Picture(SCOPE, stroke(".u-pad"), TWIN_INK),
    "one cell, next time step": Picture("from course_utils.widgets import OneCell\nOneCell()", key("input[type=range]")),
    "unfold, the handle": Picture("from course_utils.widgets import Unfold\nUnfold()", key("input[type=range]")),
    "gradient river, scale": Picture("from course_utils.widgets import GradientRiver\nGradientRiver()", key("input[type=range][max='3']")),
    "misclassification explorer, drawing": Picture("from course_utils.widgets import MissExplorer\nMissExplorer()", stroke(".u-pad")),
}
TRAINING = """import keras
from course_utils.data import DataLoader, load_mnist
from course_utils.models import lstm_classifier
from course_utils.training import make_step
mnist, model = load_mnist("embedded"), lstm_classifier(128)
loader, step = DataLoader(mnist.x_train, mnist.y_train, 10), make_step(model, keras.optimizers.Adam())
for k in range(10**6):
    step(*loader.next_batch(128))
    if k == 20:
        print("under way")
"""

# From an event's own time stamp to just after the next frame; with a twin, to the frame after its new figure was decoded.
CLOCK = """([type, number, twin]) => { window.measured = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("nothing was painted within 2 minutes")), 120_000);
    const output = document.querySelectorAll(".jp-CodeCell")[number].querySelector(".jp-Cell-outputArea");
    const painted = (start) => requestAnimationFrame(() => {
        const after = new MessageChannel();
        after.port1.onmessage = () => resolve(performance.now() - start);
        after.port2.postMessage(0);
    });
    document.addEventListener(type, (event) => {
        const start = event.timeStamp;
        if (!twin) return painted(start);
        const before = output.querySelector("img"), old = before?.src;
        const watch = new MutationObserver(async () => {
            const image = output.querySelector("img");
            if (!image || (image === before && image.src === old)) return;
            watch.disconnect();
            await image.decode();
            painted(start);
        });
        watch.observe(output, { subtree: true, childList: true, attributes: true });
    }, { capture: true, once: true });
}); }"""


def measure(page, event: Callable, number: int, k: int, twin: bool) -> float:
    """Milliseconds of one event in code cell `number`."""
    act, kind = event(page, page.locator(".jp-CodeCell").nth(number).locator(".jp-Cell-outputArea"), k)
    page.wait_for_timeout(20)
    page.evaluate(CLOCK, [kind, number, twin])
    act()
    try:
        took = page.evaluate("window.measured")
    except Exception as error:
        raise RuntimeError(f"code cell {number + 1}, event {k + 1}, {kind}: {error}") from error
    page.mouse.up()
    return took


def open_notebook(context, address: str, folder: Path, name: str, cells: list[str]):
    """A notebook of these cells in a tab of its own; its cells run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=PYTHON)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    page = context.new_page()
    page.goto(f"{address}/lab/workspaces/{name}/tree/{name}.ipynb?token=t&reset", timeout=240_000)
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === 'connected'", timeout=240_000)
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.ran = true; })")
    return page


def round_of(page, cells: list[str], events: int, desc: str) -> dict:
    """Times of each picture and its twin, a few events of each in turn; the first turn does not count."""
    times = {(name, twin): [] for name in PICTURES for twin in (False, True) if not twin or PICTURES[name].twin}
    for turn in trange(-(-events // IN_TURN) + 1, desc=desc, unit="turn"):
        for (name, twin), found in times.items():
            picture = PICTURES[name]
            event, number = key(".noUi-handle") if twin else picture.event, cells.index(picture.twin if twin else picture.cell)
            found += [measure(page, event, number, turn * IN_TURN + k, twin) for k in range(IN_TURN)]
    return {one: np.array(found[IN_TURN:]) for one, found in times.items()}


@contextmanager
def lab_and_browser():
    with tempfile.TemporaryDirectory() as place, browser() as chromium:
        folder, home = Path(place, "lessons"), Path(place, "home")
        folder.mkdir(), home.mkdir()
        with running_lab(folder, home) as address:
            yield chromium.new_context(viewport={"width": 1280, "height": 1100}), address, folder


def run(events: int) -> dict:
    """{"idle" or "training": times by picture}."""
    cells = list(dict.fromkeys(cell for picture in PICTURES.values() for cell in (picture.cell, picture.twin) if cell))
    with lab_and_browser() as (context, address, folder):
        page = open_notebook(context, address, folder, "pictures", cells)
        page.wait_for_function("(count) => [...document.querySelectorAll('.jp-CodeCell')].slice(0, count).every((cell) => cell.querySelector('.unrolled-picture, img, input'))",
                               arg=len(cells), timeout=240_000)
        page.wait_for_function("window.ran", timeout=120_000)
        found = {"idle": round_of(page, cells, events, "idle")}
        other = open_notebook(context, address, folder, "training", [TRAINING])
        other.wait_for_function("document.querySelector('.jp-OutputArea-output')?.textContent.includes('under way')", timeout=240_000)
        page.bring_to_front()
        found["training"] = round_of(page, cells, events, "training")
        assert "*" in other.locator(".jp-InputPrompt").first.inner_text(), "the other kernel was to train all the time"
        page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
    return found


def table(found: dict) -> str:
    """The figures in Markdown, with the goals."""
    events = len(next(iter(found["idle"].values())))
    lines = [f"Milliseconds from an event to the painted frame; {events} events each, Chromium, JupyterLab, {os.cpu_count()} cores, {date.today()}.",
             f"Goals for a picture: median at most {MEDIAN}, 90th percentile at most {NINTH}; a slider that does nothing shows what the machine and the "
             "browser take by themselves. A twin is the same picture by `interact` and matplotlib.",
             "", "| picture | other kernel | median | beyond the bare slider | 90th percentile | twin: median | 90th percentile | ratio of the medians |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for kernel, times in found.items():
        for name in PICTURES:
            middle, high = np.quantile(times[name, False], (0.5, 0.9))
            missed = "" if middle <= MEDIAN and high <= NINTH else " (missed)"
            twin = "– | – | –"
            if PICTURES[name].twin:
                slow, slower = np.quantile(times[name, True], (0.5, 0.9))
                twin = f"{slow:.0f} | {slower:.0f} | {slow / middle:.0f}"
            beyond = f"{middle - np.median(times[BARE_NAME, False]):.1f}"
            lines.append(f"| {name} | {kernel} | {middle:.1f} | {beyond} | {high:.1f}{missed} | {twin} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100, help="events of each kind (default: 100)")
    events = parser.parse_args().events
    text = table(run(events))
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(text, encoding="utf-8")
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
