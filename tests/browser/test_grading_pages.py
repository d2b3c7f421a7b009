"""What students wrote, in the pages that graders and students open: no script of theirs runs, and nothing calls elsewhere."""

import os
import re
import signal
import socket
import sqlite3
import zipfile
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from faults import half_saved, harness, odd_files, running_wild  # noqa: F401 - they enter their faults into the list
from faults.paper import FAULTS, RNN, Paper

# Submissions whose words, outputs, errors, pictures or names want to become a part of a page.
TALKING = ("shows_scripts", "shows_pictures", "scripts_in_words", "endless_error", "escapes_of_terminals", "broken_outputs")
OURS = {"", "127.0.0.1", "localhost", "cdnjs.cloudflare.com"}  # formgrader's pages name the last; here nothing is there


@pytest.fixture(scope="module")
def graded():
    """A state folder in which they are graded, beside an honest one and one with a script for a name."""
    chosen = [fault for fault in FAULTS if fault.name in TALKING]
    assert len(chosen) == len(TALKING)
    with harness.guarded() as (places, _):
        folder = places.scratch / "submissions"
        harness.hand_in_honest(folder, places, "honest_by_hand")
        harness.hand_in(folder, places, chosen)
        archive = places.scratch / "platform.zip"
        with zipfile.ZipFile(archive, "w") as platform:
            platform.writestr(odd_files.ZIPPED["script"], Paper(places).right().data())
        for arguments in (["collect", archive], ["all", folder]):
            process = harness.start(places.state, *arguments)
            assert process.communicate()[0] and process.returncode == 0
        yield places.state


@pytest.fixture
def watched(chromium):
    """A page, and what came from scripts on it: dialogs, calls to other hosts, changed titles."""
    context, seen = chromium.new_context(), []
    page = context.new_page()
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: None if urlsplit(request.url).hostname in {*OURS, None} else seen.append(f"request {request.url}"))

    def visit(url):
        page.goto(url, wait_until="domcontentloaded")
        page.wait_for_timeout(300)  # for what begins when a picture fails to load
        if "stolen" in page.title():
            seen.append(f"title {page.title()}")
        return page

    yield SimpleNamespace(visit=visit, seen=seen)
    context.close()


def test_a_script_that_ran_would_be_seen(watched, tmp_path):
    bad = "<title>x</title><script>document.title = 'stolen'; alert(1)</script><img src=x onerror=alert(2)><img src=https://elsewhere.example/x>"
    (tmp_path / "bad.html").write_text(bad)
    watched.visit((tmp_path / "bad.html").as_uri())
    assert sorted(watched.seen) == ["dialog 1", "dialog 2", "request https://elsewhere.example/x", "title stolen"]


def test_feedback_and_report(graded, watched):
    pages = sorted(graded.glob("feedback/*/*/*.html"))
    assert len(pages) == len(TALKING) + 2
    for path in [*pages, graded / "report.html"]:
        assert watched.visit(path.as_uri()).locator("body").inner_text().strip()
        assert watched.seen == [], path


@pytest.fixture(scope="module")
def formgrader(graded):
    """Its address with the key, from the words of the real command."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = harness.start(graded, "formgrader", "--no-browser", "--port", port)
    try:
        for line in server.stderr:
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/formgrader\?(token=\w+)", line):
                break
        else:
            pytest.fail("formgrader did not say its address")
        yield lambda place: f"{found[1]}/formgrader{place}?{found[2]}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.communicate(timeout=60)


def _submissions(state):
    base = sqlite3.connect(f"file:{state / 'gradebook.db'}?mode=ro", uri=True)
    try:
        return [number for (number,) in base.execute("SELECT id FROM submitted_notebook")]
    finally:
        base.close()


def test_formgrader(graded, formgrader, watched):
    numbers = _submissions(graded)
    assert len(numbers) == len(TALKING) + 2
    lists = ["/manage_assignments", "/gradebook", f"/gradebook/{RNN}", f"/gradebook/{RNN}/{RNN}", f"/manage_submissions/{RNN}", "/manage_students"]
    for place in lists + [f"/submissions/{number}/" for number in numbers]:
        page = watched.visit(formgrader(place))
        assert "404" not in page.title() and "Error" not in page.title(), page.title()
        assert watched.seen == [], place
    assert page.locator(".nbgrader_cell, .nbgrader-graded, .score").count() > 0  # a page to mark, and no error
