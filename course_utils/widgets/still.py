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


def draw_cell(net, trace: dict[str, np.ndarray], state: dict, caption: str, say) -> Figure:
    """A still of one cell: the table of products, those of the chosen unit as bars, and the unit's place on the curve."""
    t, j = state["step"] - 1, state["unit"] - 1
    products = trace["v"][t][:, None] * net.W
    fig, axes = plt.subplots(1, 3, figsize=(12, 4), width_ratios=[1.3, 1, 1], layout="constrained")
    _draw_products(products, net, trace["v"][t], say, axes[0])
    axes[1].barh(range(len(products)), products[:, j], color=np.where(products[:, j] > 0, "#E08214", "#8073AC"))
    axes[1].set(title=f"products of unit {j + 1}, sum {say(trace['a'][t, j])}", ylim=(len(products) - 0.5, -0.5), yticks=[],
                xlabel="number times weight")
    _draw_squash(net, trace["a"][t], trace["h"][t], j, axes[2])
    fig.suptitle(caption, fontsize="medium")
    return fig


def _draw_products(products, net, comes_in, say, ax):
    limit = max(0.1, np.quantile(np.abs(net.W), 0.99))
    ax.imshow(products, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest",
              extent=(0.5, net.units + 0.5, len(products) - 0.5, -0.5))
    ax.hlines([net.features - 0.5, len(products) - 1.5], 0.5, net.units + 0.5, color="black", linewidth=1)
    ax.set(title="number · weight", xlabel="unit",
           yticks=[net.features / 2 - 0.5, net.features + net.units / 2 - 0.5, len(products) - 1],
           yticklabels=["inputs x", "old states h", "1"])
    ax.grid(False)
    if net.units < 8:  # room for the figures
        ax.set(xticks=range(1, net.units + 1), yticks=range(len(products)), yticklabels=[say(v) for v in comes_in])
        for (k, j), product in np.ndenumerate(products):
            ax.text(j + 1, k, say(product), ha="center", va="center", color="white" if abs(product) > 0.6 * limit else "black")


def _draw_squash(net, a, h, j, ax):
    sums = np.linspace(-4, 4, 161)
    ax.plot(sums, np.maximum(sums, 0) if net.activation == "relu" else np.tanh(sums), color="black")
    ax.plot(a, h, "o", color="0.6")
    ax.plot(a[j], h[j], "o", color="C1", markersize=10)
    ax.set(title=f"unit {j + 1} on the curve", xlabel="sum a", ylabel="new state h")


def draw_chain(image: np.ndarray, rows: np.ndarray, trace: dict[str, np.ndarray], weight: list, caption: str) -> Figure:
    """A still of the unfolded chain: shares of the gradient, states and rows, one column for each copy; the digit beside them."""
    steps = len(trace["h"])
    fig, axes = plt.subplots(3, 2, figsize=(12, 6), width_ratios=[1, 4], height_ratios=[1, 2, 2], layout="constrained")
    draw_digit(image, ax=axes[2, 0], title="digit")
    for ax in axes[:2, 0]:
        ax.axis("off")
    shares, places = trace["shares"], np.arange(1, steps + 1)
    axes[0, 1].bar(places, shares, color=np.where(shares > 0, "#E08214", "#8073AC"))
    axes[0, 1].axhline(0, color="0.5", linewidth=0.8)
    name, row, column = weight
    of = f"b of unit {column}" if name == "b" else f"{name} from {'pixel' if name == 'W_x' else 'unit'} {row} to unit {column}"
    axes[0, 1].set(title=f"each copy's share of the gradient of {of}; the sum is {shares.sum():.1e}", xlim=(0.5, steps + 0.5))
    strips = [(axes[1, 1], trace["h"], "PuOr_r", -1, "states: one column for each copy"),
              (axes[2, 1], rows, "gray_r", 0, "the row that each copy reads")]
    for ax, values, cmap, low, title in strips:
        ax.imshow(values.T, cmap=cmap, vmin=low, vmax=1, aspect="auto", interpolation="nearest",
                  extent=(0.5, steps + 0.5, values.shape[1] + 0.5, 0.5))
        ax.set(title=title, ylabel="unit" if low else "pixel", xlim=(0.5, steps + 0.5))
        ax.grid(False)
    axes[2, 1].set(xlabel="time step")
    fig.suptitle(caption, fontsize="medium")
    return fig
