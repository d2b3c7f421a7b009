"""What a sandbox sends: frames of one letter, a length and bytes. The reader believes nothing and bounds everything."""

from __future__ import annotations

import os
import signal
import struct
import threading
from collections.abc import Callable

HEAD = struct.Struct(">BI")
CELL, STDOUT, STDERR, ERROR, PICTURE, CUT, TASK, EVIDENCE, LATE, ABSENT, DONE = b"csexputvlad"
# Most bytes of one frame, by its kind.
MOST = {
    CELL: 8, STDOUT: 100_000, STDERR: 100_000, ERROR: 100_000, PICTURE: 500_000, CUT: 200, TASK: 8, EVIDENCE: 8_000_000, LATE: 0, ABSENT: 0,
    DONE: 0,
}
MOST_IN_ALL = 64_000_000


def sender(fd: int) -> Callable[[int, bytes], None]:
    """A function that writes frames whole: no other thread and no alarm comes between.

    It keeps what it needs, so that a notebook which spoils `os` does not spoil it.
    """
    write, pack, view, size, lock = os.write, HEAD.pack, memoryview, len, threading.Lock()
    mask, block, restore, alarm = signal.pthread_sigmask, signal.SIG_BLOCK, signal.SIG_SETMASK, [signal.SIGALRM]

    def send(kind: int, content: bytes = b"") -> None:
        before = mask(block, alarm)
        try:
            with lock:
                left = view(pack(kind, size(content)) + content)
                while left:
                    left = left[write(fd, left) :]
        finally:
            mask(restore, before)

    return send


class Reader:
    """Cuts a stream of bytes into frames.

    Feeding it raises ValueError on a kind that does not exist, a frame too long for its kind, or too much in all.
    """

    def __init__(self) -> None:
        self._kept, self._seen = bytearray(), 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The frames that are complete now."""
        self._seen += len(data)
        if self._seen > MOST_IN_ALL:
            raise ValueError(f"more than {MOST_IN_ALL:,} bytes")
        self._kept += data
        found = []
        while len(self._kept) >= HEAD.size:
            kind, length = HEAD.unpack_from(self._kept)
            if length > MOST.get(kind, -1):
                raise ValueError(f"a frame of kind {kind} with {length:,} bytes")
            if len(self._kept) < HEAD.size + length:
                break
            found.append((kind, bytes(self._kept[HEAD.size : HEAD.size + length])))
            del self._kept[: HEAD.size + length]
        return found
