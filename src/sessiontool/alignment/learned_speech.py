"""Where the speaker of a channel is heard, by what they sound like where the log has them.

For channels on which what is behind the speaker (people, a radio, a microphone's pumping gain) sounds like speech too.
The log says well enough when the speaker speaks and when not to learn what either sounds like (`timbre`); what comes
of matching the islands that this makes says it better, and it is learned once more.

Not here: whether the log fits these islands better than others (`doubted_channels`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from .band_levels import DB_BOTTOM, FRAME_MS
from .timbre import LEAST_FRAMES, frames_in, likeliest_path, odds, smooth_levels, smoothed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .speech_activity import ChannelActivity


_AWAY_MS = 600.0
"""ms beyond a stretch in which nothing is learned of what is behind the speaker: the log is not exact.  Chosen."""

_MOST = 4.0
"""Log odds of a frame at most, as a weight; chosen: from 3 to 6 the results are alike."""

_CHANGE_COST = 15.0
"""Cost in log odds of a beginning or an end; chosen: from 12 to 18 the results are alike."""

_SILENT_DB = DB_BOTTOM + 5.0
"""dB below which all bands are where nothing was recorded; chosen."""

_SCORE_FRAMES, _SCORE_PER_ODDS, _SCORE_AT_EVEN = 9, 2.5, 2.0
"""Frames and units that make of log odds a score like that of `speech_activity`: -2 to 12, speech from 2 on; chosen."""


def learned(channel: ChannelActivity, speaking: Sequence[tuple[float, float]]) -> ChannelActivity | None:
    """The channel with the islands of the speaker of those stretches (ms); None where they are too short."""
    levels = smooth_levels(channel)
    there = levels.max(axis=1) > _SILENT_DB
    voice = levels[frames_in(speaking, len(levels)) & there]
    behind = levels[~frames_in(speaking, len(levels), _AWAY_MS) & there]
    if min(len(voice), len(behind)) < LEAST_FRAMES:
        return None
    likely = odds(levels, voice, behind, _MOST)
    likely[~there] = -_MOST
    score = np.clip(_SCORE_PER_ODDS * smoothed(likely, _SCORE_FRAMES) + _SCORE_AT_EVEN, -2, 12)
    path = likeliest_path(likely, _CHANGE_COST).astype(np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], path, [0])))).reshape(-1, 2)
    return replace(channel, score=score.astype(np.float16), islands=edges.astype(np.int64) * FRAME_MS)
