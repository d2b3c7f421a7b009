"""Verdicts: right answers of any style pass, each typical mistake is called by its name, general faults are said plainly."""

import numpy as np
import pytest
from right_variants import MAKERS, variants

from course_utils import checks
from course_utils.checks.diagnosis import RELATIVE, close, diagnose
from course_utils.checks.evidence import ask
from course_utils.checks.tables import decode, encode
from course_utils.grading.exercises import lessons, make_table, references, tasks

LESSON = {task.name: lesson for lesson in lessons() for task in tasks(lesson)}
MISTAKES = [(task.name, wrong) for lesson in lessons() for task in tasks(lesson) for wrong in task.wrong]
SEEDS = (1, 2, 3)
VARIANTS = 64  # of each of the eight tasks: more than 500


@pytest.fixture(scope="module")
def table():
    """The table of a task for a seed, made once."""
    made = {}

    def get(name, seed=1):
        if (name, seed) not in made:
            made[name, seed] = make_table(LESSON[name], name, seed)
        return made[name, seed]

    return get


def verdict(table, function):
    return diagnose(table, [ask(table.call, function, inputs) for inputs in table.inputs])


def test_package_and_sources_name_the_same_tasks():
    assert {lesson: tuple(task.name for task in tasks(lesson)) for lesson in lessons()} == checks.TASKS
    assert set(MAKERS) == set(LESSON)


@pytest.mark.parametrize("name", LESSON)
def test_reference_is_right_on_any_inputs(table, name):
    reference = references(LESSON[name])[name]
    for seed in SEEDS:
        assert verdict(table(name, seed), reference) == (True, 1.0, "right", "Right, in all cases.")


@pytest.mark.parametrize("name", LESSON)
def test_no_false_alarm_on_right_answers_of_other_styles(table, name):
    alarms = [
        (pieces, found.sentence)
        for pieces, answer in variants(name, VARIANTS)
        if not (found := verdict(table(name), answer)).right
    ]
    assert alarms == []


@pytest.mark.parametrize("name, wrong", MISTAKES, ids=[f"{name}: {wrong.name}" for name, wrong in MISTAKES])
def test_each_typical_mistake_is_named_whatever_the_inputs(table, name, wrong):
    for seed in SEEDS:
        found = verdict(table(name, seed), wrong.function)
        assert (found.name, found.share, found.right) == (wrong.name, 0.5, False)
        assert found.sentence.startswith(wrong.sentence)


@pytest.mark.parametrize("name", LESSON)
def test_mistakes_stand_far_from_right_answers_and_from_each_other(table, name):
    """What tells two apart must be well above the tolerance, or rounding could turn one into the other."""
    found = table(name)
    answers = [("right", found.right), *((m.name, m.outcomes) for m in found.mistakes)]
    for n, (one, a) in enumerate(answers):
        for other, b in answers[:n]:
            assert any(apart(x, y) for x, y in zip(a, b)), f"{one} and {other} can hardly be told apart"


def apart(x, y):
    if x.kind != y.kind or [a.shape for a in x.arrays] != [a.shape for a in y.arrays]:
        return True
    gaps = [np.abs(a.astype(float) - b.astype(float)).max(initial=0) for a, b in zip(x.arrays, y.arrays)]
    return max(gaps, default=0) > 20 * RELATIVE


@pytest.mark.parametrize("name", LESSON)
def test_tables_survive_json(table, name):
    import json

    again = decode(json.loads(json.dumps(encode(table(name)))))
    for wrong in (references(LESSON[name])[name], tasks(LESSON[name])[0].wrong[0].function):
        assert verdict(again, wrong) == verdict(table(name), wrong)


def step(changed=None):
    """rnn_step with its result changed."""

    def answer(x_t, h_prev, W_x, W_h, b, is_first):
        return (changed or (lambda h: h))(np.tanh(x_t @ W_x + np.where(is_first[:, None], 0, h_prev) @ W_h + b))

    return answer


def stub(*_):
    raise NotImplementedError("Your code goes here.")


def mutating(x_t, h_prev, W_x, W_h, b, is_first):
    h_prev[is_first] = 0
    return np.tanh(x_t @ W_x + h_prev @ W_h + b)


def two_mistakes(x_t, h_prev, W_x, W_h, b, is_first):
    return 1 / (1 + np.exp(-(x_t @ W_x + b)))


GENERAL = {
    "not implemented": (stub, 0, "Not yet implemented"),
    "returns None": (step(lambda h: None), 0, "is there a `return`"),
    "raises an error": (step(lambda h: h[:, 99]), 0, "IndexError"),
    "changes its input": (mutating, 0.5, "h_prev"),
    "wrong shape": (step(lambda h: h.T), 0.5, "transposed"),
    "wrong values": (step(lambda h: h + 0.01), 0, "yours is"),
    "no array": (step(lambda h: "h_t"), 0, "should return h_t"),
    "wrong number of results": (step(lambda h: (h, h)), 0, "2 arrays"),
    "sigmoid for tanh": (two_mistakes, 0, "as well"),
}


@pytest.mark.parametrize("name", GENERAL)
def test_general_faults_are_said_plainly(table, name):
    answer, share, said = GENERAL[name]
    found = verdict(table("rnn_step"), answer)
    assert (found.name, found.share) == (name, share)
    assert said in found.sentence


def test_what_is_no_function_is_said(table):
    assert "cannot be called" in verdict(table("rnn_step"), np.zeros(3)).sentence


def test_one_axis_too_many_is_said_with_both_shapes(table):
    found = verdict(table("rnn_step"), step(lambda h: h[None]))
    assert found.share == 0.5 and "(1, 2, 3)" in found.sentence and "(2, 3), that is (batch, units)" in found.sentence


def test_a_float16_answer_is_not_close_enough_to_pass_unseen():
    assert not close(np.array([0.5]), np.array([0.5005]))
    assert close(np.array([np.nan, 1.0]), np.array([np.nan, 1.0 + 1e-6]))


def test_check_prints_the_verdict_and_notes_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_JOURNAL", str(tmp_path / "journal.jsonl"))
    checks.check_rnn_step(lambda x, h, W_x, W_h, b, first: np.tanh(x @ W_x + b))
    checks.check_rnn_step(step())
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("The recurrent term is missing. With W_x and b at zero your state should be tanh(h W_h)")
    assert said[1] == "Right, in all cases."
    assert checks.journal.progress(["rnn_step", "states_of_batch"]) == {"rnn_step": "right", "states_of_batch": ""}


def test_hints_come_one_by_one_and_stay_at_the_last(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_JOURNAL", str(tmp_path / "journal.jsonl"))
    monkeypatch.setattr(checks, "HINTS_SHOWN", {})
    for _ in range(4):
        checks.hint("gradient_of_w_h")
    assert [line[:11] for line in capsys.readouterr().out.splitlines()] == [
        "Hint 1 of 3",
        "Hint 2 of 3",
        "Hint 3 of 3",
        "Hint 3 of 3",
    ]
    with pytest.raises(ValueError, match="expected one of rnn_step, .*received 'lstm'"):
        checks.hint("lstm")


def test_a_journal_that_cannot_be_written_or_read_harms_nobody(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSE_JOURNAL", str(tmp_path))  # a folder where the file should be
    checks.check_rnn_step(step())
    assert checks.journal.read() == [] and capsys.readouterr().out == "Right, in all cases.\n"
    broken = tmp_path / "journal.jsonl"
    broken.write_bytes(b'\xff\n[1]\n{"task": 3}\n{"at": "now", "task": "rnn_step", "verdict": "bias missing"}\n')
    monkeypatch.setenv("COURSE_JOURNAL", str(broken))
    assert checks.journal.progress(["rnn_step"]) == {"rnn_step": "bias missing"}
