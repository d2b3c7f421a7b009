"""The sandbox: namespaces that bubblewrap makes, and a forked child that enters them and gives up every right it has.

Only the warmed parent (warm.py) calls what is here. It is a process of one thread, so that forking it is safe and so that
`--die-with-parent`, which the kernel ties to the thread that started bubblewrap, means the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import psutil

try:
    import fcntl
    import resource
except ImportError:  # Windows, where check_here() says what to do
    fcntl = resource = None

PACKAGE = Path(__file__).resolve().parents[1]
HIDDEN = (PACKAGE / "grading", PACKAGE.parent / "notebooks")  # what no student may read, where a visible folder holds it
MB = 1 << 20
FOLDER_BYTES = 64 * MB  # of each folder that can be written
FIRST_USER, USERS = 61184, 4096  # as systemd's dynamic users: nobody logs in with these numbers
HOME = "/submission"  # a name under which nobody keeps a repository or an environment, which would be shown there
PATH = "/usr/bin:/usr/local/bin:/bin"  # where bubblewrap is looked for

_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_NEWNS, _NEWUSER = 0x20000, 0x10000000
_KINDS = {"cgroup": 0x02000000, "ipc": 0x08000000, "uts": 0x04000000, "net": 0x40000000, "pid": 0x20000000, "mnt": _NEWNS}
_GET_USERNS = 0xB701
_PDEATHSIG, _SET_DUMPABLE, _SET_SECCOMP, _CAPBSET_DROP, _CHILD_SUBREAPER, _NO_NEW_PRIVS, _CAP_AMBIENT = 1, 4, 22, 24, 36, 38, 47
_libc = ctypes.CDLL(None, use_errno=True) if resource else None


class SandboxRefused(RuntimeError):
    """There is no sandbox here; the message says why, and what to do."""


class Holder(NamedTuple):
    """A running bubblewrap; its namespaces live until it is killed, and everything in them dies with it.

    Attributes:
        process: bubblewrap as we see it.
        inside: number of its process 1, whose namespaces a child enters.
    """

    process: subprocess.Popen
    inside: int


def check_here(unsafe: bool = False) -> None:
    """Nothing, where submissions can be run.

    Raises:
        SandboxRefused: they cannot.
    """
    if not hasattr(os, "fork"):
        raise SandboxRefused("Submissions are run on Linux, or on macOS with --unsafe: this system cannot fork. On Windows, use WSL.")
    if not unsafe:
        release(hold({folder: folder for folder in visible()}))


# --- Once for each warmed parent ---


def visible() -> list[Path]:
    """The folders that a student's code reads: Python, the environment, the package and its style; parents before children."""
    styles = PACKAGE.parent / "styles"
    return sorted({Path(sys.base_prefix), Path(sys.prefix), PACKAGE, *([styles] if styles.is_dir() else [])})


def readable_copies(folders: list[Path]) -> dict[Path, Path]:
    """Where an ordinary user can read these folders; as root, bind mounts that nobody but this process and its children see.

    Raises:
        OSError: root, but without the right to mount (a container).
    """
    if os.geteuid() != 0:
        return {folder: folder for folder in folders}
    base = next(Path(p) for p in ("/mnt", "/media", "/srv", "/opt") if os.path.isdir(p) and not any(Path(p) in f.parents for f in folders))
    _checked(_libc.unshare(_NEWNS), "unshare")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", base, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755")
    copies = {folder: base / str(number) for number, folder in enumerate(folders)}
    for folder, copy in copies.items():
        copy.mkdir()
        _mount(folder, copy, None, _MS_BIND | _MS_REC)
    return copies


def become_ordinary() -> None:
    """As root, become a user that owns nothing: limits on processes do not hold for root."""
    os.chdir("/")
    prefer_to_be_killed(500)
    if os.geteuid() == 0:
        user = FIRST_USER + os.getpid() % USERS
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)


# --- Once for each student ---


def hold(copies: dict[Path, Path]) -> Holder:
    """Start bubblewrap and wait until its namespaces are complete.

    Raises:
        SandboxRefused: it is missing or cannot do its work here.
    """
    bwrap = shutil.which("bwrap", path=PATH)
    if not bwrap:
        raise SandboxRefused(refused("bubblewrap (bwrap) is not installed"))
    info_read, info_write = os.pipe()
    process = subprocess.Popen(
        [bwrap, *_options(copies), "--info-fd", str(info_write), "/bin/cat"], pass_fds=(info_write,), bufsize=0,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    os.close(info_write)
    with os.fdopen(info_read, "rb") as info:
        # cat answers once it runs, and it runs once everything is in place.
        if not _answers(process):
            process.kill()
            said = process.communicate()[1].decode(errors="replace").strip()
            raise SandboxRefused(refused(f"bubblewrap failed ({said or f'exit status {process.returncode}'})"))
        return Holder(process, json.loads(info.read())["child-pid"])


def refused(reason: str) -> str:
    return (
        f"Submissions are not run, because there is no sandbox: {reason}. Install bubblewrap on a Linux machine that lets it make user "
        "namespaces, or grade in such a machine or container. Only for submissions that you trust like your own code: --unsafe."
    )


def release(holder: Holder) -> None:
    """End everything that runs in the namespaces."""
    holder.process.kill()
    for file in (holder.process.stdin, holder.process.stdout, holder.process.stderr):
        file.close()
    holder.process.wait()


def enter(inside: int) -> None:
    """Enter the namespaces of a process; new children of this one are in its process namespace too."""
    fds = {kind: os.open(f"/proc/{inside}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in (*_KINDS, "user")}
    owner = fcntl.ioctl(fds["mnt"], _GET_USERNS)  # the outer of two user namespaces: the one that may enter all others
    _checked(_libc.setns(owner, _NEWUSER), "setns user")
    for kind, flag in _KINDS.items():
        _checked(_libc.setns(fds[kind], flag), f"setns {kind}")
    _limit_files()
    if os.fstat(owner).st_ino != os.fstat(fds["user"]).st_ino:
        _checked(_libc.setns(fds["user"], _NEWUSER), "setns inner user")


def adopt_orphans() -> None:
    """Become the parent of children's children that lose theirs; else process 1 of the machine would, and may not wait for them."""
    if sys.platform == "linux":
        _libc.prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with(parent: int) -> None:
    """Be killed when the parent process ends."""
    if sys.platform == "linux":
        _libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def give_up_rights() -> None:
    """Drop every capability for good, and system calls that no notebook needs."""
    for capability in range(64):
        _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)  # numbers that this kernel does not know fail, which is fine
    _libc.prctl(_CAP_AMBIENT, 4, 0, 0, 0)
    _checked(_libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()), "capset")
    _checked(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    _libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # else its own files in /proc belong to root
    _filter_calls()


def set_limits(memory: int, seconds: int, processes: int) -> None:
    """Limits on this process and each of its children.

    Args:
        memory: bytes of address space on top of what is mapped already.
        seconds: processor time.
        processes: processes and threads of this user.
    """
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if os.path.exists("/proc/self/statm") else 0
    limits = {
        "AS": mapped + memory, "CPU": seconds, "NPROC": processes, "FSIZE": FOLDER_BYTES, "NOFILE": 256, "CORE": 0, "MSGQUEUE": 64 << 10,
    }
    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        hard = resource.RLIM_INFINITY if kind is None else resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        if kind is not None and not (name in ("AS", "NPROC") and sys.platform != "linux"):
            resource.setrlimit(kind, (value, value))


def memory_below() -> int:
    """Bytes that all processes below this one take together; what they share counts once."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error, OSError):
            total += _memory_of(process)
    return total


def _memory_of(process: psutil.Process) -> int:
    """Its share of memory; a program that hides its maps counts with what it alone could have, too much rather than too little."""
    try:
        return getattr(process.memory_full_info(), "pss", 0) or process.memory_info().rss
    except psutil.AccessDenied:
        return process.memory_info().rss


def prefer_to_be_killed(score: int) -> None:
    """When the machine runs out of memory, let it be this process that the kernel ends; set by root, nobody lowers it."""
    try:
        Path("/proc/self/oom_score_adj").write_text(str(score))
    except OSError:
        pass


# --- Parts ---


def _options(copies: dict[Path, Path]) -> list[str]:
    """What bubblewrap is asked for. Everything is read-only but three small folders in memory."""
    options = "--unshare-all --unshare-user --disable-userns --die-with-parent --new-session --clearenv --cap-drop ALL".split()
    options += _small("/tmp") + _small(HOME) + ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(name):
            options += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            options += ["--ro-bind", name, name]
    for folder, copy in copies.items():
        if Path("/usr") not in (folder, *folder.parents):
            options += ["--ro-bind", str(copy), str(folder)]
    shown = [Path("/usr"), *copies]
    for hidden in HIDDEN:
        if hidden.is_dir() and any(folder in hidden.parents for folder in shown):
            options += ["--tmpfs", str(hidden), "--remount-ro", str(hidden)]
    options += ["--proc", "/proc", "--dev", "/dev", *_small("/dev/shm"), "--remount-ro", "/dev", "--remount-ro", "/"]
    return [*options, "--chdir", HOME]


def _small(folder: str) -> list[str]:
    return ["--size", str(FOLDER_BYTES), "--tmpfs", folder]


def _answers(process: subprocess.Popen) -> bool:
    """Whether the process copies a line from its input to its output within ten seconds."""
    try:
        process.stdin.write(b"\n")
    except BrokenPipeError:
        return False
    return bool(select.select([process.stdout], [], [], 10)[0]) and process.stdout.read(1) == b"\n"


def _limit_files() -> None:
    """A number of files for the folders that can be written: empty files cost memory too, and bubblewrap cannot limit them."""
    for folder in (HOME, "/tmp", "/dev/shm"):
        _mount("none", folder, None, _MS_REMOUNT | _MS_NOSUID | _MS_NODEV, f"size={FOLDER_BYTES},nr_inodes=20000")


def _mount(source, target, kind, flags: int, data: str | None = None) -> None:
    source, target, kind, data = (None if value is None else str(value).encode() for value in (source, target, kind, data))
    _checked(_libc.mount(source, target, kind, ctypes.c_ulong(flags), data), f"mount {os.fsdecode(target)}")


def _checked(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


# --- System calls that are refused ---
# Defence in depth: each of these either fails without capabilities anyway, or is a way past the limits on memory (memfd_create,
# io_uring), or a store that outlives a sandbox (keys), or has been the way out of other sandboxes. Numbers differ by machine.

_REFUSED = {
    "x86_64": (0xC000003E, [
        101, 103, 134, 155, 161, 163, 164, 165, 166, 167, 168, 169, 175, 176, 179, 212, 227, 246, 248, 249, 250, 272, 298, 303, 304, 308, 310, 311,
        312, 313, 319, 320, 321, 323, 425, 426, 427, 428, 429, 430, 431, 432, 433, 442, 447,
    ]),
    "aarch64": (0xC00000B7, [
        116, 117, 41, 51, 89, 170, 40, 39, 224, 225, 142, 105, 106, 60, 18, 112, 104, 217, 218, 219, 97, 241, 264, 265, 268, 270, 271, 272, 273, 279,
        294, 280, 282, 425, 426, 427, 428, 429, 430, 431, 432, 433, 442, 447,
    ]),
}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def _filter_calls() -> None:
    """Let the calls in _REFUSED fail with EPERM, and all calls of a foreign kind (32 bit on 64)."""
    machine = platform.machine()
    if machine not in _REFUSED:
        return
    code = b"".join(_instruction(*line) for line in _program(*_REFUSED[machine]))
    buffer = ctypes.create_string_buffer(code, len(code))
    _checked(_libc.prctl(_SET_SECCOMP, 2, ctypes.byref(_Program(len(code) // 8, ctypes.addressof(buffer))), 0, 0), "seccomp")


def _program(architecture: int, refused: list[int]) -> list[tuple[int, int, int, int]]:
    """Instructions (code, steps to skip when true, when false, value): load, compare, answer."""
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    last = 5 + len(refused)  # place of the answer "refuse"; the one before it is "allow"
    head = [(load, 0, 0, 4), (equal, 0, last - 2, architecture), (load, 0, 0, 0), (at_least, last - 4, 0, 1 << 30)]
    compare = [(equal, last - place - 1, 0, number) for place, number in enumerate(refused, start=4)]
    return [*head, *compare, (answer, 0, 0, 0x7FFF0000), (answer, 0, 0, 0x00050000 | errno.EPERM)]


def _instruction(code: int, true: int, false: int, value: int) -> bytes:
    return code.to_bytes(2, sys.byteorder) + bytes([true, false]) + value.to_bytes(4, sys.byteorder)
