"""The beginning of a recording that is before later bytes of it once more.

An uploader puts it there so that each chunk can be played: the header alone, or all of the first blob.  Bytes alone do
not show where a copy ends that is followed by bytes which the first blob has, too, so there may be several answers.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from .matroska import ebml
from .matroska.elements import PASSED_OVER

if TYPE_CHECKING:
    from collections.abc import Iterator

_OGG_PAGE_BYTES = 27
"""Of a page's head before its segment table (RFC 3533, section 6)."""
_OGG_SEGMENTS_AT = 26
"""Byte of a page that says how many segments it has (RFC 3533, section 6)."""
_OGG_HEADERS = 2
"""Packets: OpusHead and OpusTags (RFC 7845, section 3)."""
_FULL_SEGMENT = 255
"""Bytes of a segment that a packet goes on after (RFC 3533, section 6)."""
_BOX_HEAD = struct.Struct(">I4s")
_BY_CHANCE_BYTES = 32
"""Chosen: two blobs begin alike for fewer, as with the head of a cluster and of a block."""
_FEWEST_BYTES = 32
"""Chosen: no header of a recording is shorter (measured: 146 in Chrome, 260 in Firefox)."""


def head_bytes(data: bytes) -> int:
    """How many bytes a recording has before its first sound, or 0 where `data` does not begin one or nothing tells."""
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return _webm_head(data)
    if data.startswith(b"OggS"):
        return _ogg_head(data)
    return _mp4_head(data) if data[4:8] == b"ftyp" else 0


def _webm_head(data: bytes) -> int:
    """The elements up to the first cluster, whatever its segment's size is, or up to what is in its place."""
    at = end = 0
    with suppress(ValueError):
        while (header := ebml.read_header(data, at)) is not None:
            element_id, size, body = header
            is_segment = element_id == ebml.SEGMENT
            if element_id == ebml.CLUSTER or (size == ebml.UNKNOWN_SIZE and not is_segment):
                break
            at = body if is_segment else body + size
            end = at if element_id == ebml.TRACKS or (end and at <= len(data) and element_id in PASSED_OVER) else end
    return end


def _ogg_head(data: bytes) -> int:
    at, packets = 0, 0
    while packets < _OGG_HEADERS and data.startswith(b"OggS", at) and len(data) > at + _OGG_SEGMENTS_AT:
        table = data[at + _OGG_PAGE_BYTES :][: data[at + _OGG_SEGMENTS_AT]]
        packets += sum(size < _FULL_SEGMENT for size in table)
        at += _OGG_PAGE_BYTES + len(table) + sum(table)
    return at if packets == _OGG_HEADERS and at <= len(data) else 0


def _mp4_head(data: bytes) -> int:
    at, has_moov = 0, False
    while at + _BOX_HEAD.size <= len(data):
        size, kind = _BOX_HEAD.unpack_from(data, at)
        if kind in {b"moof", b"mdat", b"styp", b"sidx"}:
            break
        if size < _BOX_HEAD.size:
            return 0
        has_moov |= kind == b"moov"
        at += size
    return at if has_moov and at <= len(data) else 0


def doubled_bytes(data: bytes) -> int:
    """How many bytes a recording begins with that are behind these once more: its header, or all of a first blob."""
    at = data.find(data[:_FEWEST_BYTES], _FEWEST_BYTES) if head_bytes(data) else -1
    return at if at > 0 and data.startswith(data[:at], at) else 0


def common_bytes(one: bytes, two: bytes) -> int:
    """With how many bytes two chunks begin alike."""
    low, high = 0, min(len(one), len(two))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == two[low:middle] else (low, middle - 1)
    return low


def shares_more_than_header(first: bytes, data: bytes) -> bool:
    """Whether two chunks begin alike for longer than the header of the first."""
    return common_bytes(first, data) - head_bytes(first) >= _BY_CHANCE_BYTES


def repeated_heads(first: bytes, data: bytes) -> Iterator[int]:
    """How many bytes of `data` may be the beginning of `first` once more, the likeliest first; what follows is its own.

    All of `first`, or its header alone; else what they have in common, or some bytes less, the fewest first.
    """
    common, head = common_bytes(first, data), head_bytes(first)
    if common < max(head, _FEWEST_BYTES) or not head or common == len(data):
        return
    if common == len(first):
        yield common
    if not shares_more_than_header(first, data):
        yield head
    elif not _goes_on_alike(first, data, common):
        yield from range(common - _BY_CHANCE_BYTES, common + 1)


def _goes_on_alike(one: bytes, two: bytes, start: int) -> bool:
    """Whether two chunks have most bytes behind a place in common: of copies, one is damaged there."""
    alike = sum(a == b for a, b in zip(one[start:], two[start:], strict=False))
    return 2 * alike > min(len(one), len(two)) - start


def begins_anew(rest: bytes) -> bool:
    """Whether what is behind a header begins with a cluster at time 0, as a recorder writes that is started again."""
    with suppress(ValueError):
        cluster = ebml.read_header(rest, 0)
        stamp = ebml.read_header(rest, cluster[2]) if cluster and cluster[0] == ebml.CLUSTER else None
        if stamp and stamp[0] == ebml.TIMESTAMP:
            return not any(rest[stamp[2] : stamp[2] + stamp[1]])
    return False
