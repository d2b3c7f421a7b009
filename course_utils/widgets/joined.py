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
    names = SHARED if component is None else _needed(component)
    return "\n".join(IMPORT.sub("", _text(name)) for name in names)


def _needed(component):
    """The component, and before it those shared modules that it imports or that one of them does: each picture is saved with its text."""
    names = [component]
    for shared in reversed(SHARED):
        if any(f'from "./{shared}.js"' in _text(name) for name in names):
            names.insert(0, shared)
    return names


def _text(name):
    return (FOLDER / f"{name}.js").read_text(encoding="utf-8")


def style(component: str) -> str:
    """The style sheet that all components share, and the component's own below it, where it has one."""
    own = FOLDER / f"{component}.css"
    return "\n".join(file.read_text(encoding="utf-8") for file in (FOLDER / "style.css", own) if file.exists())


def light(text: str) -> str:
    """JavaScript or CSS without indentation, empty lines, and comments that have lines of their own: about two thirds of its size.

    The text must hold no string that goes over several lines and whose spaces matter.
    """
    text = re.sub(r"^\s*/\*(?:(?!\*/).)*\*/[ \t]*$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^\s*(?://.*\n\s*)*", "", text, flags=re.MULTILINE)
