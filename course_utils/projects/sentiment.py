"""The long runs of project 6: what each reader makes of the IMDb reviews, in order and with the words of each review mixed."""

from __future__ import annotations

import base64
import time
from functools import partial
from typing import NamedTuple

import numpy as np

from course_utils.projects import bench
from course_utils.projects.bags import LinearReader
from course_utils.projects.readers import at_last_word, cnn_reader, fit, gru_reader, praise
from course_utils.projects.reviews import LENGTH, held_out, load_reviews, load_words, shuffle_words
from course_utils.projects.rules import groups
from course_utils.projects.runs import Run

PROJECT = "06_project_sentiment"
SEEDS = (1, 2, 3)
BUILD = {"cnn": cnn_reader, "gru": gru_reader, "gru_each_word": partial(gru_reader, every_word=True)}
EPOCHS = {"cnn": 3, "gru": 3, "gru_each_word": 3}
SHOWN, SPAN, FIRST = 8, 24, 40  # texts of each sort whose answers are kept word by word; how many words of each; not the first ones


def runs() -> list[Run]:
    """List the runs, the quickest first."""
    bags = [Run(PROJECT, f"linear_{name}", partial(read_with_bag, pairs=name == "pairs"), 30) for name in ("words", "pairs")]
    bags.append(Run(PROJECT, "linear_pairs-mixed", partial(read_with_bag, pairs=True, mixed=True), 30))
    networks = [Run(PROJECT, f"{kind}{'-mixed' * mixed}-{seed}", partial(read_with_network, kind, mixed=mixed, seed=seed), 60 if kind == "gru" else 30)
                for kind in ("cnn", "gru") for mixed in (False, True) for seed in SEEDS]  # fmt: skip
    return bags + networks + [Run(PROJECT, f"gru_each_word-{seed}", partial(read_with_network, "gru_each_word", seed=seed), 70) for seed in SEEDS]


class Texts(NamedTuple):
    """What the bench wants of a data set: word numbers (n, words) and labels (n,), to train and to test."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def read_with_network(kind: str, *, mixed: bool = False, seed: int = 1, length: int = LENGTH) -> dict:
    """Train a network on the reviews and measure it on all 25,000 test reviews.

    Args:
        kind: ``"cnn"``, ``"gru"`` or ``"gru_each_word"``, which answers after each word.
        mixed: mix the words of each review, to train and to test.
        seed: of the network, of the order of the reviews and of the mixing.
        length: words of a review, its last ones.

    Returns:
        What `bench.measure` returns; ``validation`` after each epoch and the ``epoch`` kept; and for reviews read in order:
        ``mixed_right``, how many are right when only the words of the test reviews are mixed, ``by_rule`` (see `wrong_by_rule`),
        and from seed 1 ``praise`` (see `packed`).
    """
    reviews = load_reviews(length=length)
    data, fitted = texts(reviews, mixed, seed), []
    model = BUILD[kind](reviews.vocabulary + 1, seed=seed)
    measured = at_last_word(model) if kind == "gru_each_word" else model
    result = bench.measure(measured, lambda _, x, y: fitted.append(fit(model, x, y, epochs=EPOCHS[kind], seed=seed)), data)
    result = {"kind": kind, "mixed": mixed, "seed": seed, "words": length} | result
    result |= {"validation": fitted[0].validation, "held_out": int(held_out(data.y_train).sum()), "epoch": fitted[0].best}
    if not mixed:
        p, p_mixed = praise(measured, data.x_test), praise(measured, shuffle_words(data.x_test, seed))
        result |= {"mixed_right": int(np.sum((p_mixed > 0.5) == data.y_test)), "by_rule": wrong_by_rule(p, data)} | ({"praise": packed(p)} if seed == 1 else {})
    return result | (word_by_word(model, data) if kind == "gru_each_word" else {})


def read_with_bag(*, pairs: bool, mixed: bool = False, seed: int = 1, length: int = LENGTH) -> dict:
    """The same for a linear model on the words of a review, or on its words and its ``pairs`` of neighbours; ``validation`` is by C."""
    data = texts(load_reviews(length=length), mixed, seed)
    bench.check_apart(data.x_train, data.x_test)
    model, wall, cpu = LinearReader(int(data.x_train.max()), pairs=pairs), time.perf_counter(), time.process_time()
    model.fit(data.x_train, data.y_train)
    result = {"kind": "linear_pairs" if pairs else "linear_words", "mixed": mixed, "seed": seed, "words": length}
    result |= {"train_seconds": round(time.perf_counter() - wall, 2), "train_cpu_seconds": round(time.process_time() - cpu, 2)}
    result |= {**bench.score(model, data.x_test, data.y_test), "parameters": model.parameters, "file_bytes": model.file_bytes,
               "latency_ms": bench.latency(model, data.x_test[:1]), "throughput": bench.throughput(model, data.x_test[: bench.BATCH]),
               "validation": {str(c): share for c, share in model.validation.items()}, "held_out": int(held_out(data.y_train).sum())}  # fmt: skip
    if not mixed:
        z, z_mixed = model(data.x_test), model(shuffle_words(data.x_test, seed))
        p = 1 / (1 + np.exp(z[:, 0] - z[:, 1]))
        result |= {"mixed_right": int(np.sum(z_mixed.argmax(axis=1) == data.y_test)), "by_rule": wrong_by_rule(p, data), "praise": packed(p)}
    return result


def texts(reviews, mixed: bool, seed: int) -> Texts:
    """The reviews for the bench, their words mixed if wanted; each part in another way, and in another with each seed."""
    parts = [shuffle_words(x, 2 * seed + k) if mixed else x for k, x in enumerate((reviews.x_train, reviews.x_test))]
    return Texts(parts[0], reviews.y_train, parts[1], reviews.y_test)


def wrong_by_rule(p: np.ndarray, data: Texts) -> dict:
    """Rule -> how many test reviews it catches, and how many of these are read wrong; ``"all"`` for all reviews."""
    wrong = (p > 0.5) != data.y_test
    caught = {"all": np.ones(len(wrong), dtype=bool), **groups(data.x_test, load_words())}
    return {rule: {"reviews": int(mask.sum()), "wrong": int(wrong[mask].sum())} for rule, mask in caught.items()}


def word_by_word(model, data: Texts) -> dict:
    """What a reader that answers after each word said on its way through the test reviews that have all their words.

    Returns:
        ``right_after``: words read -> how many were right by then, of ``whole`` reviews. ``shown``: the reviews in which the
        probability of praise changes most within `SPAN` words, the same number of right and wrong ones: ``review`` (its place in
        the test set), ``start`` (place of the first word shown), ``praise`` after each word shown, ``label`` and ``end`` (praise after
        the last word of all).
    """
    p = praise(model, data.x_test)
    whole = np.flatnonzero(data.x_test[:, 0] > 0)
    right = (p[whole] > 0.5) == data.y_test[whole, None]
    counts = {str(k): int(right[:, k - 1].sum()) for k in (1, 2, 5, 10, 20, 30, 50, 75, 100, 150, p.shape[1]) if k <= p.shape[1]}
    swing = np.abs(p[whole, FIRST + SPAN - 1 :] - p[whole, FIRST : -SPAN + 1])
    order = whole[np.argsort(-swing.max(axis=1))]
    sure = [k for good in (True, False) for k in order[((p[order, -1] > 0.5) == data.y_test[order]) == good][:SHOWN]]
    starts = {int(k): FIRST + int(np.argmax(np.abs(p[k, FIRST + SPAN - 1 :] - p[k, FIRST : -SPAN + 1]))) for k in sure}
    shown = [{"review": k, "start": s, "praise": p[k, s : s + SPAN].astype(float).round(3).tolist(), "label": int(data.y_test[k]),
              "end": round(float(p[k, -1]), 3)} for k, s in starts.items()]  # fmt: skip
    return {"whole": len(whole), "right_after": counts, "shown": shown}


def packed(p: np.ndarray) -> str:
    """Probabilities (n,) as text, one byte each: the 256 steps from 0 to 1; above one half stays above."""
    return base64.b64encode(np.clip(np.ceil(p * 256) - 1, 0, 255).astype(np.uint8).tobytes()).decode()


def unpacked(text: str) -> np.ndarray:
    """The probabilities that `packed` packed, to about 0.002.

    >>> unpacked(packed(np.array([0.0, 0.5, 0.5001, 1.0]))).round(3).tolist()
    [0.002, 0.498, 0.502, 0.998]
    """
    return (np.frombuffer(base64.b64decode(text), dtype=np.uint8) + 0.5) / 256
