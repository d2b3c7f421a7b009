"""Prints the decks as PDF, a page a slide, with the Chromium of the system. No other host is reached."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
             "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
READY = "document.documentElement.dataset.deck === 'ready'"
PRINTABLE = f"{READY} && document.querySelector('.pdf-page')"  # reveal.js makes the sheets a moment after the deck is laid out
LONGEST = 120_000  # milliseconds until a deck has laid itself out, on a busy machine


def find_chromium() -> str:
    """The Chromium that COURSE_CHROMIUM names or that is on the path. FileNotFoundError when there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("COURSE_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise FileNotFoundError("Chromium was expected on the path and is not there: install it, or name it in COURSE_CHROMIUM.")
    return found


@contextmanager
def browser() -> Iterator:
    """A headless Chromium, driven by playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield chromium
        chromium.close()


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
