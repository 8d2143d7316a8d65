"""Islands that are no speech because their level is steady: hiss that an encoder lets through now and then.

An encoder that saves bits leaves the hiss of a dead microphone out while the other channel speaks, and codes it while
that is silent.  Beside what was left out the hiss stands out like speech; but the level of speech moves all the time.

Not here: noise that is always there, which is part of the noise floor (`speech_activity`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .band_levels import DB_STEP, POWER_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .band_levels import Rows

    Islands = NDArray[np.int64]

_CELL_MS, _WINDOW_CELLS, _HOP_CELLS = 20, 15, 5
"""Levels are averaged over 20 ms and compared within 300 ms, as long as a syllable; chosen."""

_STEADY_DB = 4.0
"""How far apart the levels of a window of hiss are: 3 dB in the middle, those of speech 10 to 40 (measured)."""

_STEADY_SHARE = 0.55
"""Share of the windows of all islands of a channel that carries no voice.  Measured on 61 recordings: 0.80 on a
microphone that was dead, up to 0.12 where there is a voice, 0.33 where a street is louder than it."""


def without_steady(islands: Islands, power: Rows) -> Islands:
    """No islands where nearly all that they hold is steady, else all of them."""
    steady, windows = 0, 0
    for start, end in islands:
        spread = _spreads(power, int(start), int(end))
        steady, windows = steady + int((spread < _STEADY_DB).sum()), windows + len(spread)
    return islands[:0] if steady > _STEADY_SHARE * windows else islands


def _spreads(power: Rows, start_ms: int, end_ms: int) -> NDArray[np.float64]:
    """How far apart, in dB, the highest and the lowest level of each window between two instants are."""
    cells = _CELL_MS // POWER_MS
    levels = power[start_ms // POWER_MS : end_ms // POWER_MS]
    levels = levels[: len(levels) // cells * cells].reshape(-1, cells).mean(axis=1) * DB_STEP
    if len(levels) < _WINDOW_CELLS:
        return np.zeros(0)
    windows = np.lib.stride_tricks.sliding_window_view(levels, _WINDOW_CELLS)[::_HOP_CELLS]
    spread: NDArray[np.float64] = np.ptp(windows, axis=1)
    return spread
