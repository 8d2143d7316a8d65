"""Which stretch of speech belongs to which utterance: one pass over a channel's islands by dynamic programming.

An utterance takes a run of neighbouring islands or none; an island belongs to one utterance or to none; both keep
their order.  What a choice costs is in `_run_costs` and `Costs`: how far the start is from where the log has it,
how unlike the text's length the sound's is, how far the end is from where the log has it, pauses inside, and sound
or text left over.  Linear in the number of utterances: each looks only at the islands around its expected place.

Not here: where exactly an island begins and ends (`boundaries`), and how far the log's clock is off
(`clock_offset`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from .quantiles import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .islands import Islands
    from .recorded_time import Axis, Expected

    Floats = NDArray[np.float64]

_REACH_MS = 3000.0
"""Chosen: how far from where it is expected an utterance is looked for."""
_MOST_ISLANDS = 60
"""Number of islands that are candidates of one utterance, as units of work; chosen: bounded time in any noise."""
_START_COST, _ORDERED_START_COST, _NO_START_COST = 1.2, 0.6, 0.15
"""Costs of a start that is off, where the log has it, where the order pins it, and where neither does; chosen on
dialogues with known truth."""
_LENGTH_SPREAD = 0.35
"""Logarithm of a ratio: how far lengths of speech usually are from what their texts take; chosen."""
_MADE_START_COST, _MADE_END_COST, _END_MOST = 0.8, 0.3, 4.0
"""Costs of edges that only a cut through speech made, and the most that a wrong end costs; chosen on dialogues with
known truth."""
_LOST_HEAD_COST, _LEAST_LEFT = 1.2, -1.4
"""Cost, at most, where a head is lost, and the logarithm of the ratio of length that must be left of it; chosen."""
_NEVER = 1e9
"""A cost that no other reaches; chosen."""
_VOICE_COST, _VOICE_CLEAR = 2.0, 0.3
"""Cost of sound that is of the other voice, as a weight, and log odds of a frame from which on it is of the own one;
chosen: weights from 1 to 40 lead to the same."""

_OTHER_VOICE, _OTHER_FRAMES = 1.0, 25
"""Log odds of a frame, and number of frames, from which on an island is of the other voice; chosen."""
_LOUD = 0.35
"""Ratio of loudness from which on an island is as loud as speech; chosen."""
_THROUGH_SPEECH = 2.5
"""Weight of a gap that is no silence, in gaps of no length; chosen on dialogues with known truth."""
_CLOSE_MS, _CLOSE_COST = 500.0, 2.0
"""Gap above which islands do not hang together, chosen; and the cost of parting those that do: from 0 to 4 the
results are alike (match 96.3 to 96.8 %, measured), but without two starts more of easy dialogues are wrong."""


class Costs(Struct, frozen=True):
    """What the pass believes of one role: biases and spreads in ms, and what it costs to leave text or sound over.

    `late_most` is what an end that is later than the log has it costs at most: an answer's log may end with its text.
    """

    start_bias: float = 0.0
    start_spread: float = 500.0
    end_bias: float = 0.0
    end_spread: float = 600.0
    rate: float = 1.0
    skip_text: float = 3.5
    skip_island: float = 0.15
    skip_second: float = 0.9
    skip_most: float = 2.0
    late_most: float = 4.0


class Matches(Struct, frozen=True):
    """Per expected utterance: first and last island (inclusive, -1 for none) and what the choice cost.

    `total` is what everything cost together, sound left over included.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    cost: Floats
    total: float = 0.0

    @classmethod
    def none(cls, count: int, total: float = 0.0) -> Matches:
        return cls(np.full(count, -1), np.full(count, -1), np.zeros(count), total)

    @property
    def found(self) -> NDArray[np.bool_]:
        return self.first >= 0

    def same_as(self, other: Matches) -> bool:
        """Whether every utterance has the same islands in both."""
        return np.array_equal(self.first, other.first) and np.array_equal(self.last, other.last)

    def reordered(self, order: NDArray[np.intp]) -> Matches:
        """The same for utterances that were sorted by `order` before."""
        back = np.argsort(order, kind="stable")
        return Matches(self.first[back], self.last[back], self.cost[back], self.total)


class Voice(Struct, frozen=True):
    """How much each island sounds like the assistant rather than the user: log odds, and frames that say so.

    `side` is 1 for each utterance of the assistant, -1 for those of the user.
    """

    log_odds: Floats
    frames: NDArray[np.int64]
    side: Floats

    def costs(self, window: slice, utterance: int, *, timed: bool) -> Floats:
        """What it costs an utterance that islands a..b of the window sound like the other voice: matrix (a, b)."""
        total, frames = (np.concatenate(([0], np.cumsum(values[window]))) for values in (self.log_odds, self.frames))
        mean = (total[None, 1:] - total[:-1, None]) / np.maximum(1, frames[None, 1:] - frames[:-1, None])
        unlike = hub(np.maximum(0, _VOICE_CLEAR - self.side[utterance] * mean))
        if timed:  # or the voices may have been learned from wrong places
            of_other = self.side[utterance] * self.log_odds[window] < -_OTHER_VOICE * self.frames[window]
            others = np.concatenate(([0], np.cumsum(of_other & (self.frames[window] >= _OTHER_FRAMES))))
            unlike = unlike + (others[None, 1:] - others[:-1, None])
        return _VOICE_COST * unlike


class Signs(Struct, frozen=True):
    """What else is known than the log's times and the texts' lengths.

    `cut_off` says of each island whether another speaker may have caused its end, which is a reason for utterances that
    are `excused`; `lost` (utterances, 2) whether an utterance's head and tail may not have been recorded; `voice`,
    where two on the channel can be distinguished, whose each island is.
    """

    cut_off: NDArray[np.bool_]
    excused: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    voice: Voice | None


def hub(x: Floats) -> Floats:
    """Huber's loss: square near zero, straight beyond one."""
    size = np.abs(x)
    near = np.minimum(size, 1)
    loss: Floats = near * (size - 0.5 * near)
    return loss


def tailed(x: Floats) -> Floats:
    """Huber's loss that grows with the logarithm beyond two: a gross error says little about how gross it is."""
    size = np.abs(x)
    loss: Floats = hub(np.minimum(size, 2)) + 2 * np.log(np.maximum(size, 2) / 2)
    return loss


def skip_costs(islands: Islands, axis: Axis, costs: Costs) -> Floats:
    """What it costs to leave each island unassigned: more for long and loud ones, and for those that hang together."""
    if not len(islands):
        return np.zeros(0)
    seconds = (axis.recorded(islands.end) - axis.recorded(islands.start)) / 1000
    cost = np.minimum(costs.skip_island + costs.skip_second * seconds, costs.skip_most)
    gap = np.concatenate((islands.start[1:] - islands.end[:-1], [np.inf]))
    close = np.maximum(0, 1 - gap / _CLOSE_MS) + _THROUGH_SPEECH * np.append(islands.bridge[1:], 0)
    alone = cost * np.clip(islands.loudness / _LOUD, 0.15, 1)
    share = islands.loudness / max(1e-3, quantile(islands.loudness, 0.75))
    alike = np.minimum(share, np.append(share[1:], 0))
    joint: Floats = alone + _CLOSE_COST * close * np.clip((alike - 0.4) / 0.4, 0, 1)
    return joint


class _Ground(Struct, frozen=True):
    """What all utterances of a pass share: the islands' starts and ends, in ms of output and of recorded time.

    `pauses` has what the pauses before each island cost together.
    """

    islands: Islands
    from_start: Floats
    to_end: Floats
    pauses: Floats

    @classmethod
    def of(cls, islands: Islands, axis: Axis) -> _Ground:
        from_start, to_end = axis.recorded(islands.start), axis.recorded(islands.end)
        gaps = np.maximum(from_start[1:] - to_end[:-1], 0) / 1000
        pauses = np.concatenate(([0.0], np.cumsum(np.maximum(0, gaps - 0.7) + 3 * np.maximum(0, gaps - 2))))
        return cls(islands, from_start, to_end, pauses)


class _Wanted(Struct, frozen=True):
    """What one utterance asks of the islands it takes: where it should begin and end, and how long it should be.

    `logged` is nan where the log has no end.  Its head or its tail may be `lost`, where the clock jumps beside it: then
    it may begin late, or end early.
    """

    place: float
    logged: float
    length: float
    weight: float
    costs: Costs
    head_lost: bool
    tail_lost: bool


def _wanted(expected: Expected, axis: Axis, costs: Sequence[Costs], lost: NDArray[np.bool_]) -> list[_Wanted]:
    place = axis.forward(expected.start + np.array([c.start_bias for c in costs]))
    logged = axis.backward(expected.end + np.array([c.end_bias for c in costs]))
    logged[np.isnan(expected.end)] = np.nan
    length = np.maximum(60.0, expected.length * np.array([c.rate for c in costs]))
    by_order = np.where(np.isfinite(expected.pinned), _ORDERED_START_COST, _NO_START_COST)
    weight = np.where(expected.known, _START_COST, by_order)
    columns = (column.tolist() for column in (place, logged, length, weight))
    return [_Wanted(*row) for row in zip(*columns, costs, *lost.T.tolist(), strict=True)]


def _run_costs(wanted: _Wanted, ground: _Ground, window: slice, cut: NDArray[np.bool_]) -> Floats:
    """What it costs an utterance to take islands a..b of the window: matrix (a, b), `_NEVER` where it cannot.

    `cut` says of each of them whether another speaker begins to speak around its end: an early end is then excused.
    """
    count = window.stop - window.start
    islands, costs = ground.islands, wanted.costs
    off = (islands.start[window] - wanted.place) / costs.start_spread
    start_cost = wanted.weight * tailed(off)
    if wanted.head_lost:
        start_cost = np.where(off > 0, np.minimum(start_cost, _LOST_HEAD_COST), start_cost)
    start_cost = start_cost + _MADE_START_COST * islands.made_start[window]

    length = np.maximum(ground.to_end[None, window] - ground.from_start[window, None], 1.0)
    ratio = np.log(length / wanted.length)
    length_cost = 0.8 * hub(ratio / _LENGTH_SPREAD) + 6 * np.maximum(0, np.abs(ratio) - 0.6)
    if wanted.head_lost or wanted.tail_lost:
        length_cost = np.where((ratio < 0) & (ratio > _LEAST_LEFT), np.minimum(length_cost, 0.6), length_cost)
    elif cut.any():
        length_cost = np.where(cut[None, :] & (ratio < 0), np.minimum(length_cost, 0.6), length_cost)

    end_cost = _MADE_END_COST * islands.made_end[window]
    if wanted.logged == wanted.logged:
        off = (islands.end[window] - wanted.logged) / costs.end_spread
        end_cost = end_cost + np.minimum(
            0.8 * hub(off), np.where(cut & (off < 0), 0.4, np.where(off > 0, costs.late_most, _END_MOST))
        )

    pauses = ground.pauses[window]
    total = (start_cost - pauses)[:, None] + length_cost + (end_cost + pauses)[None, :]
    return np.where(np.tri(count, k=-1, dtype=bool), _NEVER, total)


class _Step(Struct, frozen=True):
    """One utterance's row in the pass.  States count the islands used up, from `low` on.

    `run` has, per state, the first island that the utterance takes (from `low`), or -1, and `costs` what that costs;
    `source` is the state it comes from, per state before the utterance.
    """

    low: int
    run: NDArray[np.int64]
    costs: Floats
    source: NDArray[np.int64]


def match(
    expected: Expected,
    islands: Islands,
    axis: Axis,
    costs: Sequence[Costs],
    signs: Signs,
) -> Matches:
    """The cheapest assignment of islands to the expected utterances, which must be in order of start.

    `costs` has one entry an utterance.
    """
    count = len(expected)
    if not count or not len(islands):
        return Matches.none(count, sum(c.skip_text for c in costs))
    cheapest = min(costs, key=lambda c: c.skip_most)
    skip = np.concatenate(([0.0], np.cumsum(skip_costs(islands, axis, cheapest))))
    lows, highs = _windows(expected, islands, costs)
    low, cost = int(lows[0]), np.zeros(highs[0] - lows[0] + 1)
    ground, steps = _Ground.of(islands, axis), []
    none_cut, all_cut = np.zeros(len(islands), bool), np.ones(len(islands), bool)
    for i, wanted in enumerate(_wanted(expected, axis, costs, signs.lost)):
        window = slice(int(lows[i]), int(highs[i]))
        before, source = _running_min(cost, low, window.start, window.stop)
        cut = all_cut if wanted.tail_lost else signs.cut_off if signs.excused[i] else none_cut
        runs = _run_costs(wanted, ground, window, cut[window])
        if signs.voice is not None:
            runs = runs + signs.voice.costs(window, i, timed=bool(expected.known[i]))
        low = window.start
        cost, run, paid = _advance(before, runs, skip[low : window.stop + 1], costs[i].skip_text)
        steps.append(_Step(low, run, paid, source))
    return _traced(steps, low + int(np.argmin(cost)), float(cost.min() + skip[-1]))


def _advance(before: Floats, runs: Floats, skip: Floats, skip_text: float) -> tuple[Floats, NDArray[np.int64], Floats]:
    """The cost of each state after an utterance, the run it took there (-1 for none), and what that run cost.

    Costs leave out what all unassigned islands cost, as if that were paid beforehand: taking some gives it back.
    """
    cost, run, paid = before + skip_text, np.full(len(before), -1), np.full(len(before), skip_text)
    if len(runs):
        taken = before[:-1, None] + runs - (skip[1:][None, :] - skip[:-1][:, None])
        chosen = np.argmin(taken, axis=0)
        least = taken[chosen, np.arange(len(chosen))]
        better = least < cost[1:]
        cost[1:][better], run[1:][better] = least[better], chosen[better]
        paid[1:][better] = runs[chosen, np.arange(len(chosen))][better]
    return cost, run, paid


def _traced(steps: Sequence[_Step], state: int, total: float) -> Matches:
    """The choices that led to `state` after the last utterance."""
    found = Matches.none(len(steps), total)
    for i in range(len(steps) - 1, -1, -1):
        step = steps[i]
        k = state - step.low
        found.cost[i] = step.costs[k]
        if step.run[k] >= 0:
            found.first[i], found.last[i] = step.low + step.run[k], state - 1
            k = int(step.run[k])
        state = int(step.source[k])
    return found


def _windows(
    expected: Expected, islands: Islands, costs: Sequence[Costs]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The islands (low, high) that each utterance may take, both bounds non-decreasing."""
    bias = np.array([c.start_bias for c in costs])
    start = expected.start + bias
    longest = 2.5 * np.maximum(expected.length, expected.text) + 2000
    lows = np.searchsorted(islands.end, start - _REACH_MS)
    highs = np.searchsorted(islands.start, start + _REACH_MS + longest)
    lows = np.minimum.accumulate(lows[::-1])[::-1]
    highs = np.maximum.accumulate(np.minimum(highs, lows + _MOST_ISLANDS))
    return lows, np.maximum(highs, lows)


def _running_min(cost: Floats, low: int, lo: int, hi: int) -> tuple[Floats, NDArray[np.int64]]:
    """The least cost of states up to each of lo..hi, from states low.., and the state it comes from."""
    lowest = np.minimum.accumulate(cost)
    source = np.maximum.accumulate(np.where(cost <= lowest, np.arange(len(cost)), 0))
    index = np.minimum(np.maximum(np.arange(lo - low, hi + 1 - low), 0), len(cost) - 1)
    return lowest[index], low + source[index]
