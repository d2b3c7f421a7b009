"""A page that plays Jupyter's part: pictures without a kernel and without a notebook around them."""

import base64
import json

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
