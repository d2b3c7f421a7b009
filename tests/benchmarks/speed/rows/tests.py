"""Row 5, its long part: the whole `make test`, against the same tests one after the other. Run by name: `--rows tests`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

from ..workers import ROOT, Missing

NAME, MINUTES = "tests", 30
CODE = ("course_utils/**/*.py", "notebooks/*.ipynb", "tests/*.py", "tests/benchmarks/speed/rows/tests.py")
WAYS = {"make test": ["make", "--no-print-directory", "test"], "one process (make test JOBS=0)": ["make", "--no-print-directory", "test", "JOBS=0"]}


def cases() -> dict[str, Callable[[dict], None]]:
    """One."""
    return {"make test": measure}


def title(case: str) -> tuple[str, str]:
    """Words and unit."""
    return "the whole `make test`", "s"


def measure(outcome: dict) -> None:
    """Once each: they take many minutes."""
    for name, command in WAYS.items():
        begun = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "CI": "true"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if done.returncode:
            raise Missing(f"`{' '.join(command)}` failed ({done.returncode}); run it to see why")
        outcome["samples"][name] = [time.perf_counter() - begun]
