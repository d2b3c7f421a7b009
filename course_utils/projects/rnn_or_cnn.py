"""The long runs of the project "RNN or CNN?": five networks on three image sets, and one of them with other orders of the sequence.

One recipe for all: Adam, its rate warmed up and taken down again on a cosine, gradients clipped at a global norm of 1, 128 images a batch.
Only the peak of the rate is each network's own, one for the gray sets and one for CIFAR-10. It was chosen on training images that were
held back, never on a test image: `choose_peak` does that again, and its results are recorded too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from course_utils.data import DataLoader
from course_utils.projects.bench import compiled, measure, score
from course_utils.projects.images import NAMES, ORDERS, load_images
from course_utils.projects.networks import KINDS, PARAMETERS, build, logits_for
from course_utils.projects.runs import Run
from course_utils.training import make_step, train

PROJECT = "05_project_rnn_or_cnn"
SEEDS = (1, 2, 3)
BATCH = 128
EPOCHS, EPOCHS_SMALL, SMALL = 4, 15, 10_000  # a set with fewer training images than this is read more often
PEAKS = {"fashion_mnist": {"dense": 8e-3, "rnn": 1e-3, "lstm": 8e-3, "bilstm": 8e-3, "cnn": 8e-3},
         "cifar10": {"dense": 3e-3, "rnn": 1e-3, "lstm": 3e-3, "bilstm": 3e-3, "cnn": 8e-3}}  # fmt: skip
PEAKS["mnist"] = PEAKS["fashion_mnist"]
TRIED_PEAKS = (1e-3, 3e-3, 8e-3)
HELD_BACK = 6  # one in so many training images is held back to choose a peak


def recipe(kind: str, seed: int, steps: int | None = None, peak: float | None = None) -> Callable:
    """The training function for `bench.measure`.

    Args:
        kind: one of `KINDS`.
        seed: fixes the order of the images.
        steps: updates; by default so many that each image is seen `EPOCHS` times, or `EPOCHS_SMALL` times in a small set.
        peak: the highest learning rate, by default the one that suits MNIST; see `PEAKS`.

    Returns:
        ``fit(model, images, labels)``: trains and returns the history.
    """
    import keras

    def fit(model, images, labels):
        updates = steps or (EPOCHS if len(images) >= SMALL else EPOCHS_SMALL) * len(images) // BATCH
        rate = keras.optimizers.schedules.CosineDecay(0.0, decay_steps=updates * 4 // 5, warmup_target=peak or PEAKS["mnist"][kind], warmup_steps=updates // 5)
        step = make_step(model, keras.optimizers.Adam(rate, global_clipnorm=1.0), logits_for(kind))
        return train(step, DataLoader(images, labels, int(labels.max()) + 1, seed=seed), updates, batch_size=BATCH)

    return fit


def run_network(name: str, kind: str, seed: int, order: str = "rows", parameters: int = PARAMETERS) -> dict:
    """Train and measure one network on one image set, read in one order; see `bench.measure` for what comes back."""
    data = ORDERS[order](load_images(name, verbose=False))
    model = build(kind, data.shape, parameters=parameters, seed=seed)
    about = {"set": name, "network": kind, "seed": seed, "order": order, "budget": parameters,
             "images": [len(data.x_train), len(data.x_test)], "whole": data.is_whole}  # fmt: skip
    return {**about, "shape": list(data.shape), **measure(model, recipe(kind, seed, peak=PEAKS[name][kind]), data)}


def choose_peak(name: str, kind: str, seed: int = 1) -> dict:
    """Accuracy on held-back training images after few epochs, for each rate that was tried; no test image is touched.

    MNIST takes what suits Fashion-MNIST. The small set is read more often here too.
    """
    data = load_images(name, verbose=False)
    held, found = len(data.x_train) // HELD_BACK, {}
    images, labels = data.x_train[:-held], data.y_train[:-held]
    for peak in TRIED_PEAKS:
        model = build(kind, data.shape, seed=seed)
        recipe(kind, seed, steps=(1 if len(images) >= SMALL else 8) * len(images) // BATCH, peak=peak)(model, images, labels)
        found[f"{peak:g}"] = score(compiled(model), data.x_train[-held:], data.y_train[-held:])["accuracy"]
    return {"peaks_on": name, "network": kind, "seed": seed, "held_back": held, "chosen": PEAKS[name][kind], "accuracy": found}


# --- The list ---

SECONDS = {"dense": 10, "rnn": 22, "lstm": 42, "bilstm": 50, "cnn": 29}  # of a run on MNIST, roughly, for the progress bar
BUDGETS = (10_000, 30_000)  # on Fashion-MNIST, beside the usual one: accuracy against size is a curve for each network


def runs() -> list[Run]:
    """All runs whose results the project's table records."""
    found = [_run(name, kind, seed) for seed in SEEDS for name in NAMES for kind in KINDS]
    found += [_run(name, "lstm", seed, order="columns") for name, seed in [("mnist", 1), ("mnist", 2), ("fashion_mnist", 1), ("cifar10", 1)]]
    found += [_run("mnist", "lstm", SEEDS[0], order="pixels")]
    found += [_run("fashion_mnist", kind, SEEDS[0], parameters=budget) for budget in BUDGETS for kind in KINDS]
    return found + [Run(PROJECT, f"peak-{name}-{kind}", partial(choose_peak, name, kind), 0.8 * SECONDS[kind]) for name in ("fashion_mnist", "cifar10") for kind in KINDS]


def _run(name: str, kind: str, seed: int, **special) -> Run:
    """A run named after what is special about it."""
    label = "-".join(map(str, [name, kind, *special.values(), seed]))
    share = 6.5 if special.get("order") == "pixels" else 0.5 if name == "cifar10" else 0.6 if "parameters" in special else 1.0
    return Run(PROJECT, label, partial(run_network, name, kind, seed, **special), share * SECONDS[kind])
