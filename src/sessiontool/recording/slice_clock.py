"""One clock through all slices: ffmpeg's segments go on with the times of the recording that they are cut from.

It puts them in order, and shows what is missing though their numbers go on.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from . import findings
from .packet_times import JUMP_MS
from .slice_seams import SHARED_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..model import ChunkRef, Finding
    from .survey import ChunkSurvey

_MOST_BEFORE = 10
"""Slices, as units of the usual length, that may be lost before the first; chosen: a clock that shows more than that
there did not begin with the recording, as where ffmpeg keeps the times of a stream."""
_MOSTLY = 0.6
"""Of the slices that have times; chosen: of the others a time is wrong, or they are of another recording."""


def on_one_clock(surveys: Sequence[ChunkSurvey]) -> list[ChunkSurvey]:
    """The slices, in order, of which each begins where one before has ended; none where recorders began at zero."""
    timed = sorted((one for one in surveys if one.digests and one.start_ms is not None), key=_start_ms)
    in_row = timed[:1]
    for one in timed[1:]:
        if _start_ms(one) >= (in_row[-1].end_ms or 0.0) - SHARED_MS:
            in_row.append(one)
    return in_row if len(in_row) > 1 and len(in_row) >= _MOSTLY * len(timed) else []


def _start_ms(one: ChunkSurvey) -> float:
    return one.start_ms or 0.0


class SliceClock:
    """Says of slices what their one clock shows; nothing where there is none.

    One that `is_damaged` has lost its own end, too, as far as it is shorter than others.
    """

    def __init__(self, surveys: Sequence[ChunkSurvey], is_damaged: Callable[[ChunkSurvey], bool]) -> None:
        self._in_row = on_one_clock(surveys)
        self._shows_ms = {one.chunk: _start_ms(one) for one in self._in_row}
        usual_ms = median([one.length_ms for one in self._in_row] or [0.0])
        self._lost_ms: dict[ChunkRef, float] = {}
        first_ms = _start_ms(self._in_row[0]) if self._in_row else 0.0
        ended_ms = self._zero_ms = first_ms if first_ms > _MOST_BEFORE * usual_ms else 0.0
        for one in self._in_row:
            if (lost_ms := _start_ms(one) - ended_ms) > JUMP_MS:
                self._lost_ms[one.chunk] = lost_ms
            cut_ms = usual_ms - one.length_ms if is_damaged(one) else 0.0
            ended_ms = (one.end_ms or 0.0) + max(0.0, cut_ms)
        by_number, in_row = sorted(surveys, key=lambda one: one.chunk.seq), iter(self._in_row)
        self.slices = [(one.chunk.seq, next(in_row) if one.chunk in self._shows_ms else one) for one in by_number]
        """The slices by number, those with the clock in its order under their numbers."""

    def shows_ms(self, chunk: ChunkRef) -> float:
        """What the clock shows where a slice begins; 0 where its own recorder began."""
        return self._shows_ms.get(chunk, 0.0)

    def lost_ms(self, chunk: ChunkRef) -> float:
        """How long what is missing before a slice lasted, by the clock."""
        return self._lost_ms.get(chunk, 0.0)

    def starts_of(self, starts_ms: Sequence[float | None]) -> list[float | None]:
        """When the slices began on the session clock: by the one that they share, else as noted in `starts_ms`."""
        clocks_ms = [self._shows_ms.get(one.chunk) for _, one in self.slices]
        both = [(a, b) for a, b in zip(starts_ms, clocks_ms, strict=True) if a is not None and b is not None]
        origin_ms = median([start - clock for start, clock in both] or [-self._zero_ms])
        return [a if b is None else origin_ms + b for a, b in zip(starts_ms, clocks_ms, strict=True)]

    def findings(self, gone: Sequence[int]) -> Iterator[Finding]:
        """The slices that changed places, and what is missing where no number is `gone`."""
        for number, one in self.slices:
            if one.chunk in self._shows_ms and one.chunk.seq != number:
                yield findings.out_of_order(one.chunk, by="the clock that runs through all files decides")
        before = -1
        for number, one in self.slices:
            if self.lost_ms(one.chunk) and not any(before < n < number for n in gone):
                yield findings.unnumbered(one.chunk, self.lost_ms(one.chunk))
            before = number
