"""Where a row of WebM elements goes on after bytes that make no sense.

Sound is full of bytes that look like ids, so one id proves nothing.  A place is believed when a row of elements starts there, each
ending where the next begins, and every block in it agrees with the recording: track number, size, flags without lacing, a packet
kind (TOC byte) that was seen before, and times that do not run back.
"""

from __future__ import annotations

import re
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
_LACING_FLAGS = 0x06
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
    whole = 0
    last_time = -(1 << 15)
    while whole < ROW:
        if whole and buf[pos:] in (b"", b"\xa3", b"\x1f"):
            return True
        try:
            header = ebml.read_header(buf, pos)
        except ValueError:
            return False
        if header is None:
            return (final and whole > 0) or None
        element_id, size, body = header
        if element_id in (ebml.CLUSTER, ebml.SEGMENT, ebml.BLOCK_GROUP):
            pos, last_time = body, -(1 << 15) if element_id == ebml.CLUSTER else last_time
            whole += element_id != ebml.BLOCK_GROUP
            continue
        if element_id in (ebml.SIMPLE_BLOCK, ebml.BLOCK):
            if not 5 <= size <= MAX_PACKET_BYTES:
                return False
            if body + 6 > len(buf):
                return (final and whole > 0) or None
            time = _block_time(buf, body, number, tocs)
            if time is None or time < last_time:
                return False
            number, last_time = buf[body] & 0x7F, time
        elif not _plausible_other(element_id, size):
            return False
        if body + size > len(buf):
            return (final and whole > 0) or None
        pos = body + size
        whole += 1
    return True


def _block_time(buf: bytes, body: int, number: int | None, tocs: Collection[int]) -> int | None:
    """The relative time of the block with its body at `body`; None where it cannot be one of ours."""
    track, toc = buf[body], buf[body + 4]
    if (track != number | 0x80) if number is not None else not 0x81 <= track <= 0x88:
        return None
    if buf[body + 3] & _LACING_FLAGS or (toc not in tocs if tocs else not packet_samples(buf[body + 4 : body + 6])):
        return None
    return int.from_bytes(buf[body + 1 : body + 3], "big", signed=True)


def _plausible_other(element_id: int, size: int) -> bool:
    if element_id in _CLUSTER_CHILDREN or element_id in _GROUP_CHILDREN:
        return 0 <= size <= 8 or (element_id == ebml.VOID and 0 <= size < 1 << 16)
    return (
        element_id in (ebml.EBML, ebml.INFO, ebml.TRACKS, ebml.SEEK_HEAD, ebml.CUES, ebml.TAGS) and 0 <= size < 1 << 20
    )
