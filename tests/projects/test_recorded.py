"""The recorded tables are those of today's code, whole, and make sense."""

import math

import pytest

from course_utils.projects.__main__ import PROJECTS, runs_of
from course_utils.projects.networks import KINDS
from course_utils.projects.results import interval, mean, pick, spread
from course_utils.projects.rnn_or_cnn import PEAKS, PROJECT, TRIED_PEAKS
from course_utils.projects.runs import RECORDED, digest, read_table

each_project = pytest.mark.parametrize("project", [project for project in PROJECTS if (RECORDED / f"{project}.json").is_file()])


def test_every_project_has_a_table():
    assert {file.stem for file in RECORDED.glob("*.json")} == set(PROJECTS), "make projects"


@each_project
def test_every_run_was_made_by_the_code_as_it_is(project):
    table = read_table(project)
    assert {run.name: digest(run) for run in runs_of(project)()} == {name: run["code"] for name, run in table["runs"].items()}, "make projects"


@each_project
def test_the_table_says_where_its_numbers_come_from(project):
    table = read_table(project)
    assert {"date", "machine", "cores", "python", "tensorflow", "keras", "numpy"} <= set(table["recorded"])
    assert table["seconds"] == pytest.approx(sum(run["seconds"] for run in table["runs"].values()), abs=1)
    assert table["seconds"] < 60 * 60


def measured():
    return [run["result"] for run in read_table(PROJECT)["runs"].values() if "right" in run["result"]]


def test_each_result_agrees_with_itself():
    for result in measured():
        assert result["accuracy"] == pytest.approx(result["right"] / result["tested"]) and sum(result["right_by_class"]) == result["right"]
        assert result["low"] < result["accuracy"] < result["high"] and result["tested"] == result["images"][1]
        assert result["parameters"] <= result["budget"] and 4 * result["parameters"] < result["file_bytes"] < 4 * result["parameters"] + 60_000


def test_all_networks_learned_something():
    assert min(result["accuracy"] for result in measured()) > 0.2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10"])
def test_the_peak_of_each_network_is_the_best_of_those_tried_or_close_to_it(name, kind):
    """Half a point is what a seed does; on few held-back images, the two standard errors of the best are more."""
    (found,) = pick(read_table(PROJECT), peaks_on=name, network=kind)
    assert list(map(float, found["accuracy"])) == list(TRIED_PEAKS) and found["chosen"] == PEAKS[name][kind]
    best = max(found["accuracy"].values())
    assert found["accuracy"][f"{found['chosen']:g}"] >= best - max(0.005, 2 * math.sqrt(best * (1 - best) / found["held_back"]))


# --- What is read out of a table ---

RIGHT = [(3, 930), (1, 900), (2, 900)]  # seed, right of 1,000
TABLE = {"runs": {f"{seed}": {"result": {"seed": seed, "set": "mnist", "right": right, "tested": 1000, "accuracy": right / 1000,
                                         "latency_ms": {"median": seed}}} for seed, right in RIGHT}}  # fmt: skip


def test_runs_are_put_together_by_hand():
    found = pick(TABLE, set="mnist")
    assert [result["seed"] for result in found] == [1, 2, 3] and pick(TABLE, set="mnist", seed=2) == found[1:2] and pick(TABLE, set="x") == []
    assert mean(found, "accuracy") == pytest.approx(0.91) and spread(found, "accuracy") == pytest.approx(math.sqrt(0.0003))
    assert mean(found, "latency_ms", "median") == 2 and spread(found[:1], "accuracy") == 0


def test_the_interval_is_that_of_one_test_set_however_many_seeds():
    low, high = interval(pick(TABLE, set="mnist"))
    assert (round(low, 4), round(high, 4)) == (0.8907, 0.9262)


def test_an_empty_choice_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        mean([], "accuracy")
