"""A headless Chromium of the system's, driven by playwright; no other host is within its reach."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
             "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]


def find_chromium() -> str:
    """The Chromium that COURSE_CHROMIUM names or that is on the path. FileNotFoundError when there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("COURSE_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise FileNotFoundError("Chromium was expected on the path and is not there: install it, or name it in COURSE_CHROMIUM.")
    return found


@contextmanager
def browser() -> Iterator:
    """It runs until the block ends. FileNotFoundError when there is none."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield chromium
        chromium.close()
