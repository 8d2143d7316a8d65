"""What chunks share: which are copies of which, what mends them, and the bytes at their seams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from .records import Stretch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model import ChunkRef
    from .survey import ChunkSurvey


class Patch(Struct, frozen=True, order=True):
    """The bytes `start` to `stop` of a base are replaced with those from `other_start` to `other_stop` of a copy."""

    start: int
    stop: int
    other: ChunkRef
    other_start: int
    other_stop: int


class Shared(Struct):
    """What was found: copies by their base, patches of bases, and how many bytes of a chunk its neighbour has too.

    `head_cuts` are bytes at the beginning of a chunk that the one before it ends with, or has up to where `head_ends`
    says; `tail_cuts` those at the end that are better in the one after it.  `inside` are the stretches of chunks that
    others have whole.
    """

    copies: dict[ChunkRef, ChunkRef] = field(default_factory=dict)
    exact: set[ChunkRef] = field(default_factory=set)
    patches: dict[ChunkRef, list[Patch]] = field(default_factory=dict)
    head_cuts: dict[ChunkRef, tuple[int, ChunkRef]] = field(default_factory=dict)
    head_ends: dict[ChunkRef, int] = field(default_factory=dict)
    tail_cuts: dict[ChunkRef, tuple[int, ChunkRef]] = field(default_factory=dict)
    inside: dict[ChunkRef, list[Stretch]] = field(default_factory=dict)

    def settle(self) -> None:
        """Name the chunk that is kept for each copy, also for the copy of one that is set aside itself.

        What is kept keeps the bytes that it shares with its own copies: they are nowhere else.
        """
        for chunk, first in self.copies.items():
            kept = first
            while kept in self.copies:
                kept = self.copies[kept]
            if kept != first:
                self.copies[chunk] = kept
                self.exact.discard(chunk)
        for cuts in (self.head_cuts, self.tail_cuts):
            for chunk in [chunk for chunk, (_, other) in cuts.items() if self.copies.get(other) == chunk]:
                del cuts[chunk]

    def add_inside(self, inside: Mapping[ChunkRef, list[Stretch]]) -> None:
        """Chunks whose bytes are all in others, with the places of those."""
        self.inside.update(inside)
        self.exact.update(inside)
        self.copies.update((chunk, one.kept_in) for chunk, (one, *_) in inside.items() if one.kept_in)

    def make_base(self, chunk: ChunkRef, patches: list[Patch]) -> None:
        """Make one of the copies the base of the others, and mend it with `patches` alone."""
        before = self.copies.pop(chunk, chunk)
        self.patches.pop(before, None)
        if before != chunk:
            self.copies[before] = chunk
        self.copies |= {copy: chunk for copy, base in self.copies.items() if base == before}
        self.patches[chunk] = patches

    def without_seams(self, survey: ChunkSurvey) -> ChunkSurvey:
        """A chunk whose times are those of the sound that is not in its neighbours too."""
        head, tail = (cuts.get(survey.chunk, (0, None))[0] for cuts in (self.head_cuts, self.tail_cuts))
        survey.shared_bytes = head + tail
        cuts = (chunk for chunk, (_, after) in self.tail_cuts.items() if after == survey.chunk)
        follows = self.head_cuts.get(survey.chunk, (0, next(cuts, None)))[1]
        survey.follows = self.copies.get(follows, follows) if follows else None
        head_ms, tail_ms = survey.sound_ms(0, head), survey.sound_ms(survey.size_bytes - tail, survey.size_bytes)
        survey.shared_ms = head_ms + tail_ms
        if survey.start_ms is not None and survey.end_ms is not None:
            survey.start_ms += head_ms
            survey.end_ms -= tail_ms
        return survey

    def aside(self, survey: ChunkSurvey) -> list[Stretch]:
        """The stretches of a copy that are not used."""
        if survey.chunk in self.inside:
            return self.inside[survey.chunk]
        base = self.copies[survey.chunk]
        used = sorted((p.other_start, p.other_stop) for p in self.patches.get(base, ()) if p.other == survey.chunk)
        at, stretches = 0, []
        for start, stop in [*used, (survey.size_bytes, survey.size_bytes)]:
            if start > at:
                stretches.append(Stretch(at, start - at, "a copy", base, at))
            at = max(at, stop)
        return stretches
