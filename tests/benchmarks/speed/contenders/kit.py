"""The kit itself, as its lessons use it."""

from __future__ import annotations

import time

import numpy as np

from . import common


class Training:
    """The step that lesson 3 explains, fed by the kit's `DataLoader`."""

    def __init__(self, kind: str, units: int, batch: int, given: str, **_) -> None:
        import keras

        from course_utils.data import DataLoader
        from course_utils.models import lstm_classifier, rnn_classifier
        from course_utils.training import make_step

        self.given, self.batch = common.read(given), batch
        self.model = {"rnn": rnn_classifier, "lstm": lstm_classifier}[kind](units, features=self.given["images"].shape[2], seed=1)
        self.optimizer = keras.optimizers.Adam(common.ADAM["rate"])
        self.optimizer.build(self.model.trainable_variables)
        self.fresh = [variable.numpy() for variable in self.optimizer.variables]
        self.step = make_step(self.model, self.optimizer)
        self.loader = DataLoader(self.given["images"], self.given["labels"], 10, seed=0)

    def save_weights(self, path: str) -> None:
        """Leave the start that all others begin from."""
        np.savez(path, **dict(zip(common.WEIGHTS, self.model.get_weights())))

    def parity(self, weights: str) -> dict:
        """Logits and gradients of the first batch at these weights, then the losses of five of the very steps that are timed."""
        import keras

        from course_utils.training import fast_logits, make_step

        start = [common.read(weights)[name] for name in common.WEIGHTS]
        self.model.set_weights(start)
        some = [(images, np.eye(10, dtype="float32")[labels]) for images, labels in common.first_batches(self.given, self.batch)]
        logits = np.array(fast_logits(self.model, some[0][0]))
        make_step(self.model, keras.optimizers.SGD(1.0))(*some[0])  # at rate 1 the weights move by the gradient
        gradients = [before - after for before, after in zip(start, self.model.get_weights())]
        return {"logits": logits, **dict(zip(common.WEIGHTS, gradients)), **self.losses(weights)}

    def losses(self, weights: str) -> dict:
        """The losses of five of the timed steps alone, where the rest takes too long; Adam forgets what it has seen before."""
        self.model.set_weights([common.read(weights)[name] for name in common.WEIGHTS])
        for variable, value in zip(self.optimizer.variables, self.fresh):
            variable.assign(value)
        some = common.first_batches(self.given, self.batch)
        return {"losses": np.array([float(self.step(images, np.eye(10, dtype="float32")[labels])[0]) for images, labels in some])}

    def go(self, count: int) -> float:
        """Seconds of a step, with its batch and with its loss and accuracy read, as `train` does."""
        def step():
            loss, accuracy = self.step(*self.loader.next_batch(self.batch))
            return float(loss), float(accuracy)

        return common.mean_seconds(step, count)


class Inference(common.Answering):
    """`fast_logits` as one graph; many digits in two halves side by side, as in training."""

    def __init__(self, kind: str, units: int, given: str, weights: str, batch: int, **_) -> None:
        import tensorflow as tf

        from course_utils.models import lstm_classifier, rnn_classifier
        from course_utils.training import fast_logits

        self.images, self.batch = common.read(given)["images"], batch
        self.model = {"rnn": rnn_classifier, "lstm": lstm_classifier}[kind](units, seed=1)
        self.model.set_weights([common.read(weights)[name] for name in common.WEIGHTS])
        halves = 1 if batch == 1 else 2
        self.logits = tf.function(lambda images: tf.concat([fast_logits(self.model, half) for half in tf.split(images, halves)], axis=0))

    def answers(self) -> np.ndarray:
        """Logits of all the images."""
        return np.concatenate([self.logits(self.images[k : k + self.batch]).numpy() for k in range(0, len(self.images), self.batch)])


class Batches(common.Dealing):
    """`DataLoader.next_batch`, shuffled."""

    def __init__(self, given: str, batch: int, **_) -> None:
        from course_utils.data import DataLoader

        arrays = common.read(given)
        self.batch, self.loader = batch, DataLoader(arrays["images"], arrays["labels"], 10, seed=0)

    def look(self) -> tuple:
        """One batch."""
        return self.loader.next_batch(self.batch)


class To99:
    """A training of lesson 3's LSTM from a cold start: graph and all. The clock stands while the test digits are looked at."""

    def __init__(self, given: str, **_) -> None:
        from course_utils.data import DataLoader  # noqa: F401 (imports are no part of the training)
        from course_utils.training import make_step  # noqa: F401

        self.given = common.read(given)

    def train(self, seed: int, recipe: dict, looks: list[int], goal: float) -> list[tuple[float, int, float]]:
        """Seconds, step and share of right test digits, at each look up to that at which the goal is reached."""
        from course_utils.data import DataLoader
        from course_utils.models import lstm_classifier
        from course_utils.training import make_step

        begun, asleep, found = time.perf_counter(), 0.0, []
        model = lstm_classifier(recipe["units"], seed=seed)
        step = make_step(model, optimizer(recipe))
        loader = DataLoader(self.given["images"], self.given["labels"], 10, seed=seed)
        for done in range(1, recipe["steps"] + 1):
            loss, _ = step(*loader.next_batch(recipe["batch"]))
            float(loss)
            if done in looks:
                paused = time.perf_counter()
                found.append((paused - begun - asleep, done, share_right(model, self.given)))
                asleep += time.perf_counter() - paused
                if found[-1][2] >= goal:
                    break
        return found


def optimizer(recipe: dict):
    """Adam, its rate up to the peak in a fifth of the steps and down along a cosine, clipped: lesson 3's modern way."""
    import keras

    steps = recipe["steps"]
    rate = keras.optimizers.schedules.CosineDecay(0.0, decay_steps=steps * 4 // 5, warmup_target=recipe["peak"], warmup_steps=steps // 5)
    return keras.optimizers.Adam(rate, global_clipnorm=1.0)


def share_right(model, given: dict[str, np.ndarray]) -> float:
    """Share of the test digits that a Keras model gets right."""
    said = model.predict(given["test_images"], batch_size=1000, verbose=0).argmax(axis=1)
    return float((said == given["test_labels"]).mean())
