"""README's figure: for each case, everybody's time as a multiple of the kit's."""

from __future__ import annotations

from collections.abc import Mapping

from . import figures, results

FILE = results.ROOT / "docs" / "pictures" / "speed.png"
LEFT_OUT = ("everyday", "tests")  # they stand in the table; the figure is about computing
MARKS = {"PyTorch": "s", "JAX": "^", "keras": "o", "Keras": "o", "tf.data": "D", "NumPy": "v", "matrix": "|"}


def caption(summary: Mapping) -> str:
    """What the figure shows, in one sentence from its numbers."""
    said = []
    for outcome in drawn(summary).values():
        peer = figures.best_peer(outcome["samples"])
        if peer:
            share = figures.ratio(outcome["samples"], peer)
            said.append(f"{outcome['title']}: {peer} takes {1 / share:.1f} times as long")
    return "The kit's time beside the fastest other way. " + "; ".join(said) + "."


def drawn(summary: Mapping) -> dict:
    """The cases that the figure shows: those with the kit and somebody else."""
    return {key: outcome for key, outcome in summary.items() if key[0] not in LEFT_OUT and figures.kit_of(outcome["samples"]) and figures.best_peer(outcome["samples"])}


def save(summary: Mapping, old: Mapping[str, str]) -> None:
    """Draw and write the picture; cases older than the code are named so."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    with plt.style.context(str(results.ROOT / "styles" / "course.mplstyle")):
        cases = drawn(summary)
        fig, ax = plt.subplots(figsize=(11, 1.6 + 0.55 * len(cases)))
        draw(ax, cases, old)
        FILE.parent.mkdir(parents=True, exist_ok=True)
        fig.savefig(FILE, metadata={"Software": None})
        plt.close(fig)


def draw(ax, cases: Mapping, old: Mapping[str, str]) -> None:
    """A line a case, the kit at 1, a mark for each other; a mark's shape tells who it is, and so does its colour."""
    colours = dict(zip(dict.fromkeys(MARKS.values()), ("C1", "C2", "C0", "C4", "C3", "0.3")))
    named = set()
    ax.axvline(1, color="black", linewidth=2.2)
    for place, outcome in enumerate(cases.values()):
        for name in outcome["samples"]:
            if name in figures.KIT:
                continue
            who = next(word for word in MARKS if name.startswith(word))
            words = {"matrix": "floor: matrix products alone", "keras": "Keras"}.get(who, who)
            ax.plot(1 / figures.ratio(outcome["samples"], name), place, MARKS[who], color=colours[MARKS[who]], markersize=15 if who == "matrix" else 10,
                    markeredgewidth=3 if who == "matrix" else 1, label=None if words in named else words)  # fmt: skip
            named.add(words)
    ticks = [f"{outcome['title']}\n{figures.shown(figures.median(outcome['samples'][figures.kit_of(outcome['samples'])]), outcome['unit'])} {outcome['unit']}"
             + (", older than the code" if row in old else "") for (row, _), outcome in cases.items()]  # fmt: skip
    ax.set(yticks=range(len(cases)), xscale="log", xlabel="times the kit's time (its own is the line at 1)", ylim=(len(cases) - 0.5, -0.6))
    ax.set_yticklabels(ticks, fontsize=10)
    ticks = [0.3, 0.5, 1, 2, 3, 5, 10, 20, 50, 100]
    low, high = ax.get_xlim()
    ax.set_xticks([tick for tick in ticks if low <= tick <= high], [f"{tick:g}" for tick in ticks if low <= tick <= high])
    ax.minorticks_off()
    ax.grid(axis="x")
    ax.legend(loc="lower center", bbox_to_anchor=(0.35, 1.0), ncols=6, columnspacing=1, handletextpad=0.3)
