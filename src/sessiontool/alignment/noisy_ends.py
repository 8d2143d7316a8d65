"""Ends that noise hides: where a voice detector hears an utterance go on well beyond its end, it goes on.

Levels lose the weak tail of an utterance in loud noise, and put its end 100 to 300 ms early.  A detector that knows
speech hears it longer, and longer than it lasts: it is believed where it disagrees by much, less what it is usually
late.

Not here: the detector.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from ..model import SAMPLES_PER_MS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ..model import Placement
    from .confidence import Evidence

_NOISY_DB = 17.0
"""Chosen: speech against noise as `Evidence.snr_db` has it, about 7 dB more than of the mean powers, so this is 10
dB."""

_SPEECH = 0.3
"""Probability of speech, a ratio, below which a window has none; chosen."""
_LATE_MS = 110
"""Chosen: how much later than speech the detector's windows end."""
_EARLY_MS, _MOST_MS = 100, 500
"""Chosen: by how much an end is moved, at least and at most."""
_MOST_STEPS = 20
"""Windows of the detector that are looked at behind an end, steps of time; chosen."""
_APART_MS = 30
"""Chosen: what is kept free before the next utterance."""


def noisy_channels(evidence: Sequence[Evidence | None]) -> set[int]:
    """The channels on which noise may hide ends."""
    return {found.channel for found in evidence if found is not None and found.snr_db < _NOISY_DB}


def with_later_ends(
    placements: Sequence[Placement],
    evidence: Sequence[Evidence | None],
    chances: Mapping[int, NDArray[np.float32]],
    step_ms: int,
    total: int,
) -> list[Placement]:
    """The placements, ends moved to where the detector has them, if that is much later.

    `chances` has for each noisy channel those of speech in each `step_ms`; the recording has `total` samples.
    """
    reach = _limits(placements, evidence, total)
    return [
        place
        if found is None or found.channel not in chances
        else _later_end(place, chances[found.channel], step_ms * SAMPLES_PER_MS, limit)
        for place, found, limit in zip(placements, evidence, reach, strict=True)
    ]


def _later_end(place: Placement, chances: NDArray[np.float32], step: int, limit: int) -> Placement:
    assert place.end_samples is not None
    here = place.end_samples // step
    quiet = np.flatnonzero(chances[here + 1 : here + 1 + _MOST_STEPS] <= _SPEECH)
    if not len(quiet):  # it does not end: no opinion on where
        return place
    end = min((here + 1 + int(quiet[0])) * step - _LATE_MS * SAMPLES_PER_MS, limit)
    if _EARLY_MS * SAMPLES_PER_MS < end - place.end_samples < _MOST_MS * SAMPLES_PER_MS:
        return replace(place, end_samples=end)
    return place


def _limits(placements: Sequence[Placement], evidence: Sequence[Evidence | None], total: int) -> list[int]:
    """How far each placement's end may go: shortly before the next one on its channel begins, or to the end."""
    starts: dict[int, list[int]] = {}
    for place, found in zip(placements, evidence, strict=True):
        if found is not None and place.start_samples is not None:
            insort(starts.setdefault(found.channel, []), place.start_samples)
    reach = []
    for place, found in zip(placements, evidence, strict=True):
        mine = starts.get(found.channel, []) if found is not None else []
        later = bisect_right(mine, place.start_samples or 0)
        reach.append(mine[later] - _APART_MS * SAMPLES_PER_MS if later < len(mine) else total)
    return reach
