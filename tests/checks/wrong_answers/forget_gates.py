import numpy as np
import tensorflow as tf


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def forget_gates_1(layer, rows):
    """It uses the hidden state after the same row, but the gate sees the state after the row before."""
    W_x, W_h, b = layer.get_weights()
    h = np.array(layer(rows[None])[0])
    a_i, a_f, a_g, a_o = np.split(rows @ W_x + h @ W_h + b, 4, axis=-1)
    return sigmoid(a_f)


def forget_gates_2(layer, rows):
    """It returns the input gate: in Keras' order the forget gate is the second quarter of the columns, not the first."""
    W_x, W_h, b = layer.get_weights()
    units = W_h.shape[0]
    h = np.array(layer(rows[None])[0])
    h_prev = np.concatenate([np.zeros((1, units)), h[:-1]])
    return sigmoid(rows @ W_x[:, :units] + h_prev @ W_h[:, :units] + b[:units])


def forget_gates_3(layer, rows):
    """It leaves the hidden state out: the gate looks at the row and at the bias only."""
    W_x, W_h, b = layer.get_weights()
    _, a_f, _, _ = np.split(rows @ W_x + b, 4, axis=1)
    return sigmoid(a_f)


def forget_gates_4(layer, rows):
    """The sigmoid is missing: it returns the input of the gate, not the gate."""
    W_x, W_h, b = layer.get_weights()
    h = np.vstack([np.zeros(len(W_h)), np.array(layer(rows[None])[0])])
    gates = []
    for t in range(len(rows)):
        a = rows[t] @ W_x + h[t] @ W_h + b
        gates.append(np.split(a, 4)[1])
    return np.array(gates)


def forget_gates_5(layer, rows):
    """It adds 1 as the old cell did, but in Keras the forget bias is already in b."""
    W_x, W_h, b = layer.get_weights()
    states = np.array(layer(rows[None])[0])
    old = np.zeros_like(states)
    old[1:] = states[:-1]
    a_f = np.split(rows @ W_x + old @ W_h + b, 4, axis=1)[1]
    return sigmoid(a_f + 1)


def forget_gates_6(layer, rows):
    """It takes the third quarter of the columns, as in the old order; in Keras that is the candidate."""
    W_x, W_h, b = layer.get_weights()
    states = layer(rows[None])[0]
    h_prev = tf.concat([tf.zeros_like(states[:1]), states[:-1]], axis=0)
    i, j, f, o = tf.split(tf.matmul(tf.cast(rows, tf.float32), W_x) + tf.matmul(h_prev, W_h) + b, 4, axis=1)
    return tf.sigmoid(f).numpy()


def forget_gates_7(layer, rows):
    """It returns the gate at the last row only, shape (units,)."""
    W_x, W_h, b = layer.get_weights()
    h = np.zeros(W_h.shape[0])
    for x_t, h_t in zip(rows, np.array(layer(rows[None])[0])):
        f = sigmoid(np.split(x_t @ W_x + h @ W_h + b, 4)[1])
        h = h_t
    return f


def forget_gates_8(layer, rows):
    """It shifts with np.roll, so the first row sees the state after the last row, where it should see zeros."""
    W_x, W_h, b = layer.get_weights()
    h_prev = np.roll(np.array(layer(rows[None])[0]), 1, axis=0)
    gates = sigmoid(rows @ W_x + h_prev @ W_h + b)
    return gates[:, len(W_h):2 * len(W_h)]


def forget_gates_9(layer, rows):
    """It has no gate for the first row, so the shape is (rows - 1, units)."""
    W_x, W_h, b = layer.get_weights()
    h = np.array(layer(rows[None])[0])
    a = rows[1:] @ W_x + h[:-1] @ W_h + b
    return sigmoid(np.split(a, 4, axis=-1)[1])


def forget_gates_10(layer, rows):
    """It shifts the states the wrong way, so each gate sees the state after the next row, and it leaves out the bias."""
    W_x, W_h, b = layer.get_weights()
    units = len(b) // 4
    h = np.array(layer(rows[None])[0])
    h = np.concatenate([h[1:], np.zeros((1, units))])
    return sigmoid((rows @ W_x + h @ W_h)[:, units:2 * units])
