"""Runs in the sandbox: a student's cells in their order, then each task's function on the grader's inputs.

Whatever a cell does to this process, it can do no more than answer, or not answer: what is sent is judged elsewhere.
"""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import sys
from collections.abc import Callable

import numpy as np
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from course_utils.checks import evidence
from course_utils.grading import frames

MOST_TEXT = 20_000  # characters that one cell shows
MOST_TEXT_IN_ALL = 200_000
MOST_PICTURES = 8  # of one submission
MOST_PICTURE = frames.MOST[frames.PICTURE]


class TimeLimit(BaseException):
    """A cell or a task took too long. Not an Exception, so that `except Exception` does not swallow it."""


class Outputs:
    """Sends what cells show, and stops sending when it is too much: a million lines cost no more than their time."""

    def __init__(self, send: Callable[[int, bytes], None]) -> None:
        self._send, self._all, self._pictures = send, MOST_TEXT_IN_ALL, MOST_PICTURES
        self._kind, self._text, self._left, self._cut = frames.STDOUT, [], 0, False

    def begin(self, most: int) -> None:
        """So many characters may come now."""
        self._left, self._cut = min(most, self._all), False

    def text(self, kind: int, text: str) -> None:
        """Text on stdout or stderr; neighbours become one frame."""
        if kind != self._kind:
            self.flush()
            self._kind = kind
        if self._left > 0:
            self._text.append(text[: self._left])
        self._spend(len(text))

    def error(self, name: str, value: str, traceback: list[str]) -> None:
        self.flush()
        parts = (name[:200], value[:2_000], "\n".join(traceback)[-8_000:])
        self._send(frames.ERROR, _utf8("\0".join(part.replace("\0", "") for part in parts)))

    def picture(self, png: bytes) -> None:
        self.flush()
        if self._pictures > 0 and len(png) <= MOST_PICTURE:
            self._pictures -= 1
            self._send(frames.PICTURE, png)
        else:
            self._send(frames.CUT, b"A picture was left out: too large, or too many of them.")

    def flush(self) -> None:
        text, self._text = "".join(self._text), []
        if text:
            self._send(self._kind, _utf8(text))

    def end(self) -> None:
        self.flush()
        if self._cut:
            self._send(frames.CUT, b"The output was cut here: it was too long.")

    def _spend(self, count: int) -> None:
        self._cut = self._cut or count > self._left
        self._all -= min(count, max(self._left, 0))
        self._left -= count


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr of a notebook."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, outputs: Outputs, kind: int) -> None:
        self._outputs, self._kind = outputs, kind

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outputs.text(self._kind, text)
        return len(text)


class Shown(DisplayPublisher):
    """`display(...)`: a picture, or else its plain text. HTML and scripts are not shown at all."""

    outputs: Outputs | None = None

    def publish(self, data, metadata=None, *, transient=None, update=False, **kwargs) -> None:
        png, text = data.get("image/png"), data.get("text/plain")
        if png:
            self.outputs.picture(base64.b64decode(png) if isinstance(png, str) else bytes(png))
        elif text:
            self.outputs.text(frames.STDOUT, f"{text}\n")

    def clear_output(self, wait=False) -> None:
        pass


class Result(DisplayHook):
    """The value of a cell's last line."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict, md_dict=None) -> None:
        self.shell.display_pub.publish(format_dict, md_dict)


class Shell(InteractiveShell):
    """IPython as a notebook knows it (magics, `_`, top-level await), without a terminal, a history or a kernel."""

    display_pub_class = Type(Shown)
    displayhook_class = Type(Result)

    def _showtraceback(self, etype, evalue, stb) -> None:
        try:
            value = str(evalue)
        except Exception:
            value = "<its message could not be made>"
        self.display_pub.outputs.error(getattr(etype, "__name__", "Error"), value, [str(line) for line in stb])

    def enable_gui(self, gui=None) -> None:
        pass

    def ask_exit(self) -> None:
        print("exit() and quit() do nothing here.")


def make_shell() -> Shell:
    """The shell that every child finds ready. It starts no thread."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = Shell.instance(config=config)
    shell.display_formatter.active_types = ["text/plain", "image/png"]
    return shell


def rehearse(shell: Shell) -> None:
    """Let an error be shown once, and leave no trace of it: the first time takes as long as a hundred others."""
    shell.display_pub.outputs = Outputs(lambda kind, content=b"": None)
    shell.run_cell("1 / 0\n")
    shell.display_pub.outputs = None
    shell.reset(new_session=True)


def run(request: bytes, send: Callable[[int, bytes], None], shell: Shell) -> None:
    """Run a request and send what happens.

    Args:
        request: JSON: cells [{"number", "source"}], tasks [{"number", "function", "call", "inputs": base64 of pack_inputs}],
            seconds: most for one cell and for one task.
        send: writes a frame.
        shell: from `make_shell`.
    """
    asked = json.loads(request)
    outputs = Outputs(send)
    shell.display_pub.outputs = outputs
    stdout, stderr = Stream(outputs, frames.STDOUT), Stream(outputs, frames.STDERR)
    limited = limiter(asked["seconds"])
    for cell in asked["cells"]:
        send(frames.CELL, b"%d" % cell["number"])
        sys.stdout, sys.stderr = stdout, stderr  # a cell may have replaced them, and the next one is not to blame
        outputs.begin(MOST_TEXT)
        if limited(lambda: shell.run_cell(cell["source"], store_history=True)):
            outputs.error("TimeLimit", f"This cell took longer than {asked['seconds']:g} s and was stopped.", [])
        outputs.end()
    for task in asked["tasks"]:
        send(frames.TASK, b"%d" % task["number"])
        outputs.begin(0)
        answer: list = []
        if limited(lambda: answer.extend(_ask(shell, task))):
            send(frames.LATE)
        elif answer:
            send(*answer)
    send(frames.DONE)


def _ask(shell: Shell, task: dict) -> list:
    """The frame that answers for one task: its evidence, or that there is no such function."""
    if task["function"] not in shell.user_ns:
        return [frames.ABSENT]
    function, cases = shell.user_ns[task["function"]], evidence.unpack_inputs(base64.b64decode(task["inputs"]))
    return [frames.EVIDENCE, evidence.pack([evidence.ask(task["call"], function, inputs) for inputs in cases])]


def limiter(seconds: float) -> Callable[[Callable[[], object]], bool]:
    """A function that calls another within so many seconds, and says whether it was stopped.

    It raises TimeLimit in what takes longer, again and again. Who swallows every one is ended from outside.
    """
    set_timer, set_handler, alarm, timer, unblock = signal.setitimer, signal.signal, signal.SIGALRM, signal.ITIMER_REAL, signal.pthread_sigmask

    def stop(number, frame):
        raise TimeLimit(f"This took longer than {seconds:g} s and was stopped.")

    def limited(function: Callable[[], object]) -> bool:
        late = False
        try:
            set_handler(alarm, stop)
            unblock(signal.SIG_UNBLOCK, [alarm])
            set_timer(timer, seconds, 1.0)
            function()
        except TimeLimit:
            late = True
        except BaseException:  # IPython shows errors itself; what comes here came from code that a notebook has spoiled
            pass
        finally:
            try:
                set_timer(timer, 0)
            except TimeLimit:
                set_timer(timer, 0)
        return late

    return limited


def begin(request: int, results: int, shell: Shell) -> None:
    """Read the request from one file, run it, send to the other; the last thing that a child does."""
    with os.fdopen(request, "rb") as file:
        file.seek(0)
        content = file.read()
    np.random.seed()  # else every student draws the numbers that the parent would have drawn
    run(content, frames.sender(results), shell)
