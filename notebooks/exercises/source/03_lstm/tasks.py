"""Lesson 3: cases, typical mistakes and hints. The answers are in the notebook beside this file."""

import numpy as np

from course_utils.grading.exercises import Case, Task, Wrong


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


# --- old_lstm_step ---


def old_cases(rng):
    def drawn(batch, features, units, dtype=float):
        shapes = {
            "x_t": (batch, features),
            "h_prev": (batch, units),
            "c_prev": (batch, units),
            "W": (features + units, 4 * units),
            "b": (4 * units,),
        }
        limit = {"c_prev": 1.5, "b": 0.9}
        found = {
            name: rng.uniform(0.2, limit.get(name, 0.7), shape) * rng.choice([-1, 1], shape) for name, shape in shapes.items()
        }
        return {name: value.astype(dtype) for name, value in found.items()}

    def gates(open_gates, units=2):
        """Weights at zero, so that b alone sets the gates: far open or far shut, in the order i, j, f, o."""
        b = np.concatenate([np.full(units, 30.0 if name in open_gates else -30.0) for name in "ijfo"])
        inputs = drawn(2, 3, units)
        return inputs | {"W": np.zeros_like(inputs["W"]), "b": b}

    quiet = drawn(2, 3, 2)
    return [
        Case(
            "with all weights and biases at zero the forget gate should be sigmoid(0 + 1)",
            quiet | {"W": np.zeros_like(quiet["W"]), "b": np.zeros_like(quiet["b"])},
        ),
        Case("with only the forget gate open the cell state should stay c_prev and h be near 0", gates("f")),
        Case("with only i open, and j far up, the cell state should be 1 in place of c_prev", gates("ij")),
        Case("with f and o open the state should be tanh(c_prev)", gates("fo")),
        Case("with all terms the six equations should hold", drawn(3, 4, 3)),
        Case("with as many features as units nothing else should change", drawn(2, 3, 3)),
        Case("a batch of one digit is still a batch", drawn(1, 2, 5)),
        Case("float32 should do as well", drawn(4, 28, 6, np.float32)),
    ]


def old_step(x_t, h_prev, c_prev, W, b, *, order="ijfo", bias=1.0, after=0.0, acts=None, joined=None, carry=None, out=None):
    """The old step with one piece exchanged."""
    acts = {"i": sigmoid, "j": np.tanh, "f": sigmoid, "o": sigmoid} | (acts or {})
    a = np.concatenate(joined or [x_t, h_prev], axis=1) @ W + b
    a = dict(zip(order, np.split(a, 4, axis=1)))
    a["f"] = a["f"] + bias
    gate = {name: acts[name](a[name]) for name in "ijfo"}
    gate["f"] = gate["f"] + after
    c = (carry or (lambda g: g["f"] * c_prev + g["i"] * g["j"]))(gate)
    h = (out or (lambda g, c: g["o"] * np.tanh(c)))(gate, c)
    return h, c


def swap(answer):
    return answer[1], answer[0]


OLD_MISTAKES = [
    Wrong(
        "wrong gate order",
        "The gate order is wrong: you split as Keras packs them, i, f, j, o; these weights are packed i, j, f, o.",
        lambda *a: old_step(*a, order="ifjo"),
    ),
    Wrong(
        "forget bias missing",
        "The 1 that this cell adds to the forget gate's input is missing.",
        lambda *a: old_step(*a, bias=0.0),
    ),
    Wrong(
        "forget bias after the sigmoid",
        "The 1 is added after the sigmoid; it belongs to the gate's input.",
        lambda *a: old_step(*a, bias=0.0, after=1.0),
    ),
    Wrong(
        "forget bias on the input gate",
        "The 1 is added to the input gate; it belongs to the forget gate.",
        lambda *a: bias_on(0, *a),
    ),
    Wrong(
        "forget bias on the candidate",
        "The 1 is added to the candidate j; it belongs to the forget gate, the third quarter.",
        lambda *a: bias_on(1, *a),
    ),
    Wrong(
        "forget bias on the output gate",
        "The 1 is added to the output gate; it belongs to the forget gate, the third quarter.",
        lambda *a: bias_on(3, *a),
    ),
    Wrong("tanh for sigmoid in i", "The input gate has tanh for sigmoid.", lambda *a: old_step(*a, acts={"i": np.tanh})),
    Wrong("tanh for sigmoid in f", "The forget gate has tanh for sigmoid.", lambda *a: old_step(*a, acts={"f": np.tanh})),
    Wrong("tanh for sigmoid in o", "The output gate has tanh for sigmoid.", lambda *a: old_step(*a, acts={"o": np.tanh})),
    Wrong("sigmoid for tanh in j", "The candidate j has sigmoid for tanh.", lambda *a: old_step(*a, acts={"j": sigmoid})),
    Wrong(
        "h before x",
        "h_prev stands before x_t; these weights expect x_t first.",
        lambda x, h, c, W, b: old_step(x, h, c, W, b, joined=[h, x]),
    ),
    Wrong("h and c exchanged", "h and c are exchanged: return (h_t, c_t).", lambda *a: swap(old_step(*a))),
    Wrong(
        "tanh of the cell missing",
        "The output is o times tanh(c_t); your tanh is missing.",
        lambda *a: old_step(*a, out=lambda g, c: g["o"] * c),
    ),
    Wrong(
        "output from the old cell",
        "The output looks at c_prev; it should look at the new c_t.",
        lambda x, h, c, W, b: old_step(x, h, c, W, b, out=lambda g, _: g["o"] * np.tanh(c)),
    ),
    Wrong(
        "forget gate missing",
        "The forget gate is missing: c_prev comes in whole.",
        lambda x, h, c, W, b: old_step(x, h, c, W, b, carry=lambda g: c + g["i"] * g["j"]),
    ),
    Wrong(
        "input gate missing",
        "The input gate is missing: the candidate comes in whole.",
        lambda x, h, c, W, b: old_step(x, h, c, W, b, carry=lambda g: g["f"] * c + g["j"]),
    ),
    Wrong("output gate missing", "The output gate is missing.", lambda *a: old_step(*a, out=lambda g, c: np.tanh(c))),
    Wrong(
        "old cell state missing",
        "The old cell state is missing: nothing is remembered.",
        lambda *a: old_step(*a, carry=lambda g: g["i"] * g["j"]),
    ),
    Wrong(
        "forget and input gates exchanged",
        "The forget gate and the input gate are exchanged.",
        lambda x, h, c, W, b: old_step(x, h, c, W, b, carry=lambda g: g["i"] * c + g["f"] * g["j"]),
    ),
    Wrong(
        "h_prev for c_prev",
        "The forget gate is applied to h_prev; it belongs to c_prev.",
        lambda x, h, c, W, b: old_step(x, h, c, W, b, carry=lambda g: g["f"] * h + g["i"] * g["j"]),
    ),
    Wrong("bias missing", "The bias b is missing.", lambda x, h, c, W, b: old_step(x, h, c, W, 0 * b)),
]


def bias_on(quarter, x_t, h_prev, c_prev, W, b):
    pushed = b + np.repeat(np.eye(4)[quarter], h_prev.shape[1])
    return old_step(x_t, h_prev, c_prev, W, pushed, bias=0.0)


# --- forget_gates ---


def gate_cases(rng):
    def drawn(steps, features, units):
        shapes = {"W_x": (features, 4 * units), "W_h": (units, 4 * units), "b": (4 * units,), "rows": (steps, features)}
        found = {name: rng.uniform(0.3, 0.9, shape) * rng.choice([-1, 1], shape) for name, shape in shapes.items()}
        return {name: value.astype(np.float32) for name, value in found.items()}

    blank = drawn(4, 3, 2)
    return [
        Case("with one row the forget gate should be sigmoid(x W_x + b), with the columns of f alone", drawn(1, 4, 3)),
        Case("with blank rows the state before should still count", blank | {"rows": np.zeros_like(blank["rows"])}),
        Case("with five rows each gate should see the state of the row before", drawn(5, 4, 3)),
        Case("with as many features as units nothing else should change", drawn(3, 3, 3)),
        Case("with 28 rows nothing else should change", drawn(28, 28, 5) | {"W_x": drawn(1, 28, 5)["W_x"] / 4}),
    ]


def run(layer, rows):
    """Inputs of the gates and states, from an LSTM in NumPy: in Keras' order i, f, g, o."""
    W_x, W_h, b = layer.get_weights()
    h = c = np.zeros(W_h.shape[0], np.float32)
    inputs, states, cells = [], [h], []
    for x_t in rows:
        a = x_t @ W_x + h @ W_h + b
        i, f, g, o = np.split(a, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        inputs.append(a), states.append(h), cells.append(c)
    return np.array(inputs), np.array(states), np.array(cells)


def gate(number, act=sigmoid):
    """The gate at another place, or with another function around it."""
    return lambda layer, rows: act(np.split(run(layer, rows)[0], 4, axis=1)[number])


def seeing(state_of, *, bias=True, columns=None):
    """The forget gate with something else in place of the state before."""

    def mistake(layer, rows):
        W_x, W_h, b = layer.get_weights()
        a = rows @ W_x + state_of(layer, rows) @ W_h + b * bias
        return sigmoid(np.split(a, 4, axis=1)[1])

    return mistake


def every_fourth(layer, rows):
    return sigmoid(run(layer, rows)[0][:, 1::4])


GATE_MISTAKES = [
    Wrong(
        "input gate for forget gate",
        "This is the input gate: Keras packs i, f, c, o, so the forget gate is the second quarter.",
        gate(0),
    ),
    Wrong(
        "candidate for forget gate",
        "This quarter is the candidate's: Keras packs i, f, c, o, so the forget gate is the second.",
        gate(2),
    ),
    Wrong(
        "output gate for forget gate",
        "This is the output gate: Keras packs i, f, c, o, so the forget gate is the second quarter.",
        gate(3),
    ),
    Wrong(
        "sigmoid missing",
        "The sigmoid is missing: these are the gate's inputs, and a gate lies between 0 and 1.",
        gate(1, act=lambda a: a),
    ),
    Wrong("tanh for sigmoid", "You used tanh for sigmoid: a gate lies between 0 and 1.", gate(1, act=np.tanh)),
    Wrong(
        "state missing",
        "The recurrent term is missing: each gate also sees the state of the row before.",
        seeing(lambda layer, rows: 0 * run(layer, rows)[1][:-1]),
    ),
    Wrong(
        "state one step late",
        "The gates at row t see h_t; they should see the state before it, h_(t-1), and zeros at the first row.",
        seeing(lambda layer, rows: run(layer, rows)[1][1:]),
    ),
    Wrong(
        "last state at the first row",
        "The first row sees the state after the last row; it should see zeros. np.roll turns the states round.",
        seeing(lambda layer, rows: np.roll(run(layer, rows)[1][1:], 1, axis=0)),
    ),
    Wrong(
        "cell state for state",
        "The gates see the cell state c; they should see the hidden state h.",
        seeing(lambda layer, rows: shifted(run(layer, rows)[2])),
    ),
    Wrong("bias missing", "The bias is missing.", seeing(lambda layer, rows: run(layer, rows)[1][:-1], bias=False)),
    Wrong(
        "forget bias added again",
        "1 is added once too often: Keras has the forget bias in b already.",
        gate(1, act=lambda a: sigmoid(a + 1)),
    ),
    Wrong(
        "every fourth column", "Each gate has a quarter of the columns side by side; you took every fourth column.", every_fourth
    ),
    Wrong(
        "only the last row",
        "Only the last row's gates come back; one row of gates for each row of the digit is wanted.",
        lambda layer, rows: gate(1)(layer, rows)[-1],
    ),
    Wrong(
        "all four gates",
        "All four gates come back; the forget gate alone is wanted.",
        lambda layer, rows: sigmoid(run(layer, rows)[0]),
    ),
    Wrong("1 - f", "These are the values 1 - f.", lambda layer, rows: 1 - gate(1)(layer, rows)),
]


def shifted(states):
    return np.vstack([np.zeros_like(states[:1]), states[:-1]])


TASKS = [
    Task(
        "old_lstm_step",
        "old_lstm_step",
        [("h_t", "(batch, units)"), ("c_t", "(batch, units)")],
        old_cases,
        OLD_MISTAKES,
        (
            "One product gives the inputs of all four gates. Put x_t and h_prev side by side first: which axis?",
            "np.split(a, 4, axis=1) gives the quarters in the order in which they are packed. Name them in that order.",
            "c_t = sigmoid(f + 1) * c_prev + sigmoid(i) * tanh(j), and h_t comes from o and c_t as in lesson 3.",
        ),
    ),
    Task(
        "forget_gates",
        "forget_gates",
        [("gates", "(rows, units)")],
        gate_cases,
        GATE_MISTAKES,
        (
            "layer.get_weights() gives W_x, W_h and b. A gate's input is x_t W_x + h_(t-1) W_h + b. Where do the states come from?",
            "layer(rows[None])[0] gives the states h_1 ... h_T. The gates at row t see the one before: put zeros in front and leave the last one out.",
            "rows @ W_x + h_before @ W_h + b has four quarters of columns, i, f, c, o. Take the second one through the sigmoid.",
        ),
        call="keras_lstm",
    ),
]
