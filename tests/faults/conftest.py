"""Where submissions cannot be run in a sandbox these tests say why they are skipped; on a build server that is a failure."""

import os
from pathlib import Path

import pytest

from course_utils.grading.sandbox import SandboxRefused, check_here

from . import harness

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


def pytest_terminal_summary(terminalreporter):
    """The table of faults with their outcomes, as the last run of the batch wrote it."""
    if TABLE.is_file() and any("test_hostile" in str(report.nodeid) for report in terminalreporter.stats.get("passed", [])):
        terminalreporter.section("faults and their outcomes")
        terminalreporter.write(TABLE.read_text(encoding="utf-8"))
