"""Row 3: the logits of 10,000 digits, and of one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from .. import race, results
from ..workers import Contender, Missing, Worker
from . import steps

NAME, MINUTES = "inference", 5
CODE = (*results.HEART, *results.HARNESS, "tests/benchmarks/speed/rows/steps.py", "tests/benchmarks/speed/rows/inference.py")
ROUNDS = 7
DIGITS = {"10,000": 10_000, "one": 1}


def contenders(kind: str, digits: int) -> list[Contender]:
    """The same peers; many digits in batches of 500."""
    sizes = (1,) if digits == 1 else (500,)
    kernel, two = steps.KERNEL, steps.TWO_THREADS
    keras = {f"predict, batches of {size}": ({"batch": size}, {}) for size in sizes} | {f"predict, batches of {size}, a thread for each of two operations": ({"batch": size}, kernel) for size in sizes}
    keras |= {"called as a function": ({"batch": sizes[-1], "call": True}, {})}
    return [
        Contender(steps.KIT, "kit", "Inference", {f"fast_logits in a graph, batches of {size}": ({"batch": size}, kernel) for size in sizes}),
        Contender("Keras", "keras_fit", "Inference", keras),
        Contender(f"PyTorch nn.{steps.NET[kind]}", "torch_peer", "Inference", {
            f"batches of {size}, {words}": ({"batch": size, "threads": threads, "onednn": onednn}, {"OMP_NUM_THREADS": str(threads)})
            for size in sizes for words, threads, onednn in (("two threads", 2, True), ("one thread", 1, True), ("two threads, without oneDNN", 2, False))
        }, peer=True),
        Contender("JAX lax.scan", "jax_peer", "Inference", {
            f"batches of {size}, {words}": ({"batch": size, **options}, {}) for size in sizes
            for words, options in (("scan", {}), ("inputs projected first", {"project_first": True}), ("inputs projected first, unroll=4", {"project_first": True, "unroll": 4}))
        }, peer=True),
        Contender("NumPy, the lesson's formula", "plain", "Inference", {f"batches of {size}": ({"batch": size}, two) for size in sizes}),
    ]  # fmt: skip


def cases() -> dict[str, Callable[[dict], None]]:
    """Each network with many digits, and with one."""
    return {f"{kind}, {words}": partial(measure, kind, digits) for kind in steps.NET for words, digits in DIGITS.items()}


def title(case: str) -> tuple[str, str]:
    """Words and unit of a case."""
    kind, words = case.split(", ")
    return f"{steps.NET[kind]}, answers for {words} digit{'s' * (words != 'one')}", "ms"


def measure(kind: str, digits: int, outcome: dict) -> None:
    """All contenders answer for the same digits; whose logits are not NumPy's is not timed."""
    with tempfile.TemporaryDirectory() as folder:
        case = prepare(Path(folder), kind, digits)
        steps.race_all(contenders(kind, digits), case, partial(same_answers, folder=Path(folder)), outcome, ROUNDS)


def prepare(folder: Path, kind: str, digits: int) -> dict:
    """Digits, weights of the size that training leaves, and the formula's answers."""
    from ..contenders.plain import Inference

    rng = np.random.default_rng(0)
    given, weights = str(folder / "given.npz"), str(folder / "weights.npz")
    np.savez(given, images=rng.random((digits, 28, 28), dtype=np.float32))
    columns = 128 * (4 if kind == "lstm" else 1)
    shapes = {"W_x": (28, columns), "W_h": (128, columns), "b": (columns,), "W_y": (128, 10), "b_y": (10,)}
    np.savez(weights, **{name: rng.normal(scale=0.1, size=shape).astype(np.float32) for name, shape in shapes.items()})
    case = {"kind": kind, "units": 128, "given": given, "weights": weights}
    np.savez(folder / "right.npz", value=Inference(**case, batch=min(digits, 1000)).answers())
    return case


def same_answers(worker: Worker, folder: Path) -> None:
    """Missing, with the difference, unless the logits agree."""
    worker.call("answers", into=str(folder / "answer.npz"))
    with np.load(folder / "answer.npz") as found, np.load(folder / "right.npz") as right:
        difference = race.parity(found, {"value": right["value"]})
    if difference:
        raise Missing(f"not timed: {difference}".replace("value", "an answer").replace("the kit's", "the formula's"))
