"""Utterances and speech activity -> placed utterances: the log says what and roughly when, the sound exactly when.

The steps, each in its own module: what the log expects (`recorded_time`), how far its clock is off (`clock_offset`),
which stretch of speech belongs to which utterance (`assignment`), where that stretch begins and ends (`boundaries`),
how sure that is (`confidence`), and what a person should know of the session (`findings`).  Matching and the
estimates it rests on (clock, biases of starts and ends, rate of speech) are repeated, each from the other's result.

A wrong time is worse than none: an utterance that nothing audible fits gets none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from .alignment.after_end import texts_after_end
from .alignment.channel_matching import ROLES, Lane
from .alignment.clock_offset import fit_line
from .alignment.doubted_channels import Attempt, Attempts, without_doubt
from .alignment.far_offset import far_offset_ms, moved
from .alignment.findings import channel_notes, clock_far_off, session_findings
from .alignment.gap_cuts import marked_where_cut
from .alignment.log_fit import unfit_log
from .alignment.log_readings import readings, twins
from .alignment.quantiles import median
from .alignment.recorded_time import Axis
from .alignment.stretches import with_speech
from .alignment.voices import are_of_one_channel, as_one_voice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .alignment.confidence import Evidence
    from .alignment.crosstalk import Leak
    from .alignment.findings import ChannelNotes
    from .alignment.speech_activity import Activity
    from .model import Finding, Placement, Utterance
    from .timeline import Timeline

_SURER = 1.05  # ratio; chosen: another reading of the log must carry so much better, or the log is believed
_FITS = 0.5  # support of an utterance, on average; chosen: below it the log's clock is doubted
_MUCH_SURER = 1.5  # ratio; chosen: a log that is moved by minutes or hours must carry so much better
_DRIFT_AFTER_MS, _DRIFT_MATCHES, _DRIFT_SPREAD_MS = 600_000.0, 30, 300.0
"""Time, places and spread from which on a drift is derived; chosen: below, it is less than its error."""


class PartAlignment(Struct, frozen=True):
    """How much later than the log's time the sound of one recording part is, and how well that is known.

    `drift_ppm` is None where the part is too short to tell; `residual_ms` is, per role, the middle of |found -
    predicted|.
    """

    part: str
    offset_ms: float | None
    drift_ppm: float | None
    residual_ms: dict[str, float]
    matched: int


class Alignment(Struct, frozen=True):
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
    of unknown roles are placed where there is one channel and no role is known, and nowhere else.
    """
    axis = Axis(timeline.spans, activity.duration_ms)
    attempts = Attempts(timeline, axis, channels)
    asked = as_one_voice(utterances) if are_of_one_channel(utterances, activity) else utterances
    best, far_ms = _by_any_clock(asked, activity, attempts)
    best = without_doubt(best, attempts)
    lanes, evidence, activity = best.lanes, best.evidence, best.activity
    placements = [replace(p, utterance=u) for p, u in zip(best.placements, utterances, strict=True)]
    for copy, original in twins(utterances).items():
        placements[copy] = replace(placements[original], utterance=utterances[copy])
        evidence[copy] = evidence[original]
    placements = [with_speech(p, e, activity.channels) for p, e in zip(placements, evidence, strict=True)]
    placements = [marked_where_cut(placement, axis) for placement in placements]
    parts = tuple(_describe(number, name, lanes, axis, far_ms) for number, name in enumerate(axis.parts))
    of_session = session_findings(placements, lanes, activity, axis, swapped=best.swapped)
    of_log = (*unfit_log(evidence), *clock_far_off(far_ms), *texts_after_end(placements, evidence))
    findings = [*of_log, *of_session]
    heard = tuple(channel_notes(lanes, activity, axis))
    expected = _expected(len(utterances), lanes)
    return Alignment(tuple(placements), tuple(evidence), expected, parts, tuple(findings), heard, activity.leaks)


def _by_any_clock(utterances: Sequence[Utterance], activity: Activity, attempts: Attempts) -> tuple[Attempt, int]:
    """The best attempt, and by how many ms the log was moved for it: only where the sound hardly fits it as it is."""
    best = _best_reading(utterances, activity, attempts)
    if best.support < _FITS * sum(one.role in ROLES for one in utterances):
        far_ms = far_offset_ms(best.lanes, activity)
        if far_ms is not None:
            attempt = _best_reading(moved(utterances, far_ms), activity, attempts)
            if attempt.support > _MUCH_SURER * best.support:
                return attempt, far_ms
    return best, 0


def _best_reading(utterances: Sequence[Utterance], activity: Activity, attempts: Attempts) -> Attempt:
    best: Attempt | None = None
    for read in readings(utterances):
        attempt = attempts.by(read, activity)
        if best is None or attempt.support > _SURER * best.support:
            best = attempt
    assert best is not None
    return best


def _expected(count: int, lanes: Sequence[Lane]) -> tuple[tuple[float, float] | None, ...]:
    expected: list[tuple[float, float] | None] = [None] * count
    for lane in lanes:
        for k, i in enumerate(lane.raw.index):
            costs = lane.costs[str(lane.roles[k])]
            start, end = lane.expected.start[k] + costs.start_bias, lane.expected.end[k] + costs.end_bias
            expected[int(i)] = float(start), float(end)
    return tuple(expected)


def _describe(number: int, name: str, lanes: Sequence[Lane], axis: Axis, far_ms: int) -> PartAlignment:
    """The clock and residuals of one part; that a role is usually logged late or early is taken out of its offset.

    `far_ms` is by how much the log was moved beforehand.
    """
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
    return PartAlignment(name, line.offset + far_ms, line.slope * 1e6 if known else None, residuals, len(at))
