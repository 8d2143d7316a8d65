"""Where utterances that the log gives no time lie: by the order of the log and by how long their texts take to say.

What was said next is heard next, by any speaker; only neighbours of different roles may have been logged the wrong
way round, as a user's transcript comes after the answer began.  One pass over the utterances in the log's order
(dynamic programming) gives each of them a run of neighbouring islands of its role's channel, or none: at the cost of
how unlike the text's length the run's is, of islands left over, of texts left over, and, where the log has a time, of
the distance from there.

What comes of it is where to look, no more: the lanes' own matching, which looks closer, starts from these times.

Not here: logs with times, which say more than the order does (`clock_offset`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from .assignment import hub, tailed
from .band_levels import FRAME_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_LONGEST_MS, _WIDEST_GAP_MS, _MOST_ISLANDS = 45_000.0, 2500.0, 24
"""What one utterance may be; chosen: as long, with pauses as long, and of as many islands as the longest known
turns."""

SAME_TIME_MS, WITHIN_MS = 300.0, 200.0
"""Chosen: how much two roles' turns overlap without meaning it, and how much later what is said inside a turn
begins."""

OVERLAP_COST, SWAP_COST = 1.5, 2.0
"""Costs of turns that overlap, and of neighbours that were logged the wrong way round; chosen."""
LENGTH_SPREAD, _FARTHEST = 0.3, 1.2
"""Logarithm of a ratio: how far the length by text usually is off, and how far at most; chosen."""

_CUT_COST = 0.6
"""Cost, at most, of being shorter than expected where another speaker begins; chosen."""
_VOICE_COST = 1.0
"""Cost of sounding like the other speaker of the channel, for each unit of log odds of a frame; chosen."""
_ANCHOR_COST = 1.2
"""Cost of being away from where the log has a start, in spreads of it; chosen."""
NEVER = 1e9
"""A cost that no other reaches; chosen."""
_UNMOVED = -2
"""Number of a state that an utterance left as it was, one of the flags: it has no sound; chosen."""


class Ground(Struct, frozen=True):
    """The islands of one channel: starts and ends in ms of output, recorded lengths, and what leaving each costs.

    `cut` says whether a speaker on another channel begins to speak around its end; `second` how much more each island
    sounds like the assistant than like the user (log odds, summed over its frames), where both speak on the channel.
    """

    start: Floats
    end: Floats
    from_start: Floats
    to_end: Floats
    skip: Floats
    cut: NDArray[np.bool_]
    second: Floats


class Asked(Struct, frozen=True):
    """One utterance in the log's order: its channel, how long it should last, and where it should begin (nan: unknown).

    `spread_ms` says how exactly the log's time is known; `may_be_cut` whether its end may be missing.
    """

    channel: int
    length_ms: float
    place_ms: float
    spread_ms: float
    may_be_cut: bool
    skip_cost: float


class _Runs(Struct, frozen=True):
    """Runs of neighbouring islands of one channel, and the orders in which they end and begin."""

    start: Floats
    end: Floats
    length: Floats
    cost: Floats
    cut: NDArray[np.bool_]
    second: Floats
    by_end: Ints
    by_start: Ints

    @classmethod
    def of(cls, ground: Ground) -> _Runs:
        first, last = _neighbours(ground)
        gaps = np.maximum(ground.from_start[1:] - ground.to_end[:-1], 0) / 1000
        pauses = np.concatenate(([0.0], np.cumsum(np.maximum(0, gaps - 0.7) + 3 * np.maximum(0, gaps - 2))))
        skip = np.concatenate(([0.0], np.cumsum(ground.skip)))
        start, end = ground.start[first], ground.end[last]
        return cls(
            start,
            end,
            np.maximum(ground.to_end[last] - ground.from_start[first], 1.0),
            pauses[last] - pauses[first] - (skip[last + 1] - skip[first]),
            ground.cut[last],
            _mean_odds(ground, first, last),
            np.argsort(end, kind="stable"),
            np.argsort(start, kind="stable"),
        )

    def __len__(self) -> int:
        return len(self.start)


def _neighbours(ground: Ground) -> tuple[Ints, Ints]:
    """First and last island of each run that one utterance may be."""
    count = len(ground.start)
    first, last = [np.arange(count)], [np.arange(count)]
    joined = np.append(ground.start[1:] - ground.end[:-1] <= _WIDEST_GAP_MS, False)
    alive = np.arange(count)
    for more in range(1, _MOST_ISLANDS):
        alive = alive[joined[alive + more - 1]] if len(alive) else alive
        alive = alive[ground.end[alive + more] - ground.start[alive] <= _LONGEST_MS] if len(alive) else alive
        if not len(alive):
            break
        first.append(alive)
        last.append(alive + more)
    return np.concatenate(first), np.concatenate(last)


def _mean_odds(ground: Ground, first: Ints, last: Ints) -> Floats:
    summed, length = (np.concatenate(([0.0], np.cumsum(each))) for each in (ground.second, ground.end - ground.start))
    mean: Floats = (
        (summed[last + 1] - summed[first]) * FRAME_MS / np.maximum(length[last + 1] - length[first], FRAME_MS)
    )
    return mean


class _Step(Struct, frozen=True):
    """What one utterance does to the states: the cost of each afterwards, and the state that it came from."""

    cost: Floats
    source: Ints


class OrderPass:
    """The pass over one recording's islands; a state is the run that was taken last, or nothing yet."""

    def __init__(self, grounds: Sequence[Ground], length_spread: float = LENGTH_SPREAD) -> None:
        self._spread = length_spread
        self._runs = [_Runs.of(ground) for ground in grounds]
        self._first = np.concatenate(([0], np.cumsum([len(runs) for runs in self._runs])))

    def places(self, asked: Sequence[Asked]) -> tuple[Floats, Floats, float]:
        """Start and end in ms of each utterance, nan for those without sound, and what all of it costs."""
        begun = np.full(int(self._first[-1]) + 1, NEVER)
        begun[-1] = 0.0
        costs, steps, swaps = [begun], [], []
        for i, one in enumerate(asked):
            step = self._step(costs[i], one)
            steps.append(step)
            cost, swap = step.cost, None
            if i and asked[i - 1].channel != one.channel:
                early = self._step(costs[i - 1], one)
                late = self._step(early.cost, asked[i - 1])
                better = late.cost + SWAP_COST < cost
                cost, swap = np.where(better, late.cost + SWAP_COST, cost), (early, late, better)
            costs.append(cost)
            swaps.append(swap)
        return self._traced(costs[-1], steps, swaps)

    def _step(self, before: Floats, one: Asked) -> _Step:
        """The states after an utterance that takes a run of its channel, or nothing."""
        first = int(self._first[one.channel])
        cost, source = before + one.skip_cost, np.full(len(before), _UNMOVED)
        near, paid = self._choices(one)
        if not len(near):
            return _Step(cost, source)
        least, came_from = self._before(before, one.channel, self._runs[one.channel].start[near])
        taken = paid + least
        better = taken < cost[first + near]
        cost[first + near[better]], source[first + near[better]] = taken[better], came_from[better]
        return _Step(cost, source)

    def _choices(self, one: Asked) -> tuple[Ints, Floats]:
        """The runs of its channel that an utterance may take, and what it costs to take each of them."""
        runs = self._runs[one.channel]
        ratio = np.log(runs.length / one.length_ms)
        near = np.flatnonzero(np.abs(ratio) < _FARTHEST)
        ratio = ratio[near]
        cost: Floats = 0.8 * hub(ratio / self._spread) + 6 * np.maximum(0, np.abs(ratio) - 0.6)
        if one.may_be_cut:
            cost = np.where(runs.cut[near] & (ratio < 0), np.minimum(cost, _CUT_COST), cost)
        second = runs.second[near]
        cost = cost + _VOICE_COST * np.maximum(0.0, -second if one.may_be_cut else second)
        if np.isfinite(one.place_ms):
            cost = cost + _ANCHOR_COST * tailed((runs.start[near] - one.place_ms) / one.spread_ms)
        return near, cost + runs.cost[near]

    def _before(self, before: Floats, channel: int, start: Floats) -> tuple[Floats, Ints]:
        """The cheapest state that may come before a run that begins at each `start` of a channel."""
        least, source = np.full(len(start), before[-1]), np.full(len(start), len(before) - 1)
        for number, runs in enumerate(self._runs):
            if not len(runs):
                continue
            first = int(self._first[number])
            own = before[first : first + len(runs)]
            ways = [(runs.by_end, runs.end - (0.0 if number == channel else SAME_TIME_MS), 0.0)]
            if number != channel:
                ways.append((runs.by_start, runs.start + WITHIN_MS, OVERLAP_COST))
            for order, key, price in ways:
                sorted_cost = own[order]
                lowest = np.minimum.accumulate(sorted_cost)
                place = np.searchsorted(key[order], start, side="right") - 1
                where = np.maximum.accumulate(np.where(sorted_cost <= lowest, np.arange(len(order)), 0))
                value = np.where(place >= 0, lowest[np.maximum(place, 0)] + price, NEVER)
                better = value < least
                least[better] = value[better]
                source[better] = first + order[where[place[better]]]
        return least, source

    def _traced(
        self,
        cost: Floats,
        steps: Sequence[_Step],
        swaps: Sequence[tuple[_Step, _Step, NDArray[np.bool_]] | None],
    ) -> tuple[Floats, Floats, float]:
        starts = np.concatenate([*(runs.start for runs in self._runs), [np.nan]])
        ends = np.concatenate([*(runs.end for runs in self._runs), [np.nan]])
        begin, stop = np.full(len(steps), np.nan), np.full(len(steps), np.nan)
        state = int(np.argmin(cost))
        total = float(cost[state])

        def undo(step: _Step, who: int) -> None:
            nonlocal state
            if step.source[state] != _UNMOVED:
                begin[who], stop[who] = starts[state], ends[state]
                state = int(step.source[state])

        i = len(steps) - 1
        while i >= 0:
            swap = swaps[i]
            if swap is not None and swap[2][state]:
                undo(swap[1], i - 1)
                undo(swap[0], i)
                i -= 2
            else:
                undo(steps[i], i)
                i -= 1
        return begin, stop, total
