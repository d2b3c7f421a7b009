"""Set-up says in a sentence what is wrong; an interrupted one leaves no stamp."""

import ast
import subprocess
import sys

import pytest

from course_utils.kit import bootstrap
from course_utils.kit.bootstrap import SetupError


def make_venv(folder, *names):
    folder.mkdir()
    for name in ("pyvenv.cfg", *names):
        (folder / name).write_text("")
    return folder


@pytest.fixture
def steps(monkeypatch):
    """Record what would be run instead of running it; `fail` makes a step stop."""
    calls = []
    monkeypatch.setattr(bootstrap, "create", lambda venv, clear: calls.append(("venv", clear)) or venv.mkdir(exist_ok=True))
    monkeypatch.setattr(bootstrap, "run", lambda command, venv, count=0: calls.append(command))
    monkeypatch.setattr(bootstrap, "runs", lambda venv: venv.exists())
    return calls


@pytest.mark.parametrize(("version", "word"), [((3, 10, 13), "older"), ((3, 14, 0), "newer"), ((4, 0, 0), "newer"), ((2, 7, 18), "older")])
def test_a_wrong_python_is_named(version, word):
    with pytest.raises(SetupError, match=f"3.11, 3.12 or 3.13 is needed.*{version[0]}.{version[1]}.{version[2]}, which is {word}.*make lab"):
        bootstrap.check_python(version)


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 9), (3, 13, 1)])
def test_a_right_python_passes(version):
    bootstrap.check_python(version)


def test_the_script_is_readable_for_old_pythons():
    """Python 3.6 has to get as far as the sentence about its version."""
    source = (bootstrap.ROOT / "course_utils/kit/bootstrap.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert "from __future__" not in source and "course_utils." not in "".join(line for line in source.splitlines() if line.startswith(("import", "from")))


def test_a_full_disk_is_named(tmp_path):
    with pytest.raises(SetupError, match=r"About 4 GB .* has 1.2 GB\. Free some space"):
        bootstrap.check_disk(tmp_path, free_bytes=1_200_000_000)
    bootstrap.check_disk(tmp_path, free_bytes=5_000_000_000)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk filled up"),
        ("Retrying after connection broken by 'NewConnectionError(...)'\nERROR: ... (from versions: none)", "could not be reached"),
        ("NameResolutionError: Temporary failure in name resolution", "could not be reached"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))", "could not be reached"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not the one named in requirements.lock"),
        ("ERROR: Could not find a version that satisfies the requirement tensorflow (from versions: 2.16.2)", "has no build"),
        ("/usr/bin/python3: No module named pip", "python3-venv"),
        ("something else", "does not know"),
    ],
)
def test_what_pip_says_becomes_a_sentence(said, sentence):
    assert sentence in bootstrap.cause(said)


def test_a_failing_step_ends_in_a_sentence_its_last_lines_and_the_log(tmp_path):
    program = "import sys; print('looking'); sys.exit('socket.gaierror: Temporary failure in name resolution')"
    with pytest.raises(SetupError, match="could not be reached") as caught:
        bootstrap.run([sys.executable, "-c", program], tmp_path)
    assert "Temporary failure" in str(caught.value) and str(tmp_path / bootstrap.LOG) in str(caught.value)
    assert "looking" in (tmp_path / bootstrap.LOG).read_text()


def test_bytecode_is_compiled_whatever_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    bootstrap.run([sys.executable, "-c", "import sys; sys.exit(sys.dont_write_bytecode)"], tmp_path)


def test_installing_makes_hash_checked_and_compiled_packages(tmp_path, steps):
    venv = tmp_path / "venv"
    bootstrap.install(venv)
    locked, course, jupyter = steps[1:]
    assert {"--require-hashes", "--compile"} <= set(locked) and locked[-1].endswith("requirements.lock")
    assert {"--no-deps", "--no-build-isolation", "-e"} <= set(course) and jupyter[-1] == "jupyter"
    assert (venv / bootstrap.STAMP).read_text().strip() == bootstrap.digest() and not (venv / bootstrap.UNFINISHED).exists()


def test_a_second_call_does_nothing(tmp_path, steps):
    bootstrap.install(tmp_path / "venv")
    first = len(steps)
    bootstrap.install(tmp_path / "venv")
    assert len(steps) == first


def test_a_changed_lock_installs_into_the_same_environment(tmp_path, steps):
    venv = make_venv(tmp_path / "venv")
    (venv / bootstrap.STAMP).write_text("of an older lock")
    bootstrap.install(venv)
    assert not any(step[0] == "venv" for step in steps) and len(steps) == 3


def test_an_interrupted_installation_leaves_no_stamp_and_is_begun_anew(tmp_path, steps, monkeypatch):
    venv = make_venv(tmp_path / "venv", bootstrap.STAMP)

    def cut_off(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "run", cut_off)
        pytest.raises(KeyboardInterrupt, bootstrap.install, venv)
    assert not (venv / bootstrap.STAMP).exists()
    bootstrap.install(venv)
    assert steps[0] == ("venv", True)


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path, steps):
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "thesis.txt").write_text("mine")
    with pytest.raises(SetupError, match="holds something else"):
        bootstrap.install(tmp_path / "venv")
    assert (tmp_path / "venv" / "thesis.txt").read_text() == "mine" and steps == []


def test_a_full_disk_stops_before_anything_is_made(tmp_path, steps, monkeypatch):
    monkeypatch.setattr(bootstrap.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10**9}))
    with pytest.raises(SetupError, match="free disk space"):
        bootstrap.install(tmp_path / "venv")
    assert not (tmp_path / "venv").exists()


def test_a_missing_venv_module_is_named(tmp_path, monkeypatch):
    done = subprocess.CompletedProcess([], 1, stdout="The virtual environment was not created ... ensurepip is not available")
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *arguments, **options: done)
    with pytest.raises(SetupError, match="venv module .* python3-venv"):
        bootstrap.create(tmp_path / "venv", clear=False)


def test_the_command_prints_the_sentence_and_fails(monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 1, "final", 0))
    assert bootstrap.main([]) == 1
    assert "Set-up stopped. Python 3.11, 3.12 or 3.13 is needed" in capsys.readouterr().err


def test_an_unknown_argument_is_refused(capsys):
    assert bootstrap.main(["--newest"]) == 1
    assert "--canary, not --newest" in capsys.readouterr().err
