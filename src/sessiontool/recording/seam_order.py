"""The numbers of chunks that have no clock, by how they go on with one another: see `byte_seams`.

Two chunks are exchanged, or one is moved, as long as fewer seams break by it; where one is missing, the seam that
breaks shows the place.  What was noted of a chunk counts more.
"""

from __future__ import annotations

from itertools import combinations, pairwise, permutations
from typing import TYPE_CHECKING

from .byte_seams import goes_on, units_across

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..media.packets import Track
    from ..model import ChunkRef
    from .manifest import Noted
    from .survey import ChunkSurvey

_LEAST_MENDED = 2  # seams of chunks; chosen: a single one may be damage, or sound that was dropped
_MOST_DOUBTFUL = 12  # chunks; chosen: 200 other orders of them at most


class SeamOrder:
    """The chunks of a part, and their `numbers`, which rise; `settle` puts either right."""

    def __init__(self, chunks: Sequence[ChunkSurvey], numbers: Sequence[int], noted: Noted, track: Track) -> None:
        self.chunks = [*chunks]
        self.numbers = [*numbers]
        self._noted = noted
        self._track = track
        self._known: dict[tuple[ChunkRef, ChunkRef], bool | None] = {}

    def settle(self, missing: Sequence[int]) -> None:
        """Exchange chunks, and move the numbers of those on that follow one of the `missing`."""
        while (best := max(self._others(), key=lambda row: row[0], default=None)) and best[0] >= _LEAST_MENDED:
            self.chunks = best[1]
        unexplained = self.unexplained
        later = [number for number in missing if len(unexplained) == 1 and number > self.numbers[unexplained[0]]]
        if later:
            behind = range(self.numbers[unexplained[0]], later[0])
            numbers = [number + 1 if number in behind else number for number in self.numbers]
            self.numbers = numbers if self._is_as_noted(self.chunks, numbers) else self.numbers

    @property
    def unexplained(self) -> list[int]:
        """The indexes of chunks that do not go on with the one before, though nothing is left out or cut there."""
        return [
            at
            for at in self._broken
            if self.numbers[at] == self.numbers[at - 1] + 1
            and not any(self._noted.unlike(self.chunks[i], self.numbers[i]) for i in (at - 1, at))
            and not all(self._noted.has_exactly(self.chunks[i]) for i in (at - 1, at))
        ]

    def is_torn_at(self, index: int) -> bool:
        """Whether bytes of a packet that was cut there are missing."""
        before, after = self.chunks[index - 1 : index + 1]
        is_cut = before.is_torn_at_end or after.is_torn_at_start
        return is_cut and units_across(before, after, self._track) is None

    @property
    def _broken(self) -> list[int]:
        return [at for at in range(1, len(self.chunks)) if self._goes_on(self.chunks[at - 1], self.chunks[at]) is False]

    def _others(self) -> Iterator[tuple[int, list[ChunkSurvey]]]:
        """Other orders, in which chunks are as they were noted, and how many seams they mend."""
        broken = self._broken
        doubtful = sorted({place for at in broken for place in (at - 1, at)})
        if len(doubtful) > _MOST_DOUBTFUL:
            return
        for a, b in combinations(doubtful, 2):
            other = [*self.chunks]
            other[a], other[b] = other[b], other[a]
            if self._is_as_noted(other, self.numbers):
                yield len(broken) - self._breaks(other), other
        for a, b in permutations(doubtful, 2):
            other = [*self.chunks]
            other.insert(b, other.pop(a))
            if self._is_as_noted(other, self.numbers):
                yield len(broken) - self._breaks(other), other

    def _is_as_noted(self, chunks: Sequence[ChunkSurvey], numbers: Sequence[int]) -> bool:
        """Whether as many chunks are what was noted under their numbers as now."""
        unlike = [
            sum(self._noted.unlike(one, number) is not None for one, number in zip(*row, strict=True))
            for row in ((self.chunks, self.numbers), (chunks, numbers))
        ]
        return unlike[1] <= unlike[0]

    def _breaks(self, chunks: Sequence[ChunkSurvey]) -> int:
        return sum(self._goes_on(a, b) is False for a, b in pairwise(chunks))

    def _goes_on(self, before: ChunkSurvey, after: ChunkSurvey) -> bool | None:
        key = before.chunk, after.chunk
        if key not in self._known:
            self._known[key] = goes_on(before, after, self._track)
        return self._known[key]
