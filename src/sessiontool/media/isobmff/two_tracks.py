"""MP4 with two mono tracks of Opus or AAC, a voice each: the same file whose index lists the second one first."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ...errors import RecordingError
from .boxes import read_header, sound_in

if TYPE_CHECKING:
    from collections.abc import Iterator


def mp4_by_second_track(data: bytes) -> bytes | None:
    """A chunk that begins such a recording, with the boxes of its two tracks exchanged; None for any other."""
    try:
        tracks = [(start, end, sound_in(data[body:end])) for start, body, end in _tracks(data)]
    except (ValueError, struct.error, RecordingError):
        return None
    mono = [(start, end, head.codec) for start, end, head in tracks if head is not None and head.channels == 1]
    if len(mono) != 2 or len({codec for *_, codec in mono}) != 1:
        return None
    (a, a_end, _), (b, b_end, _) = mono
    return data[:a] + data[b:b_end] + data[a_end:b] + data[a:a_end] + data[b_end:]


def _tracks(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Where each track's box is in the index: its beginning, its body and its end."""
    for kind, _, body, end in _boxes(data, 0, len(data)):
        if kind == b"moov":
            yield from ((at, start, stop) for one, at, start, stop in _boxes(data, body, end) if one == b"trak")


def _boxes(data: bytes, at: int, stop: int) -> Iterator[tuple[bytes, int, int, int]]:
    """The boxes in a stretch that are there whole: their kinds, beginnings, bodies and ends."""
    while at < stop and (header := read_header(data, at)) is not None:
        kind, size, body = header
        if size is None or body + size > stop:
            return
        yield kind, at, body, body + size
        at = body + size
