"""Where silence goes: packets' times in, gaps out, and the timeline that comes of it.

Chrome's block timestamps follow the wall clock while its samples do not: a starved audio graph drops samples and only
the timestamps show it.  Players disagree on what to do with such a gap, so the output's time is sample time, and lost
time becomes silent packets.

The rule for a gap: single timestamps jitter by up to 10 ms, so a gap is where the samples stay behind the
timestamps by more than 10 ms over eight consecutive packets.  Silent packets of its codec (Opus: 20 ms) fill it.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec import Struct

from ..media.filler import Filler
from ..media.opus import SILENT_PACKET_SAMPLES, silent_packet
from ..model import SAMPLE_RATE, SAMPLES_PER_MS, samples_to_us, us_to_samples
from ..timeline import Span, Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPUS = Filler(silent_packet(2), SILENT_PACKET_SAMPLES)  # derived: packets of 20 ms

LAG_LIMIT_SAMPLES = 480  # 10 ms: single timestamps of Chrome jitter by as much (measured)
LASTING_PACKETS = 8  # chosen: a late group of timestamps is over by then
MOST_SILENCE_SAMPLES = 6 * 3600 * SAMPLE_RATE
"""Of a whole session.  Chosen: a clock that jumps further is wrong, or the break no part of it: nothing is filled."""
RUN_BACK_SAMPLES = SAMPLE_RATE
"""Chosen: timestamps that stay this far behind the samples began again from somewhere, and are followed from there."""

LONGEST_STARVED_SAMPLES = SAMPLE_RATE
"""No audio graph was ever starved for so long at once (measured: 660 ms): that sound was recorded, and is lost."""


class Gap(Struct, frozen=True):
    """Silent packets to put before the packet at index `before` of those that were placed.

    There are none for a pause that is closed up, and for a `clock_jump`: timestamps that ran back, or too far ahead
    to fill.
    """

    before: int
    packets: int
    cause: str


class Pause(Struct, frozen=True):
    """A MediaRecorder pause: its beginning and end on the session clock.  The recorder clock stops during it."""

    start_us: int
    end_us: int


class TimelineBuilder:
    """Takes the packets' times part by part, decides where silence goes, and keeps the record of it.

    `place` may leave the last packets undecided until it has seen what follows; the caller offers them again.
    """

    def __init__(self, *, keep_pauses: bool) -> None:
        self._keep_pauses = keep_pauses
        self._spans: list[Span] = []
        self._position = 0  # samples written so far, the pre-skip included
        self._pre_skip = 0  # of the output: that of the first part
        self._part = ""
        self._origin = 0  # position at which the part's recorder clock shows zero
        self._pauses: list[Pause] = []
        self._session_us = 0  # session clock where the recorder clock shows zero, pauses so far added
        self._begun = False  # the part's first packet was seen
        self._from_start = True
        self._slices_from_us: int | None = None  # session clock at the first slice of the part
        self._span_start: int | None = None
        self._lag_sum = self._lag_count = 0
        self._owed = 0  # samples by which the output is short of the session clock, as silence has whole units alone
        self._late = 0  # and by which the last span's sound is, as the lag that is left alone
        self.filler = _OPUS  # what silence is made of, from the next part on
        self._silent_samples = 0  # inserted so far

    @property
    def session_end_us(self) -> int | None:
        """Where the last span ends on the session clock; None before there is one."""
        return self._spans[-1].session_end_us if self._spans else None

    @property
    def room_samples(self) -> int:
        """How much silence may still be inserted."""
        return MOST_SILENCE_SAMPLES - self._silent_samples

    def begin_part(
        self,
        part: str,
        pre_skip: int,
        session_start_us: int | None,
        pauses: Sequence[Pause],
        *,
        slice_cause: str = "",
        lead_us: int = 0,
        passed_us: int | None = None,
    ) -> tuple[int, int]:
        """Begin a part, or with a `slice_cause` the next slice of one, that being why time passed since the last one.

        Returns how many silent packets fill the time since the last one, and that time in microseconds.
        `session_start_us` is the session clock at the recorder's start, None where it was not recorded: the part then
        follows at once.  The time is negative where the parts overlap on the session clock.  Where the first packets
        are left out as the last one has them, too, `passed_us` is that time, and `session_start_us` that of the rest.
        The recorder clock of slices is the session clock since the first start, before which `lead_us` are lost.
        """
        last_end_us = self._spans[-1].session_end_us if self._spans else None
        if session_start_us is None:
            session_start_us = last_end_us or 0
        packets = gap_us = 0
        if last_end_us is None:
            self._pre_skip = pre_skip
            packets = self.filler.count(us_to_samples(lead_us))
            last_end_us = session_start_us - lead_us
        else:
            gap_us = session_start_us - last_end_us if passed_us is None else passed_us
            gap = us_to_samples(gap_us) - pre_skip + self._owed + self._late
            packets = max(0, self.filler.count(gap)) if gap <= self.room_samples else 0
            rest = gap + self._position - self.filler.end(self._position, packets)
            self._owed = rest if abs(rest) <= 2 * LAG_LIMIT_SAMPLES else 0
            self._late = 0
        if not slice_cause:
            self._slices_from_us = None
        elif self._slices_from_us is None or self._part != part:
            self._slices_from_us = session_start_us - lead_us
        self._part = part
        if packets:
            end = self.filler.end(self._position, packets)
            output = max(0, self._position - self._pre_skip), end - self._pre_skip
            session = last_end_us, session_start_us
            zero_us = self._slices_from_us
            recorder = (0, 0) if zero_us is None else (last_end_us - zero_us, session_start_us - zero_us)
            cause = slice_cause or "between_parts"
            self._spans.append(Span("silence", part, cause, *output, *recorder, *session, packets))
            self._silent_samples += end - self._position
            self._position = end
        self._origin = self._position
        self._session_us = session_start_us - samples_to_us(pre_skip)
        self._begun = False
        self._from_start = passed_us is None
        self._pauses = sorted(pauses, key=lambda pause: pause.start_us)
        return packets, gap_us

    def place(
        self, times_ms: Sequence[int], durations: Sequence[int], *, more: bool, cause: str = ""
    ) -> tuple[list[Gap], int]:
        """Decide on the part's next packets: their recorder times and durations in samples.

        `more` packets will follow; `cause` says why time passed before the first of these, where that is known (`lost`,
        `suspended`).  Returns the gaps and how many packets are decided on.
        """
        if not self._begun and times_ms:
            self._begun = True
            self._begin_clock(times_ms[0], durations[0])
        gaps: list[Gap] = []
        first = 0
        while (pause_at := self._next_pause(times_ms, durations, first)) is not None:
            gaps += self._place_run(times_ms, durations, first, pause_at, more=False, cause="" if first else cause)[0]
            gaps += self._pass_pause(pause_at)
            first = pause_at
        cause = "" if first else cause
        found, settled = self._place_run(times_ms, durations, first, len(times_ms), more=more, cause=cause)
        return gaps + found, settled

    def end_part(self, lost_ms: int = 0) -> list[Gap]:
        """The gaps after the last packet.

        `lost_ms` that are known to be lost, pauses that lasted until the recorder stopped.
        """
        gaps: list[Gap] = []
        lost = lost_ms * SAMPLES_PER_MS
        if self.filler.length // 2 < lost <= self.room_samples:
            gaps.append(Gap(0, self.filler.count(lost), "lost"))
            self._insert(gaps[0].packets, "lost")
        while self._pauses:
            gaps += self._pass_pause(0)
        self._end_span()
        return [gap for gap in gaps if gap.packets]

    def finish(self) -> Timeline:
        self._end_span()
        return Timeline(self._spans)

    def _begin_clock(self, first_ms: int, duration: int) -> None:
        """Take a first timestamp of a fraction of a packet (Firefox: the codec delay) as where the part's sound begins.

        One of nearly a packet is the time of one that is lost.
        """
        first = first_ms * SAMPLES_PER_MS
        if first < duration // 2 or not self._from_start:
            self._origin -= first
            self._session_us -= samples_to_us(first)

    def _next_pause(self, times_ms: Sequence[int], durations: Sequence[int], first: int) -> int | None:
        """The packet before whose middle the next pause is, None where it is not among these."""
        if not self._pauses or not times_ms:
            return None
        at_ms = (self._pauses[0].start_us - self._session_us) // 1000
        if times_ms[-1] + durations[-1] // (2 * SAMPLES_PER_MS) <= at_ms:
            return None
        return next(
            i
            for i in range(first, len(times_ms) + 1)
            if i == len(times_ms) or times_ms[i] + durations[i] // (2 * SAMPLES_PER_MS) > at_ms
        )

    def _pass_pause(self, index: int) -> list[Gap]:
        pause = self._pauses.pop(0)
        length_us = max(0, pause.end_us - pause.start_us)
        length = us_to_samples(length_us)
        packets = self.filler.count(length) if self._keep_pauses and length <= self.room_samples else 0
        self._insert(packets, "pause", session_skip_us=length_us)
        return [Gap(index, packets, "pause")]

    def _place_run(
        self, times_ms: Sequence[int], durations: Sequence[int], first: int, after: int, *, more: bool, cause: str
    ) -> tuple[list[Gap], int]:
        """Decide on the packets `first` to `after`, between which there is no pause."""
        times_ms, durations = times_ms[first:after], durations[first:after]
        positions = list(accumulate(durations, initial=self._position))
        origin = self._origin
        lags = [
            time_ms * SAMPLES_PER_MS - position + origin for time_ms, position in zip(times_ms, positions, strict=False)
        ]
        if not lags:
            return [], after
        if max(lags) <= LAG_LIMIT_SAMPLES and min(lags) >= -RUN_BACK_SAMPLES:
            self._extend_span(positions, lags, 0, 0)
            return [], after
        found, settled = _lasting_lags(lags, self.filler, self.room_samples, more=more)
        gaps, done, filled, rebased = [], 0, 0, 0
        for index, due, jumped in (*found, (settled, 0, 0)):
            inserted = filled + rebased
            self._extend_span(positions[done : index + 1], lags[done:index], filled, inserted)
            done = index
            length = self.filler.end(self._position, due) - self._position if due else 0
            unheard = self._position + length <= self._pre_skip  # it would be pre-skip
            packets, jump = (0, length or jumped) if unheard else (due, jumped)
            if packets or jump:
                starved = "lost" if length > LONGEST_STARVED_SAMPLES else "starved"
                why = "clock_jump" if jump else (cause if not index else "") or starved
                filled += self._insert(packets, why)
                self._follow_jump(jump)
                gaps.append(Gap(first + index, packets, why))
                rebased += jump
        return gaps, first + settled

    def _extend_span(self, positions: Sequence[int], lags: Sequence[int], filled: int, corrected: int) -> None:
        """Add packets to the span at hand: their positions and the end of the last, and their lags.

        Both were computed before `filled` samples of silence were put before them; `corrected` is what the lags
        shrank by.
        """
        if not lags:
            return
        if self._span_start is None:
            self._span_start = self._position
        self._lag_sum += sum(lags) - corrected * len(lags)
        self._lag_count += len(lags)
        self._position = positions[-1] + filled

    def _follow_jump(self, samples: int) -> None:
        """Let the recorder clock run on from where it jumped to, without time having passed."""
        self._origin -= samples
        self._session_us -= samples_to_us(samples)

    def _end_span(self) -> None:
        """Write down the recorded span at hand.  Its clocks are set by all its packets, as single timestamps jitter."""
        if self._span_start is None:
            return
        start, end = max(self._pre_skip, self._span_start), self._position
        if end <= start:  # all of it is pre-skip, which is not played
            self._span_start = None
            self._lag_sum = self._lag_count = 0
            return
        lag = self._late = self._lag_sum // self._lag_count
        recorder_start = samples_to_us(start - self._origin + lag)
        recorder_end = recorder_start + samples_to_us(end - start)
        session_start, session_end = (self._session_us + us for us in (recorder_start, recorder_end))
        last = self._spans[-1] if self._spans else None
        overlap_us = last.recorder_end_us - recorder_start if last and last.part == self._part else 0
        if last and 0 < overlap_us <= samples_to_us(RUN_BACK_SAMPLES):  # jitter; a clock that jumped back is followed
            recorder_start = min(last.recorder_end_us, recorder_end)
        if last and last.session_end_us > session_start:
            session_start = min(last.session_end_us, session_end)
        if self._slices_from_us is not None:
            recorder_start, recorder_end = (us - self._slices_from_us for us in (session_start, session_end))
        output = (start - self._pre_skip, end - self._pre_skip)
        self._spans.append(
            Span("recorded", self._part, "", *output, recorder_start, recorder_end, session_start, session_end)
        )
        self._span_start = None
        self._lag_sum = self._lag_count = 0

    def _insert(self, packets: int, cause: str, *, session_skip_us: int = 0) -> int:
        """End the span at hand and put silence after it; returns its length.  Clocks are filled in from both sides."""
        self._end_span()
        last = self._spans[-1] if self._spans else None
        samples = self.filler.end(self._position, packets) - self._position if packets else 0
        clock_stops = cause == "pause"
        length_us = samples_to_us(samples)
        recorder = last.recorder_end_us if last and last.part == self._part else 0
        session = last.session_end_us if last else self._session_us
        if packets:
            output = max(0, self._position - self._pre_skip), self._position - self._pre_skip + samples
            recorder_end = recorder if clock_stops else recorder + length_us
            session_end = session + (session_skip_us or length_us)
            clocks = recorder, recorder_end, session, session_end
            self._spans.append(Span("silence", self._part, cause, *output, *clocks, packets))
        self._position += samples
        self._silent_samples += samples
        self._session_us += session_skip_us
        if clock_stops:
            self._origin += samples
        return samples


def _lasting_lags(
    lags: Sequence[int], filler: Filler, room: int, *, more: bool
) -> tuple[list[tuple[int, int, int]], int]:
    """Where the samples stay off the recorder clock, and how many of the `lags` (samples) are decided on.

    There is `room` for so many samples of silence.  Each place is (index, silent packets due, jump): one of the two is
    0; a jump is followed instead of filled.
    """
    due: list[tuple[int, int, int]] = []
    corrected = 0
    for index, lag in enumerate(lags):
        if -RUN_BACK_SAMPLES <= lag - corrected <= LAG_LIMIT_SAMPLES:
            continue
        if more and index + LASTING_PACKETS > len(lags):
            return due, index
        window = lags[index : index + LASTING_PACKETS]
        behind, ahead = min(window) - corrected, max(window) - corrected
        if LAG_LIMIT_SAMPLES < behind <= room:
            packets = filler.count(behind)
            if packets:
                due.append((index, packets, 0))
            room -= packets * filler.length
            corrected += packets * filler.length
        elif behind > max(room, LAG_LIMIT_SAMPLES) or ahead < -RUN_BACK_SAMPLES:
            jump = lag - corrected
            due.append((index, 0, jump))
            corrected += jump
    return due, len(lags)
