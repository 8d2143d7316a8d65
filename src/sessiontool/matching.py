"""Which stretch of speech belongs to which utterance: one monotone pass over a channel's islands by dynamic programming.

An utterance takes a run of neighbouring islands or none; an island belongs to one utterance or to none; both keep their order.  What a
choice costs is in `_run_costs` and `Costs`: how far the start is from where the log has it, how unlike the text's length the
sound's is, how far the end is from where the log has it, pauses inside, and sound or text left over.  Linear in the number of
utterances: each looks only at the islands around its expected place.

Not here: where exactly an island begins and ends (`snapping`), and how far the log's clock is off (`tracking`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .axis import Axis, Expected

    Floats = NDArray[np.float64]

_REACH_MS = 3000.0
_MOST_ISLANDS = 60
_NO_START_COST = 0.15
_RECORDED_SHARE = 0.1
_NEVER = 1e9
_FULL_SCORE = 12.0
_LOUD = 0.35
_THROUGH_SPEECH = 3.0
_CUT_FRAMES = 15.0
_CLOSE_MS, _CLOSE_COST = 500.0, 2.0


@dataclass(frozen=True, slots=True)
class Costs:
    """What the pass believes of one role: biases and spreads in ms, and what it costs to leave text or sound over."""

    start_bias: float = 0.0
    start_spread: float = 500.0
    end_bias: float = 0.0
    end_spread: float = 600.0
    rate: float = 1.0
    skip_text: float = 3.5
    skip_island: float = 0.15
    skip_second: float = 0.9
    skip_most: float = 2.0


@dataclass(frozen=True, slots=True)
class Islands:
    """Candidate stretches of speech on one channel, in order.

    Positions are in ms, loudness is 0 to 1.  Edges that were made up where the log wants one are marked, and `bridge` says
    how much of its loudness an island has at a made-up start: 1 where the cut goes through speech, 0 where it pauses.
    """

    start: Floats
    end: Floats
    made_start: NDArray[np.bool_]
    made_end: NDArray[np.bool_]
    loudness: Floats
    bridge: Floats

    @classmethod
    def none(cls) -> Islands:
        return cls(*(np.zeros(0, kind) for kind in (float, float, bool, bool, float, float)))

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Matches:
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

    def reordered(self, order: NDArray[np.intp]) -> Matches:
        """The same for utterances that were sorted by `order` before."""
        back = np.argsort(order, kind="stable")
        return Matches(self.first[back], self.last[back], self.cost[back], self.total)


def hub(x: Floats) -> Floats:
    """Huber's loss: square near zero, straight beyond one."""
    size = np.abs(x)
    loss: Floats = np.where(size < 1, 0.5 * size * size, size - 0.5)
    return loss


def tailed(x: Floats) -> Floats:
    """Huber's loss that grows with the logarithm beyond two: a gross error says little about how gross it is."""
    loss: Floats = np.where(np.abs(x) < 2, hub(x), 1.5 + 2 * np.log(np.maximum(np.abs(x), 2) / 2))
    return loss


def cut_islands(edges: NDArray[np.int64], score: NDArray[np.float32], axis: Axis, wanted: Floats) -> Islands:
    """A channel's islands, cut where the output's clock jumps, and where an utterance is expected to begin inside one.

    `wanted` are expected starts in ms; a cut goes to the weakest frame near it, and counts as made up.
    """
    starts, ends = edges[:, 0].astype(float), edges[:, 1].astype(float)
    places = [(float(c), False) for c in axis.cuts] + [(float(w), True) for w in wanted]
    cuts: dict[float, bool] = {}
    for place, made in places:
        k = int(np.searchsorted(starts, place, side="right")) - 1
        if k < 0 or place >= ends[k]:
            continue
        if not made:
            cuts[place] = False
        elif starts[k] + 350 < place < ends[k] - 200:
            lo = int(max(starts[k] + 150, place - 250) // 10)
            hi = int(min(ends[k] - 150, place + 250) // 10)
            if hi > lo:
                away = (np.arange(lo, hi) - place / 10) / _CUT_FRAMES
                cuts.setdefault(10.0 * (lo + int(np.argmin(score[lo:hi] + away * away))), True)
    at = np.array(sorted(cuts), float)
    made_up = np.array([cuts[c] for c in sorted(cuts)], bool)
    all_starts, all_ends = np.concatenate((starts, at)), np.concatenate((ends, at))
    by_start, by_end = np.argsort(all_starts, kind="stable"), np.argsort(all_ends, kind="stable")
    natural = np.zeros(len(starts), bool)
    made = np.concatenate((natural, made_up))
    first, last = all_starts[by_start], all_ends[by_end]
    loudness = _mean_between(score, first, last) / _FULL_SCORE
    there = score[(first / 10).astype(int).clip(0, len(score) - 1)] if len(score) else np.zeros(0)
    bridge = np.where(made[by_start], np.clip(there / (_FULL_SCORE * np.maximum(loudness, 1e-3)), 0, 1), 0)
    return Islands(first, last, made[by_start], made[by_end], loudness, bridge)


def _mean_between(score: NDArray[np.float32], starts_ms: Floats, ends_ms: Floats) -> Floats:
    total = np.concatenate(([0.0], np.cumsum(score, dtype=float)))
    lo, hi = ((x / 10).astype(int).clip(0, len(score)) for x in (starts_ms, ends_ms))
    return (total[hi] - total[lo]) / np.maximum(hi - lo, 1)


def _skip_costs(islands: Islands, axis: Axis, costs: Costs) -> Floats:
    """What it costs to leave each island to nobody: more for long and loud ones, and for those that hang together."""
    seconds = (axis.recorded(islands.end) - axis.recorded(islands.start)) / 1000
    cost = np.minimum(costs.skip_island + costs.skip_second * seconds, costs.skip_most)
    gap = np.concatenate((islands.start[1:] - islands.end[:-1], [np.inf]))
    close = np.maximum(0, 1 - gap / _CLOSE_MS) + _THROUGH_SPEECH * np.append(islands.bridge[1:], 0)
    alone = cost * np.clip(islands.loudness / _LOUD, 0.15, 1)
    share = islands.loudness / max(1e-3, float(np.percentile(islands.loudness, 75)))
    alike = np.minimum(share, np.append(share[1:], 0))
    joint: Floats = alone + _CLOSE_COST * close * np.clip((alike - 0.4) / 0.4, 0, 1)
    return joint


def _run_costs(
    i: int, expected: Expected, islands: Islands, window: slice, axis: Axis, costs: Costs, cut_off: NDArray[np.bool_]
) -> Floats:
    """What it costs utterance `i` to take islands a..b of the window: matrix (a, b), `_NEVER` where b < a."""
    starts, ends = islands.start[window], islands.end[window]
    place = expected.start[i] + costs.start_bias
    audible_place = float(axis.forward(np.array([place]))[0])
    late = (starts - audible_place) / costs.start_spread
    weight = 1.2 if expected.known[i] else _NO_START_COST
    start_cost = weight * tailed(late) + 0.8 * islands.made_start[window]
    rec_start, rec_end = axis.recorded(starts), axis.recorded(ends)
    length = np.maximum(rec_end[None, :] - rec_start[:, None], 1.0)
    ratio = np.log(length / max(60.0, expected.length[i] * costs.rate))
    size = np.abs(ratio)
    length_cost = 0.8 * hub(ratio / 0.3) + 6 * np.maximum(0, size - 0.6)
    excused = cut_off[window][None, :] & (ratio < 0)
    length_cost = np.where(excused, np.minimum(length_cost, 0.6), length_cost)
    end_cost = np.zeros(len(ends))
    if np.isfinite(expected.end[i]):
        told = axis.backward(expected.end[i : i + 1] + costs.end_bias)[0]
        off = (ends - told) / costs.end_spread
        end_cost = 0.8 * hub(off)
        end_cost = np.where(cut_off[window] & (off < 0), np.minimum(end_cost, 0.4), end_cost)
        end_cost = np.minimum(end_cost, 4.0)
    gaps = np.maximum(rec_start[1:] - rec_end[:-1], 0) / 1000
    pause_cost = np.concatenate(([0.0], np.cumsum(np.maximum(0, gaps - 0.7) + 3 * np.maximum(0, gaps - 2))))
    inner = pause_cost[None, :] - pause_cost[:, None]
    if expected.length[i] < _RECORDED_SHARE * expected.text[i]:
        inner = inner + _NEVER
    total = start_cost[:, None] + length_cost + (end_cost + 0.3 * islands.made_end[window])[None, :] + inner
    return np.where(np.tri(len(starts), k=-1, dtype=bool), _NEVER, total)


def match(
    expected: Expected, islands: Islands, axis: Axis, costs: list[Costs], cut_off: list[NDArray[np.bool_]]
) -> Matches:
    """The cheapest assignment of islands to the expected utterances (their starts non-decreasing); one `Costs` each."""
    count = len(expected)
    if not count or not len(islands):
        return Matches.none(count, sum(c.skip_text for c in costs))
    first, last, paid = np.full(count, -1), np.full(count, -1), np.zeros(count)
    skip = np.concatenate(([0.0], np.cumsum(_skip_costs(islands, axis, costs[0]))))
    lows, highs = _windows(expected, islands, costs)
    cost = np.zeros(highs[0] - lows[0] + 1)
    steps = []
    low = lows[0]
    for i in range(count):
        lo, hi = int(lows[i]), int(highs[i])
        # states: how many islands are used up; leaving islands out is free here because `skip` is charged as a difference
        before, source = _running_min(cost, low, lo, hi)
        runs = _run_costs(i, expected, islands, slice(lo, hi), axis, costs[i], cut_off[i])
        gained = skip[lo + 1 : hi + 1][None, :] - skip[lo:hi][:, None]
        taken = before[:-1, None] + runs - gained if hi > lo else np.zeros((0, 0))
        chosen = np.argmin(taken, axis=0) if hi > lo else np.zeros(0, int)
        cost = before + costs[i].skip_text
        run = np.full(hi - lo + 1, -1)
        if hi > lo:
            best = taken[chosen, np.arange(hi - lo)]
            better = best < cost[1:]
            cost[1:] = np.where(better, best, cost[1:])
            run[1:] = np.where(better, chosen, -1)
        steps.append((lo, run, source, runs))
        low = lo
    state = low + int(np.argmin(cost))
    for i in range(count - 1, -1, -1):
        lo, run, source, runs = steps[i]
        k = state - lo
        if run[k] >= 0:
            first[i], last[i] = lo + run[k], state - 1
            paid[i] = runs[run[k], k - 1]
            k = int(run[k])
        else:
            paid[i] = costs[i].skip_text
        state = int(source[k])
    return Matches(first, last, paid, float(cost.min() + skip[-1]))


def _windows(expected: Expected, islands: Islands, costs: list[Costs]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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
    index = np.clip(np.arange(lo, hi + 1) - low, 0, len(cost) - 1)
    return lowest[index], low + source[index]
