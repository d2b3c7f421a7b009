"""A pytest plugin (named in pyproject.toml): which digits lessons see, no network in kernels, a table of times.

It lies here and not in a conftest.py so that it holds for every notebook, from whatever folder pytest collects it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell

from course_utils.kit import times
from course_utils.kit.notebooks import ONE_THREAD_EACH

# Run by every kernel at its start; it leaves no name behind that a lesson could lean on.
STARTUP = '__import__("course_utils.kit.no_network", fromlist=["start"]).start()\n'


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="lessons use the full MNIST in the folder COURSE_DATA")


def pytest_configure(config):
    """Give kernels the same surroundings on every machine. Workers inherit what the first process has set."""
    if not hasattr(config, "workerinput"):
        scratch = Path(tempfile.mkdtemp(prefix="unrolled-tests-"))
        config.add_cleanup(lambda: shutil.rmtree(scratch, ignore_errors=True))
        os.environ.update(surroundings(scratch, config.getoption("--full"), os.environ.get("COURSE_DATA")))
        if getattr(config.option, "numprocesses", None):
            os.environ.update(dict.fromkeys(ONE_THREAD_EACH, "1"))
        for name in ("MPLBACKEND", "COURSE_SEED", *(() if config.getoption("--full") else ("COURSE_DATA",))):
            os.environ.pop(name, None)
    config.option.nbval_sanitize_with = config.option.nbval_sanitize_with or str(times.ROOT / "tests" / "nbval_sanitize.cfg")
    log = Path(os.environ["IPYTHONDIR"]) / f"sockets-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.txt"
    os.environ["COURSE_SOCKET_LOG"] = str(log)


def surroundings(scratch: Path, full: bool, data: str | None) -> dict[str, str]:
    """The variables for the tests: empty caches and journal, full runs, and a profile of IPython's that forbids the network."""
    startup = scratch / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "no_network.py").write_text(STARTUP, encoding="utf-8")
    folders = {"COURSE_CACHE": scratch / "cache", "KERAS_HOME": scratch / "keras", "IPYTHONDIR": scratch / "ipython"}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    found = {name: str(folder) for name, folder in folders.items()} | {"COURSE_RUN": "full", "TF_CPP_MIN_LOG_LEVEL": "3"}
    found["COURSE_JOURNAL"] = os.devnull  # nobody's progress shows in a lesson, and no lesson's exercises show in another
    return found | ({"COURSE_DATA": full_data(data)} if full else {})


def full_data(data: str | None) -> str:
    """The folder COURSE_DATA as an absolute path (kernels run in notebooks/); an error where it holds no MNIST."""
    if not data or not (Path(data) / "mnist.npz").is_file():
        raise pytest.UsageError(
            f"--full needs COURSE_DATA to name a folder with mnist.npz; it is {data or 'not set'}. Make such a folder with "
            "`python -m course_utils pack FOLDER`, then: make test-full COURSE_DATA=FOLDER"
        )
    return str(Path(data).resolve())


def pytest_collection_modifyitems(items):
    """stderr is not compared (a rule of its own forbids storing any), and a busy machine may take longer than 5 s."""
    for item in items:
        if isinstance(item, IPyNbCell):
            item.output_timeout = 60
            if "stderr" not in item.parent.skip_compare:
                item.parent.skip_compare += ("stderr",)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A cell that asked for the network fails, even when the lesson caught the error."""
    result = yield
    log = Path(os.environ["COURSE_SOCKET_LOG"])
    if isinstance(item, IPyNbCell) and log.exists():
        asked = log.read_text(encoding="utf-8")
        log.unlink()
        raise AssertionError(f"This cell asked for the network: {asked}")
    return result


def pytest_terminal_summary(terminalreporter, config):
    """A table of time per notebook: start of the kernel, all cells, and the end."""
    reports = [report for group in terminalreporter.stats.values() for report in group if hasattr(report, "duration")]
    seconds: dict[str, float] = {}
    for report in reports:
        folder, name = os.path.split(report.nodeid.split("::")[0])
        name = f"reports/{name}" if folder.endswith("/reports") else name  # a report has the name of its project
        if name.endswith(".ipynb") and folder.startswith("notebooks"):
            seconds[name] = seconds.get(name, 0.0) + report.duration
    if not seconds:
        return
    data = "full" if config.getoption("--full") else "embedded"
    terminalreporter.section(f"seconds per notebook ({times.COLUMNS[data]})")
    for name, value in sorted(seconds.items()):
        terminalreporter.line(f"{value:7.1f}  {name}")
    terminalreporter.line(f"{sum(seconds.values()):7.1f}  all")
    if not terminalreporter.stats.get("failed") and not terminalreporter.stats.get("error"):
        times.save(seconds, data)
