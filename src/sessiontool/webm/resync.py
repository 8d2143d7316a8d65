"""Where a row of WebM elements goes on after bytes that make no sense.

Sound is full of bytes that look like ids, so one id proves nothing.  A place is believed when a row of elements starts
there, each ending where the next begins, with a block or a part of the header in it, and every block agrees with the
recording: track number, size, flags without lacing, a packet kind (TOC byte) that was seen before, and times that do
not run back.

Candidates are found by a pattern, at the speed of one: bytes made to look like blocks must not cost seconds a megabyte.
"""

from __future__ import annotations

import re
import struct
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from . import ebml
from .opus import MAX_PACKET_BYTES, packet_samples

if TYPE_CHECKING:
    from collections.abc import Collection

ROW = 3
"""Whole elements in a row, beside masters, that make a place plausible where the bytes do not end before."""

_MOST_BETWEEN = 8
_UNPROVEN = 5
"""As many without a block or a part of the header are none."""

_SIZE = (
    rb"(?:[\x80-\xff]|[\x40-\x7f].|[\x20-\x3f]..|[\x10-\x1f]...|[\x08-\x0f].{4}|"
    rb"[\x04-\x07].{5}|[\x02\x03].{6}|\x01.{7})"
)
_UNLACED = b"[" + b"".join(b"\\x%02x" % flags for flags in range(256) if not flags & 0x06) + b"]"
_HEADS = rb"\x1f(?=\x43\xb6\x75)|\x1a(?=\x45\xdf\xa3)|\x15(?=\x49\xa9\x66)|\x16(?=\x54\xae\x6b)"
_GROUP = rb"\xa0(?=" + _SIZE + rb"\xa1)"
_CUT = rb"[\xa0\xa1\xa3](?=.{0,11}\Z)"
_EVIDENCE = frozenset({ebml.SIMPLE_BLOCK, ebml.BLOCK, ebml.EBML, ebml.INFO, ebml.TRACKS})
_CLUSTER_CHILDREN = frozenset({ebml.TIMESTAMP, ebml.POSITION, ebml.PREV_SIZE, ebml.VOID, ebml.CRC_32})
_GROUP_CHILDREN = frozenset({ebml.BLOCK_DURATION, ebml.REFERENCE_BLOCK, ebml.DISCARD_PADDING})
_MASTERS = frozenset({ebml.CLUSTER, ebml.SEGMENT, ebml.BLOCK_GROUP})
_BLOCK_HEAD = struct.Struct(">BhB")  # track, relative time, flags
_SHORT_BLOCK = struct.Struct(">BHBhB")  # id, two-byte size, track, relative time, flags
_LONG_BLOCK = struct.Struct(">BIBhB")  # the same with a four-byte size, as Firefox writes it
_BLOCK_FORMS = ((_SHORT_BLOCK, 0x4005, 0x7FFE), (_LONG_BLOCK, 0x10000005, 0x10000000 + MAX_PACKET_BYTES))
_CLUSTER_ID = ebml.CLUSTER.to_bytes(4, "big")
_LACING_FLAGS = 0x06
_BEFORE_ALL = -(1 << 15)
CUT_PREFIXES = (b"", b"\xa3", b"\x1f")
"""What Chrome leaves at the end of the blob before: nothing, a SimpleBlock's id, the first byte of a Cluster's id."""


def find_row(
    buf: bytes, start: int, number: int | None, tocs: Collection[int], *, final: bool
) -> tuple[int | None, int]:
    """The first plausible place at or after `start` (None where there is none yet), and what before may be forgotten.

    `number` is the track's, None where no header told; `tocs` are the TOC bytes seen, empty for any.  With `final` no
    more bytes will come, so a shorter row that runs into the end is believed too.
    """
    undecided = len(buf)
    for match in _candidates(number).finditer(buf, start):
        verdict = row_at(buf, match.start(), number, tocs, final=final)
        if verdict:
            return match.start(), match.start()
        if verdict is None:
            undecided = min(undecided, match.start())
    return None, max(start, min(undecided, len(buf) - 3))


@cache
def _candidates(number: int | None) -> re.Pattern[bytes]:
    """Where a row may begin, its blocks of track `number` (None: of any): at the bytes' end all that may become one."""
    track = rb"[\x81-\x88]" if number is None else re.escape(bytes([number | 0x80]))
    block = rb"[\xa1\xa3](?=" + _SIZE + track + rb".." + _UNLACED + rb")"
    return re.compile(b"|".join((_HEADS, block, _GROUP, _CUT)), re.DOTALL)


def row_at(buf: bytes, pos: int, number: int | None, tocs: Collection[int], *, final: bool) -> bool | None:
    """Whether a plausible row of elements begins at `pos`; None where the bytes end before that can be told."""
    row = _Row(buf, number, tocs)
    while not (row.proven and row.elements >= ROW):
        if row.proven and row.known and len(buf) - pos <= 1 and buf[pos:] in CUT_PREFIXES:
            return True
        try:
            after = row.step(pos)
        except ValueError:
            return False
        if after is None:
            return (final and row.proven and row.known) or None
        pos = after
    return True


class BlockHead(NamedTuple):
    """What a block says of itself: the number of its track, and its flags."""

    number: int
    flags: int


def next_block(buf: bytes, pos: int) -> BlockHead | None:
    """The first block of the row that goes on at `pos`; None where there is none among the next few elements."""
    for _ in range(_MOST_BETWEEN):
        try:
            header = ebml.read_header(buf, pos)
        except ValueError:
            return None
        if header is None:
            return None
        element_id, size, body = header
        if element_id in (ebml.SIMPLE_BLOCK, ebml.BLOCK):
            return BlockHead(buf[body] & 0x7F, buf[body + 3]) if body + 4 <= len(buf) else None
        if element_id not in _MASTERS and not _plausible_other(element_id, size):
            return None
        pos = body if element_id in _MASTERS else body + size
    return None


class _Row:
    """Walks from element to element and keeps what they must agree in."""

    def __init__(self, buf: bytes, number: int | None, tocs: Collection[int]) -> None:
        self.elements = 0  # that are whole, masters apart
        self.proven = False  # there is more among them than a few bytes of sound could look like
        self.known = True  # nothing in the row is new: every packet is of a kind seen before
        self._buf = buf
        self._number = number
        self._tocs = tocs
        self._in_master = False  # the last element was a master's beginning
        self._last_time = _BEFORE_ALL

    def step(self, pos: int) -> int | None:
        """Where the element at `pos` ends, or a master's body begins; None where bytes lack.

        ValueError where it is implausible.
        """
        header = ebml.read_header(self._buf, pos)
        if header is None:
            return None
        element_id, size, body = header
        if element_id in _MASTERS:
            return self._step_into(element_id, body)
        if element_id in (ebml.SIMPLE_BLOCK, ebml.BLOCK):
            if not 5 <= size <= MAX_PACKET_BYTES:
                raise ValueError("size of a block")
            if body + 6 > len(self._buf):
                return None
            self._check_block(body)
        elif not _plausible_other(element_id, size):
            raise ValueError("element")
        if body + size > len(self._buf):
            return None
        self._in_master = False
        self.elements += 1
        self.proven = self.proven or element_id in _EVIDENCE
        if not self.proven and self.elements >= _UNPROVEN:
            raise ValueError("nothing but small elements")
        return body + size

    def _step_into(self, element_id: int, body: int) -> int:
        if self._in_master:
            raise ValueError("an empty master")
        self._in_master = True
        if element_id == ebml.CLUSTER:
            self._last_time = _BEFORE_ALL
        return body

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


def ends_before(payload: bytes, buf: bytes, at: int, number: int | None, tocs: Collection[int]) -> bool:
    """Whether the damage that was noticed at `at`, behind the packet `payload`, does not reach into that packet.

    A block's header or a cluster's id that is nearly right stands there, or zeros do that the packet does not end in.
    """
    if number is None or len(buf) <= at + _LONG_BLOCK.size or _is_nearly_a_block(buf, at, number, tocs):
        return True
    if sum(a == b for a, b in zip(buf[at : at + 4], _CLUSTER_ID, strict=False)) >= 2:
        return True
    return payload[-1] != 0 and not any(buf[at : at + _LONG_BLOCK.size])


def _is_nearly_a_block(buf: bytes, at: int, number: int, tocs: Collection[int]) -> bool:
    """Whether a block's header, in either size form, stands there, perhaps with damage from inside it on."""
    for header, least, most in _BLOCK_FORMS:
        element_id, size, track, _, flags = header.unpack_from(buf, at)
        agree = (element_id == ebml.SIMPLE_BLOCK, least <= size <= most, track == number | 0x80, flags in (0, 0x80))
        if sum(agree) + (buf[at + header.size] in tocs) >= (2 if agree[0] else 4):
            return True
    return False
