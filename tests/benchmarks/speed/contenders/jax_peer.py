"""JAX: the formulas under `lax.scan`, one compiled step with Adam."""

from __future__ import annotations

import numpy as np

from . import common


def logits_of(kind: str, project_first: bool, unroll: int):
    """The function (weights, images) -> logits."""
    import jax
    import jax.numpy as jnp

    def cell(a, state, W_h):
        h, c = state
        a = a + h @ W_h
        if kind == "rnn":
            return jnp.tanh(a), c
        i, f, g, o = jnp.split(a, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    def logits(weights, images):
        W_x, W_h, b, W_y, b_y = weights
        rows = jnp.swapaxes(images, 0, 1)
        rows = rows @ W_x + b if project_first else rows

        def step(state, row):
            return cell(row if project_first else row @ W_x + b, state, W_h), None

        zero = jnp.zeros((images.shape[0], W_h.shape[0]))
        (h, _), _ = jax.lax.scan(step, (zero, zero), rows, unroll=unroll)
        return h @ W_y + b_y

    return logits


def loss_of(logits):
    """The function (weights, images, labels) -> mean cross entropy, accuracy."""
    import jax
    import jax.numpy as jnp

    def loss(weights, images, labels):
        z = logits(weights, images)
        picked = jnp.take_along_axis(jax.nn.log_softmax(z), labels[:, None], axis=1)
        return -picked.mean(), (z.argmax(1) == labels).mean()

    return loss


class Training(common.Stepping):
    """value_and_grad and Adam in one jitted function that gives its buffers away."""

    def __init__(self, kind: str, units: int, batch: int, given: str, project_first: bool = False, unroll: int = 1, **_) -> None:
        import jax

        self.given, self.batch, self.units, self.kind = common.read(given), batch, units, kind
        self.logits = logits_of(kind, project_first, unroll)
        self.loss = loss_of(self.logits)
        self.update = jax.jit(self._update, donate_argnums=(0,))
        self.data = common.batches(self.given["images"], self.given["labels"].astype(np.int32), batch)

    def start(self, weights: str) -> None:
        """These weights, and a fresh Adam: running means of the gradient and of its square, and a count."""
        import jax.numpy as jnp

        self.weights = [jnp.array(common.read(weights)[name]) for name in common.WEIGHTS]
        self.state = self.weights, [jnp.zeros_like(one) for one in self.weights], [jnp.zeros_like(one) for one in self.weights], jnp.array(0.0)

    def _update(self, state, images, labels):
        import jax
        import jax.numpy as jnp

        weights, means, squares, count = state
        (loss, right), gradients = jax.value_and_grad(self.loss, has_aux=True)(weights, images, labels)
        beta_1, beta_2, count = common.ADAM["beta_1"], common.ADAM["beta_2"], count + 1
        means = [beta_1 * m + (1 - beta_1) * g for m, g in zip(means, gradients)]
        squares = [beta_2 * v + (1 - beta_2) * g * g for v, g in zip(squares, gradients)]
        rate = common.ADAM["rate"] * jnp.sqrt(1 - beta_2**count) / (1 - beta_1**count)
        weights = [w - rate * m / (jnp.sqrt(v) + common.ADAM["epsilon"]) for w, m, v in zip(weights, means, squares)]
        return (weights, means, squares, count), loss, right

    def step(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
        """One update; loss and accuracy from before it."""
        self.state, loss, right = self.update(self.state, images, labels.astype(np.int32))
        return float(loss), float(right)

    def parity(self, weights: str) -> dict:
        """As the kit's."""
        import jax

        self.start(weights)
        images, labels = next(common.first_batches(self.given, self.batch))
        logits = np.array(self.logits(self.weights, images))
        gradients = jax.grad(self.loss, has_aux=True)(self.weights, images, labels.astype(np.int32))[0]
        return {"logits": logits, **dict(zip(common.WEIGHTS, map(np.array, gradients))), **self.losses(weights)}


class Inference(common.Answering):
    """The jitted function."""

    def __init__(self, kind: str, units: int, given: str, weights: str, batch: int, project_first: bool = False, unroll: int = 1, **_) -> None:
        import jax
        import jax.numpy as jnp

        self.images, self.batch = common.read(given)["images"], batch
        self.weights = [jnp.array(common.read(weights)[name]) for name in common.WEIGHTS]
        self.logits = jax.jit(logits_of(kind, project_first, unroll))

    def answers(self) -> np.ndarray:
        """Logits of all the images."""
        return np.concatenate([np.array(self.logits(self.weights, self.images[k : k + self.batch])) for k in range(0, len(self.images), self.batch)])
