"""The widgets' JavaScript, run by node on arrays that Python made."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from course_utils.widgets.joined import source


def find_node():
    """Node from the path, or the one that the package playwright brings along; None where there is neither."""
    try:
        from playwright._impl._driver import compute_driver_executable
    except ImportError:
        return shutil.which("node")
    return shutil.which("node") or compute_driver_executable()[0]


@pytest.fixture
def node(tmp_path):
    """`node(script, component="core", **values)` runs a script in which `m` is the joined module and each value has its name.

    Arrays arrive as nested lists. The script hands back what it gives to `answer(...)`.
    """
    executable = find_node()
    if executable is None:
        pytest.skip("node was not found; install Node.js, or the package playwright, to compare the widgets with NumPy")

    def run(script, component=None, **values):
        (tmp_path / "module.mjs").write_text(source(component), encoding="utf-8")
        lists = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}
        (tmp_path / "values.json").write_text(json.dumps(lists), encoding="utf-8")
        lines = ['import { readFileSync } from "node:fs";', 'import * as m from "./module.mjs";',
                 f'const {{ {", ".join(lists)} }} = JSON.parse(readFileSync("values.json", "utf-8"));',
                 "const answer = (value) => console.log(JSON.stringify(value));", script]
        (tmp_path / "script.mjs").write_text("\n".join(lines), encoding="utf-8")
        done = subprocess.run([executable, "script.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
