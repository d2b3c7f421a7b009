"""Row 1: one training step, batch 128, 28 rows of 28 pixels, 128 units; Adam at rate 0.001, loss and accuracy read after each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from course_utils.kit.jupyter import USUAL_THREADS

from .. import race, results
from ..workers import Contender, Missing, Worker, workers

NAME, MINUTES = "steps", 6
CODE = (*results.HEART, *results.HARNESS, "tests/benchmarks/speed/rows/steps.py")
KIT, FLOOR = "the kit", "matrix products alone"
NET = {"rnn": "RNN", "lstm": "LSTM"}
TWO_THREADS = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
KERNEL = dict(USUAL_THREADS)


def contenders(kind: str) -> list[Contender]:
    """The kit as kernels of the course start, its peers with what was tried for each, and the floor."""
    layer = f"nn.{NET[kind]}"
    return [
        Contender(KIT, "kit", "Training", {"as in the lessons": ({}, KERNEL)}),
        Contender("keras.fit", "keras_fit", "Training", {
            "as it comes": ({}, {}),
            "a thread for each of two operations": ({}, KERNEL),
            "unroll=True": ({"unroll": True}, {}),
            "unroll=True, a thread for each of two operations": ({"unroll": True}, KERNEL),
            "jit_compile=True": ({"jit": True}, {}),
            "steps_per_execution=16": ({"bundle": 16}, {}),
        }),
        Contender(f"PyTorch {layer}", "torch_peer", "Training", {
            "two threads, fused Adam": ({}, TWO_THREADS),
            "two threads, foreach Adam": ({"adam": "foreach"}, TWO_THREADS),
            "one thread, fused Adam": ({"threads": 1}, {"OMP_NUM_THREADS": "1"}),
            "two threads, fused Adam, without oneDNN": ({"onednn": False}, TWO_THREADS),
        }, peer=True),
        Contender("JAX lax.scan", "jax_peer", "Training", {
            "scan": ({}, {}),
            "inputs projected first": ({"project_first": True}, {}),
            "inputs projected first, unroll=4": ({"project_first": True, "unroll": 4}, {}),
            "inputs projected first, unroll=28": ({"project_first": True, "unroll": 28}, {}),
        }, peer=True),
        Contender(FLOOR, "products", "Training", {
            "NumPy (OpenBLAS), two threads": ({"library": "numpy"}, TWO_THREADS),
            "TensorFlow, two halves side by side": ({"library": "tensorflow"}, KERNEL),
        }),
        Contender(f"{FLOOR} by PyTorch", "products", "Training", {"two threads": ({"library": "torch"}, TWO_THREADS)}, peer=True),
    ]  # fmt: skip


def cases() -> dict[str, Callable[[dict], None]]:
    """One for each network; each fills an outcome."""
    return {kind: partial(measure, kind) for kind in NET}


def title(case: str) -> tuple[str, str]:
    """Words and unit of a case."""
    return f"{NET[case]}, one training step of 128 digits", "ms"


def measure(kind: str, outcome: dict) -> None:
    """Choose each one's best option, then the rounds; nobody is timed who computes something else than the kit."""
    with tempfile.TemporaryDirectory() as folder:
        case = prepare(Path(folder), kind)
        check = partial(same_work, folder=Path(folder), weights=case["weights"])
        race_all(contenders(kind), case, check, outcome)
        outcome["billions"] = products_of(case)
        outcome["two_at_once"] = round(race.two_at_once(), 2)


def products_of(case: dict) -> float:
    """Floating-point operations of a step's matrix products, in billions."""
    from ..contenders import products

    with np.load(case["given"]) as given:
        rows, features = given["images"].shape[1:]
    return round(products.operations(products.shapes(case["kind"], case["units"], case["batch"], rows, features)) / 1e9, 3)


def given_case(folder: Path, kind: str, *, units: int = 128, batch: int = 128, rows: int = 28, count: int = 4096) -> dict:
    """Leave images and labels in the folder; the case for all contenders."""
    rng = np.random.default_rng(0)
    given = str(folder / "given.npz")
    np.savez(given, images=rng.random((count, rows, 28), dtype=np.float32), labels=rng.integers(0, 10, count))
    return {"kind": kind, "units": units, "batch": batch, "given": given, "weights": str(folder / "weights.npz")}


def prepare(folder: Path, kind: str) -> dict:
    """The case, with the kit's start and what the kit computes from it left beside the digits."""
    case = given_case(folder, kind)
    with workers({KIT: (contenders(kind)[0], "as in the lessons")}, case) as (started, missing):
        if missing:
            raise RuntimeError(f"The kit's own step does not run: {missing[KIT]}.")
        started[KIT].call("save_weights", path=case["weights"])
        started[KIT].call("parity", into=str(folder / "kit.npz"), weights=case["weights"])
    return case


def same_work(worker: Worker, folder: Path, weights: str) -> None:
    """Missing, with the difference, unless a contender's logits, gradients and losses are the kit's. Products have none."""
    with np.load(folder / "kit.npz") as right:
        right = dict(right)
    worker.call("parity", into=str(folder / "answer.npz"), weights=weights)
    with np.load(folder / "answer.npz") as found:
        difference = race.parity(found, right)
    if difference:
        raise Missing(f"not timed: {difference}")


def race_all(entered: list[Contender], case: dict, check: Callable[[Worker], None], outcome: dict, count: int = race.ROUNDS, seconds: float = race.SECONDS) -> None:
    """The best option of each, then all in rounds; samples land in the outcome as they come."""
    chosen = {}
    for contender in entered:
        option = next(iter(contender.options))
        if len(contender.options) > 1:
            option = race.best_option(contender, case, _unless_products(contender, check), outcome["tried"])
        if option:
            chosen[contender.name] = (contender, option)
        else:
            reasons = outcome["tried"][contender.name]
            outcome["missing"][contender.name] = next(iter(reasons.values()))
    outcome["chosen"] = {name: option for name, (_, option) in chosen.items()}
    with workers(chosen, case) as (started, missing):
        outcome["missing"].update(missing)
        runners = {}
        for name, worker in started.items():
            try:
                _unless_products(chosen[name][0], check)(worker)
                runners[name] = race.runner(worker, seconds)
                outcome["versions"].update(worker.versions if not chosen[name][0].peer else {f"{key} of the peers": value for key, value in worker.versions.items()})
            except Missing as reason:
                outcome["missing"][name] = str(reason)
        race.rounds(runners, count, outcome["samples"], outcome["missing"])


def _unless_products(contender: Contender, check):
    return (lambda worker: None) if contender.module == "products" else check
