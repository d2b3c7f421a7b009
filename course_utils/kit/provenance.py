"""Where results come from: the package's code that they depend on, after which kept runs and recordings are named, and the machine."""

from __future__ import annotations

import ast
import hashlib
import platform
import re
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
MODULES = ("data.py", "models.py", "training.py")


def digest(cells: Iterable[str]) -> str:
    """A hash of these cells and of what they reach in the package, without comments, docstrings and layout.

    The modules of the projects count for cells that import some of them: a lesson may use the same names for things of its own.
    """
    sources = list(cells)
    trees = [bare(ast.parse(python(source))) for source in sources]
    projects = sorted((PACKAGE / "projects").glob("*.py")) if any("course_utils.projects" in source for source in sources) else []
    reached = definitions(set().union(*map(names, trees)), [*(PACKAGE / name for name in MODULES), *projects])
    return hashlib.sha256("\0".join(ast.unparse(tree) for tree in [*trees, *reached]).encode()).hexdigest()[:16]


def python(source: str) -> str:
    """A cell's source without lines that only IPython understands."""
    return re.sub(r"^(\s*)[%!?].*$", r"\1pass", source, flags=re.MULTILINE)


def definitions(wanted: set[str], modules: Iterable[Path]) -> list[ast.stmt]:
    """The top-level definitions in modules with these names, those that they use, and so on; in the modules' order."""
    trees = [bare(ast.parse(module.read_text(encoding="utf-8"))) for module in modules]
    nodes = [node for tree in trees for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom))]
    chosen: set[int] = set()
    while more := {k for k, node in enumerate(nodes) if k not in chosen and given(node) & wanted}:
        chosen |= more
        wanted = wanted.union(*(names(nodes[k]) for k in more))
    return [nodes[k] for k in sorted(chosen)]


def given(node: ast.stmt) -> set[str]:
    """The names that a top-level statement defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def names(tree: ast.AST) -> set[str]:
    """All names and attributes in a piece of code."""
    return {part.id if isinstance(part, ast.Name) else part.attr for part in ast.walk(tree) if isinstance(part, (ast.Name, ast.Attribute))}


def bare(tree: ast.Module) -> ast.Module:
    """The same code without docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor() or platform.machine())
