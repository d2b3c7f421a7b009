"""A small private record of what was tried and what is done; it stays on this machine."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path

MOST_LINES = 5000


def journal_file() -> Path:
    """COURSE_JOURNAL, else a file in the system's place for a user's data. It need not exist."""
    from platformdirs import user_data_dir

    return Path(os.environ.get("COURSE_JOURNAL") or Path(user_data_dir("unrolled", appauthor=False)) / "journal.jsonl").expanduser()


def note(task: str, verdict: str) -> None:
    """Add a line. A journal that cannot be written must not keep anybody from learning: then there is none."""
    line = json.dumps({"at": datetime.now(timezone.utc).isoformat(timespec="seconds"), "task": task, "verdict": verdict})
    try:
        journal_file().parent.mkdir(parents=True, exist_ok=True)
        with journal_file().open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError:
        pass


def read() -> list[dict[str, str]]:
    """The newest lines that can be read, oldest first; broken ones are left out."""
    try:
        lines = journal_file().read_text(encoding="utf-8", errors="replace").splitlines()[-MOST_LINES:]
    except OSError:
        return []
    entries = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("at", "task", "verdict")):
            entries.append(entry)
    return entries


def progress(tasks: list[str]) -> dict[str, str]:
    """Task -> "right" once it was right, else the last verdict, "" when it was never checked."""
    done = dict.fromkeys(tasks, "")
    for entry in read():
        if entry["task"] in done and done[entry["task"]] != "right":
            done[entry["task"]] = entry["verdict"]
    return done
