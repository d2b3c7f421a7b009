"""A Chromium in which every other host is out of reach; what a page asks for is written down."""

import pytest
from in_chromium import chromium  # noqa: F401 a fixture


def is_fault(message, expected):
    return message.type == "error" and not (expected and expected in message.text)


@pytest.fixture
def open_file(chromium):
    """`open_file(path, query="", **context)` opens a page from a file; foreign requests and errors on its console fail the test.

    An error whose text has the word `expected` is none.
    """
    faults, contexts = [], []

    def show(path, query="", expected=None, **options):
        context = chromium.new_context(**({"viewport": {"width": 1280, "height": 720}} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: None if request.url.startswith(("file:", "data:", "blob:", "about:")) else faults.append(request.url))
        page.on("requestfailed", lambda request: faults.append(f"failed: {request.url[:200]}"))
        page.on("console", lambda message: faults.append(message.text) if is_fault(message, expected) else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(path.resolve().as_uri() + query)
        return page

    yield show
    for context in contexts:
        context.close()
    assert faults == []
