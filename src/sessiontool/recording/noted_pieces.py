"""Chunks that were cut in pieces, or joined, after they were noted: what was noted, for the chunks as they are stored.

A server that stores what comes over a socket cuts a blob where a message ends; one that buffers joins several.  All
bytes are there, so that sizes show it: those of the pieces add up to the one that was noted.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..documents.models import ChunkEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..documents.models import PartEntry
    from ..model import ChunkRef

_MOST_PIECES = 64  # chunks; chosen: more of one blob would be below a kilobyte each
_NEARBY = 8  # chunks; chosen: so many may be missing, or not noted, in one place; behind more nothing is compared

_Group = tuple[range, range]  # of the stored chunks, of the noted ones; one of the two has one element


def as_stored(entry: PartEntry | None, chunks: Sequence[ChunkRef]) -> PartEntry | None:
    """What was noted of each chunk that is stored: a piece has its own size, and the last one the time of the blob.

    Where nothing was cut or joined it is what was noted, and where the sizes of most chunks fit nothing: those of a
    constant rate are alike, and some of them add up by chance.
    """
    noted = sorted((one for one in entry.chunks if one.bytes), key=lambda one: one.seq) if entry else []
    stored = sorted((one for one in chunks if one.object.size_bytes), key=lambda one: one.seq)
    groups = list(_groups([one.object.size_bytes for one in stored], [one.bytes or 0 for one in noted]))
    explained = sum(len(pieces) for pieces, _ in groups)
    if entry is None or all(len(pieces) == len(blobs) for pieces, blobs in groups) or explained * 2 < len(stored):
        return entry
    found: list[ChunkEntry] = []
    known = 0
    for pieces, blobs in groups:
        found += _between(noted[known : blobs.start], found, stored[pieces.start].seq)
        known = blobs.stop
        last = noted[blobs.stop - 1]
        is_whole = len(pieces) == len(blobs)
        for index in pieces:
            chunk = stored[index]
            emitted_ms = last.emitted_ms if index == pieces.stop - 1 else None
            piece = ChunkEntry(chunk.seq, chunk.object.size_bytes, emitted_ms)
            found.append(replace(last, seq=chunk.seq) if is_whole else piece)
    found += _between(noted[known:], found, None)
    return replace(entry, chunks=found)


def _between(noted: Sequence[ChunkEntry], found: Sequence[ChunkEntry], before: int | None) -> list[ChunkEntry]:
    """Noted chunks of which nothing is stored, under the numbers that are free for them."""
    first = found[-1].seq + 1 if found else 0
    free = len(noted) if before is None else max(0, before - first)
    return [replace(one, seq=first + index) for index, one in enumerate(noted[:free])]


def _groups(stored: Sequence[int], noted: Sequence[int]) -> Iterator[_Group]:
    """The chunks that belong together by their sizes in bytes, in order; chunks that fit nothing are in none."""
    at = blob = misfits = 0
    while at < len(stored) and blob < len(noted) and misfits < _NEARBY:
        group = _group(stored, noted, at, blob)
        if group is None or (len(group[0]) != len(group[1]) and not _goes_on(stored, noted, *group)):
            at, blob = _next_alike(stored, noted, at, blob)
            misfits += 1
            continue
        yield group
        at, blob, misfits = group[0].stop, group[1].stop, 0


def _group(stored: Sequence[int], noted: Sequence[int], at: int, blob: int) -> _Group | None:
    if at >= len(stored) or blob >= len(noted):
        return None
    if stored[at] == noted[blob]:
        return range(at, at + 1), range(blob, blob + 1)
    if pieces := _count(stored[at : at + _MOST_PIECES], noted[blob]):
        return range(at, at + pieces), range(blob, blob + 1)
    if blobs := _count(noted[blob : blob + _MOST_PIECES], stored[at]):
        return range(at, at + 1), range(blob, blob + blobs)
    return None


def _count(sizes: Sequence[int], total: int) -> int:
    """How many of the first of these sizes add up to it; 0 where none do."""
    return next((count for count, size in enumerate(accumulate(sizes), start=1) if size == total), 0)


def _next_alike(stored: Sequence[int], noted: Sequence[int], at: int, blob: int) -> tuple[int, int]:
    """The nearest chunks behind those that fit nothing which fit again, and the ones behind them too.

    Sizes that add up once do so by chance; twice in a row they do not.
    """
    steps = sorted(((i, j) for i in range(_NEARBY) for j in range(_NEARBY)), key=sum)
    for i, j in steps:
        group = _group(stored, noted, at + i, blob + j)
        if group and _goes_on(stored, noted, *group):
            return at + i, blob + j
    return at + 1, blob + 1


def _goes_on(stored: Sequence[int], noted: Sequence[int], pieces: range, blobs: range) -> bool:
    at_end = pieces.stop == len(stored) or blobs.stop == len(noted)
    return at_end or _group(stored, noted, pieces.stop, blobs.stop) is not None
