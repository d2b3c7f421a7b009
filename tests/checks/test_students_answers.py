"""Answers as students write them, by somebody who had seen the exercises and not the checks: each is told what is wrong with it.

A wrong answer's docstring says what is wrong; EXPECTED has the verdict that must come, in the same order. Where an answer has
two faults, it is the one that shows first.
"""

import functools
import importlib.util
from pathlib import Path

import pytest

from course_utils.checks.diagnosis import diagnose
from course_utils.checks.evidence import ask
from course_utils.grading.exercises import PUBLIC_SEED, lessons, make_table, tasks

HERE = Path(__file__).parent
LESSON = {task.name: lesson for lesson in lessons() for task in tasks(lesson)}
HALF, NOTHING = 0.5, 0.0
EXPECTED = {
    "rnn_step": [
        ("state carried over", HALF),
        ("restart reversed", HALF),
        ("changes its input", HALF),
        ("new state dropped", HALF),
        ("bias restarted", HALF),
        ("whole batch restarted", HALF),
        ("W_h transposed", HALF),
        ("raises an error", NOTHING),
        ("wrong shape", NOTHING),
        ("returns None", NOTHING),
    ],
    "states_of_batch": [
        ("state carried over", HALF),
        ("steps before batch", HALF),
        ("reshaped for transposed", HALF),
        ("only the last state", HALF),
        ("raises an error", NOTHING),
        ("states one step late", HALF),
        ("recurrent term missing", HALF),
        ("last state everywhere", HALF),
        ("right", 1.0),  # nested lists: their numbers are right, and np.array makes an array of them
        ("states one step late", NOTHING),
    ],
    "gradient_of_w_h": [
        ("only the last step", HALF),
        ("w_x on the way back", HALF),
        ("h_t for h_(t-1)", HALF),
        ("slope of tanh missing", HALF),
        ("factor 2", HALF),
        ("sign reversed", HALF),
        ("wrong values", NOTHING),
        ("x_t for h_(t-1)", HALF),
        ("only the first step", HALF),
        ("wrong values", NOTHING),
    ],
    "epoch_of_batches": [
        ("not shuffled", HALF),
        ("two different orders", HALF),
        ("changes its input", HALF),
        ("last batch missing", HALF),
        ("same order each epoch", HALF),
        ("rng not used", HALF),
        ("only batches shuffled", HALF),
        ("parts of equal size", HALF),
        ("an empty batch at the end", HALF),
        ("no array", NOTHING),
    ],
    "old_lstm_step": [
        ("wrong gate order", HALF),
        ("forget bias missing", HALF),
        ("forget bias after the sigmoid", HALF),
        ("h before x", HALF),
        ("h and c exchanged", HALF),
        ("tanh of the cell missing", HALF),
        ("sigmoid for tanh in j", HALF),
        ("changes its input", HALF),
        ("forget bias on the candidate", HALF),
        ("wrong values", NOTHING),
    ],
    "forget_gates": [
        ("state one step late", HALF),
        ("input gate for forget gate", HALF),
        ("state missing", HALF),
        ("sigmoid missing", HALF),
        ("forget bias added again", HALF),
        ("candidate for forget gate", HALF),
        ("only the last row", HALF),
        ("last state at the first row", HALF),
        ("wrong shape", NOTHING),
        ("bias missing", NOTHING),
    ],
    "confusion_matrix": [
        ("transposed", HALF),
        ("pairs counted once", HALF),
        ("too few classes", HALF),
        ("shares for counts", HALF),
        ("diagonal left out", HALF),
        ("wrong shape", NOTHING),
        ("class 0 left out", HALF),
        ("counted in 8 bits", HALF),
        ("returns None", NOTHING),
        ("wrong shape", NOTHING),
    ],
    "recall_intervals": [
        ("precision for recall", HALF),
        ("normal interval for Wilson's", HALF),
        ("z always 1.96", HALF),
        ("wrong shape", HALF),
        ("bounds exchanged", HALF),
        ("integer division", HALF),
        ("n not squared under the root", HALF),
        ("brackets missing", HALF),
        ("no interval at 0 and 1", HALF),
        ("wrong values", NOTHING),
    ],
}
WRONG = [(name, number) for name, verdicts in EXPECTED.items() for number in range(1, len(verdicts) + 1)]


def answers(kind, name):
    """The functions of a file, by name."""
    path = HERE / kind / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{kind}_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {found: function for found, function in vars(module).items() if found.startswith(f"{name}_")}


@functools.cache
def table_of(name):
    return make_table(LESSON[name], name, PUBLIC_SEED)


def verdict(name, function):
    table = table_of(name)
    return diagnose(table, [ask(table.call, function, inputs) for inputs in table.inputs])


@pytest.mark.parametrize("name", EXPECTED)
def test_every_answer_has_an_expected_verdict(name):
    assert len(answers("wrong_answers", name)) == len(EXPECTED[name])


@pytest.mark.parametrize("name, number", WRONG, ids=[f"{name}_{number}" for name, number in WRONG])
def test_wrong_answer_is_told_what_is_wrong(name, number):
    found = verdict(name, answers("wrong_answers", name)[f"{name}_{number}"])
    assert (found.name, found.share) == EXPECTED[name][number - 1], found.sentence


@pytest.mark.parametrize("name", EXPECTED)
def test_right_answers_pass(name):
    written = answers("right_answers", name)
    assert len(written) >= 4
    assert {found: verdict(name, function).sentence for found, function in written.items()} == dict.fromkeys(
        written, "Right, in all cases."
    )
