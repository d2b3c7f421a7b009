"""Grades many submissions, one task each, on all cores or on a cluster of Dask's; only the calling process keeps results."""

from __future__ import annotations

import logging
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tqdm import tqdm

from course_utils.grading import exercises, sandbox, work
from course_utils.grading.lock import only_one

SECONDS = 120.0  # for one submission, all its attempts together
RETRIES = 2  # when a worker dies
WORKER_BYTES = 4_000_000_000  # a worker, its warmed parents and a student's TensorFlow at its peak
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

Record = dict[str, Any]
Graded = dict[str, Any]


def grade(
    records: Iterable[Record],
    *,
    read: Callable[[Record], bytes],
    save: Callable[[Graded], None],
    finished: Callable[[Record], Graded | None] = lambda record: None,
    lock: Path | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    seconds: float = SECONDS,
    unsafe: bool = False,
    progress: bool = True,
) -> int:
    """Grade what is not yet graded, and save each result as soon as it is there.

    Args:
        records: one for each submission. What has a "problem" is saved as such and not run.
        read: the submitted bytes of a record.
        save: keeps one result; called in this process only, one call at a time.
        finished: the result that is kept for a record, or None. It counts when its sha256 and version are today's.
        lock: a file that keeps a second run away.
        scheduler: address of a Dask cluster whose workers have this package; None: processes of this machine.
        workers: how many of them; None: as many as cores and memory allow.
        seconds: most time for one submission.
        unsafe: run submissions without a sandbox.
        progress: show a bar with the time left.

    Returns:
        How many were saved now.

    Raises:
        SandboxRefused: there is no sandbox, and unsafe is False.
        Busy: another run holds the lock.
    """
    with ExitStack() as stack:
        if lock:
            stack.enter_context(only_one(lock))
        todo = [record for record in records if not _is_finished(record, finished(record))]
        bar = stack.enter_context(tqdm(total=len(todo), desc="grading", unit="submission", disable=not progress))
        for graded in _results(todo, read, scheduler, workers, seconds, unsafe):
            save(graded)
            bar.update()
        return len(todo)


def _is_finished(record: Record, kept: Graded | None) -> bool:
    return bool(kept) and kept.get("sha256") == record["sha256"] and kept.get("version") == exercises.version(record["lesson"])


def _results(todo: list[Record], read, scheduler: str | None, workers: int | None, seconds: float, unsafe: bool) -> Iterator[Graded]:
    """A result for each record, in the order in which they come."""
    runnable = [record for record in todo if not record.get("problem")]
    yield from (work.not_run(record, record["problem"]) for record in todo if record.get("problem"))
    if not runnable:
        return
    if not scheduler:
        sandbox.check_here(unsafe)
    seed = secrets.randbits(63)  # students see the inputs only while they are graded, and no sandbox reaches another
    unreadable: list[Graded] = []
    with _client(scheduler, workers) as client:
        read_now = _read_one_by_one(runnable, read, unreadable)
        yield from _fanned_out(client, ((record, _job(record, notebook, seed, seconds, unsafe)) for record, notebook in read_now))
    yield from unreadable


def _read_one_by_one(records: list[Record], read, unreadable: list[Graded]) -> Iterator[tuple[Record, bytes]]:
    """Each record with its bytes, when it is its turn; a result that is not final for a file that cannot be read."""
    for record in records:
        try:
            notebook = read(record)
        except OSError as error:
            why = f"The collected file cannot be read ({error.strerror or error}). Collect this submission again, then grade."
            unreadable.append({**work.not_run(record, why), "version": ""})
        else:
            yield record, notebook


def _job(record: Record, notebook: bytes, seed: int, seconds: float, unsafe: bool) -> dict[str, Any]:
    return {"student": record["student"], "lesson": record["lesson"], "notebook": notebook, "seed": seed, "seconds": seconds, "unsafe": unsafe}


@contextmanager
def _client(scheduler: str | None, workers: int | None):
    """A client of the cluster at this address, or of one that is made here and ends with the block."""
    import dask
    from dask.system import CPU_COUNT
    from distributed import Client, LocalCluster, Security
    from distributed.system import MEMORY_LIMIT

    if scheduler:
        with Client(scheduler) as client:
            yield client
        return
    count = workers or max(1, min(CPU_COUNT, MEMORY_LIMIT // WORKER_BYTES))
    quiet = {
        "distributed.admin.large-graph-warning-threshold": "1GB", "distributed.comm.timeouts.connect": "60s",
        # Dask's HTTP server cannot be switched off, so it has nothing to tell and listens to this machine only.
        "distributed.scheduler.http.routes": [], "distributed.worker.http.routes": [],
    }
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(quiet))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="unrolled-dask-", ignore_cleanup_errors=True))
        # With certificates made for this run nobody else on this machine can send work to the workers.
        settings = dict(
            n_workers=count, processes=True, threads_per_worker=1, memory_limit=0, security=Security.temporary(), dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"}, silence_logs=logging.CRITICAL,
            local_directory=folder, env=QUIET,
        )
        cluster = stack.enter_context(_started(lambda: LocalCluster(**settings)))
        yield stack.enter_context(Client(cluster))


def _started(make):
    """A cluster; made again when one of its workers died before all of them were there, which Dask does not mend."""
    for _ in range(RETRIES):
        with suppress(RuntimeError):
            return make()
    return make()


def _fanned_out(client, jobs: Iterator[tuple[Record, dict[str, Any]]]) -> Iterator[Graded]:
    """Submit jobs, only a few more than there are workers, so that memory stays flat; results as they come."""
    from distributed import as_completed

    records: dict[str, Record] = {}
    running = as_completed(raise_errors=False)

    def submit_next() -> None:
        for record, job in jobs:
            future = client.submit(work.grade_one, job, key=f"grade-{secrets.token_hex(8)}", pure=False, retries=RETRIES)
            records[future.key] = record
            return running.add(future)

    for _ in range(2 * max(1, sum(client.nthreads().values()))):
        submit_next()
    for future in running:
        submit_next()
        yield _result(future, records.pop(future.key))


def _result(future, record: Record) -> Graded:
    """What a task returned; when the grader itself failed again and again, a result that says so and is not final."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, sandbox.SandboxRefused):
        raise error
    why = f"The grader itself failed ({type(error).__name__}: {str(error)[:300]}). Run the same command again."
    return {**work.not_run(record, why), "version": ""}
