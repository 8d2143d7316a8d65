"""How far the log's clock is off, followed through a recording: first by the sound's mask, then by matched starts.

Coarse: each utterance agrees, at each possible offset, with the stretch of its role's channel that it would cover:
the sound should be there while it is spoken and not just before.  One path through all utterances, in order,
collects the most agreement; it may move a little all the time and jump where enough utterances ask for it.  So a
wrong clock, lost time in the middle of a recording and parts without a known start are one problem with one
solution.

Fine: a robust line per part through the residuals of the matched starts, and on top of it what a running median
still shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from .band_levels import Rows
from .quantiles import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .recorded_time import Axis, Expected

    Floats = NDArray[np.float64]

_STEP_MS = 60
"""Chosen: a third of a syllable; places are refined afterwards."""
_REACH_STEPS = 1000
"""Chosen: a minute to either side."""
_FRAMES_PER_STEP = 6
"""Derived: 60 ms of 10."""
_ACTIVE_SCORE = 2.0
"""Score from which on a frame is speech; chosen."""
_BEFORE_STEPS = 7
"""Chosen: 0.4 s of silence are expected before an utterance."""
_LONGEST_STEPS = 83
"""Chosen: 5 s of an utterance are enough to know it by."""
_AROUND_STEPS = _REACH_STEPS + _LONGEST_STEPS + 1
"""Derived: an utterance that begins so far from the recording, or farther, is outside at every offset."""
_BEYOND_STEPS = 2 * _AROUND_STEPS
"""Derived: what is looked at of one so far away, at the farthest offset, is no farther than that."""
_CERTAIN_SHARE = 0.7
"""Share of an utterance's expected length that surely sounds; chosen."""
_MOVE_COST = 0.6
"""Cost of moving the clock by a step; chosen on dialogues with known truth."""
_PART_JUMP_COST = 1.0
"""Cost of a jump between recording parts; chosen: small, as their clocks are set apart."""
_OVERLAP_MS = 1500.0
"""Chosen: by how much turns overlap without a jump back of the clock."""
_OUTSIDE_COST = 0.25
"""Cost of each step of an utterance outside the recording; chosen."""
_PLACES = np.arange(2 * _REACH_STEPS + 1)
"""Steps; derived."""
_SLOPE = _MOVE_COST * _PLACES
_FAR_COST_PER_STEP, _FAR_COST, _FAR_SHARE = 0.3 * _STEP_MS / 1000, 5.0, 50
"""Costs of an offset from zero, by step and at most, and the share of it for each utterance; chosen."""
_STEP_IN_CLOCK_MS = 500
"""Chosen: a larger one begins a stretch of its own."""

_DRIFT_PRIOR_PPM = 150.0
"""Ratio in millionths; chosen: clocks of computers are off by less."""
_STEP_WORTH_MS = 90.0
"""Chosen: a smaller common error of neighbours is not taken for the clock's."""
_NEIGHBOURS = 4
"""Number of places on either side, as units of evidence; chosen."""


_AT_ONCE_STEPS = 5_000
"""Steps; chosen: five minutes, some hundred kilobytes of numbers."""


def _mask(score: NDArray[np.floating], axis: Axis) -> Floats:
    """Running sum, in seconds, of +0.5 where there is speech, -0.5 where not, 0 where nothing was recorded.

    It begins `_BEYOND_STEPS` before the recording and ends as many after it, and goes down there: what the log has
    should have been recorded.
    """
    steps = len(score) // _FRAMES_PER_STEP
    mask = np.zeros(1 + steps + 2 * _BEYOND_STEPS)
    mask[1 : 1 + _BEYOND_STEPS] = mask[len(mask) - _BEYOND_STEPS :] = -_OUTSIDE_COST
    shares = mask[1 + _BEYOND_STEPS : 1 + _BEYOND_STEPS + steps]
    for first in range(0, steps, _AT_ONCE_STEPS):  # or a day of them is held some ten times over
        last = min(first + _AT_ONCE_STEPS, steps)
        frames = score[first * _FRAMES_PER_STEP : last * _FRAMES_PER_STEP].reshape(-1, _FRAMES_PER_STEP)
        edges = np.arange(first, last + 1) * float(_STEP_MS)
        recorded = np.diff(axis.recorded(edges)) / _STEP_MS
        shares[first:last] = ((frames > _ACTIVE_SCORE).mean(axis=1) - 0.5) * recorded
    np.cumsum(mask, out=mask)
    mask *= _STEP_MS
    mask /= 1000
    return mask


def _agreement(mask: Floats, start_ms: float, length_ms: float) -> Floats:
    """Agreement of one utterance with a mask at each offset, -_REACH_STEPS to _REACH_STEPS."""
    whole, part = divmod(start_ms / _STEP_MS, 1)
    # Wherever all of it is outside, it agrees as much as nearer by.
    last = len(mask) - 1 - 2 * _BEYOND_STEPS
    nearest = min(max(int(whole), -_AROUND_STEPS), last + _AROUND_STEPS)
    steps = min(max(1, round(_CERTAIN_SHARE * length_ms / _STEP_MS)), _LONGEST_STEPS)
    before, at, after = (_at_offsets(mask, nearest + shift, part) for shift in (-_BEFORE_STEPS, 0, steps))
    agreement: Floats = after - 2 * at + before
    return agreement


def _at_offsets(mask: Floats, step: int, part: float) -> Floats:
    """The mask a `part` of a step after `step`, at each offset from there."""
    first = _BEYOND_STEPS + step - _REACH_STEPS
    after = first + 2 * _REACH_STEPS + 1
    value: Floats = (1 - part) * mask[first:after] + part * mask[first + 1 : after + 1]
    return value


def most_agreement(expected: Expected) -> float:
    """The agreement in seconds that would be reached if all were just as expected."""
    steps = np.clip(_CERTAIN_SHARE * expected.length / _STEP_MS, 1, _LONGEST_STEPS)[expected.timed]
    return float(0.5 * (steps + _BEFORE_STEPS).sum()) * _STEP_MS / 1000


def _running_least(cost: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """The least of all values up to each, and where it is."""
    least = np.minimum.accumulate(cost)
    return least, np.maximum.accumulate((cost <= least) * _PLACES)


def _moved(cost: Floats, jump_cost: float, back_steps: int) -> tuple[Floats, NDArray[np.intp]]:
    """The cheapest way to each offset from all offsets of the utterance before, and where it comes from.

    A jump goes down by `back_steps` at most, so that what was said later is not heard earlier.
    """
    least, upwards = _running_least(cost - _SLOPE)
    best, downwards = _running_least((least + _SLOPE)[::-1] - _SLOPE)
    best, origin = (best + _SLOPE)[::-1], upwards[len(cost) - 1 - downwards[::-1]]
    least, source = _running_least(cost)
    reachable = np.minimum(_PLACES + back_steps, len(cost) - 1)
    jump = least[reachable] + jump_cost
    jumped = best > jump
    return np.where(jumped, jump, best), np.where(jumped, source[reachable], origin)


class OffsetTrack(Struct, frozen=True):
    """One role's utterances: each one's offset in ms, and the number of the stretch of even clock that it is in."""

    offset: Floats
    stretch: NDArray[np.int64]

    @classmethod
    def none(cls, count: int) -> OffsetTrack:
        return cls(np.zeros(count), np.zeros(count, np.int64))

    def copy(self) -> OffsetTrack:
        return OffsetTrack(self.offset.copy(), self.stretch.copy())


def coarse_track(
    roles: Sequence[tuple[Expected, NDArray[np.floating]]], axis: Axis, jump_cost: float
) -> tuple[list[OffsetTrack], float]:
    """The path through everybody's utterances, and the agreement it reaches, in seconds.

    `roles` pairs what is expected of a role with the score (one value every 10 ms) of its channel; `jump_cost` is
    how many seconds of agreement a jump must gain.
    """
    tracks = [OffsetTrack.none(len(expected)) for expected, _ in roles]
    queue = sorted(
        (float(start), r, k) for r, (e, _) in enumerate(roles) for k, start in enumerate(e.start) if e.timed[k]
    )
    if not queue:
        return tracks, 0.0
    places, reached = _cheapest_path(queue, roles, axis, jump_cost)
    stretch, before, part_before = 0, int(places[0]), -1
    for (start, r, k), place in zip(queue, places, strict=True):
        part = int(axis.part_of(start))
        stretch += part != part_before or abs(place - before) * _STEP_MS > _STEP_IN_CLOCK_MS
        before, part_before = place, part
        tracks[r].offset[k] = place * _STEP_MS
        tracks[r].stretch[k] = stretch
    for (expected, _), track in zip(roles, tracks, strict=True):
        _fill(track, expected)
    return tracks, reached


def _cheapest_path(
    queue: Sequence[tuple[float, int, int]],
    roles: Sequence[tuple[Expected, NDArray[np.floating]]],
    axis: Axis,
    jump_cost: float,
) -> tuple[list[int], float]:
    """An offset in steps for each (start, role, position) of the queue, and the agreement of them all in seconds."""
    masks = [_mask(score, axis) for _, score in roles]
    offsets = np.arange(-_REACH_STEPS, _REACH_STEPS + 1)
    cost = far = np.minimum(_FAR_COST_PER_STEP * np.abs(offsets), _FAR_COST)
    origins = Rows(offsets.size * np.dtype(np.int16).itemsize)  # of a day, more than all else that aligning holds
    part, before = -1, 0.0
    for start, r, k in queue:
        here = int(axis.part_of(start))
        if part >= 0:
            back_steps = int((start - before + _OVERLAP_MS) / _STEP_MS)
            cost, came_from = _moved(cost, jump_cost if here == part else _PART_JUMP_COST, back_steps)
            origins.append(came_from.astype(np.int16).tobytes())
        part, before = here, start
        cost = cost + far / _FAR_SHARE - _agreement(masks[r], start, float(roles[r][0].length[k]))
    place = int(np.argmin(cost))
    reached = -float(cost[place])
    path = [place]
    for row in reversed(range(len(origins))):
        path.append(int(origins[row : row + 1].view(np.int16)[0, path[-1]]))
    return [int(offsets[place]) for place in reversed(path)], reached


def _fill(track: OffsetTrack, expected: Expected) -> None:
    """Give utterances whose start the log does not know what the one before them has."""
    if expected.timed.any() and not expected.timed.all():
        where = np.flatnonzero(expected.timed)
        nearest = where[np.clip(np.searchsorted(where, np.arange(len(expected)), side="right") - 1, 0, None)]
        track.offset[:] = track.offset[nearest]
        track.stretch[:] = track.stretch[nearest]


class Line(Struct, frozen=True):
    """Offset in ms as a line over output time, `slope` in ms per ms; `spread` is the residuals' robust deviation."""

    offset: float
    slope: float
    centre: float
    spread: float
    count: int

    def at(self, at_ms: Floats) -> Floats:
        return self.offset + self.slope * (at_ms - self.centre)


def fit_line(at_ms: Floats, residual_ms: Floats) -> Line:
    """A robust line (Cauchy weights) with a prior that keeps its slope near zero unless the points insist."""
    if not len(at_ms):
        return Line(0.0, 0.0, 0.0, 0.0, 0)
    offset, slope, centre = float(median(residual_ms)), 0.0, float(np.mean(at_ms))
    x = at_ms - centre
    spread = 0.0
    for _ in range(20):
        left = residual_ms - offset - slope * x
        spread = max(20.0, 1.4826 * float(median(np.abs(left))))
        weight = 1 / (1 + (left / (2 * spread)) ** 2)
        prior = (spread / (_DRIFT_PRIOR_PPM * 1e-6)) ** 2
        offset = float((weight * (residual_ms - slope * x)).sum() / weight.sum())
        slope = float((weight * x * (residual_ms - offset)).sum() / ((weight * x * x).sum() + prior))
    return Line(offset, slope, centre, spread, len(at_ms))


def follow(at_ms: Floats, residual_ms: Floats, wanted_ms: Floats) -> Floats:
    """The running median of residuals around each wanted position, itself left out; zero where it says little."""
    if len(at_ms) < 2 * _NEIGHBOURS:
        return np.zeros(len(wanted_ms))
    order = np.argsort(at_ms, kind="stable")
    at, residual = at_ms[order], residual_ms[order]
    index = np.searchsorted(at, wanted_ms)[:, None] + np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    inside = np.minimum(np.maximum(index, 0), len(at) - 1)
    near = residual[inside]
    valid = (inside == index) & (at[inside] != wanted_ms[:, None])
    middle = _row_medians(near, valid)
    around = _row_medians(np.abs(near - middle[:, None]), valid)
    return np.where((np.abs(middle) > _STEP_WORTH_MS) & (np.abs(middle) > 1.5 * around), middle, 0.0)


def _row_medians(values: Floats, valid: NDArray[np.bool_]) -> Floats:
    """The median of the valid values in each row, 0 where there are none."""
    ordered = np.sort(np.where(valid, values, np.inf), axis=1)
    count = valid.sum(axis=1)
    low, high = (np.take_along_axis(ordered, k[:, None], axis=1)[:, 0] for k in ((count - 1) // 2, count // 2))
    medians: Floats = np.where(count > 0, (low + np.where(count > 0, high, low)) / 2, 0.0)
    return medians
