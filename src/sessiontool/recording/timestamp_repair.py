"""Which times of a recorder run are right, and where packets belong whose own times are wrong or lost.

A run's packets come in groups that share one base of times (a cluster, a page, a fragment).  Inside a group times are
relative and agree; a base may be lost with a chunk, or damaged: one bit of it moves five seconds of sound by minutes.
So every base is evidence, and so are its neighbours, the recorder's steady count of samples, and the instants at which
blobs were handed over.  The answer is the set of bases that contradict one another least: a path through the groups, by
dynamic programming, where leaving a group out, a clock that steps ahead without a loss, and one that runs back cost.

Groups that are left out, and those without a base, are placed between those that are believed (`placement`).
"""

from __future__ import annotations

from itertools import accumulate, islice
from statistics import median_low
from typing import TYPE_CHECKING

from msgspec import Struct

from ..model import SAMPLES_PER_MS
from .placement import place
from .time_groups import STEP_MS, flips, looks_like_a_bit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .time_groups import Group

_LEFT_OUT, _LEFT_OUT_AT_ZERO, _LEFT_OUT_WITHOUT_ITS_BASE = 1.0, 2.0, 0.2  # costs of a group; chosen
_STEP_AHEAD, _STEP_LIKE_A_BIT, _STEP_BACK = 0.6, 1.5, 2.2  # costs of a step between groups; chosen
_LEFT_OUT_BETWEEN = 3.0  # cost of a group with time that passed on both sides of it; chosen
_SMALL_BIT_AT_ZERO = 0.5  # cost of a first group that one bit takes to where a recorder begins; chosen
_DOUBTED, _ODD_GAP = 0.3, 0.7  # factor of a cost, and a cost; chosen
_NO_WHOLE_PACKETS = 0.1  # cost of a loss that is half a packet more than whole ones; chosen: it decides between equals
_LOST_SHARE = 0.5  # of a usual group; chosen: less is no lost chunk
_FEW_PACKETS = 2  # chosen: smaller groups cost less
_LONGEST_PATH = 400  # groups left out in succession; chosen: bounds the time that it takes
_STEADY_STEP_MS = 12  # chosen: above 8 (measured); of a base that is off by 25 to 32, one step may be below STEP_MS
_STEADY_MS, _UNSTEADY_MS = 100, 200  # of the lags of two blobs, and of one between them; chosen (jitter: 122 measured)
_NEIGHBOURS = 2  # blobs on either side; chosen: of a busy page's, one is late
_LAG_MS = 1000  # chosen: above what a busy page delays (658 ms, measured)


class Repair(Struct, frozen=True):
    """What was decided of each group: `shifts_ms` to add to its times, and the indexes of those `outvoted`.

    `ran_back` are the indexes of those before which the clock ran back for good, by so many ms.
    """

    shifts_ms: Sequence[int]
    outvoted: Sequence[int]
    ran_back: Mapping[int, float]


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
    ran_back: dict[int, float] = {}
    starts = place(groups, edges, extents, believed, ran_back, ticks_per_ms)
    shifts = [round(start - edge[0]) for start, edge in zip(starts, edges, strict=True)]
    chosen = set(believed)
    outvoted = [index for index, group in enumerate(groups) if group.claimed and index not in chosen]
    return Repair([0 if index in chosen and abs(s) <= 1 else s for index, s in enumerate(shifts)], outvoted, ran_back)


class _Node(Struct, frozen=True):
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
        self._nodes = list(_nodes(groups, heads, tails))
        self._between_losses = set(self._between())
        costs = (self._cost_of_leaving(index) for index in range(len(groups)))
        self._left_out = list(accumulate(costs, initial=0.0))

    def best(self) -> list[int]:
        """Indexes of the believed groups, in order."""
        cheapest: list[float] = []
        came_from: list[int] = []
        for number, node in enumerate(self._nodes):
            cost, source = self._left_out[node.first] + self._cost_of_beginning(node), -1
            for other in range(max(0, number - _LONGEST_PATH), number):
                before = self._nodes[other]
                between = self._cost_between(before.last, node.first)
                total = cheapest[other] + between + self._cost_of_step(before, node)
                if total < cost:
                    cost, source = total, other
            cheapest.append(cost)
            came_from.append(source)
        ends = [
            (cost + self._cost_between(node.last, len(self._groups)), number)
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
        if index and not group.has_base:
            return 0.0  # it goes with its base, unless that is believed
        share = _share(group)
        if not index and self._from_start and not group.after_break and abs(group.offsets()[0]) <= STEP_MS:
            return _LEFT_OUT_AT_ZERO * share  # where a recorder begins
        if self._is_contradicted(index):
            return _LEFT_OUT * share * _DOUBTED
        return _LEFT_OUT_BETWEEN if index in self._between_losses else _LEFT_OUT * share

    def _between(self) -> Iterator[int]:
        """The groups with time that passed on both sides of them and those they agree with, and no bytes lost there.

        A wrong bit seldom makes that, and several do not err alike: a chunk is lost on either side.  Packets that count
        from the base of a group, in the next chunk, may have lost theirs: then it takes as much as a lost chunk lasts.
        """
        usual_ms = median_low([group.length_ms for group in self._groups if group.has_base] or [0.0])
        for before, node, after in zip(self._nodes, self._nodes[1:], self._nodes[2:], strict=False):
            is_whole = before.last + 1 == node.first and node.last + 1 == after.first
            is_whole = is_whole and self._breaks[after.first + 1] == self._breaks[before.last + 1]
            have_bases = all(self._groups[index].has_base for index in range(before.last, after.first + 1))
            least_ms = _STEADY_STEP_MS if have_bases else _LOST_SHARE * usual_ms
            if is_whole and min(node.head_ms - before.tail_ms, after.head_ms - node.tail_ms) > least_ms:
                yield from range(node.first, node.last + 1)

    def _cost_between(self, last: int, first: int) -> float:
        """What it costs to leave out the groups behind one that is believed and before another one."""
        cost = self._left_out[first] - self._left_out[last + 1]
        after = self._groups[last + 1] if last + 1 < first else None
        is_of_it = after is not None and after.claimed and not after.has_base
        return cost + (_LEFT_OUT_WITHOUT_ITS_BASE * _share(after) if is_of_it and after else 0.0)

    def _is_contradicted(self, index: int) -> bool:
        """Whether a group's blob was handed over at another time than its neighbours' blobs say for its own times."""
        lag = self._groups[index].blob_lag_ms
        if lag is None:
            return False
        groups = self._groups
        # A busy page hands a blob over late, and none early: of a few neighbours the one with the least is right.
        sides = range(index - 1, -1, -1), range(index + 1, len(groups))
        known = ((ms for at in side if (ms := groups[at].blob_lag_ms) is not None) for side in sides)
        others = [min(lags_ms) for side in known if (lags_ms := [*islice(side, _NEIGHBOURS)])]
        steady = len(others) > 1 and abs(others[0] - others[1]) <= _STEADY_MS
        return bool(others) and all(abs(lag - other) > (_UNSTEADY_MS if steady else _LAG_MS) for other in others)

    def _cost_of_beginning(self, node: _Node) -> float:
        step = node.head_ms
        if not self._from_start or self._breaks[node.first + 1] or abs(step) <= STEP_MS:
            return 0.0
        if abs(step) <= _LAG_MS:  # a recorder begins at zero
            return _SMALL_BIT_AT_ZERO if not node.first and flips(self._groups[0], -step) else 0.0
        return _STEP_LIKE_A_BIT if looks_like_a_bit(step, self._ticks_per_ms) else _STEP_AHEAD

    def _cost_of_step(self, before: _Node, after: _Node) -> float:
        step = after.head_ms - before.tail_ms
        broken = self._breaks[after.first + 1] > self._breaks[before.last + 1]
        if step < -STEP_MS:
            return _STEP_BACK
        if broken:
            expected = self._lost[after.first + 1] - self._lost[before.last + 1]
            odd = min(_ODD_GAP, _ODD_GAP * abs(step - expected) / (expected + 2000.0))
            return odd + _NO_WHOLE_PACKETS * self._share_of_a_packet(after.first, step)
        if step <= STEP_MS or self._blob_lags_agree(before.last, after.first, step):
            return 0.0
        if self._between_losses:  # chunks are lost here: one more is likelier than a wrong bit
            return _STEP_AHEAD
        return _STEP_LIKE_A_BIT if self._may_be_a_bit(before, after, step) else _STEP_AHEAD

    def _share_of_a_packet(self, index: int, step: float) -> float:
        """How far what was lost before a group is from whole packets, in halves of one."""
        packet_ms = self._groups[index].durations[0] / SAMPLES_PER_MS
        return 2 * abs(step - round(step / packet_ms) * packet_ms) / packet_ms if packet_ms else 0.0

    def _may_be_a_bit(self, before: _Node, after: _Node, step: float) -> bool:
        """Whether a step ahead is one wrong bit of a single base, before it or after it; several do not err alike."""
        if self._ticks_per_ms > 1:  # the base was rounded: which bits it had is not known
            return looks_like_a_bit(step, self._ticks_per_ms)
        ends = ((before, step), (after, -step))
        return any(self._has_one_base(node) and flips(self._groups[node.first], by) for node, by in ends)

    def _has_one_base(self, node: _Node) -> bool:
        return not any(group.has_base for group in self._groups[node.first + 1 : node.last + 1])

    def _blob_lags_agree(self, before: int, after: int, step: float) -> bool:
        """Whether the blobs were handed over as much later as the clock says."""
        lags = self._groups[before].blob_lag_ms, self._groups[after].blob_lag_ms
        return None not in lags and abs((lags[0] or 0.0) - (lags[1] or 0.0)) <= min(_LAG_MS, step) / 2


def _share(group: Group) -> float:
    """How much a group counts: one packet less than several."""
    return min(1.0, len(group.times_ms) / _FEW_PACKETS)


def _goes_on(group: Group, step: float) -> bool:
    """Whether a group is believed, or not, with the one before: it counts from its base, or goes on without a step."""
    shares_base = group.after_break and not group.has_base and 0 <= step <= 2 * group.lost_ms + _LAG_MS
    return shares_base or (not group.after_break and abs(step) <= _STEADY_STEP_MS)


def _nodes(groups: Sequence[Group], heads: Sequence[float], tails: Sequence[float]) -> Iterator[_Node]:
    """The groups with a base, those as one that follow one another without a loss or a step, or that share a base."""
    first = None
    for index, group in enumerate(groups):
        if not group.claimed:
            continue
        if first is None:
            first = last = index
        elif last == index - 1 and _goes_on(group, heads[index] - tails[last]):
            last = index
        else:
            yield _Node(first, last, heads[first], tails[last])
            first = last = index
    if first is not None:
        yield _Node(first, last, heads[first], tails[last])
