"""Prints the decks as PDF, a page a slide, with the Chromium of the system. No other host is reached."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from course_utils.kit.chromium import browser

READY = "document.documentElement.dataset.deck === 'ready'"
PRINTABLE = f"{READY} && document.querySelector('.pdf-page')"  # reveal.js makes the sheets a moment after the deck is laid out
LONGEST = 120_000  # milliseconds until a deck has laid itself out, on a busy machine


def print_decks(decks: Sequence[Path]) -> list[Path]:
    """Print each deck into the folder pdf beside it; the speaker's notes are not in it.

    Raises:
        FileNotFoundError: there is no Chromium.
    """
    with browser() as chromium:
        return [print_deck(chromium, path) for path in decks]


def print_deck(chromium, deck: Path) -> Path:
    """Print one deck; a slide whose parts come one by one is one page, with all of them."""
    pdf = deck.parent / "pdf" / f"{deck.stem}.pdf"
    pdf.parent.mkdir(exist_ok=True)
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{deck.resolve().as_uri()}?print-pdf")
    page.wait_for_function(PRINTABLE, timeout=LONGEST)
    page.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
    page.close()
    return pdf
