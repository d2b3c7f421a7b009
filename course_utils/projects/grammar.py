"""A little language about films in which nothing but the order of the words tells praise from blame.

Each sentence names two adjectives, one of praise and one of blame, and stands by one of them. Exchange the two, and you have its
partner: the same words, equally often, and the other verdict. So whoever sees only *which* words a sentence has, and how often,
must answer partners alike, and has exactly one of the two right.

>>> praise, blame, kind = sentence_pairs(1, seed=3)[0]
>>> print(praise, blame, sep="\\n")
my sister denies that the music is stupid and not great
my sister denies that the music is great and not stupid
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

PRAISE = ("good", "great", "brilliant", "charming", "moving", "lovely", "superb", "gripping", "clever", "fresh")
BLAME = ("bad", "poor", "boring", "clumsy", "flat", "dreadful", "terrible", "tedious", "stupid", "stale")
# J is the adjective that the sentence stands by, O is the other one. In half of the patterns of each kind J comes first.
NEAR = (  # a word or two beside the adjectives tell which is which
    "the TOPIC is HOW J , not O at all",
    "the TOPIC is not O at all , it is HOW J",
    "ASIDE i found the TOPIC HOW J , far from O",
    "ASIDE far from O , the TOPIC is HOW J",
    "the TOPIC was J in the end , though O at first",
    "the TOPIC was O at first , but HOW J in the end",
    "HOW J is the word for the TOPIC , never O",
    "nobody could call the TOPIC O ASIDE , it is HOW J",
)
FAR = (  # a word at the beginning turns all that follows
    "believe WHO , who says ASIDE that the TOPIC is J and not O",
    "do not believe WHO , who says ASIDE that the TOPIC is O and not J",
    "WHO is right ASIDE to call the TOPIC J instead of O",
    "WHO is wrong ASIDE to call the TOPIC O instead of J",
    "it is true what WHO says ASIDE about the TOPIC , that it is HOW J , hardly O",
    "it is not true what WHO says ASIDE about the TOPIC , that it is HOW O , hardly J",
)
SLOTS = {
    "TOPIC": ("plot", "acting", "music", "ending", "story", "film", "dialogue", "cast", "script", "picture"),
    "WHO": ("my sister", "the critic", "our neighbour", "my friend", "the paper"),
    "ASIDE": ("", "", "to my surprise", "this time", "once more", "after two long hours", "on the way home"),
    "HOW": ("", "", "very", "really", "so", "quite"),
}  # fmt: skip


def _count(name, value):
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name}: expected a whole number of at least 1, received {value!r}.")
    return value


def chains(depth: int) -> tuple[str, ...]:
    """Make the patterns in which ``depth`` speakers report each other, and each who *denies* turns the verdict once more.

    >>> chains(1)
    ('WHO says that the TOPIC is J and not O', 'WHO denies that the TOPIC is O and not J')
    """
    patterns = []
    for verbs in product(("says", "denies"), repeat=_count("depth", depth)):
        verdict = "J and not O" if verbs.count("denies") % 2 == 0 else "O and not J"
        patterns.append(" ".join(f"WHO {verb} that" for verb in verbs) + f" the TOPIC is {verdict}")
    return tuple(patterns)


DEEPEST = 4
EACH_DEPTH = [2 ** (DEEPEST - depth) * chains(depth) for depth in range(1, DEEPEST + 1)]  # so that each is as likely as the others
PATTERNS = {"near": NEAR, "far": FAR, "chain": tuple(pattern for patterns in EACH_DEPTH for pattern in patterns)}


class Pair(NamedTuple):
    """Two partners: the same words, two verdicts; ``kind`` is a name in `PATTERNS`."""

    praise: str
    blame: str
    kind: str


class Corpus(NamedTuple):
    """Sentences and their labels, 1 for praise and 0 for blame; sentences 2k and 2k + 1 are partners.

    Attributes:
        train: sentences to train on, words and commas between single blanks.
        y_train: their labels, int64, shape ``(len(train),)``.
        test: sentences to test on; none of them, and no partner of theirs, is in ``train``.
        y_test: their labels.
        kind_test: their kinds, names in `PATTERNS`.
    """

    train: list[str]
    y_train: np.ndarray
    test: list[str]
    y_test: np.ndarray
    kind_test: np.ndarray


def corpus(train_pairs: int = 3_000, test_pairs: int = 1_000, *, seed: int = 0) -> Corpus:
    """Write a corpus of partners, which stay together in one of its two parts.

    Args:
        train_pairs: pairs to train on, at least 1: twice as many sentences.
        test_pairs: pairs to test on, at least 1.
        seed: the same seed writes the same corpus.

    Raises:
        ValueError: a count is not a whole number of at least 1, or the language has not so many pairs.
    """
    pairs = sentence_pairs(_count("train_pairs", train_pairs) + _count("test_pairs", test_pairs), seed=seed)
    train, test = pairs[:train_pairs], pairs[train_pairs:]
    kinds = np.repeat([pair.kind for pair in test], 2)
    return Corpus(sentences(train), labels(train), sentences(test), labels(test), kinds)


def sentence_pairs(count: int, *, seed: int = 0, patterns: Mapping[str, Sequence[str]] = PATTERNS) -> list[Pair]:
    """Write so many different pairs; each kind is as likely as the others.

    Args:
        count: number of pairs, at least 1.
        seed: the same seed writes the same pairs.
        patterns: kind -> patterns to choose from, such as ``{"chain": chains(6)}``.

    Raises:
        ValueError: ``count`` is not a whole number of at least 1, or more than the patterns give.
    """
    count, rng, pairs, in_vain = _count("count", count), np.random.default_rng(seed), {}, 0
    while len(pairs) < count:
        pair = _pair(patterns, rng)
        in_vain = in_vain + 1 if pair in pairs else 0
        if in_vain > 1_000:
            raise ValueError(f"count: expected at most about {len(pairs):,}, so many pairs the patterns give, received {count:,}.")
        pairs[pair] = None
    return list(pairs)


def sentences(pairs: Sequence[Pair]) -> list[str]:
    """List the sentences of all pairs: praise, blame, praise, blame, ..."""
    return [sentence for pair in pairs for sentence in (pair.praise, pair.blame)]


def labels(pairs: Sequence[Pair]) -> np.ndarray:
    """The labels that belong to `sentences`: 1, 0, 1, 0, ..."""
    return np.tile(np.array([1, 0]), len(pairs))


def vocabulary() -> list[str]:
    """List the words of the language, and the comma, in the order of the alphabet."""
    texts = [*PRAISE, *BLAME, *(text for part in (PATTERNS, SLOTS) for texts in part.values() for text in texts)]
    return sorted({word for text in texts for word in text.split()} - set(SLOTS) - {"J", "O"})


def _pair(patterns, rng):
    """One pattern with its slots filled, and with the two adjectives in both places."""
    kind, words = list(patterns)[rng.integers(len(patterns))], []
    for word in patterns[kind][rng.integers(len(patterns[kind]))].split():
        words += SLOTS[word][rng.integers(len(SLOTS[word]))].split() if word in SLOTS else [word]
    praise, blame = PRAISE[rng.integers(len(PRAISE))], BLAME[rng.integers(len(BLAME))]
    fillings = {"J": praise, "O": blame}, {"J": blame, "O": praise}
    return Pair(*(" ".join(filling.get(word, word) for word in words) for filling in fillings), kind)

