"""What the site is made of, before Sphinx sees it: pages, glossary, pictures with words, launch buttons' address."""

import re

import nbformat
import pytest
from nbformat import v4

from course_utils.grading.exercises import lessons as exercise_lessons
from course_utils.publish import glossary, site
from course_utils.publish.lessons import ROOT, STATE, VIEW, LessonFault, lessons, projects, read_lesson


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "sources"
    site.lay_out(folder, [*lessons(), *projects()])
    return folder


def test_lessons_and_pages_lie_as_in_the_repository(sources):
    for path in [*lessons(), *projects(), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]:
        inside = path.relative_to(ROOT)
        assert (sources / inside).is_file() or inside.as_posix() == "docs/index.md", inside
    assert len(list((sources / "notebooks" / "figures").glob("*.svg"))) >= 6


def test_projects_are_pages_and_their_filled_reports_are_not(sources):
    assert projects() and all((sources / "notebooks" / path.name).is_file() for path in projects())
    assert not (sources / "notebooks" / "reports").exists()
    assert "Projects" in (sources / "index.md").read_text(encoding="utf-8")


def test_every_page_is_in_the_table_of_contents(sources):
    named = re.findall(r"^(?:[^\n<]+<)?([\w/]+)>?$", "\n".join(re.findall(r"```\{toctree\}.*?```", (sources / "index.md").read_text(), flags=re.DOTALL)), flags=re.MULTILINE)
    pages = {path.relative_to(sources).with_suffix("").as_posix() for kind in ("*.md", "*.ipynb") for path in sources.rglob(kind)} - {"index"}
    assert pages == set(named)


@pytest.mark.parametrize("path", [*lessons(), *projects()], ids=lambda path: path.stem)
def test_outputs_are_taken_over_and_nothing_is_run(path):
    before, after = read_lesson(path), site.shown(read_lesson(path))
    assert [cell.source for cell in before.cells if cell.cell_type == "code"] == [cell.source for cell in after.cells if cell.cell_type == "code"]
    printed = [output.text for cell in before.cells for output in cell.get("outputs", []) if output.output_type == "stream"]
    assert printed == [output.text for cell in after.cells for output in cell.get("outputs", []) if output.output_type == "stream"]
    pictures = sum(bool({"image/png", VIEW} & set(output.get("data", {}))) for cell in before.cells for output in cell.get("outputs", []))
    html = "".join(output.data["text/html"] for cell in after.cells for output in cell.get("outputs", []) if "text/html" in output.get("data", {}))
    assert html.count("<figure>") == pictures > 0 and 'alt=""' not in html
    assert "lecture" not in str([cell.metadata for cell in after.cells])


def test_a_live_picture_carries_its_state_and_a_control_its_still():
    model = {"model_name": "AnyModel", "state": {"_esm": "export default {}", "text": "</script>"}}
    slider = {"model_name": "IntSliderModel", "state": {"value": 3}}
    outputs = [v4.new_output("display_data", {VIEW: {"model_id": name}, "image/png": "iVBORw0KGgo="}, metadata={"image/png": {"alt": "A line."}}) for name in "ab"]
    notebook = v4.new_notebook(cells=[v4.new_code_cell("show()", outputs=outputs)], metadata={"widgets": {STATE: {"state": {"a": model, "b": slider}}}})
    html = [output.data["text/html"] for output in site.shown(notebook).cells[0].outputs]
    assert 'data-model="a"' in html[0] and 'alt="A line."' in html[0] and "export default" in html[2]
    assert "IntSlider" not in html[2] and html[2].count("</script>") == 1 and "widgets" not in notebook.metadata


def test_exercises_are_there_without_answers(sources):
    for lesson in exercise_lessons():
        page = (sources / "notebooks" / "exercises" / "release" / lesson / f"{lesson}.md").read_text(encoding="utf-8")
        assert "Your code goes here" in page and "SOLUTION" not in page and "HIDDEN" not in page
    links = "".join(path.read_text(encoding="utf-8") for path in (sources / "notebooks").glob("*.ipynb"))
    assert "exercises/release/01_rnn_formula/01_rnn_formula.md" in links and not re.search(r"exercises/release/\S+\.ipynb\)", links)


def test_a_fault_stops_the_site(tmp_path, capsys):
    notebook = v4.new_notebook(cells=[v4.new_code_cell("### BEGIN SOLUTION\n1\n### END SOLUTION", execution_count=1)])
    nbformat.write(notebook, tmp_path / "09_planted.ipynb")
    with pytest.raises(LessonFault, match="09_planted.ipynb, cell 1"):
        site.make_site(tmp_path / "site", [tmp_path / "09_planted.ipynb"])
    assert not (tmp_path / "site").exists()


# --- Glossary ---


def test_every_line_of_the_lessons_tables_is_in_the_glossary(sources):
    page = (sources / "glossary.md").read_text(encoding="utf-8")
    rows = [line for path in lessons() for cell in read_lesson(path).cells if cell.cell_type == "markdown" and re.search(r"^\| (symbol|name) \|", cell.source, flags=re.MULTILINE)
            for line in re.search(r"^\| (?:symbol|name) \|.*?(?=\n\n|\Z)", cell.source, flags=re.MULTILINE | re.DOTALL)[0].splitlines()[2:]]  # fmt: skip
    assert len(rows) > 30 and len(page.splitlines()) == len(glossary.HEAD.splitlines()) + len(rows)
    for row in rows:
        assert " | ".join(part.strip() for part in row.strip("|").split("|"))[3:].strip() in page, row


def test_a_line_without_a_symbol_takes_that_above(tmp_path):
    table = "| symbol | meaning | shape | name in code |\n|---|---|---|---|\n| $X$ | a batch | (n,) | `x` |\n| | the same, turned | (n,) | `y` |\n\n| other | table |\n|---|---|\n| 1 | 2 |"
    nbformat.write(v4.new_notebook(cells=[v4.new_markdown_cell(table)]), tmp_path / "09_letters.ipynb")
    found = list(glossary.entries(tmp_path / "09_letters.ipynb"))
    assert found == [("$X$", "a batch", "(n,)", "`x`"), ("$X$", "the same, turned", "(n,)", "`y`")]


# --- Launch buttons ---


def test_no_address_no_buttons():
    assert site.launch(None) == {}


def test_the_address_stands_in_pyproject(monkeypatch):
    assert site.public_address() == site.project().get("urls", {}).get("Repository")
    monkeypatch.setattr(site, "project", lambda: {"urls": {"Repository": "https://github.com/a/b"}})
    settings = site.launch(site.public_address())
    assert settings["html_theme_options.repository_url"] == "https://github.com/a/b" and "colab_url" in settings["html_theme_options.launch_buttons"]


def test_colab_opens_github_only():
    assert "colab_url" not in site.launch("https://gitlab.com/a/b")["html_theme_options.launch_buttons"]
