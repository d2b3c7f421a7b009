"""Evidence: what a function answers becomes plain arrays, and bytes from a sandbox are believed in nothing."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.checks.evidence import MOST_BYTES, MOST_TEXT, Outcome, ask, pack, pack_inputs, unpack, unpack_inputs

INPUTS = {"x": np.ones((2, 3)), "k": np.array(3)}


def test_an_answer_keeps_its_values():
    outcome = ask("plain", lambda x, k: (x * k, [1, 2], k, True), INPUTS)
    assert outcome.kind == "arrays" and [a.tolist() for a in outcome.arrays] == [[[3, 3, 3], [3, 3, 3]], [1, 2], 3, True]


def test_arguments_come_by_position_as_copies_and_numbers_as_numbers():
    seen = []
    ask("plain", lambda *given: seen.extend(given), INPUTS)
    assert seen[0] is not INPUTS["x"] and isinstance(seen[1], int)


def quits(x, k):
    raise SystemExit("bye")


def changes(x, k):
    x[0, 0] = 7
    return x


class Sly:
    def __array__(self, *_, **__):
        raise MemoryError("sly")


@pytest.mark.parametrize(
    "answer, kind, text",
    [
        (lambda x, k: None, "none", ""),
        (lambda x, k: (x, None), "none", ""),
        (lambda x, k: "words", "other", "str"),
        (lambda x, k: [[1], [1, 2]], "error", "ValueError"),
        (lambda x, k: {"h": x}, "other", "dict"),
        (lambda x, k: x + 1j, "other", "complex"),
        (lambda x, k: np.zeros(10**6), "other", "too large"),
        (lambda x, k: tuple(range(20)), "other", "20 parts"),
        (lambda x, k: (), "other", "tuple"),
        (lambda x, k: x @ x, "error", "ValueError"),
        (lambda x: x, "error", "TypeError"),
        (lambda x, k: Sly(), "error", "MemoryError"),
        (quits, "error", "SystemExit: bye"),
        ("no function", "other", "str"),
    ],
)
def test_whatever_comes_back_becomes_an_outcome(answer, kind, text):
    outcome = ask("plain", answer, INPUTS)
    assert outcome.kind == kind and text in outcome.text and outcome.arrays == ()


def test_changed_arguments_are_noticed():
    assert ask("plain", changes, INPUTS).changed == ("x",)
    assert INPUTS["x"].max() == 1


def test_long_messages_are_cut_and_control_characters_dropped():
    def fails(x, k):
        raise RuntimeError("\x1b[31m" + "a\n" * 1000)

    text = ask("plain", fails, INPUTS).text
    assert len(text) == MOST_TEXT and text.isprintable()


def test_inputs_survive_bytes():
    cases = [INPUTS, {"x": np.zeros((0, 2), np.float32)}]
    for case, again in zip(cases, unpack_inputs(pack_inputs(cases)), strict=True):
        assert list(case) == list(again)
        assert all(case[name].dtype == again[name].dtype and np.array_equal(case[name], again[name]) for name in case)


OUTCOMES = [
    Outcome("arrays", (np.arange(6.0).reshape(2, 3), np.array(2))),
    Outcome("error", (), "ValueError: no", ("x",)),
    Outcome("none"),
]


def test_outcomes_survive_bytes():
    again = unpack(pack(OUTCOMES), 3)
    assert [o[:1] + o[2:] for o in again] == [o[:1] + o[2:] for o in OUTCOMES]
    assert all(np.array_equal(a, b) for one, other in zip(again, OUTCOMES) for a, b in zip(one.arrays, other.arrays))


def zipped(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **options)
    return file.getvalue()


def meta(entries):
    return npy(np.frombuffer(json.dumps(entries).encode(), np.uint8))


def claiming(shape):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return header.getvalue() + bytes(16)


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


ONE = [["arrays", 1, "", []]]
HOSTILE = {
    "nothing": b"",
    "noise": b"\x00" * 100,
    "a pickle": pickle.dumps(Trap()),
    "a pickle in an npz": zipped(**{"meta.npy": meta(ONE), "0.0.npy": npy(np.array([Trap()], dtype=object), allow_pickle=True)}),
    "no meta": zipped(**{"0.0.npy": npy(np.zeros(2))}),
    "a huge shape": zipped(**{"meta.npy": meta(ONE), "0.0.npy": claiming((10**12,))}),
    "a negative shape": zipped(**{"meta.npy": meta(ONE), "0.0.npy": claiming((-1, -2))}),
    "a zip bomb": zipped(**{"meta.npy": meta(ONE), "0.0.npy": bytes(MOST_BYTES + 1)}),
    "too many bytes": bytes(MOST_BYTES + 1),
    "text for numbers": zipped(**{"meta.npy": meta(ONE), "0.0.npy": npy(np.array(["a"]))}),
    "complex numbers": zipped(**{"meta.npy": meta(ONE), "0.0.npy": npy(np.array([1j]))}),
    "an unknown kind": zipped(**{"meta.npy": meta([["right", 0, "", []]])}),
    "arrays without one": zipped(**{"meta.npy": meta([["arrays", 0, "", []]])}),
    "an array too many": zipped(**{"meta.npy": meta([["none", 0, "", []]]), "0.0.npy": npy(np.zeros(2))}),
    "too few cases": pack(OUTCOMES[:0]),
    "too many cases": pack(OUTCOMES),
    "deep JSON": zipped(**{"meta.npy": npy(np.frombuffer(b"[" * 100_000, np.uint8))}),
    "meta of a wrong form": zipped(**{"meta.npy": meta({"arrays": 1})}),
    "numbers for names": zipped(**{"meta.npy": meta([["none", 0, "", [1]]])}),
    "cut short": pack(OUTCOMES)[:-30],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_bytes_that_pack_did_not_write_are_refused(name):
    with pytest.raises(ValueError):
        unpack(HOSTILE[name], 1)


@given(st.binary(max_size=300), st.integers(0, 500))
def test_damaged_bytes_never_do_anything_but_fail_or_stay_arrays(noise, place):
    data = bytearray(pack(OUTCOMES))
    data[place : place + len(noise)] = noise
    try:
        outcomes = unpack(bytes(data), 3)
    except ValueError:
        return
    assert all(array.dtype.kind in "biuf" for outcome in outcomes for array in outcome.arrays)
