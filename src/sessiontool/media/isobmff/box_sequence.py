"""The bytes of an MP4 that are not read yet, and where its sequence of boxes goes on after damage.

Twelve fixed bytes mark the start of a fragment or a movie, and encoded sound does not contain them by accident: where
they occur the sequence begins anew.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..packets import CUT, Ledger
from .beginnings import MAX_BUFFERED_BYTES, PASSED
from .boxes import read_header
from .media_data import BEGINNING, BEGINNING_BYTES, WRONG_BOX, find_beginning, is_theirs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .boxes import Sample
    from .media_data import Bytes

_HEAD_BYTES = 8  # size and type of a box (ISO/IEC 14496-12, section 4.2)


def holds_mp4(data: bytes) -> bool:
    """Whether an MP4's header or a fragment of one begins anywhere in `data`."""
    return find_beginning(data, 0) is not None


class BoxSequence:
    """`buf` holds the bytes from `offset` on; `pos` is a place in it, up to which they were read.

    What is before `pos` may hide the beginning of a box after one that was cut.  Bytes are counted in `ledger` once, in
    order: `counted` is the offset up to which they are.
    """

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.buf = b""
        self.pos = 0
        self.offset = 0
        self.counted = 0
        self._broken_at: int | None = None  # offset where the sequence broke off
        self._reason = ""
        self._explained = False  # the break was noted elsewhere: it is noted again only if bytes are skipped
        self._clear_to = 0  # offset up to which no beginning is in a box that is waited for
        self._tried_to = 0  # offset up to which every beginning was tried: none is tried twice

    @property
    def at(self) -> int:
        """The offset up to which bytes were read."""
        return self.offset + self.pos

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return self.offset + len(self.buf)

    def append(self, data: bytes) -> None:
        """The next piece of the stream."""
        self.ledger.begin_piece(len(data))
        self.buf = self.buf + data if self.buf else bytes(data)

    def body_after(self, pos: int, wanted: bytes) -> bytes | None:
        """The body of the first box of a kind from the place `pos` in `buf` on, if it is there whole."""
        while (header := read_header(self.buf, pos)) is not None:
            kind, size, body = header
            if size is None:
                break
            pos = body + size
            if kind == wanted:
                return self.buf[body:pos] if pos <= len(self.buf) and size <= MAX_BUFFERED_BYTES[wanted] else None
        return None

    def header(self, unplaced: Sequence[Sample], there: Callable[[], Bytes]) -> tuple[bytes, int | None, int] | None:
        """The head of the next box: its kind, its size, the place of its body; None where bytes lack.

        Where packets of a fragment are `unplaced` and come next, that of their box whatever it says; `there` is what
        they may be in.
        """
        try:
            header = read_header(self.buf, self.pos)
        except ValueError:
            header = b"", 0, self.pos + _HEAD_BYTES
        if header is None or header[0] in PASSED or header[0] in MAX_BUFFERED_BYTES or not unplaced:
            return header or None
        start = self.at + _HEAD_BYTES
        theirs = is_theirs(unplaced, start, there())
        if not theirs:
            return None if theirs is None else header
        self.ledger.damage(self.at, self.at, WRONG_BOX)
        return b"mdat", unplaced[-1].end - start, self.pos + _HEAD_BYTES

    def forget(self) -> None:
        """Drop what was read, but for what may hide a beginning."""
        count = max(0, self.pos - (BEGINNING_BYTES - 1))
        self.buf = self.buf[count:]
        self.offset += count
        self.pos -= count

    def uncounted(self, end: int) -> tuple[int, int]:
        """The bytes up to the offset `end` that were not counted yet; they are now."""
        start, self.counted = self.counted, max(self.counted, end)
        return start, self.counted

    def structure(self, end: int) -> None:
        """What is before the offset `end` is the container's own."""
        self.ledger.structure(*self.uncounted(end))

    # -- where sequences begin

    def beginning(self, start: int, end: int) -> int | None:
        """The offset of a beginning of a sequence, from the offset `start` on, that is whole before `end`."""
        end = min(end, self.end)  # a box may claim more than there are numbers for
        found = find_beginning(self.buf, max(0, start - self.offset), max(0, end - self.offset))
        return None if found is None else self.offset + found

    def begins_at(self, offset: int) -> bool:
        """Whether a sequence begins at an offset that is there."""
        return self.at <= offset < self.end and re.compile(BEGINNING).match(self.buf, offset - self.offset) is not None

    def try_here(self) -> None:
        """The box that comes next is read now: if it is the beginning of a sequence, it is not looked for again."""
        if self.beginning(self.at, self.at + BEGINNING_BYTES) == self.at:
            self.tried_here()

    def tried_here(self) -> None:
        """The beginning of a sequence that comes next is read now."""
        self._tried_to = self.at + 1

    def is_cut_before(self, end: int) -> bool:
        """Whether a sequence begins inside the box that comes next and claims to end at the offset `end`."""
        if self.beginning(max(self.at + 1, self._clear_to), end) is not None:
            return True
        self._clear_to = min(end, self.end) - BEGINNING_BYTES
        return False

    def break_off(self, reason: str, *, is_explained: bool = False) -> None:
        """The sequence is invalid from here on; `is_explained` where the reason was noted elsewhere."""
        if self._broken_at is None:
            self._broken_at, self._reason, self._explained = self.at, reason, is_explained

    @property
    def is_broken(self) -> bool:
        return self._broken_at is not None

    def next_sequence(self) -> int | None:
        """The offset where the next sequence begins; None where it does not yet."""
        # A packet that was taken from a box cut short by a few bytes has the next one's beginning at its end.
        found = self.beginning(max(self.at - (BEGINNING_BYTES - 1), self._tried_to), self.end)
        if found is None:
            self.pos = max(self.pos, len(self.buf) - (BEGINNING_BYTES - 1))
        return found

    def go_on(self, offset: int) -> None:
        """The sequence goes on at `offset`, or ends there: what was skipped is damage."""
        if offset > self.counted or not self._explained:
            self.ledger.damage(min(self.counted, offset), offset, self._reason)
        self.counted = max(self.counted, offset)
        self._broken_at, self._explained = None, False
        self.pos = offset - self.offset

    def finish(self) -> None:
        """Nothing comes after: what was not counted is damage."""
        self.pos = len(self.buf)
        start, end = self.uncounted(self.end)
        if end > start:
            self.ledger.damage(start, end, CUT)
