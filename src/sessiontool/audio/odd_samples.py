"""Stretches of samples that no microphone made: zeroes that cut into the sound, and noise of arbitrary bytes.

Of samples nothing else shows what was written over them.  Zeroes as long as a pause, and zeroes that the sound fades
into, are a muted or silent source's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from .flac import floats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ..media.pcm import PcmHead

_LEAST_MS, _MOST_MS = 3, 100  # ms of zeroes; chosen: above a block of 128 samples, and below any pause of speech
_AROUND = 64  # samples; chosen: of as many beside a place its sound is known
_JUMP = 4.0  # times the largest bend around; chosen: twice what `byte_seams` asks for at one seam
_HEARD = 1 / 256  # share of full scale; chosen: a smaller step is the end of a fade
_NOISE = 0.5  # share of full scale; chosen: the mean bend of arbitrary bytes is above 1, that of loud speech below 0.1
_QUIETER = 4.0  # times; chosen: a recording that is such noise all over is what it is


class OddStretch(Struct, frozen=True, order=True):
    """Samples from `start` up to `stop`, and what they are."""

    start: int
    stop: int
    what: str


def odd_stretches(data: bytes, head: PcmHead) -> list[OddStretch]:
    """The stretches of a chunk's samples that something else was written over, as far as it shows."""
    whole = data[: len(data) - len(data) % head.frame_bytes]
    sound = floats(whole, head)
    if sound.shape[1] < 4 * _AROUND:
        return []
    bends = np.abs(np.diff(sound, n=2, axis=1)).max(axis=0)
    return sorted([*_zeroes(sound, bends, head.rate_hz), *_noise(bends)])


def _zeroes(sound: NDArray[np.float32], bends: NDArray[np.float32], rate_hz: int) -> Iterator[OddStretch]:
    silent = np.concatenate([[False], ~sound.any(axis=0), [False]])
    edges = np.flatnonzero(silent[1:] != silent[:-1]).reshape(-1, 2)
    lengths = edges[:, 1] - edges[:, 0]
    least, most = (rate_hz * ms // 1000 for ms in (_LEAST_MS, _MOST_MS))
    for start, stop in edges[(lengths >= least) & (lengths <= most)].tolist():
        if start < _AROUND or stop > len(bends) - _AROUND:
            continue
        before, after = bends[start - _AROUND : start - 3], bends[stop + 1 : stop + _AROUND]
        heard = min(float(np.abs(sound[:, at]).max()) for at in (start - 1, stop))
        cuts = bends[start - 2 : start].max() > _JUMP * before.max(), bends[stop - 2 : stop].max() > _JUMP * after.max()
        if heard >= _HEARD and all(cuts):
            yield OddStretch(start, stop, "zeroes")


def _noise(bends: NDArray[np.float32]) -> Iterator[OddStretch]:
    count = len(bends) // _AROUND
    means = bends[: count * _AROUND].reshape(count, _AROUND).mean(axis=1)
    odd = np.concatenate([[False], means > _NOISE, [False]])
    if float(np.median(means)) * _QUIETER > _NOISE:
        return
    for start, stop in np.flatnonzero(odd[1:] != odd[:-1]).reshape(-1, 2).tolist():
        yield OddStretch(start * _AROUND, stop * _AROUND, "noise")
