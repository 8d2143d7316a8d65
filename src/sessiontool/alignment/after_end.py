"""Texts that the log has after the end of the recording, and that only a jump of the log's clock brings back into it.

Time that a recorder lost without a note makes the log's clock jump, and those who speak afterwards show it.  What was
written after the recording was stopped looks alike, where some speech has no text: the clock jumps for it alone.

Not here: how jumps are found (`clock_offset`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .channel_matching import Lane

_SHOWN_BY = 4
"""Number of matches, as units of evidence, that show a jump; chosen, as for a clock's other properties."""


def after_the_end(lanes: Sequence[Lane], duration_ms: float) -> set[int]:
    """The utterances (their positions in the log) that are after the end by the last clock that enough others show."""
    if not lanes:
        return set()
    start, offset, stretch, found, index = (
        np.concatenate(columns)
        for columns in zip(
            *((one.raw.start, one.track.offset, one.track.stretch, _matched(one), one.raw.index) for one in lanes),
            strict=True,
        )
    )
    late = np.zeros(len(start), bool)
    clock_ms: float | None = None
    for number in sorted(set(stretch.tolist())):  # `np.unique` would load `numpy.ma`, see `quantiles`
        mine = stretch == number
        if clock_ms is not None:
            beyond = mine & (start + clock_ms > duration_ms)
            if (mine & found & ~beyond).sum() < _SHOWN_BY:
                late |= beyond
                continue
        clock_ms = float(offset[mine][np.argmax(start[mine])])
    return set(index[late].tolist())


def _matched(lane: Lane) -> NDArray[np.bool_]:
    """Which utterances of a lane have a time in the log, and sound."""
    return lane.matches.found & lane.raw.timed
