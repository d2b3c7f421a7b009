"""The long runs of project 6 on reviews of our own making: what is written down is what was measured."""

import json
from functools import partial

import numpy as np
import pytest

from course_utils.projects import readers, sentiment
from course_utils.projects.bench import wilson
from course_utils.projects.reviews import Reviews
from course_utils.projects.results import pick
from course_utils.projects.runs import RECORDED, read_table

LENGTH = 70
WORDS = ["", "good", "bad", "not", "film", "the", "a", "plot"]


@pytest.fixture(scope="module")
def reviews():
    """Praise says good, blame says bad, in noise; some are short."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(4, 8, size=(260, LENGTH)).astype(np.int32), np.repeat([1, 0], 130)
    x[np.arange(260), rng.integers(60, LENGTH, 260)] = np.where(y, 1, 2)
    x[::5, :50] = 0
    order = np.r_[0:80, 130:210, 80:130, 210:260]
    x, y = x[order], y[order]
    return Reviews(x[:160], y[:160], x[160:], y[160:], vocabulary=6, source="folder", left_out=0)


@pytest.fixture(autouse=True)
def small(monkeypatch, reviews):
    monkeypatch.setattr(sentiment, "load_reviews", lambda length: reviews)
    monkeypatch.setattr(sentiment, "load_words", lambda: WORDS)
    monkeypatch.setattr(sentiment, "SHOWN", 3)
    monkeypatch.setattr(sentiment, "fit", partial(readers.fit, batch=8, rate=0.03))  # few texts need many steps
    small = {"width": 8, "dropped": 0.0}
    monkeypatch.setattr(sentiment, "BUILD", {
        "cnn": lambda vocabulary, seed: readers.cnn_reader(vocabulary, filters=8, seed=seed, **small),
        "gru": lambda vocabulary, seed: readers.gru_reader(vocabulary, units=8, seed=seed, **small),
        "gru_each_word": lambda vocabulary, seed: readers.gru_reader(vocabulary, units=8, every_word=True, seed=seed, **small),
    })  # fmt: skip


def test_the_names_of_the_runs_say_what_they_are():
    names = [run.name for run in sentiment.runs()]
    assert len(names) == len(set(names)) and {"linear_words", "linear_pairs-mixed", "gru-mixed-2", "gru_each_word-3"} <= set(names)


def test_a_network_that_finds_the_word_has_all_right(reviews):
    result = sentiment.read_with_network("cnn", seed=1, length=LENGTH)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["right"] == result["tested"] == result["mixed_right"] == 100 and (result["low"], result["high"]) == wilson(100, 100)
    assert (result["kind"], result["mixed"], result["seed"], result["words"], result["held_out"]) == ("cnn", False, 1, LENGTH, 16)
    assert len(result["validation"]) == sentiment.EPOCHS["cnn"] and result["validation"][result["epoch"] - 1] == max(result["validation"])
    assert np.sum((sentiment.unpacked(result["praise"]) > 0.5) == reviews.y_test) == result["right"]
    assert result["by_rule"]["all"] == {"reviews": 100, "wrong": 0} and result["by_rule"]["fewer than 80 words"]["reviews"] == 100


def test_only_the_first_seed_keeps_all_answers_and_mixed_runs_keep_none():
    assert "praise" not in sentiment.read_with_network("cnn", seed=2, length=LENGTH)
    assert not {"praise", "by_rule", "mixed_right"} & set(sentiment.read_with_network("cnn", mixed=True, seed=1, length=LENGTH))


def test_mixing_reaches_training_and_test_each_in_its_own_way(reviews):
    mixed, other = (sentiment.texts(reviews, True, seed) for seed in (1, 2))
    for part in ("x_train", "x_test"):
        ours, plain = getattr(mixed, part), getattr(reviews, part)
        assert (np.sort(ours) == np.sort(plain)).all() and (ours != plain).any(axis=1).all() and (ours != getattr(other, part)).any()
    assert sentiment.texts(reviews, False, 1).x_train is reviews.x_train


def test_a_bag_is_measured_in_the_same_way(reviews):
    result = sentiment.read_with_bag(pairs=False, length=LENGTH)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["right"] == result["mixed_right"] == 100 and result["parameters"] == 8
    measured = set(sentiment.read_with_network("cnn", seed=1, length=LENGTH)) - {"epoch"}
    assert measured == set(result)


def test_a_reader_that_answers_after_each_word_tells_its_way(reviews):
    result = sentiment.read_with_network("gru_each_word", seed=1, length=LENGTH)
    whole = int(np.sum(reviews.x_test[:, 0] > 0))
    assert result["whole"] == whole == 80 and list(result["right_after"]) == ["1", "2", "5", "10", "20", "30", "50", "70"]
    assert all(0 <= right <= whole for right in result["right_after"].values())
    for one in result["shown"]:
        assert len(one["praise"]) == sentiment.SPAN and one["start"] >= sentiment.FIRST and one["start"] + sentiment.SPAN <= LENGTH
        assert reviews.x_test[one["review"], 0] > 0 and one["label"] == reviews.y_test[one["review"]]


def test_what_is_shown_is_what_the_model_said(reviews):
    class Told:
        """A reader whose answers rise by one logit at place 50 of review 3, and say blame elsewhere."""

        def predict(self, x, **_):
            z = np.zeros((*x.shape, 2))
            z[..., 0] = 1.0
            z[3, 50:, 1] = 3.0
            return z

    data = sentiment.Texts(reviews.x_train, reviews.y_train, reviews.x_test, reviews.y_test)
    (first, *_) = sentiment.word_by_word(Told(), data)["shown"]
    assert first["review"] == 3 and first["label"] == 1 and first["end"] == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-3)
    place = 50 - first["start"]
    assert 0 < place < sentiment.SPAN and first["praise"][place - 1] == pytest.approx(1 / (1 + np.e), abs=1e-3) and first["praise"][place] == first["end"]


def test_a_test_review_in_training_is_refused(monkeypatch, reviews):
    leaky = reviews._replace(x_train=np.concatenate([reviews.x_train[:-1], reviews.x_test[:1]]))
    monkeypatch.setattr(sentiment, "load_reviews", lambda length: leaky)
    for read in (lambda: sentiment.read_with_network("cnn", length=LENGTH), lambda: sentiment.read_with_bag(pairs=False, length=LENGTH)):
        with pytest.raises(ValueError, match="1 of 100 test examples are among the training examples"):
            read()


def test_probabilities_in_the_place_of_logits_are_refused(monkeypatch):
    import keras

    def with_softmax(vocabulary, seed):
        model = readers.cnn_reader(vocabulary, filters=8, seed=seed)
        return keras.Model(model.inputs, keras.ops.softmax(model.outputs[0]))

    monkeypatch.setitem(sentiment.BUILD, "cnn", with_softmax)
    with pytest.raises(ValueError, match="expected logits, received probabilities"):
        sentiment.read_with_network("cnn", length=LENGTH)


@pytest.mark.parametrize("p", [0.0, 0.4999, 0.5, 0.50001, 0.999, 1.0])
def test_packing_keeps_the_answer(p):
    (back,) = sentiment.unpacked(sentiment.packed(np.array([p])))
    assert abs(back - p) <= 0.004 and (back > 0.5) == (p > 0.5)


# --- What is recorded ---

recorded = pytest.mark.skipif(not (RECORDED / f"{sentiment.PROJECT}.json").is_file(), reason="not recorded yet: make projects")


@recorded
def test_each_recorded_result_agrees_with_itself():
    for run in read_table(sentiment.PROJECT)["runs"].values():
        result = run["result"]
        assert result["tested"] == 25_000 == result["right"] + (25_000 - result["right"]) and sum(result["right_by_class"]) == result["right"]
        assert (result["low"], result["high"]) == pytest.approx(wilson(result["right"], 25_000))
        if "by_rule" in result:
            assert result["by_rule"]["all"] == {"reviews": 25_000, "wrong": 25_000 - result["right"]}
        if "praise" in result:
            says, labels = sentiment.unpacked(result["praise"]) > 0.5, np.repeat([1, 0], 12_500)
            assert abs(int(np.sum(says == labels)) - result["right"]) <= 2


@recorded
def test_the_recorded_bag_of_words_does_not_care_for_order_and_the_others_lose():
    table = read_table(sentiment.PROJECT)
    (words,) = pick(table, kind="linear_words")
    assert words["mixed_right"] == words["right"]
    for kind in ("linear_pairs", "cnn", "gru"):
        in_order, mixed = (np.mean([result["right"] for result in pick(table, kind=kind, mixed=flag)]) for flag in (False, True))
        assert in_order > mixed, kind
