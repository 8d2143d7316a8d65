"""Joins the packets of one or more parts into one stream, and records where everything is in the output.

Every recorded packet goes out byte for byte and in order; where time was lost, silent packets fill it (`timeline`
decides where).  Packets come run by run and are placed some hundreds at a time, so memory is flat.  Files are handed
in; no decoder takes part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from .errors import RecordingError
from .media.filler import CLOCK_HZ
from .media.matroska.muxer import WebmMuxer
from .model import SAMPLE_RATE
from .recording.gap_filling import Gap, Pause, TimelineBuilder
from .recording.gap_places import Silence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .media.filler import Filler, SoundHead
    from .media.packets import PacketRun
    from .timeline import Timeline


_PLACED_TOGETHER = 1024  # packets; chosen: a few calls for each minute of a recording, and half a megabyte


class Remuxer:
    """Parts in, one file out: `begin_part`, `add` for each run of packets, `end_part`; last `finish`.

    `body` is a scratch file, open for writing and reading.  The first part's codec decides
    what kind of file is made of it.
    """

    def __init__(self, body: BinaryIO, *, keep_pauses: bool = False) -> None:
        self.recorded_packets = 0
        self.silent_packets = 0
        self.head: SoundHead | None = None
        self.silences: dict[int, Silence] = {}  # by samples into the output
        self.clock_jumps: list[int] = []  # samples into the output at which a recorder clock jumped
        self._body = body
        self._muxer: Muxer | None = None
        self._builder = TimelineBuilder(keep_pauses=keep_pauses)
        self._filler: Filler | None = None  # of the part
        self._length_of: Callable[[bytes], int] | None = None  # where durations are no whole samples of the clock
        self._cause = ""  # why time passed before the first packet held back, if that is known
        self._payloads: list[bytes] = []  # held back until there are enough, and what follows is known
        self._times_ms: list[int] = []
        self._durations: list[int] = []

    @property
    def samples(self) -> int:
        """Samples of output so far: what was written less the pre-skip, which is not played."""
        return max(0, self._muxer.samples - self.head.pre_skip) if self._muxer and self.head else 0

    @property
    def rounded_samples(self) -> int:
        """Samples of PCM that the file does not have exactly, once it is finished."""
        return int(getattr(self._muxer, "rounded", 0))

    @property
    def session_end_us(self) -> int | None:
        """Where the last part ended on the session clock; None before the first has."""
        return self._builder.session_end_us

    @property
    def room_ms(self) -> int:
        """How much silence may still be put in, where all that was added is placed."""
        if self._payloads:
            self._settle(more=True)
        return self._builder.room_samples * 1000 // SAMPLE_RATE

    def refusal(self, head: SoundHead | None) -> RecordingError | None:
        """Why a part with this head cannot go into one file with the parts before; None where it can."""
        try:
            if self.head is not None and head is not None:
                self.head.joined_with(head)
        except RecordingError as error:
            return error
        return None

    def begin_part(
        self,
        part: str,
        head: SoundHead,
        session_start_us: int | None,
        pauses: Sequence[Pause] = (),
        *,
        slice_cause: str = "",
        lead_us: int = 0,
        passed_us: int | None = None,
    ) -> tuple[int, int]:
        """Begin a part, filling the time since the last one.

        Returns the silent packets for it and that time in microseconds.

        See `TimelineBuilder.begin_part`.  The output is stereo where any part is.  RecordingError where the part's
        codec does not go into one file with that of the parts before.
        """
        if self.head is None or self._muxer is None:
            self.head, self._muxer = head, muxer_for(head, self._body)
            self._length_of = head.lengths() if head.rate_hz != CLOCK_HZ else None
        else:
            self.head = self.head.joined_with(head)
        self._filler = self._builder.filler = head.filler
        packets, gap_us = self._builder.begin_part(
            *(part, head.pre_skip, session_start_us, pauses),
            slice_cause=slice_cause,
            lead_us=lead_us,
            passed_us=passed_us,
        )
        self._write_silence(packets)
        return packets, gap_us

    def add(self, run: PacketRun) -> None:
        """Append the part's next packets."""
        if run.after_break or run.suspended:
            self._settle(more=False)
            self._cause = "lost" if run.after_break else "suspended"
        self._payloads += run.payloads
        self._times_ms += run.times_ms
        self._durations += map(self._length_of, run.payloads) if self._length_of else run.durations
        if len(self._payloads) >= _PLACED_TOGETHER:
            self._settle(more=True)

    def end_part(self, lost_ms: int = 0) -> None:
        """End the part; `lost_ms` of recorded time are known to be missing after its last packet."""
        self._settle(more=False)
        for gap in self._builder.end_part(lost_ms):
            self._write_silence(gap.packets, at_end=True)

    def lose_part(self, part: str, head: SoundHead, session_start_us: int, lost_ms: int) -> None:
        """Silence for a part of which nothing is there."""
        self.begin_part(part, head, session_start_us)
        for gap in self._builder.end_part(lost_ms):
            self._write_silence(gap.packets, of_a_chunk=False)

    def timeline(self) -> Timeline:
        """Where everything is in the output, once the last part has ended."""
        return self._builder.finish()

    def finish(self, out: BinaryIO, *, writing_app: str, track_uid: int) -> Timeline:
        """Write the file to `out` and return its timeline; at least one part must have been joined."""
        assert self.head is not None
        assert self._muxer is not None
        self._muxer.finish(out, self.head, writing_app=writing_app, track_uid=track_uid)
        return self.timeline()

    def _settle(self, *, more: bool) -> None:
        """Write what is decided on and hold back the rest."""
        gaps, settled = self._builder.place(self._times_ms, self._durations, more=more, cause=self._cause)
        self._cause = "" if settled else self._cause
        self._write(gaps, settled)
        for column in (self._payloads, self._times_ms, self._durations):
            del column[:settled]

    def _write(self, gaps: Sequence[Gap], settled: int) -> None:
        assert self._muxer is not None
        first = 0
        for gap in (*gaps, Gap(settled, 0, "")):
            self._muxer.write(self._payloads[first : gap.before], self._durations[first : gap.before])
            self.recorded_packets += gap.before - first
            self._write_silence(gap.packets)
            if gap.cause == "clock_jump":
                self.clock_jumps.append(self.samples)
            first = gap.before

    def _write_silence(self, packets: int, *, at_end: bool = False, of_a_chunk: bool = True) -> None:
        if packets and of_a_chunk:
            self.silences[self.samples] = Silence(self.recorded_packets, at_end)
        if not packets:
            return
        assert self._muxer is not None
        assert self._filler is not None
        silence = [self._filler.payload] * packets
        lengths = map(self._length_of, silence) if self._length_of else [self._filler.length] * packets
        self._muxer.write(silence, list(lengths))
        self.silent_packets += packets


class Muxer(Protocol):
    """Packets in, a file out; the calls are `WebmMuxer`'s."""

    samples: int

    def write(self, payloads: Sequence[bytes], durations: Sequence[int]) -> None:
        """Append packets, each with its duration in samples at 48 kHz."""
        ...

    def finish(self, out: BinaryIO, head: Any, *, writing_app: str, track_uid: int) -> None:
        """Write the whole file to `out`."""
        ...


def muxer_for(head: SoundHead, body: BinaryIO) -> Muxer:
    """What writes a recording of that codec; `body` is a scratch file."""
    if head.codec == "pcm":
        from .audio.flac import FlacMuxer  # noqa: PLC0415 - needs an encoder, which other recordings do not

        return FlacMuxer(body)
    if head.codec == "aac":
        from .media.isobmff.muxer import M4aMuxer  # noqa: PLC0415 - most recordings are Opus

        return M4aMuxer(body)
    if head.codec == "mp3":
        from .media.mpeg_audio.muxer import Mp3Muxer  # noqa: PLC0415 - as above

        return Mp3Muxer(body)
    return WebmMuxer(body)
