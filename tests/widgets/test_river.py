"""Gradients backwards through time: the core and NumPy against TensorFlow's GradientTape; and the river's Python side."""

import json
import re

import matplotlib
import numpy as np
import pytest
import tensorflow as tf
from javascript import node  # noqa: F401 (a fixture)
from test_core import START, passed, random_model
from test_explorer import assert_title_fits
from traitlets import TraitError

from course_utils.data import load_mnist
from course_utils.models import lstm_classifier, rnn_classifier
from course_utils.widgets import GradientRiver
from course_utils.widgets.gradients import FRESH_UNITS, PER_STEP, fresh_cell, gradient_sizes, probe_table, probes, scaled
from course_utils.widgets.river import STEPS, _power
from course_utils.widgets.weights import read_model

BACK = START + """
const trace = m.run(cell, images, m.makeTrace(cell, digits[0].length)), back = m.startBack(cell, trace, Float64Array.from(directions.flat()));
const keys = cell.kind === "lstm" ? ["h", "c"] : ["h"], found = { h: [], c: [], size_h: [], size_c: [] };
for (let t = trace.steps - 1; t >= 0; t--) {
  for (const key of keys) {
    found[key].unshift([...back[key]].map((value) => value * 10 ** back.shift));
    found["size_" + key].unshift(m.backSize(back, back[key]));
  }
  if (t > 0) m.stepBack(cell, trace, back);
}
answer(found);
"""


@pytest.fixture(scope="module")
def mnist():
    return load_mnist("embedded", verbose=False)


def by_tape(cell, steps, directions):
    """v dh_T/dh_t and v dh_T/dc_t for each direction, (time steps, directions, units), by TensorFlow in 64 bits."""
    W_x, W_h, b = (tf.constant(array, tf.float64) for array in cell[2:5])
    zero = tf.zeros((len(directions), len(cell.W_h)), tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(zero)
        h, c, hs, cs = zero, zero + 0.0, [], []
        for x_t in np.asarray(steps, dtype=float):
            a = tf.tensordot(x_t, W_x, axes=1) + h @ W_h + b
            if cell.kind == "rnn":
                h = tf.nn.relu(a) if cell.activation == "relu" else tf.tanh(a)
            else:
                a_i, a_f, a_g, a_o = tf.split(a, 4, axis=1)
                c = tf.sigmoid(a_f) * c + tf.sigmoid(a_i) * tf.tanh(a_g)
                h = tf.sigmoid(a_o) * tf.tanh(c)
            hs.append(h)
            cs.append(c)
    found = {"h": tape.gradient(h, hs, output_gradients=tf.constant(directions))}
    if cell.kind == "lstm":
        found["c"] = tape.gradient(h, cs, output_gradients=tf.constant(directions))
    return {key: np.array(values) for key, values in found.items()}


def log_sizes(vectors):
    with np.errstate(divide="ignore"):
        return np.log10(np.sqrt((vectors**2).sum(axis=2).mean(axis=1)))


CELLS = {
    "rnn": lambda: read_model(random_model(rnn_classifier, 24, 3)), "lstm": lambda: read_model(random_model(lstm_classifier, 24, 3)),
    "relu": lambda: read_model(rnn_classifier(16, activation="relu", seed=2)), "large lstm": lambda: read_model(lstm_classifier(128, seed=5)),
    "fresh lstm, 14 pixels": lambda: fresh_cell("lstm", 14), "fresh rnn, 4 pixels": lambda: scaled(fresh_cell("rnn", 4), 0.7),
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_vectors_on_their_way_back_are_those_of_the_tape(node, mnist, name):
    cell = CELLS[name]()
    steps, directions = mnist.x_test[137].reshape(-1, len(cell.W_x)), probes(len(cell.W_h))
    tape, core = by_tape(cell, steps, directions), node(BACK, **passed(cell), digits=steps[None], directions=directions)
    for key, theirs in tape.items():
        ours = np.reshape(core[key], theirs.shape)
        assert np.linalg.norm(theirs[-1]) > 0.1
        assert (np.linalg.norm(ours - theirs, axis=(1, 2)) <= 1e-5 * np.linalg.norm(theirs, axis=(1, 2))).all()
        sizes = [-np.inf if size is None else size for size in core[f"size_{key}"]]  # JSON has no infinity
        assert np.allclose(sizes, log_sizes(theirs), atol=1e-6)
        assert np.allclose(gradient_sizes(cell, steps)[key], log_sizes(theirs), atol=1e-6)


def test_a_long_way_back_neither_underflows_nor_overflows(node, mnist):
    pixels = mnist.x_test[5].reshape(784, 1)
    for scale in (0.1, 1.0):
        cell = scaled(fresh_cell("rnn", 1), scale)
        numpy = gradient_sizes(cell, pixels)["h"]
        core = node(BACK, **passed(cell), digits=pixels[None], directions=probes(FRESH_UNITS))["size_h"]
        assert np.isfinite(numpy).all() and np.allclose(core, numpy, rtol=1e-9, atol=1e-6)
    assert gradient_sizes(scaled(fresh_cell("rnn", 1), 0.1), pixels)["h"][0] < -700  # no float is so small
    assert gradient_sizes(scaled(fresh_cell("rnn", 1), 3.0), pixels)["h"][0] > 50


def test_where_nothing_arrives_the_size_is_0_and_no_nan(node, mnist):
    cell = fresh_cell("rnn", 28)._replace(activation="relu", b=np.full(FRESH_UNITS, -9, np.float32))
    assert (gradient_sizes(cell, mnist.x_test[0])["h"][:-1] == -np.inf).all()
    core = node(BACK.replace("answer(found)", "answer(found.size_h.map(String))"), **passed(cell), digits=mnist.x_test[:1], directions=probes(FRESH_UNITS))
    assert core[:-1] == ["-Infinity"] * 27 and float(core[-1]) == pytest.approx(0, abs=1e-12)


def test_eight_directions_estimate_the_norm_of_the_jacobian(mnist):
    """Frobenius norm by the root of the units, from all the rows of the Jacobian, to within a factor of two."""
    for cell in (fresh_cell("rnn", 28), fresh_cell("lstm", 28), scaled(fresh_cell("rnn", 28), 2.0)):
        whole = by_tape(cell, mnist.x_test[9], np.eye(FRESH_UNITS))["h"]
        exact = np.log10(np.linalg.norm(whole, axis=(1, 2)) / np.sqrt(FRESH_UNITS))
        assert np.abs(gradient_sizes(cell, mnist.x_test[9])["h"] - exact).max() < np.log10(2)


def test_a_scale_alone_multiplies_the_gradient_of_a_linear_chain(mnist):
    """By hand: with relu, states above 0 and W_h = 1, each step back multiplies by the scale."""
    cell = fresh_cell("rnn", 28)._replace(activation="relu", W_h=np.eye(FRESH_UNITS, dtype=np.float32), b=np.ones(FRESH_UNITS, np.float32),
                                          W_x=np.zeros((28, FRESH_UNITS), np.float32))
    for scale in (0.5, 1.5):
        assert np.allclose(gradient_sizes(scaled(cell, scale), mnist.x_test[0])["h"], np.arange(27, -1, -1) * np.log10(scale))


@pytest.mark.parametrize("kind, build", [("rnn", rnn_classifier), ("lstm", lstm_classifier)])
def test_fresh_cells_start_as_those_of_keras(kind, build):
    ours, theirs = fresh_cell(kind, 28), read_model(build(FRESH_UNITS))
    assert [array.shape for array in ours[2:5]] == [array.shape for array in theirs[2:5]] and np.array_equal(ours.b, theirs.b)
    for cell in (ours, theirs):
        assert np.allclose(cell.W_h @ cell.W_h.T, np.eye(FRESH_UNITS), atol=1e-5)
    assert np.abs(ours.W_x).max() == pytest.approx(np.abs(theirs.W_x).max(), rel=0.05)
    assert np.array_equal(fresh_cell(kind, 1).W_h, ours.W_h)


def test_the_browser_gets_the_very_same_networks(node):
    """What is cut from the bytes in the browser has the numbers of Python, for each number of pixels."""
    river = GradientRiver(lstm_classifier(5))
    inputs = np.frombuffer(river.inputs, "<f4")
    wanted = np.concatenate([fresh_cell(kind, pixels).W_x.ravel() for kind in ("rnn", "lstm") for pixels in PER_STEP[1:]])
    assert np.array_equal(inputs, wanted)
    assert [(each["name"], each["given"]) for each in river.networks] == [("LSTM", True), ("RNN", False), ("LSTM", False)]
    assert len(river.weights) == sum(len(cell.block()) for cell in (read_model(lstm_classifier(5)), fresh_cell("rnn", 28), fresh_cell("lstm", 28)))
    drawn = np.frombuffer(river.probes, "<f4").reshape(8, -1).astype(float)[:, :5]
    assert np.array_equal(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), probes(5))
    assert np.array_equal(probe_table(3), probe_table(9)[:, :3])


@pytest.mark.parametrize("log10, text", [(0.0, "1.0e+00"), (-3.5, "3.2e-04"), (146.2567, "1.8e+146"), (-0.001, "1.0e+00"), (-np.inf, "0"),
                                         (np.nan, "beyond all numbers"), (np.inf, "beyond all numbers")])
def test_numbers_of_any_size_are_written(node, log10, text):
    assert _power(log10) == text
    assert node(f"answer(m.inPowers({str(log10).replace('inf', 'Infinity').replace('nan', 'NaN')}))", component="river").replace("−", "-") == text


def test_given_networks_read_rows_and_fresh_ones_the_rest(mnist):
    lstm = lstm_classifier(6, seed=1)
    for state, given in (({}, True), ({"fresh": True}, False), ({"steps": 56}, False)):
        river = GradientRiver(lstm, state=state)
        assert river.is_given("LSTM") == given and not river.is_given("RNN")
        assert len(river.network("LSTM").W_h) == (6 if given else FRESH_UNITS)
    river = GradientRiver(lstm, state={"scale": 0.5})
    assert np.allclose(river.network("LSTM").W_h, 0.5 * lstm.get_weights()[1])
    assert np.allclose(river.sizes()["LSTM"]["c"], gradient_sizes(scaled(read_model(lstm), 0.5), river.image)["c"])


def test_the_forget_bias_opens_the_cell_state():
    first = [GradientRiver(state={"steps": 196, "cells": ["LSTM"], "forget": forget}).sizes()["LSTM"]["c"][0] for forget in (0.0, 1.0, 3.0)]
    assert first == sorted(first) and first[2] - first[0] > 20


def test_a_state_is_restored_exactly(mnist):
    state = {"cells": ("LSTM", "RNN"), "scale": np.float64(1.25), "steps": 784, "forget": 2, "fresh": True, "digit": 7, "step": np.int64(400)}
    river = GradientRiver(state=state)
    again = GradientRiver(state=json.loads(json.dumps(river.state)))
    assert again.state == river.state == dict(state, cells=["RNN", "LSTM"])
    assert river.image.shape == (784, 1)
    assert np.array_equal(river.image.reshape(28, 28).astype(np.float32), mnist.x_test[::2][mnist.y_test[::2] == 7][0])


@pytest.mark.parametrize("state, said", [
    ({"scales": 3}, "received scales"), ({"cells": []}, "RNN, LSTM or both"), ({"cells": "RNN"}, "received 'RNN'"), ({"cells": ["GRU"]}, "GRU"),
    ({"scale": 0}, "0.1 to 3"), ({"scale": True}, "True"), ({"steps": 29}, "28, 56, 112, 196, 392, 784"), ({"forget": 9}, "0 to 8"),
    ({"fresh": 1}, "True, False"), ({"digit": 10}, "0, 1, 2"), ({"step": 29}, "1 to 28"), ({"step": 785, "steps": 784}, "1 to 784")])
def test_impossible_states_are_refused(state, said):
    with pytest.raises((ValueError, TraitError), match=re.escape(said)):
        GradientRiver(state=state)


@pytest.mark.parametrize("models, said", [
    (lambda: [rnn_classifier(3), rnn_classifier(4)], "received RNN, RNN"), (lambda: ["model"], "str, which has no layers"),
    (lambda: [lstm_classifier(3, layers=2)], "LSTM, then LSTM"), (lambda: [lstm_classifier(3, features=14)], "rows of 14")])
def test_other_models_are_refused(models, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        GradientRiver(*models())


def test_the_words_for_it():
    river = GradientRiver(rnn_classifier(5), state={"steps": 28, "scale": 0.5})
    assert repr(river) == "GradientRiver(SimpleRNN with 5 units, fresh LSTM with 32 units)"
    first = {name: {key: _power(values[0]) for key, values in sizes.items()} for name, sizes in river.sizes().items()}
    assert river.caption() == (f"28 time steps, W_h times 0.50: a tiny push on the first state arrives at the last {first['RNN']['h']} times as long (RNN as given) "
                               f"and {first['LSTM']['h']} times as long (fresh LSTM; on its cell state {first['LSTM']['c']}).")
    assert STEPS == (28, 56, 112, 196, 392, 784)


def test_a_still_stands_in_where_no_script_runs():
    river = GradientRiver(state={"steps": 784, "scale": 3.0})
    data, metadata = river._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG") and metadata["image/png"]["alt"] == river.caption()
    assert matplotlib.pyplot.get_fignums() == []


def test_the_title_of_the_still_fits_on_it():
    assert_title_fits(GradientRiver(rnn_classifier(5), lstm_classifier(5)).still())


def test_it_is_small():
    river = GradientRiver()
    assert sum(len(value) for value in (river.weights, river.inputs, river.images, river.probes)) < 80_000
