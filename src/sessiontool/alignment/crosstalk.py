"""Sound of one channel that turns up in another: how much, how late, and what to expect of it.

Two ways lead there: the assistant's voice leaves the loudspeaker and enters the microphone (an echo, late by the
room and the device), and an encoder with too few bits merges the channels (no delay, both ways).  Both show as
envelopes that move together, band by band, so the detector correlates how the bands' levels change and looks for a
lag that stands out.

Not here: cancelling it.  The expected level is handed on as noise to be exceeded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from .quantiles import median, quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_FRAME_MS = 10
"""Chosen: as levels have it."""
_LAGS = 45
"""Frames by which an echo may be late; chosen: 450 ms."""
_FAR_LAGS = slice(60, 200)
"""Frames at which nothing is an echo any more, by which chance is measured; chosen."""
_ECHO_Z, _MERGED_Z = 10.0, 12.0
"""Factor: how many standard deviations above chance a leak is, late or at once; chosen."""
_MERGED_LAG_FRAMES = 1
"""Chosen: what leaks inside a computer is not later."""
_DECAY_DB = 0.72
"""By frame, chosen: a room with 0.8 s of reverberation."""
_MARGIN_DB = 6.0
"""Chosen: an echo varies by as much."""
_MERGED_MARGIN_DB = 4.0
"""Chosen: what leaks inside a computer varies less."""
_LOUD_DB = 15.0
"""Above the noise, chosen: where an echo can be heard at all."""
_NO_GAIN_DB = -60.0
"""Chosen: as good as no leak."""
_AUDIBLE_DB = -45.0
"""Chosen: a weaker leak does not sound like speech."""
_LEAST_FRAMES = 1000
"""Chosen: ten seconds, below which chance is not known."""
_LEAST_LOUD = 50
"""Loud frames by which a band's gain is measured; chosen."""
_JUMP_DB = 12.0
"""Chosen: a louder step counts as this one, so that a click is no evidence."""


class Leak(Struct, frozen=True):
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
        return float(median(self.gain_db))

    def expected_db(self, source_db: Floats) -> Floats:
        """What the leak may reach on `target` (frames, bands): the source's level, held at its peaks and decaying."""
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


def find_leaks(levels_db: Sequence[Floats], noise_db: Sequence[Floats]) -> tuple[Leak, ...]:
    """The leaks between two channels, from their band levels and their noise (frames, bands), a few minutes of both."""
    if len(levels_db[0]) < _LEAST_FRAMES:
        return ()
    strength = _strength(*(_movement(np.maximum(a, b)) for a, b in zip(levels_db, noise_db, strict=True)))
    found = []
    for source, target in ((0, 1), (1, 0)):
        z = strength[:_LAGS] if source == 0 else strength[-np.arange(_LAGS)]
        lag = int(np.argmax(z))
        merged = lag <= _MERGED_LAG_FRAMES
        if z[lag] < (_MERGED_Z if merged else _ECHO_Z):
            continue
        gains = _gains(levels_db[source], levels_db[target], noise_db[source], noise_db[target], lag)
        if median(gains) >= _AUDIBLE_DB:
            found.append(Leak(source, target, lag * _FRAME_MS, gains, float(z[lag]), merged))
    return tuple(found)


def _movement(levels_db: Floats) -> Floats:
    """How each band's level changes from frame to frame, the largest jumps bounded, scaled to one."""
    moved = np.clip(np.diff(levels_db, axis=0), -_JUMP_DB, _JUMP_DB)
    moved -= moved.mean(axis=0)
    scaled: Floats = moved / (np.sqrt((moved * moved).sum(axis=0)) + 1e-6)
    return scaled


def _strength(left: Floats, right: Floats) -> Floats:
    """How far the two move together at each lag of the right one (frames, negative from the end): robust deviations.

    The bands' correlations are added up, and compared with those at lags longer than any echo.
    """
    size = 1 << (len(left) + 2 * _FAR_LAGS.stop).bit_length()
    spectrum = np.zeros(size // 2 + 1, np.complex128)
    for a, b in zip(left.T, right.T, strict=True):
        spectrum += np.conj(np.fft.rfft(a, size)) * np.fft.rfft(b, size)
    together = np.fft.irfft(spectrum, size)
    far = np.concatenate((together[_FAR_LAGS.start : _FAR_LAGS.stop], together[-_FAR_LAGS.stop : -_FAR_LAGS.start]))
    usual = median(far)
    spread = 1.4826 * median(np.abs(far - usual)) + 1e-6
    strength: Floats = ((together - usual) / spread).astype(np.float32)
    return strength


def _gains(source: Floats, target: Floats, source_noise: Floats, target_noise: Floats, lag: int) -> tuple[float, ...]:
    """The leak's gain per band: where the source is loud, a middling quantile of what the target has above noise."""
    length = len(source) - lag
    loud = source[:length] - source_noise[:length] > _LOUD_DB
    source, target = source[:length], target[lag : lag + length]
    above = 10 * np.log10(np.maximum(10 ** (target / 10) - 10 ** (target_noise[lag : lag + length] / 10), 1e-11))
    gains = []
    for band in range(source.shape[1]):
        chosen = loud[:, band] & (source[:, band] > target[:, band])
        ratio = above[chosen, band] - source[chosen, band]
        gains.append(quantile(ratio, 0.6) if chosen.sum() >= _LEAST_LOUD else _NO_GAIN_DB)
    return tuple(gains)
