"""How much of the end of one recording's sound is the beginning of the next one's, by the sound itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .decoder import DECODE_RATE, decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..media.filler import SoundHead

_ALIKE = 0.7
"""Correlation from which two stretches are the same sound, encoded twice.

Chosen: of a second by two of Chrome's recorders it is 0.85 to 1.00 (measured), 0.64 near silence, 0.63 at most of
another sound.
"""

_OFF_MS = 250  # chosen: notes of a busy page are as much off
_LEAST_MS = 80  # chosen: of less than a syllable any two sounds can be alike
_SILENT = 1e-4  # share of full scale; chosen: of less, nothing shows what it is
_NOTHING = 1e-20  # energy as a share of full scale; chosen: it keeps from dividing by zero


def shared_ms(
    before: Sequence[bytes], after: Sequence[bytes], head: SoundHead, about_ms: float, off_ms: float = 0.0
) -> float | None:
    """How long packets at the end of `before` and at the beginning of `after` are of the same sound, which is about so.

    That may be off by `off_ms` more than notes are.  None where no length is alike enough.
    """
    end, begin = (_mono(packets, head) for packets in (before, after))
    count = min(len(end), len(begin), round((about_ms + _OFF_MS + off_ms) * DECODE_RATE / 1000))
    least = round(max(_LEAST_MS, about_ms - _OFF_MS - off_ms) * DECODE_RATE / 1000)
    if count <= least:
        return None
    end, begin = end[-count:], begin[:count]
    size = 1 << (2 * count - 1).bit_length()
    # At index n - count: the sum over the last n samples of one times the first n of the other.
    lagged = np.fft.irfft(np.fft.rfft(begin, size) * np.conj(np.fft.rfft(end, size)), size)
    lengths = np.arange(least, count + 1)
    energies = np.cumsum(np.square(end[::-1]))[lengths - 1], np.cumsum(np.square(begin))[lengths - 1]
    is_loud = np.minimum(*energies) > lengths * _SILENT**2
    alike = np.where(is_loud, lagged[(lengths - count) % size] / np.sqrt(energies[0] * energies[1] + _NOTHING), 0.0)
    best = int(np.argmax(alike))
    return float(lengths[best] * 1000 / DECODE_RATE) if alike[best] >= _ALIKE else None


def _mono(packets: Sequence[bytes], head: SoundHead) -> NDArray[np.float64]:
    blocks = decode(packets, head, lambda sound: sound.mean(axis=0).astype(np.float64), skip_samples=0)
    return np.concatenate([*blocks, np.zeros(0)])
