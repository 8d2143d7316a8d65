"""Two recorders at once, with a part each: how much of the later part is sound that the one before it has, too.

A page that wants no gap starts the next recorder before it stops the last one; one that wants to be safe lets two run.
Notes say it to some tens of milliseconds, and not whether both recorded the same; the sound says both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from ..errors import RecordingError
from ..media.opus import OpusHead
from ..model import SAMPLES_PER_MS, samples_to_us
from .gap_filling import Pause
from .runs import PieceStream
from .slice_seams import LEFT_US, SHARED_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..media.packets import PacketRun
    from .runs import Read, RecorderRun

_COMPARED_MS = 2000.0  # chosen: some words, of which no others are alike
_BEYOND_MS = 1000.0  # chosen: of sound that is read on both sides of that
_BEFORE_END_MS = 500.0
"""Chosen: of a part that ended first, sound so long before its end is compared, as notes are less wrong than that."""
_MOST_OFF_MS = 2000.0  # chosen: of a recorder that dropped more sound without a trace, the place is not looked for


class JoinedPart(Struct, frozen=True):
    """A part that was joined: when it was started, on the session clock, and when its sound ends on its own."""

    run: RecorderRun
    read: Read
    start_ms: float
    end_ms: float

    @property
    def paused_ms(self) -> float:
        return sum(pause.end_ms - pause.start_ms for pause in (self.run.entry.pauses if self.run.entry else ()))

    @property
    def ended_ms(self) -> tuple[float, float]:
        """When it ended, on the session clock: by its sound, and by its notes, as sound may be dropped unseen."""
        by_sound_ms = self.start_ms + self.end_ms + self.paused_ms
        noted_ms = self.run.entry.stop_ms if self.run.entry else None
        return by_sound_ms, max(by_sound_ms, noted_ms or 0.0)


class SharedBeginning(Struct, frozen=True):
    """How much of a part is in the one before: the length of its packets that are, and what is too much of the last.

    `resumes_ms` is when the rest begins, on the part's own clock.
    """

    length_us: int
    over_us: int
    resumes_ms: float


def shared_with(before: JoinedPart, run: RecorderRun, read: Read, start_ms: float) -> SharedBeginning | None:
    """How much of a part, started at `start_ms`, is in the one before; None where that has not the same sound.

    The sound is compared where the first of the two ends.
    """
    by_sound_ms, by_notes_ms = (ended_ms - start_ms for ended_ms in before.ended_ms)
    off_ms = (by_notes_ms - by_sound_ms) / 2
    if by_notes_ms < SHARED_MS or 2 * off_ms > _MOST_OFF_MS:
        return None
    part = _window(run, read, by_sound_ms - _COMPARED_MS, by_notes_ms + _BEYOND_MS)
    back_ms = max(0.0, by_sound_ms - part.stop_ms + _BEFORE_END_MS)  # so long before the other one's end
    if back_ms:
        part = _window(run, read, part.stop_ms - _BEFORE_END_MS - _COMPARED_MS, part.stop_ms)
    until_ms = before.end_ms - back_ms
    other = _window(before.run, before.read, until_ms - _COMPARED_MS - _BEYOND_MS, until_ms)
    if part.head is None or part.head != other.head:
        return None
    from ..audio.shared_sound import shared_ms  # noqa: PLC0415 - a decoder, which other recordings do not need

    about_ms = by_sound_ms + off_ms - back_ms - part.start_ms
    found_ms = shared_ms(other.payloads, part.payloads, part.head, about_ms, off_ms)
    return None if found_ms is None else part.cut_at(found_ms + back_ms)


def after_pauses(start_us: int, passed_us: int, pauses: Sequence[Pause]) -> tuple[int, list[Pause]]:
    """The session clock where a recorder's own has passed so much since its start, and the pauses after that."""
    at_us, later = start_us + passed_us, list[Pause]()
    for pause in sorted(pauses, key=lambda one: one.start_us):
        if pause.start_us < at_us:
            at_us += pause.end_us - pause.start_us
        else:
            later.append(pause)
    return at_us, later


class _Window(Struct):
    """Packets of a part that follow one another, and what they are; `start_ms` is when they begin, on its own clock.

    `before` is how long the packets before them last, in samples; `stop_ms` is when the last one that was read ends.
    """

    head: OpusHead | None = None
    payloads: list[bytes] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    before: int = 0
    start_ms: float = 0.0
    stop_ms: float = 0.0

    def take(self, packets: PacketRun, from_ms: float, until_ms: float) -> None:
        for payload, time_ms, length in zip(packets.payloads, packets.times_ms, packets.durations, strict=True):
            self.stop_ms = time_ms + length / SAMPLES_PER_MS
            if not self.payloads and time_ms < from_ms:
                self.before += length
            elif self.stop_ms <= until_ms + 1:
                self.start_ms = self.start_ms if self.payloads else time_ms
                self.payloads.append(payload)
                self.durations.append(length)

    def cut_at(self, length_ms: float) -> SharedBeginning:
        """What is shared where that ends so long after the first packet, to the nearest one."""
        done, length_us = 0, round(1000 * length_ms)
        for duration in self.durations:
            if done + LEFT_US >= length_us:
                break
            done += samples_to_us(duration)
        over_us = max(0, done - length_us)
        return SharedBeginning(samples_to_us(self.before) + done, over_us, self.start_ms + done / 1000)


def _window(run: RecorderRun, read: Read, from_ms: float, until_ms: float) -> _Window:
    """The packets between two times on a run's own clock, of what its recorder recorded before it began anew."""
    stream, found = PieceStream(run, read), _Window()
    try:
        for fed in stream:
            for packets in fed.packets:
                if packets.recording == 0:
                    found.take(packets, from_ms, until_ms)
            if found.stop_ms > until_ms + _BEYOND_MS:
                break
    except RecordingError:
        return _Window()
    head = stream.demuxer.track.head if stream.demuxer.track else None
    found.head = head if isinstance(head, OpusHead) and found.payloads else None
    return found
