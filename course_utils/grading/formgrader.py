"""Opens nbgrader's formgrader for marks by hand, in a browser tab of its own; and the settings that plain nbgrader commands use."""

from __future__ import annotations

import os
import subprocess
import sys

from nbconvert.exporters import NotebookExporter
from nbgrader.converters.base import NbGraderException

from course_utils.grading.gradebook import COURSE, Book, database_url
from course_utils.grading.state import ROOT, State, open_state

EXERCISES = ROOT / "notebooks" / "exercises"
EXTENSION = "nbgrader.server_extensions.formgrader"
# The pages of formgrader have scripts of their own in them, so a policy cannot forbid those; but nothing may call elsewhere.
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: https://cdnjs.cloudflare.com; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'self'; base-uri 'self'; object-src 'none'"
)


def configure(c) -> None:
    """nbgrader's settings for this course; `notebooks/exercises/nbgrader_config.py` hands over its `c`."""
    state = open_state()
    c.CourseDirectory.course_id = COURSE
    c.CourseDirectory.root = str(EXERCISES)
    c.CourseDirectory.source_directory = str(EXERCISES / "source")
    c.CourseDirectory.release_directory = str(EXERCISES / "release")
    c.CourseDirectory.submitted_directory = str(state.folder / "submitted")
    c.CourseDirectory.autograded_directory = str(state.folder / "autograded")
    c.CourseDirectory.feedback_directory = str(state.folder / "nbgrader_feedback")
    c.CourseDirectory.db_url = database_url(state)
    c.FormgradeExtension.debug = False  # its page would show the database's address, with the password
    c.Autograde.exporter_class = f"{__name__}.NoAutograde"
    c.GenerateFeedback.exporter_class = f"{__name__}.NoFeedback"


class _Refusing(NotebookExporter):
    """nbgrader makes its exporter before it touches a file, so this is the place to stop a command (its hooks come too late)."""

    instead = ""

    def __init__(self, **options) -> None:
        print(self.instead, file=sys.stderr)
        raise NbGraderException(self.instead)


class NoAutograde(_Refusing):
    instead = "nbgrader's autograde is switched off: it would run students' code here unguarded. Use: python -m course_utils.grading grade"


class NoFeedback(_Refusing):
    instead = "nbgrader's feedback is switched off: it shows 0 for what nobody has marked yet. Use: python -m course_utils.grading feedback"


def command(port: int | None = None, browser: bool = True) -> list[str]:
    """The server: formgrader alone, without terminals."""
    extensions = {EXTENSION: True} | {name: False for name in _other_extensions()}
    chosen = {
        "ServerApp.jpserver_extensions": extensions, "ServerApp.root_dir": str(EXERCISES), "ServerApp.default_url": "/formgrader",
        "ServerApp.terminals_enabled": False, "ServerApp.open_browser": browser, "ServerApp.tornado_settings": {"headers": {"Content-Security-Policy": POLICY}},
    }  # fmt: skip
    if getattr(os, "geteuid", lambda: 1)() == 0:  # containers: Jupyter refuses root unless it is told
        chosen |= {"ServerApp.allow_root": True}
    if port is not None:
        chosen |= {"ServerApp.port": port}
    return [sys.executable, "-m", "jupyter_server", *(f"--{name}={value}" for name, value in chosen.items())]


def _other_extensions() -> list[str]:
    """Whatever this environment would start beside formgrader."""
    from jupyter_server.extension.config import ExtensionConfigManager
    from jupyter_core.paths import jupyter_config_path

    found = set()
    for folder in jupyter_config_path():
        manager = ExtensionConfigManager(read_config_path=[folder])
        found |= set(manager.get_jpserver_extensions())
    return sorted(found - {EXTENSION})


def run(state: State, port: int | None = None, browser: bool = True) -> int:
    """Bring the gradebook up to date, then serve formgrader until it is interrupted."""
    with Book(state) as book:
        book.complete()
    environment = os.environ | {"COURSE_STATE": str(state.folder), "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    try:
        return subprocess.call(command(port, browser), cwd=EXERCISES, env=environment)
    except KeyboardInterrupt:
        return 0

