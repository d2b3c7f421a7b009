"""The browser of the tests: one Chromium for all of them in a process."""

import os

import pytest

from course_utils.kit.chromium import browser, find_chromium


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium; without one a skip that says what is missing, and a failure where all must run."""
    try:
        find_chromium()
    except FileNotFoundError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
    with browser() as running:
        yield running
