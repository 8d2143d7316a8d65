"""Stretches of a stereo recording in which both channels carry the same sound: dual mono.

Below 24 kbit/s libopus narrows stereo until left and right are equal, at once or within the first seconds, and a
browser's merger whose output is switched to one channel does so for as long as that lasts.  There no channel tells
who speaks: both voices are on each, at the same level.  What an encoder merges at a higher rate, and an echo, differ
from one band to the next and are no dual mono (`crosstalk`).

Not here: whose voice it is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .band_levels import DB_STEP, FRAME_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .band_levels import Bytes, Rows

_SAME_STEPS = 1
"""Steps of `DB_STEP` by which a band of the same sound may differ on the two channels; chosen."""

_LOUD_SHARE, _LOUD_BELOW_DB = 0.95, 25.0
"""Share and level of what is compared, nearly as loud as the loudest; chosen: in silence all channels are the same."""

_CHUNK_FRAMES = 50
"""Chosen: half a second."""
_LEAST_LOUD = 5
"""Loud frames without which a chunk of half a second says nothing; chosen."""

_SAME_SHARE = 0.6
"""Measured on 23 recordings at 16 to 64 kbit/s: below 0.05 or above 0.9, and in between where it begins."""

_LEAST_CHUNKS = 6
"""Number of chunks; chosen: three seconds; what is shorter, either way, is taken as what is around it."""

_MINUTE_FRAMES = 6000
"""Derived."""


def dual_mono_spans(left: Rows, right: Rows) -> tuple[tuple[int, int], ...]:
    """Where the band levels of two channels are the same: (start, end) in ms, in order, apart."""
    same, comparable = _compared(left, right)
    runs = _runs(same[comparable])
    if not any(value for _, _, value in runs):
        return ()
    where = np.flatnonzero(comparable)
    chunk_ms, last_ms = _CHUNK_FRAMES * FRAME_MS, len(left) * FRAME_MS
    spans = []
    for first, after, value in runs:
        if value:
            start = int(where[first]) * chunk_ms if first else 0
            end = int(where[after]) * chunk_ms if after < len(where) else last_ms
            spans.append((start, end))
    return tuple(spans)


def _compared(left: Rows, right: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each chunk of frames whether both channels are the same, and whether it is loud enough to tell."""
    same, loud = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    threshold = _loud_threshold(left, right)
    for at in range(0, len(left), _MINUTE_FRAMES):
        one, other = left[at : at + _MINUTE_FRAMES], right[at : at + _MINUTE_FRAMES]
        high, low = np.maximum(one, other), np.minimum(one, other)
        is_loud = high.max(axis=1) >= threshold
        is_same = is_loud & ((high - low).max(axis=1) <= _SAME_STEPS)
        edges = np.arange(0, len(one), _CHUNK_FRAMES)
        loud.append(np.add.reduceat(is_loud, edges, dtype=np.int64))
        same.append(np.add.reduceat(is_same, edges, dtype=np.int64))
    all_same, all_loud = np.concatenate(same), np.concatenate(loud)
    return all_same > _SAME_SHARE * all_loud, all_loud >= _LEAST_LOUD


def _loud_threshold(left: Rows, right: Rows) -> int:
    """The level, as a byte, from which on a frame is compared."""
    counts = np.zeros(256, np.int64)
    for at in range(0, len(left), _MINUTE_FRAMES):
        loudest: Bytes = np.maximum(left[at : at + _MINUTE_FRAMES], right[at : at + _MINUTE_FRAMES]).max(axis=1)
        counts += np.bincount(loudest, minlength=256)
    loud = int(np.searchsorted(np.cumsum(counts), _LOUD_SHARE * counts.sum()))
    return max(1, loud - round(_LOUD_BELOW_DB / DB_STEP))


def _runs(values: NDArray[np.bool_]) -> list[tuple[int, int, bool]]:
    """Runs (first, after, value) of equal values, those that are too short given to what is around them."""
    smooth = values.copy()
    for wanted in (True, False):
        edges = np.flatnonzero(np.diff(smooth)) + 1
        for first, after in pairwise([0, *edges.tolist(), len(smooth)]):
            if after - first < min(_LEAST_CHUNKS, len(smooth)) and bool(smooth[first]) is wanted:
                smooth[first:after] = not wanted
    edges = np.flatnonzero(np.diff(smooth)) + 1
    ends = [0, *edges.tolist(), len(smooth)]
    return [(first, after, bool(smooth[first])) for first, after in pairwise(ends) if after > first]
