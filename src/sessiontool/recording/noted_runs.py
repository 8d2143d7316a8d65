"""Several recorder runs in one folder, numbered on: divided into parts as the recorder noted them.

A page that is reloaded, or that records on after an hour, begins a new recording; where its blobs go to the same
folder, their numbers say nothing of it, and what was noted of each run is under another number or another part.  Sizes
show which chunks were noted of which run; a run is divided off only where its first chunk begins a recording.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..media.probe import begins_recording
from .findings import noted_restart, part_start_unknown
from .renumbered import Renumbered
from .sequence import part_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..documents.models import PartEntry, SessionDocument
    from ..model import ChunkRef, Finding
    from .runs import Read

_MOSTLY = 0.6
"""Of a run's noted sizes, and of the chunks among them, so many are the same; chosen: others may be lost or damaged."""
_LEAST = 2  # chunks of a run whose sizes are those that were noted; chosen: one may be so by chance


class _Place(Struct, frozen=True):
    """Where a run is among the chunks of a folder: the number of its first chunk, and what that is more than noted."""

    first: int
    by: int
    entry: PartEntry


class NotedRuns(Struct, frozen=True):
    """The parts to join, what was noted of them, what each chunk is in the store, and what was found."""

    parts: dict[str, list[ChunkRef]]
    session: SessionDocument
    names: Renumbered
    findings: Sequence[Finding]


def divided_as_noted(parts: dict[str, list[ChunkRef]], session: SessionDocument, read: Read) -> NotedRuns:
    """The parts of a session, those divided in which more than one run is."""
    found: dict[str, list[ChunkRef]] = {}
    entries = [*session.parts]
    originals: dict[ChunkRef, ChunkRef] = {}
    findings: list[Finding] = []
    noted_of = {part: entry for part in parts if (entry := part_entry(session.parts, part))}
    for part, chunks in parts.items():
        listed = sorted(chunks, key=lambda chunk: chunk.seq)
        sounding = [chunk for chunk in listed if chunk.object.size_bytes]  # the others are of no run
        first = sounding[0].seq if sounding else 0
        places = [
            place
            for place in _places(part, sounding, noted_of, session)
            if place.first <= first or _begins(place, sounding, read)
        ]
        later = sorted({place.first for place in places if place.first > first})
        if later and sum(chunk.seq < later[0] for chunk in sounding) < _LEAST:  # one chunk is no run, but foreign
            first = later.pop(0)
        starts = [listed[0].seq, *later]
        if len(starts) == 1:
            found[part] = chunks
            originals |= {chunk: chunk for chunk in chunks}
            continue
        entries = [entry for entry in entries if not any(entry is place.entry for place in places)]
        for index, start in enumerate(starts):
            name = f"{part}+{index}" if index else part
            stop = starts[index + 1] if index + 1 < len(starts) else listed[-1].seq + 1
            found[name] = [replace(chunk, part=name) for chunk in listed if start <= chunk.seq < stop]
            originals |= {replace(chunk, part=name): chunk for chunk in listed if start <= chunk.seq < stop}
            here = [place for place in places if place.first == start or (not index and place.first <= first)]
            entries += [_under(place, name) for place in here]
            findings += [noted_restart(found[name][0], part)] if index else []
            findings += [] if here else [part_start_unknown(name)]
    return NotedRuns(found, replace(session, parts=entries), Renumbered(originals), findings)


def _places(
    part: str, listed: Sequence[ChunkRef], noted_of: Mapping[str, PartEntry], session: SessionDocument
) -> Iterator[_Place]:
    """Where the runs are in a folder that were noted as this part, or as one of which there is no folder."""
    elsewhere = {id(entry) for other, entry in noted_of.items() if other != part}
    sizes = {chunk.seq: chunk.object.size_bytes for chunk in listed}
    by_size: dict[int, list[int]] = {}
    for chunk in listed:
        by_size.setdefault(chunk.object.size_bytes, []).append(chunk.seq)
    for entry in session.parts:
        noted = {chunk.seq: chunk.bytes for chunk in entry.chunks if chunk.bytes}
        if id(entry) in elsewhere or not noted:
            continue
        if noted == sizes and len(listed) == len(noted) >= _LEAST:  # as nearly always: no other run fits as well
            yield _Place(min(noted), 0, entry)
            continue
        votes = Counter(seq - number for number, size in noted.items() for seq in by_size.get(size, ()))
        (by, count), *_ = votes.most_common(1) or [(0, 0)]
        among = sum(min(noted) + by <= chunk.seq <= max(noted) + by for chunk in listed)  # those of two recorders mix
        if count >= max(_LEAST, _MOSTLY * len(noted), _MOSTLY * among):
            yield _Place(min(noted) + by, by, entry)


def _begins(place: _Place, listed: Sequence[ChunkRef], read: Read) -> bool:
    """Whether a recording begins with the first chunk of a run, and what is before it is not of the same run."""
    first = next((chunk for chunk in listed if chunk.seq == place.first), None)
    sizes = {chunk.bytes for chunk in place.entry.chunks}
    before = [chunk.object.size_bytes in sizes for chunk in listed if chunk.seq < place.first]
    return first is not None and sum(before) < (1 - _MOSTLY) * len(before) and begins_recording(read(first))


def _under(place: _Place, name: str) -> PartEntry:
    """What was noted of a run, under the numbers of its chunks."""
    return replace(place.entry, part=name, chunks=[replace(one, seq=one.seq + place.by) for one in place.entry.chunks])
