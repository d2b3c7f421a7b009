"""The explorer's Python side: counts of all digits, which of them travel, what it takes and refuses, what the kernel hands on."""

import base64
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
from course_utils.training import fast_states
from course_utils.widgets import MissExplorer
from course_utils.widgets.explorer import probabilities_by_row
from course_utils.widgets.weights import read_model


@pytest.fixture(scope="module")
def mnist():
    return load_mnist("embedded", verbose=False)


@pytest.fixture(scope="module")
def models():
    """Both lean to a class or two, so that their matrices are full of mistakes."""
    return {"LSTM": lstm_classifier(12, seed=4), "RNN": rnn_classifier(9, seed=4)}


@pytest.fixture(scope="module")
def explorer(models, mnist):
    return MissExplorer(models, mnist.x_test, mnist.y_test)


@pytest.mark.parametrize("build", [lambda: lstm_classifier(12), lambda: rnn_classifier(9), lambda: rnn_classifier(9, activation="relu")])
def test_probabilities_after_each_row_are_those_of_keras(build, mnist):
    model = build()
    theirs = keras.ops.softmax(model.layers[-1](fast_states(model, mnist.x_test[:50])))
    assert np.allclose(probabilities_by_row(read_model(model), mnist.x_test[:50]), theirs, atol=1e-5)


def test_the_matrix_counts_all_digits_as_keras_reads_them(explorer, models, mnist):
    for network in explorer.networks:
        said = models[network["name"]].predict(mnist.x_test, verbose=0).argmax(axis=1)
        counts = np.zeros((10, 10), int)
        np.add.at(counts, (mnist.y_test, said), 1)
        assert network["counts"] == counts.tolist()
        assert network["rightAfter"][-1] == np.trace(counts) and len(network["rightAfter"]) == 28
        assert explorer.wrong(network["name"]) == 1000 - np.trace(counts)
    assert explorer.total == 1000


def test_the_gallery_is_sorted_as_it_says(explorer, models, mnist):
    p = np.array(keras.ops.softmax(models["RNN"].predict(mnist.x_test, verbose=0)))
    said, ordered = p.argmax(axis=1), np.sort(p, axis=1)
    a, b = np.unravel_index((c := np.array(explorer.networks[1]["counts"]) * (1 - np.eye(10))).argmax(), c.shape)
    for sort, values in [("surest first", -p.max(axis=1)), ("least sure first", p.max(axis=1)),
                         ("widest margin first", ordered[:, -2] - ordered[:, -1]), ("narrowest margin first", ordered[:, -1] - ordered[:, -2])]:
        for cell, inside in [((a, b), (mnist.y_test == a) & (said == b)), (None, mnist.y_test != said)]:
            numbers = explorer.listed("RNN", cell, sort)
            assert sorted(numbers) == np.flatnonzero(inside).tolist()
            assert (np.diff(values[numbers]) > -1e-6).all()


def test_few_misses_all_travel_with_evenly_spaced_others(mnist):
    explorer = MissExplorer()
    missed, saved = explorer.listed(), explorer._saved
    assert 0 < len(missed) < 60 and set(missed) <= set(saved) and len(saved) == 500
    others = np.setdiff1d(saved, missed)
    assert len(np.unique(others // 100)) == 10  # from all parts of the test set
    assert "all 1,000 of the embedded test digits; 500 of them are saved" in explorer.about


def test_of_many_misses_500_travel_and_the_chosen_digit_in_any_case(models, mnist):
    chosen = MissExplorer(models, mnist.x_test, mnist.y_test, state={"digit": 777})
    assert len(chosen._saved) == 500 and 777 in chosen._saved
    few = MissExplorer(models, mnist.x_test[:7], mnist.y_test[:7])
    assert few._saved.tolist() == list(range(7))


def test_what_travels_is_read_in_the_browser_as_it_was_written(node, explorer):
    facts = node("""
        const bytes = m.fromBase64(packed), odd = new Uint8Array(bytes.length + 3);
        odd.set(bytes, 3);  // Jupyter hands bytes over at any address
        const { numbers, labels, nets } = m.readFacts(new DataView(odd.buffer, 3), 2);
        answer([[...numbers], [...labels], ...nets.flatMap((net) => [[...net.confidence], [...net.margin], [...net.said]])]);
    """, component="explorer", packed=base64.b64encode(explorer.facts).decode())
    answers = [values[explorer._saved] for each in explorer._answers.values() for values in (each.confidence, each.margin, each.said)]
    for ours, theirs in zip(facts, [explorer._saved, explorer._labels[explorer._saved], *answers], strict=True):
        assert np.array_equal(np.float32(ours), np.float32(theirs))


def test_the_kernel_hands_on_what_is_not_saved(explorer):
    sent = []
    explorer.send = lambda content, buffers: sent.append((content, buffers))
    missing = [int(number) for number in np.setdiff1d(np.arange(1000), explorer._saved)[:3]]
    explorer._hear(explorer, {"want": "images", "numbers": [*missing, 4000]}, [])
    explorer._hear(explorer, {"want": "facts"}, [])
    explorer._hear(explorer, {"something": "else"}, [])
    (images, [pixels]), (facts, [packed]) = sent
    assert images == {"have": "images", "numbers": missing} and pixels == explorer._images[missing].tobytes()
    assert facts == {"have": "facts"} and packed == explorer._facts(np.arange(1000))


def test_a_state_is_restored_exactly(models, mnist):
    image = mnist.x_test[7] * (mnist.x_test[7] > 0.5)
    state = {"network": "RNN", "cell": (np.int64(3), 5), "sort": "narrowest margin first", "digit": 7, "image": image, "row": 17}
    explorer = MissExplorer(models, mnist.x_test, mnist.y_test, state=state)
    again = MissExplorer(models, mnist.x_test, mnist.y_test, state=json.loads(json.dumps(explorer.state)))
    assert again.state == explorer.state and again.state["cell"] == [3, 5]
    assert np.array_equal(again.image.astype(np.float32), image) and again.changed
    assert f"Of digit 7, a {mnist.y_test[7]}, changed by hand, after row 17 of 28 the LSTM says" in again.caption()


def test_a_digit_that_does_not_travel_is_kept_with_its_image(models, mnist):
    explorer = MissExplorer(models, mnist.x_test, mnist.y_test)
    missing = int(np.setdiff1d(np.arange(1000), explorer._saved)[0])
    explorer.state = {"digit": missing}
    assert explorer.state["image"] is not None and not explorer.changed
    assert np.array_equal(explorer.image.astype(np.float32), mnist.x_test[missing])


def test_without_a_digit_it_starts_at_the_first_of_the_gallery():
    explorer = MissExplorer()
    assert explorer.state["digit"] == explorer.listed()[0]
    blank = MissExplorer(state={"image": np.zeros((28, 28))})
    assert blank.state["digit"] is None and "Of a digit drawn by hand, after row 28 of 28 the LSTM says" in blank.caption()


@pytest.mark.parametrize("state, said", [
    ({"rows": 3}, "received rows"), ({"network": "GRU"}, "LSTM, RNN"), ({"sort": "best"}, "surest first"), ({"cell": 4}, "[true, said]"),
    ({"cell": [4, 10]}, "from 0 to 9"), ({"cell": [True, 1]}, "True"), ({"digit": 1000}, "from 0 to 999"), ({"digit": -1}, "-1"),
    ({"row": 29}, "from 1 to 28"), ({"image": np.zeros((14, 14))}, "(28, 28)"), ({"image": "AAAA"}, "784")])
def test_impossible_states_are_refused(models, mnist, state, said):
    with pytest.raises((ValueError, TraitError), match=re.escape(said)):
        MissExplorer(models, mnist.x_test, mnist.y_test, state=state)


@pytest.mark.parametrize("given, said", [
    ({}, "one or two by names"), (dict.fromkeys("abc"), "['a', 'b', 'c']"), ({"a long name for it": None}, "1 to 12 letters"), ({1: None}, "[1]"),
    ({"a": "model"}, "str, which has no layers"), ("model", "str, which has no layers"),
    (lambda: {"a": rnn_classifier(3), "b": rnn_classifier(3, classes=4)}, "10 and 4"),
    (lambda: {"a": rnn_classifier(3, layers=2)}, "SimpleRNN, then SimpleRNN"), (lambda: {"a": lstm_classifier(4, features=14)}, "rows of 14")])
def test_other_models_are_refused(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        MissExplorer(given() if callable(given) else given)


@pytest.mark.parametrize("images, labels, said", [
    (np.zeros((3, 14, 14)), [1, 2, 3], "(3, 14, 14)"), (np.zeros((0, 28, 28)), [], "at least one image"), (np.full((1, 28, 28), 255), [1], "Divide"),
    (np.zeros((2, 28, 28)), [1], "2 whole numbers"), (np.zeros((1, 28, 28)), [10], "0 to 9"), (np.zeros((1, 28, 28)), None, "both or neither")])
def test_other_digits_are_refused(models, images, labels, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        MissExplorer(models, images, labels)


def test_one_model_and_other_numbers_of_classes(mnist):
    explorer = MissExplorer(rnn_classifier(4, classes=3), mnist.x_test[:50], mnist.y_test[:50] % 3)
    assert repr(explorer) == "MissExplorer(SimpleRNN with 4 units, 50 digits, 50 of them saved)"
    assert explorer.networks[0]["name"] == "RNN" and np.shape(explorer.networks[0]["counts"]) == (3, 3)


def test_a_still_stands_in_where_no_script_runs(explorer):
    data, metadata = explorer._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG") and "application/vnd.jupyter.widget-view+json" in data
    assert metadata["image/png"]["alt"] == explorer.caption()
    assert re.match(r"Of 1,000 digits the LSTM reads \d+ wrong and the RNN reads \d+ wrong\. Of digit \d+, a \d, after row 28", explorer.caption())
    assert matplotlib.pyplot.get_fignums() == []


def test_it_is_small(mnist):
    explorer = MissExplorer()
    assert len(explorer.images) + len(explorer.facts) < 120_000


def test_the_title_of_the_still_fits_on_it(explorer):
    assert_title_fits(explorer.still())


def assert_title_fits(figure):
    title = figure._suptitle.get_window_extent(figure.canvas.get_renderer())
    matplotlib.pyplot.close(figure)
    assert 0 <= title.x0 and title.x1 <= figure.bbox.width
