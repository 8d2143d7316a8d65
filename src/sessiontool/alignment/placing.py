"""Matches -> placed utterances: where each one begins and ends, whether it was cut off, and what speaks for that.

Not here: which stretch of speech belongs to which utterance (`channel_matching`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from ..model import SAMPLES_PER_MS, Placement
from .after_end import after_the_end
from .band_levels import FRAME_MS, POWER_MS
from .boundaries import Edge, snap
from .channel_matching import ASSISTANT, ROLES, SHARP_END_MS, USER, Lane
from .confidence import Evidence, confidence, support
from .log_fit import misfit
from .quantiles import median
from .settled_ends import settled_end
from .talked_over import talked_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..model import PlacementStatus, Utterance
    from .recorded_time import Axis
    from .speech_activity import Activity

    Floats = NDArray[np.float64]

_LOGGED_MS = 400.0  # chosen: how far an end may be moved to where the log has it, where no boundary was found
_AROUND = 3  # places on either side of one that are its company; chosen
_OVERLAP_MS, _LATE_MS = (10.0, 900.0), 200.0  # chosen: how early the other begins who cuts one off, and how late
_SHORT, _VERY_SHORT, _WHOLE = 0.9, 0.75, 1.25  # ratios to the expected length; chosen: cut off, surely, whole
_BEFORE_MS = (400.0, 40.0)  # chosen: from where to where before a start is looked for what belongs to it
_NOISY_DB = 25.0  # from noise to speech on a channel; derived: where noise hides 15 dB of ends, it is no less than that
_LEAST_LENGTHS = 4  # places, as units of evidence, that tell how evenly a role speaks; chosen, as for its other habits
_LENGTHS = (1e-3, 1e3)  # ratios to the expected length between which it is looked at; chosen
_LENGTH_SPREADS = (0.1, 0.35)  # logarithms of ratios; chosen: no voice is that even, and what matching goes by
_PAUSE_MS = 60.0  # chosen: what parts islands for less is inside a word
_SOUNDING = 0.15  # share of frames above the threshold of speech; chosen: below it the place has no speech


def place_utterances(
    utterances: Sequence[Utterance], lanes: Sequence[Lane], axis: Axis, activity: Activity
) -> tuple[list[Placement], list[Evidence | None]]:
    """Where each utterance is in the sound, and what carries that (None: it has no place)."""
    placements = [Placement(u, None, None, "no_audio" if u.role in ROLES else "unmatched", 0.0) for u in utterances]
    evidence: list[Evidence | None] = [None] * len(utterances)
    user_starts = np.sort(np.concatenate([np.zeros(0), *(lane.starts(lane.matched(USER)) for lane in lanes)]))
    for lane in lanes:
        shared = lane.shared
        taken = lane.taken()
        stray = _stray_share(lane, taken)
        edges, cut = _edges(lane, utterances)
        for k in range(len(lane.raw)):
            i = int(lane.raw.index[k])
            if not lane.matches.found[k]:
                status: PlacementStatus = "unmatched" if _sounds(lane, k) else "no_audio"
                placements[i] = Placement(utterances[i], None, None, status, 0.0)
                continue
            start, end = edges[k]
            found = replace(_evidence(lane, k, (start, end), axis, taken, shared=shared), stray_share=stray)
            clipped = k in cut if shared else _is_clipped(utterances[i], found, end.at_ms, user_starts)
            begin, stop = (round(edge.at_ms * SAMPLES_PER_MS) for edge in (start, end))
            stop = min(stop, activity.duration_ms * SAMPLES_PER_MS)
            status = "clipped" if clipped else "aligned"
            placements[i] = Placement(utterances[i], begin, stop, status, 0.0)
            evidence[i] = found
        for i, company in _company(lane, evidence):
            if (alone := evidence[i]) is not None:
                evidence[i] = replace(alone, company=company)
    unlike, late = misfit(evidence), after_the_end(lanes, activity.duration_ms)
    off = _lengths_off(utterances, evidence)
    for i, alone in enumerate(evidence):
        if alone is not None:
            length, shorter = off[i]
            found = replace(alone, misfit=unlike, after_end=i in late, length_off=length, shorter_off=shorter)
            evidence[i] = found
            placements[i] = replace(placements[i], confidence=confidence(found))
    return placements, evidence


def _lengths_off(
    utterances: Sequence[Utterance], evidence: Sequence[Evidence | None]
) -> dict[int, tuple[float, float]]:
    """How far the length of each placed utterance is from its role's usual ratio, in units of the usual distance.

    And how far it would be if the utterance ended at a pause inside.
    """
    off: dict[int, tuple[float, float]] = {}
    for role in {one.role for one in utterances}:
        ratios = {i: one.length_ratio for i, one in enumerate(evidence) if one and utterances[i].role == role}
        lengths = np.log(np.clip(list(ratios.values()), *_LENGTHS))
        usual, spread = 0.0, _LENGTH_SPREADS[1]
        if len(lengths) >= _LEAST_LENGTHS:
            usual = float(median(lengths))
            spread = float(np.clip(2 * 1.4826 * median(np.abs(lengths - usual)), *_LENGTH_SPREADS))
        shorter = np.log(np.clip([one.shorter_ratio for i in ratios if (one := evidence[i])], *_LENGTHS))
        for i, whole, part in zip(ratios, lengths.tolist(), shorter.tolist(), strict=True):
            off[i] = (whole - usual) / spread, (part - usual) / spread
    return off


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


def _sounds(lane: Lane, k: int) -> bool:
    """Whether there is speech where an unmatched utterance was expected."""
    lo = int(np.clip(lane.expected.start[k] / 10, 0, len(lane.channel.score)))
    hi = int(np.clip((lane.expected.start[k] + lane.expected.reach[k]) / 10, 0, len(lane.channel.score)))
    return hi > lo and float((lane.channel.score[lo:hi] > 2).mean()) > _SOUNDING


def _edges(lane: Lane, utterances: Sequence[Utterance]) -> tuple[dict[int, tuple[Edge, Edge]], set[int]]:
    """Where those of a lane's utterances begin and end that have a place, and who is cut off on a shared one."""
    edges = {int(k): _snapped(lane, int(k)) for k in lane.matched()}
    if not lane.shared:
        return edges, set()
    edges = {k: _overlapping(lane, k, *both) for k, both in edges.items()}
    return talked_over(lane, edges, frozenset(k for k in edges if utterances[int(lane.raw.index[k])].interrupted))


def _snapped(lane: Lane, k: int) -> tuple[Edge, Edge]:
    a, b = int(lane.matches.first[k]), int(lane.matches.last[k])
    low = float(lane.islands.end[a - 1]) if a else 0.0
    high = float(lane.islands.start[b + 1]) if b + 1 < len(lane.islands) else float(POWER_MS * len(lane.channel.power))
    start, end = float(lane.islands.start[a]), float(lane.islands.end[b])
    if not lane.shared and not lane.islands.made_end[b] and lane.channel.islands is not lane.channel.heard:
        end = settled_end(start, end, high, lane.channel.heard)
    return snap(lane.channel.power, start, end, low, high, noisy=lane.channel.snr_db < _NOISY_DB)


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
    begin = float(lane.expected.start[k] + costs.start_bias)
    if begin >= axis.starts[0]:
        begin = float(axis.forward(np.array([begin]))[0])  # what was not recorded is no reason for doubt
    return Evidence(
        channel=lane.number,
        start_residual_ms=start.at_ms - begin,
        end_residual_ms=end.at_ms - lane.expected.end[k] - costs.end_bias,
        start_spread_ms=costs.start_spread,
        end_spread_ms=costs.end_spread,
        length_ratio=float(np.diff(recorded)[0] / max(1.0, lane.expected.length[k] * costs.rate)),
        start_contrast_db=start.contrast_db,
        end_contrast_db=end.contrast_db,
        soft_start_ms=start.soft_ms,
        soft_end_ms=end.soft_ms,
        snr_db=lane.channel.snr_db,
        cost=float(lane.matches.cost[k]),
        left_over_ms=float(min(left, right)),
        made_up=bool(lane.islands.made_start[a] or lane.islands.made_end[b]),
        shared=shared,
        pinned=float(lane.raw.pinned[k]),
        lost_inside=_lost_inside(lane, start.at_ms, end.at_ms),
        beside_ms=_beside_ms(lane, k) if shared else np.inf,
        before=_highest_score(lane, start.at_ms - _BEFORE_MS[0], start.at_ms - _BEFORE_MS[1]),
        start_beyond_db=start.beyond_db,
        end_beyond_db=end.beyond_db,
        shorter_ratio=_shorter_ratio(lane, k, axis),
        left_ahead_ms=_left_ahead_ms(lane, k, taken),
    )


def _shorter_ratio(lane: Lane, k: int, axis: Axis) -> float:
    """The length ratio of an utterance if it ended at the pause inside that fits its text best; nan without one."""
    a, b = int(lane.matches.first[k]), int(lane.matches.last[k])
    pauses = a + np.flatnonzero(lane.islands.start[a + 1 : b + 1] - lane.islands.end[a:b] > _PAUSE_MS)
    if not len(pauses):
        return np.nan
    start, *ends = axis.recorded([lane.islands.start[a], *lane.islands.end[pauses]]).tolist()
    usual = max(1.0, lane.expected.length[k] * lane.costs[str(lane.roles[k])].rate)
    ratios = [(end - start) / usual for end in ends if end > start]
    return min(ratios, key=lambda ratio: abs(math.log(ratio)), default=math.nan)


def _left_ahead_ms(lane: Lane, k: int, taken: NDArray[np.bool_]) -> float:
    """How much speech that no utterance has follows an utterance before the log has its end."""
    logged = lane.expected.end[k] + lane.costs[str(lane.roles[k])].end_bias
    after = int(lane.matches.last[k]) + 1
    until = after + int(np.searchsorted(lane.islands.start[after:], logged)) if np.isfinite(logged) else after
    others = np.flatnonzero(taken[after:until])
    free = slice(after, after + int(others[0]) if len(others) else until)
    return float((np.minimum(lane.islands.end[free], logged) - lane.islands.start[free]).sum())


def _highest_score(lane: Lane, from_ms: float, to_ms: float) -> float:
    """The highest score of a lane's channel in a stretch, 0 at least."""
    first, last = (max(0, int(at / FRAME_MS)) for at in (from_ms, to_ms))
    return float(lane.channel.score[first:last].max(initial=0))


def _beside_ms(lane: Lane, k: int) -> float:
    """How far from an utterance's islands the nearest ones are that the other role has."""
    others = np.flatnonzero(lane.matches.found & (lane.roles != lane.roles[k]))
    start, end = lane.islands.start[lane.matches.first[k]], lane.islands.end[lane.matches.last[k]]
    apart = np.maximum(lane.starts(others) - end, start - lane.ends(others))
    return float(np.maximum(0.0, apart).min(initial=np.inf))


def _lost_inside(lane: Lane, start_ms: float, end_ms: float) -> float:
    """Which share of a stretch is where an utterance is expected that has no place."""
    lost = ~lane.matches.found
    if not lost.any():
        return 0.0
    begin = lane.expected.start[lost] + np.array([lane.costs[str(role)].start_bias for role in lane.roles[lost]])
    shared = np.minimum(begin + lane.expected.length[lost], end_ms) - np.maximum(begin, start_ms)
    return float(np.clip(shared.max() / max(1.0, end_ms - start_ms), 0, 1))


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
