"""Reads MP3: frames one behind another, in pieces that may be cut anywhere, with tags before, behind and between them.

There is no clock but the count of samples, as in `riff`: all times are a guess and count from the last discontinuity.
A tag before a file, or the frame that describes one, begins a recording.

Not here: how frames are found, and what is lost between them (`frame_stream`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..mp3 import DECODER_DELAY, HEADER_BYTES, LAME_DELAY, FrameHeader, Mp3Head, read_header
from ..packets import Track
from ..pcm import SampleClock
from .frame_stream import FrameStream, holds_frames, is_chain, places
from .tags import is_info, priming_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRACK = 1  # the number of the only track; chosen


class _Mp3Syntax:
    """A header begins with a byte of ones."""

    header_bytes = HEADER_BYTES

    def fits(self, data: bytes, at: int, like: FrameHeader | None) -> FrameHeader | None:
        header = read_header(data[at : at + HEADER_BYTES])
        return header if header and (like is None or header.is_like(like)) else None

    def syncs(self, data: bytes, start: int, like: FrameHeader | None) -> Iterator[int]:  # noqa: ARG002 - all begin so
        return places(data, start, b"\xff")


_SYNTAX = _Mp3Syntax()


def begins_mp3(data: bytes) -> bool:
    """Whether bytes begin with a tag, or with frames that follow one another."""
    return data[:3] == b"ID3" or is_chain(data, 0, _SYNTAX)


def begins_file(data: bytes) -> bool:
    """Whether bytes begin as an MP3 file does: with a tag, or with the frame that describes one."""
    header = read_header(data[:HEADER_BYTES])
    return data[:3] == b"ID3" or (header is not None and is_info(data[: header.size_bytes]))


def holds_mp3(data: bytes) -> bool:
    """Whether frames that follow one another are anywhere in these bytes."""
    return holds_frames(data, _SYNTAX)


class Mp3Demuxer(FrameStream[FrameHeader]):
    """Bytes in, frames out.  `track` is that of a file elsewhere, whose delay these frames have too."""

    no_frame = "no MP3 frame"

    def __init__(self, *, mime_type: str = "", track: Track | None = None) -> None:  # noqa: ARG002 - as the others
        super().__init__(_SYNTAX, track)
        self._usual_bytes = 0  # of the frame before, but for one of padding
        self._priming: int | None = None
        self._recording = 0
        self._begins_file = False
        self._clock: SampleClock | None = None
        self._counted_from = 0  # samples before the last discontinuity, or file

    def _is_usual(self, header: FrameHeader) -> bool:
        return abs(header.size_bytes - self._usual_bytes) <= 1

    def _saw_tag(self, tag: bytes) -> None:
        self._begins_file |= tag[:3] == b"ID3"

    def _break(self) -> None:
        self._counted_from = self._clock.samples if self._clock else 0
        self._runs.note_break()

    def _take(self, frame: bytes, header: FrameHeader, offset: int) -> None:
        self._like = self._like or header
        self._usual_bytes = header.size_bytes
        if is_info(frame):
            self._priming = priming_of(frame)
            self._begins_file = True
            self.ledger.structure(offset, offset + len(frame))
            return
        if self.track is None:
            self.track = self._new_track(header)
        self._clock = clock = self._clock or SampleClock(header.rate_hz)
        if self._begins_file and clock.samples:
            self._recording += 1
            self._counted_from = clock.samples
        self._begins_file = False
        time_ms = (clock.samples - self._counted_from) * 1000 // header.rate_hz
        self._runs.add(self._recording, False, frame, time_ms, clock.advance(header.samples))
        self.ledger.payload(offset, offset + len(frame))

    def _new_track(self, header: FrameHeader) -> Track:
        head = Mp3Head(header.channels, header.rate_hz)
        known = self._known.head if self._known else None
        if isinstance(known, Mp3Head) and (known.channels, known.rate_hz) == (head.channels, head.rate_hz):
            assert self._known is not None
            return self._known
        priming = self._priming
        if priming is None and b"LAME" in self._held:  # it writes its name where it has bytes to fill
            priming = LAME_DELAY + DECODER_DELAY
        return Track(_TRACK, head.with_priming(priming), "")
