"""pyproject.toml, requirements.lock and environment.yml say the same, and name no host."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from course_utils.kit import bootstrap, environment

LOCK = environment.LOCK.read_text(encoding="utf-8")
CONDA = environment.CONDA.read_text(encoding="utf-8")
TINY = 'numpy==2.4.6 ; python_full_version < "3.12" \\\n    --hash=sha256:aa\nnumpy==2.5.1 ; python_full_version >= "3.12" \\\n    --hash=sha256:bb\n'


def unmet(wanted: list[Requirement], lock: str) -> list[str]:
    """The direct dependencies that no pin meets, and the pins outside the range."""
    pins = environment.pins(lock)
    faults = [f"{entry.name} is not in the lock" for entry in wanted if entry.name not in {pin.name for pin in pins}]
    pairs = [(entry, pin) for entry in wanted for pin in pins if entry.name == pin.name]
    return faults + [f"{pin} is outside {entry}" for entry, pin in pairs if not entry.specifier.contains(version(pin))]


def version(pin: Requirement) -> str:
    return str(pin.specifier).removeprefix("==")


def entries_without_hash(lock: str) -> list[str]:
    """Pins that are not followed by at least one hash, and lines that are neither pins nor hashes."""
    blocks = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)[1:]
    good = re.compile(r"[A-Za-z0-9._-]+==\S+( ; [^\n\\]+)? \\\n(    --hash=sha256:[0-9a-f]+( \\)?\n)+")
    return [block.splitlines()[0] for block in blocks if not good.fullmatch(block)]


def hosts(text: str) -> list[str]:
    """Whatever in a file would tie it to one registry or machine."""
    return re.findall(r"--(?:extra-)?index-url.*|--find-links.*|--trusted-host.*|https?://\S+|file:\S+|^.* @ .*$", text, flags=re.MULTILINE)


def test_every_direct_dependency_is_pinned_inside_its_range():
    assert unmet(environment.direct_dependencies("test", "grading", "site"), LOCK) == []


def test_a_missing_or_outdated_pin_is_found():
    assert unmet([Requirement("keras>=3")], TINY) == ["keras is not in the lock"]
    assert unmet([Requirement("numpy>=2.5")], TINY) == ['numpy==2.4.6; python_full_version < "3.12" is outside numpy>=2.5']


def test_the_build_tool_comes_from_the_lock():
    """The course itself is installed without build isolation, so that step needs no network."""
    table = tomllib.loads((environment.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert unmet([Requirement(entry) for entry in table["build-system"]["requires"]], LOCK) == []


def test_every_pin_has_a_hash():
    assert entries_without_hash(LOCK) == []
    assert len(environment.pins(LOCK)) > 100


@pytest.mark.parametrize("line", ["keras==3.15.1\n", "keras>=3 \\\n    --hash=sha256:aa\n", "-e .\n"])
def test_an_entry_without_hash_or_pin_is_found(line):
    assert entries_without_hash(TINY + line) == [line.splitlines()[0]]


def test_lock_and_environment_name_no_host():
    assert hosts(LOCK) == [] and hosts(CONDA) == []


@pytest.mark.parametrize("line", ["--index-url https://example.org/simple", "--find-links /wheels", "a @ file:///a.whl", "file:///simple"])
def test_a_host_is_found(line):
    assert hosts(TINY + line + "\n")


def test_environment_is_what_the_command_makes_of_the_lock():
    assert environment.conda_environment(LOCK) == CONDA, "environment.yml is out of date: make lock"


def test_environment_says_the_same_in_yaml():
    """Read as conda reads it: names, versions and markers of every pin, the course itself, Python and the variables."""
    content = yaml.safe_load(CONDA)
    *conda, pip = content["dependencies"]
    assert [Requirement(entry) for entry in pip["pip"][:-1]] == environment.pins(LOCK)
    assert pip["pip"][-1] == "-e ." and "pip" in conda
    python = next(entry.removeprefix("python=") for entry in conda if entry.startswith("python="))
    assert SpecifierSet(environment.project()["requires-python"]).contains(python)
    assert content["variables"] == environment.KERNEL_ENV | environment.USUAL_THREADS


def test_bootstrap_and_pyproject_name_the_same_pythons():
    allowed = SpecifierSet(environment.project()["requires-python"])
    tried = {(3, minor): allowed.contains(f"3.{minor}.5") for minor in range(6, 20)}
    assert tried == {pair: bootstrap.OLDEST <= pair <= bootstrap.NEWEST for pair in tried}
