"""The index of an M4A file with one track of AAC: the `moov` box (ISO/IEC 14496-12 and 14496-14).

One edit: players begin after the priming, which `elst` states, and end with the last frame.  Frames are one behind
another in one `mdat`.
"""

from __future__ import annotations

import struct
import sys
from array import array
from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec import Struct

from ..aac import FRAME_SAMPLES, AacHead

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK_FRAMES = 48  # chosen: a second at 48 kHz; the index has a place for each so many frames
TRACK_NUMBER = 1  # chosen: the only track is the first
_LONG = 1 << 32  # units: a size or time from here on takes 64 bits (ISO/IEC 14496-12, section 4.2)
_ENABLED = 7  # flags of a track that is enabled, in the movie and in its preview (ISO/IEC 14496-12, section 8.3.2)
_UNITY = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
"""Fields of no transformation (ISO/IEC 14496-12, section 8.2.2)."""

_UND = 0x55C4  # units: three letters of five bits, "und" (ISO/IEC 14496-12, section 8.4.2)
_UTF8_TEXT = 1  # one of the ids of types (QTFF, well-known types)
_AAC, _AUDIO_STREAM = 0x40, 0x15  # ids in a decoder config (ISO/IEC 14496-1, section 7.2.6.6)


class FrameTable(Struct, frozen=True):
    """The sizes of all frames: the largest, the bytes of each chunk of `CHUNK_FRAMES`, and as `stsz` lists them."""

    frames: int
    largest: int
    chunk_bytes: tuple[int, ...]
    listed: bytes

    @classmethod
    def of(cls, sizes: Sequence[int]) -> FrameTable:
        listed = array("I", sizes)
        chunk_bytes = tuple(sum(sizes[first : first + CHUNK_FRAMES]) for first in range(0, len(sizes), CHUNK_FRAMES))
        if sys.byteorder == "little":
            listed.byteswap()
        return cls(len(sizes), max(sizes, default=0), chunk_bytes, listed.tobytes())


def index_box(head: AacHead, table: FrameTable, start: int, writing_app: str, comment: str, *, is_long: bool) -> bytes:
    """The index, for frames of the sizes in `table` that begin at byte `start` of the file.

    Its length does not depend on that.  `is_long`: places in the file take 64 bits.
    """
    length = FRAME_SAMPLES * table.frames
    heard = max(0, length - head.priming)
    version = int(length >= _LONG)
    wide = "Q" if version else "I"
    edit = struct.pack(f">I{wide}{wide.lower()}I", 1, heard, head.priming, 1 << 16)
    track = struct.pack(f">{wide}{wide}II{wide}", 0, 0, TRACK_NUMBER, 0, heard)
    times = struct.pack(f">{wide}{wide}I{wide}", 0, 0, head.rate_hz, length)
    movie = struct.pack(f">{wide}{wide}I{wide}", 0, 0, head.rate_hz, heard)
    media = box(
        b"mdia",
        full(b"mdhd", times, struct.pack(">HH", _UND, 0), version=version),
        full(b"hdlr", bytes(4), b"soun", bytes(12), b"SoundHandler\0"),
        box(
            b"minf",
            full(b"smhd", bytes(4)),
            box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", flags=1))),
            _sample_table(head, table, start, is_long=is_long),
        ),
    )
    return box(
        b"moov",
        full(
            *(b"mvhd", movie, struct.pack(">IH", 1 << 16, 1 << 8), bytes(10), _UNITY, bytes(24)),
            struct.pack(">I", TRACK_NUMBER + 1),
            version=version,
        ),
        box(
            b"trak",
            full(
                b"tkhd",
                track,
                bytes(12),
                struct.pack(">HH", 1 << 8, 0),
                _UNITY,
                bytes(8),
                version=version,
                flags=_ENABLED,
            ),
            box(b"edts", full(b"elst", edit, version=version)),
            media,
        ),
        box(b"udta", _tags({b"\xa9too": writing_app, b"\xa9cmt": comment})),
    )


def _sample_table(head: AacHead, table: FrameTable, start: int, *, is_long: bool) -> bytes:
    """Where each frame is."""
    whole, rest = divmod(table.frames, CHUNK_FRAMES)
    runs = [*([(1, CHUNK_FRAMES, 1)] if whole else []), *([(whole + 1, rest, 1)] if rest else [])]
    offsets = list(accumulate(table.chunk_bytes[:-1], initial=start))[: len(table.chunk_bytes)]
    places = struct.pack(f">I{len(offsets)}{'Q' if is_long else 'I'}", len(offsets), *offsets)
    return box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), _entry(head, table)),
        full(b"stts", struct.pack(">III", 1, table.frames, FRAME_SAMPLES)),
        full(b"stsc", struct.pack(">I", len(runs)), *(struct.pack(">III", *run) for run in runs)),
        full(b"stsz", struct.pack(">II", 0, table.frames), table.listed),
        full(b"co64" if is_long else b"stco", places),
    )


def _entry(head: AacHead, table: FrameTable) -> bytes:
    """The sample entry `mp4a`, with what a decoder needs in `esds`."""
    seconds = max(1, FRAME_SAMPLES * table.frames // head.rate_hz)
    mean = min(8 * sum(table.chunk_bytes) // seconds, _LONG - 1)
    peak = min(8 * table.largest * head.rate_hz // FRAME_SAMPLES, _LONG - 1)
    config = bytes((_AAC, _AUDIO_STREAM)) + struct.pack(">I", table.largest)[1:] + struct.pack(">II", peak, mean)
    described = _descriptor(4, config + _descriptor(5, head.config))
    specific = _descriptor(3, struct.pack(">HB", TRACK_NUMBER, 0) + described + _descriptor(6, b"\2"))
    sound = struct.pack(">6xH8xHHIHH", 1, head.channels, 16, 0, min(head.rate_hz, 0xFFFF), 0)
    return box(b"mp4a", sound, full(b"esds", specific))


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def _descriptor(tag: int, body: bytes) -> bytes:
    assert len(body) < 1 << 7
    return bytes((tag, len(body))) + body


def _tags(texts: dict[bytes, str]) -> bytes:
    """A `meta` box with texts, as iTunes writes them (QTFF, metadata)."""
    items = (box(name, box(b"data", struct.pack(">II", _UTF8_TEXT, 0), text.encode())) for name, text in texts.items())
    handler = full(b"hdlr", bytes(4), b"mdirappl", bytes(9))
    return full(b"meta", handler, box(b"ilst", *items))
