import numpy as np


def epoch_of_batches_1(images, labels, batch_size, rng):
    """It throws the shuffled arrays away, as the original notebook did: the order is always the old one."""
    order = rng.permutation(len(images))
    images[order]
    labels[order]
    return [(images[i:i + batch_size], labels[i:i + batch_size]) for i in range(0, len(images), batch_size)]


def epoch_of_batches_2(images, labels, batch_size, rng):
    """It draws one order for the images and another for the labels, so the images lose their labels."""
    images = rng.permutation(images)
    labels = rng.permutation(labels)
    return [(images[i:i + batch_size], labels[i:i + batch_size]) for i in range(0, len(images), batch_size)]


def epoch_of_batches_3(images, labels, batch_size, rng):
    """The batches are right, but it rearranges the arrays that it was given."""
    order = rng.permutation(len(labels))
    images[:] = images[order]
    labels[:] = labels[order]
    batches = []
    for start in range(0, len(labels), batch_size):
        stop = start + batch_size
        batches.append((images[start:stop].copy(), labels[start:stop].copy()))
    return batches


def epoch_of_batches_4(images, labels, batch_size, rng):
    """It leaves out the images that do not fill a whole batch."""
    order = rng.permutation(len(images))
    batches = []
    for k in range(len(images) // batch_size):
        chosen = order[k * batch_size:(k + 1) * batch_size]
        batches.append((images[chosen], labels[chosen]))
    return batches


def epoch_of_batches_5(images, labels, batch_size, rng):
    """It makes a generator of its own with a fixed seed, so the order is the same each time."""
    rng = np.random.default_rng(seed=2)
    order = rng.permutation(len(images))
    images, labels = images[order], labels[order]
    return [(images[i:i + batch_size], labels[i:i + batch_size]) for i in range(0, len(images), batch_size)]


def epoch_of_batches_6(images, labels, batch_size, rng):
    """It draws the order from NumPy's global generator, not from the rng that it was given."""
    order = np.arange(len(images))
    np.random.shuffle(order)
    starts = range(0, len(order), batch_size)
    return [(images[order[start:start + batch_size]], labels[order[start:start + batch_size]]) for start in starts]


def epoch_of_batches_7(images, labels, batch_size, rng):
    """It shuffles whole batches: the same images always stay together, and the small batch may not be the last."""
    batches = []
    for start in rng.permutation(np.arange(0, len(images), batch_size)):
        batches.append((images[start:start + batch_size], labels[start:start + batch_size]))
    return batches


def epoch_of_batches_8(images, labels, batch_size, rng):
    """It cuts the epoch into parts of about equal size, so the batches do not have batch_size images."""
    order = rng.permutation(len(images))
    count = -(-len(images) // batch_size)
    return [(images[part], labels[part]) for part in np.array_split(order, count)]


def epoch_of_batches_9(images, labels, batch_size, rng):
    """It makes one batch too many, an empty one, when the batches come out even."""
    order = list(rng.permutation(len(images)))
    batches = []
    for k in range(len(images) // batch_size + 1):
        part = np.array(order[k * batch_size:(k + 1) * batch_size], dtype=int)
        batches.append((images[part], labels[part]))
    return batches


def epoch_of_batches_10(images, labels, batch_size, rng):
    """It draws with replacement, so some images come twice and others never, and it returns two lists, not pairs."""
    image_batches, label_batches = [], []
    left = len(images)
    while left > 0:
        chosen = rng.integers(0, len(images), size=min(batch_size, left))
        image_batches.append(images[chosen])
        label_batches.append(labels[chosen])
        left -= batch_size
    return image_batches, label_batches
