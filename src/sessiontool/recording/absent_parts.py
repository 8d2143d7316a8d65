"""Parts that the recorder noted and of which the store has nothing: all of their sound is lost.

Nothing of such a part is read, so nothing else sees that it is missing: between two others its time looks like the
time between two parts, and at the end there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model import Finding
from .sequence import part_entry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ..documents.models import PartEntry

_LEAST_MS = 1000.0
"""Chosen: a part that was stopped sooner may have handed out no blob that holds sound."""
_HINT = "look for its chunks where the uploads come from; put in their place, the next merge uses them"


def absent_parts(
    entries: Sequence[PartEntry], parts: Collection[str], sliced: Iterable[Sequence[str]]
) -> Iterator[Finding]:
    """A finding for each noted part without a chunk; `parts` are the names of those in the store.

    Where some of the store's parts are not noted, they may be the same by other names: that is said instead.  Of each
    of `sliced`, recordings with a part for each slice, what is missing between slices is named elsewhere.
    """
    there = {id(entry) for part in parts if (entry := part_entry(entries, part))}
    places = [[place for place, entry in enumerate(entries) if _is_among(entry, names)] for names in sliced]
    between = {place for some in places if some for place in range(min(some), max(some))}
    absent = [
        entry
        for place, entry in enumerate(entries)
        if id(entry) not in there and place not in between and _has_sound(entry)
    ]
    unnoted = [part for part in parts if part_entry(entries, part) is None]
    if absent and unnoted:
        yield Finding(
            "parts-not-noted",
            "warning",
            f"session.json notes part {absent[0].part[:80]}, of which there is no chunk, and says nothing of part "
            f"{unnoted[0]}: what it notes was not used",
            part=unnoted[0],
            hint="name parts in session.json as the keys of their chunks do",
        )
        return
    for entry in absent:
        count = f" ({len(entry.chunks)} were noted)" if entry.chunks else ""
        yield Finding(
            "chunk-missing",
            "error",
            f"all chunks of part {entry.part[:80]} are missing{count}",
            part=entry.part,
            seq=entry.chunks[0].seq if entry.chunks else None,
            lost_ms=_length_ms(entry),
            hint=_HINT,
        )


def _is_among(entry: PartEntry, names: Sequence[str]) -> bool:
    return any(part_entry([entry], name) is entry for name in names)


def _has_sound(entry: PartEntry) -> bool:
    """Whether a part was handed out: by its chunks, or else by how long it was recorded."""
    if entry.chunks:
        return any(chunk.bytes != 0 for chunk in entry.chunks)
    return (_length_ms(entry) or 0.0) >= _LEAST_MS


def _length_ms(entry: PartEntry) -> float | None:
    """How long a part was recorded, without its pauses; None where that was not noted."""
    emitted_ms = [chunk.emitted_ms for chunk in entry.chunks if chunk.emitted_ms is not None]
    end_ms = entry.stop_ms if entry.stop_ms is not None else max(emitted_ms, default=None)
    if entry.start_ms is None or end_ms is None:
        return None
    paused_ms = sum(pause.end_ms - pause.start_ms for pause in entry.pauses if pause.end_ms <= end_ms)
    return max(0.0, end_ms - entry.start_ms - paused_ms)
