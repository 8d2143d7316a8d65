"""Positions in a result and on the clock of each part's recorder: what a report's timeline says of both.

The recorder's clock is what stays: a chunk that arrives late moves positions in `audio.webm`, and no packet's time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...documents.redactions import PartTime
from ...model import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Stretch = tuple[int, int]


class _Piece(Struct, frozen=True):
    """A span of the timeline that has a length on both clocks."""

    part: str
    start: int
    end: int
    recorder_ms: tuple[float, float]
    session_ms: tuple[float, float]

    def to_recorder(self, start: int, end: int) -> PartTime:
        low, high = (_moved(at, (self.start, self.end), self.recorder_ms) for at in (start, end))
        return PartTime(self.part, round(low, 3), round(high, 3))

    def to_output(self, time: PartTime) -> Stretch | None:
        low, high = max(time.start_ms, self.recorder_ms[0]), min(time.end_ms, self.recorder_ms[1])
        if low >= high:
            return None
        start, end = (_moved(at, self.recorder_ms, (self.start, self.end)) for at in (low, high))
        return int(start), -int(-end // 1)


class Places:
    """The timeline of a report, which has the shape of one."""

    def __init__(self, timeline: Iterable[Mapping[str, Any]]) -> None:
        self._pieces = [
            _Piece(
                span["part"],
                span["output_samples"][0],
                span["output_samples"][1],
                tuple(span["recorder_ms"]),
                tuple(span["session_ms"]),
            )
            for span in timeline
            if span["output_samples"][0] < span["output_samples"][1] and span["recorder_ms"][0] < span["recorder_ms"][1]
        ]

    def to_recorder(self, stretch: Stretch) -> tuple[PartTime, ...]:
        """A stretch of output samples on the recorders' clocks; empty where nothing was recorded in it."""
        start, end = stretch
        inside = (one for one in self._pieces if one.start < end and one.end > start)
        return tuple(one.to_recorder(max(start, one.start), min(end, one.end)) for one in inside)

    def to_output(self, times: Iterable[PartTime]) -> list[Stretch]:
        """Times of recorders as output samples, as far as the recording has them."""
        return [place for time in times for one in self._of(time.part) if (place := one.to_output(time))]

    def to_session_s(self, stretch: Stretch) -> list[tuple[float, float]]:
        """A stretch as seconds of the session clock."""
        found = []
        for one in self._pieces:
            low, high = max(stretch[0], one.start), min(stretch[1], one.end)
            if low < high:
                ends = (_moved(at, (one.start, one.end), one.session_ms) / 1000 for at in (low, high))
                found.append((next(ends), next(ends)))
        return found

    def _of(self, part: str) -> Iterator[_Piece]:
        return (one for one in self._pieces if one.part == part)


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches in order, those that touch as one."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def to_samples(start_s: float, end_s: float) -> Stretch:
    """Seconds as samples, rounded outward."""
    return int(start_s * SAMPLE_RATE), -int(-end_s * SAMPLE_RATE // 1)


def _moved(at: float, of: Sequence[float], to: Sequence[float]) -> float:
    return to[0] + (at - of[0]) * (to[1] - to[0]) / (of[1] - of[0])
