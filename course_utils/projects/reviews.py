"""Film reviews as numbers: each word is its place in a list of words, 0 is padding in front of a short text.

>>> pad_in_front([[5, 6], [1, 2, 3, 4]], length=3)
array([[0, 5, 6],
       [2, 3, 4]], dtype=int32)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_utils.kit import arrays

LENGTH, VOCABULARY = 200, 10_000  # words that are read of a review, its last ones; and words that are told apart
WORDS = 88_584  # in the list that belongs to the reviews
BREAK = "br"  # what is left of a line's end in the web pages that the reviews came from


class Reviews(NamedTuple):
    """The IMDb reviews, ready to read: the last words of each, numbered by how common they are.

    Words are int32: 0 is padding in front, 1 the most common word, ``vocabulary + 1`` any word that is not among the
    ``vocabulary`` most common. Labels are int64, 1 for praise and 0 for blame. Reviews stand in the order of the file, in which
    those of one film are neighbours.
    """

    x_train: np.ndarray  # (n, length)
    y_train: np.ndarray  # (n,)
    x_test: np.ndarray  # (25000, length)
    y_test: np.ndarray
    vocabulary: int
    source: str  # "folder" or "cache"
    left_out: int  # training reviews left out because they stand in the test set too

    def __repr__(self) -> str:
        """Sizes and what was left out, in one line."""
        return (f"IMDb: the last {self.x_train.shape[1]} words of {len(self.x_train):,} reviews to train and {len(self.x_test):,} to test; "
                f"{self.left_out} training reviews left out, because the test set holds them too")  # fmt: skip


def load_reviews(length: int = LENGTH, vocabulary: int = VOCABULARY, source: str = "auto") -> Reviews:
    """Load the IMDb reviews of Maas and others (2011) from the folder COURSE_DATA or from the kit's cache; never from the network.

    Args:
        length: how many words of a review are read, its last ones; at least 1.
        vocabulary: how many of the most common words are told apart, 1 to 88,584.
        source: ``"auto"``, ``"folder"`` or ``"cache"``.

    Raises:
        ValueError: a size or the source is not one of these, or the file is damaged.
        FileNotFoundError: the reviews are not there; the message says how to get them.
    """
    raw, found = _raw(source)
    _check_size("length", length, 10_000)
    _check_size("vocabulary", vocabulary, WORDS)
    x_train, x_test = (_last_words(raw[f"{part}_words"], raw[f"{part}_offsets"], length, vocabulary) for part in ("train", "test"))
    known = {row.tobytes() for row in x_test}
    new = np.array([row.tobytes() not in known for row in x_train])
    return Reviews(x_train[new], raw["y_train"][new].astype(np.int64), x_test, raw["y_test"].astype(np.int64), vocabulary, found, int(np.sum(~new)))


def load_words(source: str = "auto") -> list[str]:
    """Load the list of words that belongs to the reviews: word k is the one with number k, and number 0 is empty.

    Raises:
        FileNotFoundError: it is not there; the message says how to get it.
        ValueError: it is damaged.
    """
    place = arrays.locate("imdb", source)
    file = place and place[1].with_name(arrays.WORD_INDEX)
    if file is None or not file.is_file():
        raise FileNotFoundError(f"The list of words, {arrays.WORD_INDEX}, is not on this machine beside the reviews. "
                                "`python -m course_utils fetch imdb` downloads both; or copy it into the folder that COURSE_DATA names.")  # fmt: skip
    try:
        numbers = json.loads(file.read_text(encoding="utf-8"))
        words = ["", *sorted(numbers, key=numbers.get)]
        if sorted(numbers.values()) != list(range(1, WORDS + 1)):
            raise ValueError(f"expected the numbers 1 to {WORDS:,}, received {len(numbers):,} entries")
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{file} is damaged, or not the list this kit expects: {error}. Delete it, then get it again.") from error
    return words


def pad_in_front(texts: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """Put the last ``length`` numbers of each text into one array, zeros in front of shorter ones: the last word is always last.

    Returns:
        int32, shape ``(len(texts), length)``.
    """
    padded = np.zeros((len(texts), length), dtype=np.int32)
    for row, text in zip(padded, texts):
        if len(last := text[-length:]):
            row[-len(last) :] = last
    return padded


def encode(sentences: Sequence[str], vocabulary: Sequence[str], length: int) -> np.ndarray:
    """Number the words of sentences by their place in ``vocabulary``, from 1, and pad in front.

    Raises:
        ValueError: a word that is not in the vocabulary, or a sentence longer than ``length``.

    >>> encode(["not bad"], ["bad", "good", "not"], length=3)
    array([[0, 3, 1]], dtype=int32)
    """
    number, split = {word: k for k, word in enumerate(vocabulary, start=1)}, [sentence.split() for sentence in sentences]
    if unknown := sorted({word for words in split for word in words} - set(number)):
        raise ValueError(f"sentences: expected words of the vocabulary, received {', '.join(map(repr, unknown[:5]))}.")
    if (longest := max(map(len, split), default=0)) > length:
        raise ValueError(f"length: expected {longest} or more, as many words the longest sentence has; received {length}.")
    return pad_in_front([[number[word] for word in words] for words in split], length)


def shuffle_words(x: np.ndarray, seed: int) -> np.ndarray:
    """Mix the words of each text, each in an order of its own; padding stays in front. What is lost is the order and nothing else.

    >>> shuffle_words(np.array([[0, 0, 7, 8, 9]]), seed=1)
    array([[0, 0, 7, 9, 8]])
    """
    keys = np.random.default_rng(seed).random(x.shape)
    keys[x == 0] = -1.0
    return np.take_along_axis(x, np.argsort(keys, axis=1, kind="stable"), axis=1)


def held_out(y: np.ndarray, share: float = 0.1) -> np.ndarray:
    """Choose a part of the training examples for validation: the last of each class, a mask of shape ``(n,)``.

    The last in the order given, not some at random: neighbours belong together here, as reviews of one film or as partners.

    Raises:
        ValueError: ``share`` does not leave something of each class on both sides.
    """
    mask = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        places = np.flatnonzero(y == label)
        count = max(1, round(share * len(places)))
        if not 0 < count < len(places):
            raise ValueError(f"share: expected some of each class on both sides, received {share!r} for {len(places)} examples of class {label}.")
        mask[places[-count:]] = True
    return mask


def readable(row: np.ndarray, words: Sequence[str], vocabulary: int = VOCABULARY) -> list[str]:
    """The words of one row, padding left out; a word that is not told apart is shown as an ellipsis."""
    return ["…" if number > vocabulary else words[number] for number in row if number]


# --- Reading the file ---


def _raw(source):
    if source not in ("auto", "folder", "cache"):
        raise ValueError(f"source: expected 'auto', 'folder' or 'cache', received {source!r}.")
    return arrays.read_set("imdb", source)


def _last_words(words, offsets, length, vocabulary):
    """The flat words as one row a review; see `pad_in_front`."""
    known = np.minimum(words, vocabulary + 1)
    return pad_in_front([known[max(start, end - length) : end] for start, end in zip(offsets[:-1], offsets[1:])], length)


def _check_size(name, value, most):
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{name}: expected a whole number from 1 to {most:,}, received {value!r}.")
