"""Scores of frames -> segments of speech: by two thresholds, joined over short pauses, stretched over faint speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .band_levels import FRAME_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Halves = NDArray[np.float16]

_ENTER, STAY = 2.6, 1.6
"""Scores at which speech begins and goes on; chosen on dialogues with known truth."""


FAINT_FRAMES = 7
"""Chosen: a faint consonant lasts as long, and a click does not."""


FAINT_DB = (3.5, 8.0)
"""Chosen: least and most above the noise that faint speech has."""


AWAY_FRAMES = 50
"""Chosen: half a second from speech there is noise alone."""


_STRETCH_FRAMES = 40
"""Chosen: how far faint speech may reach beyond an island."""


_JOIN_FRAMES = 15
"""Chosen: a shorter gap is inside a word."""


_SHORTEST_FRAMES = 3
"""Chosen: what is shorter is a click."""


def find_islands(score: NDArray[np.floating], raised: float = 0.0) -> NDArray[np.int64]:
    """Stretches of frames that stay above a threshold and reach a higher one, both `raised` where that is asked for.

    They are joined over short gaps, the shortest left out: (n, 2) ms.
    """
    enter, stay = _ENTER + raised, STAY + raised
    above = np.concatenate(([False], score > stay, [False]))
    edges = np.flatnonzero(above[1:] != above[:-1]).reshape(-1, 2)
    if len(edges):
        bounds = edges.ravel()
        bounds = bounds[: len(bounds) - (bounds[-1] == len(score))]  # an island may last to the end
        edges = edges[np.maximum.reduceat(score, bounds)[::2] > enter]
    if len(edges):
        apart = edges[1:, 0] - edges[:-1, 1] >= _JOIN_FRAMES
        edges = np.column_stack((edges[np.append(True, apart), 0], edges[np.append(apart, True), 1]))
        edges = edges[edges[:, 1] - edges[:, 0] >= _SHORTEST_FRAMES]
    return edges.astype(np.int64) * FRAME_MS


def stretched(islands: NDArray[np.int64], faint: Halves) -> NDArray[np.int64]:
    """Islands with their edges moved out over what is faint but there, not into one another."""
    frames = islands // FRAME_MS
    above = faint > _faint_threshold(frames, faint)
    edges = frames.copy()
    for k in range(len(frames)):
        low = max(frames[k, 0] - _STRETCH_FRAMES, edges[k - 1, 1] if k else 0)
        high = min(frames[k, 1] + _STRETCH_FRAMES, frames[k + 1, 0] if k + 1 < len(frames) else len(faint))
        edges[k, 0] -= min(5, _run_length(above[low : frames[k, 0]][::-1]))
        edges[k, 1] += _run_length(above[frames[k, 1] : high])
    return edges * FRAME_MS


def _faint_threshold(frames: NDArray[np.int64], faint: Halves) -> float:
    """What noise hardly ever exceeds, measured well away from the islands; bursts raise it."""
    away = np.ones(len(faint), bool)
    for start, end in frames:
        away[max(0, start - AWAY_FRAMES) : end + AWAY_FRAMES] = False
    if away.sum() < 100:
        return FAINT_DB[0]
    outside = faint[away]
    rank = int(0.98 * (len(outside) - 1))
    outside.partition(rank)
    return float(np.clip(outside[rank] + 0.3, *FAINT_DB))


def _run_length(above: NDArray[np.bool_]) -> int:
    """How far `above` goes on from its beginning, less what smoothing adds."""
    stop = np.flatnonzero(~above)
    return max(0, (int(stop[0]) if len(stop) else len(above)) - FAINT_FRAMES // 2)
