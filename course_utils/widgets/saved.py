"""Pictures in saved lessons: each carries its script and its style, which this puts there anew after they were changed (maintainers).

What a picture shows stays as the lesson's last run left it; `make notebooks` makes that again.
"""

from __future__ import annotations

import sys

import nbformat

from course_utils import widgets
from course_utils.kit import trust

STATE = "application/vnd.jupyter.widget-state+json"
PICTURES = {f"{cls.__module__}.{cls.__qualname__}": cls for cls in (getattr(widgets, name) for name in widgets.__all__)}


def pictures(notebook: nbformat.NotebookNode) -> list[tuple[dict, type]]:
    """The saved state of each of our pictures in a notebook, and its class."""
    models = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    states = [model["state"] for model in models.values()]
    return [(state, PICTURES[state["_anywidget_id"]]) for state in states if state.get("_anywidget_id") in PICTURES]


def is_old(state: dict, picture: type) -> bool:
    """Whether a saved picture has another script or style than the course has now."""
    return any(state[name] != str(getattr(picture, name)) for name in ("_esm", "_css"))


def renew(notebook: nbformat.NotebookNode) -> int:
    """Give each picture today's script and style; how many were old."""
    old = [(state, picture) for state, picture in pictures(notebook) if is_old(state, picture)]
    for state, picture in old:
        state["_esm"], state["_css"] = str(picture._esm), str(picture._css)
    return len(old)


def main() -> int:
    for path in trust.lessons():
        notebook = nbformat.read(path, as_version=4)
        if count := renew(notebook):
            nbformat.write(notebook, path)
            print(f"{path.name}: {count} pictures renewed")
    trust.record()
    return 0


if __name__ == "__main__":
    sys.exit(main())
