"""One formula, one cell: the numbers of lesson 1, parity of the browser's arithmetic, what the picture takes and what it refuses."""

import json
import re

import keras
import matplotlib
import numpy as np
import pytest
from javascript import node  # noqa: F401 (a fixture)
from traitlets import TraitError

from course_utils.data import load_mnist
from course_utils.models import lstm_classifier, rnn_classifier
from course_utils.widgets import OneCell
from course_utils.widgets.joined import source, style
from course_utils.widgets.one_cell import Net, run_net, say
from course_utils.widgets.weights import FOLDER, provenance, shipped

RUN = """
const net = m.runNet(m.makeNet({ features: x[0].length, units: W[0].length, steps: x.length, activation }, W.flat(), x.flat()));
answer(Object.fromEntries(["v", "seen", "kept", "a", "h"].map((name) => [name, [...net[name]]])));
"""


@pytest.fixture(scope="module")
def mnist():
    return load_mnist("embedded", verbose=False)


def random_net(features, units, steps, activation="tanh", seed=0):
    rng = np.random.default_rng(seed)
    return Net(
        rng.normal(scale=1 / np.sqrt(units), size=(features + units + 1, units)), rng.uniform(size=(steps, features)), activation
    )


def weights(units, **other):
    rng = np.random.default_rng(units)
    return {name: rng.normal(size=shape) for name, shape in dict(W_x=(28, units), W_h=(units, units), b=(units,)).items()} | other


@pytest.mark.parametrize(
    "net",
    [
        random_net(2, 3, 2),
        random_net(28, 32, 28, seed=1),
        random_net(28, 128, 28, seed=2),
        random_net(1, 1, 5, "relu"),
        random_net(28, 16, 28, "relu", seed=3),
    ],
)
def test_all_parts_of_all_steps_are_those_of_numpy(node, net):
    ours, theirs = node(RUN, component="one_cell", **net._asdict()), run_net(net)
    for name, values in theirs.items():
        assert np.abs(np.reshape(ours[name], values.shape) - values).max() < 1e-11, name


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_states_are_those_of_keras(mnist, activation):
    model = rnn_classifier(24, activation=activation, seed=5)
    cell = OneCell(model, image=mnist.x_test[77])
    layer = keras.layers.SimpleRNN(24, activation=activation, return_sequences=True)
    layer.build((None, None, 28))
    layer.set_weights(model.layers[0].get_weights())
    assert np.allclose(cell.trace()["h"], np.array(layer(mnist.x_test[77:78]))[0], atol=1e-5)


def test_the_toy_has_the_numbers_of_the_lesson():
    W_x, W_h, b = np.array([[1.0, -1, 0], [0, 1, 2]]), np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]), np.array([0.0, 0, -1])
    h_1 = np.tanh(np.array([1.0, 0]) @ W_x + b)
    h_2 = np.tanh(np.array([0.0, 1]) @ W_x + h_1 @ W_h + b)
    assert np.allclose(OneCell().trace()["h"], [h_1, h_2], atol=1e-15)
    assert OneCell().trace()["h"][1].round(4).tolist() == [-0.642, 0.9427, 0.234]  # as the lesson prints them


def test_numbers_are_written_alike(node):
    values = [0.0, -0.0, 1.0, -1.0, 0.7616, -0.76159, 10.0, 100.0, 1e-9, -1e-9, 1 / 3, -2.5, 123.456789]
    for places in (3, 4):
        assert node("answer(values.map((value) => m.spell(value, places)));", values=values, places=places) == [
            say(v, places) for v in values
        ]


@pytest.mark.parametrize(
    "build, said",
    [
        (lambda: OneCell(lstm_classifier(4)), "received an LSTM"),
        (lambda: OneCell("my_model.keras"), "str, which has no layers"),
        (lambda: OneCell(rnn_classifier(4, layers=2)), "SimpleRNN, then SimpleRNN"),
        (lambda: OneCell(rnn_classifier(4), weights=weights(4)), "received both"),
        (lambda: OneCell(weights=[1, 2]), "received list"),
        (lambda: OneCell(weights={"W_x": 1}), "['W_x']"),
        (lambda: OneCell(weights=weights(4, W_h=np.zeros((4, 5)))), "W_h (4, 5)"),
        (lambda: OneCell(weights=weights(257)), "at most 256"),
        (lambda: OneCell(weights=weights(4, b=np.full(4, np.nan))), "NaN"),
        (lambda: OneCell(image=np.zeros((14, 14))), "(28, 28)"),
        (lambda: OneCell(image=np.full((28, 28), 255)), "Divide pixels by 255"),
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
        ({"network": "lstm"}, "toy or real"),
        ({"step": 3}, "from 1 to 2"),
        ({"network": "real", "step": 29}, "from 1 to 28"),
        ({"unit": 4}, "from 1 to 3"),
        ({"line": 7}, "from 1 to 6"),
        ({"stage": 4}, "from 0 to 3"),
        ({"stage": 1.5}, "whole number"),
        ({"digit": 10}, "from 0 to 9"),
        ({"order": "name"}, "place or size"),
        ({"edits": [["W", 7, 1, 0]]}, "from 1 to 6"),
        ({"edits": ["W"]}, "expected edits like"),
        ({"edits": [["x", 1, 1, np.nan]]}, "nan"),
        ({"network": "real", "edits": [["x", 1, 1, 2]]}, "from 0 to 1"),
    ],
)
def test_impossible_states_are_refused(state, said):
    with pytest.raises((ValueError, TraitError), match=re.escape(said)):
        OneCell(state=state)


def test_without_the_toy_there_is_no_toy(mnist):
    cell = OneCell(weights=weights(8), image=mnist.x_test[0])
    assert cell.state["network"] == "real" and cell.spec["toy"] is None and len(cell.labels) == 1
    with pytest.raises((ValueError, TraitError), match="expected network to be real"):
        OneCell(weights=weights(8), state={"network": "toy"})


def test_a_state_is_restored_exactly_with_every_change():
    cell = OneCell(state={"network": "real", "step": np.int64(9), "edits": [["W", 30, 2, 0.5], ["x", 9, 14, 1]]})
    again = OneCell(state=json.loads(json.dumps(cell.state)))
    assert again.state == cell.state
    net, plain = again.net(), OneCell(state={"network": "real"}).net()
    assert np.argwhere(net.W != plain.W).tolist() == [[29, 1]] and net.W[29, 1] == 0.5
    assert np.argwhere(net.x != plain.x).tolist() in ([[8, 13]], []) and net.x[8, 13] == 1


def test_the_words_for_it_are_the_same_each_time():
    assert repr(OneCell()) == repr(OneCell()) == "OneCell(the three units of lesson 1; SimpleRNN with 32 units)"
    assert repr(OneCell(rnn_classifier(4))) == "OneCell(SimpleRNN with 4 units)"


@pytest.mark.parametrize(
    "cell", [lambda: OneCell(), lambda: OneCell(state={"network": "real"}), lambda: OneCell(rnn_classifier(5, activation="relu"))]
)
def test_a_still_stands_in_where_no_script_runs(cell):
    data, metadata = cell()._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG") and "application/vnd.jupyter.widget-view+json" in data
    assert metadata["image/png"]["alt"].startswith("Step ")
    assert matplotlib.pyplot.get_fignums() == []


def test_the_caption_says_what_is_seen():
    cell = OneCell(rnn_classifier(5, activation="relu"), state={"step": 7, "unit": 3})
    trace = cell.trace()
    seen, kept, a, h = (say(trace[name][6, 2], 3) for name in ("seen", "kept", "a", "h"))
    assert (
        cell.caption()
        == f"Step 7 of 28, unit 3 of 5: it sees {seen}, remembers {kept}, and its bias is 0; together {a}. ReLU makes {h} of it."
    )


def test_the_shipped_rnn_is_small_and_as_good_as_its_record_says(mnist):
    assert sum((FOLDER / f"rnn32.{kind}").stat().st_size for kind in ("npz", "json")) < 10_000
    model, record = rnn_classifier(32), provenance("rnn32")
    model.set_weights(shipped("rnn32")[2:])
    right = (model.predict(mnist.x_test, verbose=0).argmax(axis=1) == mnist.y_test).sum()
    assert record["test"]["of"] == len(mnist.y_test) and abs(right - record["test"]["right"]) <= 1
    assert record["command"].endswith("train rnn32") and record["model"] == "rnn_classifier(32, seed=1)"


def test_the_joined_text_is_a_module_on_its_own(node):
    assert not re.search(r"^\s*import\b|\bimport\(|https?://", source("one_cell"), re.MULTILINE)
    assert node("answer(typeof m.default.render);", component="one_cell") == "function"
    assert not re.search(r"https?://|@import|url\(", style("one_cell"))
