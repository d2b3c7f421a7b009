"""The lock file and environment.yml, both made from pyproject.toml; their readers, for the tests and the readiness report."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from course_utils.kit.jupyter import KERNEL_ENV, USUAL_THREADS

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
CONDA = ROOT / "environment.yml"
CONDA_PYTHON = "3.12"


def project() -> dict:
    """The table `project` of pyproject.toml. FileNotFoundError where the package does not lie in its checkout."""
    path = ROOT / "pyproject.toml"
    if not path.is_file():
        raise FileNotFoundError(f"The course's pyproject.toml was expected at {path}: use the package inside its checkout.")
    return tomllib.loads(path.read_text(encoding="utf-8"))["project"]


def direct_dependencies(*extras: str) -> list[Requirement]:
    """What pyproject.toml asks for, with the named extras."""
    table = project()
    entries = [*table["dependencies"], *(entry for extra in extras for entry in table["optional-dependencies"][extra])]
    return [Requirement(entry) for entry in entries]


def pins(lock: str) -> list[Requirement]:
    """The pinned requirements in the text of a lock file, with their markers and without hashes."""
    lines = [line.removesuffix("\\").strip() for line in lock.splitlines()]
    return [Requirement(line) for line in lines if re.match(r"[A-Za-z0-9]", line)]


def make_lock(*, upgrade: bool = False) -> int:
    """Resolve pyproject.toml for every platform with uv, write the lock and environment.yml; returns 0 or uv's status."""
    part = ROOT / "build" / "requirements.lock"
    part.parent.mkdir(exist_ok=True)
    if LOCK.is_file() and not upgrade:
        shutil.copy(LOCK, part)  # uv keeps the pins of the file it writes to
    done = subprocess.run([*uv_command(), *compile_options(), "--output-file", str(part), *(["--upgrade"] if upgrade else [])], cwd=ROOT)
    if done.returncode == 0:
        write_whole(CONDA, conda_environment(part.read_text(encoding="utf-8")))
        os.replace(part, LOCK)
    return done.returncode


def compile_options() -> list[str]:
    """uv's options for one lock that fits Linux, macOS and Windows and names no host."""
    return [
        "pip", "compile", "pyproject.toml", "--extra", "test", "--extra", "grading", "--extra", "site", "--universal", "--python-version", "3.11", "--generate-hashes",
        "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet",
    ]  # fmt: skip


def uv_command() -> list[str]:
    """uv on the path, or installed once into an environment of its own under build/: students never need it."""
    if found := shutil.which("uv"):
        return [found]
    venv = ROOT / "build" / "uv"
    scripts = venv / ("Scripts" if os.name == "nt" else "bin")
    if not (scripts / "uv").exists() and not (scripts / "uv.exe").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        subprocess.run([scripts / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
    return [str(scripts / "uv")]


def conda_environment(lock: str) -> str:
    """The text of environment.yml for the text of a lock: pip refuses hashes beside `-e .`, so it has none."""
    variables = "".join(f'  {name}: "{value}"\n' for name, value in {**KERNEL_ENV, **USUAL_THREADS}.items())
    pinned = "".join(f"      - {yaml_text(str(pin))}\n" for pin in pins(lock))
    return (
        "# Made by `make lock` from pyproject.toml and requirements.lock: change those, not this file.\n"
        "# conda and mamba: conda env create -f environment.yml, then: conda activate unrolled\n"
        "name: unrolled\n"
        "channels:\n  - conda-forge\n  - nodefaults\n"
        f"dependencies:\n  - python={CONDA_PYTHON}\n  - pip\n  - pip:\n{pinned}      - -e .\n"
        f"variables:\n{variables}"
    )


def yaml_text(entry: str) -> str:
    """A requirement as a YAML string; markers hold quotes, colons never."""
    return entry.replace('"', "'") if ";" in entry else entry


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)
