"""How loud sound is to a listener: integrated loudness in LUFS (ITU-R BS.1770-4), measured as the sound comes.

Held are the powers of tenths of a second, so that the loudness of a recording is known for any gain on its channels
without decoding it again.  What EBU R 128 adds (range, momentary values) is not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Powers = NDArray[np.float64]

_RATE = 48_000  # samples a second that the coefficients below are for (ITU-R BS.1770-4)
_STEP = 4800  # samples, ITU-R BS.1770-4: blocks of 400 ms begin every 100 ms
_STEPS_A_BLOCK = 4  # steps, ITU-R BS.1770-4
_OFFSET_DB = -0.691  # ITU-R BS.1770-4, in LUFS: so that 997 Hz at full scale on one channel has -3.01
_ABSOLUTE_GATE = -70.0  # level in LUFS, ITU-R BS.1770-4
_RELATIVE_GATE = -10.0  # level in LU, ITU-R BS.1770-4

_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
"""Taps of the K-weighting's first filter: numerator and denominator (ITU-R BS.1770-4, annex 1, table 1)."""
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
"""Taps of its second filter (ITU-R BS.1770-4, annex 1, table 2)."""
_WINDOW = 1 << 16  # samples, chosen: a step of the transform; the filter has decayed to nothing in what is over
_NEW = 10 * _STEP  # samples of it that are new, chosen


def _response() -> NDArray[np.complex128]:
    points = np.exp(-2j * np.pi * np.arange(_WINDOW // 2 + 1) / _WINDOW)
    response = np.ones(len(points), complex)
    for above, below in (_SHELF, _HIGH_PASS):
        response *= np.polynomial.polynomial.polyval(points, above) / np.polynomial.polynomial.polyval(points, below)
    return response


_WEIGHTING = _response()


class LoudnessMeter:
    """Takes blocks of shape (channels, n) at 48 kHz; `steps` has the K-weighted power of each 100 ms and channel."""

    def __init__(self, channels: int) -> None:
        self._held: Floats = np.zeros((channels, _WINDOW - _NEW), np.float32)
        self._steps: list[Powers] = []
        self._peak = 0.0

    def write(self, sound: Floats) -> None:
        """The next block."""
        self._peak = max(self._peak, float(np.abs(sound).max(initial=0.0)))
        self._held = np.concatenate((self._held, sound), axis=1)
        while self._held.shape[1] >= _WINDOW:
            self._take()

    @property
    def peak(self) -> float:
        """The largest sample so far."""
        return self._peak

    def finish(self) -> Powers:
        """The powers of all steps that are whole, of shape (channels, steps)."""
        rest = self._held.shape[1] - (_WINDOW - _NEW)
        self._held = np.pad(self._held, ((0, 0), (0, _NEW)))
        self._take()
        self._steps[-1] = self._steps[-1][:, : rest // _STEP]
        return np.concatenate(self._steps, axis=1)

    def _take(self) -> None:
        spectrum = np.fft.rfft(self._held[:, :_WINDOW], axis=1)
        weighted = np.fft.irfft(spectrum * _WEIGHTING, axis=1)[:, -_NEW:]
        self._steps.append(np.square(weighted).reshape(len(weighted), -1, _STEP).mean(axis=2))
        self._held = self._held[:, _NEW:]


def integrated_lufs(steps: Powers, gains: Sequence[float] | None = None) -> float | None:
    """The loudness of all channels together, each with its gain; None where nothing is above the gate."""
    count = steps.shape[1] - _STEPS_A_BLOCK + 1
    if count < 1:
        return None
    factors = np.ones(len(steps)) if gains is None else np.square(np.asarray(gains))
    power = factors @ steps
    blocks = np.lib.stride_tricks.sliding_window_view(power, _STEPS_A_BLOCK).mean(axis=1)
    loud = blocks[blocks > _power(_ABSOLUTE_GATE)]
    if not loud.size:
        return None
    loud = loud[loud > loud.mean() * 10 ** (_RELATIVE_GATE / 10)]
    return _OFFSET_DB + 10 * float(np.log10(loud.mean()))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET_DB) / 10))
