"""What a result depends on: code that a lesson reaches changes its hash, and nothing else does."""

import shutil

import pytest

from course_utils.kit import provenance

LESSON = ["from course_utils.data import load_mnist\nfrom course_utils.training import make_step\n%matplotlib inline", "mnist = load_mnist()", "step = make_step(model, optimizer)"]


@pytest.fixture
def package(monkeypatch, tmp_path):
    """A copy of the modules that a test may change."""
    for name in provenance.MODULES:
        shutil.copy(provenance.PACKAGE / name, tmp_path / name)
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("module", "old", "new", "same"), [
    ("training.py", "losses) / 2", "losses) / 3", False),
    ("training.py", "return tf.unstack(tf.reshape(product", "return tf.unstack(2 * tf.reshape(product", False),  # reached by way of fast_logits
    ("data.py", "images /= 255", "images /= 256", False),
    ("training.py", "if isinstance(steps, bool)", "if steps is True", True),  # train, which this lesson does not call
    ("data.py", "class DataLoader:", "class OtherLoader:", True),
    ("training.py", '"""The hidden states of one layer, row by row', '"""The states, row by row', True),
    ("training.py", "import time\n", "import time\nimport json\n", True),
])  # fmt: skip
def test_only_what_is_reached_counts(package, module, old, new, same):
    before = provenance.digest(LESSON)
    text = (package / module).read_text(encoding="utf-8")
    assert old in text
    (package / module).write_text(text.replace(old, new), encoding="utf-8")
    assert (provenance.digest(LESSON) == before) is same


def test_modules_of_the_projects_count_for_those_who_import_them(package):
    project = ["from course_utils.projects.bench import measure", "measure(model, fit, data)"]
    (package / "projects").mkdir()
    before = [provenance.digest(cells) for cells in (project, ["def measure(): pass", project[1]])]
    (package / "projects" / "bench.py").write_text("def measure(model, fit, data):\n    return fit(model)\n", encoding="utf-8")
    after = [provenance.digest(cells) for cells in (project, ["def measure(): pass", project[1]])]
    assert after[0] != before[0] and after[1] == before[1]


def test_a_cell_counts_without_its_comments():
    before = provenance.digest(LESSON)
    assert provenance.digest([*LESSON[:2], LESSON[2] + "  # the fast one"]) == before
    assert provenance.digest([*LESSON[:2], LESSON[2].replace("optimizer", "other")]) != before
