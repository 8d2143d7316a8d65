"""The bytes of a stream that are not read yet, their places in it, and the ledger in which what is read is counted."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from ..packets import Ledger
from .block_runs import places

if TYPE_CHECKING:
    from .block_runs import Blocks

_MOST_BOUNDARIES = 8
"""Chunks that all end inside one element, at most.  Chosen: more are no accident of a recording."""


class Stream:
    """`buf` holds the bytes from `offset` on; the places that its methods take are places in `buf`.

    A byte that was put before a piece because the piece before lacks it is in `buf`, and is never counted.
    """

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.buf = b""
        self.offset = 0
        self.boundaries: list[int] = []  # where in `buf` pieces meet
        self._real_from = 0  # offset: what is before was counted, or put there
        self._passing = 0, ""  # bytes that are still to come of what is passed over, and why it is

    def append(self, data: bytes) -> None:
        """The next piece."""
        self.ledger.begin_piece(len(data))
        if len(self.boundaries) < _MOST_BOUNDARIES:
            self.boundaries.append(len(self.buf))
        self.buf = self.buf + data if self.buf else bytes(data)
        count, reason = self._passing
        if count:
            self.forget(self.pass_over(0, count, reason))

    def pass_over(self, start: int, size: int, reason: str) -> int:
        """Set so many bytes aside, also those that are still to come; returns where they end in `buf`."""
        end = min(start + size, len(self.buf))
        self.ledger.set_aside(self.offset + start, self.offset + end, reason)
        self._passing = start + size - end, reason
        return end

    def lose(self) -> None:
        """What comes next does not go on here."""
        self._passing = 0, ""

    def forget(self, count: int) -> None:
        """Drop bytes from the front, all of them counted or to be counted by their offsets."""
        if count:
            self.buf = self.buf[count:]
            self.offset += count
            self.boundaries = [at - count for at in self.boundaries if at > count]

    def begin_with(self, prefix: bytes, at: int) -> None:
        """Go on at `at` as if `prefix` stood before it."""
        self.forget(at)
        self._real_from = self.offset
        self.buf = prefix + self.buf
        self.offset -= len(prefix)
        self.boundaries = [boundary + len(prefix) for boundary in self.boundaries]

    @property
    def end(self) -> int:
        """The offset at which the next piece will begin."""
        return self.offset + len(self.buf)

    # -- counting

    def structure(self, start: int, end: int) -> None:
        """The container's own bytes."""
        self.ledger.structure(self.real(start), self.real(end))

    def payload(self, start: int, end: int) -> None:
        """A packet's bytes."""
        self.ledger.payload(self.offset + start, self.offset + end)

    def blocks(self, blocks: Blocks) -> None:
        """A run of blocks, all of them whole."""
        start, heads = blocks.start, blocks.head_bytes
        floor = max(self._real_from, self.ledger.last_start) - self.offset
        if start < floor:  # those that do not are in the last piece as a whole
            for at, body, end in takewhile(lambda place: place[0] < floor, places(self.buf, blocks)):
                self.structure(at, body)
                self.payload(body, end)
                start, heads = end, heads - (body - at)
        if blocks.end > start:
            self.ledger.block_run(self.offset + start, self.offset + blocks.end, blocks.end - start - heads)

    def real(self, place: int) -> int:
        """The offset of a place, not before what was really fed."""
        return max(self._real_from, self.offset + place)
