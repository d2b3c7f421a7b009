"""The measuring bench: every network is trained and measured in the same way, and its test images are seen once, at the end.

A training function gets the training part and nothing else. So a test set cannot leak into it by accident; that no image lies in both
parts is checked too.
"""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

WARM_UP, REPEATS = 10, 100  # calls with one example: first some that are not timed, then these
BATCH, BATCH_REPEATS = 500, 10


def measure(model, fit: Callable, data) -> dict:
    """Train a network on the training part of a data set, then measure it on the test part.

    Args:
        model: a Keras model from examples to logits (batch, classes), untrained.
        fit: trains it, called as ``fit(model, x_train, y_train)``; it gets copies that it may change, and never a test example.
        data: has ``x_train``, ``y_train``, ``x_test`` and ``y_test``; labels are integers from 0.

    Returns:
        What can be written as JSON: ``right`` of ``tested`` examples, ``accuracy`` and its 95% interval ``low`` to ``high`` (Wilson);
        ``right_by_class``; ``parameters``; ``file_bytes``; ``train_seconds`` and ``train_cpu_seconds`` (all threads, with building the
        graph); ``latency_ms`` of one example and ``throughput`` in examples a second (see `latency` and `throughput`).

    Raises:
        ValueError: an example lies in both parts, or the model does not return logits for the classes.
    """
    check_apart(data.x_train, data.x_test)
    answer = compiled(model)
    check_logits(answer, data.x_train[:BATCH], int(data.y_train.max()) + 1)
    wall, cpu = time.perf_counter(), time.process_time()
    fit(model, data.x_train.copy(), data.y_train.copy())
    trained = {"train_seconds": round(time.perf_counter() - wall, 2), "train_cpu_seconds": round(time.process_time() - cpu, 2)}
    return {**score(answer, data.x_test, data.y_test), "parameters": model.count_params(), "file_bytes": file_bytes(model), **trained,
            "latency_ms": latency(answer, data.x_test[:1]), "throughput": throughput(answer, data.x_test[:BATCH])}  # fmt: skip


def compiled(model) -> Callable[[np.ndarray], np.ndarray]:
    """The model as a function from examples to answers: its own call, compiled by `tf.function`, the same for every network."""
    import tensorflow as tf

    call = tf.function(lambda batch: model(batch, training=False))
    return lambda examples: call(tf.constant(examples)).numpy()


def score(answer: Callable, examples: np.ndarray, labels: np.ndarray) -> dict:
    """How many answers are right, with the Wilson interval of the share; an answer's class is its largest logit.

    Args:
        answer: from examples (n, ...) to logits (n, classes), as `compiled` makes it.
        examples, labels: the test part; labels (n,) are integers from 0.
    """
    right = _logits(answer, examples).argmax(axis=1) == labels
    low, high = wilson(int(right.sum()), len(right))
    by_class = [int(right[labels == label].sum()) for label in range(int(labels.max()) + 1)]
    return {"right": int(right.sum()), "tested": len(right), "accuracy": float(right.mean()), "low": low, "high": high, "right_by_class": by_class}


def _logits(answer: Callable, examples: np.ndarray) -> np.ndarray:
    return np.concatenate([answer(examples[start : start + BATCH]) for start in range(0, len(examples), BATCH)])


def wilson(k: int, n: int) -> tuple[float, float]:
    """The 95% interval of a share, k of n, after Wilson (1927).

    >>> [round(end, 3) for end in wilson(10, 10)]
    [0.722, 1.0]
    """
    from scipy.stats import binomtest

    interval = binomtest(k, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def file_bytes(model) -> int:
    """How many bytes the model takes on disk, saved as Keras saves it (``.keras``)."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        return file.stat().st_size


def latency(answer: Callable, example: np.ndarray) -> dict:
    """Milliseconds for one example, shape (1, ...): median, and the tenth and ninetieth of a hundred calls, after a warm-up."""
    times = [1e3 * seconds for seconds in _timed(answer, example, WARM_UP, REPEATS)]
    low, high = np.percentile(times, [10, 90])
    return {"median": round(statistics.median(times), 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def throughput(answer: Callable, examples: np.ndarray) -> dict:
    """Examples a second when many, (n, ...), come as one batch: median, slowest and fastest of ten calls, after a warm-up."""
    rates = [len(examples) / seconds for seconds in _timed(answer, examples, 2, BATCH_REPEATS)]
    return {"median": round(statistics.median(rates)), "low": round(min(rates)), "high": round(max(rates)), "batch": len(examples)}


def _timed(answer: Callable, examples: np.ndarray, warm_up: int, repeats: int) -> list[float]:
    times = []
    for _ in range(warm_up + repeats):
        start = time.perf_counter()
        answer(examples)
        times.append(time.perf_counter() - start)
    return times[warm_up:]


# --- What a bench must not accept ---


def check_logits(answer: Callable, examples: np.ndarray, classes: int) -> None:
    """ValueError unless ``answer`` gives a row of logits for each example; probabilities are found by their sums of 1."""
    answers = answer(examples)
    if np.shape(answers) != (len(examples), classes):
        raise ValueError(f"model: expected logits of shape ({len(examples)}, {classes}) for {len(examples)} examples, received {np.shape(answers)}. "
                         f"The last layer should be Dense({classes}), and no layer before it should return one answer a step.")
    if (answers >= 0).all() and np.allclose(answers.sum(axis=1), 1, atol=1e-3):
        raise ValueError("model: expected logits, received probabilities: no answer is below 0 and each row adds up to 1. "
                         "Leave out the softmax in the last layer; the loss applies it.")


def check_apart(train: np.ndarray, test: np.ndarray) -> None:
    """ValueError if test examples are the training examples, or some of them are (compared by a hash of each)."""
    if np.shares_memory(train, test):
        raise ValueError("data: the test examples are the training examples, or a part of the same array. "
                         "A test counts only on examples that the network has never seen: split before you train.")
    if both := count_in_both(train, test):
        raise ValueError(f"data: {both:,} of {len(test):,} test examples are among the training examples too. Take them out of one of the two parts.")


def count_in_both(train: np.ndarray, test: np.ndarray) -> int:
    """How many test examples are equal, number by number, to some training example."""
    known = set(map(_hash, np.ascontiguousarray(train, dtype=np.float32)))
    return sum(_hash(example) in known for example in np.ascontiguousarray(test, dtype=np.float32))


def _hash(example: np.ndarray) -> bytes:
    return hashlib.blake2b(example.tobytes(), digest_size=16).digest()
