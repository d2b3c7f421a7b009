"""The training loop and the unrolled networks: parity with Keras, history, interrupt, errors."""

import numpy as np
import pytest
import tensorflow as tf

from course_utils.data import DataLoader
from course_utils.models import lstm_classifier, rnn_classifier
from course_utils.training import fast_logits, fast_states, make_step, train

MODELS = {
    "rnn": lambda: rnn_classifier(units=12, features=7, seed=3),
    "relu": lambda: rnn_classifier(units=12, features=7, activation="relu", seed=3),
    "two layers": lambda: rnn_classifier(units=12, features=7, layers=2, seed=3),
    "lstm": lambda: lstm_classifier(units=12, features=7, seed=3),
    "two lstm layers": lambda: lstm_classifier(units=12, features=7, layers=2, seed=3),
}


@pytest.fixture
def loader():
    rng = np.random.default_rng(0)
    return DataLoader(rng.random((50, 9, 7)), rng.integers(0, 10, 50), 10)


@pytest.mark.parametrize("name", MODELS)
def test_the_unrolled_network_is_that_of_keras(name):
    model, images = MODELS[name](), np.random.default_rng(1).random((5, 9, 7), dtype="float32")
    model.set_weights([w + np.random.default_rng(2).normal(scale=0.1, size=w.shape) for w in model.get_weights()])
    assert np.allclose(fast_logits(model, images), model(images), atol=1e-5)
    assert fast_states(model, images).shape == (5, 9, 12)


@pytest.mark.parametrize("name", MODELS)
def test_its_gradients_are_those_of_keras(name):
    model, images = MODELS[name](), np.random.default_rng(1).random((5, 9, 7), dtype="float32")
    gradients = []
    for forward in (lambda: fast_logits(model, images), lambda: model(images)):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(forward()))
        gradients.append(tape.gradient(loss, model.trainable_variables))
    for ours, theirs in zip(*gradients):
        assert np.abs(theirs).max() > 0 and np.allclose(ours, theirs, atol=1e-4)


def test_history_holds_what_the_step_returned(loader):
    results = iter([(2.0, 0.1), (1.0, 0.5), (0.5, 0.9)])
    history = train(lambda images, labels: next(results), loader, 3, batch_size=8)
    assert history.loss.tolist() == [2.0, 1.0, 0.5] and history.accuracy.tolist() == [0.1, 0.5, 0.9]
    assert not history.interrupted and history.seconds > 0


def test_batches_have_the_size_and_order_asked_for(loader):
    seen = []
    train(lambda images, labels: seen.append(images) or (1.0, 0.0), loader, 2, batch_size=25, shuffle=False)
    plain = DataLoader(np.concatenate(seen).astype(float), np.zeros(50, int), 10)
    assert [len(images) for images in seen] == [25, 25]
    assert np.array_equal(plain.next_batch(50, shuffle=False)[0], loader.next_batch(50, shuffle=False)[0])


def test_an_interrupt_keeps_the_steps_so_far(loader, capsys):
    def step(images, labels):
        step.calls += 1
        if step.calls == 4:
            raise KeyboardInterrupt
        return 1.0, 0.5

    step.calls = 0
    history = train(step, loader, 10, batch_size=8)
    assert history.interrupted and history.loss.tolist() == [1.0] * 3
    assert "Stopped after 3 of 10 steps" in capsys.readouterr().out


def test_an_interrupt_before_the_first_step_leaves_an_empty_history(loader):
    def step(images, labels):
        raise KeyboardInterrupt

    history = train(step, loader, 10, batch_size=8)
    assert history.interrupted and len(history.loss) == 0


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_no_number_stops_the_run(loader, loss):
    with pytest.raises(FloatingPointError, match="after 0 updates: training broke down"):
        train(lambda images, labels: (loss, 0.0), loader, 5, batch_size=8)


@pytest.mark.parametrize("steps", [0, -3, 2.5, True, "5"])
def test_steps_that_are_no_positive_integer(loader, steps):
    with pytest.raises(ValueError, match="steps must be an integer of at least 1"):
        train(lambda images, labels: (1.0, 0.0), loader, steps)


def test_reports_come_at_the_steps_asked_for(loader, capsys):
    train(lambda images, labels: (1.5, 0.25), loader, 5, batch_size=8, report_every=2)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step")]
    assert [line.split()[1] for line in lines] == ["0", "2", "4"]
    assert "loss of this batch 1.5000" in lines[0] and "25.0%" in lines[0]


def test_the_caption_is_computed_from_the_losses(loader, capsys):
    losses = iter([4.0, 2.0])
    train(lambda images, labels: (next(losses), 0.0), loader, 2, batch_size=8)
    assert "4.00 at the first, 3.000 on average over the last 2" in capsys.readouterr().out


@pytest.mark.parametrize("name", MODELS)
def test_two_halves_make_the_same_update_as_the_whole_batch(name):
    import keras

    rng = np.random.default_rng(5)
    images, labels = rng.random((6, 9, 7), dtype="float32"), np.eye(10, dtype="float32")[rng.integers(0, 10, 6)]
    ours, whole = MODELS[name](), MODELS[name]()
    loss, accuracy = make_step(ours, keras.optimizers.SGD(0.5))(images, labels)
    with tf.GradientTape() as tape:
        z = whole(images)
        expected = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, z))
    keras.optimizers.SGD(0.5).apply(tape.gradient(expected, whole.trainable_variables), whole.trainable_variables)
    assert float(loss) == pytest.approx(float(expected), abs=1e-5)
    assert float(accuracy) == pytest.approx(np.mean(np.argmax(z, axis=1) == labels.argmax(axis=1)))
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(ours.get_weights(), whole.get_weights()))


def test_a_step_with_an_answer_at_each_row_repeats_the_labels():
    import keras

    model, rng = rnn_classifier(units=12, features=7, seed=3), np.random.default_rng(5)
    images, labels = rng.random((6, 9, 7), dtype="float32"), np.eye(10, dtype="float32")[rng.integers(0, 10, 6)]

    def by_row(model, images):
        head = model.layers[-1]
        return tf.transpose(fast_states(model, images) @ head.kernel + head.bias, [1, 0, 2])

    p = tf.nn.log_softmax(by_row(model, images)).numpy()
    expected = -np.mean([(p[t] * labels).sum(axis=1) for t in range(9)])
    loss, _ = make_step(model, keras.optimizers.SGD(0.5), by_row)(images, labels)
    assert float(loss) == pytest.approx(expected, abs=1e-5)
