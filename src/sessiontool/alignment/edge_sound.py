"""What the sound by itself says of the edges of a place: whether to believe where loudness has found them.

Where something goes on behind an end, the end may be noise's and not the utterance's.  Where it dips soon after a
start, what is before the dip may be no speech.  And where an end is put too late into noise, or a clatter is taken for
it, its last moments are more like what is outside all places than like what is inside: both are learned from the places
(`timbre`).

Not here: where an edge is (`boundaries`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from .band_levels import FRAME_MS, to_db
from .timbre import frames_in, odds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .speech_activity import ChannelActivity

    Floats = NDArray[np.float32]

ALIKE = 8.0
"""Log odds of a frame at most; chosen: as much as noise and loud speech differ on a good channel."""

_BEHIND_MS = (30.0, 200.0)
"""Chosen: from where to where behind an end it is heard whether something goes on."""
_EARLY_MS = (30.0, 250.0)
"""Chosen: from where to where behind a start a dip is looked for."""

_BLOCK = 5
"""Number of frames that are averaged; chosen, as for voices."""
_LAST_BLOCKS = 6
"""Number of averages, 300 ms, that are an utterance's last moments; chosen: 150 and 80 ms tell less (measured)."""
_INSIDE_MS, _OUTSIDE_MS = -50.0, 100.0
"""How far from a place's edges it is learned what is inside and what is outside; chosen."""
_LEAST_BLOCKS = 33
"""Number of averages, as units of evidence, without which nothing is learned; chosen: three a band."""


class EdgeSound(Struct, frozen=True):
    """Of a place: the mean score just behind its end, the lowest one soon after its start, and the likeness of its end.

    Scores are about 0 in noise and up to 12 in speech.  The likeness of an end are the log odds that its last moments
    are speech, `ALIKE` at most.
    """

    behind: float = -2.0
    early_dip: float = 12.0
    end_likeness: float = ALIKE


def edge_sounds(channel: ChannelActivity, places: Sequence[tuple[float, float]]) -> list[EdgeSound]:
    """What the sound of a channel says of each place on it (start and end, ms)."""
    return [
        EdgeSound(
            float(_scores(channel, end + _BEHIND_MS[0], end + _BEHIND_MS[1]).mean()),
            float(_scores(channel, start + _EARLY_MS[0], min(start + _EARLY_MS[1], end)).min()),
            like,
        )
        for (start, end), like in zip(places, _end_likeness(channel, places), strict=True)
    ]


def _scores(channel: ChannelActivity, from_ms: float, to_ms: float) -> Floats:
    """The scores of a stretch, those of one frame at least."""
    first = min(max(0, int(from_ms / FRAME_MS)), len(channel.score) - 1)
    scores: Floats = channel.score[first : max(first + 1, int(to_ms / FRAME_MS))].astype(np.float32)
    return scores


def _end_likeness(channel: ChannelActivity, places: Sequence[tuple[float, float]]) -> list[float]:
    """Log odds that the last moments of each place (ms) are speech: `ALIKE` at most, and where too little is known."""
    whole = len(channel.bands) // _BLOCK
    if whole < _LEAST_BLOCKS:
        return [ALIKE] * len(places)
    levels = to_db(channel.bands[: whole * _BLOCK]).reshape(whole, _BLOCK, -1).mean(axis=1)
    frames = whole * _BLOCK
    inside = levels[frames_in(places, frames, _INSIDE_MS)[_BLOCK // 2 :: _BLOCK]]
    outside = levels[~frames_in(places, frames, _OUTSIDE_MS)[_BLOCK // 2 :: _BLOCK]]
    if min(len(inside), len(outside)) < _LEAST_BLOCKS or not (np.ptp(inside) and np.ptp(outside)):  # or all is silent
        return [ALIKE] * len(places)
    last = np.array([end for _, end in places]) / (FRAME_MS * _BLOCK)
    blocks = np.clip(np.round(last).astype(int)[:, None] - 1 - np.arange(_LAST_BLOCKS), 0, whole - 1)
    begun = np.array([start for start, _ in places]) / (FRAME_MS * _BLOCK)
    own = np.maximum(blocks, np.minimum(begun.astype(int), blocks[:, 0])[:, None])  # a short one: its own alone
    likely = odds(levels[own.ravel()], inside, outside, ALIKE).reshape(own.shape)
    return [float(value) for value in likely.mean(axis=1)]
