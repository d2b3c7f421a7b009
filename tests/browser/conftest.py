"""Chromium for the pictures: a bare page that plays Jupyter's part, and a real JupyterLab; every other host is out of reach."""

import base64
import json
import os

import pytest
from real_lab import ARGUMENTS, DATA, find_chromium, running_lab

# A model as anywidget hands it to `render`, without a kernel: what is saved is kept in `saves`.
BARE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>picture</title><style>{css}
body {{ margin: 16px; background: {paper}; {variables} }}</style></head><body><main></main><script type="module">
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
class Model {{
  constructor(values) {{ this.values = values; this.listeners = {{}}; this.saves = []; }}
  get(name) {{ return this.values[name]; }}
  set(name, value) {{ this.values[name] = value; for (const heard of this.listeners["change:" + name] ?? []) heard(); }}
  on(name, heard) {{ (this.listeners[name] ??= []).push(heard); }}
  off(name, heard) {{ this.listeners[name] = this.listeners[name].filter((other) => other !== heard); }}
  save_changes() {{ this.saves.push(JSON.parse(JSON.stringify(this.values.state))); }}
}}
window.pictures = [];
const url = URL.createObjectURL(new Blob([{esm}], {{ type: "text/javascript" }}));
const {{ default: widget }} = await import(url);
for (const {{ plain, packed }} of {models}) {{
  const values = {{ ...plain, ...Object.fromEntries(Object.entries(packed).map(([name, text]) => [name, bytes(text)])) }};
  const model = new Model(values), el = document.querySelector("main").appendChild(document.createElement("div"));
  window.pictures.push({{ model, el, dispose: await widget.render({{ model, el }}) }});
}}
window.ready = true;
</script></body></html>"""
# What JupyterLab's dark theme says; without these, a picture uses its own light values.
DARK = "--jp-content-font-color1: #fff; --jp-border-color1: #616161; --jp-layout-color0: #111; --jp-layout-color2: #424242;"


def bare_page(widgets, dark=False) -> str:
    """A page with the pictures of some widgets of one class."""
    models = []
    for widget in widgets:
        values = {name: getattr(widget, name) for name in widget.keys if not name.startswith("_") and name not in ("layout", "tabbable", "tooltip")}
        packed = {name: base64.b64encode(value).decode() for name, value in values.items() if isinstance(value, bytes)}
        models.append({"plain": {name: value for name, value in values.items() if name not in packed}, "packed": packed})
    esm = json.dumps(widgets[0]._esm).replace("</", "<\\/")
    return BARE.format(css=widgets[0]._css, esm=esm, models=json.dumps(models), paper="#111" if dark else "#fff", variables=DARK if dark else "")


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium; without one a skip that says what is missing, and a failure where all must run."""
    missing = pytest.fail if os.environ.get("CI") else pytest.skip
    try:
        from playwright import sync_api
    except ImportError:
        missing("the package playwright is not installed")
    if find_chromium() is None:
        missing("no Chromium was found on the path; install it, or name it in COURSE_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


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
