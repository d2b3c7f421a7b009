"""One run of a submission in a fresh sandbox, watched from outside: what arrived, and where it ended."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import struct
import time
from dataclasses import dataclass, field
from typing import Any

from course_utils.grading import frames
from course_utils.grading.warm import Warmed

FIRST_SECONDS = 20.0  # until the first cell begins
GRACE = 4.0  # for code that swallows being stopped
MOST_OUTPUTS = 400  # of one cell
MOST_PICTURES = 8
MOST_PIXELS = 4_000  # on each side of a picture


@dataclass
class Attempt:
    """What one run showed.

    Attributes:
        outputs: number of a cell -> its outputs, as notebooks store them, clean and bounded.
        evidence: number of a task -> bytes that anybody may have written.
        late, absent: tasks that took too long; tasks whose function did not exist.
        at: ("cell" or "task", its number) where the run was when it ended; None before the first.
        ended: "done", "silent" (ended from outside), "died", "no time" or "malformed".
        how: for "died": how the process ended.
    """

    outputs: dict[int, list[dict]] = field(default_factory=dict)
    evidence: dict[int, bytes] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)
    absent: set[int] = field(default_factory=set)
    at: tuple[str, int] | None = None
    ended: str = "died"
    how: str = ""


def run(warmed: Warmed, cells: dict[int, str], tasks: dict[int, dict[str, str]], each: float, until: float) -> Attempt:
    """Run cells, then tasks, in a fresh sandbox.

    Args:
        cells: number -> source, in order.
        tasks: number -> {"function", "call", "inputs"}, in order.
        each: seconds for one cell and for one task.
        until: `time.monotonic()` at which all must be over.

    Raises:
        RuntimeError, OSError: the sandbox did not start, or its parent is gone.
    """
    request = {
        "cells": [{"number": number, "source": source} for number, source in cells.items()],
        "tasks": [{"number": number, **task} for number, task in tasks.items()],
        "seconds": each,
    }
    watched = _Watched([("cell", number) for number in cells] + [("task", number) for number in tasks])
    fd = warmed.start(json.dumps(request).encode(), max(until - time.monotonic(), 1.0))
    try:
        watched.attempt.ended = _watch(fd, watched, each + GRACE, until)
    finally:
        os.close(fd)
        watched.attempt.how = warmed.stop(died=watched.attempt.ended == "died")
    return watched.attempt


def _watch(fd: int, watched: _Watched, each: float, until: float) -> str:
    """Read frames until the end, whatever it is; how it ended."""
    reader, stage, deadline = frames.Reader(), watched.attempt.at, time.monotonic() + FIRST_SECONDS
    while not watched.done:
        left = min(deadline, until) - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            return "no time" if time.monotonic() >= until else "silent"
        data = os.read(fd, 1 << 18)
        if not data:
            return "died"
        try:
            for kind, content in reader.feed(data):
                watched.take(kind, content)
        except ValueError:
            return "malformed"
        if watched.attempt.at != stage:
            stage, deadline = watched.attempt.at, time.monotonic() + each
    return "done"


class _Watched:
    """Follows the frames of one run, and accepts them only in the order in which an honest run sends them."""

    def __init__(self, stages: list[tuple[str, int]]) -> None:
        self.attempt, self.done, self._ahead, self._pictures = Attempt(), False, stages, 0

    def take(self, kind: int, content: bytes) -> None:
        """One frame; ValueError when it has no place here."""
        attempt = self.attempt
        if self.done:
            raise ValueError("a frame after the end")
        if kind in (frames.CELL, frames.TASK):
            self._next("cell" if kind == frames.CELL else "task", int(content))
        elif kind == frames.DONE:
            self.done = self._last()
        elif attempt.at and attempt.at[0] == "cell":
            self._show(attempt.outputs[attempt.at[1]], kind, content)
        elif attempt.at:
            self._answer(attempt.at[1], kind, content)
        else:
            raise ValueError("a frame before the first cell")

    def _next(self, what: str, number: int) -> None:
        if not self._ahead or self._ahead[0] != (what, number):
            raise ValueError(f"{what} {number} is not the next one")
        self.attempt.at = self._ahead.pop(0)
        if what == "cell":
            self.attempt.outputs[number] = []

    def _last(self) -> bool:
        if self._ahead:
            raise ValueError("the end came too early")
        return True

    def _answer(self, number: int, kind: int, content: bytes) -> None:
        attempt = self.attempt
        if kind == frames.CUT or kind in (frames.STDOUT, frames.STDERR, frames.ERROR, frames.PICTURE):
            return  # what a task prints is not shown
        if number in attempt.evidence or number in attempt.late or number in attempt.absent:
            raise ValueError("a second answer")
        if kind == frames.EVIDENCE:
            attempt.evidence[number] = content
        else:
            {frames.LATE: attempt.late, frames.ABSENT: attempt.absent}[kind].add(number)

    def _show(self, outputs: list[dict], kind: int, content: bytes) -> None:
        if kind in (frames.EVIDENCE, frames.LATE, frames.ABSENT) or len(outputs) >= MOST_OUTPUTS:
            raise ValueError("no output of a cell, or too many")
        if kind == frames.PICTURE:
            self._pictures += 1
            if self._pictures > MOST_PICTURES:
                raise ValueError("too many pictures")
        outputs.append(output(kind, content))


def output(kind: int, content: bytes) -> dict[str, Any]:
    """One output as a notebook stores it: text without control characters, or a PNG; never HTML."""
    if kind == frames.PICTURE:
        return _picture(content)
    text = content.decode("utf-8", "replace")
    if kind == frames.ERROR:
        name, value, traceback = (text.split("\0", 2) + ["", ""])[:3]
        lines = clean(traceback).splitlines()
        return {"output_type": "error", "ename": clean(name)[:200], "evalue": clean(value), "traceback": lines}
    if kind == frames.CUT:
        text = f"[{text}]\n"
    return _stream("stdout" if kind == frames.STDOUT else "stderr", text)


def _stream(name: str, text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": clean(text)}


def _picture(png: bytes) -> dict[str, Any]:
    """A PNG of a reasonable size; words in place of anything else."""
    if png[:8] != b"\x89PNG\r\n\x1a\n" or png[12:16] != b"IHDR" or max(struct.unpack(">II", png[16:24].ljust(8, b"\xff"))) > MOST_PIXELS:
        return _stream("stderr", "[A picture was left out: no PNG, or too large.]\n")
    return {"output_type": "display_data", "data": {"image/png": base64.b64encode(png).decode()}, "metadata": {}}


def clean(text: str) -> str:
    """The text without colours, without what a carriage return has overwritten, without characters that show nothing."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n")
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return "".join(c for c in text if c.isprintable() or c in "\n\t")
