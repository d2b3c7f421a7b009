"""Plain NumPy, and tf.data: what a user would write without a helper."""

from __future__ import annotations

import numpy as np

from . import common


class Inference(common.Answering):
    """The lesson's formula in NumPy, row after row."""

    def __init__(self, kind: str, given: str, weights: str, batch: int, **_) -> None:
        arrays = common.read(weights)
        self.images, self.batch, self.kind = common.read(given)["images"], batch, kind
        self.weights = [arrays[name] for name in common.WEIGHTS]

    def answers(self) -> np.ndarray:
        """Logits of all the images."""
        return np.concatenate([self.logits(self.images[k : k + self.batch]) for k in range(0, len(self.images), self.batch)])

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The recurrence, then the head."""
        W_x, W_h, b, W_y, b_y = self.weights
        h = c = np.zeros((len(images), len(W_h)), np.float32)
        for x_t in images.transpose(1, 0, 2):
            a = x_t @ W_x + h @ W_h + b
            if self.kind == "rnn":
                h = np.tanh(a)
                continue
            i, f, g, o = np.split(a, 4, axis=1)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
        return h @ W_y + b_y


def _sigmoid(a):
    return 1 / (1 + np.exp(-a))


class Batches(common.Dealing):
    """Indexing by a shuffled order."""

    def __init__(self, given: str, batch: int, **_) -> None:
        arrays = common.read(given)
        self.data, self.identity = common.batches(arrays["images"], arrays["labels"], batch), np.eye(10, dtype=np.float32)

    def look(self) -> tuple:
        """One batch."""
        images, labels = next(self.data)
        return images, self.identity[labels]


class TfData(Batches):
    """tf.data; `gather` shuffles indices and fetches whole batches, otherwise images go through the shuffle buffer one by one."""

    def __init__(self, given: str, batch: int, gather: bool = False, prefetch: bool = True, **_) -> None:
        import tensorflow as tf

        arrays = common.read(given)
        count = len(arrays["images"])
        if gather:
            images, labels = tf.constant(arrays["images"]), tf.constant(arrays["labels"])
            data = tf.data.Dataset.range(count).shuffle(count).repeat().batch(batch, drop_remainder=True)
            data = data.map(lambda picked: (tf.gather(images, picked), tf.one_hot(tf.gather(labels, picked), 10)))
        else:
            data = tf.data.Dataset.from_tensor_slices((arrays["images"], arrays["labels"])).shuffle(count).repeat()
            data = data.batch(batch, drop_remainder=True).map(lambda images, labels: (images, tf.one_hot(labels, 10)))
        self.data = (data.prefetch(tf.data.AUTOTUNE) if prefetch else data).as_numpy_iterator()

    def look(self) -> tuple:
        """One batch."""
        return next(self.data)
