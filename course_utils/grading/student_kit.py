"""The student kit: lessons, exercises and the package without the author's side, as a folder and a zip of the same bytes everywhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from importlib import metadata
from pathlib import Path

import nbformat
from packaging.requirements import Requirement

from course_utils.checks.reset import exercise, untouched
from course_utils.checks.tables import encode
from course_utils.grading.exercises import PUBLIC_SEED, ROOT, lessons, make_table, tasks
from course_utils.kit import environment

NAME = "unrolled-student"
FOLDER = ROOT / "build" / "release"
README = Path(__file__).with_name("student_readme.md")
# Taken as they are. What is not named here is not in the kit.
COPIED = (
    "LICENSE", "LICENSE-CONTENT", "CITATION.cff", "notebooks/*.ipynb", "notebooks/figures/*.svg", "styles/*",
    "course_utils/*.py", "course_utils/checks/*.py", "course_utils/projects/*.py", "course_utils/projects/recorded/*.json", "course_utils/widgets/*.*", "course_utils/kit/*.py", "course_utils/kit/*.json", "course_utils/kit/*.csv", "course_utils/kit/*.js",
    "tests/nbval_sanitize.cfg", "tests/test_tables.py",
)  # fmt: skip
LEFT_OUT = {ROOT / "course_utils" / "widgets" / "train.py"}  # for maintainers
TARGETS = ("help", "lab", "test", "setup", "data", "clean")  # of the Makefile, that work in the kit
OLDEST_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold


def make_kit(folder: Path = FOLDER) -> tuple[Path, Path]:
    """Write the kit under `folder` and return the paths of its folder and its zip; an older kit there is replaced whole."""
    files = kit_files()
    new, kit, archive = folder / f"{NAME}.part", folder / NAME, folder / f"{NAME}.zip"
    shutil.rmtree(new, ignore_errors=True)
    for name, data in files.items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).write_bytes(data)
    if kit.exists():
        shutil.rmtree(kit)
    os.replace(new, kit)
    write_zip(files, archive)
    return kit, archive


def write_zip(files: dict[str, bytes], path: Path) -> None:
    """Sorted, without the time and the owner of the files, so that the same files make the same zip."""
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{NAME}/{name}", OLDEST_TIME)
            entry.create_system, entry.external_attr, entry.compress_type = 3, 0o100644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    os.replace(part, path)


def kit_files() -> dict[str, bytes]:
    """Path inside the kit -> contents."""
    copied = {path for pattern in COPIED for path in ROOT.glob(pattern) if path.is_file()} - LEFT_OUT
    lock = student_lock(environment.LOCK.read_text(encoding="utf-8"))
    texts = {
        "README.md": readme(), "Makefile": makefile(read("Makefile")), "pyproject.toml": pyproject(read("pyproject.toml")),
        "requirements.lock": lock, "environment.yml": environment.conda_environment(lock), **exercise_files(), **table_files(),
    }  # fmt: skip
    made = {name: text.encode() for name, text in texts.items()}
    return made | {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in copied}


def read(name: str) -> str:
    """A text file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def exercise_files() -> dict[str, str]:
    """Each exercise twice: to work in, and untouched, for `python -m course_utils reset`. Never from where somebody works."""
    from course_utils.grading.release import release_notebook

    found = {}
    for lesson in lessons():
        text = nbformat.writes(release_notebook(lesson)) + "\n"
        found |= {path(lesson).relative_to(ROOT).as_posix(): text for path in (exercise, untouched)}
    return found


def table_files() -> dict[str, str]:
    """The tables that the checks read: answers as numbers, for the inputs that students see."""
    names = [(lesson, task.name) for lesson in lessons() for task in tasks(lesson)]
    import_keras_quietly()
    tables = {name: encode(make_table(lesson, name, PUBLIC_SEED)) for lesson, name in names}
    return {f"course_utils/checks/tables/{name}.json": json.dumps(table) + "\n" for name, table in tables.items()}


def import_keras_quietly() -> None:
    """TensorFlow's C++ part writes to the terminal when it is imported, past Python and whatever the log level."""
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import keras  # noqa: F401
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)


# --- The files of the repository, less what belongs to instructors ---


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """`text` after the changes (pattern, new text), each of which must fit exactly once."""
    for pattern, new in changes:
        text, count = re.subn(pattern, lambda match: new, text, flags=re.MULTILINE | re.DOTALL)
        if count != 1:
            raise RuntimeError(f"The kit's file cannot be made: {pattern!r} was expected once in the repository's file and is there {count} times.")
    return text


def pyproject(text: str) -> str:
    """pyproject.toml without the grading package, what only that needs, and the comments, which speak to maintainers."""
    return replaced(
        re.sub(r"^# .*\n", "", text, flags=re.MULTILINE),
        (r"^grading = \[.*?^\]\n", ""),
        (r"^site = \[.*?^\]\n", ""),
        (r'"course_utils\.grading", ', ""),
        (r'"course_utils\.publish", ', ""),
        (r'^"course_utils\.publish" = [^\n]*\n', ""),
        (r'^"course_utils\.grading" = [^\n]*\n', ""),
        (r"^\[tool\.setuptools\.package-data\]\n", '[tool.setuptools.package-data]\n"course_utils.checks" = ["tables/*.json"]\n'),
        (r"^testpaths = [^\n]*", 'testpaths = ["notebooks", "tests"]'),
    )


def makefile(text: str) -> str:
    """The Makefile with the targets that work in the kit."""
    text = replaced(
        text,
        (r"^# Exercises are made from .*?^MADE := [^\n]*\n", ""),
        (r"^# Suites with a target of their own.*?^APART := [^\n]*\n", ""),
        (r"run every test but those of grading and of the browser, and", "run the checks' own test, and"),
        (r"^\.PHONY: [^\n]*", f".PHONY: {' '.join(TARGETS)} always"),
        (r"^\$\(MADE\): .*?^again:\n\n", ""),
        # Always asked, because all files of the kit are of 1980; it looks at what is in them and takes a moment.
        (r"^\$\(STAMP\): [^\n]*", "$(STAMP): always"),
    )
    blocks = [block for block in text.split("\n\n") if target(block) in (None, *TARGETS)]
    return "\n\n".join(blocks).replace("setup exercises", "setup").replace(" $(addprefix --ignore=,$(APART))", "")


def target(block: str) -> str | None:
    """The target that a paragraph of the Makefile makes, None for other paragraphs."""
    found = re.match(r"([a-z-]+):", block)
    return found and found[1]


def student_lock(lock: str) -> str:
    """The pins of a lock that students need: what pyproject.toml asks for without grading, and what that needs in turn."""
    needed = needs(environment.direct_dependencies("test") + [Requirement("setuptools")])
    blocks = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)
    return "".join(block for block in blocks if re.match(r"[\w.-]*", block)[0] in needed)


def needs(wanted: list[Requirement]) -> set[str]:
    """Names of packages, and of all they need on any platform; read from the packages installed here."""
    found: set[str] = set()
    open_ones = [(plain(entry.name), frozenset(entry.extras)) for entry in wanted]
    seen = set(open_ones)
    for name, extras in open_ones:  # it grows while it is read
        found.add(name)
        more = {(plain(entry.name), frozenset(entry.extras)) for entry in required_by(name, extras)} - seen
        seen |= more
        open_ones += sorted(more, key=str)
    return found


def required_by(name: str, extras: frozenset[str]) -> list[Requirement]:
    """What a package needs with the named extras. One that is for other platforms only is not here, and needs nothing itself."""
    try:
        entries = [Requirement(text) for text in metadata.requires(name) or []]
    except metadata.PackageNotFoundError:
        return []
    return [entry for entry in entries if "extra ==" not in str(entry.marker) or any(f'"{extra}"' in str(entry.marker) for extra in extras)]


def plain(name: str) -> str:
    """A package's name as locks write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


# --- README ---


def readme() -> str:
    """The README for students, with the table of lessons from the repository's README."""
    return README.read_text(encoding="utf-8").replace("{lessons}", lesson_table())


def lesson_table() -> str:
    """Lessons, their questions and minutes, and their exercises with the time that each takes."""
    rows = re.findall(r"^\| (\d) \| (\[[^\]]+\]\(notebooks/([^)]+)\.ipynb\)) \| (.*) \| ([\d–]+) \|$", read("README.md"), flags=re.MULTILINE)
    lines = ["| | lesson | its question | minutes | exercises |", "|---|---|---|---|---|"]
    return "\n".join(lines + [f"| {number} | {link} | {question} | {minutes} | {exercise_link(name)} |" for number, link, name, question, minutes in rows])


def exercise_link(lesson: str) -> str:
    """A link to a lesson's exercises and the time they take, as their first cell says; empty for a lesson without."""
    if lesson not in lessons():
        return ""
    from course_utils.grading.release import release_notebook

    time = re.search(r"\| \*\*Time\*\* \| (.*?) \|", release_notebook(lesson).cells[0].source)[1]
    return f"[three tasks]({exercise(lesson).relative_to(ROOT).as_posix()}), {time}"
