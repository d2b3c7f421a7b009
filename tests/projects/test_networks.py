"""Five networks of one size; what trains them says the same as the model itself."""

import numpy as np
import pytest

from course_utils.projects.networks import KINDS, PARAMETERS, build, logits_for, parameters_of, widest

SHAPES = [(28, 28, 1), (32, 32, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_counted_as_keras_counts_them_and_fill_the_budget(kind, shape):
    width = widest(kind, shape, PARAMETERS)
    count = build(kind, shape).count_params()
    assert count == parameters_of(kind, width, shape) <= PARAMETERS < parameters_of(kind, width + 1, shape)
    assert count > 0.97 * PARAMETERS


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_budget_is_used_up_as_well(kind):
    assert 0.9 * 10_000 < build(kind, (28, 28, 1), parameters=10_000).count_params() <= 10_000


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_the_training_step_sees_the_logits_that_the_model_returns(kind, shape):
    model = build(kind, shape, parameters=20_000, seed=4)
    images = np.random.default_rng(0).random((3, shape[0], shape[1] * shape[2]), dtype=np.float32)
    for weight in model.weights:  # biases too
        weight.assign_add(np.random.default_rng(1).normal(0, 0.1, weight.shape))
    answers = model(images).numpy()
    assert answers.shape == (3, 10) and np.allclose(logits_for(kind)(model, images), answers, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_fixes_the_start_and_another_seed_another(kind):
    one, same, other = (build(kind, (28, 28, 1), parameters=8_000, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other))


def test_the_two_directions_do_not_start_alike():
    both = build("bilstm", (28, 28, 1), parameters=8_000).layers[0]
    assert not np.allclose(both.forward_layer.get_weights()[0], both.backward_layer.get_weights()[0])


@pytest.mark.parametrize(("arguments", "words"), [
    (("gru", (28, 28, 1), 9_000), "expected one of dense"), (("cnn", (28, 28, 1), 700), "expected 749 or more for cnn"),
])  # fmt: skip
def test_what_cannot_be_built_is_said(arguments, words):
    with pytest.raises(ValueError, match=words):
        widest(*arguments)
