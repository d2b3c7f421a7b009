"""Readers of texts: padding changes nothing, training keeps the best epoch and never sees what it is judged on, order is used where there is any."""

import numpy as np
import pytest

from course_utils.projects import grammar, readers
from course_utils.projects.bags import LinearReader
from course_utils.projects.reviews import encode, held_out, shuffle_words

BUILD = {"gru": readers.gru_reader, "cnn": readers.cnn_reader}
SMALL = {"gru": {"width": 4, "units": 6}, "cnn": {"width": 4, "filters": 6, "window": 3}}


def small(kind, **options):
    return BUILD[kind](9, seed=1, **SMALL[kind], **options)


@pytest.mark.parametrize("kind", BUILD)
def test_padding_in_front_changes_no_answer(kind):
    texts = np.random.default_rng(0).integers(1, 10, size=(5, 7))
    model = small(kind)
    more = np.pad(texts, ((0, 0), (11, 0)))
    assert np.allclose(readers.logits(model, texts), readers.logits(model, more), atol=1e-6)
    assert not np.allclose(readers.logits(model, texts), readers.logits(model, texts[:, ::-1]), atol=1e-6)


def test_the_answers_after_each_word_are_those_to_the_beginnings():
    texts = np.random.default_rng(0).integers(1, 10, size=(4, 6))
    model = small("gru", every_word=True)
    answers, last = readers.logits(model, texts), readers.at_last_word(model)
    assert answers.shape == (4, 6, 2)
    for k in range(1, 7):
        assert np.allclose(answers[:, k - 1], readers.logits(last, texts[:, :k]), atol=1e-6)


def test_the_loss_of_each_word_leaves_padding_out():
    model, y = small("gru", every_word=True), np.array([1, 0])
    texts = np.random.default_rng(0).integers(1, 10, size=(2, 6))
    padded = np.pad(texts, ((0, 0), (5, 0)))
    plain, more = (float(readers._loss(model(x), x, y)) for x in (texts, padded))
    z = readers.logits(model, texts)
    by_hand = np.mean(np.log(np.exp(z).sum(axis=-1)) - np.take_along_axis(z, np.broadcast_to(y[:, None, None], (2, 6, 1)), axis=-1)[..., 0])
    assert np.isclose(plain, more, atol=1e-6) and np.isclose(plain, by_hand, atol=1e-5)


def test_a_step_in_two_halves_is_the_step_of_the_whole_batch():
    import keras
    import tensorflow as tf

    x, y = np.random.default_rng(0).integers(1, 10, size=(8, 5)).astype(np.int32), np.array([0, 1] * 4)
    ours, theirs = (small("gru", dropped=0.0) for _ in range(2))
    loss = readers._step(ours, keras.optimizers.SGD(0.1))(x, y)
    with tf.GradientTape() as tape:
        whole = readers._loss(theirs(x), x, y)
    keras.optimizers.SGD(0.1).apply(tape.gradient(whole, theirs.trainable_variables), theirs.trainable_variables)
    assert np.isclose(loss, whole, atol=1e-6)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True))


def test_training_never_uses_what_is_held_out(monkeypatch):
    """The held-out labels are turned round: only the shares may change, and they all turn round."""
    x, y = np.random.default_rng(0).integers(1, 10, size=(60, 5)).astype(np.int32), np.tile([0, 1], 30)
    turned = np.where(held_out(y), 1 - y, y)
    monkeypatch.setattr(readers, "held_out", lambda labels: held_out(y))
    models, shares = [small("cnn", dropped=0.0) for _ in range(2)], []
    for model, labels in zip(models, (y, turned)):
        shares.append(readers.fit(model, x, labels, epochs=1, batch=10).validation[0])
    assert all(np.array_equal(a, b) for a, b in zip(*(model.get_weights() for model in models), strict=True))
    assert shares[0] == pytest.approx(1 - shares[1])


def test_the_best_epoch_is_kept(monkeypatch):
    """What the reader says on the held-out part is told from outside: best in the second of four epochs."""
    x, y = np.random.default_rng(0).integers(1, 10, size=(40, 5)).astype(np.int32), np.tile([0, 1], 20)
    truth, weights = y[held_out(y)], []
    told = iter([1 - truth, truth, np.zeros_like(truth), truth])
    monkeypatch.setattr(readers, "says", lambda model, texts: weights.append(model.get_weights()) or next(told))
    model = small("gru")
    fitted = readers.fit(model, x, y, epochs=4, batch=10)
    assert fitted.validation == [0.0, 1.0, 0.5, 1.0] and fitted.best == 2
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), weights[1], strict=True))


def test_training_stops_when_it_is_enough(monkeypatch):
    x, y, lines = np.ones((40, 5), dtype=np.int32), np.tile([0, 1], 20), []
    fitted = readers.fit(small("cnn"), x, y, epochs=5, batch=10, enough=0.5, say=lines.append)
    assert len(fitted.validation) == len(lines) == 1 and "epoch 1 of 5" in lines[0] and "of 4 held-out examples" in lines[0]


def test_an_interrupt_keeps_the_best_weights(monkeypatch, capsys):
    x, y, calls = np.random.default_rng(0).integers(1, 10, size=(40, 5)).astype(np.int32), np.tile([0, 1], 20), []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return epoch(*arguments)

    epoch = readers._epoch
    monkeypatch.setattr(readers, "_epoch", interrupted)
    fitted = readers.fit(small("gru"), x, y, epochs=9, batch=10)
    assert len(fitted.validation) == 2 and "Stopped in epoch 3" in capsys.readouterr().out


def test_every_example_is_dealt_once_an_epoch_but_an_odd_one():
    seen = []
    readers._epoch(lambda x, y: seen.extend(x.tolist()) or 0.0, np.arange(11), np.zeros(11), np.random.default_rng(0).permutation(11), batch=4)
    assert len(seen) == len(set(seen)) == 10


def test_a_loss_that_is_none_is_named():
    with pytest.raises(FloatingPointError, match="smaller learning rate"):
        readers._epoch(lambda x, y: np.nan, np.arange(4), np.zeros(4), np.arange(4), 2)


@pytest.fixture(scope="module")
def corpus():
    pairs = grammar.sentence_pairs(800, seed=1, patterns={"near": grammar.NEAR})
    texts, labels = encode(grammar.sentences(pairs), grammar.vocabulary(), 16), grammar.labels(pairs)
    return texts[:1_200], labels[:1_200], texts[1_200:], labels[1_200:]


@pytest.mark.parametrize("kind", BUILD)
def test_a_network_learns_order_and_nothing_without_it(kind, corpus):
    x, y, x_test, y_test = corpus
    size = len(grammar.vocabulary())
    shares = []
    for mixed in (False, True):
        model = BUILD[kind](size, width=16, dropped=0.0, seed=1)
        parts = [shuffle_words(part, seed) if mixed else part for seed, part in enumerate((x, x_test))]
        readers.fit(model, parts[0], y, epochs=12, rate=0.01, batch=32, enough=1.0)
        shares.append(np.mean(readers.says(model, parts[1]) == y_test))
    assert shares[0] > 0.97 and 0.4 < shares[1] < 0.6, shares


def test_the_bag_of_words_has_half_and_pairs_have_more(corpus):
    x, y, x_test, y_test = corpus
    shares = [np.mean(LinearReader(93, pairs=pairs).fit(x, y)(x_test).argmax(axis=1) == y_test) for pairs in (False, True)]
    assert shares[0] == 0.5 and shares[1] > 0.95, shares


def test_a_bag_holds_each_word_and_each_pair_once():
    model = LinearReader(5, pairs=True, least=1)
    model.pairs = np.array([1 * 6 + 2, 2 * 6 + 1])
    bags = model.bags(np.array([[0, 0, 1, 2, 1], [0, 1, 2, 1, 2], [0, 0, 0, 0, 5]])).toarray()
    assert bags.tolist() == [[1, 1, 0, 0, 0, 1, 1], [1, 1, 0, 0, 0, 1, 1], [0, 0, 0, 0, 1, 0, 0]]


def test_a_bag_does_not_see_the_order(corpus):
    x, y, x_test, _ = corpus
    model = LinearReader(93).fit(x, y)
    assert np.array_equal(model(x_test), model(shuffle_words(x_test, seed=3)))


def test_sizes_on_disk_and_in_weights_are_told(corpus):
    x, y, *_ = corpus
    words, pairs = (LinearReader(93, pairs=pairs).fit(x, y) for pairs in (False, True))
    assert words.parameters == 94 < pairs.parameters and 400 < words.file_bytes < pairs.file_bytes
    assert set(words.validation) == {0.01, 0.03, 0.1, 0.3} and words.strength in words.validation
