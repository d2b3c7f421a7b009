"""Where submissions cannot be run in a sandbox these tests say why they are skipped; on a build server that is a failure."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from course_utils.grading.sandbox import SandboxRefused, check_here

from . import harness, runs
from .paper import Paper

TABLE = Path(__file__).resolve().parents[2] / "build" / "faults.md"


def _missing():
    """Why there is no sandbox here; empty where there is one."""
    try:
        check_here()
    except SandboxRefused as refused:
        return str(refused)
    return ""


@pytest.fixture(scope="session", autouse=True)
def sandbox_is_there():
    """The hostile suite is not skipped in silence where it counts."""
    if reason := _missing():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"No sandbox: {reason}")


@pytest.fixture(scope="session", autouse=True)
def orphans_are_seen(sandbox_is_there):
    harness.adopt_orphans()


@pytest.fixture(scope="module")
def undisturbed():
    """Six submissions, graded once in peace: what everybody else has to come to in the end."""
    with harness.guarded() as (places, _):
        folder = places.scratch / "submissions"
        harness.hand_in_honest(folder, places, *runs.QUICK)
        runs.hand_in(folder, "exits", Paper(places).right().last("import os\nos._exit(0)").data())
        runs.hand_in(folder, "half_a_notebook", Paper(places).right().data()[:3000])
        state = places.scratch / "undisturbed"
        process, steps = harness.start(state, "all", folder), 0
        with runs.words_of(process) as words:
            for steps, _ in enumerate(runs.steps(process, state), start=1):
                pass
        assert process.returncode == 0, words
        yield SimpleNamespace(folder=folder, state=state, steps=steps, places=places, **runs.outcome(state))


def pytest_terminal_summary(terminalreporter):
    """The table of faults with their outcomes, as the last run of the batch wrote it."""
    if TABLE.is_file() and any("test_hostile" in str(report.nodeid) for report in terminalreporter.stats.get("passed", [])):
        terminalreporter.section("faults and their outcomes")
        terminalreporter.write(TABLE.read_text(encoding="utf-8"))
