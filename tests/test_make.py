"""make finds a suitable Python among the names there are, and says so when there is none."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="make is not used on Windows")

# Stand-ins for interpreters: one that suits, one that is too old, one that exists and fails as pyenv's shims do.
GOOD = '#!/bin/sh\n[ "$1" = -c ] && exit 0\necho "set up by ${0##*/}"; mkdir -p .venv; : > .venv/unrolled-ready\n'
OLD = '#!/bin/sh\n[ "$1" = -c ] && case "$2" in *"(3, 6)"*) exit 0;; *) exit 1;; esac\necho "Set-up stopped. too old" >&2; exit 1\n'
SHIM = '#!/bin/sh\necho "command not found" >&2; exit 127\n'


@pytest.fixture
def checkout(tmp_path):
    """A folder with what make looks at, and a path that holds only the named interpreters."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "course_utils/kit/bootstrap.py", "course_utils/kit/jupyter.py",
                 "course_utils/kit/saved_pictures.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    for tool in ("make", "sh", "sed", "awk", "mkdir"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    return tmp_path


def make(checkout, *arguments, **interpreters):
    for name, script in interpreters.items():
        path = checkout / "bin" / name.replace("_", ".")
        path.write_text(script)
        path.chmod(0o755)
    environment = {"PATH": str(checkout / "bin")}
    return subprocess.run(["make", "--no-print-directory", *arguments], cwd=checkout, env=environment, capture_output=True, text=True)


def test_a_name_that_fails_or_is_too_old_is_passed_over(checkout):
    done = make(checkout, "setup", python3_13=SHIM, python3_12=OLD, python3=GOOD)
    assert done.returncode == 0 and "set up by python3\n" in done.stdout and done.stderr == ""
    again = make(checkout, "setup")
    assert again.returncode == 0 and "set up" not in again.stdout


def test_python_names_the_one_to_use(checkout):
    assert "set up by python3.11" in make(checkout, "setup", "PYTHON=python3.11", python3_13=GOOD, python3_11=GOOD).stdout


def test_a_changed_lock_sets_up_again(checkout):
    make(checkout, "setup", python3=GOOD)
    os.utime(checkout / "requirements.lock", (2e9, 2e9))
    assert "set up by" in make(checkout, "setup").stdout


def test_only_an_old_one_runs_far_enough_to_say_so(checkout):
    done = make(checkout, "setup", python3=OLD, python=SHIM)
    assert done.returncode != 0 and "too old" in done.stderr


def test_none_at_all_is_a_sentence(checkout):
    done = make(checkout, "setup", python3=SHIM)
    assert done.returncode != 0 and "Python 3.11, 3.12 or 3.13 is needed and none was found" in done.stderr


def test_make_alone_lists_every_target(checkout):
    listed = set(re.findall(r"^  ([a-z-]+) ", make(checkout).stdout, flags=re.MULTILINE))
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert listed == set(declared.group(1).split())
