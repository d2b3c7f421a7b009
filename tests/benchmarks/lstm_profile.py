"""Where the time of the kit's LSTM step goes, and what was tried to make it shorter: three tables, in one run of about six minutes.

    python tests/benchmarks/lstm_profile.py [--only PARTS,OPERATIONS,TRIED]

The first cuts the step into parts, each a graph of its own; the second sums the time of TensorFlow's threads by kind of operation,
under TensorFlow's profiler; the third has each idea once. All in rounds, beside the kit's step. The tables go to
docs/bench/lstm_profile.json, and from there into docs/speed.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from speed import figures, race, report, results
from speed.rows import steps
from speed.workers import Contender, Missing, workers

KERNEL, TWO = steps.KERNEL, {"TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "1"}
KIT = "the kit's step: two halves side by side, one tanh for four gates"
PARTS = {
    "matrix products alone": ("products", {"library": "tensorflow"}, KERNEL),
    "forward": ("variants", {"until": "forward"}, KERNEL),
    "forward and gradients": ("variants", {"until": "gradient"}, KERNEL),
    "forward, gradients, Adam: the whole step": ("variants", {}, KERNEL),
}
TRIED = {
    KIT: ("kit", {}, KERNEL),
    "the whole batch in one piece, two threads for each operation": ("variants", {"parts": 1}, TWO),
    "the whole batch in one piece, TensorFlow's own threads": ("variants", {"parts": 1}, {}),
    "two halves, TensorFlow's own threads": ("variants", {}, {}),
    "four quarters": ("variants", {"parts": 4}, KERNEL),
    "four steps in one graph": ("variants", {"bundle": 4}, KERNEL),
    "half a step as a graph of its own, built once and called twice": ("variants", {"once": True}, KERNEL),
    "the gates as written: three sigmoids, two tanhs": ("variants", {"cell": "as written"}, KERNEL),
    "columns in the order i, f, o, g: one sigmoid for three gates": ("variants", {"cell": "one sigmoid"}, KERNEL),
    "weight gradients of all steps in one product each": ("variants", {"deltas": True}, KERNEL),
    "one sigmoid, and weight gradients in one product each": ("variants", {"cell": "one sigmoid", "deltas": True}, KERNEL),
    "recurrent weights turned once, for a gradient that reads them row by row": ("variants", {"turned": True}, KERNEL),
    "recurrent weights turned once, and weight gradients in one product each": ("variants", {"turned": True, "deltas": True}, KERNEL),
    "the cell's element-wise work fused by XLA": ("variants", {"cell": "one tanh, by XLA"}, KERNEL),
    "the whole step by XLA": ("variants", {"xla": True}, KERNEL),
    "without oneDNN": ("kit", {}, {**KERNEL, "TF_ENABLE_ONEDNN_OPTS": "0"}),
    "batches of 256 (for each 128 digits)": ("kit", {"batch": 256}, KERNEL),
    "batches of 512 in four quarters (for each 128 digits)": ("variants", {"batch": 512, "parts": 4}, KERNEL),
}
FILE = report.PROFILE


def main() -> int:
    """Measure what is asked for and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="PARTS,OPERATIONS,TRIED", help="names of tables, separated by commas")
    asked = parser.parse_args()
    made = {"PARTS": parts, "OPERATIONS": operations, "TRIED": tried}
    wanted = asked.only.upper().split(",")
    if unknown := [name for name in wanted if name not in made]:
        parser.error(f"there is no table {unknown[0]}; there are {', '.join(made)}")
    kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    with tempfile.TemporaryDirectory() as folder:
        case = steps.given_case(Path(folder), "lstm")
        for name in wanted:
            kept[name] = {**made[name](case, Path(folder)), **where()}
            FILE.parent.mkdir(parents=True, exist_ok=True)
            FILE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8", newline="\n")
            print(f"{name}\n{report.profile_table(kept[name])}\n", flush=True)
    return 0


def where() -> dict:
    """Of what code, machine and day a table is."""
    blank = results.blank("", "ms", report.profile_code(steps))
    return {key: blank[key] for key in ("code", "date", "machine")} | {"load": round(os.getloadavg()[0], 2)}


def parts(case: dict, folder: Path) -> dict:
    """Each graph, and by how much it takes longer than the one before."""
    samples, missing, _ = timed(PARTS, case, folder)
    rows, before = [], 0.0
    for name in samples:
        milliseconds = figures.median(samples[name]) * 1e3
        rows.append([name, f"{milliseconds:.2f}", "" if name == "matrix products alone" else f"{milliseconds - before:.2f}"])
        before = 0.0 if name == "matrix products alone" else milliseconds
    return {"title": "The step in parts", "head": ["a graph of", "ms", "more than the one before"], "rows": rows + faults(missing)}


def tried(case: dict, folder: Path) -> dict:
    """Each idea beside the kit's step."""
    samples, missing, ready = timed(TRIED, case, folder)
    rows = [[name, f"{figures.median(values) * 1e3:.2f}", f"{statistics.median([a / b for a, b in zip(values, samples[KIT])]):.2f}", f"{ready[name]:.1f}"] for name, values in samples.items()]
    return {"title": "What was tried, each once", "head": ["", "ms", "of the kit's step", "until its first steps, s"], "rows": rows + faults(missing, 2)}


def faults(missing: dict[str, str], empty: int = 1) -> list[list[str]]:
    """Rows for those that did not run."""
    return [[f"{name}: {reason}", "–", *[""] * empty] for name, reason in missing.items()]


def timed(table: dict[str, tuple], case: dict, folder: Path) -> tuple[dict[str, list[float]], dict[str, str], dict[str, float]]:
    """Seconds of a step of 128 digits of each, in rounds; who is missing, and why; and the seconds until the first steps are made."""
    entered = {name: (Contender(name, module, "Training", {"": (options, variables)}), "") for name, (module, options, variables) in table.items()}
    samples: dict[str, list[float]] = {}
    with workers({"first": (steps.contenders("lstm")[0], "as in the lessons")}, case) as (first, _):
        first["first"].call("save_weights", path=case["weights"])
        first["first"].call("losses", into=str(folder / "kit.npz"), weights=case["weights"])
    with workers(entered, case) as (started, missing):
        runners, ready = {}, {}
        for name, worker in started.items():
            try:
                begun = time.perf_counter()
                worker.call("go", count=1)
                ready[name] = time.perf_counter() - begun
                check(worker, table[name], folder, case)
                runners[name] = race.runner(worker)
            except Missing as reason:
                missing[name] = str(reason)
        race.rounds(runners, race.ROUNDS, samples, missing)
    for name in samples:
        digits = table[name][1].get("batch", 128) / 128 * table[name][1].get("bundle", 1)
        samples[name] = [value / digits for value in samples[name]]
    return {name: samples[name] for name in table if name in samples}, missing, ready


def check(worker, entry: tuple, folder: Path, case: dict) -> None:
    """Missing unless the losses of five steps are the kit's. Graphs that are cut short or hold several steps have none to compare."""
    module, options, _ = entry
    if module == "products" or "batch" in options or "bundle" in options or "until" in options:
        return
    worker.call("losses", into=str(folder / "answer.npz"), weights=case["weights"])
    with np.load(folder / "answer.npz") as found, np.load(folder / "kit.npz") as right:
        difference = race.parity(found, right)
    if difference:
        raise Missing(f"not timed: {difference}")


def operations(case: dict, folder: Path) -> dict:
    """Thread time by kind of operation, of the kit's own step."""
    profile = Contender("profile", "profile", "Training", {"": ({}, KERNEL)})
    with workers({"profile": (profile, "")}, case) as (started, missing):
        if missing:
            return {"title": "Operations", "head": ["", ""], "rows": [[missing["profile"], ""]]}
        found = started["profile"].call("profile", count=40)
    wall, calls = found.pop("wall"), found.pop("operations")
    busy = sum(found.values())
    small = sum(value for value in found.values() if value < 0.02 * busy)
    rows = [[kind, f"{value:.2f}", f"{value / (2 * wall):.0%}"] for kind, value in found.items() if value >= 0.02 * busy]
    rows += [["all other kinds", f"{small:.2f}", f"{small / (2 * wall):.0%}"], ["between operations: their start, and waiting", f"{2 * wall - busy:.2f}", f"{1 - busy / (2 * wall):.0%}"]]
    title = f"The time of two threads, {calls:,.0f} operations in a step of {wall:.2f} ms under the profiler"
    return {"title": title, "head": ["kind of operation", "ms of thread time", "of both threads' time"], "rows": rows}


if __name__ == "__main__":
    sys.exit(main())
