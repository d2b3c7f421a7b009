"""Right answers put together at random from pieces that compute the same in different ways."""

from __future__ import annotations

import math

import numpy as np

PRODUCTS = {
    "@": lambda a, b: a @ b,
    "dot": np.dot,
    "einsum": lambda a, b: np.einsum("nd,dh->nh", a, b),
    "transposed twice": lambda a, b: (b.T @ a.T).T,
    "one by one": lambda a, b: np.array(
        [[sum(a[n, d] * b[d, h] for d in range(b.shape[0])) for h in range(b.shape[1])] for n in range(len(a))]
    ),
    "broadcast": lambda a, b: (a[:, :, None] * b[None]).sum(axis=1),
    "float32": lambda a, b: a.astype("float32") @ b.astype("float32"),
}
TANHS = {
    "numpy": np.tanh,
    "math": np.vectorize(math.tanh, otypes=[float]),
    "exponentials": lambda a: (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a)),
    "sigmoid": lambda a: 2 / (1 + np.exp(-2 * a)) - 1,
}
SIGMOIDS = {
    "exp": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": lambda a: (1 + np.tanh(a / 2)) / 2,
    "logaddexp": lambda a: np.exp(-np.logaddexp(0, -a)),
}
KEEPS = {
    "where": lambda h, first: np.where(first[:, None], 0, h),
    "times": lambda h, first: h * (1 - first)[:, None],
    "copy": lambda h, first: _zeroed(h.copy(), first),
    "loop": lambda h, first: np.array([np.zeros_like(row) if new else row for row, new in zip(h, first)]),
}
CASTS = {
    "as it is": lambda a: a,
    "float64": lambda a: np.asarray(a, float),
    "float32": lambda a: np.asarray(a, "float32"),
    "lists": lambda a: np.asarray(a).tolist(),
}


def _zeroed(h, first):
    h[first] = 0
    return h


def variants(task: str, number: int):
    """`number` right answers to a task, each with the names of its pieces."""
    rng = np.random.default_rng(sum(map(ord, task)))
    for _ in range(number):
        picked = {kind: str(rng.choice(list(pieces))) for kind, pieces in KINDS.items()}
        pieces = {kind: KINDS[kind][name] for kind, name in picked.items()} | {"order": rng.permutation(3)}
        yield ", ".join(picked.values()), MAKERS[task](**pieces)


KINDS = {"product": PRODUCTS, "tanh": TANHS, "sigmoid": SIGMOIDS, "keep": KEEPS, "cast": CASTS}


def rnn_step(product, tanh, keep, cast, order, **_):
    def answer(x_t, h_prev, W_x, W_h, b, is_first):
        terms = [product(x_t, W_x), product(keep(h_prev, is_first), W_h), b]
        return cast(tanh(terms[order[0]] + terms[order[1]] + terms[order[2]]))

    return answer


def states_of_batch(product, tanh, cast, order, **_):
    def together(digits, W_x, W_h, b):
        states = np.zeros((*digits.shape[:2], len(b)))
        for t in range(digits.shape[1]):
            past = states[:, t - 1] if t else np.zeros((len(digits), len(b)))
            states[:, t] = tanh(product(digits[:, t], W_x) + product(past, W_h) + b)
        return cast(states)

    def apart(digits, W_x, W_h, b):
        return cast(np.concatenate([together(digit[None], W_x, W_h, b) for digit in digits]))

    return together if order[0] else apart


def gradient_of_w_h(tanh, order, cast, **_):
    def states(x, w_x, w_h):
        h = [0.0]
        for x_t in x:
            h.append(float(tanh(np.asarray(w_x * x_t + w_h * h[-1]))))
        return h

    def backward(x, y, w_x, w_h):
        h = states(x, w_x, w_h)
        dh, total = h[-1] - y, 0.0
        for t in reversed(range(len(x))):
            total, dh = total + dh * (1 - h[t + 1] ** 2) * h[t], dh * (1 - h[t + 1] ** 2) * w_h
        return cast(total)

    def forward(x, y, w_x, w_h):
        h, dh = 0.0, 0.0
        for x_t in x:
            new = float(tanh(np.asarray(w_x * x_t + w_h * h)))
            h, dh = new, (1 - new**2) * (h + w_h * dh)
        return cast((h - y) * dh)

    def numeric(x, y, w_x, w_h):
        loss = [(states(x.astype(float), w_x, w_h + push)[-1] - y) ** 2 / 2 for push in (1e-5, -1e-5)]
        return (loss[0] - loss[1]) / 2e-5

    return (backward, forward, numeric)[order[0]]


def epoch_of_batches(order, **_):
    def by_permutation(images, labels, batch_size, rng):
        p = rng.permutation(len(images))
        return [(images[p[k : k + batch_size]], labels[p[k : k + batch_size]]) for k in range(0, len(p), batch_size)]

    def by_keys(images, labels, batch_size, rng):
        p = np.argsort(rng.random(len(images)))
        pieces = np.array_split(p, range(batch_size, len(p), batch_size))
        for piece in pieces:
            yield images[piece], labels[piece]

    def by_lists(images, labels, batch_size, rng):
        pairs = list(zip(images, labels))
        rng.shuffle(places := np.arange(len(pairs)))
        batches = [places[k : k + batch_size] for k in range(0, len(places), batch_size)]
        return [[np.array([pairs[i][0] for i in batch]), np.array([pairs[i][1] for i in batch])] for batch in batches]

    return (by_permutation, by_keys, by_lists)[order[0]]


def old_lstm_step(product, tanh, sigmoid, cast, order, **_):
    def answer(x_t, h_prev, c_prev, W, b):
        features = x_t.shape[1]
        if order[0]:
            a = product(np.hstack([x_t, h_prev]), W) + b
        else:
            a = product(x_t, W[:features]) + product(h_prev, W[features:]) + b
        units = a.shape[1] // 4
        i, j, f, o = (a[:, k * units : (k + 1) * units] for k in range(4))
        c = sigmoid(f + 1) * c_prev + sigmoid(i) * tanh(np.clip(j, -20, 20))
        return cast(sigmoid(o) * tanh(c)), cast(c)

    return answer


def forget_gates(product, sigmoid, cast, order, **_):
    def from_states(layer, rows):
        W_x, W_h, b = layer.get_weights()
        units = len(W_h)
        states = layer(rows[None])[0].numpy()
        before = np.concatenate([np.zeros((1, units)), states[:-1]])
        return cast(sigmoid((product(rows, W_x) + product(before, W_h) + b)[:, units : 2 * units]))

    def from_the_start(layer, rows):
        W_x, W_h, b = layer.get_weights()
        h = c = np.zeros((1, len(W_h)))
        gates = []
        for x_t in rows:
            i, f, g, o = np.split(product(x_t[None], W_x) + product(h, W_h) + b, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            gates.append(sigmoid(f)[0])
        return cast(np.array(gates))

    return from_states if order[0] else from_the_start


def confusion_matrix(order, cast, **_):
    def loop(labels, logits):
        counts = np.zeros((logits.shape[1],) * 2)
        for label, row in zip(labels, logits):
            counts[label, np.argmax(row)] += 1
        return cast(counts)

    def one_hot(labels, logits):
        eye = np.eye(logits.shape[1], dtype=int)
        return cast(eye[labels].T @ eye[logits.argmax(axis=-1)])

    def bincount(labels, logits):
        n = logits.shape[1]
        return cast(np.bincount(labels * n + np.argmax(logits, 1), minlength=n * n).reshape(n, n))

    return (loop, one_hot, bincount)[order[0]]


def recall_intervals(order, cast, **_):
    def loop(labels, said, classes, z):
        bounds = []
        for c in range(classes):
            n, k = int(np.sum(labels == c)), int(np.sum((labels == c) & (said == c)))
            middle, half = (k + z * z / 2) / (n + z * z), z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
            bounds.append([middle - half, middle + half])
        return cast(np.array(bounds))

    def library(labels, said, classes, z):
        from scipy.special import ndtr
        from scipy.stats import binomtest

        level = 2 * ndtr(z) - 1
        found = [binomtest(int(np.sum((labels == c) & (said == c))), int(np.sum(labels == c))) for c in range(classes)]
        if not level:
            return [[test.statistic] * 2 for test in found]
        return [list(test.proportion_ci(float(level), method="wilson")) for test in found]

    def roots(labels, said, classes, z):
        """Wilson's bounds are where (p - q)^2 = z^2 q (1 - q) / n."""
        bounds = []
        for c in range(classes):
            n, p = np.sum(labels == c), np.mean(said[labels == c] == c)
            a, half_b, q = 1 + z**2 / n, p + z**2 / (2 * n), p**2
            root = np.sqrt(max(half_b**2 - a * q, 0))
            bounds.append([(half_b - root) / a, (half_b + root) / a])
        return cast(bounds)

    return (loop, library, roots)[order[0]]


MAKERS = {made.__name__: made for made in (
    rnn_step, states_of_batch, gradient_of_w_h, epoch_of_batches, old_lstm_step, forget_gates, confusion_matrix, recall_intervals,
)}  # fmt: skip
