"""The five networks of the first project. All read an image as a sequence of rows, and all get the same number of parameters to spend."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

from course_utils.models import lstm_classifier, rnn_classifier
from course_utils.training import fast_logits

if TYPE_CHECKING:
    import keras

PARAMETERS = 82_000  # what an LSTM with 128 units needs to read MNIST, rounded up
KINDS = ("dense", "rnn", "lstm", "bilstm", "cnn")


def build(kind: str, shape: tuple[int, int, int], *, parameters: int = PARAMETERS, classes: int = 10, seed: int = 0) -> keras.Model:
    """Build the widest network of its kind that has at most so many parameters.

    Args:
        kind: one of `KINDS`: a hidden layer, a SimpleRNN, an LSTM, an LSTM in both directions, a small convolutional network.
        shape: rows, columns and channels of an image.
        parameters: how many it may have. For a dense layer or a convolutional network nearly all lie between the last picture and
            the hidden layer, for the others in the recurrent weights.
        classes: number of logits.
        seed: fixes the initial weights.

    Returns:
        An uncompiled model from images (batch, rows, columns * channels) to logits (batch, classes).

    Raises:
        ValueError: an unknown kind, or too few parameters for a width of 1.

    >>> [build(kind, (28, 28, 1)).count_params() for kind in KINDS]
    [81895, 81712, 81674, 80850, 80602]
    """
    width = widest(kind, shape, parameters, classes)
    rows, columns, channels = shape
    if kind == "rnn":
        return rnn_classifier(width, features=columns * channels, classes=classes, seed=seed)
    if kind == "lstm":
        return lstm_classifier(width, features=columns * channels, classes=classes, seed=seed)
    return {"dense": _dense, "bilstm": _bilstm, "cnn": _cnn}[kind](width, shape, classes, seed)


def widest(kind: str, shape: tuple[int, int, int], parameters: int, classes: int = 10) -> int:
    """The largest width (units, or size of the hidden layer) with which a network has at most so many parameters."""
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, received {kind!r}.")
    width = 0
    while parameters_of(kind, width + 1, shape, classes) <= parameters:
        width += 1
    if not width:
        least = parameters_of(kind, 1, shape, classes)
        raise ValueError(f"parameters: expected {least:,} or more for {kind} on images of shape {shape}, received {parameters!r}.")
    return width


def parameters_of(kind: str, width: int, shape: tuple[int, int, int], classes: int = 10) -> int:
    """How many weights and biases a network of this width has; the tests count them in Keras too."""
    rows, columns, channels = shape
    features, head = columns * channels, (width + 1) * classes
    cell = width * (features + width + 1)  # W_x, W_h and b of one SimpleRNN; an LSTM has four of each
    if kind == "rnn":
        return cell + head
    if kind == "lstm":
        return 4 * cell + head
    if kind == "bilstm":
        return 8 * cell + head + width * classes
    if kind == "dense":
        return (rows * features + 1) * width + head
    first, second = filters_of(width)
    filters = (9 * channels + 1) * first + (9 * first + 1) * second
    return filters + ((rows // 4) * (columns // 4) * second + 1) * width + head


def filters_of(width: int) -> tuple[int, int]:
    """How many filters the convolutional network's two layers have: they grow with its hidden layer, so that no part is a bottleneck.

    >>> filters_of(48)
    (16, 32)
    """
    first = max(4, width // 3)
    return first, 2 * first


def logits_for(kind: str) -> Callable:
    """The quickest way from model and images to logits in a training step; the same numbers as calling the model."""
    return {"rnn": fast_logits, "lstm": fast_logits, "bilstm": bidirectional_logits}.get(kind, _called)


def bidirectional_logits(model, images):
    """Logits of the bidirectional LSTM, both directions unrolled as in `fast_logits`: the head adds what each of them says."""
    both, head = model.layers
    kernel, bias, units = head.kernel, head.bias, both.forward_layer.units
    forward = SimpleNamespace(layers=[both.forward_layer, SimpleNamespace(kernel=kernel[:units], bias=bias)])
    backward = SimpleNamespace(layers=[both.backward_layer, SimpleNamespace(kernel=kernel[units:], bias=0.0)])
    return fast_logits(forward, images) + fast_logits(backward, images[:, ::-1])


def _called(model, images):
    return model(images, training=True)


def _dense(width, shape, classes, seed):
    import keras

    return keras.Sequential([
        keras.Input((shape[0], shape[1] * shape[2])), keras.layers.Flatten(), _layer(width, seed, activation="relu"), _layer(classes, seed + 1_000),
    ], name="dense")  # fmt: skip


def _bilstm(width, shape, classes, seed):
    import keras

    def reader(start, **options):
        return keras.layers.LSTM(width, kernel_initializer=keras.initializers.GlorotUniform(seed=start),
                                 recurrent_initializer=keras.initializers.Orthogonal(seed=start + 1), **options)  # fmt: skip

    # Left to itself, Bidirectional copies the first reader, seeds and all: both directions would start with the same weights.
    both = keras.layers.Bidirectional(reader(10 * seed), backward_layer=reader(10 * seed + 2, go_backwards=True))
    return keras.Sequential([keras.Input((None, shape[1] * shape[2])), both, _layer(classes, seed + 1_000)], name="bilstm")


def _cnn(width, shape, classes, seed):
    import keras

    first, second = filters_of(width)

    def filters(count, start):
        return keras.layers.Conv2D(count, 3, padding="same", activation="relu", kernel_initializer=keras.initializers.HeUniform(seed=start))

    return keras.Sequential([
        keras.Input((shape[0], shape[1] * shape[2])), keras.layers.Reshape(shape),
        filters(first, 10 * seed + 5), keras.layers.MaxPooling2D(), filters(second, 10 * seed + 6), keras.layers.MaxPooling2D(),
        keras.layers.Flatten(), _layer(width, seed, activation="relu"), _layer(classes, seed + 1_000),
    ], name="cnn")  # fmt: skip


def _layer(width, seed, activation=None):
    import keras

    start = keras.initializers.HeUniform if activation else keras.initializers.GlorotUniform
    return keras.layers.Dense(width, activation=activation, kernel_initializer=start(seed=seed))
