"""Lesson 1: cases, typical mistakes and hints. The answers are in the notebook beside this file."""

import numpy as np

from course_utils.grading.exercises import Case, Task, Wrong

# --- rnn_step ---


def step_cases(rng):
    def drawn(batch, features, units, dtype=float, first=None):
        first = np.zeros(batch, bool) if first is None else np.array(first)
        shapes = {
            "x_t": (batch, features),
            "h_prev": (batch, units),
            "W_x": (features, units),
            "W_h": (units, units),
            "b": (units,),
        }
        limit = {"h_prev": 0.9, "b": 0.6}
        found = {
            name: rng.uniform(0.2, limit.get(name, 0.8), shape) * rng.choice([-1, 1], shape) for name, shape in shapes.items()
        }
        return {name: value.astype(dtype) for name, value in found.items()} | {"is_first": first}

    def only(kept, inputs):
        off = {"x": ("W_h", "b"), "h": ("W_x", "b"), "b": ("x_t", "h_prev")}[kept]
        return inputs | {name: np.zeros_like(inputs[name]) for name in off}

    return [
        Case("with W_h and b at zero your state should be tanh(x W_x)", only("x", drawn(2, 4, 3))),
        Case("with W_x and b at zero your state should be tanh(h W_h)", only("h", drawn(2, 4, 3))),
        Case("with x and h at zero your state should be tanh(b)", only("b", drawn(2, 4, 3))),
        Case("with all three terms your state should be the tanh of their sum", drawn(3, 4, 3)),
        Case("with as many features as units nothing else should change", drawn(3, 3, 3)),
        Case(
            "where is_first is true the old state must count as zero, and only there",
            drawn(4, 5, 3, first=[True, False, True, False]),
        ),
        Case("when all digits are at their first row no old state counts", drawn(2, 3, 4, first=[True, True])),
        Case("a batch of one digit is still a batch", drawn(1, 6, 2)),
        Case("float32 should do as well", drawn(5, 28, 8, np.float32, first=[True, False, False, False, True])),
    ]


def kept(h_prev, is_first):
    return np.where(is_first[:, None], 0, h_prev)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


STEP_MISTAKES = [
    Wrong("recurrent term missing", "The recurrent term is missing.", lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x + b)),
    Wrong("input term missing", "The input term is missing.", lambda x, h, W_x, W_h, b, first: np.tanh(kept(h, first) @ W_h + b)),
    Wrong("bias missing", "The bias is missing.", lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x + kept(h, first) @ W_h)),
    Wrong(
        "state carried over",
        "The state is carried over from one digit to the next: `is_first` has no effect.",
        lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x + h @ W_h + b),
    ),
    Wrong("tanh missing", "The tanh is missing.", lambda x, h, W_x, W_h, b, first: x @ W_x + kept(h, first) @ W_h + b),
    Wrong(
        "sigmoid for tanh",
        "You used a sigmoid where the formula has tanh.",
        lambda x, h, W_x, W_h, b, first: sigmoid(x @ W_x + kept(h, first) @ W_h + b),
    ),
    Wrong("W_h transposed", "W_h is transposed.", lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x + kept(h, first) @ W_h.T + b)),
    Wrong(
        "W_x transposed",
        "W_x is transposed: the shapes fit only where there are as many features as units.",
        lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x.T + kept(h, first) @ W_h + b),
    ),
    Wrong(
        "restart reversed",
        "The restart is the wrong way round: the state is dropped where is_first is false.",
        lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x + kept(h, ~first) @ W_h + b),
    ),
    Wrong(
        "new state dropped",
        "Where is_first is true you drop the new state; only the old one must not count.",
        lambda x, h, W_x, W_h, b, first: kept(np.tanh(x @ W_x + h @ W_h + b), first),
    ),
    Wrong(
        "whole batch restarted",
        "One digit at its first row restarts the whole batch; each digit has a state of its own.",
        lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x + (0 if first.any() else 1) * h @ W_h + b),
    ),
    Wrong(
        "tanh applied to each term",
        "tanh is applied to each term; it belongs around their sum.",
        lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x) + np.tanh(kept(h, first) @ W_h) + np.tanh(b),
    ),
    Wrong(
        "tanh applied twice",
        "tanh is applied twice.",
        lambda x, h, W_x, W_h, b, first: np.tanh(np.tanh(x @ W_x + kept(h, first) @ W_h + b)),
    ),
    Wrong(
        "bias outside tanh",
        "The bias is added outside the tanh.",
        lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x + kept(h, first) @ W_h) + b,
    ),
    Wrong(
        "state not multiplied",
        "The old state is added without its weights W_h.",
        lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x + kept(h, first) + b),
    ),
    Wrong(
        "bias restarted",
        "Where is_first is true the bias is lost; only the old state must not count.",
        lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x + kept(h @ W_h + b, first)),
    ),
]

# --- states_of_batch ---


def states_cases(rng):
    def drawn(batch, steps, features, units, dtype=float, scale=0.7):
        shapes = {"digits": (batch, steps, features), "W_x": (features, units), "W_h": (units, units), "b": (units,)}
        found = {name: rng.uniform(0.2, 0.8, shape) * rng.choice([-1, 1], shape) * scale for name, shape in shapes.items()}
        return {name: value.astype(dtype) for name, value in found.items()}

    still = drawn(2, 3, 4, 3)
    return [
        Case("one digit of one row has the one state tanh(x W_x + b)", drawn(1, 1, 4, 3)),
        Case("without W_h each state should depend on its own row alone", still | {"W_h": np.zeros_like(still["W_h"])}),
        Case("with W_h each state should depend on the state before it", drawn(1, 4, 3, 5)),
        Case("each digit should start from a state of zeros", drawn(3, 4, 5, 2)),
        Case("with as many rows as features the rows should still be read one by one", drawn(2, 4, 4, 3)),
        Case("with as many features as units nothing else should change", drawn(2, 3, 4, 4)),
        Case("28 rows in float32 should do as well", drawn(4, 28, 28, 6, np.float32, scale=0.4)),
    ]


def run(rows, W_x, W_h, b, h=None):
    """States of one digit."""
    h = np.zeros(len(b)) if h is None else h
    states = []
    for x_t in rows:
        h = np.tanh(x_t @ W_x + h @ W_h + b)
        states.append(h)
    return np.array(states)


def carried(digits, W_x, W_h, b):
    return run(digits.reshape(-1, digits.shape[-1]), W_x, W_h, b).reshape(*digits.shape[:2], -1)


def with_start(digits, W_x, W_h, b):
    return np.stack([np.vstack([np.zeros(len(b)), run(rows, W_x, W_h, b)]) for rows in digits])


def reshaped(digits, *weights):
    states = each(run)(digits, *weights)
    return states.transpose(1, 0, 2).reshape(states.shape)


def each(function):
    """For one digit -> for a batch of digits."""
    return lambda digits, W_x, W_h, b: np.stack([function(rows, W_x, W_h, b) for rows in digits])


STATES_MISTAKES = [
    Wrong("state carried over", "The state is carried over from one digit to the next.", carried),
    Wrong(
        "only the last state",
        "Only the last state comes back; all of them are wanted.",
        lambda digits, *w: each(run)(digits, *w)[:, -1],
    ),
    Wrong(
        "steps before batch",
        "The axes are (steps, batch, units); wanted is (batch, steps, units).",
        lambda digits, *w: each(run)(digits, *w).transpose(1, 0, 2),
    ),
    Wrong(
        "recurrent term missing",
        "The recurrent term is missing: no state depends on the one before it.",
        each(lambda rows, W_x, W_h, b: np.tanh(rows @ W_x + b)),
    ),
    Wrong("start among the states", "The start h_0 is among the states; there should be one state for each row.", with_start),
    Wrong(
        "states one step late",
        "The states are one step late: after row t comes h_t, not the state before it.",
        lambda *a: with_start(*a)[:, :-1],
    ),
    Wrong(
        "reshaped for transposed",
        "The axes were exchanged with reshape, which mixes the digits up: use transpose, or np.stack with axis=1.",
        reshaped,
    ),
    Wrong(
        "last state everywhere",
        "All steps hold the last state: the same array was stored again and again, and each step overwrote it. Store a copy.",
        lambda digits, *w: np.repeat(each(run)(digits, *w)[:, -1:], digits.shape[1], axis=1),
    ),
    Wrong("rows backwards", "The rows are read from the bottom to the top.", each(lambda rows, *w: run(rows[::-1], *w))),
    Wrong(
        "columns for rows",
        "The columns are read in place of the rows.",
        lambda digits, *w: each(run)(digits.transpose(0, 2, 1), *w),
    ),
    Wrong("W_h transposed", "W_h is transposed.", each(lambda rows, W_x, W_h, b: run(rows, W_x, W_h.T, b))),
    Wrong("W_x transposed", "W_x is transposed.", each(lambda rows, W_x, W_h, b: run(rows, W_x.T, W_h, b))),
    Wrong("bias missing", "The bias is missing.", each(lambda rows, W_x, W_h, b: run(rows, W_x, W_h, np.zeros_like(b)))),
    Wrong("tanh missing", "The tanh is missing.", each(lambda rows, W_x, W_h, b: linear(rows, W_x, W_h, b))),
    Wrong(
        "wrong start",
        "The first state does not start from zeros.",
        each(lambda rows, W_x, W_h, b: run(rows, W_x, W_h, b, np.ones(len(b)))),
    ),
    Wrong(
        "only the first digit",
        "All digits have the states of the first one.",
        lambda digits, *w: np.stack([run(digits[0], *w)] * len(digits)),
    ),
]


def linear(rows, W_x, W_h, b):
    h, states = np.zeros(len(b)), []
    for x_t in rows:
        h = x_t @ W_x + h @ W_h + b
        states.append(h)
    return np.array(states)


TASKS = [
    Task(
        "rnn_step",
        "rnn_step",
        [("h_t", "(batch, units)")],
        step_cases,
        STEP_MISTAKES,
        (
            "Write the three terms of the formula one by one. Which of them sees the old state?",
            "A digit at its first row has no past: before anything else, make a copy of h_prev in which its row is zero.",
            "np.where(is_first[:, None], ..., ...) chooses row by row. What comes out takes the place of h_prev in lesson 1's formula.",
        ),
    ),
    Task(
        "states_of_batch",
        "states_of_batch",
        [("states", "(batch, steps, units)")],
        states_cases,
        STATES_MISTAKES,
        (
            "One loop is enough: over the steps. All digits of the batch take a step together.",
            "At step t the inputs of all digits are digits[:, t]. What shape must the state have before the first step?",
            "Begin with zeros of shape (batch, units), append each new state to a list, and np.stack the list along axis 1.",
        ),
    ),
]
