"""Utterances and speech activity -> placed utterances: the log says what and roughly when, the sound exactly when.

The steps, each in its own module: what the log expects (`recorded_time`), how far its clock is off (`clock_offset`),
which stretch of speech belongs to which utterance (`assignment`), where that stretch begins and ends (`boundaries`),
how sure that is (`confidence`), and what a person should know of the session (`findings`).  Matching and the
estimates it rests on (clock, biases of starts and ends, rate of speech) are repeated, each from the other's result.

A wrong time is worse than none: an utterance that nothing audible fits gets none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .alignment.band_levels import POWER_MS
from .alignment.boundaries import Edge, snap
from .alignment.channel_matching import ASSISTANT, ROLES, SHARP_END_MS, USER, Lane, solve
from .alignment.channel_roles import find_lanes
from .alignment.clock_offset import fit_line
from .alignment.confidence import Evidence, confidence, support
from .alignment.findings import channel_notes, session_findings
from .alignment.log_readings import readings, twins
from .alignment.louder_speech import stricter
from .alignment.mixed_lanes import split_lanes
from .alignment.quantiles import median
from .alignment.recorded_time import Axis
from .alignment.stretches import with_speech
from .alignment.untimed import has_untimed, place_untimed
from .model import SAMPLES_PER_MS, Placement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .alignment.crosstalk import Leak
    from .alignment.findings import ChannelNotes
    from .alignment.speech_activity import Activity
    from .model import Finding, PlacementStatus, Utterance
    from .timeline import Timeline

    Floats = NDArray[np.float64]

_LOGGED_MS = 400.0  # chosen: how far an end may be moved to where the log has it, where no boundary was found
_SURER = 1.05  # ratio; chosen: another reading of the log must carry so much better, or the log is believed
_SURE, _SURE_SHARE = 0.8, 0.85  # support of a sure place, and the share of them on a channel that is sure; chosen
_STRICTER_SURER = 1.02  # ratio; chosen: how much more support must come of asking more of what is speech
_AROUND = 3  # places on either side of one that are its company; chosen
_OVERLAP_MS, _LATE_MS = (10.0, 900.0), 200.0  # chosen: how early the other begins who cuts one off, and how late
_SHORT, _VERY_SHORT, _WHOLE = 0.9, 0.75, 1.25  # ratios to the expected length; chosen: cut off, surely, whole
_SOUNDING = 0.15  # share of frames above the threshold of speech; chosen: below it the place has no speech
_DRIFT_AFTER_MS, _DRIFT_MATCHES, _DRIFT_SPREAD_MS = 600_000.0, 30, 300.0
"""Time, places and spread from which on a drift is derived; chosen: below, it is less than its error."""


@dataclass(frozen=True, slots=True)
class PartAlignment:
    """How much later than the log's time the sound of one recording part is, and how well that is known.

    `drift_ppm` is None where the part is too short to tell; `residual_ms` is, per role, the middle of |found -
    predicted|.
    """

    part: str
    offset_ms: float | None
    drift_ppm: float | None
    residual_ms: dict[str, float]
    matched: int


@dataclass(frozen=True, slots=True)
class Alignment:
    """Placements and what carried them (None: nothing did), both in the order of the log; and what there is to say.

    `expected` has, for each utterance that was looked for, the start and end in ms of output where the log has it
    once its clock and each role's habits are known; the end is nan where the log has none.  `channels` and `leaks` say
    what is known of the sound; `detector` is what was asked beside it, empty for nothing.
    """

    placements: tuple[Placement, ...]
    evidence: tuple[Evidence | None, ...] = ()
    expected: tuple[tuple[float, float] | None, ...] = ()
    parts: tuple[PartAlignment, ...] = ()
    findings: tuple[Finding, ...] = ()
    channels: tuple[ChannelNotes, ...] = ()
    leaks: tuple[Leak, ...] = ()
    detector: str = ""


def align(
    utterances: Sequence[Utterance], timeline: Timeline, activity: Activity, channels: Sequence[str]
) -> Alignment:
    """Place every utterance that can be heard.

    `channels` names the role on each channel, left first; one channel named `mixed` carries all roles.  Utterances
    of unknown roles are never placed.
    """
    axis = Axis(timeline.spans, activity.duration_ms)
    best: _Attempt | None = None
    for read in readings(utterances):
        attempt = _attempt(read, timeline, axis, activity, channels)
        if best is None or attempt.support > _SURER * best.support:
            best = attempt
    assert best is not None
    best, activity = _with_stricter_activity(best, timeline, axis, activity, channels)
    lanes, evidence = best.lanes, best.evidence
    placements = [replace(p, utterance=u) for p, u in zip(best.placements, utterances, strict=True)]
    for copy, original in twins(utterances).items():
        placements[copy] = replace(placements[original], utterance=utterances[copy])
        evidence[copy] = evidence[original]
    placements = [with_speech(p, e, activity.channels) for p, e in zip(placements, evidence, strict=True)]
    parts = tuple(_describe(number, name, lanes, axis) for number, name in enumerate(axis.parts))
    findings = session_findings(placements, lanes, activity, axis, swapped=best.swapped)
    heard = tuple(channel_notes(lanes, activity, axis))
    expected = _expected(len(utterances), lanes)
    return Alignment(tuple(placements), tuple(evidence), expected, parts, tuple(findings), heard, activity.leaks)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What one reading of the log leads to."""

    lanes: list[Lane]
    swapped: bool
    placements: list[Placement]
    evidence: list[Evidence | None]

    @property
    def support(self) -> float:
        """That of all placements together."""
        return sum(support(found) for found in self.evidence if found is not None)

    def in_doubt(self, channel: int) -> bool:
        """Whether of the utterances that are looked for on a channel most have a place, and too few a sure one."""
        lanes = [lane for lane in self.lanes if lane.number == channel]
        found = [self.evidence[int(i)] for lane in lanes for i in lane.raw.index]
        carried = [0.0 if one is None else support(one) for one in found]
        placed, sure = (sum(value > least for value in carried) for least in (0.0, _SURE))
        return placed > len(carried) / 2 and sure < _SURE_SHARE * len(carried)


def _with_stricter_activity(
    best: _Attempt, timeline: Timeline, axis: Axis, activity: Activity, channels: Sequence[str]
) -> tuple[_Attempt, Activity]:
    """Where a channel has few sure places, the attempt that asks more of what is speech there, if it is surer."""
    strict = set()
    for number in range(len(activity.channels)):
        if not best.in_doubt(number):
            continue
        utterances = [p.utterance for p in best.placements]
        for heard in stricter(activity, number):
            attempt = _attempt(utterances, timeline, axis, heard, channels)
            if attempt.support > _STRICTER_SURER * best.support:
                best, activity = attempt, heard
                strict.add(number)
    for i, found in enumerate(best.evidence):
        if found is not None and found.channel in strict:
            doubted = replace(found, stricter=True)
            best.evidence[i] = doubted
            best.placements[i] = replace(best.placements[i], confidence=confidence(doubted))
    return best, activity


def _attempt(
    utterances: Sequence[Utterance], timeline: Timeline, axis: Axis, activity: Activity, channels: Sequence[str]
) -> _Attempt:
    begun, swapped = find_lanes(utterances, timeline, axis, activity, channels, twins(utterances))
    split = split_lanes(begun, activity)
    lanes = solve(place_untimed(split, axis) if has_untimed(split) else split, axis)
    return _Attempt(lanes, swapped, *_place(utterances, lanes, axis, activity))


# -- what comes of it


def _place(
    utterances: Sequence[Utterance], lanes: Sequence[Lane], axis: Axis, activity: Activity
) -> tuple[list[Placement], list[Evidence | None]]:
    placements = [Placement(u, None, None, "no_audio" if u.role in ROLES else "unmatched", 0.0) for u in utterances]
    evidence: list[Evidence | None] = [None] * len(utterances)
    user_starts = np.sort(np.concatenate([np.zeros(0), *(lane.starts(lane.matched(USER)) for lane in lanes)]))
    for lane in lanes:
        shared = lane.shared
        taken = lane.taken()
        stray = _stray_share(lane, taken)
        for k in range(len(lane.raw)):
            i = int(lane.raw.index[k])
            if not lane.matches.found[k]:
                status: PlacementStatus = "unmatched" if _sounds(lane, k) else "no_audio"
                placements[i] = Placement(utterances[i], None, None, status, 0.0)
                continue
            start, end = _snapped(lane, k)
            if shared:
                start, end = _overlapping(lane, k, start, end)
            found = replace(_evidence(lane, k, (start, end), axis, taken, shared=shared), stray_share=stray)
            clipped = _is_clipped(utterances[i], found, end.at_ms, user_starts) and not shared
            begin, stop = (round(edge.at_ms * SAMPLES_PER_MS) for edge in (start, end))
            stop = min(stop, activity.duration_ms * SAMPLES_PER_MS)
            status = "clipped" if clipped else "aligned"
            placements[i] = Placement(utterances[i], begin, stop, status, 0.0)
            evidence[i] = found
        for i, company in _company(lane, evidence):
            if (alone := evidence[i]) is not None:
                evidence[i] = found = replace(alone, company=company)
                placements[i] = replace(placements[i], confidence=confidence(found))
    return placements, evidence


def _company(lane: Lane, evidence: Sequence[Evidence | None]) -> list[tuple[int, float]]:
    """For each utterance of a lane, how well those around it are carried; without a place, not at all."""
    index = lane.raw.index[np.argsort(lane.expected.start, kind="stable")]
    alone = np.array([0.0 if (found := evidence[int(i)]) is None else support(found) for i in index])
    before = np.concatenate(([0.0], np.cumsum(alone)))
    company = []
    for at, i in enumerate(index):
        low, high = max(0, at - _AROUND), min(len(index), at + _AROUND + 1)
        others = (before[high] - before[low] - alone[at]) / max(1, high - low - 1)
        company.append((int(i), float(others) if high - low > 1 else 1.0))
    return company


def _expected(count: int, lanes: Sequence[Lane]) -> tuple[tuple[float, float] | None, ...]:
    expected: list[tuple[float, float] | None] = [None] * count
    for lane in lanes:
        for k, i in enumerate(lane.raw.index):
            costs = lane.costs[str(lane.roles[k])]
            start, end = lane.expected.start[k] + costs.start_bias, lane.expected.end[k] + costs.end_bias
            expected[int(i)] = float(start), float(end)
    return tuple(expected)


def _sounds(lane: Lane, k: int) -> bool:
    """Whether there is speech where an unmatched utterance was expected."""
    lo = int(np.clip(lane.expected.start[k] / 10, 0, len(lane.channel.score)))
    hi = int(np.clip((lane.expected.start[k] + lane.expected.reach[k]) / 10, 0, len(lane.channel.score)))
    return hi > lo and float((lane.channel.score[lo:hi] > 2).mean()) > _SOUNDING


def _snapped(lane: Lane, k: int) -> tuple[Edge, Edge]:
    a, b = int(lane.matches.first[k]), int(lane.matches.last[k])
    low = float(lane.islands.end[a - 1]) if a else 0.0
    high = float(lane.islands.start[b + 1]) if b + 1 < len(lane.islands) else float(POWER_MS * len(lane.channel.power))
    return snap(lane.channel.power, float(lane.islands.start[a]), float(lane.islands.end[b]), low, high)


def _overlapping(lane: Lane, k: int, start: Edge, end: Edge) -> tuple[Edge, Edge]:
    """On a channel of two voices, where an edge is not heard because the other voice goes on: where the log has it."""
    costs = lane.costs[str(lane.roles[k])]
    a, b = lane.matches.first[k], lane.matches.last[k]
    if lane.islands.made_start[a]:
        logged = lane.expected.start[k] + costs.start_bias
        start = Edge(
            float(np.clip(logged, start.at_ms - _LOGGED_MS, min(start.at_ms + _LOGGED_MS, end.at_ms - 1))), 0.0
        )
    if lane.islands.made_end[b] and np.isfinite(lane.expected.end[k]) and costs.end_spread < SHARP_END_MS:
        logged = lane.expected.end[k] + costs.end_bias
        end = Edge(
            float(np.clip(logged, max(end.at_ms - _LOGGED_MS, start.at_ms + 1), end.at_ms + 2 * _LOGGED_MS)), 0.0
        )
    return start, end


def _evidence(
    lane: Lane, k: int, edges: tuple[Edge, Edge], axis: Axis, taken: NDArray[np.bool_], *, shared: bool
) -> Evidence:
    """The evidence for the place of utterance `k`; `taken` says which islands are assigned."""
    start, end = edges
    costs = lane.costs[str(lane.roles[k])]
    a, b = int(lane.matches.first[k]), int(lane.matches.last[k])
    left = lane.islands.start[a] - lane.islands.end[a - 1] if a and not taken[a - 1] else 9999.0
    right = lane.islands.start[b + 1] - lane.islands.end[b] if b + 1 < len(taken) and not taken[b + 1] else 9999.0
    recorded = axis.recorded([start.at_ms, end.at_ms])
    return Evidence(
        channel=lane.number,
        start_residual_ms=start.at_ms - lane.expected.start[k] - costs.start_bias,
        end_residual_ms=end.at_ms - lane.expected.end[k] - costs.end_bias,
        start_spread_ms=costs.start_spread,
        end_spread_ms=costs.end_spread,
        length_ratio=float(np.diff(recorded)[0] / max(1.0, lane.expected.length[k] * costs.rate)),
        start_contrast_db=start.contrast_db,
        end_contrast_db=end.contrast_db,
        snr_db=lane.channel.snr_db,
        cost=float(lane.matches.cost[k]),
        left_over_ms=float(min(left, right)),
        made_up=bool(lane.islands.made_start[a] or lane.islands.made_end[b]),
        shared=shared,
        pinned=float(lane.raw.pinned[k]),
    )


def _stray_share(lane: Lane, taken: NDArray[np.bool_]) -> float:
    """How much of the time that sounds like speech on a lane belongs to no utterance."""
    length = lane.islands.end - lane.islands.start
    return float(length[~taken].sum() / max(1.0, length.sum()))


def _is_clipped(utterance: Utterance, found: Evidence, end_ms: float, user_starts: Floats) -> bool:
    """Whether an assistant's turn ends because the user began to speak."""
    if utterance.role != ASSISTANT:
        return False
    if utterance.interrupted and utterance.heard_text is not None:
        return True  # the log knows; how much of it was heard it only estimates
    if found.length_ratio > _WHOLE:
        return False
    if utterance.interrupted and found.length_ratio < _SHORT:
        return True
    before = end_ms - user_starts
    if ((before >= _OVERLAP_MS[0]) & (before <= _OVERLAP_MS[1])).any():
        return True
    return bool(found.length_ratio < _VERY_SHORT and ((before < 0) & (before >= -_LATE_MS)).any())


def _describe(number: int, name: str, lanes: Sequence[Lane], axis: Axis) -> PartAlignment:
    """The clock and residuals of one part; that a role is usually logged late or early is taken out of its offset."""
    residuals: dict[str, float] = {}
    place, off = [np.zeros(0)], [np.zeros(0)]
    biases = [lane.costs[role].start_bias for lane in lanes for role in ROLES if len(lane.matched(role))]
    for role in ROLES:
        left = [np.zeros(0)]
        for lane in lanes:
            k = lane.matched(role)
            k = k[(axis.part_of(lane.starts(k)) == number) & lane.raw.timed[k]]
            late = lane.starts(k) - lane.costs[role].start_bias
            place.append(lane.raw.start[k])
            off.append(late - lane.raw.start[k] + float(np.mean(biases or [0.0])))
            left.append(late - lane.expected.start[k])
        if len(every := np.abs(np.concatenate(left))):
            residuals[role] = float(median(every))
    at, late = np.concatenate(place), np.concatenate(off)
    if not len(at):
        return PartAlignment(name, None, None, {}, 0)
    line = fit_line(at, late)
    known = len(at) >= _DRIFT_MATCHES and np.ptp(at) >= _DRIFT_AFTER_MS and line.spread < _DRIFT_SPREAD_MS
    return PartAlignment(name, line.offset, line.slope * 1e6 if known else None, residuals, len(at))
