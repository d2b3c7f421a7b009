"""Records the bands: runs every lesson with five seeds on both kinds of digits and keeps what `check_band` was given.

The lessons themselves are executed, so nothing is measured that a student does not run. A run that is done is kept in
`build/measure/` under the hash of the lesson's code and of the package, and is not made again: an interrupted command
goes on where it was.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from course_utils.kit import provenance, readme
from course_utils.kit.environment import write_whole
from course_utils.kit.notebooks import ONE_THREAD_EACH, execute
from course_utils.runs import BANDS_FILE

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "measure"
README = readme.README
SEEDS = (1, 2, 3, 4, 5)
SPREADS = 4.0  # a band reaches so many standard deviations to both sides of the mean
# Five runs can lie together by luck, and another machine rounds differently: no band is narrower than this many
# standard errors of a share measured on so many test digits, given the recorded mean.
LEAST_ERRORS = 1.0
TEST_DIGITS = {"embedded": 1_000, "full": 10_000}
# A difference of two shares tells nothing about the shares: its band reaches at least about two standard errors of the
# difference between two networks that have some 97 per cent right.
LEAST_DIFFERENCE = {"embedded": 0.02, "full": 0.004}


def main(arguments: Sequence[str]) -> int:
    """Run what is missing, then write the bands; exit status 0 when every run succeeded."""
    chosen = _parser().parse_args(arguments)
    if "full" in chosen.digits and not _full_data():
        print("Bands for the full MNIST need a folder with mnist.npz: set COURSE_DATA to it (`python -m course_utils pack "
              "FOLDER` makes one), or add --digits embedded.", file=sys.stderr)
        return 1
    if chosen.jobs > 1:
        os.environ.update(dict.fromkeys(ONE_THREAD_EACH, "1"))
    todo = [(lesson, kind, seed) for kind in chosen.digits for seed in chosen.seeds for lesson in lessons()]
    with ThreadPoolExecutor(chosen.jobs) as pool:
        done = list(pool.map(lambda run: record(*run), todo))
    if not all(done):
        print("Some runs failed; the bands stay as they were. Start the command again to go on.", file=sys.stderr)
        return 1
    write_bands(line for run in todo for line in kept_lines(*run))
    readme.put("accuracies", accuracy_table(json.loads(BANDS_FILE.read_text(encoding="utf-8"))), README)
    print("Wrote the recorded bands, and the table of accuracies into README.md.")
    return 0


def lessons() -> list[Path]:
    """The notebooks that report results."""
    return [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if "check_band(" in path.read_text(encoding="utf-8")]


def record(lesson: Path, kind: str, seed: int) -> bool:
    """Execute one lesson and keep what it reported; True when it is kept."""
    kept = _kept_file(lesson, kind, seed)
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            lines = Path(scratch) / "lines"
            print(f"{lesson.stem}, {kind}, seed {seed} ...", flush=True)
            if execute(lesson, env=_surroundings(kind, seed, Path(scratch), lines)) is None:
                return False
            part = kept.with_suffix(".part")
            part.write_text(lines.read_text(encoding="utf-8"), encoding="utf-8")
            os.replace(part, kept)
    return True


def kept_lines(lesson: Path, kind: str, seed: int) -> list[dict]:
    """What `check_band` was given in one kept run: name, kind, seed and value, and seconds where they were told."""
    return [json.loads(line) for line in _kept_file(lesson, kind, seed).read_text(encoding="utf-8").splitlines()]


def write_bands(lines: Iterable[dict]) -> None:
    """Turn the kept values into bands and write them with their provenance."""
    values: dict[str, dict[str, dict[int, dict]]] = {}
    for line in lines:  # one a seed: what has nothing to do with the digits is told in the runs on both kinds
        values.setdefault(line["name"], {}).setdefault(line["kind"], {}).setdefault(line["seed"], line)
    bands = {name: {kind: _band(name, kind, list(runs.values())) for kind, runs in sorted(kinds.items())} for name, kinds in sorted(values.items())}
    recorded = {"date": datetime.date.today().isoformat(), "python": platform.python_version(), "cores": os.cpu_count(),
                **{package: version(package) for package in ("tensorflow", "keras", "numpy")}}
    write_whole(BANDS_FILE, json.dumps({"recorded": recorded, "bands": bands}, indent=1) + "\n")


def is_share(name: str) -> bool:
    """Whether a result lies in [0, 1]: all do but losses and differences between shares, which their names tell.

    >>> is_share("lstm classic"), is_share("lstm classic, first loss"), is_share("remedy, ReLU")
    (True, False, False)
    """
    return not (name.endswith(" loss") or is_difference(name))


def is_difference(name: str) -> bool:
    """Whether a result is the difference of two shares."""
    return name.endswith(" lead") or " minus " in name or name.startswith("remedy, ")


def _band(name: str, kind: str, runs: list[dict]) -> dict:
    values = [run["value"] for run in sorted(runs, key=lambda run: run["seed"])]
    mean, spread = statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0
    share = min(max(mean, 0.0), 1.0)
    least = LEAST_DIFFERENCE[kind] if is_difference(name) else LEAST_ERRORS * (max(share * (1 - share), 1e-4) / TEST_DIGITS[kind]) ** 0.5
    reach = max(SPREADS * spread, least)
    low, high = (max(mean - reach, 0.0), min(mean + reach, 1.0)) if is_share(name) else (mean - reach, mean + reach)
    seconds = [run["seconds"] for run in runs if "seconds" in run]
    timed = {"seconds": round(statistics.median(seconds), 1)} if seconds else {}
    return {"low": round(low, 4), "high": round(high, 4), "mean": round(mean, 4), "spread": round(spread, 4),
            "values": [round(value, 4) for value in values], **timed}


# What README shows of the recorded results, in its own words.
SHOWN = {
    "rnn as it was": "RNN of the original notebook, 5,000 steps",
    "rnn, good start": "the same with a good start and a true shuffle",
    "lstm classic": "LSTM of the original notebook, 782 steps",
    "rnn modern": "RNN, the modern way",
    "lstm modern": "LSTM, the modern way",
}


def accuracy_table(bands: dict) -> str:
    """The Markdown table of README: accuracy on all test digits, mean and standard deviation of five seeds, and seconds."""
    rows = []
    for name, words in SHOWN.items():
        row = [words]
        for kind in ("full", "embedded"):
            entry = bands["bands"][name].get(kind)
            row += [f"{entry['mean']:.2%} ± {entry['spread']:.2%}" if entry else "–"]
        rows.append(row)
    recorded = bands["recorded"]
    head = ["network", "full MNIST, 10,000 test digits", "embedded, 1,000 test digits"]
    return readme.markdown_table(head, rows) + f"\n\nRecorded on {recorded['date']}, TensorFlow {recorded['tensorflow']}, Keras {recorded['keras']}, {recorded['cores']} cores."


def _surroundings(kind: str, seed: int, scratch: Path, lines: Path) -> dict[str, str]:
    """The environment of a run: its seed, its digits and nothing else that a user's machine might hold."""
    variables = {**os.environ, "COURSE_RUN": "full", "COURSE_SEED": str(seed), "COURSE_RECORD": str(lines)}
    if kind == "full":
        return {**variables, "COURSE_DATA": _full_data()}
    variables.pop("COURSE_DATA", None)
    return {**variables, "COURSE_CACHE": str(scratch / "cache"), "KERAS_HOME": str(scratch / "keras")}


def _full_data() -> str:
    folder = Path(os.environ.get("COURSE_DATA", ""))
    return str(folder.resolve()) if os.environ.get("COURSE_DATA") and (folder / "mnist.npz").is_file() else ""


def _kept_file(lesson: Path, kind: str, seed: int) -> Path:
    """Named after the code that made it: change a cell, or what it uses of the heart, and the run counts as not made."""
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    digest = provenance.digest("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return KEPT / f"{lesson.stem}-{kind}-{seed}-{digest}.jsonl"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m course_utils measure", description=__doc__.splitlines()[0])
    parser.add_argument("--digits", nargs="+", choices=("embedded", "full"), default=["embedded", "full"])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--jobs", type=int, default=1, help="lessons to run beside each other; more than one spoils the seconds")
    return parser
