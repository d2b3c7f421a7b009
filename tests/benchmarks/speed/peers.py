"""The peers' own environment, build/peers: PyTorch's CPU build and JAX, as peers.lock pins them.

    python tests/benchmarks/bench.py --peers            # make the environment
    python tests/benchmarks/bench.py --lock-peers       # take the newest releases, and write the lock

Nothing of them is needed to use, to test or to teach the course.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "build" / "peers"
WANTED = Path(__file__).with_name("peers.in")
LOCK = Path(__file__).with_name("peers.lock")
COMMAND = "make bench-peers"
# PyTorch's own index of builds without CUDA; where it is not reached, pip goes on with what it finds elsewhere.
PIP = ["-m", "pip", "--disable-pip-version-check", "install", "--only-binary=:all:", "--retries", "0", "--extra-index-url", "https://download.pytorch.org/whl/cpu"]
HEAD = """\
# Made by `python tests/benchmarks/bench.py --lock-peers` from peers.in: change that, not this file.
# Versions without hashes: PyTorch's build without CUDA is another file on each platform and comes from PyTorch's own index, and
# where that index is out of reach (or on macOS and Windows) from PyPI. On Linux PyPI's build brings CUDA along: it needs 5 GB.
"""


def python() -> Path | None:
    """The interpreter of the peers' environment, None where there is none."""
    path = _python()
    return path if path.is_file() else None


def make() -> int:
    """Make the environment afresh from the lock; returns 0 or pip's status."""
    _empty()
    return subprocess.run([_python(), *PIP, "--quiet", "-r", LOCK]).returncode


def lock() -> int:
    """Write the lock from the newest releases that pip finds for this Python; returns 0 or pip's status."""
    if python() is None:
        _empty()
    report = FOLDER / "report.json"
    done = subprocess.run([_python(), *PIP, "--quiet", "--dry-run", "--ignore-installed", "--report", report, "-r", WANTED])
    if done.returncode == 0:
        LOCK.write_text(HEAD + locked(json.loads(report.read_text(encoding="utf-8"))), encoding="utf-8", newline="\n")
    return done.returncode


def locked(report: dict) -> str:
    """A line for each package in pip's report, sorted, without the label of a local build ("+cpu").

    >>> locked({"install": [{"metadata": {"name": "torch", "version": "2.13.0+cpu"}}, {"metadata": {"name": "jax", "version": "0.10.2"}}]})
    'jax==0.10.2\\ntorch==2.13.0\\n'
    """
    found = sorted((entry["metadata"]["name"].lower(), entry["metadata"]["version"].partition("+")[0]) for entry in report["install"])
    return "".join(f"{name}=={version}\n" for name, version in found)


def _empty() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)


def _python() -> Path:
    return FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
