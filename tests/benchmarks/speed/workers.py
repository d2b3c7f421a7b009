"""The parent's side: processes that are warm, stand still, and compute when they are told to, one at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from . import peers

WORKER = Path(__file__).with_name("worker.py")
ROOT = Path(__file__).resolve().parents[3]
# A user's own settings would change what is measured.
UNSET = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "XLA_FLAGS", "TF_XLA_FLAGS")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "MPLBACKEND": "agg"}


class Missing(Exception):
    """A contender that cannot take part; the text says why."""


class Contender(NamedTuple):
    """Who takes part: a name for the table, a module and a class, and the options of which the best is taken.

    An option is its words -> (arguments, environment variables). A peer runs in the peers' environment.
    """

    name: str
    module: str
    task: str
    options: Mapping[str, tuple[dict, dict]]
    peer: bool = False


class Worker:
    """One process with one contender. Errors of the contender come as Missing."""

    def __init__(self, contender: Contender, option: str, case: dict) -> None:
        arguments, variables = contender.options[option]
        python = peers.python() if contender.peer else sys.executable
        if python is None:
            raise Missing(f"its environment is not there; `{peers.COMMAND}` makes it")
        kept = {name: value for name, value in os.environ.items() if name not in UNSET}
        environment = {**kept, **QUIET, "PYTHONPATH": "" if contender.peer else str(ROOT), **variables}
        # A session of its own: Ctrl-C is for the parent, which ends its workers in order.
        self.process = subprocess.Popen([str(python), str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env=environment, text=True, start_new_session=True)
        try:
            self.versions = self._ask({"start": [contender.module, contender.task], "with": {**case, **arguments}})
        except BaseException:
            self.close()
            raise

    def call(self, method: str, into: str | None = None, **options):
        """What the contender's method returns; its arrays are in the file ``into``."""
        return self._ask({"do": method, "with": options, "into": into})

    def _ask(self, request: dict):
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Missing(f"its process ended ({self.process.wait()})")
        reply = json.loads(line)
        if "error" in reply:
            raise Missing(reply["error"].splitlines()[0][:200])
        return reply["value"]

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):  # a request that a dead process never took
                pipe.close()


@contextmanager
def workers(wanted: Mapping[str, tuple[Contender, str]], case: dict) -> Iterator[tuple[dict[str, Worker], dict[str, str]]]:
    """Workers by name, and the reason for each that could not start; all are ended at the end."""
    started, missing = {}, {}
    with ExitStack() as stack:
        for name, (contender, option) in wanted.items():
            try:
                started[name] = Worker(contender, option, case)
                stack.callback(started[name].close)
            except Missing as reason:
                missing[name] = str(reason)
        yield started, missing
