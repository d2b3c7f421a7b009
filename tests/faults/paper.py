"""A student's paper: the exercise as it is handed out, in which a builder writes answers and makes a fault."""

import copy
import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nbformat
from course_utils.grading import exercises
from course_utils.grading.release import release_notebook
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

RNN, LSTM = "01_rnn_formula", "03_lstm"
TASKS = {lesson: [task.name for task in exercises.tasks(lesson)] for lesson in (RNN, LSTM)}
# Student code prints this word when it got at something. It is put together there, so that only outputs hold it, no source.
LOOT = "LOOT:"
SAY_LOOT = 'loot = lambda *what: print("LO" + "OT:", *what)\n'


class Places(NamedTuple):
    """What student code tries to reach. Each file holds `secret`; to write there is as bad as to read."""

    secret: str
    files: list[Path]  # in folders like those of a grader: home, scratch, state, repository
    state: Path
    repository: Path
    scratch: Path
    tcp: int
    udp: int
    abstract: str  # name of a Unix socket that lies in no folder


@functools.cache
def _released(lesson):
    return release_notebook(lesson)


@functools.cache
def _reference(lesson):
    """grade_id -> the author's source of an answer cell, without the marks around it."""
    notebook = nbformat.read(exercises.source_notebook(lesson), as_version=4)
    return {exercises.grade_id(cell): re.sub(r"^.*### (BEGIN|END) SOLUTION.*\n?", "", cell.source, flags=re.MULTILINE) for cell in notebook.cells}


class Paper:
    """One notebook of a lesson, at first as handed out."""

    def __init__(self, places: Places, lesson: str = RNN) -> None:
        self.places, self.lesson, self.tasks = places, lesson, TASKS[lesson]
        self.notebook = copy.deepcopy(_released(lesson))

    def cell(self, grade_id):
        return next(cell for cell in self.notebook.cells if exercises.grade_id(cell) == grade_id)

    def drop(self, grade_id):
        self.notebook.cells.remove(self.cell(grade_id))
        return self

    def right(self, *names):
        """Answer these tasks as the author does; without names, all."""
        for name in names or self.tasks:
            self.cell(f"{name}_answer").source = _reference(self.lesson)[f"{name}_answer"]
        return self

    def answer(self, name, body):
        """Replace the body of an answer's function."""
        cell = self.cell(f"{name}_answer")
        head = cell.source.split("\n", 1)[0]
        cell.source = head + "\n" + "\n".join("    " + line for line in body.strip("\n").split("\n"))
        return self

    def source(self, name, source):
        """Replace the whole answer cell."""
        self.cell(f"{name}_answer").source = source
        return self

    def first(self, source):
        """A code cell of the student's own, after the imports."""
        self.notebook.cells.insert(self.notebook.cells.index(self.cell("set_up")) + 1, new_code_cell(source))
        return self

    def last(self, source):
        """A code cell of the student's own, at the end."""
        self.notebook.cells.append(new_code_cell(source))
        return self

    def says(self, text, kind="markdown"):
        """Words in a cell of the student's own."""
        self.notebook.cells.append((new_markdown_cell if kind == "markdown" else new_raw_cell)(text))
        return self

    def plain(self):
        """The notebook as plain lists and dicts, to be broken at will."""
        return json.loads(nbformat.writes(self.notebook))

    def data(self):
        return nbformat.writes(self.notebook).encode()


ZEROS = {
    "rnn_step": "return np.zeros(h_prev.shape)", "states_of_batch": "return np.zeros((*digits.shape[:2], len(b)))",
    "old_lstm_step": "return np.zeros(h_prev.shape), np.zeros(c_prev.shape)", "forget_gates": "return np.full((len(rows), layer.units), 0.5)",
}  # fmt: skip


def guessed(paper: Paper) -> Paper:
    """Answers of the right shape that are all zeros: points for these are forged."""
    for name in paper.tasks:
        paper.answer(name, ZEROS[name])
    return paper


class Expected(NamedTuple):
    """What has to come out.

    Attributes:
        points: of the two tasks in order; None where nobody has earned or lost any.
        why: words in the reason, where a person is needed; empty where all is graded.
        placed: whether it is known to which lesson it belongs; else it is in the list of files that a person has to place.
    """

    points: tuple[float | None, ...]
    why: str
    placed: bool = True

    @property
    def status(self):
        if not self.placed:
            return "not submitted"
        return "needs a person" if self.why else "graded"


class Fault(NamedTuple):
    """One hostile or broken submission.

    Attributes:
        name: of the fault and of the student who hands it in.
        tries: what it tries, or what happened to the student.
        build: writes into the paper; what it returns (text or bytes) replaces the file.
        place: puts the submission into the student's folder, where it is not one notebook.
    """

    name: str
    group: str
    lesson: str
    expected: Expected
    tries: str
    build: Callable | None = None
    place: Callable | None = None

    def hand_in(self, folder: Path, places: Places) -> None:
        """Put the submission into the student's own folder."""
        paper = Paper(places, self.lesson)
        if self.place:
            return self.place(paper, folder)
        made = self.build(paper)
        data = paper.data() if made is None or isinstance(made, Paper) else made
        (folder / f"{self.lesson}.ipynb").write_bytes(data.encode() if isinstance(data, str) else data)


FAULTS: list[Fault] = []
BOTH = (10, 10)
NONE = (None, None)


def fault(group: str, points: tuple, why: str = "", lesson: str = RNN, folder: bool = False, placed: bool = True):
    """Enter a builder into the list; its name is the student's, its docstring says what it tries.

    Args:
        group: heading in the table of outcomes.
        points: expected, for each of the lesson's tasks.
        why: words in the reason; only for one that needs a person.
        folder: the builder gets the student's folder as well and puts its files there itself.
        placed: False when nothing tells the lesson.
    """

    def enter(builder):
        assert len(builder.__name__) <= 40 and builder.__doc__ and builder.__name__ not in {known.name for known in FAULTS}, builder.__name__
        tries = " ".join(builder.__doc__.split())
        FAULTS.append(Fault(builder.__name__, group, lesson, Expected(points, why, placed), tries, **{"place" if folder else "build": builder}))
        return builder

    return enter
