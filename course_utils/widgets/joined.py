"""One text of JavaScript for each component: a widget's module is a single text, and there is no bundler here."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent
SHARED = ("core", "parts")  # in this order; a component may import from these and from nothing else
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?:core|parts)\.js";\n', re.MULTILINE)


def source(component: str | None = None) -> str:
    """The shared modules and one component's as a single ES module; without a name, the shared ones alone.

    What one file imports from another stands above it in the joined text, so these imports are left out.
    """
    names = SHARED if component is None else (*SHARED, component)
    return "\n".join(IMPORT.sub("", (FOLDER / f"{name}.js").read_text(encoding="utf-8")) for name in names)


def style(component: str) -> str:
    """The style sheet that all components share, and the component's own below it, where it has one."""
    own = FOLDER / f"{component}.css"
    return "\n".join(file.read_text(encoding="utf-8") for file in (FOLDER / "style.css", own) if file.exists())
