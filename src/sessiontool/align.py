"""Utterances and speech activity -> placed utterances: the log says what was said and roughly when, the sound says exactly when.

The steps, each in its own module: what the log expects (`axis`), how far its clock is off (`tracking`), which stretch of speech belongs
to which utterance (`matching`), where that stretch begins and ends (`snapping`).  Matching and the estimates it rests on (clock,
biases of starts and ends, rate of speech) are repeated three times, each from the other's result.

A wrong time is worse than none: an utterance that nothing audible fits gets none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .axis import SAMPLES_PER_MS, Axis, Expected, expect
from .matching import Costs, Islands, Matches, cut_islands, match
from .snapping import snap
from .tracking import Line, coarse_offsets, fit_line, follow
from .values import Finding, Placement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .activity import Activity, ChannelActivity
    from .timeline import Timeline
    from .values import Utterance

    Floats = NDArray[np.float64]

ROLES = ("user", "assistant")
_ROUNDS = 4
_LEFT_OVER = {"user": (0.15, 0.9, 2.0), "assistant": (0.5, 2.0, 4.5)}
_SKIP_TEXT = 3.5
_SHARP_END_MS = 500.0


@dataclass(frozen=True, slots=True)
class PartAlignment:
    """What was found of one recording part: how much later than the log's time the sound is, and how well that is known.

    `drift_ppm` is None where the part is too short to tell; `residual_ms` is, per role, the middle of |found - predicted|.
    """

    part: str
    offset_ms: float | None
    drift_ppm: float | None
    residual_ms: dict[str, float]
    matched: int


@dataclass(frozen=True, slots=True)
class Alignment:
    """Placements in the order of the input, and what is to be said of the session."""

    placements: tuple[Placement, ...]
    parts: tuple[PartAlignment, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class _Lane:
    """One channel's work: whose utterances it carries, and what is believed of them so far."""

    channel: ChannelActivity
    roles: NDArray[np.str_]
    raw: Expected
    expected: Expected
    islands: Islands
    matches: Matches
    costs: dict[str, Costs]

    def found_residuals(self) -> tuple[Floats, Floats, NDArray[np.intp]]:
        k = np.flatnonzero(self.matches.found & self.raw.known)
        starts = self.islands.start[self.matches.first[k]]
        return starts, starts - self.raw.start[k], k


def align(
    utterances: Sequence[Utterance], timeline: Timeline, activity: Activity, channels: Sequence[str]
) -> Alignment:
    """Place every utterance that can be heard.

    `channels` names the role on each channel, left first; one channel named `mixed` carries all roles.  Utterances of unknown roles are
    never placed.
    """
    axis = Axis(timeline.spans, activity.duration_ms)
    chosen = _lanes_of(utterances, channels, len(activity.channels))
    lanes = [_lane(utterances, picked, timeline, axis, activity.channels[c]) for c, picked in chosen.items() if picked]
    if not lanes or not activity.duration_ms:
        return Alignment(tuple(_unplaced(u) for u in utterances))
    _track_coarsely(lanes, axis)
    for turn in range(_ROUNDS):
        for lane in lanes:
            _match_lane(lane, lanes, axis)
        if turn < _ROUNDS - 1:
            _learn(lanes, axis)
    return _result(utterances, lanes, axis)


def _lanes_of(utterances: Sequence[Utterance], channels: Sequence[str], count: int) -> dict[int, list[int]]:
    """The utterances (positions in the log) that each channel carries."""
    picked: dict[int, list[int]] = {c: [] for c in range(count)}
    for i, u in enumerate(utterances):
        if u.role not in ROLES or not u.text.strip():
            continue
        if u.role in channels[:count]:
            picked[list(channels).index(u.role)].append(i)
        elif count == 1:
            picked[0].append(i)
    return picked


def _lane(
    utterances: Sequence[Utterance], picked: list[int], timeline: Timeline, axis: Axis, channel: ChannelActivity
) -> _Lane:
    raw = expect(utterances, picked, timeline, axis)
    roles = np.array([utterances[i].role for i in raw.index])
    costs = {}
    for role in ROLES:
        island, second, most = _LEFT_OVER[role]
        costs[role] = Costs(
            skip_text=_SKIP_TEXT,
            skip_island=island,
            skip_second=second,
            skip_most=most,
            end_spread=1500.0 if role == "assistant" else 600.0,
        )
    empty = Islands(*(np.zeros(0, kind) for kind in (float, float, bool, bool, float)))
    nothing = np.full(len(raw), -1)
    return _Lane(channel, roles, raw, raw, empty, Matches(nothing, nothing, np.zeros(len(raw))), costs)


def _shift(raw: Expected, by_ms: Floats) -> Expected:
    return replace(raw, start=raw.start + by_ms, end=raw.end + by_ms)


def _track_coarsely(lanes: Sequence[_Lane], axis: Axis) -> None:
    offsets, _ = coarse_offsets([(lane.raw, lane.channel.score) for lane in lanes], axis)
    for lane, found in zip(lanes, offsets, strict=True):
        lane.expected = _shift(lane.raw, found)


def _in_order(expected: Expected) -> NDArray[np.intp]:
    return np.argsort(expected.start, kind="stable")


def _match_lane(lane: _Lane, lanes: Sequence[_Lane], axis: Axis) -> None:
    """Match one lane's utterances with its islands, in the order of their expected starts."""
    order = _in_order(lane.expected)
    e = lane.expected
    ordered = Expected(e.index[order], e.start[order], e.end[order], e.length[order], e.text[order], e.known[order])
    costs = [lane.costs[str(role)] for role in lane.roles[order]]
    biased = ordered.start + np.array([c.start_bias for c in costs])
    sharp = np.array([c.end_spread < _SHARP_END_MS for c in costs])
    ends = (ordered.end + np.array([c.end_bias for c in costs]))[sharp & np.isfinite(ordered.end)]
    lane.islands = cut_islands(lane.channel.islands, lane.channel.score, axis, np.concatenate((biased, ends)))
    others = np.concatenate([o.channel.islands[:, 0] for o in lanes if o is not lane] or [np.zeros(0)])
    by_other = _interrupted(lane.islands.end, np.sort(others.astype(float)))
    never = np.zeros(len(by_other), bool)
    cut_off = [by_other if role == "assistant" else never for role in lane.roles[order]]
    found = match(ordered, lane.islands, axis, costs, cut_off)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    lane.matches = Matches(found.first[back], found.last[back], found.cost[back])


def _interrupted(ends: Floats, other_starts: Floats) -> NDArray[np.bool_]:
    """Which ends come just after somebody else has begun to speak."""
    lo = np.searchsorted(other_starts, ends - 700)
    hi = np.searchsorted(other_starts, ends + 250)
    result: NDArray[np.bool_] = hi > lo
    return result


def _robust(values: Floats, least: float) -> tuple[float, float]:
    middle = float(np.median(values))
    return middle, max(least, 1.4826 * float(np.median(np.abs(values - middle))))


def _learn(lanes: Sequence[_Lane], axis: Axis) -> None:
    """Estimate clock, biases, spreads and rates anew from what matched."""
    at, residual, lane_no, role_of, position = [], [], [], [], []
    for n, lane in enumerate(lanes):
        a, r, k = lane.found_residuals()
        at.append(a)
        residual.append(r)
        lane_no.append(np.full(len(k), n))
        role_of.append(lane.roles[k])
        position.append(lane.raw.start[k])
    if not sum(map(len, at)):
        return
    place, off, role = np.concatenate(position), np.concatenate(residual), np.concatenate(role_of)
    biases = {}
    for name in ROLES:
        mine = off[role == name]
        biases[name] = float(np.median(mine)) if len(mine) else 0.0
    counts = {name: int((role == name).sum()) for name in ROLES}
    common = sum(biases[n] * counts[n] for n in ROLES) / max(1, sum(counts.values()))
    if min(counts.values()) >= 3:
        # the roles' biases are relative to the clock they share, measured where both speak
        off = off - np.array([biases[str(n)] - common for n in role])
        relative = {n: biases[n] - common for n in ROLES}
    else:
        relative = dict.fromkeys(ROLES, 0.0)
    lines = _lines(axis, place, off)
    parts = axis.part_of(place)
    left = off - np.array([float(lines[int(p)].at(np.array([x]))[0]) for p, x in zip(parts, place, strict=True)])
    for lane in lanes:
        k = axis.part_of(lane.raw.start)
        base = np.array([float(lines[int(p)].at(np.array([x]))[0]) for p, x in zip(k, lane.raw.start, strict=True)])
        lane.expected = _shift(lane.raw, base + follow(place, left, lane.raw.start))
        _learn_costs(lane, relative)


def _lines(axis: Axis, place: Floats, off: Floats) -> dict[int, Line]:
    parts = axis.part_of(place)
    overall = fit_line(place, off)
    lines = {}
    for p in range(len(axis.parts)):
        mine = parts == p
        lines[p] = fit_line(place[mine], off[mine]) if mine.sum() >= 3 else replace(overall, slope=0.0)
    return lines


def _learn_costs(lane: _Lane, relative: dict[str, float]) -> None:
    """Biases, spreads and rate of each role on a lane from its matches."""
    found = lane.matches.found
    for role in ROLES:
        k = np.flatnonzero(found & (lane.roles == role))
        if len(k) < 4:
            continue
        starts = lane.islands.start[lane.matches.first[k]]
        ends = lane.islands.end[lane.matches.last[k]]
        start_bias, start_spread = _robust(starts - lane.expected.start[k], 80.0)
        told = np.isfinite(lane.expected.end[k])
        changes: dict[str, float] = {"start_bias": start_bias, "start_spread": min(600.0, 1.5 * start_spread)}
        if told.sum() >= 4:
            end_bias, end_spread = _robust((ends - lane.expected.end[k])[told], 100.0)
            changes |= {"end_bias": end_bias, "end_spread": min(2500.0, 2 * end_spread)}
        changes["rate"] = float(np.exp(np.median(np.log((ends - starts) / lane.raw.text[k]))))
        lane.costs[role] = replace(lane.costs[role], **changes)


def _unplaced(utterance: Utterance) -> Placement:
    status = "no_audio" if utterance.role in ROLES else "unmatched"
    return Placement(utterance, None, None, status, 0.0)  # type: ignore[arg-type]


def _result(utterances: Sequence[Utterance], lanes: Sequence[_Lane], axis: Axis) -> Alignment:
    placements = [_unplaced(u) for u in utterances]
    for lane in lanes:
        for k in np.flatnonzero(lane.matches.found):
            a, b = int(lane.matches.first[k]), int(lane.matches.last[k])
            low = lane.islands.end[a - 1] if a else 0.0
            high = lane.islands.start[b + 1] if b + 1 < len(lane.islands) else 1e12
            start, end = snap(lane.channel.power, lane.islands.start[a], lane.islands.end[b], low, high)
            i = int(lane.raw.index[k])
            expected = lane.raw.length[k] * lane.costs[str(lane.roles[k])].rate
            clipped = bool(
                lane.roles[k] == "assistant"
                and end - start < 0.85 * expected
                and _interrupted(
                    np.array([end]),
                    np.sort(np.concatenate([o.channel.islands[:, 0] for o in lanes if o is not lane] or [np.zeros(0)])),
                )[0]
            )
            placements[i] = Placement(
                utterances[i],
                round(start * SAMPLES_PER_MS),
                round(end * SAMPLES_PER_MS),
                "clipped" if clipped else "aligned",
                0.9,
            )
    parts = tuple(PartAlignment(part, None, None, {}, 0) for part in axis.parts)
    return Alignment(tuple(placements), parts)
