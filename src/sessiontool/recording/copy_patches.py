"""What mends a chunk from a copy of it: the packets that the copy has, and it has not or only doubtful ones."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .seams import bytes_ahead
from .shared_values import Patch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .survey import ChunkSurvey

    Span = tuple[int, int]


def patches_from(
    base: ChunkSurvey, other: ChunkSurvey, pairs: Sequence[tuple[int, int]], cuts: Sequence[int]
) -> list[Patch]:
    """The patches of a base from a copy; `pairs` are the indexes of packets that both have, in order.

    The first `cuts` bytes of each are the end of the chunk before.
    """
    later = -bytes_ahead(base, other, pairs)
    fewer = [part for one in _where_fewer(base, other, pairs, cuts) for part in _around_own(one, base, other)]
    if not pairs and base.size_bytes != other.size_bytes:
        return fewer  # nothing says which bytes of the two belong to the same place
    return sorted([*fewer, *_alone(base, other, later, cuts, fewer)])


def _where_fewer(
    base: ChunkSurvey, other: ChunkSurvey, pairs: Sequence[tuple[int, int]], cuts: Sequence[int]
) -> Iterator[Patch]:
    """Where the other has more packets between two that both have."""
    firsts = [bisect_left(one.offsets, cut) - 1 for one, cut in zip((base, other), cuts, strict=True)]
    ends = (len(base.digests), len(other.digests))
    between = [(a, b) for a, b in pairs if a > firsts[0] and b > firsts[1]]
    for (a, b), (next_a, next_b) in pairwise([(firsts[0], firsts[1]), *between, ends]):
        if next_a - a >= next_b - b:
            continue
        start, other_start = (base.packet_end(a), other.packet_end(b)) if a > firsts[0] else (cuts[0], cuts[1])
        stop, other_stop = base.size_bytes, other.size_bytes
        if next_a < ends[0]:
            stop, other_stop = base.offsets[next_a], other.offsets[next_b]
        if start <= stop and other_start < other_stop:
            yield Patch(start, stop, other.chunk, other_start, other_stop)


def _around_own(patch: Patch, base: ChunkSurvey, other: ChunkSurvey) -> Iterator[Patch]:
    """A patch, without the base's own packets at whose place the other is damaged."""
    later = patch.other_start - patch.start
    if patch.other_stop - patch.stop != later:
        yield patch
        return
    theirs = [_span(other, index, 0) for index in _whole(other)]
    at = patch.start
    for index in _whole(base):
        start, stop = _span(base, index, patch.start)
        there = start + later, stop + later
        if start < at or stop > patch.stop or not other.damaged_between(*there) or _meets(there, theirs):
            continue
        if start > at:
            yield Patch(at, start, other.chunk, at + later, start + later)
        at = stop
    if at < patch.stop or at == patch.start:
        yield Patch(at, patch.stop, other.chunk, at + later, patch.other_stop)


def _alone(
    base: ChunkSurvey, other: ChunkSurvey, later: int, cuts: Sequence[int], taken: Sequence[Patch]
) -> Iterator[Patch]:
    """The packets that the other alone has, its bytes being so many `later`, where the base has none or worse ones."""
    mine = [(_span(base, index, cuts[0]), base.doubts[index]) for index in _whole(base)]
    mine += [((patch.start, patch.stop), 0) for patch in taken]
    wanting = Counter(other.digests) - Counter(base.digests)
    found: Patch | None = None
    for index in _whole(other):
        start, stop = _span(other, index, cuts[1])
        is_taken = any(patch.other_start <= start < patch.other_stop for patch in taken)
        if wanting[other.digests[index]] <= 0 or start < cuts[1] or is_taken:
            continue
        here = start - later, stop - later
        if _meets(here, (span for span, doubt in mine if doubt <= other.doubts[index])):
            continue
        wanting[other.digests[index]] -= 1
        first, last = (min(max(at, cuts[0]), base.size_bytes) for at in here)  # what it has not is before it or behind
        if found and (found.other_stop == start or found.stop == last):
            found = replace(found, stop=last, other_stop=stop)
            continue
        yield from [found] if found else ()
        found = Patch(first, last, other.chunk, start, stop)
    yield from [found] if found else ()


def _whole(one: ChunkSurvey) -> Iterator[int]:
    """The indexes of the packets that are in one piece."""
    return (index for index, offset in enumerate(one.offsets) if offset >= 0)


def _span(one: ChunkSurvey, index: int, least: int) -> Span:
    """Where a packet is, with what the container has before it, behind the packet before, damage, or `least` bytes."""
    offset = one.offsets[index]
    ends = (damage.offset + damage.length_bytes for damage in one.damages)
    before = one.packet_end(index - 1) if index and one.offsets[index - 1] >= 0 else 0
    start = max((end for end in (before, least, *ends) if end <= offset), default=offset)
    return start, one.packet_end(index)


def _meets(span: Span, others: Iterable[Span]) -> bool:
    """Whether a stretch has bytes that one of the others has too."""
    return any(start < span[1] and span[0] < stop for start, stop in others)
