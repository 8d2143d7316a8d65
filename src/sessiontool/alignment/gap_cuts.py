"""Utterances of which a part was not recorded: their sound begins or ends where the recording does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from ..model import SAMPLES_PER_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..model import Placement
    from .recorded_time import Axis

_HEAD_MS, _TAIL_MS = 100, 40
"""How far behind a gap its sound may begin, and end before it: measured, decoders fade in within 44 to 94 ms."""
_LEAST_GAP_MS = 200
"""Chosen: what is missing in a shorter gap is a part of a syllable."""


def marked_where_cut(placement: Placement, axis: Axis) -> Placement:
    """The placement, `clipped` where a gap of the recording, or its end, cuts off its head or tail."""
    start, end = placement.start_samples, placement.end_samples
    if start is None or end is None or placement.status not in {"aligned", "clipped"}:
        return placement
    wide = axis.starts[1:] - axis.ends[:-1] >= _LEAST_GAP_MS
    head = _is_near(start / SAMPLES_PER_MS, axis.starts[1:][wide], _HEAD_MS)
    tail = _is_near(end / SAMPLES_PER_MS, np.append(axis.ends[:-1][wide], axis.ends[-1]), _TAIL_MS)
    if not head and not tail:
        return placement
    return replace(placement, status="clipped", gap_cut="both" if head and tail else "head" if head else "tail")


def _is_near(at_ms: float, edges_ms: NDArray[np.float64], near_ms: float) -> bool:
    return bool((np.abs(edges_ms - at_ms) <= near_ms).any())
