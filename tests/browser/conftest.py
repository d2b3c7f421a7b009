"""Chromium for the pictures: a bare page that plays Jupyter's part, and a real JupyterLab; every other host is out of reach."""

import json
import urllib.request

import pytest
from bare import bare_page
from in_chromium import chromium  # noqa: F401 a fixture
from real_lab import DATA, running_lab

from course_utils.kit.jupyter import LAB_SETTINGS

WIDGETS = "@jupyter-widgets/jupyterlab-manager:plugin"


@pytest.fixture
def open_page(chromium, tmp_path):
    """`open_page(widget, ..., dark=False, width=1000)` shows pictures on a bare page; errors on its console fail the test."""
    errors, contexts = [], []

    def show(*widgets, dark=False, width=1000, height=1000, touch=False):
        context = chromium.new_context(viewport={"width": width, "height": height}, has_touch=touch)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        (tmp_path / "page.html").write_text(bare_page(widgets, dark), encoding="utf-8")
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_function("window.ready")
        return page

    yield show
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory):
    """A JupyterLab of this environment, on a folder and with settings of its own: (address, folder, folder of its data).

    Training cells take a few steps in it, and its kernels may not ask other hosts either (course_utils/kit/testing.py).
    """
    folder, home = tmp_path_factory.mktemp("lessons"), tmp_path_factory.mktemp("home")
    with running_lab(folder, home) as address:
        yield address, folder, home / DATA


@pytest.fixture
def saving(lab_server):
    """Lab as `make lab` sets it up: it saves what was done with a picture. The folder of its notebooks."""
    address, folder, _ = lab_server
    body = json.dumps({"raw": json.dumps(LAB_SETTINGS[WIDGETS])}).encode()
    request = urllib.request.Request(f"{address}/lab/api/settings/{WIDGETS}?token=t", body, {"Authorization": "token t"}, method="PUT")
    assert urllib.request.urlopen(request).status == 204
    return folder


@pytest.fixture
def open_lab(chromium, lab_server):
    """`open_lab(notebook)` opens it in JupyterLab without running it; errors on the console fail the test.

    A `trusted` notebook is signed, as Lab signs what was run in it; of others Lab shows stills only.
    """
    import nbformat
    from nbformat.sign import NotebookNotary

    address, folder, data = lab_server
    errors, contexts = [], []

    def show(notebook, name="picture", trusted=False):
        """`name` without its ending; it may lie in a folder."""
        path = folder / f"{name}.ipynb"
        nbformat.write(notebook, path)
        if trusted:
            NotebookNotary(data_dir=str(data)).sign(nbformat.read(path, as_version=4))
        context = chromium.new_context(viewport={"width": 1280, "height": 1100})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/lab/workspaces/{path.stem}/tree/{name}.ipynb?token=t&reset", timeout=120_000)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120_000)
        page.wait_for_function("window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === 'connected'", timeout=120_000)
        return page

    yield show
    seen = list(errors)  # what Lab says about a kernel that is taken away does not count
    for context in contexts:
        for page in context.pages:
            page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
        context.close()
    assert seen == []


@pytest.fixture
def no_serious_violations():
    """`no_serious_violations(page, inside=".unrolled-picture")` fails with what axe-core finds serious or critical in a part of a page."""
    from axe_playwright_python.sync_playwright import Axe

    def check(page, inside=".unrolled-picture"):
        found = Axe().run(page, context=inside).response["violations"]
        said = [f"{fault['id']} ({fault['impact']}): {fault['help']}: {node['html'][:150]}: {node['failureSummary']}" for fault in found
                if fault["impact"] in ("serious", "critical") for node in fault["nodes"]]
        assert said == [], "\n".join(said)

    return check
