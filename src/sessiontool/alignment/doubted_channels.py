"""Channels on which few places are sure are tried again with other opinions of what is speech on them.

What is behind the speaker sounds like speech there.  More is asked of what is speech (`louder_speech`), and what the
speaker sounds like is learned from the log (`learned_speech`); the attempt that carries the placements best is kept.
Placements on which the attempts differ are less sure than those that all of them find.

Not here: one attempt's steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..model import SAMPLES_PER_MS
from .channel_matching import Lane, solve
from .channel_roles import find_lanes
from .confidence import confidence, support
from .edge_sound import edge_sounds
from .learned_speech import learned
from .leftovers import with_leftovers
from .log_readings import twins
from .louder_speech import stricter
from .mixed_lanes import split_lanes
from .placing import place_utterances
from .untimed import has_untimed, place_untimed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..model import Placement, Utterance
    from ..timeline import Timeline
    from .confidence import Evidence
    from .recorded_time import Axis
    from .speech_activity import Activity

_CARRIED, _CARRIED_SHARE = 0.8, 0.85
"""Support from which on a place is well carried, and the share of such places that makes a channel one that is not
doubted; chosen."""

_STRICTER_SURER = 1.02
"""Ratio, chosen: how much more support must come of asking more of what is speech."""

_LESSONS = 2
"""How often the speaker's sound is learned; chosen: after twice nothing changes."""

_TAUGHT_BY = 0.5
"""Support, a share, from which on a place is learned from, instead of where the log has the utterance; chosen."""

_RIVAL = 0.9
"""Share of the best attempt's support with which another one has a say in what is disputed; chosen."""

_SAME_PLACE_MS = 100.0
"""Chosen, as for confidence: within these both ends of a place are the same."""


class Attempt(Struct, frozen=True):
    """What one reading of the log and one opinion of what is speech lead to."""

    lanes: list[Lane]
    swapped: bool
    placements: list[Placement]
    evidence: list[Evidence | None]
    activity: Activity

    @property
    def support(self) -> float:
        """That of all placements together."""
        return sum(support(found) for found in self.evidence if found is not None)

    def in_doubt(self, channel: int) -> bool:
        """Whether of the utterances that are looked for on a channel most have a place, and too few a good one."""
        lanes = [lane for lane in self.lanes if lane.number == channel]
        found = [self.evidence[int(i)] for lane in lanes for i in lane.raw.index]
        carried = [0.0 if one is None else support(one) for one in found]
        placed, well = (sum(value > least for value in carried) for least in (0.0, _CARRIED))
        return placed > len(carried) / 2 and well < _CARRIED_SHARE * len(carried)

    def speaking(self, channel: int) -> list[tuple[float, float]]:
        """When (ms) there is speech on a channel: where they were found if that is likely, else where expected."""
        stretches = []
        for lane in (lane for lane in self.lanes if lane.number == channel):
            for k, i in enumerate(lane.raw.index):
                found, place = self.evidence[int(i)], self.placements[int(i)]
                if found is not None and support(found) > _TAUGHT_BY:
                    stretches.append(_ends_ms(place))
                else:
                    costs = lane.costs[str(lane.roles[k])]
                    start = float(lane.expected.start[k]) + costs.start_bias
                    stretches.append((start, start + float(lane.expected.length[k]) * costs.rate))
        return stretches


def _ends_ms(place: Placement) -> tuple[float, float]:
    assert place.start_samples is not None
    assert place.end_samples is not None
    return place.start_samples / SAMPLES_PER_MS, place.end_samples / SAMPLES_PER_MS


class Attempts(Struct, frozen=True):
    """What all attempts on a recording share: its clocks, and the role on each channel."""

    timeline: Timeline
    axis: Axis
    channels: Sequence[str]

    def by(self, utterances: Sequence[Utterance], activity: Activity) -> Attempt:
        """The utterances placed by one opinion of what is speech."""
        begun, swapped = find_lanes(utterances, self.timeline, self.axis, activity, self.channels, twins(utterances))
        split = split_lanes(begun, activity)
        lanes = solve(place_untimed(split, self.axis) if has_untimed(split) else split, self.axis)
        lanes = with_leftovers(lanes, self.axis)
        return Attempt(lanes, swapped, *place_utterances(utterances, lanes, self.axis, activity), activity)


def without_doubt(first: Attempt, attempts: Attempts) -> Attempt:
    """The attempt that is surest of the doubted channels, its places less sure where the others have them elsewhere."""
    best, doubted = first, set()
    tried = [first]
    for number in range(len(first.activity.channels)):
        if first.in_doubt(number):
            doubted.add(number)
            for margin, attempt in _others(best, number, attempts):
                tried.append(attempt)
                if attempt.support > margin * best.support:
                    best = attempt
    rivals = [one for one in tried if one is not best and one.support >= _RIVAL * best.support]
    for i, alone in _with_edges(best):
        found = alone
        if alone.channel in doubted:
            other = best.activity.channels[alone.channel] is not first.activity.channels[alone.channel]
            found = replace(alone, stricter=other, disputed=_disputed(best, rivals, i))
        best.evidence[i] = found
        best.placements[i] = replace(best.placements[i], confidence=confidence(found))
    return best


def _with_edges(attempt: Attempt) -> Iterator[tuple[int, Evidence]]:
    """The evidence of each of an attempt's places, with what the sound by itself says of its edges."""
    for number, channel in {lane.number: lane.channel for lane in attempt.lanes}.items():
        mine = [(i, one) for i, one in enumerate(attempt.evidence) if one is not None and one.channel == number]
        sounds = edge_sounds(channel, [_ends_ms(attempt.placements[i]) for i, _ in mine])
        for (i, one), sound in zip(mine, sounds, strict=True):
            yield i, replace(one, behind=sound.behind, early_dip=sound.early_dip, end_likeness=sound.end_likeness)


def _others(first: Attempt, number: int, attempts: Attempts) -> Iterator[tuple[float, Attempt]]:
    """Other attempts on a channel, each with how much more support than the best one it must have."""
    utterances = [place.utterance for place in first.placements]
    for heard in stricter(first.activity, number):
        yield _STRICTER_SURER, attempts.by(utterances, heard)
    teacher = first
    for _ in range(_LESSONS):
        if any(lane.shared for lane in teacher.lanes if lane.number == number):
            return
        channel = learned(first.activity.channels[number], teacher.speaking(number))
        if channel is None:
            return
        channels = tuple(channel if n == number else one for n, one in enumerate(first.activity.channels))
        teacher = attempts.by(utterances, replace(first.activity, channels=channels))
        yield 1.0, teacher


def _disputed(best: Attempt, rivals: Sequence[Attempt], index: int) -> float:
    """Which share of the rivals has an utterance elsewhere."""
    here = _ends_ms(best.placements[index])
    apart = 0
    for rival in rivals:
        place = rival.placements[index]
        apart += place.start_samples is None or any(
            abs(one - other) > _SAME_PLACE_MS for one, other in zip(here, _ends_ms(place), strict=True)
        )
    return apart / max(1, len(rivals))
