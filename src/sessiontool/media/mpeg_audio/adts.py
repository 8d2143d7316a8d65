"""Reads AAC in ADTS (`.aac`): frames one behind another, each with its header, in pieces that may be cut anywhere.

A packet is a frame without its header, as MP4 has it.  28 bits are alike in all headers of a recording.  There is no
clock but the count of samples: all times are a guess and count from the last discontinuity.  Tags, such as HLS has
before each segment, do not show whether a recorder was started again.

Not here: how frames are found, and what is lost between them (`frame_stream`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..aac import FRAME_SAMPLES, LAVC_PRIMING, MAX_FRAME_BYTES, AacHead, FrameKinds
from ..packets import Track
from .frame_stream import FrameStream, holds_frames, is_chain, places
from .tags import tag_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER_BYTES, _CHECKED_HEADER_BYTES = 7, 9  # without and with a checksum (ISO/IEC 13818-7, section 6.2)
_FIXED = 0xFFFFFFF0  # bits of the first four bytes that are alike in all headers (ISO/IEC 13818-7, section 6.2.1)
_SYNC = 0xFFF  # 12 bits (ISO/IEC 13818-7, section 6.2.1)
_RATES = 13  # indexes of sampling rates (ISO/IEC 14496-3, section 1.6.3.4)
_TRACK = 1  # the number of the only track; chosen


class AdtsHeader(Struct, frozen=True):
    """What is alike in all headers of a recording, as bits of the first four bytes; and this frame's sizes."""

    fixed: int
    header_bytes: int
    size_bytes: int

    @property
    def config(self) -> bytes:
        """The same as an AudioSpecificConfig (ISO/IEC 14496-3, section 1.6.2.1)."""
        kind, rate, channels = (self.fixed >> 14 & 3) + 1, self.fixed >> 10 & 15, self.fixed >> 6 & 7
        return (kind << 11 | rate << 7 | channels << 3).to_bytes(2, "big")


def read_header(data: bytes, at: int = 0) -> AdtsHeader | None:
    """The header at an offset; None where there is none, or one of several frames of AAC that share it."""
    head = data[at : at + _HEADER_BYTES]
    bits = int.from_bytes(head, "big")
    fixed = bits >> 24 & _FIXED
    if len(head) < _HEADER_BYTES or fixed >> 20 != _SYNC or fixed >> 17 & 3 or fixed >> 10 & 15 >= _RATES or bits & 3:
        return None
    header_bytes = _HEADER_BYTES if fixed >> 16 & 1 else _CHECKED_HEADER_BYTES
    size = bits >> 13 & 0x1FFF
    return AdtsHeader(fixed, header_bytes, size) if 0 < size - header_bytes <= MAX_FRAME_BYTES else None


class _AdtsSyntax:
    """Once one is known, the first three bytes of a header are."""

    header_bytes = _HEADER_BYTES

    def fits(self, data: bytes, at: int, like: AdtsHeader | None) -> AdtsHeader | None:
        header = read_header(data, at)
        return header if header and (like is None or header.fixed == like.fixed) else None

    def syncs(self, data: bytes, start: int, like: AdtsHeader | None) -> Iterator[int]:
        return places(data, start, (like.fixed >> 8).to_bytes(3, "big") if like else b"\xff")


_SYNTAX = _AdtsSyntax()


def begins_adts(data: bytes) -> bool:
    """Whether bytes begin with frames that follow one another, behind a tag or not."""
    return is_chain(data, tag_bytes(data, 0) or 0, _SYNTAX)


def holds_adts(data: bytes) -> bool:
    """Whether frames that follow one another are anywhere in these bytes."""
    return holds_frames(data, _SYNTAX)


class AdtsDemuxer(FrameStream[AdtsHeader]):
    """Bytes in, frames out.  `track` is that of other chunks of the recording.

    RecordingError for what is not LC in mono or stereo.
    """

    no_frame = "no AAC frame"

    def __init__(self, *, mime_type: str = "", track: Track | None = None) -> None:  # noqa: ARG002 - as the others
        super().__init__(_SYNTAX, track)
        self._kinds: FrameKinds | None = None
        self._frames = 0  # since the last discontinuity

    def _break(self) -> None:
        self._frames = 0
        self._runs.note_break()

    def _take(self, frame: bytes, header: AdtsHeader, offset: int) -> None:
        payload = frame[header.header_bytes :]
        if self._like is None or self._kinds is None or self.track is None:
            self._like, self.track = header, self._new_track(header, payload)
            head = AacHead.parse(header.config)
            self._kinds = FrameKinds(head)
        (duration,) = self._kinds.lengths_of([payload], ())
        start, end = offset + header.header_bytes, offset + header.size_bytes
        if not duration:
            self.ledger.damage(offset, end, self.no_frame)
            self._break()
            return
        time_ms = self._frames * FRAME_SAMPLES * 1000 // self.track.head.rate_hz
        self._runs.add(0, False, payload, time_ms, duration)
        self._frames += 1
        self.ledger.structure(offset, start)
        self.ledger.payload(start, end)

    def _new_track(self, header: AdtsHeader, payload: bytes) -> Track:
        head = AacHead.parse(header.config)
        known = self._known.head if self._known else None
        if isinstance(known, AacHead) and (known.channels, known.rate_hz) == (head.channels, head.rate_hz):
            assert self._known is not None
            return self._known
        return Track(_TRACK, head.with_priming(LAVC_PRIMING if b"Lavc" in payload else None), "")
