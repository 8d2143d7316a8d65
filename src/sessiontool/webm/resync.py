"""Where a row of WebM elements goes on after bytes that make no sense.

Sound is full of bytes that look like ids, so one id proves nothing.  A place is believed when a row of elements starts there, each
ending where the next begins, and every block in it agrees with the recording: track number, size, flags without lacing, a packet
kind (TOC byte) that was seen before, and times that do not run back.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from . import ebml
from .opus import MAX_PACKET_BYTES, packet_samples

if TYPE_CHECKING:
    from collections.abc import Collection

ROW = 3
"""Whole elements in a row that make a place plausible where the bytes do not end before."""

_CANDIDATES = re.compile(rb"\x1f\x43\xb6\x75|\x1a\x45\xdf\xa3|[\xa3\xa0\xa1]")
_CLUSTER_CHILDREN = frozenset({ebml.TIMESTAMP, ebml.POSITION, ebml.PREV_SIZE, ebml.VOID, ebml.CRC_32})
_GROUP_CHILDREN = frozenset({ebml.BLOCK_DURATION, ebml.REFERENCE_BLOCK, ebml.DISCARD_PADDING})
_MASTERS = frozenset({ebml.CLUSTER, ebml.SEGMENT, ebml.BLOCK_GROUP})
_BLOCK_HEAD = struct.Struct(">BhB")  # track, relative time, flags
_LACING_FLAGS = 0x06
_BEFORE_ALL = -(1 << 15)
CUT_PREFIXES = (b"", b"\xa3", b"\x1f")
"""What Chrome leaves at the end of the blob before: nothing, a SimpleBlock's id, the first byte of a Cluster's id."""


def find_row(
    buf: bytes, start: int, number: int | None, tocs: Collection[int], *, final: bool
) -> tuple[int | None, int]:
    """The first plausible place at or after `start` (None where there is none yet), and what before may be forgotten.

    `number` is the track's, None where no header told; `tocs` are the TOC bytes seen, empty for any.  With `final` no more bytes
    will come, so a shorter row that runs into the end is believed too.
    """
    undecided = len(buf)
    for match in _CANDIDATES.finditer(buf, start):
        verdict = row_at(buf, match.start(), number, tocs, final=final)
        if verdict:
            return match.start(), match.start()
        if verdict is None:
            undecided = min(undecided, match.start())
    return None, max(start, min(undecided, len(buf) - 3))


def row_at(buf: bytes, pos: int, number: int | None, tocs: Collection[int], *, final: bool) -> bool | None:
    """Whether a plausible row of elements begins at `pos`; None where the bytes end before that can be told."""
    row = _Row(buf, number, tocs)
    for whole in range(ROW):
        if whole and row.known and buf[pos:] in CUT_PREFIXES:
            return True
        try:
            after = row.step(pos)
        except ValueError:
            return False
        if after is None:
            return (final and whole > 0 and row.known) or None
        pos = after
    return True


class _Row:
    """Walks from element to element and keeps what they must agree in."""

    def __init__(self, buf: bytes, number: int | None, tocs: Collection[int]) -> None:
        self.known = True  # nothing in the row is new: every packet is of a kind seen before
        self._buf = buf
        self._number = number
        self._tocs = tocs
        self._last_time = _BEFORE_ALL

    def step(self, pos: int) -> int | None:
        """Where the element at `pos` ends, or a master's body begins; None where bytes lack, ValueError if implausible."""
        header = ebml.read_header(self._buf, pos)
        if header is None:
            return None
        element_id, size, body = header
        if element_id in _MASTERS:
            if element_id == ebml.CLUSTER:
                self._last_time = _BEFORE_ALL
            return body
        if element_id in (ebml.SIMPLE_BLOCK, ebml.BLOCK):
            if not 5 <= size <= MAX_PACKET_BYTES:
                raise ValueError("size of a block")
            if body + 6 > len(self._buf):
                return None
            self._check_block(body)
        elif not _plausible_other(element_id, size):
            raise ValueError("element")
        return body + size if body + size <= len(self._buf) else None

    def _check_block(self, body: int) -> None:
        track, time, flags = _BLOCK_HEAD.unpack_from(self._buf, body)
        if (track != self._number | 0x80) if self._number is not None else not 0x81 <= track <= 0x88:
            raise ValueError("track number")
        if flags & _LACING_FLAGS or not packet_samples(self._buf[body + 4 : body + 6]) or time < self._last_time:
            raise ValueError("flags, packet kind or time of a block")
        self._number, self._last_time = track & 0x7F, time
        self.known = self.known and (not self._tocs or self._buf[body + 4] in self._tocs)


def _plausible_other(element_id: int, size: int) -> bool:
    if element_id in _CLUSTER_CHILDREN or element_id in _GROUP_CHILDREN:
        return 0 <= size <= 8 or (element_id == ebml.VOID and 0 <= size < 1 << 16)
    return (
        element_id in (ebml.EBML, ebml.INFO, ebml.TRACKS, ebml.SEEK_HEAD, ebml.CUES, ebml.TAGS) and 0 <= size < 1 << 20
    )
