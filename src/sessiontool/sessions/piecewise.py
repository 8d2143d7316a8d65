"""Several objects of a store read as one file, one of them open at a time."""

from __future__ import annotations

import io
from bisect import bisect_right
from contextlib import ExitStack
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from ..model import StoredObject

    Buffer = bytearray | memoryview
    Opened = Callable[[StoredObject], AbstractContextManager[BinaryIO]]

_BUFFERED_BYTES = 1 << 18
"""Bytes read at once; chosen: a few lines of sound."""


class PiecewiseRaw(io.RawIOBase):
    """The objects one after another, with a line's end between two of them, as a log in pieces is read."""

    def __init__(self, objects: Sequence[StoredObject], opened: Opened) -> None:
        self._objects = objects
        self._opened = opened
        self._starts = list(accumulate((obj.size_bytes + (obj is not objects[-1]) for obj in objects), initial=0))
        self._place = 0
        self._held = -1
        self._file: BinaryIO | None = None
        self._stack = ExitStack()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._starts[-1]}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Buffer) -> int:  # type: ignore[override]
        """Fill a buffer from the object at the place; 0 at the end (the errors of a store)."""
        number = bisect_right(self._starts, self._place) - 1
        if number >= len(self._objects):
            return 0
        start = self._place - self._starts[number]
        left = self._objects[number].size_bytes - start
        if left > 0:
            file = self._at(number)
            file.seek(start)
            data = file.read(min(len(buffer), left))
        else:
            data = b"\n"
        if not data:
            self._release()  # which says that it was changed
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._release()
        super().close()

    def _at(self, number: int) -> BinaryIO:
        """The object of that number, open."""
        if self._file is None or number != self._held:
            self._release()
            self._file, self._held = self._stack.enter_context(self._opened(self._objects[number])), number
        return self._file

    def _release(self) -> None:
        self._file = None
        self._stack.close()


def open_pieces(objects: Sequence[StoredObject], opened: Opened) -> io.BufferedReader:
    """The objects as a file."""
    return io.BufferedReader(PiecewiseRaw(objects, opened), _BUFFERED_BYTES)
