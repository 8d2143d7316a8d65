"""Chunks that lie in the folder of another part than the one that recorded them: joined where they belong.

What the recorder noted of its chunks decides here; where nothing was noted, their times do (`misfiled_times`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from ..documents.models import PartEntry
from ..model import ChunkRef
from . import findings
from .renumbered import Renumbered
from .sequence import are_times, part_entry, with_numbers_of
from .slices import SlicedParts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..documents.models import ChunkEntry, SessionDocument
    from ..model import Finding
    from .runs import Read

_LEAST_BYTES = 64  # chosen: smaller chunks are alike by chance
_MOSTLY = 0.6  # share of a folder's chunks that are of another part; chosen, as in `noted_runs`: others may be damaged


class Moved(Struct, frozen=True):
    """A chunk, and what it is in the part that recorded it; `why` in words."""

    chunk: ChunkRef
    own: ChunkRef
    why: str

    @property
    def finding(self) -> Finding:
        return findings.of_other_part(self.chunk, self.own, self.why)


def by_notes(
    parts: Mapping[str, Sequence[ChunkRef]], entries: Mapping[str, PartEntry | None], read: Read
) -> list[Moved]:
    """The chunks that session.json lists for another part: by their hash, else by a size that nothing else has.

    `entries` are what was noted of each part.  Only chunks are read that are not what was noted of their own.
    """
    wanted = [(part, noted) for part, entry in entries.items() if entry for noted in _wanting(entry, parts[part])]
    found: list[Moved] = []
    for chunk in _unlisted(parts, entries) if wanted else ():
        like = [(part, noted) for part, noted in wanted if part != chunk.part and _has_size(noted, chunk)]
        digest = hashlib.sha256(read(chunk)).hexdigest() if any(noted.sha256 for _, noted in like) else ""
        exact = [(part, noted) for part, noted in like if noted.sha256 and noted.sha256.lower() == digest]
        unsure = [(part, noted) for part, noted in like if not noted.sha256 and entries[chunk.part]]
        for part, noted in exact[:1] or (unsure if len(unsure) == 1 else ()):
            wanted.remove((part, noted))
            seq = chunk.seq if are_times(parts[part]) else noted.seq
            found.append(Moved(chunk, ChunkRef(chunk.object, part, seq), "session.json lists it there"))
    return [*found, *_with_the_others(parts, entries, found)]


def _with_the_others(
    parts: Mapping[str, Sequence[ChunkRef]], entries: Mapping[str, PartEntry | None], found: Sequence[Moved]
) -> Iterator[Moved]:
    """The rest of folders whose chunks are mostly those of one other part, under the same numbers: they are that's.

    What was noted of the folder's own part stays, and so does what is empty.
    """
    gone = {move.chunk for move in found}
    taken = {(move.own.part, move.own.seq) for move in found}
    homes = Counter((move.chunk.part, move.own.part) for move in found if move.chunk.seq == move.own.seq)
    for (part, home), count in homes.items():
        sounding = [chunk for chunk in parts[part] if chunk.object.size_bytes]
        if count < max(2, _MOSTLY * len(sounding)):
            continue
        kept = {(chunk.seq, chunk.object.size_bytes) for chunk in sounding if chunk not in gone}
        entry = entries[part]
        own = kept & {(noted.seq, noted.bytes) for noted in entry.chunks} if entry else set()
        taken |= {(home, chunk.seq) for chunk in parts[home] if chunk not in gone}
        for chunk in sounding:
            is_free = (home, chunk.seq) not in taken and (chunk.seq, chunk.object.size_bytes) not in own
            if chunk not in gone and is_free:
                own_ref = ChunkRef(chunk.object, home, chunk.seq)
                yield Moved(chunk, own_ref, "nearly all chunks of its folder are of that part")


def _wanting(entry: PartEntry, listed: Sequence[ChunkRef]) -> Iterator[ChunkEntry]:
    """The noted chunks of whose size there are fewer than were noted."""
    there = Counter(chunk.object.size_bytes for chunk in listed)
    for noted in entry.chunks:
        there[noted.bytes or 0] -= 1
        if (noted.bytes or 0) >= _LEAST_BYTES and there[noted.bytes or 0] < 0:
            yield noted


def _unlisted(parts: Mapping[str, Sequence[ChunkRef]], entries: Mapping[str, PartEntry | None]) -> Iterator[ChunkRef]:
    """The chunks of no size that was noted of their own part."""
    for part, listed in parts.items():
        entry = entries[part]
        sizes = Counter(noted.bytes for noted in entry.chunks) if entry else Counter[int | None]()
        for chunk in listed:
            sizes[chunk.object.size_bytes] -= 1
            if sizes[chunk.object.size_bytes] < 0:
                yield chunk


def _has_size(noted: ChunkEntry, chunk: ChunkRef) -> bool:
    return noted.bytes == chunk.object.size_bytes


def brought_home(
    parts: Mapping[str, Sequence[ChunkRef]], moves: Sequence[Moved], session: SessionDocument
) -> tuple[dict[str, list[ChunkRef]], dict[str, SlicedParts]]:
    """The chunks of each part that are its own, and the parts that get some back from the folders of others."""
    gone = {move.chunk for move in moves}
    left = {part: [chunk for chunk in listed if chunk not in gone] for part, listed in parts.items()}
    homes = {part: _with_own(part, left[part], moves, session) for part in {move.own.part for move in moves}}
    return {part: listed for part, listed in left.items() if listed or part in homes}, homes


def _with_own(part: str, left: Sequence[ChunkRef], moves: Sequence[Moved], session: SessionDocument) -> SlicedParts:
    originals = {chunk: chunk for chunk in left} | {move.own: move.chunk for move in moves if move.own.part == part}
    listed = sorted(originals, key=lambda chunk: chunk.seq)
    entry = with_numbers_of(part_entry(session.parts, part), listed)
    return SlicedParts(part, listed, entry or PartEntry(part=part), {}, Renumbered(originals), (part,))
