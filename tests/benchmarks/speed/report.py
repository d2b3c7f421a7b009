"""What was measured, as text, as the page docs/speed.md, as README's lines and as one figure."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from types import ModuleType

from course_utils.kit import readme
from course_utils.kit.environment import write_whole
from course_utils.runs import BANDS_FILE

from . import figures, picture, results

PAGE = results.ROOT / "docs" / "speed.md"
README = readme.README
PROFILE = results.FILE.with_name("lstm_profile.json")
SUMMED = ("steps", "to_99", "inference", "batches", "everyday", "tests")


def write(rows: Mapping[str, ModuleType]) -> int:
    """Page, README and figure from what is kept; returns 0, or 1 after a sentence."""
    try:
        kept = results.load()
        if not kept:
            raise ValueError("Nothing is measured yet: `make bench` does it.")
        summary, old = outcomes(kept), stale(kept, rows)
        picture.save(summary, old)
        write_whole(PAGE, page(kept, rows))
        readme.put("speed", readme_text(summary, old, kept), README)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(goals_table(summary))
    print(f"Wrote {results.FILE.name}, {PAGE.name}, {picture.FILE.name} and README's lines.")
    return 0


def outcomes(kept: Mapping) -> dict[tuple[str, str], dict]:
    """{(row, case): outcome} for all that is compared; the seeds of a training are one case."""
    found = {}
    for row in SUMMED:
        cases = kept.get(row, {})
        if row == "to_99" and cases:
            found[row, "all seeds"] = figures.one_outcome(cases)
        elif row != "to_99":
            found.update({(row, case): outcome for case, outcome in cases.items()})
    return found


def stale(kept: Mapping, rows: Mapping[str, ModuleType]) -> dict[str, str]:
    """{row: date} of what was measured with other code than there is now."""
    found = {}
    for row, cases in kept.items():
        code = results.code_hash(rows[row].CODE)
        dates = [outcome["date"] for outcome in cases.values() if outcome["code"] != code]
        if dates:
            found[row] = min(dates)
    return found


# --- Text ---


def lines(outcome: Mapping) -> str:
    """A case for the terminal: a line for each contender, fastest first, then who is missing and why."""
    table = [f"    {name:34} {middle:>8} {outcome['unit']:3} ({low} to {high})  {share:>5}  {option}" for name, middle, low, high, share, option in entries(outcome)]
    return "\n".join(table + [f"    {name:34} {reason}" for name, reason in outcome["missing"].items()])


def entries(outcome: Mapping) -> list[tuple[str, ...]]:
    """(name, median, low, high, times the kit's, option), fastest first."""
    samples, unit, kit = outcome["samples"], outcome["unit"], figures.kit_of(outcome["samples"])
    found = []
    for name in sorted(samples, key=lambda name: figures.median(samples[name])):
        share = figures.ratio(samples, name) if kit else None
        numbers = [figures.shown(value, unit) for value in (figures.median(samples[name]), *figures.spread(samples[name]))]
        found.append((name, *numbers, "" if share is None or name == kit else f"×{1 / share:.2f}", outcome["chosen"].get(name, "")))
    return found


def goals_table(summary: Mapping) -> str:
    """Each goal, where it stands, and whether it is reached."""
    body = []
    for goal in figures.GOALS:
        outcome = summary.get((goal.row, goal.case))
        value = figures.reached(goal, outcome) if outcome else None
        if value is None:
            body.append([goal.words, f"{goal.most:g}", "–", ""])
            continue
        bound = "below " if figures.is_bound(goal, outcome) else ""
        said = "yes" if value <= goal.most else "not known" if bound else "no"
        body.append([goal.words, f"{goal.most:g}", f"{bound}{value:.2f}" if goal.to else f"{value:.1f}", said])
    return readme.markdown_table(["goal", "at most", "measured", "reached"], body)


def readme_text(summary: Mapping, old: Mapping[str, str], kept: Mapping) -> str:
    """README's lines: the picture with its words, a table, and where the numbers come from."""
    place = picture.FILE.relative_to(results.ROOT).as_posix()
    parts = [f"![{picture.caption(summary)}]({place})", summary_table(summary)]
    newest = max((outcome for cases in kept.values() for outcome in cases.values()), key=lambda outcome: outcome["date"])
    parts.append(f"Medians; each line was measured in one run, its contenders in turn. {where(newest)}. All of it, with what was tried for each: [docs/speed.md]({PAGE.relative_to(results.ROOT).as_posix()}).")
    if old:
        parts.append(mark(old))
    return "\n\n".join(parts)


def mark(old: Mapping[str, str]) -> str:
    """Says which figures are older than the code."""
    return f"**Older than the code:** {', '.join(f'{row} ({date})' for row, date in old.items())}. `make bench` measures again."


def where(outcome: Mapping) -> str:
    """Machine, versions and date in a sentence."""
    versions = {name.removesuffix(" of the peers"): version for name, version in outcome["versions"].items() if "numpy" not in name}
    machine = outcome["machine"]
    return f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}" + "".join(
        f", {words} {versions[name]}" for name, words in (("tensorflow", "TensorFlow"), ("keras", "Keras"), ("torch", "PyTorch"), ("jax", "JAX")) if name in versions) + f"; {outcome['date']}"


def summary_table(summary: Mapping) -> str:
    """A line a case: the kit, the fastest other way, their ratio, and the floor where there is one."""
    body = []
    for outcome in summary.values():
        samples, unit = outcome["samples"], outcome["unit"]
        kit, peer, floor = figures.kit_of(samples), figures.best_peer(samples), figures.floor(samples)
        if kit is None:
            continue
        said = [f"{figures.shown(figures.median(samples[kit]), unit)} {unit}"]
        said.append(f"{figures.shown(figures.median(samples[peer]), unit)} {unit}, {peer}" if peer else "–")
        said.append(f"{figures.ratio(samples, peer):.2f}" if peer else "–")
        said.append(f"{figures.shown(figures.median(samples[floor]), unit)} {unit}, {floor.removesuffix(' by PyTorch')}" if floor else "–")
        body.append([outcome["title"] + ("" if outcome["complete"] else " (unfinished)"), *said])
    return readme.markdown_table(["", "the kit", "the fastest other way", "ratio", "floor"], body)


# --- The page ---


def page(kept: Mapping, rows: Mapping[str, ModuleType]) -> str:
    """docs/speed.md, whole."""
    summary, old = outcomes(kept), stale(kept, rows)
    parts = [
        "# How fast it is",
        "Made by `make bench`; change nothing here by hand. Each case is one run: every contender is a warm process of its own that stands still until its turn, only one "
        "computes at a time, and the order moves on from round to round. A median is over the rounds, in brackets the quartiles (of fewer than four rounds, the extremes). "
        "×2 means twice the kit's time, from the ratios within each round. Before anything is timed, logits, gradients and the losses of five steps are compared with the kit's, "
        "and who computes something else is not timed. All compute in float32.",
        *([mark(old)] if old else []),
        "## Goals", goals_table(summary),
        "## Every contender", *[case_part(outcome) for outcome in summary.values()],
    ]  # fmt: skip
    if kept.get("growth"):
        parts += ["## How the cost grows", growth_part(kept["growth"], rows["growth"])]
    if PROFILE.is_file():
        parts += ["## Where the time of an LSTM step goes", profile_part(json.loads(PROFILE.read_text(encoding="utf-8")), profile_code(rows["steps"]))]
    return "\n\n".join(parts) + "\n"


def case_part(outcome: Mapping) -> str:
    """A case's table, what is missing, and what was tried."""
    body = [[name, f"{middle} ({low} to {high})", share, option] for name, middle, low, high, share, option in entries(outcome)]
    parts = [f"### {outcome['title'][0].upper()}{outcome['title'][1:]}", readme.markdown_table(["", outcome["unit"], "of the kit's", "option"], body)]
    parts += [f"Not in the table: {name}{f' ({option})' if (option := outcome['chosen'].get(name)) else ''}: {reason}." for name, reason in outcome["missing"].items()]
    if "billions" in outcome:
        floor = figures.floor(outcome["samples"])
        rate = f", {outcome['billions'] / figures.median(outcome['samples'][floor]):.0f} billion a second in the floor" if floor else ""
        parts.append(f"The products of a step are {outcome['billions']:.2f} billion multiplications and additions{rate}.")
    if "two_at_once" in outcome:
        parts.append(f"Two processes side by side make {outcome['two_at_once']:.2f} times the matrix products of one on this machine; on two whole cores it would be 2.")
    if "looks" in outcome:
        parts.append(claim())
    for name, options in outcome["tried"].items():
        words = "; ".join(f"{option} {figures.shown(value, outcome['unit'])}" if isinstance(value, float) else f"{option}: {value}" for option, value in options.items())
        parts.append(f"Tried for {name}, in {outcome['unit']}: {words}.")
    parts.append(f"{where(outcome)}; load {outcome['load']}, {max(map(len, outcome['samples'].values()))} rounds{'' if outcome['complete'] else ', unfinished'}.")
    return "\n\n".join(parts)


def claim() -> str:
    """What the source of lesson 3 says of its own training, and what our recorded runs of its code say."""
    bands = json.loads(BANDS_FILE.read_text(encoding="utf-8"))["bands"]
    classic, ours = (f"{bands[name]['full']['mean']:.2%} ± {bands[name]['full']['spread']:.2%}" for name in ("lstm classic", "lstm modern"))
    return ("The public notebook that lesson 3 grew from claims 99% in two minutes on a graphics card. Its code, run as it was, has "
            f"{classic} of the 10,000 test digits right; the kit's recipe, run to its end, {ours} (five seeds each).")


def growth_part(cases: Mapping, row: ModuleType) -> str:
    """A table for each thing that grows, then slopes and bends."""
    parts = []
    for what, sizes in row.POINTS.items():
        there = [size for size in sizes if cases.get(f"{what} {size}", {}).get("samples")]
        if len(there) < 2:
            continue
        outcomes_there = [cases[f"{what} {size}"] for size in there]
        names = [name for name in outcomes_there[0]["samples"] if all(name in outcome["samples"] for outcome in outcomes_there)]
        unit, body = outcomes_there[0]["unit"], []
        for name in names:
            seconds = [figures.median(outcome["samples"][name]) for outcome in outcomes_there]
            bends = row.bends(there, seconds)
            body.append([f"{name}, {unit}", *(figures.shown(value, unit) for value in seconds)])
            body.append(["slope, from the size before", "", *(f"{slope:.2f}" for slope in row.slopes(there, seconds))])
            body.append(["until its first five steps, s", *(f"{outcome['ready'][name]:.1f}" for outcome in outcomes_there)])
            parts.append(f"{name}, {what}: " + (f"the slope bends at {', '.join(f'{size:,}' for size in bends)}." if bends else "no bend."))
        parts.insert(len(parts) - len(names), f"### {what.capitalize()}\n\n" + readme.markdown_table(["", *(f"{size:,}" for size in there)], body))
    return "\n\n".join(parts)


def profile_part(profile: Mapping, code: str) -> str:
    """The tables that lstm_profile.py leaves; those that were made with other code are named."""
    parts = [f"Made by `python tests/benchmarks/lstm_profile.py` on {max(table['date'] for table in profile.values())}."]
    if old := [table["title"] for table in profile.values() if table["code"] != code]:
        parts.append(f"**Older than the code:** {'; '.join(old)}.")
    return "\n\n".join([*parts, *map(profile_table, profile.values())])


def profile_code(steps: ModuleType) -> str:
    """Hash of the files that decide what lstm_profile.py measures."""
    return results.code_hash((*steps.CODE, "tests/benchmarks/lstm_profile.py"))


def profile_table(table: Mapping) -> str:
    """One of them, with its title."""
    return f"### {table['title']}\n\n" + readme.markdown_table(table["head"], table["rows"])
