"""The pictures: what they draw, what they refuse, and what reaches the notebook."""

import base64
import doctest
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import ipywidgets as widgets
import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)

from course_utils import plots  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
FIGURES = sorted((ROOT / "notebooks" / "figures").glob("*.svg"))


@pytest.fixture(autouse=True)
def clean_figures():
    with matplotlib.rc_context():
        yield
    plt.close("all")


@pytest.fixture
def displayed(monkeypatch):
    """What went to `display`, as (object, keyword arguments)."""
    seen = []
    monkeypatch.setattr(plots, "display", lambda thing, **kwargs: seen.append((thing, kwargs)))
    return seen


def digits(count=3, height=28, width=28):
    return np.random.default_rng(0).random((count, height, width))


def ink(fig):
    """The figure's pixels, (height, width, 3)."""
    fig.canvas.draw()
    return np.asarray(fig.canvas.buffer_rgba())[..., :3]


def test_docstring_examples():
    assert doctest.testmod(plots).failed == 0


# ---- digits ----

@settings(max_examples=12, deadline=None)
@given(count=st.integers(1, 60), columns=st.integers(1, 12), height=st.integers(1, 9),
       width=st.integers(1, 9))
def test_any_count_fills_a_grid_of_its_own(count, columns, height, width):
    images = digits(count, height, width)
    axes = plots.draw_digits(images, labels=np.arange(count), columns=columns)
    assert [ax.get_title() for ax in axes] == [str(n) for n in range(count)]
    for ax, image in zip(axes, images):
        assert np.allclose(ax.images[0].get_array(), image)
    spare = [ax for ax in axes[0].figure.axes if ax not in set(axes)]
    assert len(spare) < columns and not any(ax.axison for ax in spare)
    plt.close("all")


def test_axes_given_are_used_and_the_rest_switched_off():
    fig, grid = plt.subplots(2, 3)
    axes = plots.draw_digits(digits(4), axes=grid)
    assert list(axes) == list(grid.ravel()[:4])
    assert [ax.axison for ax in grid.ravel()] == [True] * 4 + [False] * 2
    assert len(plt.get_fignums()) == 1


def test_titles():
    def first(**kwargs):
        return plots.draw_digits(digits(1), **kwargs)[0].get_title()
    assert first() == ""
    assert first(labels=[7]) == "7"
    assert first(predicted=[1]) == "said 1"
    assert first(labels=[7], predicted=[1]) == "true 7\nsaid 1"
    assert first(labels=[7], predicted=[1], confidence=[0.98]) == "true 7\nsaid 1 (98%)"
    assert first(predicted=["boot"], confidence=[0.9991]) == "said boot (>99%)"  # never 100% unless it is
    assert first(predicted=[1], confidence=[1.0]) == "said 1 (100%)"


@pytest.mark.parametrize("columns, count", [(8, 24), (6, 24), (4, 5)])
def test_titles_of_a_gallery_do_not_touch(columns, count):
    plots.plt.style.use(plots.STYLES / "course.mplstyle")
    axes = plots.draw_digits(digits(count), labels=[7] * count, predicted=[1] * count,
                             confidence=[0.999] * count, columns=columns)
    fig = axes[0].figure
    fig.canvas.draw()
    boxes = [ax.title.get_window_extent() for ax in axes] + [ax.get_window_extent() for ax in axes]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[k + 1:])
    assert all(fig.bbox.x0 <= box.x0 and box.x1 <= fig.bbox.x1 for box in boxes)


def test_ink_is_dark_on_white():
    image = np.zeros((28, 28))
    image[:14] = 1
    ax = plots.draw_digit(image)
    box = ax.get_window_extent()
    middle = ink(ax.figure)[::-1, int(box.x0 + box.width / 2)]
    assert middle[int(box.y0 + 0.75 * box.height)].max() < 30
    assert middle[int(box.y0 + 0.25 * box.height)].min() > 225
    assert ax.images[0].get_interpolation() == "nearest"


@pytest.mark.parametrize("ratio", [0.5, 1, 3])
def test_rows_of_digit_and_states_stand_side_by_side(ratio):
    fig, (left, right) = plt.subplots(1, 2, sharey=True, width_ratios=[1, ratio])
    plots.draw_digit(digits(1)[0], ax=left)
    plots.draw_states(np.zeros((28, 128)), ax=right)
    fig.canvas.draw()
    for row in (1, 15, 28):
        assert left.transData.transform((1, row))[1] == pytest.approx(right.transData.transform((1, row))[1])


# ---- states and curves ----

def test_states_map_is_symmetric_and_time_runs_down():
    states = np.zeros((28, 5))
    states[27, 2] = -0.5
    ax = plots.draw_states(states, title="h")
    assert ax.images[0].get_clim() == (-1, 1)
    assert ax.get_ylim() == (28.5, 0.5) and ax.get_xlim() == (0.5, 5.5)
    assert ax.transData.transform((3, 28))[1] < ax.transData.transform((3, 1))[1]
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("h", "unit", "time step")
    assert plots.draw_states(states, limit=None).images[0].get_clim() == (-0.5, 0.5)
    assert plots.draw_states(np.zeros((2, 2)), limit=None).images[0].get_clim() == (-1, 1)
    assert plots.draw_states(abs(states), sequential=True).images[0].get_clim() == (0, 1)


def luminance(colour):
    """Relative luminance by WCAG 2.2, 0 black to 1 white."""
    c = np.array(matplotlib.colors.to_rgb(colour))
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def test_states_can_be_read_without_colour():
    """Paleness tells the size of a state: white at zero, darker to both ends, evenly on both sides."""
    cmap = matplotlib.colormaps["PuOr_r"]
    up, down = ([luminance(cmap(0.5 + sign * d)) for d in (0.0, 0.2, 0.35, 0.5)] for sign in (1, -1))
    gates = [luminance(matplotlib.colormaps["YlGnBu"](v)) for v in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for shades in (up, down, gates):
        assert shades == sorted(shades, reverse=True) and shades[0] > 0.85 and shades[-1] < 0.15


def test_curves_differ_in_line_style_and_take_both_forms():
    curves = {"values": [3, 2, 1], "pair": ([10, 20], [1, 2]), "array": np.ones(4), "gap": [1, np.nan, 2]}
    ax = plots.draw_curves(curves, bands={"values": ([2, 1, 0], [4, 3, 2])}, title="t")
    lines = dict(zip(curves, ax.lines))
    assert list(lines["values"].get_xdata()) == [1, 2, 3]
    assert list(lines["pair"].get_xdata()) == [10, 20]
    assert len({line.get_linestyle() for line in ax.lines}) == 4
    assert len({line.get_color() for line in ax.lines}) == 4
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(curves)
    assert len(ax.collections) == 1


# ---- what is refused, and by which name ----

NAN = np.full((28, 28), np.nan)


@pytest.mark.parametrize("name, call", [
    ("image", lambda: plots.draw_digit(np.zeros((1, 28, 28)))),
    ("image", lambda: plots.draw_digit(NAN)),
    ("image", lambda: plots.draw_digit([["a", "b"]])),
    ("images", lambda: plots.draw_digits(np.zeros((28, 28)))),
    ("images", lambda: plots.draw_digits(np.zeros((0, 28, 28)))),
    ("labels", lambda: plots.draw_digits(digits(3), labels=[1, 2])),
    ("labels", lambda: plots.draw_digits(digits(3), labels=np.eye(3))),
    ("predicted", lambda: plots.draw_digits(digits(3), predicted=[1, 2])),
    ("confidence", lambda: plots.draw_digits(digits(3), predicted=[1, 2, 3], confidence=[98, 97, 96])),
    ("confidence", lambda: plots.draw_digits(digits(3), labels=[1, 2, 3], confidence=[0.1, 0.2, 0.3])),
    ("confidence", lambda: plots.draw_digits(digits(1), predicted=[1], confidence=[np.nan])),
    ("axes", lambda: plots.draw_digits(digits(3), axes=plt.subplots(1, 2)[1])),
    ("columns", lambda: plots.draw_digits(digits(3), columns=0)),
    ("columns", lambda: plots.draw_digits(digits(3), columns=2.5)),
    ("states", lambda: plots.draw_states(np.zeros(128))),
    ("states", lambda: plots.draw_states(NAN)),
    ("limit", lambda: plots.draw_states(np.zeros((2, 2)), limit=0)),
    ("limit", lambda: plots.draw_states(np.zeros((2, 2)), limit=np.nan)),
    ("curves", lambda: plots.draw_curves({})),
    ("curves", lambda: plots.draw_curves({"RNN": [[1, 2], [3, 4]]})),
    ("curves", lambda: plots.draw_curves({"RNN": ([1, 2, 3], [1, 2])})),
    ("curves", lambda: plots.draw_curves({"RNN": [np.nan, np.nan]})),
    ("bands", lambda: plots.draw_curves({"RNN": [1, 2]}, bands={"LSTM": ([1, 2], [2, 3])})),
    ("fig", lambda: plots.show(plt.subplots()[1], "A caption.")),
    ("caption", lambda: plots.show(plt.figure(), " ")),
    ("caption", lambda: plots.show(plt.figure(), None)),
    ("control", lambda: plots.explore(lambda v: None, 3)),
    ("draw", lambda: plots.explore(lambda v: plt.figure(), widgets.IntSlider())),
])
def test_bad_input_is_refused_by_name(name, call):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        call()


# ---- what reaches the notebook ----

def test_show_displays_prints_and_closes(displayed, capsys):
    fig = plt.figure()
    assert plots.show(fig, "Row 7 holds the most ink.") is None
    assert displayed == [(fig, {"metadata": {"image/png": {"alt": "Row 7 holds the most ink."}}})]
    assert capsys.readouterr().out == "Row 7 holds the most ink.\n"
    assert not plt.fignum_exists(fig.number)


def exploring(draw, control, displayed):
    """Run explore; return its bundle, its keyword arguments and the widget that holds picture and caption."""
    plots.explore(draw, control)
    (bundle, kwargs), = displayed
    box = widgets.widget._instances[bundle["application/vnd.jupyter.widget-view+json"]["model_id"]]
    assert box.children[0] is control
    return bundle, kwargs, box.children[1]


def bars(value):
    fig, ax = plt.subplots()
    if value == 3:
        raise RuntimeError("three is <too many>")
    ax.bar(range(value), 1)
    return fig, f"There are {value} bars."


def test_explore_redraws_when_the_control_moves(displayed, capsys):
    control = widgets.IntSlider(value=1)
    bundle, kwargs, scene = exploring(bars, control, displayed)
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG") and bundle["image/png"] in scene.value
    assert bundle["text/plain"] == kwargs["metadata"]["image/png"]["alt"] == "There are 1 bars."
    assert capsys.readouterr().out == "At the start: There are 1 bars.\n"
    first = bundle["image/png"]
    control.value = 2
    assert "data:image/png" in scene.value and first not in scene.value
    assert 'alt="There are 2 bars."' in scene.value and ">There are 2 bars.</p>" in scene.value
    control.value = 1
    assert first in scene.value
    assert plt.get_fignums() == [] and len(displayed) == 1


def test_explore_leaves_room_for_the_controls_name_and_its_steps(displayed):
    control = widgets.IntSlider(description="a name of several words")
    exploring(lambda value: bars(1), control, displayed)
    assert control.style.description_width == "initial"
    assert (control.layout.width, control.layout.max_width) == ("36em", "100%")


def test_explore_says_so_when_drawing_fails_and_recovers(displayed):
    control = widgets.IntSlider(value=1)
    _, _, scene = exploring(bars, control, displayed)
    with pytest.raises(RuntimeError):
        control.value = 3
    assert "could not be drawn" in scene.value and "three is &lt;too many&gt;" in scene.value
    assert "<img" not in scene.value  # a picture of another value would be a lie
    control.value = 4
    assert "There are 4 bars." in scene.value and "could not" not in scene.value


def test_explore_fails_at_once_when_the_first_picture_fails():
    with pytest.raises(RuntimeError, match="too many"):
        plots.explore(bars, widgets.IntSlider(value=3))


# ---- style ----

def test_style_loads_from_any_folder_and_leaves_warnings_alone(tmp_path, monkeypatch, displayed):
    import warnings
    monkeypatch.chdir(tmp_path)
    before = list(warnings.filters)
    plots.use_course_style()
    assert warnings.filters == before
    assert plt.rcParams["figure.dpi"] == 110 and plt.rcParams["font.size"] >= 13
    (page, _), = displayed
    assert (plots.STYLES / "course.css").read_text(encoding="utf-8") in page.data


def test_style_is_left_out_of_the_comparison_of_outputs(displayed):
    """nbval must compare what a lesson computes, not the stylesheet."""
    plots.use_course_style()
    sanitize = (ROOT / "tests" / "nbval_sanitize.cfg").read_text(encoding="utf-8")
    pattern = re.search(r"^regex: (.+)$", sanitize, flags=re.M).group(1)
    assert re.sub(pattern, "STYLE", displayed[0][0].data) == "STYLE"


def test_style_missing_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "STYLES", tmp_path)
    with pytest.raises(FileNotFoundError, match="pip install -e"):
        plots.use_course_style()


def test_line_colours_stand_out_from_white_and_from_each_other():
    plots.plt.style.use(plots.STYLES / "course.mplstyle")
    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert all(1.05 / (luminance(c) + 0.05) > 2.1 for c in colours)
    assert all(1.05 / (luminance(c) + 0.05) > 3 for c in colours[:3])  # the few curves of a usual figure
    assert len(set(colours)) == len(colours) == 7


def test_css_is_scoped_to_course_notebooks():
    css = re.sub(r"/\*.*?\*/", "", (plots.STYLES / "course.css").read_text(encoding="utf-8"), flags=re.S)
    assert css.count("{") == css.count("}") > 5
    assert css.strip().startswith(".jp-Notebook:has(.unrolled-style) {") and css.strip().endswith("}\n}")
    assert not re.search(r"@import|url\(|</", css)


# ---- drawings ----

DRAWINGS = {"rnn_loop_and_unrolled", "rnn_cell", "lstm_cell", "bptt", "sentence_unrolled", "gates_layout"}
SVG = "{http://www.w3.org/2000/svg}"


def test_every_drawing_is_there():
    assert {path.stem for path in FIGURES} >= DRAWINGS


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_drawing_stands_alone_and_speaks(path):
    text = path.read_text(encoding="utf-8")
    root = ET.fromstring(text)
    assert len(text.encode()) <= 8192
    assert root.get("role") == "img" and root.get("aria-labelledby") == "title desc"
    for name in ("title", "desc"):
        words = root.find(SVG + name)
        assert words.get("id") == name and len(words.text.split()) >= (3 if name == "title" else 12)
    outside = re.sub(r'xmlns="[^"]*"', "", text)
    assert not re.search(r"https?:|href|@import|<script|<image|<!ENTITY|url\((?!#)", outside)
    assert not re.search(r"inkscape|sodipodi", outside)
    card = root.find(SVG + "rect")  # drawn first: the white ground that dark themes need
    assert (card.get("width"), card.get("fill")) == (root.get("viewBox").split()[2], "#fff")


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_drawing_keeps_the_grammar_of_colours(path):
    """The same thing has the same colour in every drawing, and each class that is used has a style."""
    text = path.read_text(encoding="utf-8")
    strokes = dict(re.findall(r"^ *\.([xhwyc]) \{ fill: #\w+; stroke: (#\w+) \}", text, flags=re.M))
    assert strokes.items() <= {"x": "#0072b2", "h": "#b87a00", "w": "#00815e", "y": "#a3507f",
                               "c": "#d55e00"}.items()
    used = {name for names in re.findall(r'class="([^"]+)"', text) for name in names.split()}
    styled = set(re.findall(r"\.([a-z]+)\b", text.split("<style>")[1].split("</style>")[0]))
    assert used <= styled
    for fill in re.findall(r"\.[xhwyc] \{ fill: (#\w+)", text):  # dark text on a tint
        assert (luminance(fill) + 0.05) / (luminance("#444") + 0.05) >= 4.5
