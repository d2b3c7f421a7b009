"""The image sets are sequences, and another order is another order of the same pixels."""

import numpy as np
import pytest

from course_utils.kit import arrays
from course_utils.projects.images import ImageSet, by_columns, by_pixels, load_images


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No data but what a test puts into the cache."""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path


def put(folder, monkeypatch, file, shape):
    """A small set in the cache, and the layout that makes it the expected one."""
    rng = np.random.default_rng(0)
    parts = {"x_train": (6, *shape), "y_train": (6, 1) if len(shape) == 3 else (6,), "x_test": (3, *shape), "y_test": (3, 1) if len(shape) == 3 else (3,)}
    found = {name: rng.integers(0, 10 if name[0] == "y" else 256, size, dtype=np.uint8) for name, size in parts.items()}
    monkeypatch.setitem(arrays.FILES, file, {name: arrays.Spec(array.shape, "uint8", arrays.digest(array)) for name, array in found.items()})
    np.savez(folder / file, **found)
    return found


def some(shape, count=2):
    rows, columns, channels = shape
    images = np.random.default_rng(1).random((count, rows, columns * channels), dtype=np.float32)
    return ImageSet(images, np.zeros(count, np.int64), images, np.zeros(count, np.int64), "folder", "cifar10", shape)


def test_a_colour_image_is_a_sequence_of_rows_with_all_channels(nowhere, monkeypatch, capsys):
    raw = put(nowhere, monkeypatch, "cifar10_small.npz", (32, 32, 3))
    data = load_images("cifar10")
    assert data.x_train.shape == (6, 32, 96) and data.x_train.dtype == np.float32 and data.y_train.shape == (6,) and data.shape == (32, 32, 3)
    assert np.array_equal(data.x_train[4, 7, 3 * 11 : 3 * 11 + 3], raw["x_train"][4, 7, 11] / np.float32(255))
    assert not data.is_whole and "a part: the whole set has 50,000" in capsys.readouterr().out


def test_fashion_has_one_channel(nowhere, monkeypatch):
    raw = put(nowhere, monkeypatch, "fashion_mnist.npz", (28, 28))
    data = load_images("fashion_mnist", verbose=False)
    assert data.x_test.shape == (3, 28, 28) and data.source == "cache" and np.array_equal(data.y_test, raw["y_test"])
    assert 0 <= data.x_test.min() and data.x_test.max() <= 1


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10"])
def test_a_set_that_is_not_there_is_named_with_the_command(name):
    with pytest.raises(FileNotFoundError, match=f"{name}.*python -m course_utils fetch.*COURSE_DATA"):
        load_images(name)


@pytest.mark.parametrize(("arguments", "words"), [
    (("svhn",), "expected one of mnist"), (("cifar10", "embedded"), "embedded for mnist only"), (("mnist", "web"), "'web'")])
def test_unknown_sets_and_sources_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        load_images(*arguments)


def test_columns_are_a_transpose_and_no_reshape():
    data = some((4, 3, 2))
    grid, turned = data.x_train.reshape(2, 4, 3, 2), by_columns(data)
    assert turned.x_train.shape == (2, 3, 8) and turned.shape == (3, 4, 2)
    for row in range(4):
        for column in range(3):
            assert np.array_equal(turned.x_train[:, column, 2 * row : 2 * row + 2], grid[:, row, column])
    assert np.array_equal(by_columns(turned).x_test, data.x_test)


def test_pixels_are_the_means_of_blocks_row_after_row():
    data = some((4, 6, 1))
    pixels = by_pixels(data)
    assert pixels.x_train.shape == (2, 6, 1) and pixels.shape == (6, 1, 1)
    assert np.allclose(pixels.x_train[:, 4, 0], data.x_train[:, 2:4, 2:4].mean(axis=(1, 2)))
    with pytest.raises(ValueError, match="divides 4 rows"):
        by_pixels(data, 4)
