"""What was measured, kept case by case in docs/bench/results.json, with machine, versions, date, and a hash of the code measured."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from course_utils.kit import provenance
from course_utils.kit.environment import write_whole

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docs" / "bench" / "results.json"
HEART = ("course_utils/data.py", "course_utils/models.py", "course_utils/training.py", "course_utils/kit/jupyter.py")
HARNESS = ("tests/benchmarks/speed/workers.py", "tests/benchmarks/speed/contenders/*.py", "tests/benchmarks/speed/peers.lock")


def load(file: Path | None = None) -> dict:
    """{row: {case: outcome}}; empty where nothing is kept. ValueError for a file that is no such thing."""
    file = file or FILE
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file.name} is expected to be JSON that `make bench` wrote: {error}. Take it back from git, or delete it.") from error
    return found


def keep(row: str, case: str, outcome: dict, file: Path | None = None) -> bool:
    """Put an outcome into the file at once; an unfinished one only where no finished one stands. Whether it was put there."""
    file = file or FILE
    kept = load(file)
    if not outcome["samples"] or (not outcome["complete"] and kept.get(row, {}).get(case, {}).get("complete")):
        return False
    kept.setdefault(row, {})[case] = outcome
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(kept, indent=1) + "\n")
    return True


def blank(title: str, unit: str, code: str) -> dict:
    """An outcome in which nothing is measured yet. Samples are seconds, or what ``unit`` says, by contender and round."""
    return {"title": title, "unit": unit, "code": code, "complete": False, "date": datetime.date.today().isoformat(), "machine": machine(),
            "samples": {}, "chosen": {}, "tried": {}, "missing": {}, "versions": {}}


def code_hash(patterns: Iterable[str], root: Path = ROOT) -> str:
    """Of the files that decide what a row measures; not of the minutes that a row says it takes."""
    names = sorted({path.relative_to(root).as_posix() for pattern in patterns for path in root.glob(pattern)})
    digest = hashlib.sha256()
    for name in names:
        text = (root / name).read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name}\0".encode() + re.sub(rb"^NAME, MINUTES = .*$", b"", text, flags=re.MULTILINE))
    return digest.hexdigest()[:12]


def is_current(outcome: Mapping, code: str) -> bool:
    """Whether it is finished and the code is still the one that was measured."""
    return bool(outcome.get("complete")) and outcome["code"] == code


def machine() -> dict[str, str]:
    """Processor, cores, system and Python."""
    return {"processor": provenance.processor(), "cores": str(os.cpu_count()), "system": f"{platform.system()} {platform.machine()}", "python": platform.python_version()}
