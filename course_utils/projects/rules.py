"""Rules that find reviews by their words: where a reader of texts may stumble. They are rough nets, and say what they catch, not what it means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NOT = ("not", "isn't", "wasn't", "aren't", "don't", "didn't", "doesn't", "never", "hardly", "no", "nothing")
PRAISE = ("good", "great", "funny", "best", "better", "excellent", "interesting", "enjoyable", "wonderful", "original", "impressed", "scary", "worth", "amazing")
BLAME = ("bad", "boring", "terrible", "awful", "stupid", "dull", "poor", "disappointing", "predictable", "lame", "horrible", "annoying", "ridiculous")
TURNS = ("but", "however", "although", "though", "yet", "unfortunately", "despite", "except", "nevertheless")
IRONY = ("so bad it's", "so bad that it's", "unintentionally", "unintentional", "laughable", "laughably", "supposed to be", "trying to be", "yeah right", "so called")
NEAR = 2  # a negated word stands at most so many places after its "not"


def groups(x: np.ndarray, words: Sequence[str]) -> dict[str, np.ndarray]:
    """Find the texts that each rule catches; one text may be caught by several.

    Args:
        x: word numbers, shape (n, words), 0 for padding.
        words: word k has number k.

    Returns:
        Rule -> mask of shape (n,).
    """
    number = {word: k for k, word in enumerate(words)}

    def has(some):
        return np.isin(x, [number[word] for word in some if word in number])

    negated_praise, negated_blame = followed(has(NOT), has(PRAISE)), followed(has(NOT), has(BLAME))
    mixed = (_different(x, PRAISE, number) >= 2) & (_different(x, BLAME, number) >= 2)
    return {
        "praise negated": negated_praise & ~negated_blame,
        "blame negated": negated_blame & ~negated_praise,
        "four turns or more": has(TURNS).sum(axis=1) >= 4,
        "marks of irony": np.any([_phrase(x, phrase, number) for phrase in IRONY], axis=0),
        "praise and blame": mixed,
        "fewer than 80 words": (x > 0).sum(axis=1) < 80,
    }


def followed(first: np.ndarray, second: np.ndarray, near: int = NEAR) -> np.ndarray:
    """In which rows a place of ``second`` comes at most ``near`` places after one of ``first``; both of shape (n, words).

    >>> followed(np.array([[True, False, False]]), np.array([[False, False, True]]), near=2)
    array([ True])
    """
    return np.any([(first[:, :-step] & second[:, step:]).any(axis=1) for step in range(1, near + 1)], axis=0)


def _different(x, some, number):
    """How many different words of ``some`` each text has."""
    return np.sum([(x == number[word]).any(axis=1) for word in some if word in number], axis=0)


def _phrase(x, phrase, number):
    """In which texts the words of the phrase stand side by side."""
    numbers = [number.get(word, -1) for word in phrase.split()]
    last = x.shape[1] - len(numbers) + 1
    return np.all([x[:, k : last + k] == wanted for k, wanted in enumerate(numbers)], axis=0).any(axis=1)
