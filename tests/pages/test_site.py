"""The site, built by Sphinx and opened from a file: links, text alternatives, search, live pictures, both themes, a telephone, axe."""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup

from course_utils.publish import site
from course_utils.publish.lessons import NOTEBOOKS, ROOT, lessons, projects, read_lesson

READY = "document.documentElement.dataset.site === 'ready'"
AXE = {"resultTypes": ["violations"], "preload": False}  # it would read style sheets again, which a page opened from a file may not
THEMES = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "site"
    assert site.make_site(folder) == []  # Sphinx warns of each link that leads nowhere
    return folder


@pytest.fixture(scope="module")
def pages(built):
    return {path.relative_to(built).as_posix(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
            for path in sorted(built.rglob("*.html")) if "_static" not in path.parts}


def test_all_pages_are_there(pages):
    assert {"index.html", "glossary.html", "search.html", "docs/instructor.html", "docs/grading.html", *(f"notebooks/{path.stem}.html" for path in [*lessons(), *projects()])} <= set(pages)


def test_no_link_is_dead(built, pages):
    dead = []
    for name, page in pages.items():
        for link in page.find_all(["a", "link", "img", "script"]):
            target = urlsplit(link.get("href") or link.get("src") or "")
            if target.scheme or target.netloc or not (target.path or target.fragment):
                continue
            file = (built / name).parent / unquote(target.path) if target.path else built / name
            inside = file.resolve().relative_to(built.resolve()).as_posix() if file.resolve().is_relative_to(built.resolve()) else "outside"
            if not file.is_file() or target.fragment and inside in pages and not pages[inside].find(id=unquote(target.fragment)):
                dead += [f"{name}: {target.geturl()}"] if link.name != "a" or target.path or target.fragment not in ("", "main-content") else []
    assert dead == []


def test_a_dead_link_is_a_warning(tmp_path, monkeypatch):
    lay_out = site.lay_out
    monkeypatch.setattr(site, "lay_out", lambda folder, notebooks: (lay_out(folder, notebooks), site.write(folder / "glossary.md", "# Glossary\n\n[there](nowhere.md)\n")))
    warnings = site.make_site(tmp_path / "site", lessons()[:2])
    assert any("nowhere.md" in warning for warning in warnings)


def test_every_image_has_a_text_alternative(pages):
    bare = [f"{name}: {str(image)[:80]}" for name, page in pages.items() for image in page.find_all("img") if not (image.get("alt") or "").strip()]
    assert bare == []


def bare(text):
    return re.sub(r"\s+", "", text).replace("'", '"')


def test_no_answer_is_on_a_page(pages):
    """Exercises are here as students get them; what the lessons say themselves is no secret."""
    public = [cell.source for path in [*lessons(), *projects()] for cell in read_lesson(path).cells] + [site.exercise_page(path.stem) for path in lessons()]
    said = bare("".join(public))
    sources = [nbformat.read(path, as_version=4) for path in (NOTEBOOKS / "exercises" / "source").glob("*/*.ipynb")]
    marked = "### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END"
    regions = [region for notebook in sources for cell in notebook.cells for region in re.findall(marked, cell.source, flags=re.DOTALL)]
    secrets = {line for region in regions for line in map(bare, region.splitlines()) if len(line) > 25 and line not in said}
    assert len(secrets) > 10
    words = bare("".join(page.get_text() for page in pages.values()))
    assert [line for line in secrets if line in words] == []


# --- In a browser ---


def ready(page):
    page.wait_for_function(READY, timeout=60_000)
    return page


@THEMES
def test_axe_finds_nothing_serious_on_any_page(built, pages, open_file, theme):
    from axe_playwright_python.sync_playwright import Axe

    found, page = [], open_file(built / "index.html", color_scheme=theme, viewport={"width": 1280, "height": 900})
    for name in pages:
        page.goto((built / name).as_uri())
        assert ready(page).evaluate("document.documentElement.dataset.theme") == theme
        answer = Axe().run(page, options=AXE).response
        found += [(name, fault["id"], fault["nodes"][0]["target"]) for fault in answer["violations"] if fault["impact"] in ("serious", "critical")]
    assert found == []


def test_axe_finds_a_fault_that_is_there(built, open_file):
    from axe_playwright_python.sync_playwright import Axe

    page = ready(open_file(built / "index.html"))
    page.evaluate("document.querySelector('article').insertAdjacentHTML('beforeend', '<img src=\"data:image/gif;base64,R0lGODlhAQABAAAAACw=\"><p style=\"color: #ccc; background: #fff\">pale</p>')")
    assert {"image-alt", "color-contrast"} <= {fault["id"] for fault in Axe().run(page, options=AXE).response["violations"]}


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_page_is_wider_than_the_screen(built, pages, open_file, width):
    wide, page = [], open_file(built / "index.html", viewport={"width": width, "height": 800})
    for name in pages:
        page.goto((built / name).as_uri())
        wide += [name] if ready(page).evaluate("document.documentElement.scrollWidth") > width else []
    assert wide == []


def live_counts():
    found = {}
    for path in [*lessons(), *projects()]:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        state = notebook["metadata"].get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
        views = [output.get("data", {}).get("application/vnd.jupyter.widget-view+json") for cell in notebook["cells"] for output in cell.get("outputs", [])]
        found[path.stem] = sum("_esm" in state[view["model_id"]]["state"] for view in views if view)
    return {stem: count for stem, count in found.items() if count}


def test_every_interactive_picture_lives(built, open_file):
    assert live_counts()
    for stem, count in live_counts().items():
        page = ready(open_file(built / "notebooks" / f"{stem}.html"))
        assert page.locator("[data-alive] .unrolled-picture").count() == count and page.locator(".u-error").count() == 0


def test_a_picture_answers_the_hand(built, open_file):
    page = ready(open_file(built / "notebooks" / "03_lstm.html"))
    page.get_by_label("Rows read").fill("20")
    assert page.locator(".u-status b").inner_text().startswith("After row 20 the answer is")


def test_formulas_are_set(built, open_file):
    page = ready(open_file(built / "notebooks" / "01_rnn_formula.html"))
    assert page.locator("mjx-container").count() > 20 and page.locator("[data-mjx-error]").count() == 0
    assert "tanh" in page.locator("mjx-assistive-mml").all_text_contents()[-1] or page.locator("mjx-assistive-mml").count() > 20


def test_search_finds_a_lesson(built, open_file):
    page = open_file(built / "search.html", "?q=vanishes")
    page.wait_for_selector("#search-results li a", timeout=60_000)
    targets = page.locator("#search-results li a").evaluate_all("(links) => links.map((link) => link.getAttribute('href'))")
    assert any("02_unrolling" in target for target in targets)
    assert all(Path(built / target.split("#")[0].split("?")[0]).is_file() for target in targets)


# --- Launch buttons ---


def launch_links(folder):
    hosts = ("mybinder.org", "colab.research.google.com")
    soups = [BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in folder.rglob("*.html")]
    return {link["href"] for soup in soups for link in soup.find_all("a", href=True) if urlsplit(link["href"]).netloc in hosts}


def test_no_launch_button_until_the_address_is_set(built):
    assert site.public_address() or launch_links(built) == set()


def test_every_launch_button_opens_a_file_of_the_tree(tmp_path):
    assert site.make_site(tmp_path / "site", [*lessons(), *projects()], address="https://github.com/someone/unrolled") == []
    links = launch_links(tmp_path / "site")
    files = {link: unquote(re.search(r"(?:lab/tree/|blob/main/)([^?&]+)", unquote(link))[1]) for link in links}
    assert [link for link, file in files.items() if not (ROOT / file).is_file()] == []
    for path in [*lessons(), *projects()]:
        assert sum(file == path.relative_to(ROOT).as_posix() for file in files.values()) == 2
