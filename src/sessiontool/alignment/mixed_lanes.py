"""Lanes where both channels carry both voices for a while: a lane of its own for those stretches, with both roles.

An utterance that the log has in a stretch of dual mono is looked for in the mixture of the channels, among those of
both roles; all others stay on their role's channel.  As the place of an utterance is not known to the second before
it is found, each lane keeps its speech for some seconds beyond its own stretches.

Not here: finding the stretches (`dual_mono`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import astuple, replace

from .channel_matching import Lane
from .clock_offset import OffsetTrack
from .recorded_time import Expected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .speech_activity import Activity, ChannelActivity

    Floats = NDArray[np.float64]

_BEYOND_MS = 8000
"""Chosen: how far beyond its own stretches a lane keeps its speech, as long as most turns last."""

_BEFORE_MS = 1500
"""Chosen: how much earlier than in the log an utterance may begin that belongs into a stretch of dual mono."""


def split_lanes(lanes: Sequence[Lane], activity: Activity) -> list[Lane]:
    """The lanes, what is expected in stretches of dual mono on a lane of its own; they must have their track."""
    if not activity.dual_mono or activity.mixed is None or len(lanes) < 2:
        return list(lanes)
    if any(not lane.raw.timed.all() for lane in lanes):  # who belongs into them is not known
        return [_joined(lanes, activity.mixed)]
    spans = np.array(activity.dual_mono, float)
    inside = [
        _inside(lane.expected.start, spans) | _inside(lane.expected.start + lane.expected.length / 2, spans)
        for lane in lanes
    ]
    if not any(which.any() for which in inside):
        return list(lanes)
    apart = _between(spans, activity.duration_ms)
    split = [
        _taken(lane, ~which, _within(lane.channel, apart))
        for lane, which in zip(lanes, inside, strict=True)
        if not which.all()
    ]
    chosen = [_taken(lane, which, lane.channel) for lane, which in zip(lanes, inside, strict=True)]
    return [*split, _joined(chosen, _within(activity.mixed, spans + np.array([-_BEFORE_MS, 0])))]


def _inside(at_ms: Floats, spans: Floats) -> NDArray[np.bool_]:
    inside = np.zeros(len(at_ms), bool)
    for start, end in spans:
        inside |= (at_ms >= start) & (at_ms < end)
    return inside


def _between(spans: Floats, duration_ms: float) -> Floats:
    """What is outside of the spans."""
    edges = np.concatenate(([0.0], spans.ravel(), [duration_ms])).reshape(-1, 2)
    outside: Floats = edges[edges[:, 1] > edges[:, 0]]
    return outside


def _within(channel: ChannelActivity, spans: Floats) -> ChannelActivity:
    """The channel with those of its islands that begin in the spans or some seconds behind them."""
    start = channel.islands[:, 0]
    kept = _inside(start.astype(float), spans + np.array([0, _BEYOND_MS]))
    return replace(channel, islands=channel.islands[kept])


def _taken(lane: Lane, which: NDArray[np.bool_], channel: ChannelActivity) -> Lane:
    """A lane with some of the utterances of another one."""
    index = np.flatnonzero(which)
    taken = Lane.begin(lane.number, channel, list(lane.roles[index]), lane.raw.taken(index))
    taken.track = OffsetTrack(lane.track.offset[index], lane.track.stretch[index])
    taken.expected = lane.expected.taken(index)
    return taken


def _joined(lanes: Sequence[Lane], channel: ChannelActivity) -> Lane:
    """One lane with the utterances of several, in the log's order of starts."""

    def together(each: Sequence[Expected]) -> Expected:
        return Expected(*map(np.concatenate, zip(*map(astuple, each), strict=True)))

    raw, order = together([lane.raw for lane in lanes]).ordered()
    roles = np.concatenate([lane.roles for lane in lanes])[order]
    joined = Lane.begin(min(lane.number for lane in lanes), channel, list(roles), raw)
    joined.track = OffsetTrack(
        np.concatenate([lane.track.offset for lane in lanes])[order],
        np.concatenate([lane.track.stretch for lane in lanes])[order],
    )
    joined.expected = together([lane.expected for lane in lanes]).taken(order)
    return joined
