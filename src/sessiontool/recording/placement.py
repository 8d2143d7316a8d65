"""Where groups of packets belong whose own times are wrong or lost: between those that are believed.

Right after or right before them where no bytes are missing in between, never across a gap.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from statistics import median_low
from typing import TYPE_CHECKING

from .time_groups import STEP_MS, flipped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .time_groups import Group

_MOST_DROPPED_MS = 660  # what a busy page drops at once (measured)


def place(
    groups: Sequence[Group],
    edges: Sequence[tuple[float, float]],
    lengths: Sequence[float],
    believed: Sequence[int],
    ran_back: dict[int, float],
    ticks_per_ms: int,
) -> list[float]:
    """Where each group begins on the recorder's clock, in ms; before which groups it `ran_back` is written down.

    The container counts `ticks_per_ms`.
    """
    believed = [index for index in believed if not _hangs_on_a_doubt(index, groups, set(believed))]
    starts: list[float] = [edge[0] for edge in edges]
    period, bases = _period(edges, believed)
    lags_ms = [lag_ms for index in believed if (lag_ms := groups[index].blob_lag_ms) is not None]
    usual_lag_ms = median_low(lags_ms) if lags_ms else None
    jumped, end, first = 0.0, None, 0
    for index in (*believed, len(groups)):
        begin = edges[index][0] if index < len(groups) else None
        if begin is not None and end is not None:
            waiting = sum(lengths[first:index])
            begin += jumped
            if begin < end + waiting - STEP_MS:  # the clock ran back, and is followed from there
                ran_back[index] = end + waiting - begin
                jumped += ran_back[index]
                begin = end + waiting
        between = _Between(groups, lengths, edges, first, index, ticks_per_ms, usual_lag_ms)
        between.place(starts, end, begin, lambda group: _by_base(group, edges, period, bases))
        if index == len(groups):
            break
        assert begin is not None
        starts[index] = begin
        end = begin + lengths[index]
        first = index + 1
    return starts


def _hangs_on_a_doubt(index: int, groups: Sequence[Group], believed: set[int]) -> bool:
    """Whether a group is the head of a piece, with a base before that, and what follows in it is not believed."""
    group, after = groups[index], groups[index + 1] if index + 1 < len(groups) else None
    is_mere_head = group.is_head and not group.has_base
    return is_mere_head and after is not None and after.piece == group.piece and index + 1 not in believed


class _Between:
    """The groups `first` to `after`, none of which has a base that is believed."""

    def __init__(
        self,
        groups: Sequence[Group],
        lengths: Sequence[float],
        edges: Sequence[tuple[float, float]],
        first: int,
        after: int,
        ticks_per_ms: int,
        usual_lag_ms: float | None,
    ) -> None:
        self._groups, self._lengths, self._edges = groups, lengths, edges
        self._ticks_per_ms = ticks_per_ms
        self._usual_lag_ms = usual_lag_ms
        self._first, self._after = first, after

    def place(
        self, starts: list[float], end: float | None, begin: float | None, by_base: Callable[[int], list[float]]
    ) -> None:
        """Place them between `end` of what is before and `begin` of what is after; None where nothing is."""
        if self._first == self._after:
            return
        stretches = self._unbroken()
        joined_before = end is not None and not self._breaks_at(stretches[0][0])
        joined_after = begin is not None and not self._breaks_at(self._after)
        if joined_before and joined_after and len(stretches) == 1:
            self._split_between_pieces(stretches, end or 0.0, (begin or 0.0) - (end or 0.0))
        if joined_before:
            stretch = stretches.pop(0)
            latest = begin - self._length(stretch) if begin is not None and joined_after and not stretches else None
            end = self._go_on(starts, stretch, end or 0.0, latest)
        if joined_after and stretches:
            stretch = stretches.pop()
            begin = (begin or 0.0) - self._length(stretch)
            self._lay(starts, stretch, begin)
        if not stretches:
            return
        self._spread(starts, stretches, end, begin, by_base)

    def _split_between_pieces(self, stretches: list[range], end: float, room_ms: float) -> None:
        """Cut a stretch where chunks are lost that no number shows: between two pieces, if that is one place alone.

        The stretch comes behind `end`, and has `room_ms`.
        """
        stretch = stretches[0]
        if room_ms - self._length(stretch) <= _MOST_DROPPED_MS:
            return
        groups = self._groups
        meets = [i for i in range(max(1, self._first), self._after + 1) if groups[i].piece != groups[i - 1].last_piece]
        known = self._is_behind_the_loss(stretch, end, room_ms - self._length(stretch)) if len(meets) > 1 else None
        if known is not None:
            at, is_behind = known
            sides = [meet for meet in meets if (meet <= at) == is_behind]
            meets = sides[-1:] if is_behind else sides[:1]
        if len(meets) == 1:
            stretches[:] = [range(stretch.start, meets[0]), range(meets[0], stretch.stop)]

    def _is_behind_the_loss(self, stretch: range, end: float, lost_ms: float) -> tuple[int, bool] | None:
        """A group of a stretch behind `end`, and whether it is behind what is lost there; None where nothing says so.

        When its blob was handed over does, and its own base if one wrong bit takes it to one of the two places.
        """
        known = next((i for i in stretch if self._groups[i].blob_lag_ms is not None), None)
        if known is not None and self._usual_lag_ms is not None:
            ends_ms = self._edges[known][0] + (self._groups[known].blob_lag_ms or 0.0) - self._usual_lag_ms
            by_start = end + self._length(range(stretch.start, known))
            return known, abs(ends_ms - by_start) > abs(ends_ms - by_start - lost_ms)
        for index in stretch:
            by_start = end + self._length(range(stretch.start, index))
            places = [self._edges[index][0] + ms for ms in flipped(self._groups[index], self._ticks_per_ms)]
            fits = [any(abs(ms - place) <= STEP_MS for ms in places) for place in (by_start, by_start + lost_ms)]
            if self._groups[index].claimed and any(fits) and not all(fits):
                return index, fits[1]
        return None

    def _go_on(self, starts: list[float], stretch: range, at: float, latest: float | None) -> float:
        """Lay groups behind `at`, later where a right base, or one but for a bit, says that sound was dropped.

        The first of them begins by `latest`, where something follows at once.
        """
        spare = _MOST_DROPPED_MS if latest is None else max(0.0, latest - at + STEP_MS)
        for index in stretch:
            group, raw = self._groups[index], self._edges[index][0]
            places = self._with_the_base_before(starts, index)
            if not places and group.claimed:
                places = [raw + by_ms for by_ms in flipped(group, self._ticks_per_ms)]
            later = min((p - at for p in places if -STEP_MS <= p - at <= min(spare, _MOST_DROPPED_MS)), default=0.0)
            later = later if later > STEP_MS else 0.0
            starts[index] = at + later
            at, spare = starts[index] + self._lengths[index], spare - later
        return at

    def _unbroken(self) -> list[range]:
        """The groups, those together between which nothing is missing."""
        cuts = [i for i in range(self._first, self._after) if i == self._first or self._breaks_at(i)]
        return [range(a, b) for a, b in zip(cuts, [*cuts[1:], self._after], strict=True)]

    def _breaks_at(self, index: int) -> bool:
        return index < len(self._groups) and self._groups[index].after_break

    def _length(self, stretch: range) -> float:
        return sum(self._lengths[stretch.start : stretch.stop])

    def _lay(self, starts: list[float], stretch: range, at: float) -> float:
        for index in stretch:
            starts[index] = at
            at += self._lengths[index]
        return at

    def _spread(
        self,
        starts: list[float],
        stretches: list[range],
        end: float | None,
        begin: float | None,
        by_base: Callable[[int], list[float]],
    ) -> None:
        """Place stretches with gaps on both sides: by where their lost base must have been, else by what is missing."""
        at = end if end is not None else 0.0
        torn, more = self._unexplained(stretches, at, begin)
        for number, stretch in enumerate(stretches):
            left = sum(map(self._length, stretches[number:]))
            guess = at + self._groups[stretch.start].lost_ms + (more if number == torn else 0.0)
            if begin is not None:
                guess = min(guess, begin - left)
            latest = begin - left if begin is not None else None
            # With a clock behind them they may be anywhere before it; else what is lost took its time.
            least = at - STEP_MS if begin is not None else (at + guess) / 2 - STEP_MS
            # The base that its times were counted from may be its own, or one that is lost with what is missing.
            places = self._with_the_base_before(starts, stretch.start)
            places = places or [self._edges[stretch.start][0], *by_base(stretch.start)]
            fits = [t for t in places if t >= least and (latest is None or t <= latest + STEP_MS)]
            at = self._lay(starts, stretch, max(at, min(fits, key=lambda t: abs(t - guess)) if fits else guess))

    def _unexplained(self, stretches: Sequence[range], at: float, begin: float | None) -> tuple[int, float]:
        """Before which stretch more is lost than is known, and how much; that is 0 where it may be before several.

        What is damaged inside a piece lasted as long as its bytes say; between two pieces others may be lost.
        """
        if begin is None:
            return -1, 0.0
        torn = [index for index in range(self._first, self._after + 1) if self._breaks_at(index)]
        between = [i for i in torn if i and self._groups[i].piece != self._groups[i - 1].last_piece]
        more = begin - at - sum(map(self._length, stretches)) - sum(self._groups[index].lost_ms for index in torn)
        numbers = [number for number, stretch in enumerate(stretches) if [stretch.start] == between]
        return (numbers[0], max(0.0, more)) if numbers else (-1, 0.0)

    def _with_the_base_before(self, starts: Sequence[float], index: int) -> list[float]:
        """Where a group begins that counts from the same base as the one before it, which is placed, right or wrong."""
        group, before = self._groups[index], self._groups[index - 1]
        if not index or group.has_base or not (group.claimed and before.claimed):
            return []
        return [starts[index - 1] + self._edges[index][0] - self._edges[index - 1][0]]


def _period(edges: Sequence[tuple[float, float]], believed: Sequence[int]) -> tuple[float, list[float]]:
    """How far bases usually are apart, 0 where that is not steady, and the believed ones."""
    bases = [edges[index][0] for index in believed]
    steps = [b - a for a, b in pairwise(bases)]
    if len(steps) < 3:
        return 0.0, bases
    usual = median_low(steps)
    steady = sum(abs(step - usual) <= STEP_MS * 2 for step in steps)
    return (usual if steady * 2 > len(steps) else 0.0), bases


def _by_base(index: int, edges: Sequence[tuple[float, float]], period: float, bases: Sequence[float]) -> list[float]:
    """The places that a group without a base can have, where bases are a steady `period` apart."""
    if not period or not bases:
        return []
    raw = edges[index][0]
    base = bases[max(0, bisect_left(bases, raw) - 1)]  # the one that its times were counted from
    relative = (raw - base) % period
    return [base + relative + period * n for n in range(-len(bases) - 64, len(bases) + 64)]
