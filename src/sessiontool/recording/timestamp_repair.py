"""Which times of a recorder run are right, and where packets belong whose own times are wrong or lost.

A run's packets come in groups that share one base of times (a cluster, a page, a fragment).  Inside a group times are
relative and agree; a base may be lost with a chunk, or damaged: one bit of it moves five seconds of sound by minutes.
So every base is evidence, and so are its neighbours, the recorder's steady count of samples, and the instants at which
blobs were handed over.  The answer is the set of bases that contradict one another least: a path through the groups, by
dynamic programming, where leaving a group out, a clock that steps ahead without a loss, and one that runs back cost.

Groups that are left out, and those without a base, are placed between those that are believed: right after or right
before them where no bytes are missing in between, never across a gap.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from statistics import median_low
from typing import TYPE_CHECKING

from ..model import SAMPLES_PER_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


_EDGE_PACKETS = 8
"""Timestamps jitter by 10 ms, and by 250 on a busy page (measured): of as many (chosen) the earliest is right."""

STEP_MS = 25
"""Between two groups of a recorder that lost nothing the clock steps by 8 ms at most (measured on 28 recordings)."""

_LEFT_OUT, _LEFT_OUT_AT_ZERO, _LEFT_OUT_WITH_ITS_BASE = 1.0, 2.0, 0.2  # costs of a group; chosen
_STEP_AHEAD, _STEP_LIKE_A_BIT, _STEP_BACK = 0.6, 1.5, 2.2  # costs of a step between groups; chosen
_DOUBTED, _ODD_GAP = 0.3, 0.7  # factor of a cost, and a cost; chosen
_FEW_PACKETS = 2  # chosen: smaller groups cost less
_BIT_JITTER_MS = 12  # chosen: timestamps jitter by 10 ms (measured)
_LONGEST_PATH = 400  # groups left out in succession; chosen: bounds the time that it takes
_LAG_MS = 1000  # chosen: above what a busy page delays (658 ms, measured)


@dataclass(slots=True)
class Group:
    """Consecutive packets that share one base of times; `claimed` says whether that base was read.

    `times_ms` are as read: where not `claimed` they count from the last base that was.  `after_break`: bytes are
    missing before it, and they probably lasted `lost_ms`; one that does not `has_base` goes on with the base of the
    group before.  `blob_lag_ms` is how much later than the group's end its blob came, None where that is not known.
    """

    piece: int
    claimed: bool
    after_break: bool
    lost_ms: float = 0.0
    times_ms: array[int] = field(default_factory=lambda: array("q"))
    durations: array[int] = field(default_factory=lambda: array("q"))
    blob_lag_ms: float | None = None
    last_piece: int = 0
    is_head: bool = False
    has_base: bool = True

    @property
    def length_ms(self) -> float:
        return sum(self.durations) / SAMPLES_PER_MS

    def offsets(self) -> tuple[float, float]:
        """Where its sample count begins on its own clock: by its first packets, and by its last."""
        starts = accumulate(self.durations, initial=0)
        off = [time - start / SAMPLES_PER_MS for time, start in zip(self.times_ms, starts, strict=False)]
        return _earliest(off[:_EDGE_PACKETS]), _earliest(off[-_EDGE_PACKETS:])


def _earliest(off_ms: Sequence[float]) -> float:
    """The earliest of a few packets, without a single one that a wrong bit makes too early."""
    first, *others = sorted(off_ms)
    return others[0] if others and off_ms[0] != first and looks_like_a_bit(others[0] - first) else first


@dataclass(frozen=True, slots=True)
class Repair:
    """What was decided of each group: `shifts_ms` to add to its times, and the indexes of those `outvoted`."""

    shifts_ms: Sequence[int]
    outvoted: Sequence[int]


def repair(groups: Sequence[Group], *, from_start: bool, ticks_per_ms: int = 1) -> Repair:
    """Decide on the groups of one run.

    `from_start`: its first group is where its recorder began.  `ticks_per_ms`: how fine the container counts time.
    """
    edges = [group.offsets() for group in groups]
    lengths = [group.length_ms for group in groups]
    before = list(accumulate(lengths, initial=0.0))
    heads = [edge[0] - done for edge, done in zip(edges, before, strict=False)]
    tails = [edge[1] - done for edge, done in zip(edges, before, strict=False)]
    believed = _Path(groups, heads, tails, from_start, ticks_per_ms).best()
    # What the recorder dropped inside a group is among its times.
    extents = [length + max(0.0, tail - head) for length, (head, tail) in zip(lengths, edges, strict=True)]
    starts = _place(groups, edges, extents, believed)
    shifts = [round(start - edge[0]) for start, edge in zip(starts, edges, strict=True)]
    chosen = set(believed)
    outvoted = [index for index, group in enumerate(groups) if group.claimed and index not in chosen]
    return Repair([0 if index in chosen and abs(s) <= 1 else s for index, s in enumerate(shifts)], outvoted)


def looks_like_a_bit(step_ms: float, ticks_per_ms: int = 1) -> bool:
    """Whether a step is what one wrong bit makes in a timestamp that counts `ticks_per_ms`."""
    size = round(abs(step_ms) * ticks_per_ms)
    nearest = 1 << max(0, size.bit_length() - 1)
    off = min(abs(size - nearest), abs(size - 2 * nearest))
    return abs(step_ms) > STEP_MS and off <= _BIT_JITTER_MS * ticks_per_ms


@dataclass(frozen=True, slots=True)
class _Node:
    """Groups that agree, from `first` to `last`: their clock at both ends less the samples up to there."""

    first: int
    last: int
    head_ms: float
    tail_ms: float


class _Path:
    """The cheapest sequence of groups whose bases are believed."""

    def __init__(
        self,
        groups: Sequence[Group],
        heads: Sequence[float],
        tails: Sequence[float],
        from_start: bool,
        ticks_per_ms: int,
    ) -> None:
        self._ticks_per_ms = ticks_per_ms
        self._groups = groups
        self._from_start = from_start
        self._breaks = list(accumulate((group.after_break for group in groups), initial=0))
        self._lost = list(accumulate((group.lost_ms for group in groups), initial=0.0))
        costs = (self._cost_of_leaving(index) for index in range(len(groups)))
        self._left_out = list(accumulate(costs, initial=0.0))
        self._nodes = list(_nodes(groups, heads, tails))

    def best(self) -> list[int]:
        """Indexes of the believed groups, in order."""
        cheapest: list[float] = []
        came_from: list[int] = []
        for number, node in enumerate(self._nodes):
            cost, source = self._left_out[node.first] + self._cost_of_beginning(node), -1
            for other in range(max(0, number - _LONGEST_PATH), number):
                before = self._nodes[other]
                between = self._left_out[node.first] - self._left_out[before.last + 1]
                total = cheapest[other] + between + self._cost_of_step(before, node)
                if total < cost:
                    cost, source = total, other
            cheapest.append(cost)
            came_from.append(source)
        ends = [
            (cost + self._left_out[-1] - self._left_out[node.last + 1], number)
            for number, (node, cost) in enumerate(zip(self._nodes, cheapest, strict=True))
        ]
        path: list[int] = []
        at = min(ends)[1] if ends else -1
        while at >= 0:
            path[:0] = range(self._nodes[at].first, self._nodes[at].last + 1)
            at = came_from[at]
        return path

    def _cost_of_leaving(self, index: int) -> float:
        group = self._groups[index]
        if not group.claimed:
            return 0.0
        share = min(1.0, len(group.times_ms) / _FEW_PACKETS)
        if index and not group.has_base:
            return _LEFT_OUT_WITH_ITS_BASE * share
        if not index and self._from_start and not group.after_break and abs(group.offsets()[0]) <= STEP_MS:
            return _LEFT_OUT_AT_ZERO * share  # where a recorder begins
        return _LEFT_OUT * share * (_DOUBTED if self._is_contradicted(index) else 1.0)

    def _is_contradicted(self, index: int) -> bool:
        """Whether a group's blob was handed over at another time than its neighbours' blobs say for its own times."""
        lag = self._groups[index].blob_lag_ms
        if lag is None:
            return False
        groups = self._groups
        before = next((g.blob_lag_ms for g in reversed(groups[:index]) if g.blob_lag_ms is not None), None)
        after = next((g.blob_lag_ms for g in groups[index + 1 :] if g.blob_lag_ms is not None), None)
        others = [other for other in (before, after) if other is not None]
        return bool(others) and all(abs(lag - other) > _LAG_MS for other in others)

    def _cost_of_beginning(self, node: _Node) -> float:
        step = node.head_ms
        if not self._from_start or self._breaks[node.first + 1] or abs(step) <= _LAG_MS:
            return 0.0
        return _STEP_LIKE_A_BIT if looks_like_a_bit(step, self._ticks_per_ms) else _STEP_AHEAD

    def _cost_of_step(self, before: _Node, after: _Node) -> float:
        step = after.head_ms - before.tail_ms
        broken = self._breaks[after.first + 1] > self._breaks[before.last + 1]
        if step < -STEP_MS:
            return _STEP_BACK
        if broken:
            expected = self._lost[after.first + 1] - self._lost[before.last + 1]
            return min(_ODD_GAP, _ODD_GAP * abs(step - expected) / (expected + 2000.0))
        if step <= STEP_MS or self._blob_lags_agree(before.last, after.first):
            return 0.0
        return _STEP_LIKE_A_BIT if looks_like_a_bit(step, self._ticks_per_ms) else _STEP_AHEAD

    def _blob_lags_agree(self, before: int, after: int) -> bool:
        lags = self._groups[before].blob_lag_ms, self._groups[after].blob_lag_ms
        return lags[0] is not None and lags[1] is not None and abs(lags[0] - lags[1]) <= _LAG_MS / 2


def _nodes(groups: Sequence[Group], heads: Sequence[float], tails: Sequence[float]) -> Iterator[_Node]:
    """The groups with a base, those as one that follow one another without a loss or a step."""
    first = None
    for index, group in enumerate(groups):
        if not group.claimed:
            continue
        if first is None:
            first = last = index
        elif last == index - 1 and not group.after_break and abs(heads[index] - tails[last]) <= STEP_MS:
            last = index
        else:
            yield _Node(first, last, heads[first], tails[last])
            first = last = index
    if first is not None:
        yield _Node(first, last, heads[first], tails[last])


def _place(
    groups: Sequence[Group],
    edges: Sequence[tuple[float, float]],
    lengths: Sequence[float],
    believed: Sequence[int],
) -> list[float]:
    """Where each group begins on the recorder's clock, in ms."""
    starts: list[float] = [edge[0] for edge in edges]
    period, bases = _period(edges, believed)
    jumped, end, first = 0.0, None, 0
    for index in (*believed, len(groups)):
        begin = edges[index][0] if index < len(groups) else None
        if begin is not None and end is not None:
            waiting = sum(lengths[first:index])
            begin += jumped
            if begin < end + waiting - STEP_MS:  # the clock ran back, and is followed from there
                jumped += end + waiting - begin
                begin = end + waiting
        between = _Between(groups, lengths, edges, first, index)
        between.place(starts, end, begin, lambda group: _by_base(group, edges, period, bases))
        if index == len(groups):
            break
        assert begin is not None
        starts[index] = begin
        end = begin + lengths[index]
        first = index + 1
    return starts


class _Between:
    """The groups `first` to `after`, none of which has a base that is believed."""

    def __init__(
        self,
        groups: Sequence[Group],
        lengths: Sequence[float],
        edges: Sequence[tuple[float, float]],
        first: int,
        after: int,
    ) -> None:
        self._groups, self._lengths, self._edges = groups, lengths, edges
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
        if joined_before:
            end = self._lay(starts, stretches.pop(0), end or 0.0)
        if joined_after and stretches:
            stretch = stretches.pop()
            begin = (begin or 0.0) - self._length(stretch)
            self._lay(starts, stretch, begin)
        self._spread(starts, stretches, end, begin, by_base)

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
        for number, stretch in enumerate(stretches):
            left = sum(map(self._length, stretches[number:]))
            guess = at + self._groups[stretch.start].lost_ms
            if begin is not None:
                guess = min(guess, begin - left)
            latest = begin - left if begin is not None else None
            # The base that its times were counted from may be its own, or one that is lost with what is missing.
            places = [self._edges[stretch.start][0], *by_base(stretch.start)]
            fits = [t for t in places if t >= at - STEP_MS and (latest is None or t <= latest + STEP_MS)]
            at = self._lay(starts, stretch, max(at, min(fits, key=lambda t: abs(t - guess)) if fits else guess))


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
