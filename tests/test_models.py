"""The models: sizes, shapes, seeds, any number of images and rows, and errors that name the argument."""

import numpy as np
import pytest

from course_utils.models import lstm_classifier, rnn_classifier

BUILDERS = {"rnn": rnn_classifier, "lstm": lstm_classifier}


@pytest.fixture(params=BUILDERS, ids=list(BUILDERS))
def build(request):
    return BUILDERS[request.param]


def test_the_sizes_of_the_lessons():
    assert rnn_classifier().count_params() == 28 * 128 + 128 * 128 + 128 + 128 * 10 + 10
    assert lstm_classifier().count_params() == 4 * (28 * 128 + 128 * 128 + 128) + 128 * 10 + 10


@pytest.mark.parametrize("count", [1, 3, 127, 128, 130])
def test_any_number_of_images(build, count):
    assert build(units=8).predict(np.zeros((count, 28, 28)), verbose=0).shape == (count, 10)


@pytest.mark.parametrize("rows", [1, 14, 112])
def test_any_number_of_rows(build, rows):
    assert np.array(build(units=8)(np.zeros((2, rows, 28)))).shape == (2, 10)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(build):
    first, again, other = build(units=8, seed=1), build(units=8, seed=1), build(units=8, seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), again.get_weights()))
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_no_two_matrices_start_from_the_same_numbers(build):
    kernels = [w for seed in (0, 1) for w in build(units=28, seed=seed, layers=2).get_weights() if w.ndim == 2]
    flat = [w[:2, :2].round(6).tobytes() for w in kernels]
    assert len(set(flat)) == len(flat)


def test_the_start_is_orthogonal_and_the_forget_bias_is_one():
    W_h = rnn_classifier(units=16).get_weights()[1]
    assert np.allclose(W_h @ W_h.T, np.eye(16), atol=1e-5)
    bias = lstm_classifier(units=4).get_weights()[2]
    assert bias.tolist() == [0] * 4 + [1] * 4 + [0] * 8
    assert not lstm_classifier(units=4, forget_bias=False).get_weights()[2].any()


def test_the_models_are_not_compiled(build):
    assert not build(units=4).compiled


@pytest.mark.parametrize("name", ["units", "features", "classes", "layers"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3", None])
def test_sizes_that_are_no_positive_integers_are_named(build, name, value):
    with pytest.raises(ValueError, match=f"{name} must be an integer of at least 1, but it is {value!r}"):
        build(**{name: value})


def test_an_unknown_activation_is_named():
    with pytest.raises(ValueError, match="activation must be 'tanh' or 'relu', but it is 'sigmoid'"):
        rnn_classifier(activation="sigmoid")
