"""Sound at a chosen level: a gain for each channel, and a limiter for the peaks that would then be too high.

The limiter knows peaks between samples too (four times the rate, as ITU-R BS.1770-4, annex 2 has it), turns the sound
down before they come and up again after them, on all channels alike.  Nothing else touches the sound: no compression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .integrated_loudness import LoudnessMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

CEILING_DB = -1.0
"""Of full scale: the true peak that EBU R 128 and podcast directories allow (by definition)."""

_FRAME = 48  # samples, chosen: a millisecond, which has one gain at its middle
_REACH = 25  # frames, chosen: how long before and after a peak the sound is turned down
_BLOCK = 1000 * _FRAME  # samples, chosen: a second is worked on at once
_MARGIN = 600  # samples, chosen: more than interpolation needs, and a length that is fast to transform
_OVERSAMPLING = 4  # factor, ITU-R BS.1770-4, annex 2
_SUSPECT = 0.7  # ratio, chosen: peaks between samples are up to 3 dB above the samples beside them
_CEILING = 10 ** ((CEILING_DB - 0.1) / 20)
"""Ratio to full scale; chosen: a tenth of a dB below, for gains between frames are interpolated."""


class Leveler:
    """Blocks in, of shape (channels, n) at 48 kHz, and out to `sink` a little later, as many samples.

    `gains` are the channels' factors; `is_mixed` where one channel is made of them, their mean.  `meter` measures what
    comes out, `limited_frames` counts the milliseconds in which the limiter acted.
    """

    def __init__(self, gains: Sequence[float], sink: Callable[[Floats], None], *, is_mixed: bool) -> None:
        self._gains = np.asarray(gains, np.float32)[:, None]
        self._is_mixed, self._sink = is_mixed, sink
        channels = 1 if is_mixed else len(gains)
        self.meter = LoudnessMeter(channels)
        self.limited_frames = 0
        lead = _REACH * 2 * _FRAME
        self._held: Floats = np.zeros((channels, lead), np.float32)  # what is before the block, then what came
        self._lead = lead
        self._taken = self._given = 0

    def write(self, sound: Floats) -> None:
        """The next block."""
        self._taken += sound.shape[1]
        louder = sound * self._gains
        self._hold(louder.mean(axis=0, keepdims=True) if self._is_mixed else louder)

    def finish(self) -> None:
        """Let out what is still held."""
        count = self._taken
        while self._given < count:
            self._hold(np.zeros((len(self._held), _BLOCK), np.float32), up_to=count)

    def _hold(self, sound: Floats, up_to: int | None = None) -> None:
        self._held = np.concatenate((self._held, sound), axis=1)
        while self._held.shape[1] >= 2 * self._lead + _BLOCK:
            window = self._held[:, : 2 * self._lead + _BLOCK]
            out = (window * self._gain(window))[:, self._lead : self._lead + _BLOCK]
            if up_to is not None:
                out = out[:, : up_to - self._given]
            self._given += out.shape[1]
            self._held = self._held[:, _BLOCK:]
            if out.shape[1]:
                self.meter.write(out)
                self._sink(out)

    def _gain(self, window: Floats) -> Floats | float:
        """The gain of each sample of a window; exact but for `_lead` samples at its ends."""
        frames = _peaks(window)
        if frames.max() <= _CEILING:
            return 1.0
        wanted = np.minimum(1.0, _CEILING / np.maximum(frames, 1e-9))
        padded = np.pad(wanted, _REACH + 1, constant_values=1.0)
        lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 3).min(axis=1)
        even = np.pad(lowest, _REACH, mode="edge")
        smooth = np.lib.stride_tricks.sliding_window_view(even, 2 * _REACH + 1).mean(axis=1)
        inner = smooth[2 * _REACH : -2 * _REACH]
        self.limited_frames += int((inner < 1.0).sum())
        middles = np.arange(len(smooth)) * _FRAME + _FRAME / 2
        gains: Floats = np.interp(np.arange(window.shape[1]), middles, smooth).astype(np.float32)
        return gains


def _peaks(sound: Floats) -> Floats:
    """The largest peak of each frame on any channel, between samples too where it may matter."""
    size = np.abs(sound).max(axis=0)
    frames: Floats = size.reshape(-1, _FRAME).max(axis=1)
    if frames.max() <= _SUSPECT * _CEILING:
        return frames
    padded = np.pad(sound, ((0, 0), (_MARGIN, _MARGIN)))
    spectrum = np.fft.rfft(padded, axis=1)
    between = np.fft.irfft(spectrum, n=padded.shape[1] * _OVERSAMPLING, axis=1) * _OVERSAMPLING
    inner = np.abs(between[:, _MARGIN * _OVERSAMPLING : -_MARGIN * _OVERSAMPLING]).max(axis=0)
    higher: Floats = inner.reshape(-1, _FRAME * _OVERSAMPLING).max(axis=1).astype(np.float32)
    return np.maximum(frames, higher)
