"""Reads PCM in WAV, or raw: a header in the first piece or in each, whatever sizes it states, then samples.

The contract is that of `packets.Demuxer`.  There is no clock but the count of samples, and nothing in a chunk shows
where in the recording it belongs: all times are a guess (`placed` is False) and count from the last discontinuity;
numbers and noted instants decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import RecordingError
from ..packets import CUT, OTHER_SAMPLES, Ledger, PacketRun, Track
from ..pcm import PcmHead, SampleClock, cut_bytes
from ..run_collector import RunCollector
from .headers import begins_wav, read_header

if TYPE_CHECKING:
    from .headers import WavHeader

_TRACK = 1  # the number of the only track; chosen


class PcmDemuxer:
    """Bytes in, blocks of 10 ms out.  `head` says what samples without a header are."""

    header_missing = False

    def __init__(self, head: PcmHead | None = None) -> None:
        self.ledger = Ledger()
        self.track: Track | None = Track(_TRACK, head, "") if head else None
        self._held = b""  # a frame or header that is not whole
        self._held_at = 0  # its offset
        self._offset = 0  # of the next piece
        self._runs = RunCollector()
        self._clock: SampleClock | None = None
        self._counted_from = 0  # samples before the last discontinuity
        self._is_aligned = False  # whether the next byte begins a sample

    def feed(self, data: bytes) -> list[PacketRun]:
        """The blocks in `data`, the next piece of the stream."""
        self.ledger.begin_piece(len(data))
        at = self._offset
        self._offset += len(data)
        if begins_wav(data):
            self._drop_held(CUT)
            self._begin(data, at)
        elif self._held and self._clock is None:
            self._begin(self._held + data, self._held_at)
        else:
            self._take(self._held + data, at - len(self._held))
        return self._runs.take()

    def discontinuity(self, reason: str) -> list[PacketRun]:
        """Bytes are missing after what was fed: what is not whole of a frame cannot be completed."""
        self._drop_held(reason)
        self._counted_from = self._clock.samples if self._clock else 0
        self._is_aligned = False
        self._runs.note_break()
        return self._runs.take()

    def flush(self) -> list[PacketRun]:
        """No more bytes will come: a frame that is not whole goes on in a chunk that is read elsewhere, or is none."""
        if self._clock is None:
            self._drop_held(CUT)
        self.ledger.structure(self._held_at, self._held_at + len(self._held))
        self._held = b""
        return self._runs.take()

    def _begin(self, data: bytes, at: int) -> None:
        """A header, and what is behind it; `at` is the offset of `data`."""
        try:
            header = read_header(data)
        except ValueError as error:
            if self.track is None:
                raise RecordingError(
                    f"the header of the WAV file is damaged: {error}", hint="look at the first chunk of the recording"
                ) from error
            self.ledger.damage(at, at + len(data), str(error))
            self._runs.note_break()
            return
        if header is None:
            self._held, self._held_at = data, at
            return
        if self.track is not None and self.track.head != header.head:
            self.ledger.set_aside(at, at + len(data), OTHER_SAMPLES)
            self._runs.note_break()
            return
        self.track = self.track or Track(_TRACK, header.head, "")
        self.ledger.structure(at, at + header.start)
        self._held = b""
        self._is_aligned = True
        end = len(data) - _trailer_bytes(data, header)
        self._take(data[header.start : end], at + header.start)
        if end < len(data):
            self._drop_held(CUT)
            self.ledger.structure(at + end, at + len(data))

    def _take(self, data: bytes, at: int) -> None:
        """Samples, of which the first is at the offset `at`."""
        assert self.track is not None
        head = self.track.head
        assert isinstance(head, PcmHead)
        self._clock = clock = self._clock or SampleClock(head.rate_hz)
        if not self._is_aligned and data:
            rest = cut_bytes(data, head)
            self.ledger.structure(at, at + rest)
            data, at, self._is_aligned = data[rest:], at + rest, True
        whole = len(data) - len(data) % head.frame_bytes
        for block in head.blocks(data[:whole]):
            time_ms = (clock.samples - self._counted_from) * 1000 // head.rate_hz
            length = clock.advance(len(block) // head.frame_bytes)
            self._runs.add(0, False, block, time_ms, length)
        self.ledger.payload(at, at + whole)
        self._held, self._held_at = data[whole:], at + whole

    def _drop_held(self, reason: str) -> None:
        if self._held:
            self.ledger.damage(self._held_at, self._held_at + len(self._held), reason)
        self._held = b""


def _trailer_bytes(data: bytes, header: WavHeader) -> int:
    """How many bytes behind the samples are chunks of the file's own, such as LIST: they reach to its end exactly."""
    start = at = header.start + header.stated_bytes + header.stated_bytes % 2
    if not header.stated_bytes or at >= len(data):
        return 0
    while at + 8 <= len(data) and data[at : at + 4].isalnum():
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return len(data) - start if len(data) <= at <= len(data) + 1 else 0
