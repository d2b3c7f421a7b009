"""Keeps two runs on the same state apart. The kernel frees the lock when its holder ends, however it ends."""

from __future__ import annotations

import datetime
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock


class Busy(RuntimeError):
    """Another run holds the lock; the message says who."""


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock, a file, while the block runs.

    Raises:
        Busy: another process holds it.
    """
    holder = path.with_name(f"{path.name}.holder")
    try:
        with filelock.FileLock(path, timeout=0):
            since = datetime.datetime.now().isoformat(sep=" ", timespec="minutes")
            with suppress(OSError):  # a full disk, of which the work itself will say more
                holder.write_text(json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": since}), encoding="utf-8")
            try:
                yield
            finally:
                holder.unlink(missing_ok=True)
    except filelock.Timeout:
        raise Busy(f"Another run is at work here: {_who(holder)}. Wait until it is done, or end it; nothing of it is lost.") from None


def _who(holder: Path) -> str:
    try:
        found = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {found['process']} on {found['host']}, since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has just begun"
