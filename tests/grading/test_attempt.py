"""The reader of what a sandbox sends believes nothing: order, sizes and kinds are checked, text and pictures are cleaned."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.grading import attempt, frames

STAGES = [("cell", 0), ("cell", 2), ("task", 0), ("task", 1)]
HONEST = [(frames.CELL, b"0"), (frames.STDOUT, b"hi"), (frames.CELL, b"2"), (frames.TASK, b"0"), (frames.EVIDENCE, b"e"), (frames.TASK, b"1"),
          (frames.ABSENT, b""), (frames.DONE, b"")]


def taken(sent):
    watched = attempt._Watched(list(STAGES))
    for kind, content in sent:
        watched.take(kind, content)
    return watched


def png(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def test_an_honest_run_is_taken():
    watched = taken(HONEST)
    assert watched.done and watched.attempt.evidence == {0: b"e"} and watched.attempt.absent == {1}
    assert watched.attempt.outputs == {0: [{"output_type": "stream", "name": "stdout", "text": "hi"}], 2: []}


@pytest.mark.parametrize("sent", [
    [(frames.CELL, b"2")],
    [(frames.STDOUT, b"x")],
    [(frames.CELL, b"x")],
    [(frames.CELL, b"")],
    [(frames.DONE, b"")],
    [*HONEST[:2], (frames.EVIDENCE, b"e")],
    [*HONEST[:2], (frames.TASK, b"0")],
    [*HONEST[:5], (frames.EVIDENCE, b"another")],
    [*HONEST[:5], (frames.LATE, b"")],
    [*HONEST[:5], (frames.DONE, b"")],
    [*HONEST, (frames.STDOUT, b"more")],
    [HONEST[0]] + [(frames.PICTURE, png(3, 3))] * 9,
    [HONEST[0]] + [(frames.STDOUT, b"x")] * 401,
])
def test_what_no_honest_run_sends_is_refused(sent):
    with pytest.raises(ValueError):
        taken(sent)


def test_what_a_task_prints_is_not_shown():
    watched = taken([*HONEST[:4], (frames.STDOUT, b"forged"), (frames.PICTURE, b""), *HONEST[4:]])
    assert "forged" not in str(watched.attempt)


@pytest.mark.parametrize("data", [b"?\0\0\0\1", bytes([frames.EVIDENCE]) + b"\xff\xff\xff\xff", bytes([frames.DONE]) + b"\0\0\0\1x",
                                  bytes([frames.CELL]) + b"\0\0\0\x09"])
def test_frames_of_no_kind_or_too_long_are_refused(data):
    with pytest.raises(ValueError):
        frames.Reader().feed(data)


def test_a_flood_is_refused():
    reader = frames.Reader()
    with pytest.raises(ValueError, match="64,000,000"):
        for _ in range(1000):
            reader.feed(frames.HEAD.pack(frames.STDOUT, 100_000) + bytes(100_000))


@given(st.lists(st.tuples(st.sampled_from(sorted(frames.MOST)), st.binary(max_size=8))), st.integers(1, 9))
def test_frames_arrive_whole_whatever_the_pieces(sent, size):
    sent = [(kind, content[: frames.MOST[kind]]) for kind, content in sent]
    data = b"".join(frames.HEAD.pack(kind, len(content)) + content for kind, content in sent)
    reader = frames.Reader()
    assert [frame for start in range(0, len(data), size) for frame in reader.feed(data[start : start + size])] == sent


@given(st.binary(max_size=300))
def test_any_bytes_are_frames_or_refused(data):
    watched, reader = attempt._Watched(list(STAGES)), frames.Reader()
    try:
        for kind, content in reader.feed(data):
            watched.take(kind, content)
    except ValueError:
        pass
    assert not watched.done


@pytest.mark.parametrize(("text", "cleaned"), [
    ("\x1b[31mred\x1b[0m", "red"), ("10%\r50%\r100%\n", "100%\n"), ("a\r\nb", "a\nb"), ("done\r", "done"), ("x\0\x07y\x08", "xy"),
    ("\u202eabc\u200b", "abc"), ("tab\tstays", "tab\tstays"), ("naïve ✓", "naïve ✓"),
])
def test_text_is_cleaned(text, cleaned):
    assert attempt.clean(text) == cleaned


def test_an_error_without_its_parts_is_still_one():
    assert attempt.output(frames.ERROR, b"\xff") == {"output_type": "error", "ename": "\ufffd", "evalue": "", "traceback": []}


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<svg onload=alert(1)>", png(40_000, 1), png(1, 4_001)])
def test_what_is_no_picture_of_a_fair_size_becomes_words(content):
    assert attempt.output(frames.PICTURE, content)["output_type"] == "stream"


def test_a_picture_is_kept():
    assert list(attempt.output(frames.PICTURE, png(640, 480))["data"]) == ["image/png"]
