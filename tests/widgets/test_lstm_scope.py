"""The scope's Python side: which models, digits and states it takes, what it says to others, and what it carries along."""

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
from course_utils.widgets import LSTMScope
from course_utils.widgets.joined import source, style
from course_utils.widgets.picture import sample
from course_utils.widgets.weights import SHIPPED, forward, provenance, read_model, shipped


@pytest.fixture(scope="module")
def mnist():
    return load_mnist("embedded", verbose=False)


def classifier(*layers):
    return keras.Sequential([keras.Input((None, 28)), *layers])


def with_nan():
    model = lstm_classifier(4)
    model.layers[0].weights[2].assign(np.full(16, np.nan))
    return model


def with_a_detour():
    digit = keras.Input((28, 28))
    states = keras.layers.SimpleRNN(4)(digit)
    return keras.Model(digit, keras.layers.Dense(10)(states) * 2.0)  # an operation, which is no layer


def with_rows_turned_round():
    """Its layers look right; what flows between them does not."""
    model = lstm_classifier(4)
    model.call = lambda images, **_: keras.Sequential.call(model, images[:, ::-1])
    return model


LSTM, Dense = keras.layers.LSTM, keras.layers.Dense


@pytest.mark.parametrize("build", [
    lambda: rnn_classifier(5), lambda: rnn_classifier(5, activation="relu"), lambda: lstm_classifier(5),
    lambda: lstm_classifier(5, classes=3), lambda: classifier(LSTM(3, use_bias=False), Dense(10, activation="softmax")),
    lambda: keras.Model(digit := keras.Input((28, 28)), Dense(10)(LSTM(3)(digit)))])
def test_models_that_are_taken(build, mnist):
    model = build()
    classes = model.output_shape[-1]
    scope = LSTMScope(model, mnist.x_test[:30], mnist.y_test[:30] % classes)
    answer = np.array(model(mnist.x_test[:1]))[0]
    answer = answer if abs(answer.sum() - 1) < 1e-3 and answer.min() >= 0 else np.array(keras.ops.softmax(answer))
    assert np.allclose(scope.trace()["p"][-1], answer, atol=1e-5)


@pytest.mark.parametrize("build, said", [
    (lambda: None, None), (lambda: "my_model.keras", "str, which has no layers"),
    (lambda: lstm_classifier(4, layers=2), "the layers LSTM, then LSTM, then Dense"),
    (lambda: classifier(keras.layers.GRU(4), Dense(10)), "the layers GRU, then Dense"),
    (lambda: classifier(keras.layers.Bidirectional(LSTM(4)), Dense(10)), "Bidirectional"),
    (lambda: classifier(LSTM(4, return_sequences=True), Dense(10)), "return_sequences"),
    (lambda: classifier(LSTM(4, go_backwards=True), Dense(10)), "go_backwards"),
    (lambda: classifier(LSTM(4, activation="relu"), Dense(10)), "'activation': 'relu'"),
    (lambda: classifier(keras.layers.SimpleRNN(4, activation="sigmoid"), Dense(10)), "sigmoid"),
    (lambda: classifier(LSTM(4), Dense(10, activation="relu")), "activation of Dense"),
    (lambda: classifier(LSTM(4), Dense(1)), "1 classes"),
    (lambda: keras.Sequential([LSTM(4), Dense(10)]), "not built yet"),
    (lambda: lstm_classifier(4, features=14), "rows of 14 numbers"),
    (with_nan, "NaN"), (with_a_detour, "something else"), (with_rows_turned_round, "something else")])
def test_other_models_are_refused_with_what_is_accepted(build, said):
    if said is None:
        assert LSTMScope(build()).spec["units"] == 64  # none given: the course's own
        return
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        LSTMScope(build())
    assert "expected" in str(error.value)


@pytest.mark.parametrize("images, labels, said", [
    (np.zeros((3, 14, 14)), [1, 2, 3], "(3, 14, 14)"), (np.zeros((0, 28, 28)), [], "at least one image"),
    (np.full((1, 28, 28), 255), [1], "Divide pixels by 255"), (np.full((1, 28, 28), np.nan), [1], "received others"),
    (np.zeros((2, 28, 28)), [1], "2 whole numbers"), (np.zeros((1, 28, 28)), [10], "0 to 9"),
    (np.zeros((1, 28, 28)), [0.5], "whole numbers"), (np.zeros((1, 28, 28)), None, "both or neither")])
def test_other_digits_are_refused(images, labels, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        LSTMScope(None, images, labels)


@pytest.mark.parametrize("state, kind, said", [
    ({"rows": 3}, "lstm", "received rows"), ({"row": 0}, "lstm", "from 1 to 28"), ({"row": 29}, "lstm", "29"),
    ({"row": 3.5}, "lstm", "whole number"), ({"row": True}, "lstm", "True"), ({"digit": 500}, "lstm", "from 0 to 499"),
    ({"unit": 65}, "lstm", "from 1 to 64"), ({"image": np.zeros((14, 14))}, "lstm", "(28, 28)"), ({"image": "AAAA"}, "lstm", "784"),
    ({"forced": {"gate": "g", "value": 0, "first": 1, "last": 2}}, "lstm", "i, f or o"),
    ({"forced": {"gate": "f", "value": 1.5, "first": 1, "last": 2}}, "lstm", "1.5"),
    ({"forced": {"gate": "f", "value": 0, "first": 9, "last": 2}}, "lstm", "from 9 to 28"),
    ({"forced": {"gate": "f", "value": 0, "first": 1, "last": 2}}, "rnn", "no gates")])
def test_impossible_states_are_refused(state, kind, said):
    with pytest.raises((ValueError, TraitError), match=re.escape(said)):
        LSTMScope(None if kind == "lstm" else rnn_classifier(4), state=state)


def test_a_state_is_restored_exactly(mnist):
    forced = {"gate": "f", "value": 0.25, "first": 10, "last": 14}
    scope = LSTMScope(state={"image": mnist.x_test[7], "row": np.int64(17), "unit": 3, "forced": forced})
    again = LSTMScope(state=json.loads(json.dumps(scope.state)))
    assert again.state == scope.state and again.state["forced"] == forced
    assert np.array_equal(again.image.astype(np.float32), mnist.x_test[7])
    assert np.array_equal(again.trace()["p"], scope.trace()["p"])


def test_a_model_trained_here_takes_the_place_of_the_shipped_one():
    model = lstm_classifier(6, seed=3)
    scope = LSTMScope(model)
    assert scope.spec == {"kind": "lstm", "activation": "tanh", "features": 28, "units": 6, "classes": 10}
    assert scope.weights == b"".join(np.asarray(w).tobytes() for w in model.get_weights())


def test_many_digits_are_thinned_out_evenly(mnist):
    chosen = sample(mnist.x_test, mnist.y_test)
    assert len(chosen.images) == 500 and np.array_equal(chosen.labels, mnist.y_test[::2])
    assert np.array_equal(chosen.images[-1] / np.float32(255), mnist.x_test[-2])
    assert len(sample(mnist.x_test[:3], mnist.y_test[:3]).labels) == 3


def test_the_words_for_it_are_the_same_each_time():
    assert repr(LSTMScope()) == repr(LSTMScope()) == "LSTMScope(LSTM with 64 units, 500 digits)"
    assert repr(LSTMScope(rnn_classifier(4))) == "LSTMScope(SimpleRNN with 4 units, 500 digits)"


@pytest.mark.parametrize("scope", [lambda: LSTMScope(state={"row": 17, "forced": {"gate": "f", "value": 0, "first": 10, "last": 14}}),
                                   lambda: LSTMScope(rnn_classifier(4))])
def test_a_still_stands_in_where_no_script_runs(scope):
    data, metadata = scope()._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG") and "application/vnd.jupyter.widget-view+json" in data
    assert "After row" in metadata["image/png"]["alt"]
    assert matplotlib.pyplot.get_fignums() == []


def test_units_stand_in_order_of_the_rows_in_which_they_are_busy(mnist):
    scope = LSTMScope()
    assert sorted(scope.order) == list(range(64))
    sizes = np.mean([np.abs(forward(shipped(), image)["c"]) for image in scope._sample.images[:20] / 255], axis=0)
    rows = (np.arange(1, 29)[:, None] * sizes).sum(axis=0) / sizes.sum(axis=0)
    assert (np.diff(rows[scope.order]) >= -1e-12).all() and rows[scope.order[-1]] - rows[scope.order[0]] > 3
    assert LSTMScope(rnn_classifier(4)).order != scope.order[:4]


def test_the_caption_says_what_is_seen():
    scope = LSTMScope(state={"row": 17, "forced": {"gate": "f", "value": 0, "first": 10, "last": 14}})
    p = scope.trace()["p"][16]
    assert scope.caption() == (f"LSTM with 64 units reads a digit with the forget gate held at 0.00 in rows 10 to 14. "
                               f"After row 17 of 28 its answer is {p.argmax()} ({p.max():.0%}).")


def test_the_shipped_network_is_small_and_as_good_as_its_record_says(mnist):
    assert sum(path.stat().st_size for path in (SHIPPED, SHIPPED.with_suffix(".json"))) < 200_000
    model, test = lstm_classifier(64), provenance()["test"]
    model.set_weights(shipped()[2:])
    right = (model.predict(mnist.x_test, verbose=0).argmax(axis=1) == mnist.y_test).sum()
    assert test["of"] == len(mnist.y_test) and abs(right - test["right"]) <= 1  # one digit may lie on a border
    low, high = test["interval_95"]
    assert 0.96 <= low <= test["share"] <= high
    assert {"model", "made", "command", "data", "training", "seed", "versions"} <= set(provenance())


def test_the_joined_text_is_a_module_on_its_own(node):
    for component in (None, "lstm_scope"):
        text = source(component)
        assert not re.search(r"^\s*import\b|\bimport\(|https?://", text, re.MULTILINE)
    assert node("answer(typeof m.default.render);", component="lstm_scope") == "function"
    assert not re.search(r"https?://|@import|url\(", style("lstm_scope"))


@pytest.mark.parametrize("anchors, name", [("GATE_COLOURS", "YlGnBu"), ("STATE_COLOURS", "PuOr_r"), ("INK_COLOURS", "gray_r")])
def test_colours_are_those_of_the_still_figures(node, anchors, name):
    pixels = np.array(node(f"answer([...new Uint8Array(m.colourTable(m.{anchors}).buffer)]);")).reshape(256, 4)
    assert np.abs(pixels - 255 * matplotlib.colormaps[name](np.arange(256))).max() <= 1


def test_drawing_is_saved_to_the_last_grey_level(node):
    levels = node("answer([...m.fromBase64(m.toBase64(Uint8Array.from({ length: 256 }, (_, level) => level)))]);")
    assert levels == list(range(256))


def test_packed_digits_are_unpacked_exactly(node, mnist):
    import base64

    packed = base64.b64encode(sample(mnist.x_test[:3], mnist.y_test[:3]).packed()).decode()
    pixels = node("answer([...await m.unpackImages(new DataView(m.fromBase64(packed).buffer))]);", packed=packed)
    assert np.array_equal(np.float32(pixels), mnist.x_test[:3].ravel())


def test_numpy_in_the_package_is_keras(mnist):
    model = lstm_classifier(16, seed=2)
    assert np.allclose(forward(read_model(model), mnist.x_test[3])["p"][-1], keras.ops.softmax(model(mnist.x_test[3:4]))[0], atol=1e-6)
