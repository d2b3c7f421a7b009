"""Folders and archives as no instructor expects them: links, pipes, names that are paths, formulas or programs, times that cannot be."""

import os
import socket
import stat

from .paper import BOTH, NONE, RNN, fault

NOTEBOOK = f"{RNN}.ipynb"


def _odd(points=NONE, why="", **more):
    return fault("odd files", points, why, folder=True, **more)


# --- In place of a file ---


@_odd(why="is a link")
def link_to_a_system_file(paper, folder):
    """The notebook is a link to a file of the system, which plain nbgrader copies into the feedback."""
    (folder / NOTEBOOK).symlink_to("/etc/passwd")


@_odd(why="is a link")
def link_to_another_student(paper, folder):
    """The notebook is a link to the best student's."""
    (folder / NOTEBOOK).symlink_to(f"../honest_right/{NOTEBOOK}")


@_odd(why="is a link")
def link_to_nothing(paper, folder):
    """A link whose target does not exist."""
    (folder / NOTEBOOK).symlink_to("/nowhere/at/all.ipynb")


@_odd(why="is a link")
def link_to_a_secret(paper, folder):
    """A link to a file that only the grader can read."""
    (folder / NOTEBOOK).symlink_to(paper.places.files[0])


@_odd(why="is a link", placed=False)
def folder_that_is_a_link(paper, folder):
    """The whole folder is a link to another student's."""
    folder.rmdir()
    folder.symlink_to("honest_right", target_is_directory=True)


@_odd(why="hard link")
def hard_link(paper, folder):
    """A second name of a file that lies elsewhere."""
    elsewhere = folder.parent.parent / "elsewhere.txt"
    elsewhere.write_bytes(paper.right().data())
    os.link(elsewhere, folder / NOTEBOOK)


@_odd(why="no ordinary file")
def pipe(paper, folder):
    """A pipe: whoever opens it waits for ever."""
    os.mkfifo(folder / NOTEBOOK)


@_odd(why="no ordinary file")
def socket_file(paper, folder):
    """A socket with the notebook's name."""
    here = os.getcwd()
    os.chdir(folder)  # a socket's path may have only 107 characters
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(NOTEBOOK)
    finally:
        os.chdir(here)


@_odd(why="no ordinary file")
def device(paper, folder):
    """An endless device, /dev/zero under another name (a pipe where devices cannot be made)."""
    try:
        os.mknod(folder / NOTEBOOK, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        os.mkfifo(folder / NOTEBOOK)


@_odd(BOTH)
def folder_named_as_a_notebook(paper, folder):
    """A folder whose name ends in .ipynb, and the notebook in it."""
    (folder / NOTEBOOK).mkdir()
    (folder / NOTEBOOK / NOTEBOOK).write_bytes(paper.right().data())


@_odd(BOTH if os.geteuid() == 0 else NONE, "" if os.geteuid() == 0 else "could not be read")
def no_permission(paper, folder):
    """A file that nobody may read; root reads it nevertheless."""
    (folder / NOTEBOOK).write_bytes(paper.right().data())
    (folder / NOTEBOOK).chmod(0)


# --- Other files, or several ---


@_odd(why="No notebook")
def text_ending(paper, folder):
    """The browser saved it as .ipynb.txt."""
    (folder / f"{NOTEBOOK}.txt").write_bytes(paper.right().data())


@_odd(why="No notebook")
def a_word_document(paper, folder):
    """Words in place of code."""
    (folder / "answers_01_rnn_formula.docx").write_bytes(b"PK\x03\x04 not a notebook")


@_odd(why="checkpoint")
def only_a_checkpoint(paper, folder):
    """Only Jupyter's own checkpoint copy was sent."""
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / f"{RNN}-checkpoint.ipynb").write_bytes(paper.right().data())


@_odd(BOTH)
def a_checkpoint_beside_it(paper, folder):
    """An older checkpoint copy lies beside the notebook."""
    (folder / NOTEBOOK).write_bytes(paper.right().data())
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / f"{RNN}-checkpoint.ipynb").write_bytes(b"")
    os.utime(folder / NOTEBOOK, (1_700_000_000, 1_700_000_000))


@_odd(BOTH)
def two_notebooks(paper, folder):
    """An empty attempt of yesterday and today's right one."""
    (folder / f"{RNN}.ipynb").write_bytes(paper.data())
    (folder / f"{RNN}-final.ipynb").write_bytes(paper.right().data())
    os.utime(folder / f"{RNN}.ipynb", (1_700_000_000, 1_700_000_000))
    os.utime(folder / f"{RNN}-final.ipynb", (1_700_086_400, 1_700_086_400))


@_odd(BOTH)
def a_good_one_and_a_broken_one(paper, folder):
    """A right notebook, and later the same again, cut off while it was sent."""
    data = paper.right().data()
    (folder / NOTEBOOK).write_bytes(data)
    (folder / f"{RNN}(1).ipynb").write_bytes(data[:1000])
    os.utime(folder / NOTEBOOK, (1_700_000_000, 1_700_000_000))


@_odd(BOTH)
def other_files_beside_it(paper, folder):
    """Pictures, a virtual environment, programs and links beside a right notebook."""
    (folder / NOTEBOOK).write_bytes(paper.right().data())
    (folder / "sitecustomize.py").write_text("raise SystemExit('stolen')")
    (folder / "numpy.py").write_text("raise SystemExit('stolen')")
    (folder / "conftest.py").write_text("raise SystemExit('stolen')")
    (folder / "etc").symlink_to("/etc")
    (folder / "loop").symlink_to(".")
    (folder / "record.json").write_text('{"student": "honest_right", "lesson": "01_rnn_formula"}')


@_odd(BOTH)
def another_name(paper, folder):
    """The notebook is called after what was in the student's mind; its cells tell the lesson."""
    (folder / "FINAL really final (2).ipynb").write_bytes(paper.right().data())


@_odd(BOTH)
def capital_letters(paper, folder):
    """Windows' capital letters and blanks in the name."""
    (folder / "01 RNN Formula.IPYNB").write_bytes(paper.right().data())


# --- Times ---


@_odd(BOTH)
def from_the_future(paper, folder):
    """Saved in the year 2199, by a computer whose clock is wrong."""
    (folder / NOTEBOOK).write_bytes(paper.right().data())
    os.utime(folder / NOTEBOOK, (7_226_582_400, 7_226_582_400))


@_odd(BOTH)
def from_1970(paper, folder):
    """Saved on 1 January 1970, and before."""
    (folder / NOTEBOOK).write_bytes(paper.right().data())
    os.utime(folder / NOTEBOOK, (-1, -1))


@_odd(BOTH)
def strange_time_stamp(paper, folder):
    """A timestamp.txt with a line that is no time, of a megabyte."""
    (folder / NOTEBOOK).write_bytes(paper.right().data())
    (folder / "timestamp.txt").write_text("yesterday\x00 $(rm -rf /)" * 50_000)


# --- Names, as a learning platform's zip holds them. Each is the path of a right notebook. ---

ZIPPED = {
    "formula": "=cmd|'/c calc'!A1_1001_assignsubmission_file_/01_rnn_formula.ipynb",
    "plus formula": "+1+1_1002_assignsubmission_file_/01_rnn_formula.ipynb",
    "script": "<script>alert(1)</script>_1003_assignsubmission_file_/01_rnn_formula.ipynb",
    "newline": "New\nLine,\t\"quoted\";'one'_1004_assignsubmission_file_/01_rnn_formula.ipynb",
    "long": "L" * 1000 + "_1005_assignsubmission_file_/01_rnn_formula.ipynb",
    "other scripts": "Ωμέγα 王小明 عمر 👩‍🎓_1006_assignsubmission_file_/01_rnn_formula.ipynb",
    "turned text": "\u202eecilA\u202c\u2066_1007_assignsubmission_file_/01_rnn_formula.ipynb",
    "percent and braces": "%s{0}{{x}}$(id)`id`%n_1008_assignsubmission_file_/01_rnn_formula.ipynb",
    "dots": ".._1009_assignsubmission_file_/01_rnn_formula.ipynb",
    "reserved word": "CON_1010_assignsubmission_file_/01_rnn_formula.ipynb",
    "capitals": "ANNA BELL_1011_assignsubmission_file_/01_rnn_formula.ipynb",
    "small letters": "anna bell_1012_assignsubmission_file_/01_rnn_formula.ipynb",
    "database": "Robert'); DROP TABLE grade;--_1013_assignsubmission_file_/01_rnn_formula.ipynb",
    "no name": "_1014_assignsubmission_file_/01_rnn_formula.ipynb",
    "same name": "Twin_1015_assignsubmission_file_/01_rnn_formula.ipynb",
    "same name again": "Twin_1016_assignsubmission_file_/01_rnn_formula.ipynb",
    "backslashes": "Back\\slash_1017_assignsubmission_file_\\01_rnn_formula.ipynb",
    "zero width": "zero\u200bwidth\ufeff_1018_assignsubmission_file_/01_rnn_formula.ipynb",
}
# Paths that lead out of the archive, and what is no plain file in it; these need a person or are left out, and nothing is written there.
LEADING_OUT = ("../../../../outside_1101_assignsubmission_file_/01_rnn_formula.ipynb", "/outside_1102_assignsubmission_file_/01_rnn_formula.ipynb",
               "C:\\outside_1103_assignsubmission_file_\\01_rnn_formula.ipynb")  # fmt: skip
