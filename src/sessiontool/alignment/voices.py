"""Who speaks, where the log does not say it: the channel on which each utterance sounds.

Recognisers write down what is said and when; who said it they do not know, or call `SPEAKER_01`.  Where each voice has
a channel of its own the sound knows.  The log's clock is found from both channels together; then each utterance, and
each name as a whole, is of the channel that sounds while it is said.  Where both do, what the clear ones around it say
of either is taken off.

Not here: what names mean by themselves (`documents.roles`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from ..model import Finding
from .band_levels import FRAME_MS
from .channel_matching import ROLES
from .clock_offset import coarse_track, most_agreement
from .recorded_time import Axis, expect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ..model import Utterance
    from ..timeline import Timeline
    from .speech_activity import Activity

_LEAST = 3
"""Utterances; chosen: fewer do not tell where the log's clock is."""
_AGREES = 0.3
"""Share, chosen: how much of the agreement that there could be is enough, as for channels that may be swapped."""
_JUMP_COST_S = 6.0
"""Seconds of agreement that a jump of the clock must gain; chosen, as for aligning."""
_ACTIVE = 2.0
"""A score from which on a frame is speech; chosen, as for aligning."""
_CLEARLY = 2.0
"""How many times as long the voice's own channel must sound as the other one (chosen)."""
_LEAST_MS = 150.0
"""Sound of a voice; chosen: less is a breath."""


def with_voices(
    utterances: Sequence[Utterance], timeline: Timeline, activity: Activity, channels: Sequence[str]
) -> tuple[list[Utterance], list[Finding]]:
    """The utterances, those of unknown roles with the role of the channel on which they sound, and a finding for that.

    An utterance whose channel is not clear stays as it is.  What the log called its speaker is its `logged_speaker`.
    """
    if are_of_one_channel(utterances, activity):
        return list(utterances), [_unknown_finding(len(utterances))]
    unknown = [i for i, one in enumerate(utterances) if one.role not in ROLES]
    if len(unknown) < _LEAST or sorted(channels) != sorted(ROLES) or activity.dual_mono:
        return list(utterances), []
    heard = _heard(utterances, unknown, timeline, activity)
    channel_of = _channels_of(utterances, heard)
    made = list(utterances)
    for i, channel in channel_of.items():
        name = utterances[i].role
        extra = {**utterances[i].extra, **({"logged_speaker": name} if name else {})}
        made[i] = replace(utterances[i], role=channels[channel], extra=extra)
    found = sum(made[i].role in ROLES for i in unknown)
    return made, [_finding(found, len(unknown))] if found else []


def are_of_one_channel(utterances: Sequence[Utterance], activity: Activity) -> bool:
    """Whether no role is known, and none has to be: there is but one channel to look on."""
    is_one = len(activity.channels) == 1 or activity.dual_mono == ((0, activity.duration_ms),)
    return is_one and bool(utterances) and not any(one.role in ROLES for one in utterances)


def as_one_voice(utterances: Sequence[Utterance]) -> list[Utterance]:
    """The utterances as if one speaker said them all, to be looked for on one channel."""
    return [replace(one, role=ROLES[0]) for one in utterances]


class _Heard(Struct, frozen=True):
    """When an utterance is said, in frames from first to last, and which frames of each channel sound then."""

    first: int
    last: int
    sounds: NDArray[np.bool_]


def _heard(
    utterances: Sequence[Utterance], chosen: Sequence[int], timeline: Timeline, activity: Activity
) -> dict[int, _Heard]:
    """What sounds while each utterance with a time is said; nothing where the log does not fit the sound."""
    axis = Axis(timeline.spans, activity.duration_ms)
    timed = [i for i in chosen if utterances[i].t_start_us is not None or utterances[i].t_end_us is not None]
    if len(timed) < _LEAST:
        return {}
    expected = expect(utterances, timed, timeline, axis)
    scores = np.array([np.asarray(channel.score, np.float32) for channel in activity.channels])
    (track,), reached_s = coarse_track([(expected, scores.max(axis=0))], axis, _JUMP_COST_S)
    if reached_s < _AGREES * most_agreement(expected):
        return {}
    moved = expected.shifted(track.offset, axis)
    stops = np.where(moved.end > moved.start, moved.end, moved.start + moved.reach)
    frames = np.clip(np.array([moved.start, stops]) / FRAME_MS, 0, scores.shape[1]).astype(int)
    return {
        int(i): _Heard(int(first), int(last), scores[:, first:last] > _ACTIVE)
        for i, first, last in zip(moved.index, *frames, strict=True)
    }


def _channels_of(utterances: Sequence[Utterance], heard: Mapping[int, _Heard]) -> dict[int, int]:
    """The channel of each utterance where it is clear: of all of one name together, and then of those without."""
    by_name: dict[str, NDArray[np.float64]] = {}
    for i, one in heard.items():
        by_name[utterances[i].role] = by_name.get(utterances[i].role, 0.0) + one.sounds.sum(axis=1)
    found: dict[int, int] = {}
    for i, one in heard.items():
        name = utterances[i].role
        channel = _clear(by_name[name] if name else one.sounds.sum(axis=1))
        if channel is not None:
            found[i] = channel
    sure = dict(found)
    for i, one in heard.items():
        if i not in sure and not utterances[i].role:
            left = one.sounds.copy()
            for other, channel in sure.items():
                low, high = (
                    min(max(at - one.first, 0), left.shape[1]) for at in (heard[other].first, heard[other].last)
                )
                left[channel, low:high] = False
            if (channel := _clear(left.sum(axis=1))) is not None:
                found[i] = channel
    return found


def _clear(frames: NDArray[np.float64]) -> int | None:
    """The channel that sounds clearly longer than the other, None where neither does."""
    most = int(np.argmax(frames))
    is_clear = frames[most] * FRAME_MS >= _LEAST_MS and frames[most] >= _CLEARLY * frames[1 - most]
    return most if is_clear else None


def _unknown_finding(count: int) -> Finding:
    return Finding(
        "speakers-unknown",
        "info",
        f"the log does not say who speaks of {count} utterances, and on one channel the sound does not tell: they have "
        "captions without a speaker",
        hint="write the role into the log, or say in [log] of the settings what its names mean",
    )


def _finding(found: int, of: int) -> Finding:
    left = f"; that of {of - found} is not clear" if found < of else ""
    return Finding(
        "speakers-by-sound",
        "info",
        f"the log does not say who speaks of {of} utterances: the channel tells on which each of {found} sounds{left}",
        hint="write the role into the log, or say in [log] of the settings what its names mean",
    )
