"""Several objects of a store read as one file, one of them in memory at a time."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..model import StoredObject

    Buffer = bytearray | memoryview
    Read = Callable[[StoredObject], bytes]


class PiecewiseRaw(io.RawIOBase):
    """The objects one after another, each followed by a line's end, as a log in pieces is read."""

    def __init__(self, objects: Sequence[StoredObject], read: Read) -> None:
        self._objects = objects
        self._read = read
        self._starts = [0]
        for obj in objects:
            self._starts.append(self._starts[-1] + obj.size_bytes + 1)
        self._place = 0
        self._held = -1
        self._data = b""

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
        number = next((at for at, end in enumerate(self._starts[1:]) if self._place < end), None)
        if number is None:
            return 0
        if number != self._held:
            self._data, self._held = self._read(self._objects[number]) + b"\n", number
        start = self._place - self._starts[number]
        data = self._data[start : start + len(buffer)]
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


def open_pieces(objects: Sequence[StoredObject], read: Read) -> io.BufferedReader:
    """The objects as a file."""
    return io.BufferedReader(PiecewiseRaw(objects, read))
