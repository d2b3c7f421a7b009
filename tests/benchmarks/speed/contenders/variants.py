"""Other ways to make the kit's LSTM step, each tried once by lstm_profile.py. The formula is the same in all, and so are the numbers."""

from __future__ import annotations

import numpy as np

from . import kit


class Training(kit.Training):
    """``parts`` of the batch side by side, ``bundle`` steps in one graph, whole step or only the cell by XLA, and a form of cell, of the product with the recurrent weights, and of gradient."""

    def __init__(self, parts: int = 2, bundle: int = 1, xla: bool = False, cell: str = "one tanh", deltas: bool = False, until: str = "update", once: bool = False, turned: bool = False, **case) -> None:
        super().__init__(**case)
        import tensorflow as tf

        self.bundle, self.until = bundle, until
        self.cell, self.deltas, self.parts, self.turned = cell, deltas, parts, turned
        self.half = tf.function(self._half) if once else self._half  # once: both halves call one graph
        self.graph = tf.function(self._bundle, jit_compile=xla)
        self.step = self._step

    def parity(self, weights: str) -> dict:
        """Losses of five steps, where steps are made one by one and to their end."""
        return self.losses(weights) if self.bundle == 1 and self.until == "update" else {}

    def _step(self, images, labels):
        return self.graph([images] * self.bundle, [labels] * self.bundle)

    def _bundle(self, many_images, many_labels):
        for images, labels in zip(many_images, many_labels):
            loss, right = self._one(images, labels)
        return loss, right

    def _one(self, images, labels):
        import tensorflow as tf

        halves = [self.half(x, y) for x, y in zip(tf.split(images, self.parts), tf.split(labels, self.parts))]
        losses, rights, gradients = zip(*halves)
        if self.until == "update":
            self.optimizer.apply([tf.add_n(some) / self.parts for some in zip(*gradients)], self.model.trainable_variables)
        loss = tf.add_n(losses) / self.parts
        if self.until == "gradient":  # a result that nobody asks for is not computed, so these go into the loss, too small to be seen there
            loss += 1e-30 * tf.add_n([tf.reduce_sum(one) for some in gradients for one in some])
        return loss, tf.add_n(rights) / self.parts

    def _half(self, images, labels):
        import tensorflow as tf

        head, variables = self.model.layers[-1], self.model.trainable_variables
        with tf.GradientTape() as tape:
            sums, states = self._states(images, tape)
            z = states[-1] @ head.kernel + head.bias
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, z))
        right = tf.reduce_mean(tf.cast(tf.argmax(z, axis=1) == tf.argmax(labels, axis=1), tf.float32))
        if self.until == "forward":
            return loss, right, ()
        if not self.deltas:
            return loss, right, tape.gradient(loss, variables)
        # The gradients with respect to the sums of all steps give those of W_x, W_h and b with one product each.
        d_sums, d_head, d_bias = tape.gradient(loss, [sums, *variables[3:]])
        x = tf.reshape(tf.transpose(images, [1, 0, 2]), [-1, images.shape[2]])
        h = tf.concat([tf.zeros_like(states[0]), *states[:-1]], axis=0)
        turned, scale = self._order()
        gradients = [tf.gather(one * scale, turned, axis=-1) for one in (tf.matmul(x, d_sums, transpose_a=True), tf.matmul(h, d_sums, transpose_a=True), tf.reduce_sum(d_sums, 0))]
        return loss, right, (*gradients, d_head, d_bias)

    def _order(self):
        """Of a cell's columns: where Keras' columns i, f, g, o are, and the factor of each."""
        units = self.model.layers[0].units
        blocks, ones = np.arange(4 * units).reshape(4, units), np.ones(4 * units, np.float32)
        if self.cell.startswith("one sigmoid"):  # columns i, f, o, g
            return blocks[[0, 1, 3, 2]].ravel(), ones
        return blocks.ravel(), np.repeat(np.float32([0.5, 0.5, 1, 0.5]), units) if self.cell.startswith("one tanh") else ones

    def _states(self, images, tape):
        import tensorflow as tf

        layer = self.model.layers[0]
        order, scale = self._order()
        W_x, W_h, b = [tf.gather(weight, order, axis=-1) if self.cell.startswith("one sigmoid") else weight * scale for weight in layer.weights]
        rows = images.shape[1]
        sums = tf.reshape(tf.transpose(images, [1, 0, 2]), [-1, images.shape[2]]) @ W_x + b
        if self.deltas:
            sums = tf.stop_gradient(sums)
            tape.watch(sums)
            W_h = tf.stop_gradient(W_h)
        states, h, c = [], tf.zeros([images.shape[0], layer.units]), tf.zeros([images.shape[0], layer.units])
        cell = {"one tanh": one_tanh, "one sigmoid": one_sigmoid, "as written": as_written, "one tanh, by XLA": one_tanh, "one sigmoid, by XLA": one_sigmoid}[self.cell]
        cell = tf.function(cell, jit_compile=True) if self.cell.endswith("XLA") else cell
        columns = W_h.shape[1]
        W_h = tf.transpose(W_h) if self.turned else W_h
        for projected in tf.unstack(tf.reshape(sums, [rows, -1, columns])):
            h, c = cell(projected + tf.matmul(h, W_h, transpose_b=self.turned), c)
            states.append(h)
        return sums, states


def one_tanh(a, c):
    """The kit's cell: one tanh for four gates, whose weights were halved before."""
    import tensorflow as tf

    i, f, g, o = tf.split(tf.tanh(a), 4, axis=1)
    c = 0.5 * ((1 + f) * c + (1 + i) * g)
    return 0.5 * (1 + o) * tf.tanh(c), c


def one_sigmoid(a, c):
    """The columns in the order i, f, o, g: one sigmoid for three gates, one tanh for the candidate."""
    import tensorflow as tf

    gates, g = tf.split(a, [3 * c.shape[1], c.shape[1]], axis=1)
    i, f, o = tf.split(tf.sigmoid(gates), 3, axis=1)
    c = f * c + i * tf.tanh(g)
    return o * tf.tanh(c), c


def as_written(a, c):
    """The formula as it stands in books."""
    import tensorflow as tf

    i, f, g, o = tf.split(a, 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c
