"""What is known of a recording in slices: the place of each, and a tally of all."""

from __future__ import annotations

from msgspec import Struct

from ..model import SAMPLE_RATE


class Slice(Struct, frozen=True):
    """The place of a complete file in a recording in slices, which is part `group` of the timeline.

    `start_ms` is its start on the session clock, None where nothing says; `lost` slices are missing before it, which
    lasted `lost_ms`.  It lasts `length_ms`, 0 where that is not known.  What is in the slice before, too, is not
    joined: `overlap_ms` where the sound said how much.
    """

    group: str
    first: bool
    start_ms: float | None
    lost: int = 0
    lost_ms: float = 0.0
    overlap_ms: float | None = None
    length_ms: float = 0.0
    last: bool = False


class SliceTally(Struct):
    """What a recording in slices was, counted while it is joined."""

    slices: int = 0
    filled_ms: float = 0.0
    lost: int = 0
    unclocked: int = 0
    overlaps: int = 0
    compared: int = 0
    trimmed_ms: float = 0.0

    def add(self, place: Slice, silent_ms: float, *, known: bool) -> None:
        """One more slice, before which so much silence was put."""
        self.slices += 1
        self.lost += place.lost
        self.unclocked += not known
        self.filled_ms += 0 if place.lost else silent_ms

    def close(self, place: Slice, trimmed_samples: int) -> None:
        """A slice has ended, without what it shared with the one before."""
        if trimmed_samples:
            self.overlaps += 1
            self.compared += place.overlap_ms is not None
            self.trimmed_ms += trimmed_samples * 1000 / SAMPLE_RATE
