"""Parts that hold a recording once more: a folder that was copied, or the whole recording uploaded beside its chunks.

Their chunks are planned as those of one part, where copies are set aside and what only one of them has is joined.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

from ..documents.models import PartEntry
from ..model import ChunkRef
from .renumbered import Renumbered
from .sequence import part_entry, with_numbers_of
from .slices import SlicedParts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ..documents.models import SessionDocument
    from .runs import Read

_LEAST_BYTES = 64  # chosen: smaller chunks are alike by chance
_DIVERSE_BYTES = 40  # different values, at least; chosen, as in `copies`: digital silence has fewer
_ENOUGH = 2  # chunks that are byte for byte in both; chosen: one may be digital silence, at the same time in both
_MOST_READ = 4  # pairs of chunks of the same size; chosen: copies mostly agree in the first
_MOST_PARTS = 50  # chosen: each pair is compared, and few parts are copied


def copied_parts(
    parts: Mapping[str, Sequence[ChunkRef]], session: SessionDocument, grouped: Collection[str], read: Read
) -> dict[str, SlicedParts]:
    """The parts that are one recording, as one part, by the first of them; those that are `grouped` are slices.

    Sizes decide which chunks are read and compared.
    """
    names = [part for part in parts if part not in grouped]
    same: dict[str, str] = {}
    for one, two in combinations(names, 2) if len(names) <= _MOST_PARTS else ():
        if two not in same and _hold_the_same(parts[one], parts[two], read):
            same[two] = same.get(one, one)
    firsts = dict.fromkeys(same.values())
    return {name: _as_one(name, [two for two, one in same.items() if one == name], parts, session) for name in firsts}


def _hold_the_same(one: Sequence[ChunkRef], two: Sequence[ChunkRef], read: Read) -> bool:
    if len(one) > 1 and len(two) > 1:
        return _have_chunks_in_common(one, two, read)
    few, many = sorted((one, two), key=len)
    size_bytes = few[0].object.size_bytes
    if len(many) == 1:
        return size_bytes == many[0].object.size_bytes and _tells(data := read(few[0])) and data == read(many[0])
    opening = [chunk for chunk in many if chunk.object.size_bytes >= _LEAST_BYTES][:_ENOUGH]
    if len(opening) < _ENOUGH or sum(chunk.object.size_bytes for chunk in opening) > size_bytes:
        return False
    whole = read(few[0])
    return all(_tells(data := read(chunk)) and data in whole for chunk in opening)


def _have_chunks_in_common(one: Sequence[ChunkRef], two: Sequence[ChunkRef], read: Read) -> bool:
    sizes = Counter(chunk.object.size_bytes for chunk in one)
    known = {chunk.object.size_bytes: chunk for chunk in one if sizes[chunk.object.size_bytes] == 1}
    alike = [(known[size], chunk) for chunk in two if (size := chunk.object.size_bytes) in known]
    alike = [pair for pair in alike if pair[0].object.size_bytes >= _LEAST_BYTES]
    if len(alike) * 2 < min(len(one), len(two)):
        return False
    equal = 0
    for a, b in alike[:_MOST_READ]:
        data = read(a)
        equal += _tells(data) and data == read(b)
        if equal == min(_ENOUGH, len(one), len(two)):
            return True
    return False


def _tells(data: bytes) -> bool:
    """Whether there is sound in it that no other chunk has by chance."""
    return len(set(data[-512:])) >= _DIVERSE_BYTES


def _as_one(
    name: str, others: Sequence[str], parts: Mapping[str, Sequence[ChunkRef]], session: SessionDocument
) -> SlicedParts:
    """Chunks of the other parts get the numbers that the first part lacks, where they have those, else later ones."""
    originals = {chunk: chunk for chunk in parts[name]}
    taken = {chunk.seq for chunk in parts[name]}
    later = max(chunk.seq for part in (name, *others) for chunk in parts[part]) + 1
    for part in others:
        for chunk in parts[part]:
            is_free = len(parts[part]) > 1 and chunk.seq not in taken
            number = chunk.seq if is_free else later
            later += not is_free
            taken.add(number)
            originals[ChunkRef(chunk.object, name, number)] = chunk
    listed = sorted(originals, key=lambda chunk: chunk.seq)
    entry = with_numbers_of(part_entry(session.parts, name), parts[name])
    entry = entry or next((found for part in others if (found := part_entry(session.parts, part))), None)
    return SlicedParts(name, listed, entry or PartEntry(part=name), {}, Renumbered(originals), (name, *others))
