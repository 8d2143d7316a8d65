"""Utterances that found no sound near their time, and speech that found no utterance: where the log's order joins them.

A log may be late by seconds for one utterance and right for all others.  The sound that it leaves over is its own if it
is the only one of the right length between what was said before and after, by any speaker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from .channel_matching import Lane
    from .recorded_time import Axis

_REACH_MS = 4000.0
"""Chosen: how far from where it is expected the sound of an utterance may be."""
_LENGTH_RATIO = 1.6
"""Ratio of lengths, either way, of sound and of what the text takes; chosen."""
_LEAST_LOUDNESS = 0.5
"""Ratio of an island's loudness to that of what was matched on its channel; chosen: noise is weaker than speech."""
_LEAST_MATCHED = 3
"""Number of matches, as units of evidence, from which a channel's loudness is known; chosen."""
_PAUSE_MS = 700.0
"""Chosen: a longer pause is not inside of what one utterance says."""

Run = tuple[int, int]  # the first and the last island


def with_leftovers(lanes: Sequence[Lane], axis: Axis) -> list[Lane]:
    """The lanes, with each utterance that was left over on the one stretch of speech that can be its own."""
    placed = [
        (int(lane.raw.index[k]), float(start), float(end))
        for lane in lanes
        for which in [lane.matched()]
        for k, start, end in zip(which, lane.starts(which), lane.ends(which), strict=True)
    ]
    return [_with_own(lane, axis, placed) for lane in lanes]


def _with_own(lane: Lane, axis: Axis, placed: Sequence[tuple[int, float, float]]) -> Lane:
    left = np.flatnonzero(~lane.matches.found & lane.raw.timed)
    if not len(left) or lane.shared or len(lane.matched()) < _LEAST_MATCHED:
        return lane
    free = ~lane.taken() & (lane.islands.loudness >= _LEAST_LOUDNESS * _usual_loudness(lane))
    candidates = {int(k): list(_candidates(lane, int(k), axis, placed, free)) for k in left}
    claims = [island for found in candidates.values() for a, b in found for island in range(a, b + 1)]
    first, last, cost = lane.matches.first.copy(), lane.matches.last.copy(), lane.matches.cost.copy()
    for k, found in candidates.items():
        if len(found) == 1 and all(claims.count(island) == 1 for island in range(found[0][0], found[0][1] + 1)):
            first[k], last[k] = found[0]
            cost[k] = lane.costs[str(lane.roles[k])].skip_text
    return replace(lane, matches=replace(lane.matches, first=first, last=last, cost=cost))


def _candidates(
    lane: Lane, k: int, axis: Axis, placed: Sequence[tuple[int, float, float]], free: NDArray[np.bool_]
) -> Iterator[Run]:
    """Of each stretch of free speech in reach and between its neighbours in the log, the run of the right length."""
    index = int(lane.raw.index[k])
    after_ms = max((start for i, start, _ in placed if i < index), default=-np.inf)
    before_ms = min((end for i, _, end in placed if i > index), default=np.inf)
    wanted_ms = float(lane.expected.start[k] + lane.costs[str(lane.roles[k])].start_bias)
    start, end = lane.islands.start, lane.islands.end
    near = np.abs(start - wanted_ms) <= _REACH_MS
    for stretch in _stretches(lane, np.flatnonzero(free & near & (start >= after_ms) & (end <= before_ms))):
        runs = [(a, b) for a in stretch for b in stretch if a <= b]
        lengths = [float(axis.recorded(end[b]) - axis.recorded(start[a])) for a, b in runs]
        off = [abs(np.log(max(length, 1.0) / lane.expected.length[k])) for length in lengths]
        best = int(np.argmin(off))
        if off[best] <= np.log(_LENGTH_RATIO):
            yield runs[best]


def _stretches(lane: Lane, islands: NDArray[np.intp]) -> list[list[int]]:
    """Islands that follow one another without a long pause or another one between, together."""
    found: list[list[int]] = []
    for island in map(int, islands):
        gap_ms = lane.islands.start[island] - lane.islands.end[found[-1][-1]] if found else np.inf
        if found and island == found[-1][-1] + 1 and gap_ms <= _PAUSE_MS:
            found[-1].append(island)
        else:
            found.append([island])
    return found


def _usual_loudness(lane: Lane) -> float:
    """The middle loudness of the islands that were matched."""
    own = np.sort(lane.islands.loudness[lane.taken()])
    return float(own[len(own) // 2])
