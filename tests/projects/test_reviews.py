"""Reviews as rows of numbers: the last words count, padding stands in front, mixing loses the order and nothing else."""

import json

import numpy as np
import pytest

from course_utils.kit import arrays
from course_utils.projects import reviews
from course_utils.projects.rules import followed, groups

WORDS = ["", "the", "film", "is", "not", "good", "bad", "at", "all", "but", "so", "it's", "great"]


def raw(train, test):
    flat = {}
    for part, texts in (("train", train), ("test", test)):
        flat[f"{part}_words"] = np.array([word for text in texts for word in text], dtype=np.int32)
        flat[f"{part}_offsets"] = np.cumsum([0, *map(len, texts)])
        flat[f"y_{part}"] = np.arange(len(texts), dtype=np.uint8) % 2
    return flat


@pytest.fixture
def few(monkeypatch):
    """Four training reviews, the second of them in the test set too, but for what stands before its last three words."""
    texts = raw([[1, 2], [9, 4, 5, 6], [7, 8, 9, 10, 11], [3]], [[5, 5], [4, 5, 6]])
    monkeypatch.setattr(arrays, "read_set", lambda name, source: (texts, "folder"))


def test_the_last_words_are_read_and_the_last_is_always_last(few):
    data = reviews.load_reviews(length=3, vocabulary=10)
    assert data.x_train.tolist() == [[0, 1, 2], [9, 10, 11], [0, 0, 3]]
    assert data.x_train.dtype == np.int32 and data.y_train.tolist() == [0, 0, 1] and data.y_train.dtype == np.int64


def test_a_training_review_that_the_test_set_holds_is_left_out_and_counted(few):
    data = reviews.load_reviews(length=3, vocabulary=10)
    assert data.left_out == 1 and "1 training reviews left out" in repr(data)
    assert reviews.load_reviews(length=4, vocabulary=10).left_out == 0


def test_a_rare_word_gets_the_number_after_the_common_ones(few):
    assert reviews.load_reviews(length=5, vocabulary=8).x_train.max() == 9


@pytest.mark.parametrize("size", [{"length": 0}, {"length": 2.5}, {"vocabulary": 100_000}, {"vocabulary": True}])
def test_a_size_that_is_none_is_refused(few, size):
    with pytest.raises(ValueError, match=f"{next(iter(size))}: expected a whole number from 1 to"):
        reviews.load_reviews(**size)


def test_an_unknown_source_is_refused():
    with pytest.raises(ValueError, match="source: expected 'auto', 'folder' or 'cache', received 'web'"):
        reviews.load_reviews(source="web")


def test_without_the_reviews_the_error_names_the_command(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for name in ("COURSE_CACHE", "KERAS_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for load in (reviews.load_reviews, reviews.load_words):
        with pytest.raises(FileNotFoundError, match="python -m course_utils fetch"):
            load()


def folder_with(monkeypatch, tmp_path, text):
    (tmp_path / "imdb.npz").touch()
    if text is not None:
        (tmp_path / "imdb_word_index.json").write_text(text)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))


def test_the_list_of_words_is_in_the_order_of_the_numbers(monkeypatch, tmp_path):
    monkeypatch.setattr(reviews, "WORDS", 3)
    folder_with(monkeypatch, tmp_path, json.dumps({"of": 3, "the": 1, "and": 2}))
    assert reviews.load_words() == ["", "the", "and", "of"]


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"the": 2}', '{"the": "1"}', '{"the": 1, "and": 1}', '{"the": null}'])
def test_a_damaged_list_of_words_is_refused(monkeypatch, tmp_path, text):
    monkeypatch.setattr(reviews, "WORDS", 1)
    folder_with(monkeypatch, tmp_path, text)
    with pytest.raises(ValueError, match="is damaged, or not the list this kit expects"):
        reviews.load_words()


def test_a_list_of_words_that_is_not_there_is_named(monkeypatch, tmp_path):
    folder_with(monkeypatch, tmp_path, None)
    with pytest.raises(FileNotFoundError, match="imdb_word_index.json"):
        reviews.load_words()


def test_mixing_keeps_words_and_padding_and_loses_the_order():
    rng = np.random.default_rng(0)
    x = rng.integers(1, 1_000, size=(200, 30)).astype(np.int32)
    x[:, :10] *= rng.integers(0, 2, size=(200, 1), dtype=np.int32)
    mixed = reviews.shuffle_words(x, seed=1)
    assert ((mixed == 0) == (x == 0)).all() and (np.sort(mixed) == np.sort(x)).all() and mixed.dtype == np.int32
    assert np.mean(mixed == x) < 0.3 and np.corrcoef(np.argsort(x[:, 10:]).ravel(), np.argsort(mixed[:, 10:]).ravel())[0, 1] < 0.05
    assert (mixed == reviews.shuffle_words(x, seed=1)).all() and (mixed != reviews.shuffle_words(x, seed=2)).any()


def test_the_last_of_each_class_is_held_out():
    y = np.repeat([1, 0], [20, 10])
    assert np.flatnonzero(reviews.held_out(y)).tolist() == [18, 19, 29]


@pytest.mark.parametrize(("y", "share"), [([0, 1], 0.1), ([0, 0, 1, 1], 0.9)])
def test_nothing_left_on_one_side_is_refused(y, share):
    with pytest.raises(ValueError, match="share: expected some of each class on both sides"):
        reviews.held_out(np.array(y), share)


def test_an_unknown_word_and_a_long_sentence_are_refused():
    with pytest.raises(ValueError, match="received 'awful'"):
        reviews.encode(["not awful"], ["bad", "not"], 3)
    with pytest.raises(ValueError, match="length: expected 4 or more"):
        reviews.encode(["not bad at all"], ["all", "at", "bad", "not"], 3)


def rows(*texts):
    return reviews.encode(texts, WORDS[1:], 12)


def test_rules_catch_what_they_say():
    x = rows("the film is not at good", "not at all good", "not bad at all", "the film is good", "so bad it's good", "but the film but all but it's but", "good great bad not bad")
    caught = groups(x, WORDS)
    assert np.flatnonzero(caught["praise negated"]).tolist() == [0]
    assert np.flatnonzero(caught["blame negated"]).tolist() == [2, 6]
    assert np.flatnonzero(caught["marks of irony"]).tolist() == [4]
    assert np.flatnonzero(caught["four turns or more"]).tolist() == [5]
    assert caught["fewer than 80 words"].all() and not caught["praise and blame"].any()


def test_padding_is_no_word_of_a_rule():
    assert not any(mask.any() for name, mask in groups(np.zeros((2, 90), dtype=np.int32), WORDS).items() if name != "fewer than 80 words")


def test_the_second_word_must_follow():
    first, second = np.array([[0, 0, 1, 0]], dtype=bool), np.array([[0, 1, 0, 0]], dtype=bool)
    assert not followed(first, second) and followed(second, first, near=1)


def test_words_are_shown_without_padding():
    assert reviews.readable(np.array([0, 5, 13]), WORDS, vocabulary=12) == ["good", "…"]
