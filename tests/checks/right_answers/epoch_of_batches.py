import numpy as np


def epoch_of_batches_1(images, labels, batch_size, rng):
    """A permutation of the numbers, cut into pieces."""
    order = rng.permutation(len(images))
    parts = [order[start:start + batch_size] for start in range(0, len(order), batch_size)]
    return [(images[part], labels[part]) for part in parts]


def epoch_of_batches_2(images, labels, batch_size, rng):
    """Sorts random numbers; copies of both arrays in the new order, then slices."""
    order = np.argsort(rng.random(len(labels)))
    new_images, new_labels = images[order], labels[order]
    batches = []
    start = 0
    while start < len(labels):
        batches.append((new_images[start:start + batch_size], new_labels[start:start + batch_size]))
        start += batch_size
    return batches


def epoch_of_batches_3(images, labels, batch_size, rng):
    """Swaps by hand (Fisher and Yates), one random number for each place."""
    order = list(range(len(images)))
    for last in range(len(order) - 1, 0, -1):
        other = int(rng.integers(0, last + 1))
        order[last], order[other] = order[other], order[last]
    batches = []
    while order:
        batches.append((images[order[:batch_size]], labels[order[:batch_size]]))
        order = order[batch_size:]
    return batches


def epoch_of_batches_4(images, labels, batch_size, rng):
    """Draws without replacement, and np.split at the multiples of batch_size."""
    order = rng.choice(len(images), size=len(images), replace=False)
    cuts = np.arange(batch_size, len(images), batch_size)
    return list(zip(np.split(images[order], cuts), np.split(labels[order], cuts)))


def epoch_of_batches_5(images, labels, batch_size, rng):
    """Shuffles a list of numbers in place and collects image by image."""
    numbers = np.arange(len(images))
    rng.shuffle(numbers)
    batches, some_images, some_labels = [], [], []
    for place, number in enumerate(numbers, start=1):
        some_images.append(images[number])
        some_labels.append(labels[number])
        if len(some_images) == batch_size or place == len(numbers):
            batches.append((np.array(some_images), np.array(some_labels)))
            some_images, some_labels = [], []
    return batches
