"""Which channel carries whom: as session.json names them, the other way round, or both voices on one.

The names are doubted only where the log hardly agrees with the sound; then all other readings are tried, and the one
that agrees best is taken if it is much better.  Where the log has times, what agrees is speech where a speaker should
speak (`clock_offset`); where it has none, the order of the log and the lengths of its texts (`order`).

Not here: which of a channel's speech is whose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from .channel_matching import ASSISTANT, ROLES, USER, Lane, track
from .clock_offset import most_agreement
from .mixed_lanes import split_lanes
from .recorded_time import expect
from .untimed import has_untimed, order_misfit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..model import Utterance
    from ..timeline import Timeline
    from .recorded_time import Axis
    from .speech_activity import Activity

_AGREES, _MUCH_BETTER = 0.3, 0.2
"""Shares of the agreement that there could be, chosen: what is enough, and by how much another reading must be
better."""

_BETTER_ALONE = 0.15
"""Share, measured where one channel is silent: of 64 channels of 32 dialogues that were muted, the other role never
fits the other channel so much better, but where that is the truth."""

_FITS = 0.72
"""Share of the fit that there could be, chosen: what is enough where the log lacks times."""


def find_lanes(
    utterances: Sequence[Utterance],
    timeline: Timeline,
    axis: Axis,
    activity: Activity,
    channels: Sequence[str],
    left_out: Collection[int],
) -> tuple[list[Lane], bool]:
    """A lane for each channel that carries utterances, with its track, and whether that is not as they were named.

    Utterances at the positions `left_out` are not looked for.
    """
    readings = [
        _begun(choice, utterances, timeline, axis, activity, left_out)
        for choice in _channel_choices(channels, len(activity.channels))
    ]
    usual = readings[0]
    timed = any(lane.raw.timed.any() for lane in usual)
    wholly = timed and not has_untimed(usual)
    fit = _agreement if wholly else _order_fit
    fits = fit(usual, axis, activity)
    if timed and _is_other_way_round(readings, axis):
        track(readings[1], axis)
        return readings[1], True
    if len(readings) == 1 or fits >= (_AGREES if wholly else _FITS):
        return usual, False
    others = [(fit(lanes, axis, activity), number) for number, lanes in enumerate(readings)][1:]
    best, number = max(others)
    if best > max(_AGREES, fits + _MUCH_BETTER):
        return readings[number], True
    return usual, False


def _begun(
    choice: dict[str, int],
    utterances: Sequence[Utterance],
    timeline: Timeline,
    axis: Axis,
    activity: Activity,
    left_out: Collection[int],
) -> list[Lane]:
    lanes = []
    for number in sorted(set(choice.values())):
        picked = [i for i, u in enumerate(utterances) if choice.get(u.role) == number and i not in left_out]
        spoken = [i for i in picked if utterances[i].audible_text.strip()]
        if spoken:
            raw = expect(utterances, spoken, timeline, axis)
            roles = [utterances[i].role for i in raw.index]
            lanes.append(Lane.begin(number, activity.channels[number], roles, raw))
    return lanes


def _agreement(lanes: Sequence[Lane], axis: Axis, _: Activity) -> float:
    """How far the log's times agree with the sound, at the best track of its clock: 1 would be all."""
    return track(lanes, axis) / max(1e-3, sum(most_agreement(lane.raw) for lane in lanes))


def _is_other_way_round(readings: Sequence[Sequence[Lane]], axis: Axis) -> bool:
    """Whether of two channels one is silent, and the other one has the voice of the role that should be on that.

    A silent channel speaks neither for the utterances on it nor against them.
    """
    if len(readings) < 2:
        return False
    heard = [[replace(lane) for lane in lanes if len(lane.channel.islands)] for lanes in readings]
    if [len(readings[0]), len(readings[1]), len(heard[0]), len(heard[1])] != [2, 2, 1, 1]:
        return False
    reached = [track(lanes, axis) if lanes else 0.0 for lanes in heard]
    fits, fits_turned = (reached[n] / max(1e-3, most_agreement(heard[n][0].raw)) for n in (0, 1))
    return fits_turned > max(_AGREES, fits + _BETTER_ALONE) and reached[1] > max(reached[2:])


def _order_fit(lanes: Sequence[Lane], axis: Axis, activity: Activity) -> float:
    """How far the log's order, and what times it has, fit the sound, all of it: 1 would be wholly."""
    track(lanes, axis)
    split = split_lanes(lanes, activity)
    unused = [c for n, c in enumerate(activity.channels) if n not in {lane.number for lane in lanes}]
    if activity.dual_mono:
        unused = []
    return 1 - order_misfit(split, [channel for channel in unused if len(channel.islands)], axis)


def _channel_choices(channels: Sequence[str], count: int) -> list[dict[str, int]]:
    """Which channel each role may be on: as named first, then the other way round, then both on one."""
    if count < 2:
        return [dict.fromkeys(ROLES, 0)]
    named = list(channels[:count])
    usual = {role: named.index(role) for role in ROLES if role in named} or {USER: 0, ASSISTANT: 1}
    if len(usual) < 2:
        return [usual]
    return [usual, {role: 1 - c for role, c in usual.items()}, dict.fromkeys(ROLES, 0), dict.fromkeys(ROLES, 1)]
