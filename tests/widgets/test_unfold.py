"""Fold and unfold: the gradient's shares against TensorFlow's tape, the random weights, what the picture takes and what it refuses."""

import base64
import json
import re

import keras
import matplotlib
import numpy as np
import pytest
import tensorflow as tf
from javascript import node  # noqa: F401 (a fixture)
from traitlets import TraitError

from course_utils.data import load_mnist
from course_utils.models import lstm_classifier, rnn_classifier
from course_utils.widgets import Unfold
from course_utils.widgets.joined import source, style
from course_utils.widgets.unfold import back_through_time, chance, middle, random_cell
from course_utils.widgets.weights import forward, read_model, shipped

BACK = """
const bytes = Uint8Array.from(atob(block), (letter) => letter.charCodeAt(0));
const cell = m.readCell(spec, new DataView(bytes.buffer));
const trace = m.run(cell, Float32Array.from(digit.flat()), m.makeTrace(cell, digit.length));
answer([...m.backThroughTime(cell, trace, label)]);
"""


@pytest.fixture(scope="module")
def mnist():
    return load_mnist("embedded", verbose=False)


def tape_gradients(model, rows, label):
    """What TensorFlow says about one digit: gradients of the cross entropy for W_x, W_h, b."""
    with tf.GradientTape() as tape:
        loss = keras.ops.categorical_crossentropy(np.eye(10)[[label]].astype("float32"), model(rows[None]), from_logits=True)[0]
    return [np.array(g) for g in tape.gradient(loss, model.trainable_weights[:3])]


@pytest.mark.parametrize("activation, units, steps", [("tanh", 12, 28), ("tanh", 64, 28), ("relu", 12, 10), ("tanh", 3, 1)])
def test_shares_add_up_to_the_gradient_of_the_tape(mnist, activation, units, steps):
    model = rnn_classifier(units, activation=activation, seed=3)
    image, label = mnist.x_test[123], int(mnist.y_test[123])
    gradients = dict(zip(("W_x", "W_h", "b"), tape_gradients(model, middle(image, steps).astype("float32"), label)))
    largest = np.unravel_index(np.abs(gradients["W_x"]).argmax(), (28, units))
    for name, row, column in [("W_x", largest[0] + 1, largest[1] + 1), ("W_h", 1, units), ("W_h", units, 2), ("b", 1, 1)]:
        chain = Unfold(model, image, label, state={"steps": steps, "weight": [name, row, column]})
        theirs = gradients[name] if name != "b" else gradients[name][None]
        assert chain.trace()["shares"].shape == (steps,)
        assert chain.trace()["shares"].sum() == pytest.approx(theirs[row - 1, column - 1], abs=1e-6)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_browser_walks_back_as_numpy_does(node, mnist, activation):
    cell, digit = read_model(rnn_classifier(24, activation=activation, seed=1)), mnist.x_test[500]
    ours = node(BACK, component="unfold", spec=cell.spec, block=base64.b64encode(cell.block()).decode(), digit=digit, label=5)
    theirs = back_through_time(cell, forward(cell, digit), 5)
    assert np.abs(np.reshape(ours, theirs.shape) - theirs).max() < 1e-12


@pytest.mark.parametrize("units", [1, 5, 128])
def test_random_weights_are_the_same_everywhere(node, units):
    assert node("answer([...m.chance(seed, 500)]);", component="unfold", seed=units) == chance(units, 500).tolist()
    given = shipped("rnn32")
    ours = node(
        """const cell = m.randomCell(spec, units);
        answer(Object.fromEntries(['W_x', 'W_h', 'b', 'W_y', 'b_y'].map((name) => [name, [...cell[name]]])));""",
        component="unfold",
        spec=given.spec,
        units=units,
    )
    for name, values in ours.items():
        assert values == getattr(random_cell(given, units), name).ravel().tolist()


def test_random_numbers_look_like_chance():
    numbers = chance(32, 10_000)
    assert abs(numbers.mean()) < 0.03 and np.abs(np.histogram(numbers, 10, (-1, 1))[0] - 1000).max() < 120
    assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 0.03


def test_parameters_move_with_units_only():
    for units in (1, 8, 32, 128):
        counts = {
            re.search(r"[\d,]+ parameters", Unfold(state={"units": units, "steps": steps}).caption())[0] for steps in (1, 14, 28)
        }
        assert counts == {f"{rnn_classifier(units).count_params():,} parameters"}


@pytest.mark.parametrize("units", [32, 5])
def test_it_opens_on_a_weight_that_does_much(units):
    chain = Unfold(state={"units": units})
    name, row, column = chain.state["weight"]
    assert name == "W_h" and abs(chain.cell().W_h[row - 1, column - 1]) == np.abs(chain.cell().W_h).max()


def test_other_numbers_of_units_are_not_the_trained_network():
    assert np.array_equal(Unfold().cell().W_h, shipped("rnn32").W_h)
    assert Unfold(state={"units": 31}).cell().W_h.shape == (31, 31)


@pytest.mark.parametrize(
    "build, said",
    [
        (lambda: Unfold(lstm_classifier(4)), "received an LSTM"),
        (lambda: Unfold("my_model.keras"), "str, which has no layers"),
        (lambda: Unfold(rnn_classifier(129)), "at most 128 units"),
        (lambda: Unfold(None, np.zeros((28, 28))), "both or neither"),
        (lambda: Unfold(None, np.zeros((14, 14)), 3), "(28, 28)"),
        (lambda: Unfold(None, np.zeros((28, 28)), 10), "from 0 to 9"),
    ],
)
def test_other_input_is_refused_with_what_is_accepted(build, said):
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        build()
    assert "expected" in str(error.value)


@pytest.mark.parametrize(
    "state, said",
    [
        ({"row": 3}, "received row"),
        ({"fold": 1.5}, "from 0 to 1"),
        ({"steps": 0}, "from 1 to 28"),
        ({"units": 129}, "from 1 to 128"),
        ({"units": 8.5}, "whole number"),
        ({"digit": 10}, "from 0 to 9"),
        ({"weight": ["W_y", 1, 1]}, "W_x, W_h or b"),
        ({"weight": ["W_h", 33, 1]}, "from 1 to 32"),
        ({"weight": "W_h"}, "expected weight like"),
        ({"weight": ["b", 2, 1]}, "from 1 to 1"),
        ({"copy": 4, "steps": 3}, "from 1 to 3"),
        ({"asked": "why"}, "same, sizes, sum"),
    ],
)
def test_impossible_states_are_refused(state, said):
    with pytest.raises((ValueError, TraitError), match=re.escape(said)):
        Unfold(state=state)


def test_a_state_is_restored_exactly():
    chain = Unfold(state={"fold": 0.4, "steps": np.int64(7), "units": 5, "weight": ["W_x", 14, 3], "copy": 2, "asked": "sum"})
    again = Unfold(state=json.loads(json.dumps(chain.state)))
    assert again.state == chain.state and np.array_equal(again.trace()["shares"], chain.trace()["shares"])


def test_a_still_stands_in_where_no_script_runs():
    for chain in (Unfold(), Unfold(rnn_classifier(1), state={"steps": 1})):
        data, metadata = chain._repr_mimebundle_()
        assert data["image/png"].startswith(b"\x89PNG") and "application/vnd.jupyter.widget-view+json" in data
        assert metadata["image/png"]["alt"] == chain.caption()
    assert matplotlib.pyplot.get_fignums() == []
    assert repr(Unfold()) == "Unfold(SimpleRNN with 32 units, 28 steps)"


def test_the_joined_text_is_a_module_on_its_own(node):
    assert not re.search(r"^\s*import\b|\bimport\(|https?://", source("unfold"), re.MULTILINE)
    assert node("answer(typeof m.default.render);", component="unfold") == "function"
    assert not re.search(r"https?://|@import|url\(", style("unfold"))
