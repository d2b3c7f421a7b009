"""What holds for every picture that can be made without arguments, each new one too: axe-core finds nothing serious in it."""

import inspect

import pytest

from course_utils import widgets


def made_without_arguments(name):
    parameters = inspect.signature(getattr(widgets, name)).parameters.values()
    return all(one.default is not one.empty or one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) for one in parameters)


PICTURES = list(filter(made_without_arguments, widgets.__all__))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PICTURES)
def test_axe_finds_nothing_serious(open_page, no_serious_violations, name, dark):
    page = open_page(getattr(widgets, name)(), dark=dark)
    no_serious_violations(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nor_in_the_scope_with_a_gate_forced(open_page, no_serious_violations, dark):
    page = open_page(widgets.LSTMScope(state={"row": 20, "forced": {"gate": "f", "value": 0.0, "first": 10, "last": 14}}), dark=dark)
    page.get_by_role("button", name="Erase").click()
    page.wait_for_function("document.querySelector('.u-survey .u-note').textContent !== ''")
    no_serious_violations(page)


def test_axe_would_find_something(open_page, no_serious_violations):
    page = open_page(widgets.LSTMScope())
    page.add_style_tag(content=".u-status { color: #ddd }")
    with pytest.raises(AssertionError, match="color-contrast"):
        no_serious_violations(page)
