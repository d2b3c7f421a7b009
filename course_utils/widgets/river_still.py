"""The gradient river drawn by matplotlib, for where no script runs."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from course_utils.widgets.river import GradientRiver

LINES = {("RNN", "h"): ("#0072B2", "-"), ("LSTM", "h"): ("#D55E00", "-"), ("LSTM", "c"): ("#D55E00", "--")}


def draw_river(river: GradientRiver) -> Figure:
    """Powers of ten over the time steps; what lies beyond the axis runs along its edge."""
    from course_utils.widgets.river import HIGH, LOW

    fig, ax = plt.subplots(figsize=(10, 4.4), layout="constrained")
    t = np.arange(1, river.state["steps"] + 1)
    for name, sizes in river.sizes().items():
        for key, values in sizes.items():
            colour, style = LINES[name, key]
            label = f"{name}{'' if river.is_given(name) else ', fresh'}: dh_T/d{key}_t"
            inside = np.clip(np.nan_to_num(values, nan=HIGH, neginf=LOW, posinf=HIGH), LOW, HIGH)
            ax.plot(t, inside, linestyle=style, color=colour, label=label)
    ax.set(xlim=(1, t[-1]), ylim=(LOW - 0.3, HIGH + 0.3), ylabel="times as long on arrival")
    ax.set_xlabel("time step t of a tiny push (it travels to the right, its gradient to the left)")
    ax.set_yticks(range(LOW, HIGH + 1, 3), [f"1e{power:+03d}" for power in range(LOW, HIGH + 1, 3)])
    ax.legend(loc="lower right")
    fig.suptitle(fill(river.caption(), 110), fontsize="medium")
    return fig
