"""What browsers get to see: nothing of a student's runs, nothing hidden shows, and the words are there."""

import base64
import json
import re
import struct
import zlib

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import about, graded, source, submission
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from test_export import add
from test_gradebook import mark

from course_utils.grading import answers, escape, export, state as states
from course_utils.grading.feedback import page, write_feedback
from course_utils.grading.gradebook import Book
from course_utils.grading.report import html as report_html

ONE = "01_rnn_formula"
SCRIPTS = [
    "<script>document.title='owned'</script>", "<img src=x onerror=\"document.title='owned'\">", "<svg onload=fetch('/owned')>",
    "[x](javascript:document.title='owned')", "[x](JaVaScRiPt&colon;alert(1))", "[x]( java\tscript:alert(1))", "<javascript:alert(1)>",
    "![x](javascript:alert(1))", "![x](data:text/html;base64,PHNjcmlwdD4=)", "[x](data:text/html,<script>alert(1)</script>)", "[x](vbscript:a)",
    "<a href=\"javascript:alert(1)\">x</a>", "`</code><script>document.title='owned'</script>`", "```\n</pre><script>document.title='owned'</script>\n```",
    "```html\"><script>alert(1)</script>\nx\n```", "a\n\n    </code></pre><script>alert(1)</script>", "<details open ontoggle=alert(1)>", "<iframe srcdoc='<script>alert(1)</script>'>",
    "[a]: javascript:alert(1)\n\n[a]", "![x](attachment:evil.svg)", "<style>*{display:none}</style>", "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">", "$\\href{javascript:alert(1)}{x}$", "$$\\require{html}\\class{evil}{x}$$", "$\\rule{9em}{9em}$",
    "$</span><script>alert(1)</script>$", "$\\begin{html}x\\end{html}$", "<div class=\"tex2jax_process\">$\\href{javascript:alert(1)}{x}$</div>", "\\[\\href{javascript:alert(1)}{x}\\]",
    "|a|\n|-|\n|<script>alert(1)</script>|", "</div></div><script>alert(1)</script>", "<!-- --><script>alert(1)</script>", "<![CDATA[<script>alert(1)</script>]]>",
    "<object data='javascript:alert(1)'>", "<form action='javascript:alert(1)'><button>x</button></form>", "<base href='//evil'>", "<meta http-equiv=refresh content='0;url=//evil'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "\\<script>alert(1)\\</script>", "{{ 7*7 }}{% raw %}", "[x](https://ok.example/\"onmouseover=alert(1))", "&#60;script&#62;alert(1)&#60;/script&#62;",
]  # fmt: skip
SAFE_TAGS = escape.TAGS | {"section", "main", "body", "html", "head", "meta", "title", "style", "table", "caption", "img", "tbody"}


def unsafe(html):
    """Elements and attributes in a page that could act, outside its head."""
    found = []
    for element in BeautifulSoup(html, "html5lib" if _has_html5lib() else "html.parser").find("body").find_all(True):
        if element.name not in SAFE_TAGS:
            found.append(element.name)
        for name, value in element.attrs.items():
            value = " ".join(value) if isinstance(value, list) else value
            picture = element.name == "img" and name == "src" and re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", value)
            link = element.name == "a" and name == "href" and re.match(r"(https?://|mailto:|#)", value)
            style = name == "style" and re.fullmatch(r"overflow:auto;max-width:100%|background: rgba\(var\(--heat\), [0-9.]+\)", value)
            if not (picture or link or style) and name not in ("class", "id", "scope", "align", "alt", "lang"):
                found.append(f"{element.name} {name}={value}")
    return found


def _has_html5lib():
    try:
        import html5lib  # noqa: F401
    except ImportError:
        return False
    return True


def test_the_search_for_unsafe_parts_finds_them():
    assert unsafe("<body><script>1</script><img src=x onerror=alert(1)><a href='javascript:x'>y</a><p style='a'>z</p>") == [
        "script", "img src=x", "img onerror=alert(1)", "a href=javascript:x", "p style=a",
    ]  # fmt: skip


def hostile(text, kind="markdown"):
    """A Graded in which every place that holds a student's text holds this one."""
    found = graded(ONE)
    outputs = [{"output_type": "stream", "name": "stderr", "text": text}, {"output_type": "error", "ename": text, "evalue": text, "traceback": [text]},
               {"output_type": "display_data", "data": {"text/html": text, "image/svg+xml": text, "image/png": text, "text/markdown": text}}]  # fmt: skip
    for cell in found["cells"]:
        cell |= {"source": text, "outputs": outputs, "note": text}
    found["cells"] += [{"source": text, "cell_type": kind, "grade_id": grade_id, "outputs": outputs, "note": ""} for grade_id in (None, text, "rnn_step", "open")]
    found["tasks"]["rnn_step"]["sentence"] = found["tasks"]["rnn_step"]["name"] = text
    return found | {"why": text}


@pytest.mark.parametrize("text", SCRIPTS)
def test_no_script_of_a_students_is_in_the_feedback(state, course, text):
    with Book(state) as book:
        add(book, state, "alice", hostile(text, "raw"), name=text, later={"submitted_at": None, "problem": text})
        (row,) = export.rows(state, book)
        html = page(state, book, row)
        assert unsafe(html) == []
        assert unsafe(report_html(state, export.rows(state, book))) == []


@pytest.mark.parametrize("template", ["formgrade", "feedback"])
def test_nothing_of_a_students_is_left_for_nbgraders_pages_to_render(course, template):
    """nbgrader's templates render Markdown again; each text must come out of that as we put it in."""
    for text in SCRIPTS:
        notebook = nbformat.reads(answers.to_bytes(answers.autograded(hostile(text), note=text)).decode(), as_version=4)
        rendered = HTMLExporter(template_name="classic", exclude_anchor_links=True).from_notebook_node(notebook)[0]
        bare = BeautifulSoup(rendered, "html.parser").find("body")
        for script in bare.find_all("script"):
            assert "owned" not in script.text and "alert" not in script.text, text
        risky = [name for element in bare.find_all(True) for name in (element.name, *element.attrs) if name.startswith("on") or name in ("svg", "iframe", "object", "form", "base", "math")]
        links = [element["href"] for element in bare.find_all(href=True) if not re.match(r"https?://|#|mailto:", element["href"])]
        assert risky == [] and links == [], text


def test_hidden_parts_and_solutions_are_nowhere(state, course):
    with Book(state) as book:
        add(book, state, "alice", graded(ONE))
        write_feedback(state, book, export.rows(state, book))
    for path in state.folder.rglob("*"):
        if path.is_file():
            assert not re.search(rb"4242|4243|HIDDEN|BEGIN SOLUTION", path.read_bytes()), path


def test_the_page_says_what_there_is_to_say(state, course):
    with Book(state) as book:
        add(book, state, "alice", graded(ONE))
        mark(book, "open", 7.5)
        comment = book.nbgrader.find_comment("open", ONE, ONE, "alice")
        comment.manual_comment = "Well *argued*. <script>alert(1)</script>"
        book.db.commit()
        html = page(state, book, export.rows(state, book)[0])
    text = BeautifulSoup(html, "html.parser").get_text(" ", strip=True)
    for words in ("22.5 of 30 points", "5 of 10", "The recurrent term is missing.", "Marked by hand.", "7.5 of 10", "My words.", "def rnn_step", "Well argued", "Alice Doe"):
        assert words in " ".join(text.split()), words


def test_what_is_not_graded_is_no_zero(state, course):
    with Book(state) as book:
        add(book, state, "alice", graded(ONE, points=(10.0, None), status="needs a person", why="It ran too long."))
        add(book, state, "bob", problem="The file is empty.")
        pages = [BeautifulSoup(page(state, book, row), "html.parser").find("main").get_text(" ", strip=True) for row in export.rows(state, book)]
    assert "So far 10 of 10 points; 2 of 3 tasks are not graded yet. It ran too long." in pages[0]
    assert "a person will look at it. The file is empty." in pages[1]
    assert not any(re.search(r"\b0(\.0)? of", text) for text in pages)


def test_feedback_is_written_once_and_again_when_a_mark_comes(state, course):
    with Book(state) as book:
        add(book, state, "alice", graded(ONE))
        assert write_feedback(state, book, export.rows(state, book)) == (1, 1)
        assert write_feedback(state, book, export.rows(state, book)) == (1, 0)
        mark(book, "open", 7.5)
        assert write_feedback(state, book, export.rows(state, book)) == (1, 1)


# --- The notebook ---


def cells_of(notebook):
    return [(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source) for cell in notebook.cells]


def test_locked_cells_come_back_whatever_the_student_did_to_them(course):
    found = graded(ONE)
    check = next(cell for cell in found["cells"] if cell["grade_id"] == "rnn_step")
    check["source"] = "points = 100"
    found["cells"] = [cell for cell in found["cells"] if cell["grade_id"] != "rnn_states"] * 2
    notebook = answers.autograded(found)
    whole = cells_of(notebook)
    assert [grade_id for grade_id, _ in whole if grade_id] == ["rnn_states_answer", "rnn_states", "rnn_step_answer", "rnn_step", "open"]
    assert dict(whole)["rnn_step"] == "check_rnn_step(rnn_step)" and (None, "points = 100") in whole
    points = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")}
    assert points == {"rnn_states": 10, "rnn_step": 10, "open": 10}
    verdicts = {cell.metadata.nbgrader.grade_id: cell.outputs[0].text for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("locked")}
    assert verdicts == {"rnn_states": "10 of 10 points. Right.\n", "rnn_step": "5 of 10 points. The recurrent term is missing.\n"}


def test_own_cells_stay_where_they_were_and_missing_answers_are_said(course):
    extra = new_code_cell("helper = 1")
    data = json.loads(submission(ONE, more=[extra]))
    data["cells"].insert(1, data["cells"].pop())  # the helper after the first answer
    data["cells"] = [cell for cell in data["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") != "open"]
    whole = cells_of(answers.autograded(graded(ONE, data=json.dumps(data))))
    at = whole.index((None, "helper = 1"))
    assert whole[at - 1][0] == "rnn_states_answer" and whole[at + 1][0] == "rnn_states"
    assert "missing in the submission" in dict(whole)["open"]


def test_the_same_graded_gives_the_same_bytes(course):
    assert answers.to_bytes(answers.autograded(graded(ONE))) == answers.to_bytes(answers.autograded(graded(ONE)))


def test_too_much_is_cut_and_said(course):
    found = graded(ONE)
    found["cells"] += [{"source": "x" * 1_000_000, "cell_type": "code", "grade_id": None, "outputs": [{"output_type": "stream", "text": "y" * 1_000_000}] * 3, "note": ""}]
    found["cells"] += [{"source": "z", "cell_type": "markdown", "grade_id": None, "outputs": [], "note": ""}] * 2_000
    data = answers.to_bytes(answers.autograded(found))
    assert len(data) < 1_000_000 and b"cut here" in data and b"more cells are not shown" in data


# --- Escaping ---


def test_ordinary_markdown_looks_as_it_should():
    html = escape.markdown_block("# A\n\n*b* and `c_d`, [e](https://f.example/g_h), $h_t = \\tanh(W_x x_t)$\n\n| i | j |\n|---|---|\n| 1 | 2 |\n\n```python\nx = 1\n\ny\n```")
    page_ = BeautifulSoup(HTMLExporter(exclude_anchor_links=True).from_notebook_node(new_notebook(cells=[new_markdown_cell(html)]))[0], "html.parser")
    body = page_.find(class_="tex2jax_ignore")
    assert body.h1.text == "A" and body.em.text == "b" and body.code.text == "c_d" and body.a["href"] == "https://f.example/g_h"
    assert body.find(class_="tex2jax_process").text == "\\(h_t = \\tanh(W_x x_t)\\)" and [td.text for td in body.find_all("td")] == ["1", "2"]
    assert body.pre.text == "x = 1\n\ny\n"


# Each layer for itself: together they hide that one of them is missing.


def test_raw_html_is_shown_as_text():
    assert BeautifulSoup(escape.markdown_block("a <b>c</b> <em>d</em>"), "html.parser").get_text(strip=True) == "a <b>c</b> <em>d</em>"


@pytest.mark.parametrize("text", SCRIPTS)
def test_what_a_parser_lets_through_is_cleaned(text, monkeypatch):
    monkeypatch.setattr(escape, "_renderer", lambda: lambda given: given)
    assert unsafe(f"<body>{escape.markdown_block(text)}</body>") == []


def test_a_block_leaves_nothing_to_render():
    inside = escape.markdown_block("```\na\n\n[x](javascript:alert(1)) $y$ \\(z\\) `w` *v* _u_ ~t~ | s\n```").removeprefix('<div class="tex2jax_ignore"')
    assert not set(inside) & set("\n\\`*_[]~|$")


def test_formulas_with_unknown_commands_are_shown_as_text():
    for formula in ("\\href{javascript:x}{y}", "\\def\\a{\\a\\a}\\a", "\\begin{evil}\\end{evil}", "x" * 3_000):
        html = escape.markdown_block(f"${formula}$")
        assert "tex2jax_process" not in html and "<code>" in html


@pytest.mark.parametrize("text", ["[" * 50_000, "*a " * 6_000, "> " * 9_000, "`" * 20_000, "![" * 9_000, "(" * 20_000, "<" * 20_000, "$" * 20_000, "- " * 9_000, "|" * 20_000, "[a](" * 4_000, "_*" * 9_000, "\\" * 20_000, "1. " * 6_000])
def test_text_that_keeps_a_parser_busy_is_shown_as_it_was_typed_or_soon(text):
    assert escape.markdown_block(text).startswith('<div class="tex2jax_ignore"')


def png(width=1, height=1, data=b"", end=True):
    def part(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0\0\0\0" + data)) + (part(b"IEND", b"") if end else b"")


@pytest.mark.parametrize("data, good", [
    (png(), True), (png(end=False), False), (png() + b"<script>", False), (png(60_000, 60_000), False), (b"GIF89a", False), (png()[:-1], False),
    (png().replace(b"IDAT", b"IDAX"), False), (png(data=bytes(range(256)) * 9_000), True), (b"", False), (b"<svg onload=alert(1)>", False), (b"\0" * 600_000, False),
])  # fmt: skip
def test_pictures(data, good):
    assert (escape.checked_png(base64.b64encode(data).decode()) is not None) == good


@pytest.mark.parametrize("text", ['"><script>', None, 5, {"a": 1}, "!!!", "a"])
def test_what_is_no_base64_is_no_picture(text):
    assert escape.checked_png(text) is None


def test_control_characters_and_turned_text_are_visible():
    assert escape.printable("a\x1b[31m\u202eb\x00\r\nc\ud800") == "a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}\nc\N{REPLACEMENT CHARACTER}"


# --- Report ---


def test_the_report_counts_what_went_wrong_and_not_what_gave_no_evidence(state, course):
    with Book(state) as book:
        for k in range(4):
            add(book, state, f"s{k}", graded(ONE, f"s{k}", (10.0, 5.0 if k else 10.0)))
        add(book, state, "bob", graded(ONE, "bob", (10.0, None), status="needs a person", why="It ran too long."))
        text = BeautifulSoup(report_html(state, export.rows(state, book)), "html.parser")
    assert [td.text for td in text.find("table").find("tbody").find_all("td")] == ["4", "1", "0", "0", "5"]
    assert [td.text for td in text.find_all(class_="heat")] == ["–", "3"]
    words = " ".join(text.get_text(" ", strip=True).split())
    assert "rnn_step: 1 of 4 answers are right. Most often wrong: missing term (3). 1 gave no evidence" in words and "It ran too long." in words
    assert "5 submissions took 8 seconds of computing in all, 1.5 seconds in the median." in words


def test_source_of_the_tests_has_what_must_not_leak():
    assert "4242" in nbformat.writes(source(ONE)) and about("x")["nbgrader"]["grade_id"] == "x" and states.sha256(b"") != ""
