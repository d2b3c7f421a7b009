"""Long runs are kept at once, made again only when they must be, and a table is written only when it is whole."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from course_utils.kit.provenance import PACKAGE
from course_utils.projects.__main__ import main, record
from course_utils.projects.rnn_or_cnn import run_network
from course_utils.projects.runs import Run, digest, read_kept, read_table, run_all

SOURCE = '''
"""Tiny runs."""
import os, time
from pathlib import Path

def made(folder, name, value=1):
    """Counts how often it was made."""
    with open(Path(folder) / name, "a") as file:
        file.write("x")
    return {"value": value, "process": os.getpid()}

def fails(folder):
    raise RuntimeError("the cat sat on the keys")

def dies(folder):
    os._exit(9)

def no_number(folder):
    return {"value": float("nan")}

def slow(folder, name):
    (Path(folder) / "begun").write_text(str(os.getpid()))
    time.sleep(60)
    return {}
'''


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A module of runs in a folder of its own, so that a test may change its code."""
    (tmp_path / "tiny_runs.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a change within the same second must be seen
    sys.modules.pop("tiny_runs", None)
    return importlib.import_module("tiny_runs")


def some(tiny, folder, names=("a", "b")):
    return [Run("test", name, partial(tiny.made, str(folder), name)) for name in names]


def times_made(folder, name):
    return len((folder / name).read_text()) if (folder / name).is_file() else 0


def test_each_run_has_a_process_of_its_own_and_is_made_once(tiny, tmp_path):
    first = run_all(some(tiny, tmp_path), tmp_path / "kept")
    assert run_all(some(tiny, tmp_path), tmp_path / "kept") == first
    processes = {entry["result"]["process"] for entry in first} | {os.getpid()}
    assert len(processes) == 3 and [times_made(tmp_path, name) for name in "ab"] == [1, 1]
    assert first[0]["recorded"]["keras"] and first[0]["code"] == digest(some(tiny, tmp_path)[0])


def test_a_damaged_kept_file_is_made_again(tiny, tmp_path):
    runs = some(tiny, tmp_path)
    run_all(runs, tmp_path / "kept")
    (file,) = (tmp_path / "kept" / "test").glob("a-*.json")
    for damage in (file.read_text()[:40], "[]", "{}", file.read_text().replace('"a"', '"b"'), '{"run": "a", "result": 3}'):
        file.write_text(damage)
        assert read_kept(runs[0], tmp_path / "kept") is None
    run_all(runs, tmp_path / "kept")
    assert [times_made(tmp_path, name) for name in "ab"] == [2, 1]


def test_changed_code_is_another_run_changed_words_are_not(tiny, tmp_path):
    before = digest(some(tiny, tmp_path)[0])
    source = Path(tiny.__file__)
    source.write_text(SOURCE.replace("Counts how often", "Tells how often") + "\n# a remark\n")
    assert digest(some(tiny, tmp_path)[0]) == before
    source.write_text(SOURCE.replace("value=1", "value=2"))
    assert digest(some(tiny, tmp_path)[0]) != before
    assert digest(Run("test", "a", partial(tiny.made, str(tmp_path), "a", value=3))) not in (before, digest(some(tiny, tmp_path)[0]))


@pytest.mark.parametrize(("module", "old", "new", "same"), [
    ("projects/bench.py", "train_cpu_seconds", "cpu", False),
    ("projects/networks.py", "layers.MaxPooling2D()", "layers.AveragePooling2D()", False),
    ("projects/rnn_or_cnn.py", '"lstm": 8e-3', '"lstm": 9e-3', False),
    ("projects/images.py", "transpose(0, 2, 1, 3)", "transpose(0, 1, 2, 3)", False),
    ("training.py", "losses) / 2", "losses) / 3", False),
    ("projects/rnn_or_cnn.py", "HELD_BACK = 6", "HELD_BACK = 7", True),  # of the other kind of run
    ("projects/rnn_or_cnn.py", 'PROJECT = "05', 'PROJECT = "07', True),
    ("projects/runs.py", "indent=1", "indent=2", True),
])  # fmt: skip
def test_a_run_ages_with_the_code_that_it_reaches(module, old, new, same, monkeypatch):
    run, read = Run("test", "a", partial(run_network, "mnist", "cnn", 1)), Path.read_text
    before = digest(run)
    assert old in read(PACKAGE / module)
    monkeypatch.setattr(Path, "read_text", lambda file, **kwargs: read(file, **kwargs).replace(old, new) if file == PACKAGE / module else read(file, **kwargs))
    assert (digest(run) == before) is same


@pytest.mark.parametrize(("name", "words"), [("fails", "the cat sat on the keys"), ("dies", "exit status 9"), ("no_number", "not JSON compliant")])
def test_a_run_that_fails_is_named_and_the_rest_goes_on(tiny, tmp_path, capsys, name, words):
    runs = [Run("test", "bad", partial(getattr(tiny, name), str(tmp_path))), *some(tiny, tmp_path, "a")]
    assert record([runs], tmp_path / "kept", tmp_path) == 1
    said = "".join(capsys.readouterr())
    assert "bad failed" in said and words in said and "stays as it was" in said
    assert times_made(tmp_path, "a") == 1 and not (tmp_path / "test.json").exists()


def test_the_table_holds_every_result_and_its_provenance(tiny, tmp_path):
    assert record([some(tiny, tmp_path)], tmp_path / "kept", tmp_path) == 0
    table = read_table("test", tmp_path)
    assert sorted(table["runs"]) == ["a", "b"] and table["runs"]["a"]["result"]["value"] == 1
    assert table["recorded"]["tensorflow"] and table["recorded"]["cores"] == os.cpu_count()


COMMAND = """
import signal, sys
from functools import partial
from pathlib import Path
import tiny_runs
from course_utils.projects import __main__ as command, runs

folder = sys.argv[1]
made, slow = runs.Run("test", "a", partial(tiny_runs.made, folder, "a")), runs.Run("test", "s", partial(tiny_runs.slow, folder, "s"))
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background, as these tests may be, ignores Ctrl-C
    command.missing = lambda used: []
    command.runs_of = lambda project: lambda: [made, slow]
    command.record.__defaults__ = Path(folder) / "kept", Path(folder)
    sys.exit(command.main(["05_project_rnn_or_cnn"]))
"""


@pytest.mark.parametrize(("sign", "to_all"), [(signal.SIGINT, True), (signal.SIGTERM, False)], ids=["Ctrl-C", "kill"])
def test_a_stopped_command_leaves_nothing_behind_and_goes_on_where_it_was(tiny, tmp_path, sign, to_all):
    """The real signal, sent to the real command, in the middle of its second run."""
    (tmp_path / "command.py").write_text(COMMAND)
    command = subprocess.Popen([sys.executable, "command.py", tmp_path], start_new_session=True, stderr=subprocess.PIPE, cwd=tmp_path)
    deadline = time.monotonic() + 90
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    (os.killpg if to_all else os.kill)(command.pid, sign)
    said = command.communicate(timeout=60)[1].decode()  # its runs hold the same pipe: were one alive, this would wait
    assert command.returncode == 130 and "What is done is kept" in said
    assert sorted(path.name[:2] for path in (tmp_path / "kept" / "test").glob("*.json")) == ["a-"]
    assert not list((tmp_path / "kept" / "test").glob("*.part")) and not (tmp_path / "test.json").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "begun").read_text()), 0)
    run_all(some(tiny, tmp_path, "a"), tmp_path / "kept")
    assert times_made(tmp_path, "a") == 1


@pytest.mark.parametrize(("names", "words"), [(("a b",), "letters, digits"), (("a", "a"), "twice")])
def test_a_name_must_fit_a_file_and_be_the_only_one(tiny, tmp_path, names, words):
    with pytest.raises(ValueError, match=words):
        run_all(some(tiny, tmp_path, names), tmp_path / "kept")


def test_a_run_must_be_callable_elsewhere(tmp_path):
    with pytest.raises(ValueError, match="top of a module"):
        run_all([Run("test", "a", lambda: {})], tmp_path)


@pytest.mark.parametrize("named", [True, False])
def test_without_the_data_the_command_says_what_is_missing(tmp_path, monkeypatch, capsys, named):
    for name in ("COURSE_CACHE", "KERAS_HOME", *(["COURSE_DATA"] if named else [])):
        monkeypatch.setenv(name, str(tmp_path))
    if not named:
        monkeypatch.delenv("COURSE_DATA", raising=False)
    (tmp_path / "mnist.npz").touch()
    assert main([]) == 1
    said = capsys.readouterr().err
    assert "not here: fashion_mnist, cifar10, imdb." in said and "COURSE_DATA" in said and "python -m course_utils fetch" in said
    assert main(["05_project_rnn_or_cnn"]) == 1
    assert "use mnist, fashion_mnist, cifar10; not here: fashion_mnist, cifar10." in capsys.readouterr().err  # reviews are not asked for


def test_a_project_that_there_is_none_of_is_refused_with_the_names_of_those_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["5"])
    assert "expected one of 05_project_rnn_or_cnn, 06_project_sentiment; received 5" in capsys.readouterr().err


def test_without_a_table_the_command_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="make projects"):
        read_table("05_project_rnn_or_cnn", tmp_path)


def test_a_kept_file_is_whole_json(tiny, tmp_path):
    run_all(some(tiny, tmp_path, "a"), tmp_path / "kept")
    (file,) = (tmp_path / "kept" / "test").glob("*.json")
    assert json.loads(file.read_text())["result"]["value"] == 1
