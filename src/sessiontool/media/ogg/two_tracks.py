"""Ogg with two mono streams of Opus, a voice each: the same file with the second stream's first page in front."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..opus import OpusHead
from .pages import CAPTURE, FIRST

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS_AT, _SEGMENTS_AT, _TABLE_AT = 5, 26, 27  # bytes into a page (RFC 3533, section 6)


def ogg_by_second_track(data: bytes) -> bytes | None:
    """A chunk that begins such a recording, with the first pages of its two streams exchanged; None for any other."""
    mono = [(start, end) for start, body, end in _first_pages(data) if _is_mono(data[body:end])]
    if len(mono) != 2:
        return None
    (a, a_end), (b, b_end) = mono
    return data[:a] + data[b:b_end] + data[a_end:b] + data[a:a_end] + data[b_end:]


def _first_pages(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Where the first pages of streams begin, which come before all others; their bodies, and their ends."""
    at = 0
    while data.startswith(CAPTURE, at) and len(data) > at + _TABLE_AT and data[at + _FLAGS_AT] & FIRST:
        body = at + _TABLE_AT + data[at + _SEGMENTS_AT]
        end = body + sum(data[at + _TABLE_AT : body])
        yield at, body, end
        at = end


def _is_mono(start: bytes) -> bool:
    try:
        return start.startswith(b"OpusHead") and OpusHead.parse(start).channels == 1
    except (ValueError, struct.error):
        return False
