"""The misclassification explorer drawn by matplotlib, for where no script runs."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.plots import draw_digit, draw_states

if TYPE_CHECKING:
    from course_utils.widgets.explorer import MissExplorer

GALLERY = 12


def draw_explorer(explorer: MissExplorer) -> Figure:
    """The matrix of one network, the first digits of the chosen cell, and the chosen digit row by row."""
    fig = plt.figure(figsize=(12, 8), layout="constrained")
    upper, lower = fig.subfigures(2, 1)
    matrix, gallery = upper.subfigures(1, 2)
    _draw_matrix(explorer, matrix.subplots())
    _draw_gallery(explorer, gallery)
    probabilities = explorer.probabilities()
    axes = lower.subplots(1, 1 + len(probabilities))
    draw_digit(explorer.image, ax=axes[0], title=_title(explorer))
    for ax, (name, p) in zip(axes[1:], probabilities.items()):
        _draw_rows(explorer, name, p, ax)
    fig.suptitle(fill(explorer.caption(), 110), fontsize="medium")
    return fig


def _draw_matrix(explorer, ax):
    network = next(each for each in explorer.networks if each["name"] == explorer.state["network"])
    counts = np.array(network["counts"])
    mistakes = counts - np.diag(np.diag(counts))
    ax.imshow(mistakes, cmap="Oranges", vmax=max(1, mistakes.max()), aspect="auto")
    for true, said in np.argwhere(counts):
        dark = mistakes[true, said] > 0.6 * mistakes.max()
        ax.text(said, true, counts[true, said], ha="center", va="center", color="white" if dark else "#222222")
    if explorer.state["cell"]:
        true, said = explorer.state["cell"]
        ax.add_patch(Rectangle((said - 0.5, true - 0.5), 1, 1, fill=False, edgecolor="#0072B2", linewidth=3))
    ax.set(xticks=range(len(counts)), yticks=range(len(counts)), xlabel=f"the {network['name']} said", ylabel="it was")
    ax.grid(False)


def _draw_gallery(explorer, figure):
    state = explorer.state
    numbers = explorer.listed(state["network"], state["cell"], state["sort"])[:GALLERY]
    axes = figure.subplots(3, 4)
    answers = explorer._answers[state["network"]]
    for ax in axes.flat[len(numbers):]:
        ax.set_axis_off()
    for ax, number in zip(axes.flat, numbers):
        title = f"{explorer._labels[number]} as {answers.said[number]} ({answers.confidence[number]:.0%})"
        draw_digit(explorer._images[number] / 255, ax=ax, title=title)


def _title(explorer):
    digit = explorer.state["digit"]
    changed = ", changed" if explorer.changed else ""
    return "drawn by hand" if digit is None else f"digit {digit}, a {explorer._labels[digit]}{changed}"


def _draw_rows(explorer, name, p, ax):
    row, digit, classes = explorer.state["row"], explorer.state["digit"], p.shape[1]
    title = f"{name} says {p[row - 1].argmax()} after row {row}"
    draw_states(p, ax=ax, sequential=True, title=title, ylabel="row", xlabel="class")
    ax.set(xticks=range(1, classes + 1), xticklabels=range(classes))
    ax.axhline(row + 0.5, color="black", linewidth=1.2)
    if digit is not None:
        ax.add_patch(Rectangle((explorer._labels[digit] + 0.5, 0.5), 1, 28, fill=False, edgecolor="#D55E00", linewidth=2.5))
