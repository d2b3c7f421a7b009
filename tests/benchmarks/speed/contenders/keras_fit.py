"""Plain Keras: built-in layers, `compile`, `fit` and `predict`."""

from __future__ import annotations

import time

import numpy as np

from . import common, kit


def classifier(kind: str, units: int, shape: tuple[int, int], unroll: bool = False):
    """SimpleRNN or LSTM and a Dense, as the kit's classifiers."""
    import keras

    layer = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM}[kind]
    return keras.Sequential([keras.Input(shape), layer(units, unroll=unroll), keras.layers.Dense(10)])


class Training:
    """`model.fit` on arrays. The start of an epoch is left out: the clock runs from the end of its first batch."""

    def __init__(self, kind: str, units: int, batch: int, given: str, unroll: bool = False, jit: bool | str = "auto", bundle: int = 1, **_) -> None:
        import keras

        self.given, self.batch, self.bundle = common.read(given), batch, bundle
        self.model = classifier(kind, units, self.given["images"].shape[1:], unroll)
        self.compile(keras.optimizers.Adam(common.ADAM["rate"]), jit)
        self.jit = jit

    def compile(self, optimizer, jit: bool | str) -> None:
        """The kit's step returns the loss and the accuracy, so this one does."""
        import keras

        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=jit, steps_per_execution=self.bundle)

    def parity(self, weights: str) -> dict:
        """As the kit's; the gradients come from a tape around the same layers."""
        import tensorflow as tf

        self.model.set_weights([common.read(weights)[name] for name in common.WEIGHTS])
        images, labels = next(common.first_batches(self.given, self.batch))
        with tf.GradientTape() as tape:
            logits = self.model(images)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        gradients = [np.array(one) for one in tape.gradient(loss, self.model.trainable_variables)]
        return {"logits": logits.numpy(), **dict(zip(common.WEIGHTS, gradients)), **self.losses(weights)}

    def losses(self, weights: str) -> dict:
        """Losses of five calls of `fit` with a batch each."""
        self.model.set_weights([common.read(weights)[name] for name in common.WEIGHTS])
        found = [self.model.fit(*one, batch_size=self.batch, verbose=0).history["loss"][0] for one in common.first_batches(self.given, self.batch)]
        return {"losses": np.array(found)}

    def go(self, count: int) -> float:
        """Seconds of a batch inside one epoch of at least so many batches."""
        import keras

        ends = []
        clock = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter()))
        wanted = np.arange((-(-count // self.bundle) + 1) * self.bundle * self.batch) % len(self.given["images"])
        self.model.fit(self.given["images"][wanted], self.given["labels"][wanted], batch_size=self.batch, verbose=0, callbacks=[clock])
        return (ends[-1] - ends[0]) / ((len(ends) - 1) * self.bundle)


class Inference(common.Answering):
    """`model.predict`, or the model called as a function for a single digit."""

    def __init__(self, kind: str, units: int, given: str, weights: str, batch: int, call: bool = False, **_) -> None:
        self.images, self.batch, self.call = common.read(given)["images"], batch, call
        self.model = classifier(kind, units, self.images.shape[1:])
        self.model.set_weights([common.read(weights)[name] for name in common.WEIGHTS])

    def answers(self) -> np.ndarray:
        """Logits of all the images."""
        if self.call:
            return np.concatenate([self.model(self.images[k : k + self.batch]).numpy() for k in range(0, len(self.images), self.batch)])
        return self.model.predict(self.images, batch_size=self.batch, verbose=0)


class To99:
    """A training by `fit`, by the kit's recipe or with Adam as it comes; a callback looks at the test digits, and the clock stands meanwhile."""

    def __init__(self, given: str, options: dict | None = None, **_) -> None:
        import keras  # noqa: F401 (imports are no part of the training)

        self.given, self.options = common.read(given), options or {}

    def train(self, seed: int, recipe: dict, looks: list[int], goal: float) -> list[tuple[float, int, float]]:
        """As the kit's; a recipe that names no peak is that of Adam as it comes."""
        import keras

        begun = time.perf_counter()
        keras.utils.set_random_seed(seed)
        self.model = model = classifier("lstm", recipe["units"], self.given["images"].shape[1:], self.options.get("unroll", False))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(kit.optimizer(recipe) if "peak" in recipe else keras.optimizers.Adam(), loss, jit_compile=self.options.get("jit", "auto"), steps_per_execution=self.options.get("bundle", 1))
        look = _look(keras, begun, looks, goal, self.given)
        epochs = -(-recipe["steps"] * recipe["batch"] // len(self.given["images"]))
        model.fit(self.given["images"], self.given["labels"], batch_size=recipe["batch"], epochs=epochs, verbose=0, callbacks=[look])
        return look.found


def _look(keras, begun: float, looks: list[int], goal: float, given: dict):
    class Look(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.found, self.asleep, self.left = [], 0.0, list(looks)

        def on_train_batch_end(self, batch, logs=None):
            done = int(self.model.optimizer.iterations)
            if self.left and done >= self.left[0]:
                self.left.pop(0)
                paused = time.perf_counter()
                self.found.append((paused - begun - self.asleep, done, kit.share_right(self.model, given)))
                self.asleep += time.perf_counter() - paused
            self.model.stop_training = not self.left or bool(self.found) and self.found[-1][2] >= goal

    return Look()
