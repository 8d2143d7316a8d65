"""Reads MP3: frames one behind another, in pieces that may be cut anywhere, with tags before, behind and between them.

The contract is that of `packets.Demuxer`.  A frame's header says where the next one is; a frame counts where its header
is like those before it, and is followed by another, by a tag, or by nothing.  What is lost or damaged shows as a place
where no header is: reading goes on where several follow one another.

There is no clock but the count of samples, as in `riff`: all times are a guess and count from the last discontinuity.
A tag before a file, or the frame that describes one, begins a recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..mp3 import DECODER_DELAY, HEADER_BYTES, LAME_DELAY, FrameHeader, Mp3Head, read_header
from ..packets import CUT, Ledger, PacketRun, Track
from ..pcm import SampleClock
from ..run_collector import RunCollector
from .tags import LONGEST_TAG_BYTES, is_info, priming_of, tag_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRACK = 1  # the number of the only track; chosen
_PROVING = 3  # frames; chosen: so many headers that fit one another are no chance
_SEARCHED_BYTES = 1 << 14  # chosen: several of the largest frames, which have 1441 bytes
_NO_FRAME = "no MP3 frame"


def begins_mp3(data: bytes) -> bool:
    """Whether bytes begin with a tag, or with frames that follow one another."""
    return data[:3] == b"ID3" or _chain(data, 0, None) == _PROVING


def begins_file(data: bytes) -> bool:
    """Whether bytes begin as an MP3 file does: with a tag, or with the frame that describes one."""
    header = read_header(data[:HEADER_BYTES])
    return data[:3] == b"ID3" or (header is not None and is_info(data[: header.size_bytes]))


def holds_mp3(data: bytes) -> bool:
    """Whether frames that follow one another are anywhere in these bytes."""
    return any(_chain(data, at, None) == _PROVING for at in _syncs(data, 0))


def _syncs(data: bytes, start: int) -> Iterator[int]:
    """The places from `start` on at which the first byte of a header is."""
    at = data.find(b"\xff", start)
    while at >= 0:
        yield at
        at = data.find(b"\xff", at + 1)


def _fits(data: bytes, at: int, like: FrameHeader | None) -> FrameHeader | None:
    """The header at an offset, where it can be of the recording."""
    header = read_header(data[at : at + HEADER_BYTES])
    return header if header and (like is None or header.is_like(like)) else None


def _chain(data: bytes, at: int, like: FrameHeader | None, *, by_end: bool = True) -> int:
    """How many headers follow one another from an offset on, three at most; 0 where one is not like the others.

    `by_end`: fewer are as good, of which the first is whole, where the data ends with them.
    """
    count = 0
    while count < _PROVING:
        if count and len(data) - at < HEADER_BYTES:
            return _PROVING if by_end and (count > 1 or at <= len(data)) else 0
        if count and (tag_bytes(data, at) or 0) > 0:
            return _PROVING
        header = _fits(data, at, like)
        if header is None:
            return 0
        like = like or header
        at += header.size_bytes
        count += 1
    return count


class Mp3Demuxer:
    """Bytes in, frames out.  `track` is that of a file elsewhere, whose delay these frames have too."""

    header_missing = False

    def __init__(self, *, mime_type: str = "", track: Track | None = None) -> None:  # noqa: ARG002 - as the others
        self.ledger = Ledger()
        self.track: Track | None = None
        self._known = track
        self._like: FrameHeader | None = None
        self._usual_bytes = 0  # of the frame before, but for one of padding
        self._held = b""
        self._held_at = 0  # the offset of what is held
        self._is_locked = False  # whether the next frame begins right here
        self._priming: int | None = None
        self._recording = 0
        self._begins_file = False
        self._runs = RunCollector()
        self._clock: SampleClock | None = None
        self._counted_from = 0  # samples before the last discontinuity, or file

    def feed(self, data: bytes) -> list[PacketRun]:
        """The frames that `data` completes, the next piece of the stream."""
        self.ledger.begin_piece(len(data))
        self._held += data
        self._read(is_last=False)
        return self._runs.take()

    def discontinuity(self, reason: str) -> list[PacketRun]:
        """Bytes are missing after what was fed: a frame that is not whole cannot be completed."""
        self._read(is_last=True, reason=reason)
        self._is_locked = False
        self._break()
        return self._runs.take()

    def flush(self) -> list[PacketRun]:
        """No more bytes will come."""
        self._read(is_last=True)
        return self._runs.take()

    def _read(self, *, is_last: bool, reason: str = CUT) -> None:
        """Take what is held, as far as its bytes show what it is; all of it where it `is_last`."""
        at = 0
        while at < len(self._held):
            taken = self._tag(at) if self._is_locked or not at else 0
            if taken == 0:
                taken = self._frame(at, is_last=is_last)
            if taken is None:
                break
            at += taken
        if is_last and at < len(self._held):
            self.ledger.damage(self._held_at + at, self._held_at + len(self._held), reason)
            self._is_locked = False
            at = len(self._held)
        self._held, self._held_at = self._held[at:], self._held_at + at

    def _tag(self, at: int) -> int | None:
        """The size of the tag here, which is counted; 0 without one, None where more bytes are needed."""
        size = tag_bytes(self._held, at)
        if not size:
            return size
        if at + size > len(self._held):
            return None if size <= LONGEST_TAG_BYTES else 0
        self.ledger.structure(self._held_at + at, self._held_at + at + size)
        if self._held[at : at + 3] == b"ID3":
            self._begins_file = True
        self._is_locked = True
        return size

    def _frame(self, at: int, *, is_last: bool) -> int | None:
        """How many bytes were taken here: a frame, or what is none; None where more are needed to tell."""
        data = self._held
        header = _fits(data, at, self._like)
        if header is None or not (self._is_locked or _chain(data, at, self._like) == _PROVING):
            return self._pass(at, is_last=is_last)
        end = at + header.size_bytes
        if end > len(data):
            return self._pass(at, is_last=is_last) if self._resumes(at + 1, inside=True) <= len(data) else None
        is_usual = abs(header.size_bytes - self._usual_bytes) <= 1 and self._is_followed(end, is_last=is_last)
        if not is_usual and self._resumes(at + 1, inside=True) < end:  # a wrong size, or its end is not there
            return self._pass(at, is_last=is_last)
        self._take(data[at:end], header, self._held_at + at)
        return header.size_bytes

    def _is_followed(self, end: int, *, is_last: bool) -> bool:
        rest = len(self._held) - end
        if rest < HEADER_BYTES and not is_last:
            return True
        return not rest or _fits(self._held, end, self._like) is not None or tag_bytes(self._held, end) != 0

    def _resumes(self, start: int, *, inside: bool = False) -> int:
        """Where from an offset on frames follow one another again; behind the end where they do not.

        `inside`: what looks like a header is in a frame, and has to prove that it is one: the end proves nothing.
        """
        held = self._held
        found = (at for at in _syncs(held, start) if _chain(held, at, self._like, by_end=not inside) == _PROVING)
        return next(found, len(held) + 1)

    def _pass(self, at: int, *, is_last: bool) -> int | None:
        """Pass over what is no frame, up to the next one."""
        resumes = self._resumes(at + 1)
        if resumes > len(self._held):
            if not is_last and len(self._held) - at < _SEARCHED_BYTES:
                return None
            resumes = len(self._held) if is_last else len(self._held) - _SEARCHED_BYTES // 2
        self.ledger.damage(self._held_at + at, self._held_at + resumes, CUT if self._is_locked else _NO_FRAME)
        self._is_locked = True
        self._break()
        return resumes - at

    def _break(self) -> None:
        """How much is lost before the next frame, only the bytes can tell."""
        self._counted_from = self._clock.samples if self._clock else 0
        self._runs.note_break()

    def _take(self, frame: bytes, header: FrameHeader, offset: int) -> None:
        self._is_locked = True
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
