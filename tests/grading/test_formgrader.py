"""nbgrader's own commands and formgrader's server with the course's settings."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from conftest import graded
from test_gradebook import record

from course_utils.grading import formgrader, lessons, state as states
from course_utils.grading.gradebook import Book

LESSON = "01_rnn_formula"


@pytest.fixture
def real(state):
    """A state with one student graded in a lesson of the real course."""
    cells = [{"source": cell.source, "cell_type": cell.cell_type, "grade_id": cell.metadata.nbgrader.grade_id, "outputs": [], "note": ""}
             for cell in lessons.pristine(LESSON).cells]  # fmt: skip
    tasks = {name: {"points": 10.0, "max": 10.0, "name": "right", "sentence": "Right."} for name in lessons.graded_cells(LESSON) if name != "open"}
    about = record("alice", LESSON)
    states.write_json(state.record("alice", LESSON), about)
    with Book(state) as book:
        book.save(graded(LESSON, cells=cells) | {"tasks": tasks}, about)
    states.write(state.notebook("alice", LESSON), state.autograded("alice", LESSON).read_bytes())
    return state


def nbgrader(state, *arguments):
    program = "import sys; from nbgrader.apps.nbgraderapp import main; sys.argv[0] = 'nbgrader'; main()"
    environment = os.environ | {"COURSE_STATE": str(state.folder), "PYTHONPATH": str(states.ROOT)}
    return subprocess.run([sys.executable, "-c", program, *arguments], cwd=formgrader.EXERCISES, env=environment, capture_output=True, text=True, timeout=300)


def files(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "gradebook.db"}


def test_plain_commands_know_the_gradebook(real):
    done = nbgrader(real, "db", "student", "list")
    assert done.returncode == 0 and "alice" in done.stdout + done.stderr
    assert not (formgrader.EXERCISES / "gradebook.db").exists()


@pytest.mark.parametrize("command", ["autograde", "generate_feedback"])
def test_commands_that_would_do_harm_stop_before_they_touch_anything(real, command):
    before = files(real.folder)
    done = nbgrader(real, command, LESSON, "--force")
    assert done.returncode != 0 and "switched off" in done.stderr
    assert files(real.folder) == before


@pytest.fixture
def server(real, tmp_path):
    """formgrader's server on a free port: (address, headers)."""
    environment = os.environ | {"COURSE_STATE": str(real.folder), "PYTHONPATH": str(states.ROOT), "JUPYTER_TOKEN": "t"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "server.log"
    with open(log, "w") as stderr:
        process = subprocess.Popen(formgrader.command(port, browser=False), cwd=formgrader.EXERCISES, env=environment, stderr=stderr)
    address = f"http://127.0.0.1:{port}"
    while process.poll() is None:  # it listens some time after it says so
        try:
            get(address, "/api")
            break
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    yield address, log
    process.terminate()
    process.wait(timeout=60)


def get(address, path, method="GET", body=None):
    request = urllib.request.Request(address + path, method=method, data=body, headers={"Authorization": "token t"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode(), answer.headers


def test_formgrader_shows_a_submission_takes_a_mark_and_runs_nothing_else(server, real):
    address, log = server
    assert re.findall(r"(\S+) \| extension was successfully loaded", log.read_text()) == ["nbgrader.server_extensions.formgrader"]
    page, headers = get(address, "/formgrader")
    assert "connect-src 'self'" in headers["Content-Security-Policy"] and "nbgrader" in page
    (submission,) = json.loads(get(address, f"/formgrader/api/submitted_notebooks/{LESSON}/{LESSON}")[0])
    page, _ = get(address, f"/formgrader/submissions/{submission['id']}")
    assert 'id="open"' in page and "10 of 10 points. Right." in page
    grade = next(g for g in json.loads(get(address, f"/formgrader/api/grades?submission_id={submission['id']}")[0]) if g["name"] == "open")
    get(address, f"/formgrader/api/grade/{grade['id']}", "PUT", json.dumps({"manual_score": 7.5}).encode())
    with Book(real) as book:
        assert book.marks(LESSON)["alice"]["open"] == {"auto": None, "manual": 7.5, "extra": None, "open": False}
    before = files(real.folder)
    answer = json.loads(get(address, f"/formgrader/api/submission/{LESSON}/alice/autograde", "POST", b"")[0])
    assert not answer["success"] and "switched off" in answer["error"] and files(real.folder) == before
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(address, "/api/terminals")
