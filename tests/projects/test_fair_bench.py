"""The bench measures all networks alike, and refuses what would make a number worthless."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from course_utils.projects import bench
from course_utils.projects.rnn_or_cnn import recipe


@pytest.fixture(scope="module")
def data():
    """Two classes, told apart by the half in which the ink is."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    images = rng.random((300, 4, 4), dtype=np.float32) * 0.2
    images[np.arange(300), np.where(labels, 0, 2)] += 0.8
    return SimpleNamespace(x_train=images[:200], y_train=labels[:200], x_test=images[200:], y_test=labels[200:])


def network(activation=None, outputs=2):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4, 4)), keras.layers.Flatten(), keras.layers.Dense(outputs, activation=activation)])


def test_a_measurement_is_whole_and_can_be_written_down(data):
    fit = recipe("dense", seed=1, steps=60, peak=0.05)
    found = bench.measure(network(), fit, data)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["right"] == sum(found["right_by_class"]) > 95 and found["tested"] == 100 and found["parameters"] == 34
    assert found["low"] < found["accuracy"] <= found["high"] and found["file_bytes"] > 4 * 34
    assert 0 < found["latency_ms"]["low"] <= found["latency_ms"]["median"] <= found["latency_ms"]["high"]
    assert 0 < found["throughput"]["low"] <= found["throughput"]["median"] and found["throughput"]["batch"] == 100
    assert found["train_seconds"] > 0 and found["train_cpu_seconds"] > 0


def test_training_never_gets_a_test_image_and_cannot_change_the_data(data):
    seen = []

    def fit(model, images, labels):
        seen.append(images.copy())
        images[:], labels[:] = 0, 0

    before = data.x_train.copy()
    bench.measure(network(), fit, data)
    assert np.array_equal(seen[0], before) and bench.count_in_both(seen[0], data.x_test) == 0
    assert np.array_equal(data.x_train, before)


def test_the_accuracy_is_that_of_the_test_part(data):
    """Labels of the test part turned round: whatever the network has learned, it is wrong now."""
    turned = SimpleNamespace(**{**vars(data), "y_test": 1 - data.y_test})
    assert bench.measure(network(), recipe("dense", seed=1, steps=60, peak=0.05), turned)["accuracy"] < 0.05


@pytest.mark.parametrize("both", [lambda x: x, lambda x: x[:100], lambda x: x[50:150].copy(), lambda x: np.concatenate([x[:1], x[:1] + 0.5])],
                         ids=["the same array", "a slice", "copies", "one image"])  # fmt: skip
def test_test_images_among_the_training_images_are_refused(data, both):
    leaky = SimpleNamespace(**{**vars(data), "x_test": both(data.x_train)})
    with pytest.raises(ValueError, match="the training examples"):
        bench.measure(network(), pytest.fail, leaky)


def test_probabilities_are_refused_before_anything_is_trained(data):
    with pytest.raises(ValueError, match="probabilities.*softmax"):
        bench.measure(network("softmax"), pytest.fail, data)


@pytest.mark.parametrize("outputs", [1, 3])
def test_another_shape_than_a_row_of_logits_is_refused(data, outputs):
    with pytest.raises(ValueError, match=r"logits of shape \(200, 2\).*received \(200, " + str(outputs)):
        bench.measure(network(outputs=outputs), pytest.fail, data)


def test_an_answer_for_each_step_is_refused(data):
    model = keras.Sequential([keras.Input((4, 4)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="one answer a step"):
        bench.measure(model, pytest.fail, data)


def test_logits_that_are_all_positive_are_still_logits(data):
    bench.check_logits(lambda images: np.ones((len(images), 2)), data.x_test, 2)
    with pytest.raises(ValueError, match="probabilities"):
        bench.check_logits(lambda images: np.full((len(images), 2), 0.5), data.x_test, 2)


def test_a_clock_that_sleeps_shows_in_latency_and_throughput(monkeypatch):
    """Time stands still but for what the answer takes: 2 ms an example, and each tenth call a pause of 50."""
    clock, calls = [0.0], []
    monkeypatch.setattr(bench.time, "perf_counter", lambda: clock[0])

    def answer(examples):
        calls.append(len(examples))
        clock[0] += 0.002 * len(examples) + (0.05 if len(calls) % 10 == 0 else 0)

    assert bench.latency(answer, np.zeros((1, 4))) == {"median": 2.0, "low": 2.0, "high": pytest.approx(7, abs=50)}
    assert len(calls) == bench.WARM_UP + bench.REPEATS
    assert bench.throughput(answer, np.zeros((100, 4)))["median"] == 500


def test_the_file_is_the_one_that_keras_writes(tmp_path):
    model = network()
    model.save(tmp_path / "model.keras")
    assert abs(bench.file_bytes(model) - (tmp_path / "model.keras").stat().st_size) < 100
