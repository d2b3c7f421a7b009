"""The checks agree with themselves: what their tables hold as right is right, and each typical mistake is told by its name."""

import pytest

from course_utils.checks import TASKS
from course_utils.checks.diagnosis import diagnose, same
from course_utils.checks.features import FEATURES
from course_utils.checks.tables import load

NAMES = [(lesson, task) for lesson, tasks in TASKS.items() for task in tasks]


@pytest.fixture(scope="module", params=NAMES, ids=[task for _, task in NAMES])
def table(request):
    return load(*request.param)


def test_right_answers_are_right(table):
    assert all(outcome.kind == "arrays" for outcome in table.right)
    assert table.call in FEATURES or diagnose(table, table.right).right


def test_each_mistake_differs_and_has_its_name(table):
    for mistake in table.mistakes:
        assert not all(map(same, mistake.outcomes, table.right)), mistake.name
        assert table.call in FEATURES or diagnose(table, mistake.outcomes).name == mistake.name


def test_there_are_three_hints(table):
    assert len(set(table.hints)) == 3
