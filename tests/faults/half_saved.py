"""Files of students whose computer stopped while saving, or whose program wrote something else than a notebook."""

import base64
import io
import json
import zipfile

import nbformat
from course_utils.grading.release import release_notebook

from .paper import BOTH, NONE, fault


def _saved(points=NONE, why="", **more):
    return fault("half saved", points, why, **more)


# --- What cannot be read ---


@_saved(why="empty")
def empty_file(paper):
    """0 bytes: the disk was full."""
    return b""


@_saved(why="empty")
def only_blanks(paper):
    """Blank lines and nothing else."""
    return b"\n\n  \r\n"


@_saved(why="damaged")
def half_a_notebook(paper):
    """The first half of the file; the rest was not yet written."""
    data = paper.right().data()
    return data[: len(data) // 2]


@_saved(why="damaged")
def all_zero_bytes(paper):
    """The right length, and only zero bytes: file systems leave this after a power cut."""
    return bytes(len(paper.right().data()))


@_saved(why="damaged")
def zero_bytes_in_the_middle(paper):
    """One block of 4,096 zero bytes in a good file."""
    data = paper.right().data()
    return data[:3000] + bytes(4096) + data[7096:]


@_saved(why="damaged")
def two_halves(paper):
    """The end of an older file hangs on a newer, shorter one."""
    data = paper.right().data()
    return data + data[-500:]


@_saved(why="damaged")
def merge_conflict(paper):
    """Marks of a merge conflict between two versions."""
    data = paper.right().data().decode().split("\n")
    return "\n".join([*data[:5], "<<<<<<< HEAD", *data[5:9], "=======", *data[5:9], ">>>>>>> laptop", *data[9:]])


@_saved(why="damaged")
def other_encoding(paper):
    """Saved in Latin-1, with an umlaut that is no UTF-8."""
    return paper.right().says("Größe").data().decode().encode("latin-1", "ignore")


@_saved(why="archive", folder=True)
def zip_instead(paper, folder):
    """A zip of the notebook in place of the notebook."""
    with zipfile.ZipFile(folder / "01_rnn_formula.zip", "w") as archive:
        archive.writestr("01_rnn_formula.ipynb", paper.right().data())


@_saved(why="damaged")
def zip_under_its_name(paper):
    """A zip that is called .ipynb."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("01_rnn_formula.ipynb", paper.right().data())
    return file.getvalue()


@_saved(why="damaged")
def script_under_its_name(paper):
    """The exported Python script, renamed."""
    return "\n\n".join(f"# In[ ]:\n{cell.source}" for cell in paper.right().notebook.cells if cell.cell_type == "code")


@_saved(why="damaged")
def web_page(paper):
    """The learning platform's log-in page, saved under the notebook's name."""
    return "<!DOCTYPE html><html><head><title>Log in</title></head><body><script>alert(1)</script></body></html>"


@_saved(why="The file is JSON, but not a notebook")
def list_for_an_object(paper):
    """A list of cells without the notebook around it."""
    return json.dumps(paper.right().plain()["cells"])


@_saved(why="The file is JSON, but not a notebook")
def cells_null(paper):
    """The list of cells is null."""
    return json.dumps(paper.plain() | {"cells": None})


@_saved(why="The file is JSON, but not a notebook")
def only_a_number(paper):
    """JSON, but only a number."""
    return "42"


@_saved(why="no cells")
def no_cells(paper):
    """A notebook without a single cell."""
    return json.dumps(paper.plain() | {"cells": []})


@_saved((None, 10), "is not there")
def a_cell_without_text(paper):
    """An answer whose text became a number, and a cell that is no object."""
    plain = paper.right().plain()
    plain["cells"][4]["source"] = 5
    plain["cells"][3] = "markdown"
    return json.dumps(plain)


@_saved(why="damaged")
def brackets_without_end(paper):
    """A million opening brackets, on which parsers run out of stack."""
    return b'{"cells": ' + b"[" * 1_000_000


@_saved(why="old format")
def format_3(paper):
    """nbformat 3, as IPython wrote it in 2013."""
    plain = paper.right().plain()
    cells = [{"cell_type": cell["cell_type"], "input": cell["source"], "source": cell["source"], "language": "python"} for cell in plain["cells"]]
    return json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]})


@_saved(why="larger than 10 MB")
def huge_outputs(paper):
    """11 MB of pictures in the outputs."""
    plain = paper.right().plain()
    picture = base64.b64encode(bytes(4_000_000)).decode()
    for cell in plain["cells"][:2]:
        cell.update(cell_type="code", execution_count=1, outputs=[{"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}])
    return json.dumps(plain)


@_saved(why="cells")
def thousands_of_cells(paper):
    """A paste that made 3,000 cells."""
    for _ in range(3000):
        paper.last("1")


@_saved(why="characters")
def a_book_in_a_cell(paper):
    """Three million characters in one cell."""
    paper.right().last("x = '''" + "word " * 600_000 + "'''")


@_saved((0, None), "is not there")
def the_lesson_itself(paper):
    """The lesson's notebook in place of its exercises; it has a function of the same name with other arguments."""
    return (paper.places.repository / "notebooks" / "01_rnn_formula.ipynb").read_bytes()


@_saved(why="02_unrolling")
def another_exercise(paper):
    """Lesson 2's exercises under the name of lesson 1's."""
    return nbformat.writes(release_notebook("02_unrolling"))


# --- What looks bad and can be graded ---


@_saved(BOTH)
def byte_order_mark(paper):
    """A byte order mark before the first bracket, as Windows' Notepad writes it."""
    return b"\xef\xbb\xbf" + paper.right().data()


@_saved(BOTH)
def utf_16(paper):
    """Saved as "Unicode" by an editor: UTF-16."""
    return paper.right().data().decode().encode("utf-16")


@_saved(BOTH)
def format_99(paper):
    """A format of the future, otherwise as today's."""
    return json.dumps(paper.right().plain() | {"nbformat": 99, "nbformat_minor": -1})


@_saved(BOTH)
def format_as_a_word(paper):
    """Format numbers that are words, and metadata that are lists."""
    plain = paper.right().plain() | {"nbformat": "four", "nbformat_minor": None, "metadata": []}
    return json.dumps(plain)


@_saved(BOTH)
def text_in_lines(paper):
    """Each cell's text as one string, as a list of lines, and with Windows' line ends."""
    plain = paper.right().plain()
    for k, cell in enumerate(plain["cells"]):
        text = "".join(cell["source"]).replace("\n", "\r\n")
        cell["source"] = text if k % 2 else text.splitlines(keepends=True)
    return json.dumps(plain, indent=1).replace("\n", "\r\n")


@_saved(BOTH)
def another_kernel(paper):
    """Saved with a kernel of another language, of another machine, and with Windows' paths."""
    paper.right().notebook.metadata["kernelspec"] = {"name": "ir", "display_name": "R", "language": "R", "path": "C:\\Users\\ä"}
    paper.notebook.metadata["language_info"] = {"name": "julia"}
    paper.first("path = 'C:\\\\Users\\\\Müller\\\\data.csv'\nopen(path)")


@_saved(BOTH)
def broken_outputs(paper):
    """Stored outputs of no known kind, with wrong types and with scripts; the code is right."""
    plain = paper.right().plain()
    for cell in plain["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "magic"}, 5, None, {"output_type": "stream", "text": {"a": 1}},
                               {"output_type": "display_data", "data": {"text/html": "<script>alert(1)</script>"}}]  # fmt: skip
            cell["execution_count"] = "often"
    return json.dumps(plain)


@_saved(BOTH)
def broken_metadata(paper):
    """Metadata of cells that are lists, numbers and names of a million letters; ids that repeat."""
    plain = paper.right().plain()
    broken = [[], 5, None, {"nbgrader": 7}, {"nbgrader": {"grade_id": ["rnn_step"]}}, {"nbgrader": {"grade_id": "x" * 10**6}}, {"tags": "no list"}]
    for k, cell in enumerate(plain["cells"]):
        cell["metadata"], cell["id"] = broken[k % len(broken)], "the same"
    return json.dumps(plain)


@_saved(BOTH)
def numbers_beyond_json(paper):
    """NaN and Infinity, numbers of a thousand digits and a key that comes twice."""
    data = json.dumps(paper.right().plain() | {"x": [float("nan"), float("inf"), 10**999]})
    return data.replace('{"cells"', '{"cells": null, "cells"', 1)


@_saved(BOTH)
def half_characters(paper):
    """Halves of emoji and zero characters in the text, as a broken copy leaves them."""
    plain = paper.right().plain()
    plain["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "\ud83d half \udc00 \x00 \x0b \uffff"})
    plain["cells"].append({"cell_type": "code", "metadata": {}, "source": "x = '\ud83d'", "outputs": [], "execution_count": None})
    return json.dumps(plain)


@_saved(BOTH)
def unknown_cells(paper):
    """Raw cells, headings of old notebooks and cells of a kind that nobody knows, between right answers."""
    plain = paper.right().plain()
    for kind in ("raw", "heading", "sql", "", None):
        plain["cells"].insert(3, {"cell_type": kind, "metadata": {}, "source": "nothing"})
    return json.dumps(plain)


@_saved((0, 10))
def syntax_error(paper):
    """A typing error in an answer: the name keeps the stub of another cell, or none."""
    paper.right().source("rnn_step", "def rnn_step(*all):\n    raise NotImplementedError").last("def rnn_step(:\n    return")


@_saved((None, 10), "SyntaxError")
def only_a_syntax_error(paper):
    """The answer cell cannot be read by Python, so that the function does not exist."""
    paper.right().source("rnn_step", "def rnn_step(x_t, h_prev\n    return x_t")


@_saved((None, 10), "is not there")
def answer_as_markdown(paper):
    """An answer cell that was turned into Markdown by the key M."""
    paper.right().cell("rnn_step_answer").cell_type = "markdown"
    plain = paper.plain()
    return json.dumps(plain)


@_saved((None, None), "ModuleNotFoundError")
def imports_fail(paper):
    """Answers that import a module nobody has, in their first line."""
    for name in paper.tasks:
        paper.right(name).source(name, "import torchx\n" + paper.cell(f"{name}_answer").source)
