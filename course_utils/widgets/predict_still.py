"""Predictions drawn by matplotlib, for where no script runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from course_utils.widgets.predict import Predict

GUESS, TRUTH = "#D55E00", "#0072B2"


def draw_prediction(prediction: Predict) -> Figure:
    """The question, the guess, and what came out where the state shows it."""
    guess, shown = prediction.guess, prediction.state["shown"] or prediction.guess is not None
    truth = prediction.truth.get("value") if shown else None
    fig, ax = plt.subplots(figsize=(8, 3.4 if prediction.kind == "curve" else 2.2), layout="constrained")
    DRAW[prediction.kind](prediction.spec, guess, truth, ax)
    ax.set_title(prediction.question, fontsize="medium", loc="left")
    if ax.get_legend_handles_labels()[1]:
        ax.legend()
    return fig


def _lines(names, guess, truth, ax):
    """Words below each other: a diamond before the guess, a dot before what came out."""
    ax.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5))
    ax.axis("off")
    for place, name in enumerate(names):
        ax.text(0.08, place, name, va="center")
        for x, value, marker, colour, label in ((0.02, guess, "D", GUESS, "your guess"), (0.05, truth, "o", TRUTH, "what came out")):
            if name == value:
                ax.plot(x, place, marker, color=colour, label=label)


def _choice(spec, guess, truth, ax):
    _lines(spec["choices"], guess, truth, ax)


def _number(spec, guess, truth, ax):
    ax.set(xlim=(spec["low"], spec["high"]), ylim=(-1, 1), yticks=[], xscale="log" if spec["log"] else "linear", xlabel=spec["unit"])
    for value, marker, colour, label in ((guess, "D", GUESS, "your guess"), (truth, "o", TRUTH, "what came out")):
        if value is not None:
            ax.plot(np.clip(value, spec["low"], spec["high"]), 0, marker, color=colour, label=label, clip_on=False)


def _ranking(spec, guess, truth, ax):
    said = [f"{k}. {item}" for k, item in enumerate(guess or spec["items"] * (truth is None), 1)]
    columns = [(0, "your guess", said), (0.55, "what came out", [f"{places(row, truth)} {row['item']}" for row in truth or ()])]
    ax.set(xlim=(0, 1), ylim=(len(spec["items"]) + 0.5, -0.5))
    ax.axis("off")
    for x, heading, items in columns:
        for place, text in enumerate([heading, *items] if items else []):
            ax.text(x, place, text, va="center", weight="bold" if place == 0 else "normal")


def places(row: dict, rows: list[dict]) -> str:
    """Which places a row of a ranking may have: it shares them with those whose runs overlap its own."""
    first = 1 + sum(other["low"] > row["high"] for other in rows)
    last = len(rows) - sum(other["high"] < row["low"] for other in rows)
    return f"{first}." if first == last else f"{first}–{last}."


def _curve(spec, guess, truth, ax: Axes):
    ax.set(xlim=(spec["x"][0], spec["x"][-1]), xlabel=spec["xlabel"], ylabel=spec["ylabel"], yscale="log" if spec["log"] else "linear")
    ax.set_ylim(spec["low"], spec["high"])
    for values, style, colour, label in ((guess, "--", GUESS, "your guess"), (truth, "-", TRUTH, "what came out")):
        if values is not None:
            ax.plot(spec["x"], np.clip(values, spec["low"], spec["high"]), style, color=colour, label=label)


DRAW = {"choice": _choice, "number": _number, "ranking": _ranking, "curve": _curve}
