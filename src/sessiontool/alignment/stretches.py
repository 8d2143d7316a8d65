"""Where inside a placed utterance there is speech: what is left when its pauses are taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from ..model import SAMPLES_PER_MS

if TYPE_CHECKING:
    from ..model import Placement
    from .confidence import Evidence
    from .speech_activity import ChannelActivity


def with_speech(placement: Placement, evidence: Evidence | None, channels: tuple[ChannelActivity, ...]) -> Placement:
    """The placement with the stretches of speech in it; unchanged where it has no sound."""
    start, end = placement.start_samples, placement.end_samples
    if start is None or end is None or evidence is None:
        return placement
    islands = channels[evidence.channel].islands * SAMPLES_PER_MS
    first, last = np.searchsorted(islands[:, 1], start, "right"), np.searchsorted(islands[:, 0], end, "left")
    inside = np.clip(islands[first:last], start, end)
    if not len(inside):
        return replace(placement, speech=((start, end),))
    inside[0, 0], inside[-1, 1] = start, end  # its edges were looked at more closely than the islands'
    return replace(placement, speech=tuple((int(low), int(high)) for low, high in inside))
