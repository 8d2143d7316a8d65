"""Chunks of silence that have a place of their own: by numbers and clocks there is room for each of them.

Short blobs of digital silence are the same bytes again and again, where no cluster begins in them.  What is between two
chunks with a clock is as long as the time between these; more than that is there twice.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .recorders import CONTINUES_MS
from .slices import are_slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import ChunkRef
    from .cut_seams import WholeSeams
    from .survey import ChunkSurvey


_OFTEN, _FRAMES_MS = 4, 100
"""Chunks, and ms of each; chosen: an upload is seldom repeated as many times, and a frame of silence is there thousands
of times.  Of longer ones speech would be there several times, and `repeats_itself` says that there is none."""


class OwnPlaces:
    """Which chunks of a part, in order of its numbers, each have a place though they are alike."""

    def __init__(self, surveys: Sequence[ChunkSurvey], seams: WholeSeams) -> None:
        self._seams = seams
        self._with_room = _with_own_room(surveys)
        self._in_slices = are_slices(surveys)
        times = Counter(one.sha256 for one in surveys if not one.has_clock and one.length_ms <= _FRAMES_MS)
        self._often = {sha256 for sha256, count in times.items() if count >= _OFTEN}

    def is_no_copy(self, one: ChunkSurvey) -> bool:
        """Whether silence may be the same as that of another chunk, byte for byte."""
        if one.sha256 in self._often:
            return True
        may_be_again = self._in_slices or not one.has_clock or one.chunk in self._with_room
        return one.repeats_itself and may_be_again

    def are_apart(self, one: ChunkSurvey, other: ChunkSurvey) -> bool:
        """Whether two chunks that are alike each go on with their neighbours, or have room between them."""
        if self._seams.encloses(one.chunk) and self._seams.encloses(other.chunk):
            return True
        return one.repeats_itself and {one.chunk, other.chunk} <= self._with_room


def _with_own_room(surveys: Sequence[ChunkSurvey]) -> set[ChunkRef]:
    """The chunks without a base of times, that the time around them has room for."""
    found: set[ChunkRef] = set()
    between: list[ChunkSurvey] = []
    end_ms: float | None = None
    for one in surveys:
        if one.start_ms is None or one.end_ms is None:
            between.append(one)
            continue
        if end_ms is not None:
            found |= _with_room(between, one.start_ms - end_ms)
        between, end_ms = [], one.end_ms
    return found | {one.chunk for one in between}


def _with_room(chunks: Sequence[ChunkSurvey], room_ms: float) -> set[ChunkRef]:
    """The chunks that there is room for; of those that are the same the last are too many."""
    over_ms = sum(one.length_ms for one in chunks) - room_ms
    found: set[ChunkRef] = set()
    for index in reversed(range(len(chunks))):
        one = chunks[index]
        is_twice = any(other.sha256 == one.sha256 for other in chunks[:index])
        if is_twice and over_ms > min(CONTINUES_MS, one.length_ms / 2):
            over_ms -= one.length_ms
        else:
            found.add(one.chunk)
    return found if over_ms <= CONTINUES_MS else set()
