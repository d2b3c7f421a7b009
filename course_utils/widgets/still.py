"""The same pictures drawn by matplotlib, for where no script runs."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils.plots import draw_digit, draw_states

UPPER = {"i": "input gate i", "f": "forget gate f", "o": "output gate o"}
LOWER = {"g": "candidate g", "c": "cell state c", "h": "hidden state h"}


def draw_scope(image: np.ndarray, trace: dict[str, np.ndarray], state: dict, caption: str,
               order: list[int] | None = None) -> Figure:
    """A still of the LSTM scope: the digit, gates above, states below, and the answer after the row that was read.

    ``order`` is the units from left to right, counted from 0; as they are numbered if None.
    """
    names = UPPER | LOWER if "c" in trace else {"h": LOWER["h"]}
    fig, axes = plt.subplots(2 if "c" in trace else 1, 4 if "c" in trace else 3, figsize=(12, 6 if "c" in trace else 3.4),
                             squeeze=False, layout="constrained")
    bars = axes[-1, 0] if "c" in trace else axes[0, 2]
    draw_digit(image, ax=axes[0, 0], title="digit")
    _draw_answer(trace["p"][state["row"] - 1], state["row"], bars)
    for ax, (key, name) in zip([ax for ax in axes.flat if ax not in (axes[0, 0], bars)], names.items()):
        limit = max(1, np.ceil(np.quantile(np.abs(trace[key]), 0.99))) if key == "c" else 1
        draw_states(trace[key] if order is None else trace[key][:, order], ax=ax, xlabel="unit" if order is None else "units, early to late", title=name, sequential=key in UPPER, limit=limit, ylabel="row")
        ax.set_xticks([] if order is not None else ax.get_xticks())  # a place is no unit's number
        ax.axhline(state["row"] + 0.5, color="black", linewidth=1.2)
        _draw_force(state["forced"], key, trace[key].shape[1], ax)
    fig.suptitle(caption, fontsize="medium")
    return fig


def _draw_answer(p, row, ax):
    ax.barh(range(len(p)), p, color=["#D55E00" if label == p.argmax() else "#0072B2" for label in range(len(p))])
    ax.set(title=f"answer after row {row}", xlim=(0, 1), yticks=range(len(p)), xlabel="probability")
    ax.invert_yaxis()


def _draw_force(forced, key, units, ax):
    if forced and forced["gate"] == key:
        height = forced["last"] - forced["first"] + 1
        ax.add_patch(Rectangle((0.5, forced["first"] - 0.5), units, height, fill=False, edgecolor="#D55E00", linewidth=2.5))
