"""How loud the channels of a recording are, and whether they differ: plain figures, and no opinion on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from .decoder import DECODE_RATE, decode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ..media.filler import SoundHead

    Floats = NDArray[np.float32]

FULL_SCALE = 0.99
"""From here on a sample is clipped.  Chosen: what was cut off at 1.0 leaves the encoder a little lower or higher."""

_FLOOR_DB = -120.0  # chosen: below 16-bit sound, instead of minus infinity


class Loudness(Struct, frozen=True):
    """Of one channel: its loudest sample, in dB of full scale, and for how long it was at full scale."""

    peak_db: float
    clipped_ms: float


class Loudnesses(Struct, frozen=True):
    """Of all channels; `likeness` is the correlation of the first two, 1.0 for the same sound, 0.0 with one channel."""

    channels: tuple[Loudness, ...]
    likeness: float


def measure_loudness(packets: Iterable[bytes], head: SoundHead) -> Loudnesses:
    """The figures of a recording's packets; everything is decoded once."""
    channels = head.channels
    peaks, clipped = np.zeros(channels), np.zeros(channels)
    products = np.zeros((channels, channels))
    for block_peaks, block_clipped, block_products in decode(packets, head, _block):
        peaks = np.maximum(peaks, block_peaks)
        clipped += block_clipped
        products += block_products
    power = float(np.sqrt(products[0, 0] * products[-1, -1]))
    likeness = float(products[0, -1]) / power if channels > 1 and power > 0 else 0.0
    found = zip(peaks, clipped, strict=True)
    levels = (Loudness(decibels(float(peak)), float(count) * 1000 / DECODE_RATE) for peak, count in found)
    return Loudnesses(tuple(levels), likeness)


def _block(sound: Floats) -> tuple[Floats, NDArray[np.int64], NDArray[np.float64]]:
    size = np.abs(sound)
    wide = sound.astype(np.float64)
    return size.max(axis=1, initial=0.0), (size >= FULL_SCALE).sum(axis=1), wide @ wide.T


def decibels(peak: float) -> float:
    """A sample as dB of full scale; -120 for silence."""
    return max(_FLOOR_DB, 20 * float(np.log10(peak))) if peak > 0 else _FLOOR_DB
