"""What a saved lesson must be. Each rule takes a notebook and its path and returns the faults it found, as sentences."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from nbformat import NotebookNode

IGNORED = "nbval-ignore-output"
LONGEST_CELL = 15
ALLOWED = tomllib.loads((Path(__file__).parent / "allowed_numbers.toml").read_text(encoding="utf-8"))["allowed"]


def code_cells(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    """Code cells with their number among code cells, as nbval counts them: from 0."""
    return list(enumerate(cell for cell in notebook.cells if cell.cell_type == "code"))


def prose_cells(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def tree(source: str) -> ast.Module:
    """The syntax tree of a cell, with IPython's magic lines blanked."""
    return ast.parse(re.sub(r"^\s*[%!?].*$", "pass", source, flags=re.MULTILINE))


def output_text(output: NotebookNode) -> str:
    """What an output says in words that nbval compares; empty for pictures, widgets and stderr."""
    if output.output_type == "stream":
        return output.text if output.name == "stdout" else ""
    data = output.get("data", {})
    if "image/png" in data or "application/vnd.jupyter.widget-view+json" in data:
        return ""
    kinds = ("text/markdown", "text/latex", "text/html", "text/plain")
    words = next((str(data[kind]) for kind in kinds if kind in data), "")
    return re.sub(r"<style.*?</style>|<[^>]+>", " ", words, flags=re.DOTALL) if "text/html" in data else words


def cell_text(cell: NotebookNode) -> str:
    return "\n".join(filter(None, (output_text(output).strip() for output in cell.outputs)))


# Outputs


def run_in_order(notebook: NotebookNode, path: Path) -> list[str]:
    """Run top to bottom in a fresh kernel: counts 1, 2, ... n. A cell that never ran would not be compared at all."""
    counts = [cell.execution_count for _, cell in code_cells(notebook)]
    return [] if counts == list(range(1, len(counts) + 1)) else [f"run counts are {counts}: run it top to bottom"]


def no_errors(notebook: NotebookNode, path: Path) -> list[str]:
    outputs = [(number, output) for number, cell in code_cells(notebook) for output in cell.outputs]
    return [f"code cell {number} shows {output.ename}" for number, output in outputs if output.output_type == "error"]


def no_stderr(notebook: NotebookNode, path: Path) -> list[str]:
    """Warnings and log lines are no part of a lesson, and nbval does not compare them here."""
    outputs = [(number, output) for number, cell in code_cells(notebook) for output in cell.outputs]
    return [f"code cell {number} stores stderr: {output.text[:60]!r}" for number, output in outputs if output.get("name") == "stderr"]


def no_machine_paths(notebook: NotebookNode, path: Path) -> list[str]:
    found = [(number, re.search(r"(/home/|/root/|/Users/|/tmp/|/work/|[A-Z]:\\)\S*", cell_text(cell))) for number, cell in code_cells(notebook)]
    return [f"code cell {number} shows a path of one machine: {match.group()}" for number, match in found if match]


def standard_kernel(notebook: NotebookNode, path: Path) -> list[str]:
    name = notebook.metadata.get("kernelspec", {}).get("name")
    return [] if name == "python3" else [f"the kernel is {name!r}, expected 'python3'"]


def widgets_work(notebook: NotebookNode, path: Path) -> list[str]:
    """A callback that crashed leaves its error in the widgets' state only; a widget without state shows nothing."""
    saved = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    shown = [output for _, cell in code_cells(notebook) for output in cell.outputs]
    views = [output.get("data", {}).get("application/vnd.jupyter.widget-view+json") for output in shown]
    missing = [f"the state of widget {view['model_id']} is not saved" for view in views if view and view["model_id"] not in saved]
    inside = [output for model in saved.values() for output in model.get("state", {}).get("outputs", ())]
    failed = [str(model.get("state", {}).get("value")) for model in saved.values()]
    return (
        missing
        + [f"a widget shows {output.get('ename')}" for output in inside if output.get("output_type") == "error"]
        + [f"a widget says {value[:80]!r}" for value in failed if "could not be drawn" in value]
    )


# Code


def short_cells(notebook: NotebookNode, path: Path) -> list[str]:
    lengths = [(number, len(cell.source.strip().splitlines())) for number, cell in code_cells(notebook)]
    return [f"code cell {number} has {length} lines" for number, length in lengths if length > LONGEST_CELL]


def bands(notebook: NotebookNode, path: Path) -> list[str]:
    """A cell whose output is not compared states what must hold: an assert, or check_band(...)."""
    loose = [(number, cell) for number, cell in code_cells(notebook) if IGNORED in cell.metadata.get("tags", ())]
    return [f"code cell {number} is tagged {IGNORED} but asserts nothing" for number, cell in loose if not asserts(cell.source)]


def asserts(source: str) -> bool:
    return any(isinstance(node, ast.Assert) or called(node) == "check_band" for node in ast.walk(tree(source)))


def called(node: ast.AST) -> str | None:
    """The bare name of the function a node calls."""
    if not isinstance(node, ast.Call):
        return None
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)


def only_known_tags(notebook: NotebookNode, path: Path) -> list[str]:
    """Skipping a cell or expecting its error would take it out of the tests unseen; so would nbval's comments."""
    faults = []
    for number, cell in code_cells(notebook):
        tags = {tag for tag in cell.metadata.get("tags", ()) if tag.startswith(("nbval", "raises"))} - {IGNORED}
        faults += [f"code cell {number} has the tag {tag}" for tag in sorted(tags)]
        faults += [f"code cell {number} has a comment {mark}" for mark in re.findall(r"#\s*((?:NBVAL|PYTEST_VALIDATE)_\w+)", cell.source)]
    return faults


def no_interact(notebook: NotebookNode, path: Path) -> list[str]:
    """`interact` prints inside an Output, which cannot be compared: lessons use a control and `explore`."""
    names = {"interact", "interactive", "interact_manual", "interactive_output"}
    found = [(number, {name_of(node) for node in ast.walk(tree(cell.source))} & names) for number, cell in code_cells(notebook)]
    return [f"code cell {number} uses {', '.join(sorted(used))}" for number, used in found if used]


def name_of(node: ast.AST) -> str | None:
    return getattr(node, "attr", None) or getattr(node, "id", None) or getattr(node, "name", None)


# Share of cells compared


def compared(notebook: NotebookNode) -> tuple[int, int]:
    """How many code cells with text output are truly compared, and how many there are."""
    worded = [cell for _, cell in code_cells(notebook) if cell_text(cell)]
    return sum(is_compared(cell) for cell in worded), len(worded)


def is_compared(cell: NotebookNode) -> bool:
    """Whether a change in what the cell computes would show: not for loose cells, a lone True, ok, or fixed words."""
    return IGNORED not in cell.metadata.get("tags", ()) and not is_constant(cell_text(cell), cell.source)


def is_constant(text: str, source: str) -> bool:
    """A lone truth value or `ok`, or words that stand in the source just as they come out."""
    if text.strip(" .!\n").lower() in {"true", "false", "none", "ok", "okay", "done", "passed", "all good"}:
        return True
    written = {str(node.value) for node in ast.walk(tree(source)) if isinstance(node, ast.Constant)}
    lines = {line.strip() for value in written for line in value.splitlines()}
    return all(line.strip() in lines for line in text.splitlines() if line.strip())


# Figures


def alt_texts(notebook: NotebookNode, path: Path) -> list[str]:
    pictures = [(number, output) for number, cell in code_cells(notebook) for output in cell.outputs if is_picture(output)]
    return [f"a picture of code cell {number} has no text alternative" for number, output in pictures if not alt_of(output)]


def captions(notebook: NotebookNode, path: Path) -> list[str]:
    """The caption is an output of its own right after the picture, and says the same as the text alternative."""
    faults = []
    for number, cell in code_cells(notebook):
        for output, following in zip(cell.outputs, [*cell.outputs[1:], None], strict=False):
            words = " ".join(output_text(following).split()) if following else ""
            words = words.removeprefix("At the start: ")  # how `explore` says which of its pictures stands still
            if is_picture(output) and not (alt_of(output) and words.startswith(alt_of(output))):
                faults.append(f"a picture of code cell {number} is not followed by its caption {alt_of(output)[:60]!r}, but {words[:60]!r}")
    return faults


def is_picture(output: NotebookNode) -> bool:
    return "image/png" in output.get("data", {})


def alt_of(output: NotebookNode) -> str:
    return " ".join(output.metadata.get("image/png", {}).get("alt", "").split())


# Prose


def links_resolve(notebook: NotebookNode, path: Path) -> list[str]:
    targets = [target for source in prose_cells(notebook) for target in link_targets(source)]
    files = [unquote(target.split("#")[0].split("?")[0]) for target in targets]
    return [f"the link {file} leads to no file" for file in files if file and not (path.parent / file).exists()]


def link_targets(source: str) -> Iterator[str]:
    """The targets in Markdown and HTML that are files: not the web, not attachments, not code."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", source, flags=re.DOTALL)
    found = re.findall(r"\]\(\s*<?([^)\s>]+)|(?:src|href)\s*=\s*[\"']([^\"']+)|^\[[^\]]+\]:\s*(\S+)", text, flags=re.MULTILINE)
    targets = (next(filter(None, groups)) for groups in found)
    return (target for target in targets if not re.match(r"[a-z][a-z0-9+.-]+:|//", target))


def pictures_have_alt(notebook: NotebookNode, path: Path) -> list[str]:
    """Drawn pictures in prose carry a text alternative too."""
    text = "\n".join(prose_cells(notebook))
    bare = re.findall(r"!\[\s*\]\(([^)]+)\)", text)
    bare += [tag for tag in re.findall(r"<img[^>]*>", text) if not re.search(r"alt\s*=\s*[\"'][^\"']+", tag)]
    return [f"the picture {name} has no text alternative" for name in bare]


def numbers_have_a_source(notebook: NotebookNode, path: Path) -> list[str]:
    """Best effort: a number in prose is in an output, is a named constant of the code, or is allowed with a reason."""
    known = known_numbers(notebook)
    allowed = {value for entry in ALLOWED if path.stem.startswith(entry.get("lesson", "")) for value in map(to_number, entry["numbers"])}
    faults = []
    for source in prose_cells(notebook):
        for token, percent in prose_numbers(source):
            if to_number(token) not in allowed and not is_known(token, percent, known):
                faults.append(f"the number {token}{'%' if percent else ''} in prose is in no output: {source[:50]!r}")
    return faults


NUMBER = r"(?<![\w.,#–-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])"


def prose_numbers(source: str) -> list[tuple[str, bool]]:
    """The numbers of a Markdown text outside maths, code, links, headings' numbering, lists, years, sources and
    minutes needed; each as (number, whether it is per cent)."""
    drop = (
        r"```.*?```", r"`[^`\n]*`", r"\$\$.*?\$\$", r"\$[^$\n]+\$", r"\\\(.*?\\\)", r"\\\[.*?\\\]", r"<[^>]+>",
        r"#+ Sources.*\Z", r"\d+ minutes", r"(?<=\])\([^)]*\)", r"https?://\S+", r"^#+.*$", r"^\s*\d+[.)]\s",
    )  # fmt: skip
    for pattern in drop:
        source = re.sub(pattern, " ", source, flags=re.DOTALL | re.MULTILINE if pattern[0] != "^" else re.MULTILINE)
    found = [(match.group(), source[match.end() :].lstrip(" \u00a0").startswith(("%", "per cent"))) for match in re.finditer(NUMBER, source)]
    return [(token, percent) for token, percent in found if not re.fullmatch(r"(?:1[89]|20)\d\d", token)]


def to_number(token: str) -> float:
    return float(str(token).replace(",", ""))


def known_numbers(notebook: NotebookNode) -> set[float]:
    """Numbers in the outputs, and numbers that the code gives a name (also as a keyword or a default)."""
    text = "\n".join(cell_text(cell) for _, cell in code_cells(notebook))
    shown = {to_number(token) for token in re.findall(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[+-]?\d+)?", text)}
    return shown | {value for _, cell in code_cells(notebook) for value in named_constants(cell.source)}


def named_constants(source: str) -> set[float]:
    """Values of `NAME = 5000`, of `a, b = 1, 2` and of `f(steps=28)`."""
    named = [node.value for node in ast.walk(tree(source)) if isinstance(node, (ast.Assign, ast.AnnAssign, ast.keyword)) and node.value]
    parts = [part for value in named for part in (value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value])]
    return {float(part.value) for part in parts if isinstance(part, ast.Constant) and type(part.value) in (int, float)}


def is_known(token: str, percent: bool, known: set[float]) -> bool:
    """Whether a number, as exactly as prose states it, is one of the known ones (a share may be stated in per cent)."""
    decimals, value = len(token.partition(".")[2]), to_number(token)
    scales = (1, 100) if percent else (1,)
    return any(abs(number * scale - value) <= 0.5 * 10.0**-decimals * (decimals > 0 or scale > 1) for number in known for scale in scales)


RULES = (
    run_in_order, no_errors, no_stderr, no_machine_paths, standard_kernel, widgets_work, short_cells, bands, only_known_tags,
    no_interact, alt_texts, captions, links_resolve, pictures_have_alt, numbers_have_a_source,
)  # fmt: skip
