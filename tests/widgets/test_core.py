"""The core against Keras and NumPy: every state, gate and probability; forced gates; the survey and its interval."""

import base64

import keras
import numpy as np
import pytest
from javascript import node  # noqa: F401 (a fixture)
from scipy.stats import binomtest

from course_utils.data import load_mnist
from course_utils.models import lstm_classifier, rnn_classifier
from course_utils.widgets.weights import forward, read_model

START = """
const bytes = Uint8Array.from(atob(block), (letter) => letter.charCodeAt(0));
const cell = m.readCell(spec, new DataView(bytes.buffer));
const images = Float32Array.from(digits.flat(2));
"""
RUN = START + """
const trace = m.run(cell, images, m.makeTrace(cell, digits[0].length), forced);
answer(Object.fromEntries(Object.entries(trace).map(([name, values]) => [name, name === "steps" ? values : [...values]])));
"""


@pytest.fixture(scope="module")
def mnist():
    return load_mnist("embedded", verbose=False)


def random_model(build, units, seed, scale=1.5):
    """Weights larger than trained ones, so that gates open, close and saturate."""
    model = build(units=units)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(scale=scale / np.sqrt(w.shape[0]), size=w.shape) for w in model.get_weights()])
    return model


def passed(cell):
    return {"spec": cell.spec, "block": base64.b64encode(cell.block()).decode()}


def in_node(node, cell, digit, forced=None):
    trace = node(RUN, **passed(cell), digits=digit[None], forced=forced)
    return {name: np.reshape(trace[name], (len(digit), -1)) for name in trace if name not in ("steps", "a")}


@pytest.mark.parametrize("build", [lstm_classifier, rnn_classifier])
@pytest.mark.parametrize("units, seed", [(1, 1), (7, 2), (64, 3), (128, 4)])
def test_states_and_probabilities_are_those_of_keras(node, mnist, build, units, seed):
    model, digit = random_model(build, units, seed), mnist.x_test[37 * seed]
    trace = in_node(node, read_model(model), digit)
    layer, head = model.layers
    every = type(layer).from_config(layer.get_config() | {"return_sequences": True, "return_state": True})
    every.build((None, None, 28))
    every.set_weights(layer.get_weights())
    h, *last = every(digit[None])
    assert np.allclose(trace["h"], np.array(h)[0], atol=1e-5)
    assert np.allclose(trace["p"], np.array(keras.ops.softmax(head(h)))[0], atol=1e-5)
    if build is lstm_classifier:
        assert np.allclose(trace["c"][-1], np.array(last[1])[0], atol=1e-5)


@pytest.mark.parametrize("forced", [None, *({"gate": gate, "value": value, "first": 9, "last": 17}
                                            for gate in "ifo" for value in (0.0, 0.35, 1.0))])
def test_all_gates_are_those_of_numpy_also_when_forced(node, mnist, forced):
    cell, digit = read_model(random_model(lstm_classifier, 24, 5)), mnist.x_test[500]
    ours, theirs = in_node(node, cell, digit, forced), forward(cell, digit, forced)
    assert set(ours) == set(theirs) == set("hcifgop")
    for name in ours:
        assert np.abs(ours[name] - theirs[name]).max() < 1e-9, name
    if forced:
        assert (ours[forced["gate"]][8:17] == forced["value"]).all()
        assert not (ours[forced["gate"]][[7, 17]] == forced["value"]).any()


def test_relu(node, mnist):
    model = rnn_classifier(16, activation="relu")
    assert np.allclose(in_node(node, read_model(model), mnist.x_test[0])["p"][-1],
                       keras.ops.softmax(model(mnist.x_test[:1]))[0], atol=1e-5)


def test_what_lies_before_the_changed_row_is_left_and_the_rest_is_as_if_computed_anew(node, mnist):
    cell = read_model(random_model(lstm_classifier, 8, 6))
    before, after = mnist.x_test[0], mnist.x_test[0].copy()
    after[13:] = mnist.x_test[900][13:]
    both = node(START + """
        const trace = m.run(cell, images.subarray(0, 784), m.makeTrace(cell, 28));
        trace.h[0] = 9;  // a mark that a full pass would wipe out
        answer([...m.run(cell, images.subarray(784), trace, null, 13).h]);
    """, **passed(cell), digits=np.array([before, after]))
    h = np.reshape(both, (28, 8))
    assert h[0, 0] == 9
    assert np.abs(h - forward(cell, after)["h"])[1:].max() < 1e-9


def test_the_survey_counts_what_numpy_counts(node, mnist):
    cell = read_model(random_model(lstm_classifier, 8, 7, scale=1.0))
    forced = {"gate": "f", "value": 0.2, "first": 5, "last": 20}
    images, labels = mnist.x_test[::50], mnist.y_test[::50]
    found = node(START + """
        const seen = [];
        const survey = await m.survey(cell, { images, labels: Uint8Array.from(labels), steps: 28 }, forced,
                                      { slice: -1, progress: (done) => seen.push(done) });
        answer({ said: [...survey.said], rightAfter: [...survey.rightAfter], n: survey.n, seen });
    """, **passed(cell), digits=images, labels=labels, forced=forced)
    said = np.array([forward(cell, image, forced)["p"].argmax(axis=1) for image in images])
    assert found["n"] == 20 and found["seen"] == list(range(1, 21))
    assert found["said"] == said[:, -1].tolist()
    assert found["rightAfter"] == (said == labels[:, None]).sum(axis=0).tolist()


def test_the_survey_stops_when_told(node, mnist):
    found = node(START + """
        let asked = 0;
        answer(await m.survey(cell, { images, labels: Uint8Array.from(labels), steps: 28 }, null,
                              { slice: -1, go: () => ++asked < 3 }));
    """, **passed(read_model(rnn_classifier(4))), digits=mnist.x_test[:10], labels=mnist.y_test[:10])
    assert found is None


@pytest.mark.parametrize("right, n", [(0, 500), (1, 10), (250, 500), (478, 500), (500, 500)])
def test_the_interval_is_wilsons(node, right, n):
    ours = node("answer(m.wilson(right, n));", right=right, n=n)
    theirs = binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert np.allclose(ours, [theirs.low, theirs.high], atol=1e-6)


def test_softmax_of_huge_logits_is_finite(node):
    assert node("const z = Float64Array.of(1000, 999, -1000); m.softmax(z); answer([...z]);") == pytest.approx(
        [0.7310586, 0.2689414, 0.0], abs=1e-6)


def test_weights_that_do_not_fit_are_refused(node):
    message = node("""
        try { m.readCell({ kind: "rnn", features: 2, units: 3, classes: 2 }, new DataView(new ArrayBuffer(8))); answer(""); }
        catch (error) { answer(error.message); }
    """)
    assert message == "26 weights were expected, 2 came."
