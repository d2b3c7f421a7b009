"""A text with what a reader thinks after each of its words."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike


def draw_words(words: Sequence[str], praise: ArrayLike, *, ax: Axes | None = None, columns: int = 8, title: str = "") -> Axes:
    """Draw words from left to right, line by line, each on a field whose colour shows the probability of praise after it.

    Orange is praise, purple is blame, white is one half; under each word stands the probability in per cent.

    Args:
        words: the words, in their order.
        praise: probabilities in [0, 1], one after each word.
        ax: where to draw; a new figure of its own by default.
        columns: words in a line, at least 1.
        title: of the axes.

    Raises:
        ValueError: words and probabilities are not equally many, or one is not a probability.

    >>> [text.get_text() for text in draw_words(["not", "bad"], [0.4, 0.9]).texts]
    ['not', '40', 'bad', '90']
    """
    praise = np.asarray(praise, dtype=float)
    if praise.shape != (len(words),) or not ((praise >= 0) & (praise <= 1)).all() or not len(words):
        raise ValueError(f"praise: expected a number from 0 to 1 for each of {len(words)} words, received shape {praise.shape}.")
    lines = -(-len(words) // columns)
    ax = ax or plt.subplots(figsize=(1.25 * min(columns, len(words)), 0.75 * lines + 0.3))[1]
    for place, (word, p) in enumerate(zip(words, praise)):
        x, y = place % columns, place // columns
        color = plt.get_cmap("PuOr_r")(0.25 + 0.5 * p)  # no darker than letters can be read on
        ax.add_patch(plt.Rectangle((x + 0.02, y + 0.05), 0.96, 0.9, color=color, linewidth=0))
        ax.text(x + 0.5, y + 0.38, word, ha="center", va="center", fontsize="small" if len(word) > 9 else "medium", parse_math=False)
        ax.text(x + 0.5, y + 0.75, f"{100 * p:.0f}", ha="center", va="center", fontsize="x-small")
    ax.set(xlim=(0, min(columns, len(words))), ylim=(lines, 0), title=title)
    ax.set_axis_off()
    return ax
