"""The course's commands: `python -m course_utils` says what is ready; `python -m course_utils --help` lists the rest."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """Every command and its options."""
    top = argparse.ArgumentParser(prog="python -m course_utils", description="Without a command: what is ready and what is not.")
    commands = top.add_subparsers(dest="command", metavar="command")
    fetch = commands.add_parser("fetch", help="download the data sets into the cache")
    fetch.add_argument("names", nargs="*", help="data sets; default: all of them")
    fetch.add_argument("--quick", action="store_true", help="MNIST only")
    fetch.add_argument("--timeout", type=float, help="seconds to wait for an answer")
    pack = commands.add_parser("pack", help="make a folder with the data for rooms without internet")
    pack.add_argument("folder", help="folder to write; point COURSE_DATA at it")
    commands.add_parser("jupyter", help="set up Jupyter in this environment")
    commands.add_parser("lab", add_help=False, help="open JupyterLab at the first lesson; options go to JupyterLab")
    commands.add_parser("reset", help="start an exercise afresh; what you wrote is kept beside it").add_argument(
        "lesson", help="such as 01_rnn_formula"
    )
    if (Path(__file__).parent / "grading").is_dir():  # not in a student's kit
        add_maintainers(commands)
    return top


def add_maintainers(commands) -> None:
    """The commands for those who change the course."""
    notebooks = commands.add_parser("notebooks", help="run lessons top to bottom and save their outputs")
    notebooks.add_argument("paths", nargs="*", help="notebooks; default: all of them")
    commands.add_parser("lock", help="remake requirements.lock and environment.yml").add_argument(
        "--upgrade", action="store_true", help="take the newest releases pyproject.toml allows"
    )
    commands.add_parser("measure", add_help=False, help="record the bands that lessons check against")
    commands.add_parser("slides", add_help=False, help="make a deck of slides from each lesson; --pdf prints them too")
    commands.add_parser("lecture", add_help=False, help="record the trainings that COURSE_RUN=lecture shows")
    commands.add_parser("site", add_help=False, help="make the course's site from the lessons and docs")
    commands.add_parser("times", help="write the last test runs' time per notebook into README.md")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit status: 0 when all went well."""
    known, rest = parser().parse_known_args(arguments)
    if rest and known.command not in ("lab", "measure", "slides", "site", "lecture"):
        parser().error(f"unknown: {' '.join(rest)}")
    return run(known, rest)


def run(chosen: argparse.Namespace, rest: list[str]) -> int:
    """Each command lives in a module of its own, imported only when it is asked for."""
    if chosen.command == "fetch":
        from course_utils.kit import fetch

        names = {"names": tuple(chosen.names)} if chosen.names else {"names": ("mnist",)} if chosen.quick else {}
        return fetch.fetch(**names, timeout=chosen.timeout)
    if chosen.command == "pack":
        from course_utils.kit import fetch

        return fetch.pack(chosen.folder)
    if chosen.command in ("jupyter", "lab"):
        from course_utils.kit import jupyter

        return jupyter.set_up() if chosen.command == "jupyter" else jupyter.lab(rest)
    if chosen.command == "reset":
        from course_utils.checks import reset

        return reset.main(chosen.lesson)
    if chosen.command == "notebooks":
        from course_utils.kit import notebooks

        return notebooks.run_and_save(chosen.paths)
    if chosen.command == "lock":
        from course_utils.kit import environment

        return environment.make_lock(upgrade=chosen.upgrade)
    if chosen.command == "measure":
        from course_utils.kit import measure

        return measure.main(rest)
    if chosen.command == "slides":
        from course_utils.publish import slides

        return slides.main(rest)
    if chosen.command == "lecture":
        from course_utils.publish import recordings

        return recordings.main(rest)
    if chosen.command == "site":
        from course_utils.publish import site

        return site.main(rest)
    if chosen.command == "times":
        from course_utils.kit import times

        return times.write_table()
    from course_utils.kit import doctor

    return doctor.print_report()


if __name__ == "__main__":
    sys.exit(main())
