"""Makes a student's text and pictures harmless for pages that an instructor or another student opens in a browser."""

from __future__ import annotations

import base64
import binascii
import html
import re
import struct
import zlib

import bleach
import mistune

MOST_TEXT = 100_000  # characters of one cell that are shown
MOST_MARKDOWN = 20_000  # longer text is shown as it was typed
MOST_PNG = 500_000
TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "span", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
# The only commands of LaTeX that are typeset. Others (\href, \require, \def, \rule, \class, ...) can reach out of the formula.
LATEX = set(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi varphi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega frac tfrac dfrac sqrt sum prod int infty partial nabla cdot times odot otimes oplus "
    "pm mp le leq ge geq ne neq approx equiv sim propto in notin to rightarrow leftarrow Rightarrow mapsto left right big Big bigl bigr mid "
    "ldots cdots dots vdots top prime hat bar tilde vec dot mathbf mathrm mathit mathcal mathbb operatorname text quad qquad tanh sinh cosh "
    "sin cos tan exp log ln max min arg lim begin end aligned cases matrix pmatrix bmatrix lVert rVert lvert rvert forall exists".split()
)
ENVIRONMENTS = {"aligned", "cases", "matrix", "pmatrix", "bmatrix"}
# Characters with a meaning in Markdown or LaTeX, so that the page's own renderer finds nothing left to do.
CODED = {ord(c): f"&#{ord(c)};" for c in "\n\r\\`*_[]~|$"}


def text_block(text: str) -> str:
    """Any text as one line of HTML that shows it as it was typed."""
    return _inert(f"<pre>{html.escape(cut(printable(text)))}</pre>")


def markdown_block(text: str) -> str:
    """A student's Markdown as one line of clean HTML, which a notebook's Markdown cell can hold and any renderer leaves as it is.

    Raw HTML of the student's is shown as text; pictures become their description; links lead to http, https and mail only.
    """
    if len(text) > MOST_MARKDOWN or re.search(r"[\[*_`>(!]{200}", text):  # such text takes a Markdown parser minutes
        return text_block(text)
    try:
        rendered = _renderer()(printable(text))
    except Exception:  # a parser's own trouble (it recurses) must not stop the grading
        return text_block(text)
    clean = bleach.clean(rendered, tags=TAGS, attributes=_allowed, protocols={"http", "https", "mailto"}, strip=True)
    return _inert(clean)


def _inert(clean: str) -> str:
    """MathJax skips all but the formulas that were looked at; overlong things scroll inside their box."""
    return f'<div class="tex2jax_ignore" style="overflow:auto;max-width:100%">{clean.translate(CODED)}</div>'


def _allowed(tag: str, name: str, value: str) -> bool:
    if tag == "a":
        return name == "href" and bool(re.match("https?://|mailto:", value, re.IGNORECASE))  # bleach lets addresses within the site pass
    return (tag, name, value) == ("span", "class", "tex2jax_process") or (tag in ("td", "th") and name == "align")


def _renderer() -> mistune.Markdown:
    """Built anew for each text: mistune keeps link definitions of the last one."""
    markdown = mistune.create_markdown(escape=True, plugins=["table", "strikethrough", "math"])
    markdown.renderer.register("inline_math", lambda renderer, text: _formula(text, r"\(", r"\)"))
    markdown.renderer.register("block_math", lambda renderer, text: _formula(text, r"\[", r"\]"))
    markdown.renderer.image = lambda text, url, title=None: f"<em>[picture: {text or 'without description'}]</em>"
    return markdown


def _formula(text: str, begin: str, end: str) -> str:
    """A formula of known commands for MathJax; anything else as text."""
    if len(text) > 2_000 or not set(re.findall(r"\\([A-Za-z]+)", text)) <= LATEX or "\\(" in text or "\\)" in text:
        return f"<code>${html.escape(text)}$</code>"
    if not set(re.findall(r"\\(?:begin|end)\s*{([^}]*)}", text)) <= ENVIRONMENTS:
        return f"<code>${html.escape(text)}$</code>"
    return f'<span class="tex2jax_process">{begin}{html.escape(text)}{end}</span>'


def printable(text: str) -> str:
    """Without control characters, and without those that turn the direction of the text around them."""
    bad = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
    return bad.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def cut(text: str, most: int = MOST_TEXT) -> str:
    return text if len(text) <= most else text[:most] + f"\n[... cut here: {len(text) - most:,} more characters]"


def checked_png(text: object) -> str | None:
    """The base64 text of a picture that is a PNG of sensible size with whole parts; None for anything else."""
    if not isinstance(text, str) or len(text) > MOST_PNG * 3 // 2:
        return None
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
        return base64.b64encode(data).decode() if _is_png(data) else None
    except (binascii.Error, ValueError, struct.error):
        return None


def _is_png(data: bytes) -> bool:
    """Signature, header with a size up to 5,000 pixels each way, and every part's checksum up to the end."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) > MOST_PNG:
        return False
    width, height = struct.unpack(">II", data[16:24])
    at, kind = 8, b""
    while at < len(data) and kind != b"IEND":
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        part, checksum = data[at + 4 : at + 8 + size], data[at + 8 + size : at + 12 + size]
        if len(checksum) != 4 or zlib.crc32(part) != struct.unpack(">I", checksum)[0]:
            return False
        at += 12 + size
    return kind == b"IEND" and at == len(data) and 0 < width <= 5_000 and 0 < height <= 5_000
