"""Pictures of digits, hidden states and learning curves, in one style.

A function called ``draw_...`` draws on the axes it is given (or on a new figure) and returns them; it shows
nothing and changes no setting. ``show`` and ``explore`` put a figure and its caption into the notebook.
"""

import base64
import html
import io
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

STYLES = Path(__file__).resolve().parents[1] / "styles"
LINE_STYLES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))  # colour never stands alone


def use_course_style() -> None:
    """Use the course's look for figures (``styles/course.mplstyle``) and for text (``styles/course.css``).

    Works from any folder. The text's style is an HTML output of the cell, and so is stored in the notebook;
    ``tests/nbval_sanitize.cfg`` keeps a later change of it from counting as a changed result.
    Raises FileNotFoundError when the folder ``styles`` does not lie beside the package.
    """
    for sheet in (STYLES / "course.mplstyle", STYLES / "course.css"):
        if not sheet.is_file():
            raise FileNotFoundError(f"The course's style was expected at {sheet} and is not there. "
                                    "Install the package from the course's own folder: pip install -e .")
    plt.style.use(STYLES / "course.mplstyle")
    css = (STYLES / "course.css").read_text(encoding="utf-8")
    display(HTML(f'<style class="unrolled-style">\n{css}</style>'))


def draw_digit(image: ArrayLike, *, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw one image, dark ink on white, every pixel a crisp square.

    ``image`` has shape (height, width), normally with values in [0, 1]. Rows are counted from 1, as the time
    steps of ``draw_states`` are: on axes made with ``sharey=True``, row t stands beside step t.
    Such axes must be as wide as they are high, or wider: else the outer columns are cut off.

    >>> draw_digit(np.eye(28), title="a diagonal").get_title()
    'a diagonal'
    """
    image = _finite("image", image, ndim=2, shape="(height, width)")
    ax = ax or plt.subplots(figsize=(3, 3))[1]
    _imshow(ax, image, cmap="gray_r", vmin=min(0, image.min()), vmax=max(1, image.max()), aspect="equal")
    if len(ax.get_shared_y_axes().get_siblings(ax)) > 1:  # keep height and row numbers: the rows line up
        ax.set(adjustable="datalim", xticks=[])
    else:
        ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_title(title or "")
    return ax


def draw_digits(images: ArrayLike, *, labels: ArrayLike | None = None, predicted: ArrayLike | None = None,
                confidence: ArrayLike | None = None, axes: ArrayLike | None = None,
                columns: int = 8) -> np.ndarray:
    """Draw any number of images in a grid, each with a title, and return their axes in one flat array.

    ``images`` has shape (n, height, width). ``labels``, ``predicted`` and ``confidence`` (in [0, 1]) have
    shape (n,) and make the titles: "7", or "true 7 / said 1 (98%)". Without ``axes`` a figure with
    ``columns`` columns is made. Axes that are left over are switched off.

    >>> [ax.get_title() for ax in draw_digits(np.zeros((2, 28, 28)), labels=[7, 4])]
    ['7', '4']
    """
    images = _finite("images", images, ndim=3, shape="(n, height, width)")
    titles = _titles(len(images), labels=labels, predicted=predicted, confidence=confidence)
    if not isinstance(columns, int) or columns < 1:
        raise ValueError(f"columns must be a whole number, 1 or more; got {columns!r}.")
    if axes is None:
        rows, columns = -(-len(images) // columns), min(columns, len(images))
        size = 1.2 * columns, (1.25 + 0.25 * titles[0].count("\n")) * rows
        axes = plt.subplots(rows, columns, figsize=size, squeeze=False)[1]
    axes = np.asarray(axes, dtype=object).ravel()
    if len(axes) < len(images):
        raise ValueError(f"axes: {len(images)} images need as many axes; got {len(axes)}.")
    for ax, image, title in zip(axes, images, titles):
        draw_digit(image, ax=ax).set_title(title, fontsize="small")
    for ax in axes[len(images):]:
        ax.set_axis_off()
    return axes[:len(images)]


def draw_states(states: ArrayLike, *, ax: Axes | None = None, title: str | None = None,
                limit: float | None = 1.0, sequential: bool = False, ylabel: str = "time step",
                xlabel: str = "unit") -> Axes:
    """Draw states over time as a heat map: time runs down, one column a unit, white is zero.

    ``states`` has shape (steps, units). Colours run from -limit (purple) to limit (orange), or, when
    ``sequential``, from 0 (pale) to limit (dark), which suits gates; beyond the limit they stay the same.
    ``limit=None`` takes the largest size found. A colour bar: ``ax.figure.colorbar(ax.images[0], ax=ax)``.

    >>> draw_states(np.zeros((28, 128))).images[0].get_clim()
    (-1.0, 1.0)
    """
    states = _finite("states", states, ndim=2, shape="(steps, units)")
    limit = (np.abs(states).max() or 1.0) if limit is None else limit
    if not 0 < limit < np.inf:
        raise ValueError(f"limit must be a number above 0, or None for the largest size found; got {limit}.")
    ax = ax or plt.subplots()[1]
    cmap, low = ("YlGnBu", 0.0) if sequential else ("PuOr_r", -limit)
    _imshow(ax, states, cmap=cmap, vmin=low, vmax=limit, aspect="auto")
    ax.set(title=title or "", xlabel=xlabel, ylabel=ylabel)
    return ax


def draw_curves(curves: Mapping[str, ArrayLike], *, ax: Axes | None = None, xlabel: str = "step",
                ylabel: str = "loss", title: str | None = None,
                bands: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None) -> Axes:
    """Draw named curves with a legend; each has a colour and a line style of its own.

    ``curves`` maps a name to its values, drawn at 1, 2, ..., n, or to a tuple (x, y) of equal lengths.
    ``bands`` maps names of curves to (low, high), shaded behind the curve. NaN and inf leave a gap.

    >>> [line.get_label() for line in draw_curves({"RNN": [2.3, 0.9], "LSTM": ([5, 9], [2.3, 0.4])}).lines]
    ['RNN', 'LSTM']
    """
    points, bands = {name: _points(name, values) for name, values in curves.items()}, bands or {}
    if not points or not set(bands) <= set(points):
        raise ValueError("curves must hold at least one curve, and each name in bands; "
                         f"got curves {list(points)} and bands {list(bands)}.")
    ax = ax or plt.subplots()[1]
    for number, (name, (x, y)) in enumerate(points.items()):
        line, = ax.plot(x, y, label=name, linestyle=LINE_STYLES[number % len(LINE_STYLES)])
        if name in bands:
            ax.fill_between(x, *bands[name], color=line.get_color(), alpha=0.2, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title or "")
    ax.legend()
    return ax


def show(fig: Figure, caption: str) -> None:
    """Show a finished figure with its caption: one sentence, computed from the data, that says what is seen.

    The caption is printed under the picture and stored as its text alternative; then the figure is closed.
    """
    _check_figure(fig, caption)
    display(fig, metadata={"image/png": {"alt": caption}})
    print(caption)
    plt.close(fig)


def explore(draw: Callable[[object], tuple[Figure, str]], control: widgets.ValueWidget) -> None:
    """Show a control with a picture that is drawn anew when the control moves.

    ``draw(value)`` takes the control's value and returns (figure, caption). Where no kernel runs, the picture
    stands still at the start value. An error in ``draw`` is written under the control, and raised.
    Make the control in the same cell: each call adds a listener to it.
    """
    if not isinstance(control, widgets.ValueWidget):
        raise ValueError(f"control must be a control of ipywidgets; got {type(control).__name__}.")
    # Left alone, a longer name is cut off, and a step of the slider is as narrow as a pixel.
    control.style.description_width, control.layout.width, control.layout.max_width = "initial", "36em", "100%"
    png, caption = _png(draw(control.value))
    scene = widgets.HTML(_scene(png, caption))

    def redraw(change) -> None:
        try:
            scene.value = _scene(*_png(draw(change["new"])))
        except Exception as error:  # no picture of another value may stay
            scene.value = _caption(f"This picture could not be drawn. {type(error).__name__}: {error}")
            raise

    control.observe(redraw, names="value")
    view = widgets.VBox([control, scene])._repr_mimebundle_()
    still = {"image/png": base64.b64encode(png).decode(), "text/plain": caption}
    display(view | still, metadata={"image/png": {"alt": caption}}, raw=True)
    print(f"At the start: {caption}")


def _imshow(ax: Axes, values: np.ndarray, **kwargs) -> None:
    """Rows and columns are counted from 1, row 1 on top: step t is x_t of the formula."""
    height, width = values.shape
    ax.imshow(values, interpolation="nearest", extent=(0.5, width + 0.5, height + 0.5, 0.5), **kwargs)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator("auto", integer=True))


def _finite(name: str, values: ArrayLike, ndim: int, shape: str) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != ndim or values.size == 0:
        raise ValueError(f"{name} must have shape {shape}, none of them 0; got shape {values.shape}.")
    if values.dtype.kind not in "buif" or not np.isfinite(values).all():
        raise ValueError(f"{name} must hold finite numbers; got NaN, inf or no numbers ({values.dtype}).")
    return values.astype(float)


def _titles(count: int, **given) -> list[str]:
    given = {name: np.asarray(values) for name, values in given.items() if values is not None}
    for name, values in given.items():
        if values.shape != (count,):
            raise ValueError(f"{name} must have shape ({count},), one entry an image; got {values.shape}.")
    titles = [""] * count
    if "confidence" in given:
        chance = given["confidence"]
        if "predicted" not in given or not ((chance >= 0) & (chance <= 1)).all():
            raise ValueError("confidence must lie in [0, 1] and come together with predicted.")
        titles = [" (>99%)" if 0.995 <= p < 1 else f" ({p:.0%})" for p in chance]
    if "predicted" in given:
        titles = [f"said {name}{chance}" for name, chance in zip(given["predicted"], titles)]
    if "labels" in given:
        true = "true {}\n{}" if "predicted" in given else "{}{}"
        titles = [true.format(name, said) for name, said in zip(given["labels"], titles)]
    return titles


def _points(name: str, values) -> tuple[np.ndarray, np.ndarray]:
    pair = isinstance(values, tuple) and len(values) == 2 and np.ndim(values[1]) == 1
    y = np.asarray(values[1] if pair else values, dtype=float)
    x = np.asarray(values[0], dtype=float) if pair else np.arange(1, y.size + 1)
    if y.ndim != 1 or x.shape != y.shape or not np.isfinite(y).any():
        raise ValueError(f"curves[{name!r}] must be a row of numbers or a tuple (x, y) of equal lengths, "
                         f"not all of it NaN; got shapes {x.shape} and {y.shape}.")
    return x, y


def _check_figure(fig, caption) -> None:
    if not isinstance(fig, Figure):
        raise ValueError(f"fig must be a Figure (of axes: ax.figure); got {type(fig).__name__}.")
    if not isinstance(caption, str) or not caption.strip():
        raise ValueError(f"caption must be a sentence that says what the figure shows; got {caption!r}.")


def _png(drawn) -> tuple[bytes, str]:
    if not isinstance(drawn, tuple) or len(drawn) != 2:
        raise ValueError(f"draw must return (figure, caption); got {type(drawn).__name__}.")
    _check_figure(*drawn)
    stream = io.BytesIO()
    drawn[0].savefig(stream, format="png")  # not cut to fit: the size stays while the control moves
    plt.close(drawn[0])
    return stream.getvalue(), drawn[1]


def _scene(png: bytes, caption: str) -> str:
    """HTML, as ipywidgets' Image knows no text alternative; with its size, so that the page does not jump."""
    width, height = struct.unpack(">II", png[16:24])  # where every PNG holds its size
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return (f'<img alt="{html.escape(caption)}" width="{width}" height="{height}" decoding="sync" '
            f'style="max-width: 100%; height: auto" src="{source}">' + _caption(caption))


def _caption(text: str) -> str:
    return f'<p class="unrolled-caption" role="status">{html.escape(text)}</p>'
