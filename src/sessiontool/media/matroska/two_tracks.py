"""WebM with two mono tracks of Opus, a voice each: the same recording read by the second one.

A demuxer joins the first track that its header lists.  With the numbers of the two exchanged in the header, the first
one listed is the second voice, and nothing else of the file changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..opus import OpusHead
from . import ebml

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD_BYTES = 1 << 16  # chosen: Tracks is within the first few hundred bytes


def webm_by_second_track(data: bytes) -> bytes | None:
    """A chunk that begins such a recording, with the numbers of its two tracks exchanged; None for any other."""
    tracks = _tracks(data[:_HEAD_BYTES]) if data.startswith(b"\x1a\x45\xdf\xa3") else None
    places = [] if tracks is None else [*_mono_opus(data, *tracks)]
    if len(places) != 2:
        return None
    a, b = places
    changed = bytearray(data)
    changed[a], changed[b] = data[b], data[a]
    return bytes(changed)


def _tracks(data: bytes) -> tuple[int, int] | None:
    """Where the body of the Tracks element begins and ends."""
    pos = 0
    while (header := ebml.read_header(data, pos)) is not None:
        element_id, size, body = header
        if element_id == ebml.TRACKS and size >= 0:
            return body, body + size
        if element_id == ebml.CLUSTER or (size < 0 and element_id != ebml.SEGMENT):
            return None
        pos = body if element_id == ebml.SEGMENT else body + size
    return None


def _mono_opus(data: bytes, pos: int, end: int) -> Iterator[int]:
    """Where the numbers of the tracks of Opus with one channel are, each a byte."""
    for element_id, start, stop in _inside(data, pos, end):
        if element_id != ebml.TRACK_ENTRY:
            continue
        fields = {one: (at, data[at:after]) for one, at, after in _inside(data, start, stop)}
        number, codec = fields.get(ebml.TRACK_NUMBER), fields.get(ebml.CODEC_ID, (0, b""))[1]
        private = fields.get(ebml.CODEC_PRIVATE, (0, b""))[1]
        is_opus = codec.rstrip(b"\0") == b"A_OPUS" and private.startswith(b"OpusHead")
        if number and len(number[1]) == 1 and is_opus and OpusHead.parse(private).channels == 1:
            yield number[0]


def _inside(data: bytes, pos: int, end: int) -> Iterator[tuple[int, int, int]]:
    while pos < end and (header := ebml.read_header(data, pos)) is not None and header[1] >= 0:
        yield header[0], header[2], header[2] + header[1]
        pos = header[2] + header[1]
