"""Makes `.venv` with the pinned packages. `make` calls it; without make: `py -3.12 course_utils/kit/bootstrap.py`.

Only the standard library, and only syntax that Python 3.6 reads: whoever starts it with an unsuitable Python is to
see a sentence, not a SyntaxError. It never imports the rest of the package.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_GB = 4.5  # 2.7 GB installed with bytecode; 0.9 GB of downloads, which pip holds twice while it works
STAMP, UNFINISHED, LOG = "unrolled-ready", "unrolled-unfinished", "unrolled-install.log"

# What pip writes when something outside our reach fails, and what to tell the person. The first match counts.
CAUSES = [
    (
        r"Errno 28|No space left|not enough space on the disk",
        "The disk filled up while the packages were being installed: about {gb} GB are needed here and in the folder for "
        "temporary files ({temp}). Free some space and start again.",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "A downloaded package is not the one named in requirements.lock, so nothing of it was installed. "
        "Try again; if it stays, a proxy or mirror on the way changes files.",
    ),
    (
        r"No module named pip|ensurepip",
        "This Python made an environment without pip. On Debian and Ubuntu install the package python3-venv, then start again.",
    ),
    (
        r"Requires-Python|is not a supported wheel|from versions: (?!none)",
        "The package registry answered, but has no build of a pinned package for this computer: 64-bit Linux, "
        "macOS on Apple silicon or 64-bit Windows was expected. The last lines below name the package.",
    ),
    (
        r"ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED|Max retries"
        r"|name resolution|getaddrinfo|Network is unreachable|Connection refused|from versions: none|Could not fetch",
        "The package registry could not be reached. Check the network (and the proxy settings, if you need a proxy), "
        "then start again: what is already downloaded is kept.",
    ),
]


class SetupError(Exception):
    """A set-up that cannot go on; the message says what was expected, what came and what to do."""


def main(arguments=None) -> int:
    """Make or bring up to date the environment; returns 0, or 1 after one sentence on stderr."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        check_python(sys.version_info[:3])
        if arguments == ["--canary"]:
            install_newest(ROOT / "build" / "canary")
        elif arguments:
            raise SetupError("bootstrap.py takes no argument or --canary, not {}.".format(" ".join(arguments)))
        else:
            install(ROOT / ".venv")
    except SetupError as error:
        print("\nSet-up stopped. {}".format(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up interrupted. Start it again when you like; it begins anew.", file=sys.stderr)
        return 1
    return 0


def check_python(version: tuple) -> None:
    """Raise SetupError unless `version` (major, minor, ...) is one that TensorFlow and the course support."""
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return
    found = ".".join(str(part) for part in version)
    what = "older" if tuple(version[:2]) < OLDEST else "newer"
    raise SetupError(
        "Python 3.11, 3.12 or 3.13 is needed (TensorFlow is made for these); this is Python {}, which is {}. Install one "
        "of them, then: make lab PYTHON=/path/to/python3.12".format(found, what)
    )


def check_disk(folder: Path, free_bytes: int = None, needed_gb: float = NEEDED_GB) -> None:
    """Raise SetupError when the disk of `folder` has less than `needed_gb` gigabytes free."""
    free_bytes = shutil.disk_usage(str(folder)).free if free_bytes is None else free_bytes
    if free_bytes < needed_gb * 1e9:
        raise SetupError(
            "About {} GB of free disk space are needed for the course's packages; {} has {:.1f} GB. "
            "Free some space there and start again.".format(needed_gb, folder, free_bytes / 1e9)
        )


def digest(root: Path = ROOT) -> str:
    """One hash over all that decides what the environment holds: when it changes, the set-up runs again."""
    parts = ["requirements.lock", "pyproject.toml", "course_utils/kit/bootstrap.py", "course_utils/kit/jupyter.py"]
    joined = b"\0".join((root / part).read_bytes().replace(b"\r\n", b"\n") for part in parts)
    return hashlib.sha256(joined).hexdigest()


def python_of(venv: Path) -> Path:
    """The interpreter inside an environment, on Windows and elsewhere."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def is_ready(venv: Path, wanted: str) -> bool:
    """Whether the stamp of a finished set-up is there, for exactly these files, and the interpreter still runs."""
    stamp = venv / STAMP
    return stamp.is_file() and stamp.read_text().strip() == wanted and runs(venv)


def runs(venv: Path) -> bool:
    """Whether the environment's interpreter starts and is a supported one (it fails when its base Python is gone)."""
    program = "import sys; sys.exit(not {} <= sys.version_info[:2] <= {})".format(OLDEST, NEWEST)
    try:
        return subprocess.call([str(python_of(venv)), "-c", program], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def install(venv: Path) -> None:
    """Install the locked packages and the course into `venv`; instant when a finished set-up is found."""
    wanted = digest()
    if is_ready(venv, wanted):
        os.utime(str(venv / STAMP))  # make compares times; the contents are the same
        return
    make_environment(venv)
    python = str(python_of(venv))
    lock = ROOT / "requirements.lock"
    count = len(re.findall(r"^[a-z0-9].*==", lock.read_text(), re.MULTILINE))
    say("Installing the course's packages into {} (once; some minutes) ...".format(venv))
    pip(python, venv, ["--require-hashes", "--compile", "-r", str(lock)], count)
    # No isolation: setuptools is among the locked packages, so nothing is fetched for this step.
    pip(python, venv, ["--no-deps", "--no-build-isolation", "-e", str(ROOT)])
    run([python, "-m", "course_utils", "jupyter"], venv)
    (venv / UNFINISHED).unlink()
    (venv / STAMP).write_text(wanted + "\n")
    say("The environment is ready.")


def make_environment(venv: Path) -> None:
    """Create `venv` or take up the one there is; an installation of ours that was cut off is begun anew."""
    if venv.exists() and any(venv.iterdir()) and not (venv / "pyvenv.cfg").is_file():
        raise SetupError("{} was expected to be a Python environment but holds something else. Move it away and start again.".format(venv))
    cut_off = (venv / UNFINISHED).exists()
    if cut_off or not runs(venv):
        check_disk(venv.parent)
        say("Making a Python {}.{} environment in {} ...".format(*sys.version_info[:2], venv))
        create(venv, clear=venv.exists())
    if (venv / STAMP).exists():
        (venv / STAMP).unlink()
    (venv / UNFINISHED).write_text("This file is removed when the installation is complete.\n")


def create(venv: Path, clear: bool) -> None:
    """Run the standard library's venv; SetupError when it is not there (Debian ships it apart)."""
    command = [sys.executable, "-m", "venv"] + (["--clear"] if clear else []) + [str(venv)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if done.returncode != 0:
        text = done.stdout
        if re.search(CAUSES[0][0], text):
            raise SetupError(cause(text))
        raise SetupError(
            "Python's venv module is needed and did not work in {}. On Debian and Ubuntu install the package "
            "python3-venv; elsewhere install Python from python.org. It said: {}".format(sys.executable, last_lines(text, 2))
        )


def pip(python: str, venv: Path, arguments: list, count: int = 0) -> None:
    """Run `pip install` in the environment, showing how far it is when `count` packages are expected."""
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    run(command + arguments, venv, count)


def run(command: list, venv: Path, count: int = 0) -> None:
    """Run a step, keep what it says in the log, and turn a failure into a SetupError."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment.pop("PYTHONHOME", None)
    lines = []
    with open(str(venv / LOG), "a", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=str(ROOT), env=environment,
            universal_newlines=True, errors="replace",
        )
        try:
            for line in process.stdout:
                log.write(line)
                lines.append(line)
                show_progress(line, lines, count)
        except KeyboardInterrupt:
            process.wait()
            raise
    if process.wait() != 0:
        text = "".join(lines)
        raise SetupError("{}\n{}\n(all of it: {})".format(cause(text), last_lines(text, 4), venv / LOG))


def show_progress(line: str, lines: list, count: int) -> None:
    """One line per 25 packages found, and one when pip begins to unpack: pip is silent for minutes there."""
    if not count:
        return
    heads = ("Collecting ", "Processing ", "Requirement already satisfied")
    if line.startswith(heads):
        found = sum(entry.startswith(heads) for entry in lines)
        if found % 25 == 0:
            say("  {} of about {} packages found".format(found, count))
    elif line.startswith("Installing collected packages"):
        say("  all found; unpacking and compiling them ...")


def cause(text: str) -> str:
    """The sentence for a failed step, from what it wrote."""
    import tempfile

    for pattern, sentence in CAUSES:
        if re.search(pattern, text):
            return sentence.format(gb=NEEDED_GB, temp=tempfile.gettempdir())
    return "A step of the installation failed for a reason this script does not know; its last lines:"


def last_lines(text: str, number: int) -> str:
    """The last non-empty lines of a text."""
    return "\n".join([line.strip() for line in text.splitlines() if line.strip()][-number:])


def install_newest(venv: Path) -> None:
    """The canary's environment: the newest release of every direct dependency, whatever pyproject.toml allows."""
    import tomllib  # the version was checked: 3.11 or later

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["test"] + extras["grading"]
    names = [re.match(r"[A-Za-z0-9._-]+(\[\w+\])?", entry).group() for entry in wanted]
    venv.parent.mkdir(exist_ok=True)
    create(venv, clear=venv.exists())
    python = str(python_of(venv))
    pip(python, venv, ["--upgrade", "setuptools"] + names, 150)
    pip(python, venv, ["--no-deps", "--no-build-isolation", "-e", str(ROOT)])
    run([python, "-m", "course_utils", "jupyter"], venv)


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
