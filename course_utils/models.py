"""Row classifiers: Keras models that read a digit one row at a time.

Each function returns an *uncompiled* model from images ``(batch, rows, features)`` to logits ``(batch, classes)``.
The number of rows is left open, so the same weights read 28 rows, 14 or 112, and any number of images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def rnn_classifier(units: int = 128, *, features: int = 28, classes: int = 10, activation: str = "tanh",
                   layers: int = 1, seed: int = 0) -> keras.Model:
    """Build SimpleRNN layers, then Dense on the last hidden state.

    The weights start as Keras starts them: Glorot uniform for W_x and W_y, orthogonal for W_h, zero for the biases.

    Args:
        units: size of the hidden state, at least 1.
        features: numbers in one row, at least 1.
        classes: number of logits, at least 2.
        activation: ``"tanh"`` or ``"relu"``, the function around each step's sum.
        layers: how many recurrent layers lie on top of each other, at least 1.
        seed: fixes the initial weights; the same seed gives the same model.

    Returns:
        An uncompiled model, input ``(batch, rows, features)``, output logits ``(batch, classes)``.

    Raises:
        ValueError: a size is not a positive integer, or the activation is not one of the two.

    >>> rnn_classifier().count_params()
    21386
    """
    if activation not in ("tanh", "relu"):
        raise ValueError(f"activation must be 'tanh' or 'relu', but it is {activation!r}.")
    return _row_classifier("SimpleRNN", units, features, classes, layers, seed, activation=activation)


def lstm_classifier(units: int = 128, *, features: int = 28, classes: int = 10, layers: int = 1,
                    forget_bias: bool = True, seed: int = 0) -> keras.Model:
    """Build LSTM layers, then Dense on the last hidden state.

    Args:
        units: size of the hidden state and of the cell state, at least 1.
        features: numbers in one row, at least 1.
        classes: number of logits, at least 2.
        layers: how many LSTM layers lie on top of each other, at least 1.
        forget_bias: start the forget gate's bias at 1 (Jozefowicz, Zaremba, Sutskever 2015) instead of 0.
        seed: fixes the initial weights.

    Returns:
        An uncompiled model, input ``(batch, rows, features)``, output logits ``(batch, classes)``.

    Raises:
        ValueError: a size is not a positive integer.

    >>> lstm_classifier().count_params()
    81674
    """
    return _row_classifier("LSTM", units, features, classes, layers, seed, unit_forget_bias=forget_bias)


def _row_classifier(kind, units, features, classes, layers, seed, **options):
    for name, size in dict(units=units, features=features, classes=classes, layers=layers).items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ValueError(f"{name} must be an integer of at least 1, but it is {size!r}.")
    import keras  # here, not above: importing TensorFlow takes seconds

    seeds = iter(range(3 * seed * (layers + 1), 3 * (seed + 1) * (layers + 1)))
    glorot = keras.initializers.GlorotUniform
    model = keras.Sequential([keras.Input((None, features))], name=kind.lower())
    for layer in range(layers):
        model.add(getattr(keras.layers, kind)(
            units, return_sequences=layer < layers - 1, kernel_initializer=glorot(seed=next(seeds)),
            recurrent_initializer=keras.initializers.Orthogonal(seed=next(seeds)), **options))
    model.add(keras.layers.Dense(classes, kernel_initializer=glorot(seed=next(seeds))))
    return model
