"""How loud a recording is from one hundredth of a second to the next, for comparing recordings with one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .encoder import read_sound

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FRAME_MS = 10
"""Chosen: short enough for an offset to a few milliseconds, long enough to be one number."""

FLOOR_DB = -70.0
"""What is quieter counts as silent; chosen: below the noise of a microphone, above what an encoder leaves."""

_FRAME_SAMPLES = 48 * FRAME_MS  # derived


def energy_of(path: Path) -> Floats:
    """The level of each channel in dB below full scale, shape (2, frames), not below `FLOOR_DB`; mono is there twice.

    NotFoundError, RecordingError where it holds no sound that can be decoded.
    """
    found: list[Floats] = []
    rest = np.zeros((2, 0), np.float32)
    for block in read_sound(path, 2):
        rest = np.concatenate((rest, block), axis=1)
        whole = rest.shape[1] // _FRAME_SAMPLES
        frames = rest[:, : whole * _FRAME_SAMPLES].reshape(2, whole, _FRAME_SAMPLES)
        power = np.mean(np.square(frames, dtype=np.float32), axis=2)
        found.append(10 * np.log10(np.maximum(power, np.float32(10 ** (FLOOR_DB / 10)))))
        rest = rest[:, whole * _FRAME_SAMPLES :]
    return np.concatenate(found, axis=1).astype(np.float32) if found else np.zeros((2, 0), np.float32)
