"""Asking more of what is speech: for channels on which what is behind the speaker sounds like speech too.

What is steady is part of the noise floor; people, a radio, typing or pumping gain behind the speaker are not.  They are
weaker than the speaker, or stand out less from the noise, by how much is not known beforehand: some levels and some
thresholds are tried, and the one whose islands fit the log best is kept (`align`).

Not here: deciding when that is worth trying.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from .band_levels import DB_STEP, FRAME_MS, POWER_MS
from .quantiles import quantile
from .segments import find_islands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from .speech_activity import Activity, ChannelActivity

BELOW_DB = (24.0, 18.0, 14.0, 11.0)
"""Chosen: how much weaker than the speaker's loudest moments speech may be; voices behind are 6 to 20 dB weaker."""

RAISED = (1.5, 3.0, 4.5)
"""Score, chosen: by how much the thresholds of `find_islands` are raised; speech has up to 12."""

_LOUDEST_SHARE = 0.95
"""Share of frames that are not louder; chosen."""
_SMOOTH_FRAMES = 5
"""Chosen: a syllable's middle."""
_MINUTE_FRAMES = 6000
"""Derived."""


def stricter(activity: Activity, number: int) -> Iterator[Activity]:
    """The activity with fewer and shorter islands on one channel, in several ways; the most lenient ones first."""
    level = _levels(activity.channels[number])
    for below_db in BELOW_DB:
        yield _replaced(activity, number, partial(_louder, level=level, below_db=below_db))
    for raised in RAISED:
        yield _replaced(activity, number, partial(_clearer, raised=raised))


def _replaced(activity: Activity, number: int, change: Callable[[ChannelActivity], ChannelActivity]) -> Activity:
    channels = list(activity.channels)
    channels[number] = change(channels[number])
    mixed = None if activity.mixed is None else change(activity.mixed)
    return replace(activity, channels=tuple(channels), mixed=mixed)


def _clearer(channel: ChannelActivity, raised: float) -> ChannelActivity:
    """The channel with only those islands that stand out from the noise by so much more."""
    return replace(channel, islands=find_islands(channel.score, raised))


def _louder(channel: ChannelActivity, level: NDArray[np.float32], below_db: float) -> ChannelActivity:
    """The channel with only those islands that are no more than so much weaker than its loudest moments."""
    spoken = np.zeros(len(level), bool)
    for start, end in channel.islands // FRAME_MS:
        spoken[start:end] = True
    if not spoken.any():
        return channel
    loudest = quantile(level[spoken], _LOUDEST_SHARE)
    score = np.where(level >= loudest - below_db / DB_STEP, channel.score, np.minimum(channel.score, 0))
    return replace(channel, score=score, islands=find_islands(score))


def _levels(channel: ChannelActivity) -> NDArray[np.float32]:
    """The loudest moment around each frame, in steps of `DB_STEP`."""
    cells = FRAME_MS // POWER_MS
    level = np.zeros(len(channel.score), np.float32)
    for at in range(0, len(level), _MINUTE_FRAMES):
        power = channel.power[at * cells : (at + _MINUTE_FRAMES) * cells]
        whole = power[: len(power) // cells * cells].reshape(-1, cells).mean(axis=1)
        level[at : at + len(whole)] = whole[: len(level) - at]
    half = _SMOOTH_FRAMES // 2
    around = np.lib.stride_tricks.sliding_window_view(np.pad(level, half, mode="edge"), _SMOOTH_FRAMES)
    loudest: NDArray[np.float32] = around.max(axis=1)
    return loudest
