"""The graders' commands: python -m course_utils.grading --help."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from pathlib import Path

from course_utils.grading.state import GradingError, State, open_state, read_json

DESCRIPTION = """Grades a folder or a zip of submissions. In order: collect, grade, status, then feedback, export and report; formgrader is for marks
by hand, after which feedback, export and report are made again. `all` does collect, grade, feedback, export and report."""


def seconds(text: str) -> float:
    """Time for one submission; less than six seconds would leave a cell less than one."""
    if not 6 <= (seconds := float(text)) <= 86_400:
        raise argparse.ArgumentTypeError(f"expected 6 to 86400 seconds; received {text}")
    return seconds


def parser() -> argparse.ArgumentParser:
    """Every command and its options."""
    top = argparse.ArgumentParser(prog="python -m course_utils.grading", description=DESCRIPTION)
    top.add_argument("--state", metavar="FOLDER", help="where everything is kept (default: the variable COURSE_STATE, else a folder of yours)")
    commands = top.add_subparsers(dest="command", metavar="command", required=True)
    everything = commands.add_parser("all", help="collect, grade, feedback, export and report in one")
    for command in (commands.add_parser("collect", help="take over submissions from a platform's zip or from a folder"), everything):
        command.add_argument("submissions", metavar="FOLDER_OR_ZIP", type=Path)
        command.add_argument("--lesson", help="the lesson of all files, where their names and cells do not tell it")
        command.add_argument("--roster", metavar="CSV", type=Path, help="all students (columns name, id), so that those who did not submit are listed")
    for command in (commands.add_parser("grade", help="grade what is new or was not finished"), everything):
        command.add_argument("--workers", type=int, metavar="N", help="submissions at the same time (default: one a core)")
        command.add_argument("--seconds", type=seconds, metavar="N",
                             help="most time for one submission (default: two minutes); a cell or a task has a sixth of it, and at most 20")
        command.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler to use in place of this machine")
        command.add_argument("--again", action="store_true", help="grade everything again")
        command.add_argument("--unsafe", action="store_true", help="run students' code without a sandbox, where none can be had")
    release = commands.add_parser("release", help="make the student kit, and the exercises in this folder")
    release.add_argument("--exercises", action="store_true", help="only the exercises")
    commands.add_parser("status", help="how many are graded, and who needs a person")
    commands.add_parser("feedback", help="write a page for each student")
    commands.add_parser("export", help="write grades.csv").add_argument("--to", metavar="CSV", type=Path, help="write it there instead")
    commands.add_parser("report", help="write the instructor's report.html")
    formgrader = commands.add_parser("formgrader", help="open nbgrader's formgrader, for marks by hand")
    formgrader.add_argument("--port", type=int)
    formgrader.add_argument("--no-browser", action="store_true", help="only print the address")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 after a sentence on stderr, 2 for a command that cannot be understood."""
    chosen = parser().parse_args(arguments)
    if chosen.command == "release":  # needs nothing of what is kept about students
        from course_utils.grading import release

        return release.main(["--exercises"] if chosen.exercises else [])
    try:
        state = open_state(chosen.state)
        os.environ["COURSE_STATE"] = str(state.folder)  # for processes that we start
        return COMMANDS[chosen.command](state, chosen)
    except GradingError as error:
        print(f"Stopped. {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        print(f"Stopped. {error}. What was finished is kept; free some space, then run the command again: it goes on from here.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        return 130


def collect(state: State, chosen: argparse.Namespace) -> int:
    from course_utils.grading import lessons
    from course_utils.grading.collect import collect

    print(collect(chosen.submissions, state, lessons.known_by(), lesson=chosen.lesson, roster=chosen.roster).text)
    return 0


def grade(state: State, chosen: argparse.Namespace) -> int:
    from course_utils.grading import lock, sandbox
    from course_utils.grading.grade import SECONDS, grade
    from course_utils.grading.gradebook import Book

    _records(state)
    try:
        with lock.only_one(state.lock), Book(state) as book:  # the lock first: a second run changes nothing, not even the gradebook
            records = _records(state)
            whose = {(record["student"], record["lesson"]): record for record in records}
            book.complete()
            count = grade(
                records,
                read=lambda record: state.notebook(record["student"], record["lesson"]).read_bytes(),
                save=lambda graded: book.save(graded, whose[graded["student"], graded["lesson"]]),
                finished=lambda record: None if chosen.again else read_json(state.result(record["student"], record["lesson"])) or None,
                scheduler=chosen.scheduler, workers=chosen.workers, seconds=chosen.seconds or SECONDS, unsafe=chosen.unsafe,
            )  # fmt: skip
    except (lock.Busy, sandbox.SandboxRefused) as error:
        raise GradingError(str(error)) from error
    print(f"Graded {count} submissions; {len(records) - count} were up to date.")
    return 0


def _records(state: State) -> list[dict]:
    """All records; an error where nothing was collected."""
    records = state.records()
    if not records:
        raise GradingError(f"Nothing has been collected into {state.folder} yet. Begin with: python -m course_utils.grading collect FOLDER_OR_ZIP")
    return records


def _rows(state: State, book):
    """What is known, after the gradebook was brought up to date."""
    from course_utils.grading import export

    _records(state)
    book.complete()
    return export.rows(state, book)


def status(state: State, chosen: argparse.Namespace) -> int:
    from course_utils.grading import export
    from course_utils.grading.gradebook import Book

    with Book(state) as book:
        export.print_status(state, _rows(state, book))
    return 0


def feedback(state: State, chosen: argparse.Namespace) -> int:
    from course_utils.grading.feedback import write_feedback
    from course_utils.grading.gradebook import Book

    with Book(state) as book:
        there, changed = write_feedback(state, book, _rows(state, book))
    print(f"Feedback: {there} pages in {state.folder / 'feedback'}, {changed} of them new or changed.")
    return 0


def export(state: State, chosen: argparse.Namespace) -> int:
    from course_utils.grading import export
    from course_utils.grading.gradebook import Book

    with Book(state) as book:
        found = _rows(state, book)
    path = export.write_csv(state, found, getattr(chosen, "to", None))
    print(f"Grades: {path}, {sum(row.total is not None for row in found)} of {len(found)} rows with a complete total.")
    return 0


def report(state: State, chosen: argparse.Namespace) -> int:
    from course_utils.grading.gradebook import Book
    from course_utils.grading.report import write_report

    with Book(state) as book:
        write_report(state, _rows(state, book))
    print(f"Report: {state.folder / 'report.html'}")
    return 0


def formgrader(state: State, chosen: argparse.Namespace) -> int:
    from course_utils.grading import formgrader

    return formgrader.run(state, chosen.port, not chosen.no_browser)


def everything(state: State, chosen: argparse.Namespace) -> int:
    """All steps. What a step could not grade does not keep the others from their pages; the worst exit status is returned."""
    worst = 0
    for step in (collect, grade, status, feedback, export, report):
        worst = max(worst, step(state, chosen))
    return worst


COMMANDS = {
    "all": everything, "collect": collect, "grade": grade, "status": status, "feedback": feedback, "export": export, "report": report, "formgrader": formgrader,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
