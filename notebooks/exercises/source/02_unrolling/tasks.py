"""Lesson 2: cases, typical mistakes and hints. The answers are in the notebook beside this file."""

import numpy as np

from course_utils.grading.exercises import Case, Task, Wrong

# --- gradient_of_w_h ---


def gradient_cases(rng):
    def drawn(steps, w_h, dtype=float, target=None):
        x = (rng.uniform(0.3, 0.9, steps) * rng.choice([-1, 1], steps)).astype(dtype)
        return {"x": x, "y": rng.uniform(1.2, 1.6) if target is None else target, "w_x": rng.uniform(0.5, 0.9), "w_h": w_h}

    return [
        Case("with one step the weight w_h meets only h_0 = 0, so the gradient should be 0", drawn(1, 0.8)),
        Case("with two steps the gradient should be (h_2 - y) (1 - h_2^2) h_1", drawn(2, 0.8)),
        Case("with w_h at zero only the last step should count", drawn(4, 0.0)),
        Case("with three steps two paths lead back to w_h, and both should count", drawn(3, 0.9)),
        Case("with the target y at zero the first factor should be h_T", drawn(3, 0.7, target=0.0)),
        Case("with a negative w_h nothing else should change", drawn(5, -1.1)),
        Case("float32 should do as well", drawn(6, 0.6, np.float32)),
        Case("with 28 steps all 28 should count", drawn(28, 1.0)),
    ]


def gradient(
    x,
    y,
    w_x,
    w_h,
    *,
    error=lambda h, y: h - y,
    slope=lambda h: 1 - h**2,
    seen=lambda h, t: h[t - 1],
    back=lambda w_x, w_h: w_h,
    most=None,
    half=False,
):
    """Backpropagation through time with one piece exchanged."""
    h = [0.0]
    for x_t in x:
        h.append(np.tanh(w_x * x_t + w_h * h[-1]))
    dh, total = error(h[-1], y), 0.0
    last = 0 if most is None else max(len(x) - most, 0)
    for t in range(len(x), last, -1):
        da = dh * slope(h[t])
        total += da * (x[t - 1] if seen == "x" else seen(h, t))
        dh = da * back(w_x, w_h)
    return total


GRADIENT_MISTAKES = [
    Wrong(
        "only the last step",
        "Only the last step is counted: the error must go on through the earlier steps.",
        lambda *a: gradient(*a, most=1),
    ),
    Wrong("slope of tanh missing", "The slope of tanh, 1 - h^2, is missing.", lambda *a: gradient(*a, slope=lambda h: 1)),
    Wrong(
        "h_t for h_(t-1)",
        "The gradient of w_h at step t needs the state before it, h_(t-1); yours takes h_t.",
        lambda *a: gradient(*a, seen=lambda h, t: h[t]),
    ),
    Wrong(
        "x_t for h_(t-1)",
        "This is the gradient of w_x: w_h is multiplied by h_(t-1), not by x_t.",
        lambda *a: gradient(*a, seen="x"),
    ),
    Wrong(
        "target missing",
        "The target y is missing: the loss falls where h_T comes nearer to y.",
        lambda *a: gradient(*a, error=lambda h, y: h),
    ),
    Wrong(
        "sign reversed",
        "The sign is reversed: the derivative of (h_T - y)^2 / 2 is h_T - y.",
        lambda *a: gradient(*a, error=lambda h, y: y - h),
    ),
    Wrong(
        "factor 2",
        "It is twice what it should be: the loss has a half in front.",
        lambda *a: gradient(*a, error=lambda h, y: 2 * (h - y)),
    ),
    Wrong(
        "w_h missing on the way back",
        "On the way back from one step to the one before, the factor w_h is missing.",
        lambda *a: gradient(*a, back=lambda w_x, w_h: 1),
    ),
    Wrong(
        "w_x on the way back",
        "On the way back from one step to the one before, the factor is w_h; yours is w_x.",
        lambda *a: gradient(*a, back=lambda w_x, w_h: w_x),
    ),
    Wrong(
        "mean over the steps",
        "The steps' contributions are averaged; they should be added, since all steps share one weight.",
        lambda x, *a: gradient(x, *a) / len(x),
    ),
    Wrong(
        "loss for its derivative",
        "The way back starts with the loss itself; it should start with its derivative.",
        lambda *a: gradient(*a, error=lambda h, y: (h - y) ** 2 / 2),
    ),
    Wrong(
        "slope at h_(t-1)",
        "The slope of tanh is taken at the wrong state: at step t it is 1 - h_t^2.",
        lambda *a: slope_before(*a),
    ),
    Wrong("slope 1 - h", "The slope of tanh is 1 - h^2; yours is 1 - h.", lambda *a: gradient(*a, slope=lambda h: 1 - h)),
    Wrong(
        "slope of a sigmoid",
        "You used the sigmoid's slope h (1 - h); tanh has 1 - h^2.",
        lambda *a: gradient(*a, slope=lambda h: h * (1 - h)),
    ),
    Wrong(
        "only the first step",
        "Only the first step's part is left, which is always zero: add the parts up with +=.",
        lambda x, y, w_x, w_h: 0.0,
    ),
    Wrong("only two steps", "The way back ends after two steps; it should go to the first one.", lambda *a: gradient(*a, most=2)),
]


def slope_before(x, y, w_x, w_h):
    h = [0.0]
    for x_t in x:
        h.append(np.tanh(w_x * x_t + w_h * h[-1]))
    dh, total = h[-1] - y, 0.0
    for t in range(len(x), 0, -1):
        da = dh * (1 - h[t - 1] ** 2)
        total += da * h[t - 1]
        dh = da * w_h
    return total


# --- epoch_of_batches ---


def batch_cases(rng):
    def drawn(count, batch_size):
        images = np.arange(count, dtype=float)[:, None, None] * np.ones((1, 2, 3))
        return {"images": images, "labels": np.arange(count), "batch_size": batch_size, "seed": int(rng.integers(2**31))}

    return [
        Case("with 60 images in batches of 20 each image should come once, with its label, in a new order", drawn(60, 20)),
        Case("with 64 images in batches of 10 the last batch should hold the 4 that are left", drawn(64, 10)),
        Case("with 90 images in batches of 7 nothing else should change", drawn(90, 7)),
    ]


def cut(images, labels, width):
    return [(images[k : k + width], labels[k : k + width]) for k in range(0, len(images), width)]


def two_orders(images, labels, width, rng):
    return cut(images[rng.permutation(len(images))], labels[rng.permutation(len(labels))], width)


def only(which):
    def mistake(images, labels, width, rng):
        order = rng.permutation(len(images))
        return cut(images[order] if which == "images" else images, labels[order] if which == "labels" else labels, width)

    return mistake


def chosen(order_of, *, cut=cut):
    """Batches in an order of one's own."""

    def mistake(images, labels, width, rng):
        order = order_of(len(images), width, rng)
        return cut(images[order], labels[order], width)

    return mistake


def within(count, width, rng):
    return np.concatenate([k + rng.permutation(min(width, count - k)) for k in range(0, count, width)])


def shuffled_blocks(images, labels, width, rng):
    batches = cut(images, labels, width)
    return [batches[k] for k in rng.permutation(len(batches))]


def one_order(count, width, rng):
    return np.random.default_rng(0).permutation(count)


def drawn(count, width, rng):
    return rng.permutation(count)


def equal_parts(images, labels, width):
    parts = -(-len(images) // width)
    return list(zip(np.array_split(images, parts), np.array_split(labels, parts)))


BATCH_MISTAKES = [
    Wrong(
        "not shuffled",
        "Nothing is shuffled: the images come in their old order.",
        lambda images, labels, width, rng: cut(images, labels, width),
    ),
    Wrong("only images shuffled", "Only the images are shuffled: the labels stay where they were.", only("images")),
    Wrong("only labels shuffled", "Only the labels are shuffled: the images stay where they were.", only("labels")),
    Wrong(
        "two different orders",
        "Images and labels are shuffled in two different orders: draw one, and use it for both.",
        two_orders,
    ),
    Wrong(
        "drawn with replacement",
        "The images are drawn with replacement: some come twice in an epoch, others never.",
        chosen(lambda count, width, rng: rng.integers(0, count, count)),
    ),
    Wrong(
        "last batch missing",
        "The last, smaller batch is missing: its images are never seen.",
        chosen(drawn, cut=lambda i, l, width: [batch for batch in cut(i, l, width) if len(batch[0]) == width]),
    ),
    Wrong(
        "shuffled within batches only",
        "Each batch is shuffled in itself: the same images stay together in every epoch.",
        chosen(within),
    ),
    Wrong(
        "only batches shuffled",
        "Only the order of the batches is shuffled: the same images stay together in every epoch.",
        shuffled_blocks,
    ),
    Wrong(
        "same order each epoch",
        "Both epochs have the same order: draw it anew from rng, and do not make a generator of your own.",
        chosen(one_order),
    ),
    Wrong(
        "rng not used",
        "The order does not come from rng: with a generator of the same seed it should be the same again.",
        chosen(lambda count, width, rng: np.random.permutation(count)),
    ),
    Wrong(
        "parts of equal size",
        "The epoch is cut into parts of about equal size; all batches but the last should have batch_size images.",
        chosen(drawn, cut=equal_parts),
    ),
    Wrong(
        "an empty batch at the end",
        "There is an empty batch at the end.",
        chosen(drawn, cut=lambda i, l, width: [(i[k : k + width], l[k : k + width]) for k in range(0, len(i) + 1, width)]),
    ),
    Wrong(
        "only one batch",
        "Only one batch comes back; an epoch is all of them.",
        chosen(drawn, cut=lambda i, l, width: cut(i, l, width)[:1]),
    ),
    Wrong(
        "batch size off by one",
        "The batches have one image too many.",
        chosen(drawn, cut=lambda i, l, width: cut(i, l, width + 1)),
    ),
    Wrong(
        "one batch of all",
        "All images are in one batch: cut them into batches of batch_size.",
        chosen(drawn, cut=lambda i, l, width: [(i, l)]),
    ),
    Wrong(
        "batches of one",
        "Each image is a batch of its own: cut the order into pieces of batch_size.",
        chosen(drawn, cut=lambda i, l, width: cut(i, l, 1)),
    ),
    Wrong(
        "last batch filled up",
        "The last batch is filled up with images that came before: those are seen twice.",
        chosen(lambda count, width, rng: filled(rng.permutation(count), width)),
    ),
]


def filled(order, width):
    return np.concatenate([order, order[: -len(order) % width]])


TASKS = [
    Task(
        "gradient_of_w_h",
        "gradient_of_w_h",
        [("dL/dw_h", "")],
        gradient_cases,
        GRADIENT_MISTAKES,
        (
            "Go forward first and keep every state, h_0 too. Then begin at the end: what is the derivative of the loss with respect to h_T?",
            "At step t, go through the tanh: da = dh (1 - h_t^2). That is the derivative with respect to what stands inside; w_h stands there beside h_(t-1).",
            "In a loop from T down to 1: da as above, then the gradient grows by da times h_(t-1), then dh becomes da times w_h. Keep this order.",
        ),
    ),
    Task(
        "epoch_of_batches",
        "epoch_of_batches",
        [
            ("batch sizes", "one number a batch"),
            ("the number of different images in an epoch", ""),
            ("the number of images with their own label", ""),
            ("whether images leave their old places (1) or not (0)", ""),
            ("whether batches mix images from far apart (1) or not (0)", ""),
            ("whether the second epoch has another order (1) or not (0)", ""),
            ("whether a generator with the same seed gives the same order (1) or not (0)", ""),
        ],
        batch_cases,
        BATCH_MISTAKES,
        (
            "Shuffle places, not images: an order is an array with each of 0 ... n - 1 once.",
            "rng.permutation(n) gives one. How do images and labels stay together?",
            "Cut the order into pieces of batch_size; for each piece take images[piece] and labels[piece]. The last piece may be shorter.",
        ),
        call="epochs",
    ),
]
