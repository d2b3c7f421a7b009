"""Finds the author's answers in what students get: in any file, inside JSON, base64 and archives, also with other names and layout."""

from __future__ import annotations

import ast
import base64
import html
import io
import json
import re
import textwrap
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import nbformat

from course_utils.grading import exercises

ROOT = Path(__file__).parents[2]
DEEPEST = 4  # JSON in base64 in JSON ...
SHORTEST = 25  # characters without blanks: shorter lines are in every program
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")


def bare(text: str) -> str:
    """Text without blanks, and with one kind of quotes."""
    return re.sub(r"\s+", "", text).replace("'", '"')


# --- What must not be found ---


def solutions(lesson: str) -> list[str]:
    """The text of each solution region of a lesson's exercises."""
    notebook = nbformat.read(exercises.source_notebook(lesson), as_version=4)
    return [found for cell in notebook.cells for found in re.findall(r"### BEGIN SOLUTION\n(.*?)\n\s*### END SOLUTION", cell.source, flags=re.DOTALL)]


def parts(text: str) -> set[str]:
    """The lines of a text, also without a comment at their end, and its sentences; those that are long enough to tell."""
    lines = text.splitlines()
    pieces = lines + [line.split("  #")[0] for line in lines] + [piece for line in lines for piece in re.split(r"(?<=[.?!]) ", line)]
    return {found for piece in pieces if len(found := bare(piece).rstrip(".,:;?!")) > SHORTEST}


def secret_lines() -> dict[str, str]:
    """What must not be found -> where it is from: every solution, every tasks.py, and the grading package."""
    found = {"###BEGINSOLUTION": "a mark", "###ENDSOLUTION": "a mark", "BEGINHIDDENTESTS": "a mark"}
    for path in sorted((ROOT / "course_utils" / "grading").rglob("*.py")):
        code = re.sub(r"^from course_utils\.kit\S* import .*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)  # students have the kit
        found |= dict.fromkeys(parts(code) - public_lines(), f"grading/{path.name}")
    for lesson in exercises.lessons():
        tasks = exercises.source_notebook(lesson).with_name("tasks.py").read_text(encoding="utf-8")
        found |= dict.fromkeys(parts(code_lines(tasks)), f"tasks.py of {lesson}")
        found |= {part: f"solution of {lesson}" for text in solutions(lesson) for part in parts(text)}
    return found


def public_lines() -> set[str]:
    """Lines of the package that students have: what grading shares with it, such as an import, tells nothing."""
    files = [path for path in (ROOT / "course_utils").rglob("*.py") if "grading" not in path.parts]
    return {part for path in files for part in parts(path.read_text(encoding="utf-8"))}


def code_lines(text: str) -> str:
    """Code without what students read in the tables anyway: hints, and the sentences of mistakes and cases."""
    return "\n".join(re.sub(r'"[^"]*"', '""', line) for line in text.splitlines())


def secret_shapes() -> dict[str, tuple[tuple[type, ...], str]]:
    """The statements of each reference answer with names replaced -> their kinds, and where they are from."""
    pairs = [(lesson, statements(text)) for lesson in exercises.lessons() for text in solutions(lesson)]
    return {shape(body): (kinds(body), f"solution of {lesson}") for lesson, body in pairs if len(body) > 1}


def statements(text: str) -> list[ast.stmt]:
    """The statements of a solution, which may be the inside of a function; none for prose."""
    try:
        return ast.parse("def f():\n" + textwrap.indent(textwrap.dedent(text), "    ")).body[0].body
    except SyntaxError:
        return []


def kinds(body: list[ast.stmt]) -> tuple[type, ...]:
    """Assign, For, Return ...: what is looked at first, because it is quick."""
    return tuple(map(type, body))


def shape(body: list[ast.stmt]) -> str:
    """Statements as text in which names are numbered as they come, so that neither names nor layout matter."""
    text = ast.dump(ast.Module(body, []))
    names: dict[str, str] = {}
    return re.sub(r"(id|arg|name)='([^']*)'", lambda match: f"{match[1]}={names.setdefault(match[2], f'n{len(names)}')}", text)


# --- Where it is looked for ---


def leaks(files: dict[str, bytes], taught: frozenset[str] = frozenset()) -> list[str]:
    """What of the author's side is in the files, as sentences; lines in `taught` may be."""
    lines = {line: source for line, source in secret_lines().items() if line not in taught}
    shapes, seen, found = secret_shapes(), set(), []
    wanted = {kind for kind, _ in shapes.values()}
    for name, data in files.items():
        for where, text in texts(name, data):
            if text in seen:
                continue
            seen.add(text)
            short = bare(html.unescape(text))
            found += [f"{where}: {line} ({source})" for line, source in lines.items() if line in short]
            found += [f"{where}: the statements of a {shapes[known][1]}" for known in runs(text, wanted) & set(shapes)]
    return sorted(set(found))


def texts(name: str, data: bytes, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text in a file: the file, each string and key in JSON (also JSON in a string), what base64 and archives hold."""
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                yield from texts(f"{name}!{entry.filename}", archive.read(entry), depth)
        return
    text = data.decode("utf-8", errors="replace")
    yield name, text
    try:
        inside = set(strings(json.loads(text))) if text.lstrip()[:1] in ("{", "[") else set()
    except ValueError:
        inside = set()
    if depth < DEEPEST:
        for string in inside:
            yield from texts(name, string.encode("utf-8", errors="replace"), depth + 1)
        yield from hidden(name, text, depth)


def strings(value) -> Iterator[str]:
    """All strings in JSON: keys, values, and lists of lines as one text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for entry in value.values():
            yield from strings(entry)
    elif isinstance(value, list):
        if value and all(isinstance(entry, str) for entry in value):
            yield "".join(value)
        for entry in value:
            yield from strings(entry)


def hidden(name: str, text: str, depth: int) -> Iterator[tuple[str, str]]:
    """What a text holds as base64, packed or not, in one line or several."""
    whole = re.sub(r"\s", "", text)
    for piece in [whole] if BASE64.fullmatch(whole) else BASE64.findall(text):
        try:
            data = base64.b64decode(piece.replace("-", "+").replace("_", "/") + "=" * (-len(piece) % 4))
        except ValueError:
            continue
        for form in filter(None, (data, unpacked(data))):
            yield from texts(f"{name} (base64)", form, depth + 1)


def unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompress(data, wbits=47)  # zlib or gzip
    except zlib.error:
        return b""


def runs(text: str, wanted: set[tuple[type, ...]]) -> set[str]:
    """The shapes of all runs of statements of the wanted kinds in a Python text; none in other texts."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return set()
    fields = [getattr(node, field, None) for node in ast.walk(tree) for field in ("body", "orelse", "finalbody")]
    bodies = [body for body in fields if isinstance(body, list) and len(body) > 1]
    pieces = [body[k : k + len(kind)] for body in bodies for kind in wanted for k in range(len(body) - len(kind) + 1)]
    return {shape(piece) for piece in pieces if kinds(piece) in wanted}
