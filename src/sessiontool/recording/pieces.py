"""A chunk cut into the pieces that are joined: less what its neighbours have too, with what mends it from copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from . import findings
from .records import Stretch
from .runs import Aside, Piece

if TYPE_CHECKING:
    from ..model import ChunkRef, Finding
    from .shared_values import Shared
    from .survey import ChunkSurvey


class CutChunk(Struct):
    """The pieces of a chunk in order; `asides` and `damage` are bytes of it that are in none of them."""

    pieces: list[Piece] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    damage: list[Aside] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def cut_chunk(one: ChunkSurvey, shared: Shared, noted_as: int | None, sizes: dict[ChunkRef, int]) -> CutChunk:
    """Cut a chunk that was noted under the number `noted_as` (None: its own); `sizes` are those of all chunks."""
    cut = CutChunk()
    start, stop = 0, one.size_bytes
    if one.chunk in shared.head_cuts:
        start, other = shared.head_cuts[one.chunk]
        kept_at = shared.head_ends.get(one.chunk, sizes[other]) - start
        aside = Stretch(0, start, "the chunk before has it", other, kept_at)
        cut.asides.append(Aside(one.chunk, aside))
        cut.findings.append(findings.overlap(one.chunk, other, start, at_start=True))
    if one.chunk in shared.tail_cuts:
        count, other = shared.tail_cuts[one.chunk]
        stop = max(start, stop - count)
        aside = Stretch(stop, one.size_bytes - stop, "the chunk behind begins with it", other, 0)
        cut.asides.append(Aside(one.chunk, aside))
        cut.findings.append(findings.overlap(one.chunk, other, one.size_bytes - stop, at_start=False))
    at = start
    for patch in shared.patches.get(one.chunk, ()):
        if not start <= patch.start <= patch.stop <= stop:
            unused = Stretch(patch.other_start, patch.other_stop - patch.other_start, "a copy", one.chunk)
            cut.asides.append(Aside(patch.other, unused))
            continue
        if patch.start > at:
            cut.pieces.append(Piece(one.chunk, at, patch.start))
        cut.pieces.append(Piece(patch.other, patch.other_start, patch.other_stop, counted_for=one.chunk))
        if patch.stop > patch.start:
            reason = "a copy has more of it"
            cut.damage.append(Aside(one.chunk, Stretch(patch.start, patch.stop - patch.start, reason)))
        at = patch.stop
    whole = not cut.pieces and not at and stop == one.size_bytes
    if at < stop or all(piece.chunk != one.chunk for piece in cut.pieces):  # it is read, if only for its hash
        cut.pieces.append(Piece(one.chunk, at, None if whole else stop))
    cut.pieces = [replace(piece, noted_as=noted_as) for piece in cut.pieces]
    return cut
