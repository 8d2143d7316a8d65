"""Reads AAC in ADTS (`.aac`): frames one behind another, each with its header, in pieces that may be cut anywhere.

The contract is that of `packets.Demuxer`; a packet is a frame without its header, as MP4 has it.  28 bits are alike in
all headers of a recording, and each says where the next one is: what is lost or damaged shows as a place where no
header is, and reading goes on where several follow one another.

There is no clock but the count of samples: all times are a guess and count from the last discontinuity.  Tags, such as
HLS has before each segment, are passed over: they do not show whether a recorder was started again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..aac import FRAME_SAMPLES, LAVC_PRIMING, MAX_FRAME_BYTES, AacHead, FrameKinds
from ..packets import CUT, Ledger, PacketRun, Track
from ..run_collector import RunCollector
from .tags import LONGEST_TAG_BYTES, tag_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER_BYTES, _CHECKED_HEADER_BYTES = 7, 9  # without and with a checksum (ISO/IEC 13818-7, section 6.2)
_FIXED = 0xFFFFFFF0  # bits of the first four bytes that are alike in all headers (ISO/IEC 13818-7, section 6.2.1)
_SYNC = 0xFFF  # 12 bits (ISO/IEC 13818-7, section 6.2.1)
_RATES = 13  # indexes of sampling rates (ISO/IEC 14496-3, section 1.6.3.4)
_TRACK = 1  # the number of the only track; chosen
_PROVING = 3  # frames; chosen: so many headers that fit one another are no chance
_SEARCHED_BYTES = 1 << 14  # chosen: several of the largest frames
_NO_FRAME = "no AAC frame"


class AdtsHeader(NamedTuple):
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


def begins_adts(data: bytes) -> bool:
    """Whether bytes begin with frames that follow one another, behind a tag or not."""
    return _chain(data, tag_bytes(data, 0) or 0, None) == _PROVING


def holds_adts(data: bytes) -> bool:
    """Whether frames that follow one another are anywhere in these bytes."""
    return any(_chain(data, at, None) == _PROVING for at in _syncs(data, 0, None))


def _syncs(data: bytes, start: int, like: AdtsHeader | None) -> Iterator[int]:
    """The places from `start` on at which a header like that one may begin."""
    wanted = (like.fixed >> 8).to_bytes(3, "big") if like else b"\xff"
    at = data.find(wanted, start)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1)


def _fits(data: bytes, at: int, like: AdtsHeader | None) -> AdtsHeader | None:
    """The header at an offset, where it can be of the recording."""
    header = read_header(data, at)
    return header if header and (like is None or header.fixed == like.fixed) else None


def _chain(data: bytes, at: int, like: AdtsHeader | None, *, by_end: bool = True) -> int:
    """How many headers follow one another from an offset on, three at most; 0 where one is not like the others.

    `by_end`: fewer are as good, of which the first is whole, where the data ends with them.
    """
    count = 0
    while count < _PROVING:
        if count and len(data) - at < _HEADER_BYTES:
            return _PROVING if by_end and (count > 1 or at <= len(data)) else 0
        if count and tag_bytes(data, at):
            return _PROVING
        header = _fits(data, at, like)
        if header is None:
            return 0
        like = like or header
        at += header.size_bytes
        count += 1
    return count


class AdtsDemuxer:
    """Bytes in, frames out.  `track` is that of other chunks of the recording.

    RecordingError for what is not LC in mono or stereo.
    """

    header_missing = False

    def __init__(self, *, mime_type: str = "", track: Track | None = None) -> None:  # noqa: ARG002 - as the others
        self.ledger = Ledger()
        self.track: Track | None = None
        self._known = track
        self._like: AdtsHeader | None = None
        self._kinds: FrameKinds | None = None
        self._held = b""
        self._held_at = 0  # the offset of what is held
        self._is_locked = False  # whether the next frame begins right here
        self._frames = 0  # since the last discontinuity
        self._runs = RunCollector()

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
        if not self._is_followed(end, is_last=is_last) and self._resumes(at + 1, inside=True) < end:
            return self._pass(at, is_last=is_last)  # its size is wrong, or its end is not there
        self._take(header, self._held_at + at, data[at + header.header_bytes : end])
        return header.size_bytes

    def _is_followed(self, end: int, *, is_last: bool) -> bool:
        rest = len(self._held) - end
        if rest < _HEADER_BYTES and not is_last:
            return True
        return not rest or _fits(self._held, end, self._like) is not None or tag_bytes(self._held, end) != 0

    def _resumes(self, start: int, *, inside: bool = False) -> int:
        """Where from an offset on frames follow one another again; behind the end where they do not.

        `inside`: what looks like a header is in a frame, and has to prove that it is one: the end proves nothing.
        """
        held, like = self._held, self._like
        found = (at for at in _syncs(held, start, like) if _chain(held, at, like, by_end=not inside) == _PROVING)
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
        self._frames = 0
        self._runs.note_break()

    def _take(self, header: AdtsHeader, offset: int, payload: bytes) -> None:
        self._is_locked = True
        if self._like is None or self._kinds is None or self.track is None:
            self._like, self.track = header, self._new_track(header, payload)
            head = AacHead.parse(header.config)
            self._kinds = FrameKinds(head)
        (duration,) = self._kinds.lengths_of([payload], ())
        start, end = offset + header.header_bytes, offset + header.size_bytes
        if not duration:
            self.ledger.damage(offset, end, _NO_FRAME)
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
