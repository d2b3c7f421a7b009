import math

import keras
import numpy as np
import tensorflow as tf


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def forget_gates_1(layer, rows):
    """All rows at once, the states shifted by one row."""
    W_x, W_h, b = layer.get_weights()
    h = np.array(layer(rows[None])[0])
    h_prev = np.concatenate([np.zeros((1, h.shape[1])), h[:-1]])
    return sigmoid(np.split(rows @ W_x + h_prev @ W_h + b, 4, axis=1)[1])


def forget_gates_2(layer, rows):
    """TensorFlow's operations, turned into an array at the end."""
    W_x, W_h, b = (tf.split(w, 4, axis=-1)[1] for w in layer.get_weights())
    states = layer(rows[None])[0]
    h_prev = tf.pad(states[:-1], [[1, 0], [0, 0]])
    return tf.sigmoid(tf.cast(rows, tf.float32) @ W_x + h_prev @ W_h + b).numpy()


def forget_gates_3(layer, rows):
    """The operations of Keras, and the layer's own variables."""
    ops, cell = keras.ops, layer.cell
    wanted = slice(layer.units, 2 * layer.units)
    states = layer(rows[None])[0]
    before = ops.concatenate([ops.zeros((1, layer.units)), states[:-1]], axis=0)
    a = ops.matmul(ops.convert_to_tensor(rows, dtype="float32"), cell.kernel) + ops.matmul(before, cell.recurrent_kernel)
    return ops.convert_to_numpy(ops.sigmoid(a + cell.bias))[:, wanted]


def forget_gates_4(layer, rows):
    """The whole LSTM in NumPy, row by row; the layer gives its weights only."""
    W_x, W_h, b = (w.astype("float64") for w in layer.get_weights())
    h = c = np.zeros(len(b) // 4)
    gates = []
    for x_t in rows:
        a_i, a_f, a_g, a_o = np.split(x_t @ W_x + h @ W_h + b, 4)
        f = sigmoid(a_f)
        c = f * c + sigmoid(a_i) * np.tanh(a_g)
        h = sigmoid(a_o) * np.tanh(c)
        gates.append(f)
    return np.stack(gates)


def forget_gates_5(layer, rows):
    """Loops over everything, with math.exp."""
    W_x, W_h, b = layer.get_weights()
    units = len(W_h)
    states = layer(rows[None])[0].numpy()
    gates = np.zeros((len(rows), units))
    for t in range(len(rows)):
        for u in range(units):
            total = float(b[units + u])
            for k in range(rows.shape[1]):
                total += float(rows[t, k]) * float(W_x[k, units + u])
            if t > 0:
                for v in range(units):
                    total += float(states[t - 1, v]) * float(W_h[v, units + u])
            gates[t, u] = 1 / (1 + math.exp(-total))
    return gates
