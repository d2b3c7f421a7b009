"""Collects submissions from a learning platform's zip or from a folder: which student, which lesson, which one counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from course_utils.grading import sources
from course_utils.grading.sources import Entry, Unreadable
from course_utils.grading.state import GradingError, State, read_json, sha256, write, write_json
from course_utils.grading.students import Owner, Students, read_roster
from course_utils.grading.submission import Cell, Problem, read_cells

MOODLE = re.compile(r"(?P<name>.*?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<rest>.*))?", re.DOTALL)
CANVAS = re.compile(r"(?P<name>[^_]*)_(?:LATE_)?(?P<number>\d+)_\d+_(?P<rest>.+)", re.DOTALL)
CONTAINERS = ("submitted", "submissions")
CHECKPOINTS = ".ipynb_checkpoints"
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")


class Placed(NamedTuple):
    """One entry with its owner (None when the path names nobody), the file's own name, and the lesson its path names."""

    entry: Entry
    owner: Owner | None
    file: str
    lesson: str | None


@dataclass
class Candidate:
    """A file that may become a student's submission of a lesson."""

    placed: Placed
    lesson: str | None
    sha: str = ""
    problem: str | None = None
    time: str = ""

    @property
    def rank(self) -> tuple:
        """The newest counts; at the same time, the file that is named exactly as the lesson."""
        return self.time, Path(self.placed.file).stem == self.lesson, self.placed.file


@dataclass
class Summary:
    """What one call did; `text` says it."""

    new: int = 0
    unchanged: int = 0
    replaced: int = 0
    said: list[str] = field(default_factory=list)
    lessons: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        return self.new + self.unchanged + self.replaced

    @property
    def text(self) -> str:
        head = f"Collected {self.count} submissions ({', '.join(sorted(self.lessons))}): {self.new} new, {self.replaced} replaced, {self.unchanged} unchanged."
        return "\n".join([head, *(f"  - {sentence}" for sentence in self.said)])


def collect(source: Path, state: State, lessons: dict[str, set[str]], *, lesson: str | None = None, roster: Path | None = None) -> Summary:
    """Take over every submission of a zip or a folder; doing it again changes nothing.

    Args:
        source: the zip or folder.
        state: where records go.
        lessons: lesson -> the names by which its notebook is known from inside (grade_ids, functions).
        lesson: the lesson of all files, where names do not tell it.
        roster: a CSV of all students, so that those who did not submit are listed.

    Raises:
        GradingError: nothing was found to collect, or the source cannot be read.
    """
    if lesson is not None and lesson not in lessons:
        raise GradingError(f"--lesson should be one of {', '.join(lessons)}; it is {lesson!r}.")
    students, summary = Students.load(state), Summary()
    if roster is not None:
        summary.said += students.add_roster(read_roster(roster))
    listed = sources.entries(source)
    candidates = list(_candidates(list(_placed(listed, lessons)), lessons, lesson))
    _settle_lessons(candidates)
    _save(candidates, students, state, summary)
    students.save(state)
    if not summary.count:
        raise GradingError(nothing_found(source, listed))
    return summary


def nothing_found(source: Path, listed: list[Entry]) -> str:
    """What was looked for and what was there."""
    names = ", ".join(repr("/".join(entry.parts)[:80]) for entry in listed[:5]) + (", ..." if len(listed) > 5 else "")
    return (
        f"Nothing was collected from {source}. Expected notebooks (.ipynb) as a platform names them "
        "(Name_123_assignsubmission_file_/x.ipynb, lastfirst_123_456_x.ipynb), in a folder for each student, or named STUDENT_LESSON.ipynb; "
        f"found {len(listed)} files{': ' + names if names else ''}. If only the lesson is unclear, name it with --lesson."
    )


# --- Whose is it ---


def _placed(listed: list[Entry], lessons: Iterable[str]) -> Iterator[Placed]:
    depth = _common_folders([entry.parts for entry in listed], lessons)
    for entry in listed:
        yield _place(entry, entry.parts[depth:], list(lessons))


def _common_folders(paths: list[tuple[str, ...]], lessons: Iterable[str]) -> int:
    """How many outer folders all files share before the students' folders begin; 0 where no students' folders branch off."""
    for depth in range(20):
        if not all(len(path) > depth + 1 for path in paths):
            return 0
        names = {path[depth] for path in paths}
        if len(names) > 1:
            return 0 if names <= set(lessons) else depth
    return 0


def _place(entry: Entry, parts: tuple[str, ...], lessons: list[str]) -> Placed:
    file = parts[-1] if parts else ""
    if CHECKPOINTS in parts[:1]:
        return Placed(entry, None, file, None)  # left by whoever opened the folder, and nobody's submission
    lesson = next((found for part in reversed(parts) if (found := named_lesson(part, lessons))), None)
    for part in parts:
        match = MOODLE.fullmatch(part)
        if match:
            rest = file if part is not file else match["rest"] or ""
            return Placed(entry, Owner.moodle(match["name"], match["number"]), rest, named_lesson(rest, lessons) or lesson)
    match = CANVAS.fullmatch(file)
    if match:
        return Placed(entry, Owner.canvas(match["name"], match["number"]), match["rest"], named_lesson(match["rest"], lessons) or lesson)
    name = _folder_name(parts, lessons) if len(parts) > 1 else _name_in_file(file, lessons)
    return Placed(entry, Owner.folder(name) if name else None, file, lesson)


def _folder_name(parts: tuple[str, ...], lessons: list[str]) -> str:
    """The student's folder: the first one that is neither a container nor a lesson."""
    names = [part for part in parts[:-1] if part.lower() not in CONTAINERS and part not in lessons]
    return names[0] if names else _name_in_file(parts[-1], lessons)


def _name_in_file(file: str, lessons: list[str]) -> str:
    """STUDENT_LESSON.ipynb or LESSON-STUDENT.ipynb without the lesson; nothing when nothing is left or no lesson is there."""
    stem = file.split(".ipynb")[0]
    for lesson in lessons:
        rest, found = re.subn(_pattern(lesson), " ", stem, flags=re.IGNORECASE)
        if found:
            return re.sub(r"^[\s_.-]+|[\s_.-]+$", "", re.sub(r"([-_ ]copy\d*|\(\d+\)|-\d+)$", "", rest.strip(), flags=re.IGNORECASE))
    return ""


def _pattern(lesson: str) -> str:
    return r"[\s_-]*".join(map(re.escape, lesson.split("_")))


def named_lesson(text: str, lessons: Iterable[str]) -> str | None:
    """The lesson that a file's or folder's name tells, whatever separates its words; None for none or several."""
    found = [lesson for lesson in lessons if re.search(_pattern(lesson), text, re.IGNORECASE)]
    return found[0] if len(found) == 1 else None


# --- What is it ---


def _candidates(placed: list[Placed], lessons: dict[str, set[str]], forced: str | None) -> Iterator[Candidate]:
    """Every notebook, and what a student sent instead of one."""
    stamps = _time_stamps(placed)
    total, having = 0, set()
    for one in placed:
        if not _is_notebook(one):
            continue
        candidate, size = _look(one, lessons, forced, sources.MOST_TOTAL - total)
        candidate.time = stamps.get(one.entry.parts[:-1]) or one.entry.time
        total += size
        having |= {(one.owner, candidate.lesson), (one.owner, None)}
        yield candidate
    for one in placed:
        lesson = forced or one.lesson
        if one.owner and not _is_notebook(one) and one.file != "timestamp.txt" and (one.owner, lesson) not in having:
            having |= {(one.owner, lesson), (one.owner, None)}
            yield Candidate(one, lesson, problem=_instead(one), time=one.entry.time)


def _is_notebook(one: Placed) -> bool:
    return one.file.lower().endswith(".ipynb") and CHECKPOINTS not in one.entry.parts


def _instead(one: Placed) -> str:
    if one.entry.fault:
        return f"{one.file[:80] or one.entry.parts[0]!r} cannot be used. {one.entry.fault}"
    if CHECKPOINTS in one.entry.parts:
        return "Only Jupyter's own checkpoint copy was sent, not the notebook."
    if one.file.lower().endswith(ARCHIVES):
        return f"An archive was sent, {one.file[:80]!r}; archives inside are not opened. Expected a file that ends in .ipynb."
    return f"No notebook was sent; found {one.file[:80]!r}. Expected a file that ends in .ipynb."


def _time_stamps(placed: list[Placed]) -> dict[tuple[str, ...], str]:
    """Folder -> the time in its timestamp.txt, as nbgrader's exchange writes it."""
    found = {}
    for one in placed:
        if one.file == "timestamp.txt" and not one.entry.fault:
            try:
                found[one.entry.parts[:-1]] = sources.parse_time(one.entry.read(200).decode("utf-8", "replace"))
            except Unreadable:
                pass
    return found


def _look(one: Placed, lessons: dict[str, set[str]], forced: str | None, left: int) -> tuple[Candidate, int]:
    """A notebook's digest, lesson and problem, and how many bytes were read for that."""
    lesson = forced or one.lesson
    if one.entry.fault:
        return Candidate(one, lesson, problem=f"{one.file[:80]!r} was not read. {one.entry.fault}"), 0
    if left <= 0:
        return Candidate(one, lesson, problem=f"It was not read: all files together have more than {sources.MOST_TOTAL:,} bytes."), 0
    try:
        data = one.entry.read(sources.MOST_BYTES + 1)
        cells = _read(data)
    except Unreadable as error:
        return Candidate(one, lesson, problem=str(error)), 0
    except Problem as error:
        return Candidate(one, lesson, sha=sha256(data), problem=str(error)), len(data)
    lesson, problem = which_lesson(cells, lesson, lessons)
    return Candidate(one, lesson, sha=sha256(data), problem=problem), len(data)


def _read(data: bytes) -> list[Cell]:
    """The cells of a notebook that anybody may have written; Problem when it cannot be graded."""
    if len(data) > sources.MOST_BYTES:
        raise Problem(f"The file is larger than {sources.MOST_BYTES // 1_000_000} MB, so it was not read.")
    cells = read_cells(data)
    if not cells:
        raise Problem("The notebook has no cells.")
    return cells


def which_lesson(cells: list[Cell], named: str | None, lessons: dict[str, set[str]]) -> tuple[str | None, str | None]:
    """The lesson and, where it is in doubt, a sentence.

    Args:
        cells: of the notebook.
        named: the lesson that the file's name tells, if any.
        lessons: lesson -> grade_ids and functions.
    """
    inside = _found_inside(cells)
    counts = {lesson: len(names & inside) for lesson, names in lessons.items()}
    best = max(counts.values(), default=0)
    likely = [lesson for lesson, count in counts.items() if count == best and count]
    if named is None:
        return (likely[0], None) if len(likely) == 1 else (None, "Which lesson it belongs to is unclear, from its name and from its cells.")
    if named in likely:
        return named, None
    if likely:
        return named, f"The file is named {named}, but its cells are those of {' or '.join(likely)}."
    return named, "It holds none of the exercise's cells or functions: perhaps the lesson itself was sent, or a new notebook."


def _found_inside(cells: list[Cell]) -> set[str]:
    """grade_ids of the metadata and names of functions in the code."""
    functions = {name for cell in cells for name in re.findall(r"^[ \t]*def\s+(\w+)", cell.source, re.MULTILINE)}
    return functions | {cell.grade_id for cell in cells if cell.grade_id}


def _settle_lessons(candidates: list[Candidate]) -> None:
    """What has no lesson of its own gets the one that all others have: a platform's zip is of one assignment."""
    seen = {candidate.lesson for candidate in candidates if candidate.lesson}
    for candidate in candidates:
        if candidate.lesson is None and len(seen) == 1:
            candidate.lesson = next(iter(seen))


# --- Which one counts ---


def _save(candidates: list[Candidate], students: Students, state: State, summary: Summary) -> None:
    groups: dict[tuple[str, str], list[Candidate]] = {}
    unplaced = []
    students.announce({(c.placed.owner, c.lesson) for c in candidates if c.placed.owner})
    for candidate in candidates:
        owner = candidate.placed.owner
        student = students.identify(owner, candidate.lesson) if owner else None
        if student and candidate.lesson:
            groups.setdefault((student, candidate.lesson), []).append(candidate)
        else:
            unplaced.append(_unplaced(candidate, student))
    for (student, lesson), group in sorted(groups.items()):
        _save_one(student, lesson, group, students, state, summary)
    summary.said += students.said
    _save_unplaced(unplaced, state, summary)


def _unplaced(candidate: Candidate, student: str | None) -> dict:
    owner, original = candidate.placed.owner, shown("/".join(candidate.placed.entry.parts), 300)
    problem = candidate.problem or "Which lesson it belongs to is unclear."
    if student is None:
        problem = f"The path names no student. {candidate.problem or ''}".strip()
    name = owner.name if owner else ""
    return {"student": student or "", "name": name, "original": original, "sha256": candidate.sha, "submitted_at": candidate.time or None, "problem": problem}


def _save_unplaced(found: list[dict], state: State, summary: Summary) -> None:
    """Add what is new to the list of files that need a person before they can be placed."""
    known = state.unplaced()
    new = [one for one in found if one not in known]
    if new:
        write_json(state.folder / "unplaced.json", {"files": known + new})
    summary.said += [f"{one['original']}: {one['problem']} It needs a person." for one in found]


def _save_one(student: str, lesson: str, group: list[Candidate], students: Students, state: State, summary: Summary) -> None:
    """Write the winner of a group over what is there, unless that is the same or newer."""
    old = read_json(state.record(student, lesson))
    chosen = _chosen(group)
    record = _record(student, lesson, chosen, students) | _later(chosen, group) | _others(chosen, group)
    new = merged(old, record)
    summary.lessons.add(lesson)
    for sentence in (new.get("problem"), (new.get("later") or {}).get("problem")):
        summary.said += [f"{student}, {lesson}: {sentence} It needs a person."] if sentence else []
    if new == old and (old["problem"] or _holds(state.notebook(student, lesson), old["sha256"])):
        summary.unchanged += 1
        return
    if new["sha256"] == record["sha256"] and not new["problem"]:
        write(state.notebook(student, lesson), chosen.placed.entry.read(sources.MOST_BYTES))
    write_json(state.record(student, lesson), new)
    summary.replaced, summary.new = summary.replaced + bool(old), summary.new + (not old)


def _holds(notebook: Path, sha: str) -> bool:
    """Whether the notebook is there as its record says; it is not after a crash between the two."""
    return notebook.is_file() and sha256(notebook.read_bytes()) == sha


def _chosen(group: list[Candidate]) -> Candidate:
    """The newest that can be graded; when none can, the newest."""
    good = [candidate for candidate in group if not candidate.problem]
    return max(good or group, key=lambda candidate: candidate.rank)


def _record(student: str, lesson: str, chosen: Candidate, students: Students) -> dict:
    return {
        "student": student, "name": students.name(student), "lesson": lesson, "sha256": chosen.sha, "submitted_at": chosen.time or None,
        "original": shown("/".join(chosen.placed.entry.parts), 300), "problem": chosen.problem,
    }  # fmt: skip


def _later(chosen: Candidate, group: list[Candidate]) -> dict:
    """What came after the chosen one and cannot be graded."""
    failed = [one for one in group if one.problem and not chosen.problem and (one.time or chosen.time) >= chosen.time]
    if not failed:
        return {}
    last = max(failed, key=lambda one: one.rank)
    return {"later": {"submitted_at": last.time or None, "original": shown("/".join(last.placed.entry.parts), 300), "sha256": last.sha, "problem": last.problem}}


def _others(chosen: Candidate, group: list[Candidate]) -> dict:
    """Other notebooks of the same time and different content: somebody should look whether the right one was taken."""
    same = [one for one in group if one is not chosen and not one.problem and one.time == chosen.time and one.sha != chosen.sha]
    if not same:
        return {}
    names = ", ".join(sorted(shown(one.placed.file, 60) for one in same)[:3])
    return {"note": f"{len(same) + 1} different notebooks have the same time; {shown(chosen.placed.file, 60)} was taken and not {names}."}


def merged(old: dict, new: dict) -> dict:
    """The record that counts. A submission that cannot be graded never replaces one that can: it is noted beside it."""
    if not old or old.get("lesson") != new["lesson"]:
        return new
    newer = not old["submitted_at"] or not new["submitted_at"] or new["submitted_at"] >= old["submitted_at"]
    if old["problem"] and not new["problem"]:
        failed = {key: old[key] for key in ("submitted_at", "original", "sha256", "problem")}
        return new if newer else new | {"later": failed}
    if new["problem"] and not old["problem"]:
        failed = {key: new[key] for key in ("submitted_at", "original", "sha256", "problem")}
        return old | {"later": failed} if newer else old
    return new if newer else old


def shown(text: str, most: int) -> str:
    """A text of a student's for a terminal or a file: one line, printable, at most `most` characters."""
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return line if len(line) <= most else line[: most - 3] + "..."
