"""DataLoader: what every batch and every epoch must be, and what each wrong argument is answered with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.data import DataLoader

sizes = st.integers(1, 40)


def marked(n: int, num_classes: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """n images that each carry their own number, and labels that can be computed from it."""
    images = np.broadcast_to((np.arange(n) / n)[:, None, None], (n, 2, 3)).copy()
    return images, np.arange(n) * 3 % num_classes


def numbers(images: np.ndarray, n: int) -> np.ndarray:
    """The number that each image carries."""
    return np.round(images[:, 0, 0] * n).astype(int)


@st.composite
def loaders(draw):
    n = draw(sizes)
    return n, draw(st.integers(1, n)), draw(st.integers(0, 2**32 - 1))


@given(loaders(), st.booleans())
def test_every_example_comes_once_in_each_epoch_of_next_batch(case, shuffle):
    n, size, seed = case
    loader = DataLoader(*marked(n), 7, seed=seed)
    dealt = np.concatenate([numbers(loader.next_batch(size, shuffle)[0], n) for _ in range(3 * n)])
    for epoch in range(3 * size):
        assert sorted(dealt[epoch * n : (epoch + 1) * n]) == list(range(n))
    assert loader.epochs_completed == 3 * size


@given(loaders(), st.booleans())
def test_image_and_label_stay_together_one_hot_and_float32(case, shuffle):
    n, size, seed = case
    loader = DataLoader(*marked(n), 7, seed=seed)
    for _ in range(4):
        images, labels = loader.next_batch(size, shuffle)
        assert images.shape == (size, 2, 3) and labels.shape == (size, 7)
        assert images.dtype == labels.dtype == np.float32
        assert (labels.sum(axis=1) == 1).all() and ((labels == 0) | (labels == 1)).all()
        assert (labels.argmax(axis=1) == numbers(images, n) * 3 % 7).all()


@given(loaders())
def test_the_batch_over_the_end_holds_the_rest_of_one_epoch_and_the_start_of_the_next(case):
    n, size, seed = case
    loader, same = (DataLoader(*marked(n), 7, seed=seed) for _ in range(2))
    one_by_one = [numbers(same.next_batch(1)[0], n)[0] for _ in range(2 * n)]
    batches = [numbers(loader.next_batch(size)[0], n) for _ in range(2 * n // size)]
    assert list(np.concatenate(batches)) == one_by_one[: len(batches) * size]


def test_epochs_completed_grows_with_the_last_example_of_the_epoch():
    loader = DataLoader(*marked(10), 7)
    assert [(loader.next_batch(4), loader.epochs_completed)[1] for _ in range(5)] == [0, 0, 1, 1, 2]


@given(loaders())
def test_the_seed_decides_the_order_and_nothing_else_does(case):
    n, size, seed = case
    first, second = DataLoader(*marked(n), 7, seed=seed), DataLoader(*marked(n), 7, seed=seed)
    for _ in range(5):
        np.random.seed(1)
        a = first.next_batch(size)
        np.random.seed(2)
        np.random.random(3)
        b = second.next_batch(size)
        assert (a[0] == b[0]).all() and (a[1] == b[1]).all()


def test_the_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()
    DataLoader(*marked(20), 7).next_batch(5)
    assert (np.random.get_state()[1] == before).all()


def test_shuffle_mixes_each_epoch_anew():
    loader = DataLoader(*marked(40), 7, seed=0)
    epochs = [list(numbers(loader.next_batch(40)[0], 40)) for _ in range(3)]
    assert list(range(40)) not in epochs
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_another_seed_gives_another_order():
    orders = {tuple(numbers(DataLoader(*marked(40), 7, seed=s).next_batch(40)[0], 40)) for s in range(5)}
    assert len(orders) == 5


@given(loaders())
def test_without_shuffle_the_order_is_the_one_given(case):
    n, size, seed = case
    loader = DataLoader(*marked(n), 7, seed=seed)
    dealt = np.concatenate([numbers(loader.next_batch(size, shuffle=False)[0], n) for _ in range(n)])
    assert list(dealt) == list(range(n)) * size


@given(loaders(), st.booleans())
def test_epoch_gives_every_example_once_and_does_not_disturb_next_batch(case, shuffle):
    n, size, seed = case
    loader, plain = (DataLoader(*marked(n), 7, seed=seed) for _ in range(2))
    assert (loader.next_batch(size)[0] == plain.next_batch(size)[0]).all()
    before, start = loader.epochs_completed, loader._start
    batches = [numbers(images, n) for images, _ in loader.epoch(size, shuffle)]
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert [len(b) for b in batches[:-1]] == [size] * (len(batches) - 1) and 1 <= len(batches[-1]) <= size
    assert loader.epochs_completed == before + 1 and loader._start == start
    if not shuffle:
        assert list(np.concatenate(batches)) == list(range(n))


@given(loaders())
def test_the_callers_arrays_never_change_and_batches_are_copies(case):
    n, size, seed = case
    images, labels = marked(n)
    images, kept = images.astype(np.float32), (images.astype(np.float32), labels.copy())
    images.flags.writeable = labels.flags.writeable = False  # read-only arrays are good enough
    loader = DataLoader(images, labels, 7, seed=seed)
    for shuffle in (True, False):
        batch, one_hot = loader.next_batch(size, shuffle)
        assert not np.shares_memory(batch, images)
        batch[...], one_hot[...] = 9, 9
    assert (images == kept[0]).all() and (labels == kept[1]).all()
    again, _ = loader.next_batch(size)
    assert again.max() < 1  # nor does writing into a batch reach the next one


def test_len_is_the_number_of_examples_and_numpy_integers_are_whole_numbers():
    loader = DataLoader(*marked(5), np.int64(7))
    assert len(loader) == 5
    assert loader.next_batch(np.uint8(2))[1].shape == (2, 7)


def test_images_with_channels_and_lists_are_taken():
    images, labels = DataLoader(np.zeros((4, 2, 2, 3)), [0, 1, 2, 1], 3).next_batch(4, shuffle=False)
    assert images.shape == (4, 2, 2, 3)
    assert labels.argmax(axis=1).tolist() == [0, 1, 2, 1]


ok, ok_labels = marked(6)
with_nan = ok.copy()
with_nan[3, 1, 1] = np.nan
with_infinity = ok.copy()
with_infinity[0, 0, 0] = np.inf

WRONG = {
    "lengths that differ": (ok, ok_labels[:5], 7, ValueError, "labels", "expected 6", "received 5"),
    "an empty set": (ok[:0], ok_labels[:0], 7, ValueError, "images", "at least one", "(0, 2, 3)"),
    "images without pixels": (ok[:, :0], ok_labels, 7, ValueError, "images", "at least one", "(6, 0, 3)"),
    "flat images": (ok.reshape(6, 6), ok_labels, 7, ValueError, "images", "rows, columns", "(6, 6)"),
    "one image": (ok[0, 0, 0], ok_labels, 7, ValueError, "images", "rows, columns", "()"),
    "five axes": (ok[:, None, None], ok_labels, 7, ValueError, "images", "rows, columns", "(6, 1, 1, 2, 3)"),
    "ragged images": ([[[0.0]], [[0.0, 1.0]]], [0, 1], 2, ValueError, "images", "expected", "received"),
    "NaN": (with_nan, ok_labels, 7, ValueError, "images", "[0, 1]", "NaN"),
    "infinity": (with_infinity, ok_labels, 7, ValueError, "images", "[0, 1]", "inf"),
    "floats to 255": (ok * 255, ok_labels, 7, ValueError, "images", "[0, 1]", "to 212.5"),
    "negative floats": (ok - 0.5, ok_labels, 7, ValueError, "images", "[0, 1]", "from -0.5"),
    "pixels as bytes": (np.zeros((6, 2, 3), np.uint8), ok_labels, 7, TypeError, "images", "[0, 1]", "uint8"),
    "words for images": (np.full((6, 2, 3), "a"), ok_labels, 7, TypeError, "images", "floats", "<U1"),
    "label too large": (ok, ok_labels, 6, ValueError, "labels", "0 to 5", "to 6"),
    "label below zero": (ok, ok_labels - 1, 7, ValueError, "labels", "0 to 6", "-1"),
    "labels as floats": (ok, ok_labels * 1.0, 7, TypeError, "labels", "integers", "float64"),
    "labels as booleans": (ok, ok_labels > 3, 7, TypeError, "labels", "integers", "bool"),
    "labels one-hot already": (
        ok,
        np.eye(7, dtype=int)[ok_labels],
        7,
        ValueError,
        "labels",
        "(n,)",
        "(6, 7)",
    ),
    "no classes": (ok, ok_labels, 0, ValueError, "num_classes", "1 or more", "0"),
    "classes not whole": (ok, ok_labels, 7.0, TypeError, "num_classes", "whole number", "7.0"),
    "classes as a boolean": (ok, ok_labels * 0, True, TypeError, "num_classes", "whole number", "True"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong_data_is_refused_with_argument_expected_and_received(case):
    images, labels, num_classes, kind, argument, expected, received = case
    with pytest.raises(kind) as error:
        DataLoader(images, labels, num_classes)
    message = str(error.value)
    assert message.startswith(f"{argument}: ")
    assert expected in message and received in message


@pytest.mark.parametrize("method", ["next_batch", "epoch"])
@pytest.mark.parametrize(
    ("size", "kind", "expected"),
    [
        (0, ValueError, "1 to 6"),
        (-3, ValueError, "1 to 6"),
        (7, ValueError, "1 to 6"),
        (2.0, TypeError, "a whole number"),
        (True, TypeError, "a whole number"),
        (np.True_, TypeError, "a whole number"),
        ("2", TypeError, "a whole number"),
        (None, TypeError, "a whole number"),
        (float("nan"), TypeError, "a whole number"),
    ],
)
def test_a_wrong_batch_size_is_refused_and_changes_nothing(method, size, kind, expected):
    loader, untouched = DataLoader(ok, ok_labels, 7), DataLoader(ok, ok_labels, 7)
    with pytest.raises(kind, match=f"^batch_size: expected {expected}.*received") as error:
        getattr(loader, method)(size)
    assert str(size) in str(error.value)
    assert (loader.next_batch(6)[0] == untouched.next_batch(6)[0]).all()
