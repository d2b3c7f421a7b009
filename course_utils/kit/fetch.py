"""Downloads the data sets into the kit's cache, and packs them into a folder for rooms without internet.

Keras knows where each set lies and how to read it, but its own download starts from nothing after a break. So
the files come here first, continued where they stopped, and are checked; then Keras' loader reads them from a
folder of our own (KERAS_HOME, in a process of its own), and plain arrays go to the cache.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np

from course_utils.kit import arrays

QUIET_SECONDS = 30  # a server that says nothing for so long is given up
ORPHAN_SECONDS = 300  # a half file that nobody has written to for so long belongs to nobody
CHUNK = 1 << 16
KEPT = "What has come is kept; the same command goes on from there."
KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


class Download(NamedTuple):
    """A file that Keras' loader wants: address, place under KERAS_HOME, SHA-256 (None: not known)."""

    url: str
    place: str
    digest: str | None


# The same addresses, places and digests as in keras.datasets (a test compares them). Keras has no digest for
# Fashion-MNIST: there the check of the arrays decides.
DOWNLOADS: dict[str, tuple[Download, ...]] = {
    "mnist": (
        Download(
            f"{KERAS}mnist.npz",
            "datasets/mnist.npz",
            "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        ),
    ),
    "fashion_mnist": tuple(
        Download(f"{KERAS}{name}-ubyte.gz", f"datasets/fashion-mnist/{name}-ubyte.gz", None)
        for name in ("train-labels-idx1", "train-images-idx3", "t10k-labels-idx1", "t10k-images-idx3")
    ),
    "cifar10": (
        Download(
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            "datasets/cifar-10-batches-py-target_archive",
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        ),
    ),
    "imdb": (
        Download(
            f"{KERAS}imdb.npz",
            "datasets/imdb.npz",
            "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
        ),
        Download(
            f"{KERAS}imdb_word_index.json",
            "datasets/imdb_word_index.json",
            "027313fe9a320280f3bf0fac5baf58c4a683cf39a7ed9c3d3d3912bde4284cf6",
        ),
    ),
}
NAMES = tuple(DOWNLOADS)


class FetchError(Exception):
    """What went wrong with a download, in a sentence for the person who waits for it."""


# --- The two commands ---


def fetch(names: Iterable[str] = NAMES, *, timeout: float | None = None) -> int:
    """Download the sets `names` into the kit's cache, check them, and return an exit code: 0 all there, 1 not
    all.

    What is there and whole is left alone; a download that broke off goes on where it stopped. `timeout` in
    seconds is the time for everything together (None: as long as it takes). Two at once do no harm. A name
    that is not one of NAMES is exit code 2, before anything is fetched.
    """
    names = tuple(names)
    unknown = [name for name in names if name not in DOWNLOADS]
    if unknown:
        print(f"names: expected some of {', '.join(NAMES)}, received {unknown[0]!r}.", file=sys.stderr)
        return 2
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        return max([_fetch_one(name, deadline) for name in names], default=0)
    except KeyboardInterrupt:
        print(f"Stopped. {KEPT}", file=sys.stderr)
        return 1


def pack(folder: str | Path) -> int:
    """Fill `folder` with the checked sets of this machine, for use as COURSE_DATA; exit code 0 if MNIST is in
    it.

    A set that is not here is named, with the command that gets it; a damaged one is not packed.
    """
    folder = Path(folder).expanduser()
    try:
        packed = [name for name in NAMES if _pack_one(name, folder)]
    except OSError as error:
        print(_sentence(error, folder), file=sys.stderr)
        return 1
    if "mnist" not in packed:
        print("Without MNIST the folder is of no use as COURSE_DATA.", file=sys.stderr)
        return 1
    print(f"Ready. Copy the folder where it is needed, and set COURSE_DATA to it: {folder}")
    return 0


# --- fetch, one set ---


def _fetch_one(name: str, deadline: float | None) -> int:
    target = arrays.cache_folder() / f"{name}.npz"
    if _is_whole(target):
        print(f"{name}: already there.")
        return 0
    try:
        for download in DOWNLOADS[name]:
            _download(download, deadline)
        _convert(name, target)
    except (FetchError, OSError) as error:
        if not _is_whole(target):  # else another process was faster, and tidied up under our hands
            print(f"{name}: {_sentence(error, target.parent)}", file=sys.stderr)
            return 1
    _tidy(name)
    print(f"{name}: downloaded, checked and stored in {target.parent}.")
    return 0


def _is_whole(path: Path) -> bool:
    """Is the set in the cache, word index included, and undamaged?"""
    if not path.exists() or (path.name == "imdb.npz" and not path.with_name(arrays.WORD_INDEX).exists()):
        return False
    try:
        arrays.read_npz(path)
    except ValueError:
        print(f"{path} is damaged: getting it again.", file=sys.stderr)
        return False
    return True


def _sentence(error: Exception, folder: Path) -> str:
    """One sentence that says what went wrong and what to do."""
    import requests

    if isinstance(error, FetchError):
        return str(error)
    if isinstance(error, requests.HTTPError):
        host = urlsplit(error.request.url).hostname
        return f"{host} answered {error.response.status_code} {error.response.reason}. Try again later."
    if isinstance(error, requests.RequestException):
        host = urlsplit(error.request.url).hostname if error.request is not None else "the server"
        return f"no connection to {host}, or it broke off ({type(error).__name__}). {KEPT}"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk with {folder} is full. Free some space, or choose a folder elsewhere{_choose(folder)}."
        )
    return f"cannot write to {folder} ({error}). Choose a folder that you may write to{_choose(folder)}."


def _choose(folder: Path) -> str:
    return " by setting COURSE_CACHE" if folder == arrays.cache_folder() else ""


# --- Download, with resume ---


def _downloads() -> Path:
    return arrays.cache_folder() / "downloads"


def _path(download: Download) -> Path:
    return _downloads() / Path(download.place).name


def _download(download: Download, deadline: float | None) -> Path:
    """The whole file, in the folder of downloads; nothing under its name until it is whole."""
    path = _path(download)
    if path.exists() and _matches(path, download):
        return path
    with _half_file(path) as half:
        _continue(download, half, deadline)
        if not _matches(half, download):  # perhaps the half we had was a bad one: once more, from nothing
            half.unlink()
            _continue(download, half, deadline)
        if not _matches(half, download):
            half.unlink()
            raise FetchError(
                f"{download.url} is not the file that Keras expects (its SHA-256 differs). Try later."
            )
        os.replace(half, path)
    return path


def _matches(path: Path, download: Download) -> bool:
    if download.digest is None:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == download.digest


@contextmanager
def _half_file(path: Path) -> Iterator[Path]:
    """A file to write to that is ours alone, with what an earlier try has left; put back if the try fails.

    Renaming makes it ours, so that two processes never write to the same one: the second starts its own.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f"{path.name}.part")
    half = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    for left in (waiting, *_orphans(path)):
        with suppress(OSError):  # not there, or another process was faster
            os.replace(left, half)
            break
    try:
        yield half
    finally:
        if half.exists():
            os.replace(half, waiting)


def _orphans(path: Path) -> list[Path]:
    """Half files of processes that were killed: nobody has written to them for a while."""
    parts = path.parent.glob(f"{path.name}.*.part")
    return [part for part in parts if time.time() - part.stat().st_mtime > ORPHAN_SECONDS]


def _continue(download: Download, half: Path, deadline: float | None) -> None:
    """Fetch what `half` still lacks and append it; all of it, if the server cannot begin in the middle."""
    import requests

    have = half.stat().st_size if half.exists() else 0
    with requests.get(
        download.url,
        headers={"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {}),
        stream=True,
        timeout=_patience(deadline),
    ) as answer:
        if answer.status_code == 416:  # nothing lies beyond what we have: it is whole, or it is another file
            return
        answer.raise_for_status()
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            have = 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        try:
            _write(answer.iter_content(CHUNK), half, have, total, deadline)
        except requests.exceptions.ChunkedEncodingError as error:  # fewer bytes than announced
            of = f" of {total:,}" if total else ""
            raise FetchError(
                f"the download broke off after {half.stat().st_size:,}{of} bytes. {KEPT}"
            ) from error


def _write(chunks: Iterable[bytes], half: Path, have: int, total: int | None, deadline: float | None) -> None:
    from tqdm import tqdm

    bar = tqdm(desc=half.name.split(".")[0], initial=have, total=total, unit="B", unit_scale=True)
    with half.open("ab" if have else "wb") as file, bar:
        for chunk in chunks:
            file.write(chunk)
            bar.update(len(chunk))
            _patience(deadline)


def _patience(deadline: float | None) -> float:
    """Seconds to wait for the next word of the server; FetchError when there are none left."""
    if deadline is None:
        return QUIET_SECONDS
    left = deadline - time.monotonic()
    if left <= 0:
        raise FetchError(f"not here within the time given. {KEPT}")
    return min(left, QUIET_SECONDS)


# --- From Keras' files to plain arrays ---


def _convert(name: str, target: Path) -> None:
    """Let Keras read the downloaded files, check the arrays, and put them in their place at once."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{name}.") as home:
        for download in DOWNLOADS[name]:
            (Path(home) / download.place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_path(download), Path(home) / download.place)
        made = Path(home) / target.name
        _run_keras(name, home, made)
        try:
            arrays.read_npz(made)
        except ValueError as error:
            _tidy(name)
            raise FetchError(
                f"what came is not the set that this kit knows, and was thrown away: {error}"
            ) from error
        if name == "imdb":
            os.replace(Path(home) / "datasets" / arrays.WORD_INDEX, target.with_name(arrays.WORD_INDEX))
        os.replace(made, target)


def _run_keras(name: str, home: str, made: Path) -> None:
    """Run `write_arrays` in a process of its own: Keras reads KERAS_HOME only when it is imported."""
    code = (
        "import sys; from course_utils.kit.fetch import write_arrays; write_arrays(sys.argv[1], sys.argv[2])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, name, str(made)],
        env=os.environ | {"KERAS_HOME": home, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        _tidy(name)
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise FetchError(f"Keras cannot read what came, which was thrown away: {last}")


def write_arrays(name: str, path: str) -> None:
    """Read the set `name` with Keras, and write its plain arrays to the npz `path`; see `_run_keras`."""
    import keras

    loader = getattr(keras.datasets, name)
    if name == "imdb":
        plain = flat_reviews(*loader.load_data(num_words=2**31, start_char=None, index_from=0, oov_char=None))
    else:
        (x_train, y_train), (x_test, y_test) = loader.load_data()
        plain = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    np.savez_compressed(path, **plain)


def flat_reviews(train: tuple, test: tuple, *, seed: int = 113) -> dict[str, np.ndarray]:
    """Keras' lists of word numbers as flat arrays, in the order before Keras mixed them with its `seed`."""
    rng, plain = np.random.RandomState(seed), {}
    for part, (reviews, labels) in (("train", train), ("test", test)):
        mixed = np.arange(len(reviews))
        rng.shuffle(mixed)
        order = np.argsort(mixed)
        in_order = [reviews[k] for k in order]
        plain[f"{part}_words"] = np.fromiter(chain.from_iterable(in_order), dtype=np.int32)
        plain[f"{part}_offsets"] = np.cumsum([0, *map(len, in_order)], dtype=np.int64)
        plain[f"y_{part}"] = np.asarray(labels)[order].astype(np.uint8)
    return plain


def _tidy(name: str) -> None:
    """Remove the files as they came; the last set takes the folder with it."""
    for download in DOWNLOADS[name]:
        with suppress(OSError):
            _path(download).unlink()
    with suppress(OSError):
        _downloads().rmdir()


# --- pack, one set ---


def _pack_one(name: str, folder: Path) -> bool:
    path = _whole_file(name)
    if path is None:
        print(
            f"{name}: not here. `python -m course_utils fetch {name}` downloads it.",
            file=sys.stderr,
        )
        return False
    files = [path, path.with_name(arrays.WORD_INDEX)] if name == "imdb" else [path]
    for file in files:
        if file.exists() and file.resolve() != (folder / file.name).resolve():
            with arrays.replacing(folder / file.name) as new:
                shutil.copyfile(file, new)
    note = " For your own class only: the reviews are not for redistribution." if name == "imdb" else ""
    print(f"{name}: packed as {path.name}.{note}")
    return True


def _whole_file(name: str) -> Path | None:
    """The set's first undamaged file in COURSE_DATA, the cache or Keras' cache; None without one."""
    for source in arrays.places():
        with suppress(FileNotFoundError):
            _, path = arrays.locate(name, source)
            try:
                arrays.read_npz(path)
            except ValueError as error:
                print(f"{name}: {error}", file=sys.stderr)
            else:
                return path
    return None
