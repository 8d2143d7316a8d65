"""Sound of one channel that turns up in another: how much, how late, and what to expect of it.

Two ways lead there: the assistant's voice leaves the loudspeaker and enters the microphone (an echo, late by the room and the
device), and an encoder with too few bits merges the channels (no delay, both ways).  Both show as envelopes that move together,
band by band, so the detector correlates how the bands' levels change and looks for a lag that stands out.

Not here: cancelling it.  The expected level is handed on as noise to be exceeded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_FRAME_MS = 10
_LAGS = 45
_FAR_LAGS = range(60, 140, 2)
_ECHO_Z, _MERGED_Z = 10.0, 12.0
_MERGED_LAG_FRAMES = 1
_DECAY_DB = 0.72
_MARGIN_DB = 6.0
_MERGED_MARGIN_DB = 4.0
_LOUD_DB = 15.0
_NO_GAIN_DB = -60.0
_AUDIBLE_DB = -45.0
_MOST_FRAMES = 360_000


@dataclass(frozen=True, slots=True)
class Leak:
    """`source` (a channel's index) is heard on `target` after `delay_ms`, changed by `gain_db` in each band.

    `merged` says that the encoder did it: no delay, and it goes both ways.
    """

    source: int
    target: int
    delay_ms: int
    gain_db: tuple[float, ...]
    strength: float
    merged: bool

    @property
    def level_db(self) -> float:
        """The middle of the bands' gains."""
        return float(np.median(self.gain_db))

    def expected_db(self, source_db: Floats) -> Floats:
        """The level (frames, bands) that the leak may reach on `target`: the source's, held at its peaks and decaying."""
        if self.merged:
            return source_db + np.array(self.gain_db, np.float32) + np.float32(_MERGED_MARGIN_DB)
        delay = self.delay_ms // _FRAME_MS
        late = np.concatenate((np.full((delay, source_db.shape[1]), -110, np.float32), source_db))[: len(source_db)]
        slope = np.arange(len(late), dtype=np.float32)[:, None] * np.float32(_DECAY_DB)
        held = np.maximum.accumulate(late + slope, axis=0) - slope
        early = np.concatenate((held[1:], held[-1:]))
        expected: Floats = (np.maximum(held, early) + np.array(self.gain_db, np.float32) + _MARGIN_DB).astype(
            np.float32
        )
        return expected


def find_leaks(levels_db: Sequence[Floats], floors_db: Sequence[Floats]) -> tuple[Leak, ...]:
    """The leaks between two channels, from their band levels (frames, bands) and noise floors."""
    if len(levels_db[0]) < 1000:
        return ()
    found = [leak for s, t in ((0, 1), (1, 0)) if (leak := _leak(levels_db, floors_db, s, t))]
    return tuple(found)


def _movement(levels_db: Floats) -> Floats:
    """How each band's level changes from frame to frame, its mean taken off, the largest jumps bounded."""
    moved = np.clip(np.diff(levels_db[:_MOST_FRAMES], axis=0), -12, 12)
    return (moved - moved.mean(axis=0)).astype(np.float32)


def _agreement(source: Floats, target: Floats, lag: int) -> float:
    """Correlation of the movements with the target `lag` frames late, summed over the bands."""
    a, b = source[: len(source) - lag], target[lag:]
    norm = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0)) + 1e-6
    return float(((a * b).sum(axis=0) / norm).sum())


def _leak(levels_db: Sequence[Floats], floors_db: Sequence[Floats], source: int, target: int) -> Leak | None:
    quiet = np.repeat(floors_db[source], 50, axis=0)[: len(levels_db[source])]
    heard = np.maximum(levels_db[source], quiet)
    quiet = np.repeat(floors_db[target], 50, axis=0)[: len(levels_db[target])]
    a, b = _movement(heard), _movement(np.maximum(levels_db[target], quiet))
    if not a.any() or not b.any():
        return None
    agreement = np.array([_agreement(a, b, lag) for lag in range(_LAGS)])
    elsewhere = np.array([_agreement(a, b, lag) for lag in _FAR_LAGS])
    spread = 1.4826 * np.median(np.abs(elsewhere - np.median(elsewhere))) + 1e-6
    z = (agreement - np.median(elsewhere)) / spread
    lag = int(np.argmax(z))
    merged = lag <= _MERGED_LAG_FRAMES
    if z[lag] < (_MERGED_Z if merged else _ECHO_Z):
        return None
    gains = _gains(levels_db[source], levels_db[target], floors_db[source], floors_db[target], lag)
    if np.median(gains) < _AUDIBLE_DB:
        return None
    return Leak(source, target, lag * _FRAME_MS, gains, float(z[lag]), merged)


def _gains(source: Floats, target: Floats, source_floor: Floats, target_floor: Floats, lag: int) -> tuple[float, ...]:
    """The leak's gain per band: over frames where the source is loud, a middling quantile of what the target has above its noise."""
    length = len(source) - lag
    source, target = source[:length], target[lag : lag + length]
    loud = source - np.repeat(source_floor, 50, axis=0)[:length] > _LOUD_DB
    noise = np.repeat(target_floor, 50, axis=0)[lag : lag + length]
    above = 10 * np.log10(np.maximum(10 ** (target / 10) - 10 ** (noise / 10), 1e-11))
    gains = []
    for band in range(source.shape[1]):
        chosen = loud[:, band] & (source[:, band] > target[:, band])
        ratio = above[chosen, band] - source[chosen, band]
        gains.append(float(np.percentile(ratio, 60)) if chosen.sum() >= 50 else _NO_GAIN_DB)
    return tuple(gains)
