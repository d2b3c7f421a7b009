"""Networks that read a text as a row of word numbers, 0 for padding, and the one way in which all of them are trained.

Their answers are logits for (blame, praise), shape ``(batch, 2)``; the reader that answers after each word gives ``(batch, words, 2)``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.projects.reviews import held_out

if TYPE_CHECKING:
    import keras

WIDTH, UNITS, FILTERS, WINDOW = 32, 64, 96, 5  # numbers a word, GRU's state, filters of the CNN and the words that each sees
DROPPED = 0.5  # share of what the reader found that is hidden from the output layer in training
RATE, BATCH = 4e-3, 128  # the peak of Adam's learning rate, and examples in a step


def gru_reader(vocabulary: int, *, width: int = WIDTH, units: int = UNITS, dropped: float = DROPPED, every_word: bool = False, seed: int = 0) -> keras.Model:
    """Build a GRU (Cho and others, 2014) that reads word by word, then an output layer on its last state, or on each.

    Args:
        vocabulary: the largest word number.
        width: numbers that stand for one word, learned with the rest.
        units: size of the hidden state.
        dropped: share of the state hidden from the output layer in training, from 0 to below 1.
        every_word: answer after each word instead of after the last one only.
        seed: fixes the initial weights and what is dropped.

    Returns:
        An uncompiled model from word numbers (batch, words) to logits. Padding changes no state.
    """
    import keras

    words = keras.Input((None,), dtype="int32")
    vectors = keras.layers.Embedding(vocabulary + 1, width, mask_zero=True, embeddings_initializer=_start("RandomUniform", seed))(words)
    states = keras.layers.GRU(units, return_sequences=every_word, kernel_initializer=_start("GlorotUniform", seed),
                              recurrent_initializer=_start("Orthogonal", seed))(vectors)  # fmt: skip
    return keras.Model(words, _output(states, dropped, seed), name="gru_each_word" if every_word else "gru")


def cnn_reader(vocabulary: int, *, width: int = WIDTH, filters: int = FILTERS, window: int = WINDOW, dropped: float = DROPPED, seed: int = 0) -> keras.Model:
    """Build a 1-D convolution over the words, the maximum of each filter over the text, and an output layer (after Kim, 2014).

    Args:
        filters: patterns that are looked for.
        window: neighbouring words that a filter sees.

    The other arguments and what is returned are those of `gru_reader`. Padding is taken out before and after the filters.
    """
    import keras

    words = keras.Input((None,), dtype="int32")
    is_word = keras.ops.expand_dims(keras.ops.cast(keras.ops.not_equal(words, 0), "float32"), -1)
    vectors = keras.layers.Embedding(vocabulary + 1, width, embeddings_initializer=_start("RandomUniform", seed))(words) * is_word
    found = keras.layers.Conv1D(filters, window, padding="same", activation="relu", kernel_initializer=_start("HeUniform", seed))(vectors)
    most = keras.layers.GlobalMaxPooling1D()(found * is_word)  # relu: nothing is below the 0 of padding
    return keras.Model(words, _output(most, dropped, seed), name="cnn")


def at_last_word(model: keras.Model) -> keras.Model:
    """The same network, with the same weights, that gives only the answer after the last word."""
    import keras

    return keras.Model(model.inputs, model.outputs[0][:, -1], name=f"{model.name}_last")


class Fitted(NamedTuple):
    """What a training left behind: the model itself holds the weights of the best epoch.

    Attributes:
        validation: share of the held-out examples that was right after each epoch.
        best: the epoch whose weights were kept, from 1.
        seconds: wall time of all epochs together.
    """

    validation: list[float]
    best: int
    seconds: float


def fit(model: keras.Model, x: np.ndarray, y: np.ndarray, *, epochs: int, seed: int = 0, rate: float = RATE, batch: int = BATCH,
        enough: float = 2.0, say: Callable[[str], None] | None = None) -> Fitted:  # fmt: skip
    """Train on nine tenths of the examples; keep the weights of the epoch that is best on the last tenth.

    The recipe is that of lesson 3: Adam with warm-up and a cosine down, clipped.

    Interrupt the kernel to stop early: the weights of the best epoch so far are kept, those of the moment in the first epoch.

    Args:
        model: from `gru_reader` or `cnn_reader`; its weights are changed.
        x: word numbers, int32, shape (n, words).
        y: labels 0 and 1, shape (n,).
        epochs: how often all examples are seen, at least 1.
        seed: fixes the order of the examples.
        rate: Adam's learning rate at its peak.
        batch: examples in a step, an even number.
        enough: stop after the epoch in which so large a share of the held-out examples is right.
        say: gets a line after each epoch, ``print`` for instance.

    Raises:
        FloatingPointError: the loss became infinite or NaN.
    """
    import keras

    apart, order, start = held_out(y), np.random.default_rng(seed), time.perf_counter()
    x_train, y_train, shares, best = x[~apart], y[~apart].astype(np.int64), [], None
    steps = epochs * -(-len(x_train) // batch)
    rates = keras.optimizers.schedules.CosineDecay(0.0, decay_steps=steps - steps // 10, warmup_target=rate, warmup_steps=max(1, steps // 10))
    step = _step(model, keras.optimizers.Adam(rates, global_clipnorm=1.0))
    try:
        for epoch in range(1, epochs + 1):
            if shares and max(shares) >= enough:
                break
            loss = _epoch(step, x_train, y_train, order.permutation(len(x_train)), batch)
            shares.append(float(np.mean(says(model, x[apart]) == y[apart])))
            if best is None or shares[-1] > max(shares[:-1]):
                best = epoch, model.get_weights()
            if say:
                say(f"epoch {epoch} of {epochs}: loss {loss:.3f}, {shares[-1]:.1%} of {apart.sum():,} held-out examples right, {time.perf_counter() - start:.0f} seconds")
    except KeyboardInterrupt:
        print(f"Stopped in epoch {len(shares) + 1}. The model keeps its best weights so far.")
    if best:
        model.set_weights(best[1])
    return Fitted(shares, best[0] if best else 0, time.perf_counter() - start)


def logits(model: keras.Model, x: np.ndarray, batch: int = 500) -> np.ndarray:
    """The model's logits for any number of texts, as `gru_reader` says."""
    return model.predict(x, batch_size=batch, verbose=0)


def praise(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The probability of praise, shape (n,), or (n, words) from a reader that answers after each word."""
    z = logits(model, x)
    return 1 / (1 + np.exp(z[..., 0] - z[..., 1]))


def says(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The class of each text in the end, 1 for praise and 0 for blame, shape (n,)."""
    z = logits(model, x)
    return (z if z.ndim == 2 else z[:, -1]).argmax(axis=1)


def _epoch(step, x, y, order, batch):
    losses = []
    for start in range(0, len(order) - len(order) % 2, batch):  # halves of equal size: an odd last one waits for the next epoch
        picked = order[start : start + batch][: (len(order) - start) // 2 * 2]
        losses.append(step(x[picked], y[picked]))
    mean = float(np.mean(losses))
    if not np.isfinite(mean):
        raise FloatingPointError(f"The loss is {mean}: training broke down. Build the model again and try a smaller learning rate.")
    return mean


def _step(model, optimizer):
    """One update from two halves of a batch, computed side by side as in lesson 3."""
    import tensorflow as tf

    def half_a_step(x, y):
        with tf.GradientTape() as tape:
            loss = _loss(model(x, training=True), x, y)
        return loss, [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, model.trainable_variables)]

    @tf.function(reduce_retracing=True)
    def step(x, y):
        (loss_1, gradients_1), (loss_2, gradients_2) = (half_a_step(*half) for half in zip(tf.split(x, 2), tf.split(y, 2)))
        optimizer.apply([(g_1 + g_2) / 2 for g_1, g_2 in zip(gradients_1, gradients_2)], model.trainable_variables)
        return (loss_1 + loss_2) / 2

    return step


def _loss(z, x, y):
    """Cross entropy: of the one answer, or the mean over all answers that follow a word."""
    import tensorflow as tf

    if z.shape.rank == 2:
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, z))
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.repeat(y[:, None], tf.shape(z)[1], axis=1), z)
    is_word = tf.cast(x != 0, tf.float32)
    return tf.reduce_sum(losses * is_word) / tf.reduce_sum(is_word)


def _output(found, dropped, seed):
    import keras

    kept = keras.layers.Dropout(dropped, seed=seed)(found)
    return keras.layers.Dense(2, kernel_initializer=_start("GlorotUniform", seed + 1_000))(kept)


def _start(name, seed):
    import keras

    return getattr(keras.initializers, name)(seed=seed)
