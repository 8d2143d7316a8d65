"""What it costs that chunks follow one another: how well their numbers, clocks, clusters, bytes and damage agree.

Costs below 0 speak for a seam, costs above it are contradictions; each testimony is one of several and may be wrong.
What the recorder noted is one of them: a chunk has the number under which it was noted, or its own.
"""

from __future__ import annotations

from bisect import bisect_left
from math import inf, isnan, nan
from statistics import median
from typing import TYPE_CHECKING

from .recorders import CONTINUES_MS
from .time_groups import STEP_MS, looks_like_a_bit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import ChunkRef
    from .chunk_clocks import Handed
    from .recorders import IsNoted
    from .survey import ChunkSurvey

_ITS_SEAM, _JOINED, NEXT_IN_TIME, _NEXT = -1.5, -0.5, -0.3, -0.3
"""Costs of a seam: with bytes that both have, in one cluster, in time, in number; chosen."""
_OVERLAPS, _OF_ANOTHER_CLUSTER, _NOT_ITS_SEAM = 1.5, 0.7, 1.5  # costs of a contradiction; chosen
_RUNS_BACK, _RUNS_BACK_AS_LISTED, _RUNS_BACK_UNLIKE, _RUNS_BACK_AS_NOTED = 0.6, 1.0, 2.0, 3.0
"""Costs of numbers that fall: their own, those in the recorder's list, that of a whole chunk that is unlike all that it
noted, those under which it noted both; chosen."""
EXCHANGED = -0.6  # cost of a chunk that has the place of the one that has its place; chosen: as numbers that fall
_LOSS, _UNKNOWN_LOSS = 0.3, 0.7  # costs of a gap, where a number is missing or bytes are, and where none is; chosen
_LEFT_OUT, _UNLISTED_LEFT_OUT, _NOTED_LEFT_OUT = 0.8, 0.0, 5.0
"""Costs of a chunk that is of no run, of one that the recorder's list has not, and of what it noted; chosen."""
_CLOCK_BIT, _CLOCK_TORN, _CLOCK_ODD = 0.5, 0.7, 3.0
"""Costs of a clock that is not believed: off by one wrong bit, of a damaged chunk, of any other; chosen."""
_DROPPED_MS = 1000  # chosen: above what a busy page drops at once (measured: 660 ms)
_NEAR = 2  # chunks; chosen: those around a place whose costs may change with it
_INEXACT = 0.12  # share of a chunk; chosen: its start is counted back from its first cluster
_FEWEST_NUMBERS = 3  # chunks; chosen: of fewer, none is beyond the others
_LEAST_MISSING = 0.5  # share of a usual chunk; chosen: the last one that is missing may be short
_ROOM = 0.8  # share of a chunk that a gap has room for; chosen


class SeamCosts:
    """The costs of a part's chunks, with what the recorder noted of them."""

    def __init__(self, surveys: Sequence[ChunkSurvey], handed: Handed, is_noted: IsNoted, is_listed: IsNoted) -> None:
        self._numbers, self._all_listed = handed.numbers, handed.listed
        self._read: set[ChunkRef | None] = {one.chunk for one in surveys if one.dialect}
        self._noted = {one.chunk for one in surveys if is_noted(one)}
        self._listed = {one.chunk for one in surveys if is_listed(one)}
        unlike = [one for one in surveys if one.chunk not in self._noted and not (one.damages or one.is_torn_at_end)]
        are_known = 2 * len(self._noted) > len(surveys) and not handed.all_there
        self._unlike = {one.chunk for one in unlike} if are_known else set()
        self._there = {
            is_one: sorted({self.number(one) for one in surveys if not is_one or one.chunk in self._listed})
            for is_one in (True, False)
        }  # numbers of chunks, by whether they are in the recorder's list
        self._usual_ms = _usual_ms([one for one in surveys if one.digests])
        self._far = _far_beyond([self.number(one) for one in surveys])
        near = {is_one: [number for number in its if number < self._far] for is_one, its in self._there.items()}
        self._are_some_missing = {is_one: bool(its) and its[-1] - its[0] >= len(its) for is_one, its in near.items()}

    def number(self, one: ChunkSurvey) -> int:
        """The number by which a chunk is ordered: that under which it was noted, or its own."""
        return self._numbers.get(one.chunk, one.chunk.seq) if self._numbers else one.chunk.seq

    def are_listed(self, chunks: Iterable[ChunkSurvey]) -> bool:
        """Whether any chunk is in the recorder's list."""
        return any(one.chunk in self._listed for one in chunks)

    def left_out(self, one: ChunkSurvey, *, of_listed: bool) -> float:
        """What it costs that a chunk is of no run; `of_listed`: of those of which the recorder listed chunks."""
        if one.chunk in self._noted:
            return _NOTED_LEFT_OUT * one.chunks
        return _UNLISTED_LEFT_OUT if of_listed and one.chunk not in self._listed else _LEFT_OUT * one.chunks

    def around(self, order: Sequence[ChunkSurvey], at: int, count: int = 1) -> float:
        """What `count` chunks from a place on cost, and the seams and clocks beside them, which change with them."""
        total = 0.0
        for index in range(at - _NEAR, at + count + _NEAR + 1):
            total += self.seam(get(order, index - 1), get(order, index))
            if 0 <= index < len(order):
                total += self.at(order, index) - self.clocked(order, index)
        return total

    def at(self, order: Sequence[ChunkSurvey], at: int) -> float:
        """What the chunk at a place costs there, with its clock believed or not, whichever costs less."""
        before, one, after = get(order, at - 1), order[at], get(order, at + 1)
        unclocked = self.seam(before, one, by_clock=False) + self.seam(one, after, by_clock=False) + room(order, at)
        if one.start_ms is None or one.end_ms is None:
            return unclocked
        off_ms = [apart_ms(before, one, 0.0) if before else one.start_ms, -apart_ms(one, after, 0.0) if after else 0]
        earlier = get(order, at - 2)
        if before and earlier and earlier.end_ms is not None:  # the clock before may be wrong as well
            off_ms.append(one.start_ms - earlier.end_ms - before.length_ms)
        is_a_bit = any(looks_like_a_bit(ms, one.ticks_per_ms) for ms in off_ms)
        doubt = _CLOCK_BIT if is_a_bit else _CLOCK_TORN if one.damages and not _agree(one) else _CLOCK_ODD
        return min(self.clocked(order, at), unclocked + doubt)

    def clocked(self, order: Sequence[ChunkSurvey], at: int) -> float:
        """What the chunk at a place costs there if its clock is believed."""
        return self.seam(get(order, at - 1), order[at]) + self.seam(order[at], get(order, at + 1))

    def seam(self, before: ChunkSurvey | None, after: ChunkSurvey | None, *, by_clock: bool = True) -> float:
        """What it costs that a chunk follows another one; None is the beginning or the end."""
        if before is None or after is None:
            return NEXT_IN_TIME if after is not None and after.has_header else 0.0
        cost = self._by_number(before, after)
        if after.follows in self._read:
            return cost + (_ITS_SEAM if after.follows == before.chunk else _NOT_ITS_SEAM)
        return cost + self._by_time(before, after, apart_ms(before, after, nan) if by_clock else nan)

    def _by_number(self, before: ChunkSurvey, after: ChunkSurvey) -> float:
        step = self._step(before, after)
        if self.number(before) >= self._far:
            return _OVERLAPS if after.has_header else 0.0
        cost = _NEXT if step == 1 else 0.0 if step > 0 else self._runs_back(before, after)
        return cost + (_OVERLAPS if after.has_header else 0.0)

    def _step(self, before: ChunkSurvey, after: ChunkSurvey) -> int:
        """How many numbers a chunk is behind another one; among what was noted, how many blobs."""
        numbers = self.number(before), self.number(after)
        if before.chunk in self._numbers and after.chunk in self._numbers:
            numbers = bisect_left(self._all_listed, numbers[0]), bisect_left(self._all_listed, numbers[1])
        return numbers[1] - numbers[0]

    def _skips(self, before: ChunkSurvey, after: ChunkSurvey) -> bool:
        """Whether numbers between those of two chunks are of none that is there."""
        between = (self.number(before), self.number(after))
        known = self._there[before.chunk in self._listed]
        there = bisect_left(known, between[1]) - bisect_left(known, between[0] + 1)
        return self._step(before, after) > 1 + there

    def _are_missing(self, before: ChunkSurvey, after: ChunkSurvey, gap_ms: float) -> bool:
        """Whether a gap may be that of missing chunks: of numbers between, or of as many whole ones as it is long.

        Where numbers rise, chunks of others may have those of the missing ones.
        """
        if gap_ms < _LEAST_MISSING * self._usual_ms:
            return False
        step = self._step(before, after)
        if step > 0 and self._skips(before, after):
            return True
        count = round(gap_ms / self._usual_ms) if self._usual_ms else 0
        may_be = 0 < count < step if step > 0 else self._are_some_missing[before.chunk in self._listed]
        return may_be and abs(gap_ms - count * self._usual_ms) <= CONTINUES_MS

    def _runs_back(self, before: ChunkSurvey, after: ChunkSurvey) -> float:
        pair = {before.chunk, after.chunk}
        if pair <= self._noted and pair <= self._numbers.keys():
            return _RUNS_BACK_AS_NOTED
        if pair & self._unlike:
            return _RUNS_BACK_UNLIKE
        return _RUNS_BACK_AS_LISTED if pair <= self._listed else _RUNS_BACK

    def _by_time(self, before: ChunkSurvey, after: ChunkSurvey, after_ms: float) -> float:
        """What the time between two chunks costs, NaN if it is not known, and that one goes on in another's cluster."""
        is_torn = bool(before.damages or after.damages)
        cluster_ms = in_cluster_ms(before, after)
        if after_ms < -STEP_MS:
            return _OVERLAPS if after_ms < -_INEXACT * min(before.length_ms, after.length_ms) else _LOSS
        if after_ms > CONTINUES_MS and not (after_ms <= _DROPPED_MS and abs(cluster_ms) <= CONTINUES_MS):
            is_its_own = is_torn and after_ms <= self._usual_ms
            return _LOSS if is_its_own or self._are_missing(before, after, after_ms) else _UNKNOWN_LOSS
        if isnan(cluster_ms):
            return NEXT_IN_TIME if abs(after_ms) <= STEP_MS else 0.0
        if abs(cluster_ms) <= STEP_MS:
            return _JOINED if abs(after_ms) <= CONTINUES_MS else NEXT_IN_TIME
        # A busy page drops sound, and never has it twice.
        # What is damaged elsewhere in the two says nothing of the packets at their seam.
        if before.is_torn_at_end or after.is_torn_at_start or 0 < cluster_ms <= CONTINUES_MS:
            return 0.0
        return _LOSS if self._skips(before, after) else _OF_ANOTHER_CLUSTER


def get(order: Sequence[ChunkSurvey], at: int) -> ChunkSurvey | None:
    """The chunk at a place in the order; None before and behind it."""
    return order[at] if 0 <= at < len(order) else None


def may_follow(before: ChunkSurvey, after: ChunkSurvey) -> bool:
    """Whether a chunk begins when another one ends, by their clocks or in a cluster."""
    return abs(apart_ms(before, after, inf)) <= CONTINUES_MS or abs(in_cluster_ms(before, after)) <= STEP_MS


def room(order: Sequence[ChunkSurvey], at: int) -> float:
    """What it costs to put a chunk by its sound alone into the time between two others.

    Of several that have no clock, the first one is put there with the others.
    """
    if at < 1 or (end_ms := order[at - 1].end_ms) is None:
        return 0.0
    sound_ms = order[at].length_ms
    for after in order[at + 1 :]:
        if after.start_ms is not None:
            break
        sound_ms += after.length_ms
    else:
        return 0.0
    spare_ms = after.start_ms - end_ms - sound_ms
    if spare_ms < -STEP_MS:  # one that has a clock with a wrong bit fits but for that
        is_inexact = order[at].start_ms is None and -spare_ms <= max(CONTINUES_MS, _INEXACT * order[at].length_ms)
        return _LOSS if is_inexact else _OVERLAPS
    return NEXT_IN_TIME if spare_ms <= max(CONTINUES_MS, (1 - _ROOM) * order[at].length_ms) else _LOSS


def apart_ms(before: ChunkSurvey, after: ChunkSurvey, unknown: float) -> float:
    """How much time is between two chunks by their clocks."""
    return unknown if before.end_ms is None or after.start_ms is None else after.start_ms - before.end_ms


def in_cluster_ms(before: ChunkSurvey, after: ChunkSurvey) -> float:
    """How much later a chunk goes on in the cluster that another one ends with; NaN where it begins one itself."""
    if not after.counts_from_before:
        return nan
    return min((after.head_ms - ms for ms in (before.tail_ms, before.end_ms) if ms is not None), key=abs)


def _usual_ms(surveys: Sequence[ChunkSurvey]) -> float:
    """How long a chunk usually lasts, with what was dropped in it; of several read as one, each."""
    return median([_lasted_ms(one) / one.chunks for one in surveys for _ in range(one.chunks)] or [0.0])


def _lasted_ms(one: ChunkSurvey) -> float:
    return one.length_ms if one.start_ms is None or one.end_ms is None else one.end_ms - one.start_ms


def _agree(one: ChunkSurvey) -> bool:
    """Whether several bases of times in a chunk agree with one another and with its sound: its clock is not torn."""
    return one.bases > 1 and abs(_lasted_ms(one) - one.length_ms) <= STEP_MS


def _far_beyond(numbers: Iterable[int]) -> float:
    """From which number on they are none: far beyond all others, as of a chunk that was given another name."""
    rising = sorted(numbers)
    while len(rising) > _FEWEST_NUMBERS and rising[-1] - rising[-2] > rising[-2] - rising[0]:
        rising.pop()
    return rising[-1] + 1 if rising else inf
