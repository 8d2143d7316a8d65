"""What an alignment makes of a long recording is made piece by piece, or a day of it is held many times over."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np

from sessiontool.alignment.clock_offset import _mask
from sessiontool.alignment.islands import cut_islands
from sessiontool.alignment.recorded_time import Axis

if TYPE_CHECKING:
    from collections.abc import Callable

FRAMES = 1_000_000
"""Nearly three hours."""


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def scores() -> np.ndarray[tuple[int], np.dtype[np.float16]]:
    return np.random.default_rng(25).normal(2, 2, FRAMES).astype(np.float16)


def test_the_mean_of_many_islands_is_exact_and_takes_little() -> None:
    score, starts = scores(), np.arange(0, FRAMES * 10, 4000)
    edges = np.column_stack((starts, starts + np.random.default_rng(1).integers(1, 390, len(starts)) * 10))
    nothing, axis = np.zeros(0), Axis((), FRAMES * 10)
    islands = cut_islands(edges, score, axis, nothing, nothing)
    exact = [score[a // 10 : b // 10].astype(float).sum() / ((b - a) // 10) / 12 for a, b in edges]
    assert np.allclose(islands.loudness, exact, rtol=1e-12)
    assert peak_bytes(lambda: cut_islands(edges, score, axis, nothing, nothing)) < 2 * FRAMES


def test_the_mask_of_the_clock_takes_hardly_more_than_its_own_size() -> None:
    score, axis = scores(), Axis((), FRAMES * 10)
    size = _mask(score, axis).nbytes
    assert peak_bytes(lambda: _mask(score, axis)) < 2 * size
