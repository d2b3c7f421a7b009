"""Row 2: seconds of training, from a cold start, until 99% of all 10,000 test digits are right, with lesson 3's LSTM.

The kit takes lesson 3's recipe. Plain `keras.fit` takes Adam as it comes, as most would write it down; a second one takes the recipe too, so
that it shows which part of the difference is the recipe's and which the step's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from course_utils.data import load_mnist

from .. import results
from ..workers import Contender, Missing, workers
from . import steps

NAME, MINUTES = "to_99", 21
CODE = (*results.HEART, *results.HARNESS, "tests/benchmarks/speed/rows/to_99.py")
GOAL = 0.99
RECIPE = {"units": 128, "batch": 128, "steps": 2_110, "peak": 8e-3}  # of notebooks/03_lstm.ipynb; a test compares them
LOOKS = [1_400, 1_500, 1_600, 1_700, 1_800, 1_900, 2_000, 2_110]  # after so many steps the test digits are looked at
EPOCH, EPOCHS = 469, 20  # batches of 128 in 60,000 digits; plain fit looks after each epoch and gives up after so many
PLAIN = {"units": 128, "batch": 128, "steps": EPOCH * EPOCHS}
SEEDS, PEERS_SEEDS = 5, 3  # the median of five is a goal; plain fit takes longer


def contenders() -> list[Contender]:
    """The kit; `keras.fit` as it comes; and with the kit's recipe and the options that made its step fastest."""
    fit = steps.contenders("lstm")[1]
    kept = results.load().get("steps", {}).get("lstm", {}).get("chosen", {}).get("keras.fit", "as it comes")
    best = kept if kept in fit.options else "as it comes"
    arguments, variables = fit.options[best]
    return [
        Contender(steps.KIT, "kit", "To99", {"as in lesson 3": ({}, steps.KERNEL)}),
        Contender("keras.fit", "keras_fit", "To99", {"Adam as it comes": ({}, {})}),
        Contender("keras.fit, lesson 3's recipe", "keras_fit", "To99", {best: ({"options": arguments}, variables)}),
    ]


def cases() -> dict[str, Callable[[dict], None]]:
    """One for each seed, so that an interrupted bench keeps the seeds that are done."""
    return {f"seed {seed}": partial(measure, seed) for seed in range(1, SEEDS + 1)}


def title(case: str) -> tuple[str, str]:
    """Words and unit of a case."""
    return f"training an LSTM to 99% of the test digits, {case}", "s"


def measure(seed: int, outcome: dict) -> None:
    """One training each; the first look at which the goal was reached counts. `looks` has all: [seconds, step, share]."""
    digits = load_mnist(verbose=False)
    if not digits.is_full:
        raise Missing("it needs the full MNIST: set COURSE_DATA to a folder with mnist.npz, or `make data`")
    with tempfile.TemporaryDirectory() as folder:
        given = str(Path(folder) / "given.npz")
        np.savez(given, images=digits.x_train, labels=digits.y_train, test_images=digits.x_test, test_labels=digits.y_test)
        for contender in contenders()[: 3 if seed <= PEERS_SEEDS else 1]:
            train(contender, given, seed, outcome)


def train(contender: Contender, given: str, seed: int, outcome: dict) -> None:
    """One training in a process of its own."""
    (option,) = contender.options
    recipe, looks = (PLAIN, [EPOCH * k for k in range(1, EPOCHS + 1)]) if option == "Adam as it comes" else (RECIPE, LOOKS)
    with workers({contender.name: (contender, option)}, {"given": given}) as (started, missing):
        outcome["missing"].update(missing)
        if not started:
            return
        try:
            looks = started[contender.name].call("train", seed=seed, recipe=recipe, looks=looks, goal=GOAL)
        except Missing as reason:
            outcome["missing"][contender.name] = str(reason)
            return
        outcome["versions"].update(started[contender.name].versions)
    outcome["chosen"][contender.name] = option
    outcome.setdefault("looks", {})[contender.name] = [[round(seconds, 2), step, share] for seconds, step, share in looks]
    reached = next((seconds for seconds, _, share in looks if share >= GOAL), None)
    if reached is None:
        outcome["missing"][contender.name] = f"did not reach {GOAL:.0%}: {looks[-1][2]:.2%} after {looks[-1][0]:.0f} s"
    else:
        outcome["samples"][contender.name] = [reached]
