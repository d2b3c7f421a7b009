"""A little language about films in which nothing but the order of the words tells praise from blame.

Each sentence names two adjectives, one of praise and one of blame, and stands by one of them. Exchange the two, and you have its
partner: the same words, equally often, and the other verdict. So whoever sees only *which* words a sentence has, and how often,
must answer partners alike, and has exactly one of the two right.

>>> for sentence in sentence_pairs(1, seed=3)[0]:
...     print(sentence)
my sister is wrong to call the music stupid instead of great
my sister is wrong to call the music great instead of stupid
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

PRAISE = ("good", "great", "brilliant", "charming", "moving", "lovely", "superb", "gripping", "clever", "fresh")
BLAME = ("bad", "poor", "boring", "clumsy", "flat", "dreadful", "terrible", "tedious", "stupid", "stale")
# J is the adjective that the sentence stands by, O is the other one. In half of the patterns J comes first.
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
    "WHO": ("my sister", "the critic", "our neighbour", "my old friend", "the man at the door"),
    "ASIDE": ("", "", "to my surprise", "this time", "once more", "after two long hours", "on the way home"),
    "HOW": ("", "", "very", "really", "so", "quite"),
}  # fmt: skip


class Corpus(NamedTuple):
    """Sentences and their labels, 1 for praise and 0 for blame; sentences 2k and 2k + 1 are partners.

    Attributes:
        train: sentences to train on, words and commas between single blanks.
        y_train: their labels, int64, shape ``(len(train),)``.
        test: sentences to test on; none of them, and no partner of theirs, is in ``train``.
        y_test: their labels.
    """

    train: list[str]
    y_train: np.ndarray
    test: list[str]
    y_test: np.ndarray


def corpus(train_pairs: int = 2_000, test_pairs: int = 1_000, *, seed: int = 0) -> Corpus:
    """Write a corpus of partners, which stay together in one of its two parts.

    Args:
        train_pairs: pairs to train on, at least 1: twice as many sentences.
        test_pairs: pairs to test on, at least 1.
        seed: the same seed writes the same corpus.

    Raises:
        ValueError: a count is not a whole number of at least 1, or the language has not so many pairs.
    """
    pairs = sentence_pairs(_count("train_pairs", train_pairs) + _count("test_pairs", test_pairs), seed=seed)
    parts = [[sentence for pair in part for sentence in pair] for part in (pairs[:train_pairs], pairs[train_pairs:])]
    return Corpus(parts[0], np.tile([1, 0], train_pairs), parts[1], np.tile([1, 0], test_pairs))


def sentence_pairs(count: int, *, seed: int = 0, patterns: tuple[str, ...] = NEAR + FAR) -> list[tuple[str, str]]:
    """Write so many different pairs (praise, blame).

    Args:
        count: number of pairs, at least 1.
        seed: the same seed writes the same pairs.
        patterns: those to choose from, `NEAR` or `FAR` or both.

    Raises:
        ValueError: ``count`` is not a whole number of at least 1, or more than the patterns give.
    """
    count, rng, pairs, in_vain = _count("count", count), np.random.default_rng(seed), {}, 0
    while len(pairs) < count:
        pair = _pair(patterns, rng)
        in_vain = in_vain + 1 if pair in pairs else 0
        if in_vain > 1_000:
            raise ValueError(f"count must be at most about {len(pairs):,}, so many pairs the patterns give, but it is {count:,}.")
        pairs[pair] = None
    return list(pairs)


def vocabulary() -> list[str]:
    """List the words of the language, and the comma, in the order of the alphabet."""
    texts = (*PRAISE, *BLAME, *NEAR, *FAR, *(text for texts in SLOTS.values() for text in texts))
    return sorted({word for text in texts for word in text.split()} - set(SLOTS) - {"J", "O"})


def _pair(patterns, rng):
    """One pattern with its slots filled, and with the two adjectives in both places."""
    words = []
    for word in patterns[rng.integers(len(patterns))].split():
        words += SLOTS[word][rng.integers(len(SLOTS[word]))].split() if word in SLOTS else [word]
    praise, blame = PRAISE[rng.integers(len(PRAISE))], BLAME[rng.integers(len(BLAME))]
    fillings = {"J": praise, "O": blame}, {"J": blame, "O": praise}
    return tuple(" ".join(filling.get(word, word) for word in words) for filling in fillings)


def _count(name, value):
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, but it is {value!r}.")
    return value
