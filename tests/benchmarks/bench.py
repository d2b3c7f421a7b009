"""The kit beside what a user would take instead, every row in one run: `make bench`, `make bench ROWS=steps,inference`.

    python tests/benchmarks/bench.py [--rows steps,to_99,inference,batches,everyday,growth,tests] [--again] [--report]

What is measured is kept at once in docs/bench/results.json. An interrupted call goes on where it was; cases whose code has not
changed are not measured again, unless --again asks for it. Quiet machines only: a busy one makes everything slow, and unevenly.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time

from speed import peers, report, results
from speed.rows import batches, everyday, growth, inference, steps, tests, to_99
from speed.workers import Missing

ROWS = {row.NAME: row for row in (steps, to_99, inference, batches, everyday, growth, tests)}
USUAL = [name for name in ROWS if name != tests.NAME]


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for, then write the report; 130 after an interrupt, with what was measured kept."""
    asked = parser().parse_args(arguments)
    if asked.peers or asked.lock_peers:
        return peers.make() if asked.peers else peers.lock()
    if not asked.report:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        greet(asked.rows)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped in any way, the workers end and what was measured is kept
        try:
            for name in asked.rows:
                measure_row(name, asked.again)
        except KeyboardInterrupt:
            print("Stopped. What was measured is kept; the same command goes on.", file=sys.stderr)
            return 130
    return report.write(ROWS)


def greet(rows: list[str]) -> None:
    """What comes, how long it takes, and whether the machine is quiet and the peers are there."""
    print(f"Rows: {', '.join(rows)}; about {sum(ROWS[name].MINUTES for name in rows)} minutes on two quiet cores.", flush=True)
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.7:
        print(f"The machine is not quiet (load {os.getloadavg()[0]:.1f}): figures from a busy machine are worth little.", flush=True)
    if peers.python() is None:
        print(f"PyTorch and JAX take no part, their environment is missing; `{peers.COMMAND}` makes it.", flush=True)


def measure_row(name: str, again: bool) -> None:
    """All cases of a row that are not kept already."""
    row = ROWS[name]
    code = results.code_hash(row.CODE)
    for case, measure in row.cases().items():
        kept = results.load().get(name, {}).get(case, {})
        if results.is_current(kept, code) and not again:
            print(f"{name}, {case}: kept from {kept['date']}.", flush=True)
            continue
        print(f"{name}, {case} ...", end=" ", flush=True)
        measure_case(name, case, measure, results.blank(*row.title(case), code))


def measure_case(name: str, case: str, measure, outcome: dict) -> None:
    """One case, kept also when it is interrupted; a line about it."""
    begun = time.perf_counter()
    try:
        measure(outcome)
        outcome["complete"] = True
    except Missing as reason:
        print(reason, flush=True)
        return
    finally:
        outcome["seconds"] = round(time.perf_counter() - begun, 1)
        outcome["load"] = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
        results.keep(name, case, outcome)
    print(f"{outcome['seconds']:.0f} s\n{report.lines(outcome)}", flush=True)


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--rows", type=chosen_rows, default=USUAL, help=f"of {', '.join(ROWS)}; all but {tests.NAME} where none are named")
    made.add_argument("--again", action="store_true", help="measure also what is kept")
    made.add_argument("--report", action="store_true", help="measure nothing, write table and figure from what is kept")
    made.add_argument("--peers", action="store_true", help="make the environment with PyTorch and JAX, in build/peers")
    made.add_argument("--lock-peers", action="store_true", help="write its lock from peers.in")
    return made


def chosen_rows(text: str) -> list[str]:
    """Names of rows, separated by commas."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in ROWS]:
        raise argparse.ArgumentTypeError(f"there is no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    return names or USUAL


if __name__ == "__main__":
    sys.exit(main())
