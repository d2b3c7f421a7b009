"""Each component's single text of JavaScript is a module of its own: no name stands twice in what is joined."""

import subprocess

import pytest
from javascript import find_node

from course_utils.widgets import joined

COMPONENTS = sorted(path.stem for path in joined.FOLDER.glob("*.js") if path.stem not in joined.SHARED)


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_is_one_valid_module(component, tmp_path):
    executable = find_node()
    if executable is None:
        pytest.skip("node was not found; install Node.js, or the package playwright, to check the widgets' JavaScript")
    (tmp_path / "joined.mjs").write_text(joined.light(joined.source(component)), encoding="utf-8")
    checked = subprocess.run([executable, "--check", tmp_path / "joined.mjs"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr[-500:]
