"""Texts that the log has after the end of the recording, and that only a jump of the log's clock brings back into it.

Time that a recorder lost without a note makes the log's clock jump, and those who speak afterwards show it.  What was
written after the recording was stopped looks alike, where some speech has no text: the clock jumps for it alone.

Not here: how jumps are found (`clock_offset`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..model import Finding
from .findings import some

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ..model import Placement
    from .channel_matching import Lane
    from .confidence import Evidence

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


def texts_after_end(placements: Sequence[Placement], evidence: Sequence[Evidence | None]) -> Iterator[Finding]:
    """Which utterances have a place though the log has them after the end."""
    late = [p.utterance.id for p, found in zip(placements, evidence, strict=True) if found and found.after_end]
    if late:
        yield Finding(
            "texts-after-end",
            "info",
            f"{len(late)} utterances are after the end of the recording by the log's clock: {some(late)}; their places "
            "are guesses",
            hint="typed, or said after the recorder was stopped? correct their times, or leave them out",
        )


def _matched(lane: Lane) -> NDArray[np.bool_]:
    """Which utterances of a lane have a time in the log, and sound."""
    return lane.matches.found & lane.raw.timed
