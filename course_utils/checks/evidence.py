"""What a student's function answers, as plain arrays: asked in the notebook, or in a sandbox that hands them on as bytes.

Whoever reads the bytes trusts nobody who wrote them: `unpack` never unpickles, and looks at sizes before it makes an array.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

MOST_BYTES = 8_000_000  # of all answers to one task
MOST_BYTES_OF_ONE = 80_000  # a right answer has less than a tenth of it
MOST_TEXT = 300
MOST_ARRAYS = 8  # of one answer
KINDS = ("arrays", "none", "not implemented", "error", "other")


class Outcome(NamedTuple):
    """One answer.

    Attributes:
        kind: "arrays"; "none" for None; "not implemented" and "error" for what was raised; "other" for what is no array.
        arrays: the answer, one array for each part of a tuple; empty unless the kind is "arrays".
        text: the error's type and message, or what else came; at most 300 characters.
        changed: names of the arguments that the function changed in place.
    """

    kind: str
    arrays: tuple[np.ndarray, ...] = ()
    text: str = ""
    changed: tuple[str, ...] = ()


# --- Asking ---


def ask(call: str, function: Any, inputs: dict[str, np.ndarray]) -> Outcome:
    """Call a student's function on a copy of the inputs; whatever happens becomes an Outcome.

    Args:
        call: how to call it, one of CALLS.
        function: the student's.
        inputs: argument name -> array. What `call` makes of them is said at the functions below.
    """
    if not callable(function):
        return Outcome("other", text=f"{_short(type(function).__name__)}, which cannot be called")
    given = {name: np.array(value) for name, value in inputs.items()}
    try:
        arrays = CALLS[call](function, given)
    except NotImplementedError as error:
        return Outcome("not implemented", text=_short(error))
    except (Exception, SystemExit) as error:
        return Outcome("error", text=_short(f"{type(error).__name__}: {error}"), changed=_changed(given, inputs))
    if arrays is None:
        return Outcome("none", changed=_changed(given, inputs))
    if isinstance(arrays, str):
        return Outcome("other", text=_short(arrays), changed=_changed(given, inputs))
    return Outcome("arrays", arrays, changed=_changed(given, inputs))


def _plain(function: Callable, given: dict[str, np.ndarray]):
    """The inputs by position, so that a student may rename them; numbers as Python's numbers."""
    return _arrays(function(*(value if value.ndim else value.item() for value in given.values())))


def _epochs(function: Callable, given: dict[str, np.ndarray]):
    """Two epochs of batches from one generator, and one from a new generator with the same seed.

    For each epoch its batch sizes, its images and its labels; of the third the images alone.
    """
    seed, batch_size = int(given["seed"]), int(given["batch_size"])
    rng, answer = np.random.default_rng(seed), []
    kept = given["images"].copy(), given["labels"].copy()
    for epoch in range(3):
        rng = np.random.default_rng(seed) if epoch == 2 else rng
        given["images"], given["labels"] = (array.copy() for array in kept)  # an epoch must not see what another one changed
        batches = function(given["images"], given["labels"], batch_size, rng)
        if batches is None:
            return None
        pairs = [tuple(batch) for batch in batches]
        if not pairs or any(len(pair) != 2 for pair in pairs):
            return f"{len(pairs)} batches, not each a pair (images, labels)"
        images, labels = ([np.asarray(part) for part in parts] for parts in zip(*pairs))
        answer += [np.array([len(part) for part in images]), np.concatenate(images), np.concatenate(labels)]
    return _arrays(tuple(answer[:6] + answer[7:8]))


def _keras_lstm(function: Callable, given: dict[str, np.ndarray]):
    """A Keras LSTM with the weights W_x, W_h and b, and `rows`."""
    import keras

    layer = keras.layers.LSTM(given["W_h"].shape[0], return_sequences=True)
    layer.build((None, None, given["W_x"].shape[0]))
    layer.set_weights([given["W_x"], given["W_h"], given["b"]])
    return _arrays(function(layer, given["rows"]))


CALLS = {"plain": _plain, "epochs": _epochs, "keras_lstm": _keras_lstm}


def _arrays(answer: Any):
    """A tuple of plain arrays; None for None; a description of anything else."""
    if answer is None:
        return None
    parts = answer if isinstance(answer, tuple) else (answer,)
    if any(part is None for part in parts):
        return None
    arrays = tuple(np.array(part) for part in parts)
    strange = [array.dtype.name for array in arrays if array.dtype.kind not in "biuf"]
    if strange or not arrays or len(arrays) > MOST_ARRAYS:
        return f"{type(answer).__name__}" + (f" with values of type {strange[0]}" if strange else f" of {len(arrays)} parts")
    if sum(array.nbytes for array in arrays) > MOST_BYTES_OF_ONE:
        return f"an array of shape {max(arrays, key=lambda array: array.size).shape}, far too large"
    return arrays


def _changed(given: dict[str, np.ndarray], inputs: dict[str, np.ndarray]) -> tuple[str, ...]:
    return tuple(name for name, value in inputs.items() if not np.array_equal(given[name], value, equal_nan=value.dtype.kind == "f"))


def _short(text: Any) -> str:
    """At most MOST_TEXT characters on one line, without control characters."""
    line = re.sub(r"\s+", " ", str(text))
    return "".join(c for c in line if c.isprintable())[:MOST_TEXT]


# --- Bytes ---


def pack_inputs(cases: list[dict[str, np.ndarray]]) -> bytes:
    """The inputs of a task's cases as an npz; `unpack_inputs` reads it."""
    return _zipped({f"{k}.{name}": value for k, case in enumerate(cases) for name, value in case.items()})


def unpack_inputs(data: bytes) -> list[dict[str, np.ndarray]]:
    """The inputs that `pack_inputs` packed."""
    cases: dict[int, dict[str, np.ndarray]] = {}
    for key, value in _unzipped(data).items():
        number, name = key.split(".", 1)
        cases.setdefault(int(number), {})[name] = value
    return [cases[k] for k in range(len(cases))]


def pack(outcomes: list[Outcome]) -> bytes:
    """The answers to a task's cases as an npz; `unpack` reads it."""
    meta = [[outcome.kind, len(outcome.arrays), outcome.text, list(outcome.changed)] for outcome in outcomes]
    arrays = {f"{k}.{j}": array for k, outcome in enumerate(outcomes) for j, array in enumerate(outcome.arrays)}
    return _zipped({"meta": np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8), **arrays})


def unpack(data: bytes, cases: int) -> list[Outcome]:
    """The answers to `cases` cases, from bytes that anybody may have written.

    Raises:
        ValueError: they are not what `pack` writes, or too large.
    """
    try:
        arrays = _unzipped(data)
        meta = json.loads(bytes(arrays.pop("meta")))
        outcomes = [_outcome(k, *entry, arrays) for k, entry in enumerate(meta)]
    except ValueError:
        raise
    except Exception as error:  # a damaged zip or JSON raises nearly anything
        raise ValueError(f"The evidence cannot be read ({type(error).__name__}).") from error
    if len(outcomes) != cases or arrays:
        raise ValueError(f"The evidence should hold answers to {cases} cases; it holds {len(outcomes)}.")
    return outcomes


def _outcome(k: int, kind: str, count: int, text: str, changed: list[str], arrays: dict[str, np.ndarray]) -> Outcome:
    well_formed = kind in KINDS and isinstance(text, str) and isinstance(count, int) and 0 <= count <= MOST_ARRAYS
    if not well_formed or (kind == "arrays") != (count > 0) or not all(isinstance(name, str) for name in changed):
        raise ValueError("The evidence has an answer of no known kind.")
    return Outcome(kind, tuple(arrays.pop(f"{k}.{j}") for j in range(count)), _short(text), tuple(_short(name) for name in changed[:10]))


def _zipped(arrays: dict[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _unzipped(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of an npz, each checked before it is made."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"The evidence has {len(data):,} bytes; at most {MOST_BYTES:,} are read.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > MOST_BYTES or len(members) > 10_000:
            raise ValueError(f"The evidence unpacks to more than {MOST_BYTES:,} bytes.")
        if len({member.filename for member in members}) < len(members):
            raise ValueError("The evidence has two arrays of the same name.")
        return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}


def _array(data: bytes) -> np.ndarray:
    """One npy file. The shape in its header must fit the bytes that follow, whatever it claims."""
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("The evidence has an array in another format than npy 1.0.")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    values = data[file.tell() :]
    if dtype.kind not in "biuf" or dtype.hasobject or math.prod(shape) * dtype.itemsize != len(values):
        raise ValueError("The evidence has an array that is not plain numbers, or not of the size it claims.")
    return np.frombuffer(values, dtype).reshape(shape, order="F" if fortran else "C")
