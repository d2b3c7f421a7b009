"""One training loop with a progress meter, a live curve and an interrupt that keeps the weights so far; and the fast step.

Lessons 2 and 3 write the step out and explain what makes it fast. From lesson 4 on it is `make_step` with `fast_logits`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_utils.data import DataLoader
from course_utils.kit import lecture
from course_utils.runs import course_run

REDRAW_SECONDS = 4.0  # drawing takes about a tenth of a second: at this pace training hardly notices


class History(NamedTuple):
    """What a training run left behind.

    Attributes:
        loss: loss of each batch before its update, shape ``(steps,)``, in nats.
        accuracy: share of each batch that was right before its update, shape ``(steps,)``, in [0, 1].
        seconds: wall time of the whole run.
        interrupted: whether the run was stopped before its last step.
    """

    loss: np.ndarray
    accuracy: np.ndarray
    seconds: float
    interrupted: bool


def train(step: Callable, loader: DataLoader, steps: int, *, batch_size: int = 128, shuffle: bool = True,
          report_every: int | None = None) -> History:
    """Call ``step(images, labels)`` on ``steps`` batches; draw the loss while it runs.

    Interrupt the kernel to stop early: the model keeps the weights it has by then.

    Args:
        step: makes one update and returns the batch's loss and accuracy from before it.
        loader: gives the batches.
        steps: number of updates, at least 1.
        batch_size: images in a batch.
        shuffle: whether the loader draws the images in a new order each epoch.
        report_every: print a line each so many steps; never if None.

    Returns:
        The history of the steps that were made.

    Raises:
        ValueError: ``steps`` is not a positive integer.
        FloatingPointError: the loss became infinite or NaN.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps must be an integer of at least 1, but it is {steps!r}.")
    if course_run().lecture and (recording := lecture.find(step, loader, steps, batch_size, shuffle)):
        return _show(recording, step, steps, report_every)
    folder = lecture.recording_folder()
    described = folder and lecture.description(step, loader, steps, batch_size, shuffle)
    records, start, live, interrupted = np.zeros((steps, 2)), time.perf_counter(), _LiveCurve(steps), False
    done = 0
    try:
        while done < steps:
            loss, accuracy = step(*loader.next_batch(batch_size, shuffle=shuffle))
            records[done] = loss, accuracy
            if not np.isfinite(records[done, 0]):
                raise FloatingPointError(f"The loss is {records[done, 0]} after {done} updates: training broke down. "
                                         "Build the model again and try a smaller learning rate, or clip the gradients.")
            if report_every and done % report_every == 0:
                _report(done, loss, accuracy)
            done += 1
            live.update(records[:done, 0])
    except KeyboardInterrupt:
        interrupted = True
        print(f"Stopped after {done:,} of {steps:,} steps. The model keeps the weights it has now.")
    history = History(records[:done, 0], records[:done, 1], time.perf_counter() - start, interrupted)
    live.finish(history)
    if described:
        lecture.save(folder, step, loader, steps, batch_size, shuffle, described, history)
    return history


def _show(recording, step, steps, report_every):
    """Put a recorded training in the place of a live one: its weights, its curve, its lines."""
    lecture.model_of(step).set_weights(recording.weights)
    history = History(recording.loss, recording.accuracy, recording.seconds, False)
    for done in range(0, steps, report_every or steps) if report_every else ():
        _report(done, history.loss[done], history.accuracy[done])
    _LiveCurve(steps).finish(history, recorded=recording.date)
    return history


def _report(done, loss, accuracy):
    print(f"step {done:>5,}   loss of this batch {loss:.4f}   accuracy of this batch {accuracy:.1%}")


def make_step(model, optimizer, logits=None) -> Callable:
    """Build the training step of lesson 3: the two halves of a batch side by side, one update with their mean gradient.

    Args:
        model: a row classifier; its weights are updated.
        optimizer: a Keras optimizer.
        logits: ``logits(model, images)``, `fast_logits` by default. The logits may have axes in front of
            ``(batch, classes)``, one answer a row for instance; then the loss is the mean over all of them.

    Returns:
        ``step(images, labels)`` for a batch of even size with one-hot labels; it returns loss and accuracy from before.
    """
    import tensorflow as tf

    logits = logits or fast_logits

    def half_a_step(images, labels):
        with tf.GradientTape() as tape:
            z = logits(model, images)
            labels = tf.broadcast_to(labels, tf.shape(z))
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, z))
        right = tf.argmax(z, axis=-1) == tf.argmax(labels, axis=-1)
        return loss, tf.reduce_mean(tf.cast(right, tf.float32)), tape.gradient(loss, model.trainable_variables)

    @tf.function
    def step(images, labels):
        halves = [half_a_step(x, y) for x, y in zip(tf.split(images, 2), tf.split(labels, 2))]
        losses, rights, gradients = zip(*halves)
        optimizer.apply([(g_1 + g_2) / 2 for g_1, g_2 in zip(*gradients)], model.trainable_variables)
        return sum(losses) / 2, sum(rights) / 2

    return step


def fast_logits(model, images):
    """Logits ``(batch, classes)`` of a row classifier, its recurrent layers unrolled as in lessons 2 and 3.

    Args:
        model: from `rnn_classifier` or `lstm_classifier`.
        images: float32, shape ``(batch, rows, features)``; the number of rows must be known.
    """
    head = model.layers[-1]
    return _states(model, images)[-1] @ head.kernel + head.bias


def fast_states(model, images):
    """Hidden states of the last recurrent layer after each row, shape ``(batch, rows, units)``; see `fast_logits`."""
    import tensorflow as tf

    return tf.stack(_states(model, images), axis=1)


def _states(model, images):
    """The same as a list of (batch, units), one for each row."""
    import tensorflow as tf

    for layer in model.layers[:-1]:
        states = _unrolled(layer, images)
        images = tf.stack(states, axis=1)
    return states


def _unrolled(layer, images):
    """The hidden states of one layer, row by row: its formula, arranged so that less is left to do."""
    import tensorflow as tf

    lstm = hasattr(layer, "recurrent_activation")
    W_x, W_h, b = [tf.convert_to_tensor(weight) for weight in layer.weights]
    if lstm:  # sigmoid(a) = (1 + tanh(a / 2)) / 2: with halved weights, one tanh serves all four gates
        half = np.repeat(np.float32([0.5, 0.5, 1.0, 0.5]), layer.units)
        W_x, W_h, b = W_x * half, W_h * half, b * half
    states, h, c = [], tf.zeros([tf.shape(images)[0], layer.units]), 0.0
    for projected in _rows(images, W_x, b):
        a = projected + h @ W_h
        if lstm:
            i, f, g, o = tf.split(tf.tanh(a), 4, axis=1)
            c = 0.5 * ((1 + f) * c + (1 + i) * g)
            h = 0.5 * (1 + o) * tf.tanh(c)
        else:
            h = layer.activation(a)
        states.append(h)
    return states


def _rows(images, W_x, b):
    """x_t W_x + b for every row t, a list of (batch, columns of W_x), from one product; time first, so that each is one piece."""
    import tensorflow as tf

    time_major = tf.transpose(images, [1, 0, 2])
    rows, features = time_major.shape[0], time_major.shape[2]
    product = tf.reshape(time_major, [-1, features]) @ W_x + b
    return tf.unstack(tf.reshape(product, [rows, -1, W_x.shape[1]]))


class _LiveCurve:
    """A meter, a picture and its caption, replaced while training runs; outside of Jupyter, the caption alone."""

    def __init__(self, steps):
        from IPython import get_ipython
        from IPython.display import Pretty, display

        self.steps, self.start, self.drawn = steps, time.perf_counter(), time.perf_counter()
        self.in_notebook = get_ipython() is not None
        if self.in_notebook:
            self.meter = display(Pretty("Training starts: the first step takes longer, it builds the graph."), display_id=True)
            self.picture, self.caption = [display(Pretty(""), display_id=True) for _ in range(2)]

    def update(self, loss):
        if self.in_notebook and time.perf_counter() - self.drawn > REDRAW_SECONDS:
            self._draw(loss, caption=None)

    def finish(self, history, recorded=None):
        done, loss = len(history.loss), history.loss
        if not done:
            return
        tail = loss[-100:].mean()
        caption = f"The loss over {done:,} steps: {loss[0]:.2f} at the first, {tail:.3f} on average over the last {min(done, 100)}."
        if recorded:
            self.start = time.perf_counter() - history.seconds  # the meter tells how long it took then
            caption += f" Recorded on {recorded}; nothing was trained now."
        if self.in_notebook:
            from IPython.display import Pretty

            self._draw(loss, caption)
            self.caption.update(Pretty(caption))
        else:
            print(caption)

    def _draw(self, loss, caption):
        import matplotlib.pyplot as plt
        from IPython.display import Pretty
        from tqdm import tqdm

        from course_utils.plots import draw_curves

        elapsed = time.perf_counter() - self.start
        self.meter.update(Pretty(tqdm.format_meter(len(loss), self.steps, elapsed, ncols=90, unit=" steps")))
        figure, ax = plt.subplots(figsize=(9, 3))
        draw_curves({"each batch": loss, "mean of 100 batches": _running_mean(loss, 100)}, ax=ax)
        self.picture.update(figure, metadata={"image/png": {"alt": caption or "The loss so far"}})
        plt.close(figure)
        self.drawn = time.perf_counter()


def _running_mean(values, width):
    """Mean of the last ``width`` values at each place, of fewer at the beginning; shape as given."""
    total = np.cumsum(np.concatenate([[0.0], values]))
    last = np.arange(1, len(values) + 1)
    first = np.maximum(last - width, 0)
    return (total[last] - total[first]) / (last - first)
