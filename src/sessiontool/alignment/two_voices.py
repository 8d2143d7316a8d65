"""Which of two voices on one channel is heard when, by what each sounds like in the session's own sure matches.

Both roles on one channel take their sound from the same islands, and where one follows the other without a pause only
the voice tells where.  It is asked only where the voices are known to differ: learned from three quarters of the sure
matches, they must tell the others apart.

Not here: what a voice is (`timbre`), and what follows for the matching (`channel_matching`, `assignment`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .band_levels import FRAME_MS
from .timbre import LEAST_FRAMES, likeliest_path, odds, smooth_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .speech_activity import ChannelActivity

    Floats = NDArray[np.float32]
    Stretches = Sequence[tuple[float, float]]

_MOST = 3.0
"""Log odds of a frame at most, as a weight; chosen."""

_CHANGE_COST = 30.0
"""Cost in log odds of a change of voice; chosen: from 20 to 50 the results are alike."""

_SPOKEN = 2.0
"""A score from which on a frame is speech; chosen, as for aligning."""

_SHORTEST_FRAMES = 15
"""Frames of speech without which a match teaches nothing; chosen."""

_FOLDS = 4
"""Parts into which matches are divided, each to be recognised by what the other parts teach; chosen."""

_RECOGNISED_SHARE = 0.95
"""Share of those that must be recognised; chosen: of sessions with many voices a role, fewer are."""


def second_voice(
    channel: ChannelActivity, first: Stretches, second: Stretches, least: float = _RECOGNISED_SHARE
) -> Floats | None:
    """For each frame how much more it sounds like the second voice than like the first (log odds, 0 in silence).

    `first` and `second` are stretches (ms) of each; None where they are too few, or the voices too much alike.
    """
    levels = smooth_levels(channel)
    spoken = np.asarray(channel.score, float) > _SPOKEN
    voices = [
        [frames for one in some if len(frames := _spoken(one, spoken)) >= _SHORTEST_FRAMES] for some in (first, second)
    ]
    if min(map(len, voices)) < _FOLDS or _recognised_share(levels, voices) < least:
        return None
    one, other = (levels[np.concatenate(some)] for some in voices)
    log_odds: Floats = odds(levels, other, one, _MOST) * spoken
    return log_odds


def _spoken(stretch: tuple[float, float], spoken: NDArray[np.bool_]) -> NDArray[np.intp]:
    first, after = (max(0, int(at_ms / FRAME_MS)) for at_ms in stretch)
    return first + np.flatnonzero(spoken[first:after])


def _recognised_share(levels: Floats, voices: Sequence[Sequence[NDArray[np.intp]]]) -> float:
    """Which share of the matches is recognised by what the others teach."""
    right = []
    for fold in range(_FOLDS):
        taught = [np.concatenate([f for j, f in enumerate(some) if j % _FOLDS != fold]) for some in voices]
        if min(map(len, taught)) < LEAST_FRAMES:
            return 0.0
        one, other = (levels[frames] for frames in taught)
        asked = [(sign, f) for sign, some in zip((-1, 1), voices, strict=True) for f in some[fold::_FOLDS]]
        log_odds = odds(levels[np.concatenate([f for _, f in asked])], other, one, _MOST)
        each = np.split(log_odds, np.cumsum([len(f) for _, f in asked])[:-1])
        right += [sign * mine.mean() > 0 for (sign, _), mine in zip(asked, each, strict=True)]
    return float(np.mean(right))


def voice_changes(log_odds: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the first voice gives way to the second, and the second to the first, in ms."""
    step = np.diff(likeliest_path(log_odds, _CHANGE_COST).astype(np.int8))
    to_second, to_first = (FRAME_MS * (np.flatnonzero(step == way) + 1).astype(np.float64) for way in (1, -1))
    return to_second, to_first
