"""Copies that the recorder's list shows, and the bytes of them that make up what it noted, by a SHA-256.

Two copies may differ in the payload of a packet, where nothing in WebM or MP4 says which is right.  Where the recorder
noted the SHA-256 of what it sent, the bytes of either are tried at each place in which they differ.
"""

from __future__ import annotations

import hashlib
from itertools import product
from typing import TYPE_CHECKING

from msgspec import Struct

from .shared_values import Patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..model import ChunkRef
    from .manifest import Noted
    from .shared_values import Shared
    from .survey import ChunkSurvey

_ALIKE = 0.3  # share of bytes at the same places; chosen: of other sound one in 256 is the same
_MOST_PLACES = 6  # chosen: 64 hashes of a chunk at most
_APART_BYTES = 16  # chosen: places closer than this are one, as random bytes are alike by chance here and there


def add_noted_copies(shared: Shared, surveys: Sequence[ChunkSurvey], noted: Noted) -> None:
    """Chunks whose numbers were noted with the same SHA-256: damaged ones are copies of one that is as noted.

    So are chunks of silence, which by their packets are like any other.
    """
    whole = {one.sha256: one for one in reversed(surveys) if noted.has_exactly(one)}
    for one in surveys:
        kept = whole.get(noted.sha256_of(one))
        if kept is None or one.sha256 == kept.sha256 or one.chunk in shared.copies or kept.chunk in shared.copies:
            continue
        sent_again = shared.head_cuts.get(one.chunk, (0,))[0]  # bytes of the chunk before
        if any(_is_alike(one, kept, start) for start in {0, sent_again}):
            shared.copies[one.chunk] = kept.chunk
    shared.settle()


def _is_alike(one: ChunkSurvey, kept: ChunkSurvey, start: int) -> bool:
    """Whether a chunk is as long from a byte on as another one, or has enough of its bytes there."""
    head = one.head_bytes[start:]
    size = min(len(head), len(kept.head_bytes))
    alike = sum(a == b for a, b in zip(head, kept.head_bytes, strict=False))
    return one.size_bytes - start == kept.size_bytes or alike >= _ALIKE * size


class _Place(Struct, frozen=True):
    """Bytes in which two copies differ."""

    start: int
    stop: int


def mend_as_noted(shared: Shared, noted: Noted, read: Callable[[ChunkRef], bytes]) -> None:
    """Let near copies make up what was noted, where the bytes of two of them can."""
    by_base: dict[ChunkRef, list[ChunkRef]] = {}
    for copy, base in shared.copies.items():
        if copy not in shared.exact:
            by_base.setdefault(base, [base]).append(copy)
    for chunks in by_base.values():
        copies = {chunk: read(chunk) for chunk in chunks}
        if any(noted.wants(hashlib.sha256(data).hexdigest()) for data in copies.values()):
            continue
        made = ((one, other, places) for one, other, places in _pairs(copies, noted) if places)
        for one, other, places in made:
            shared.make_base(one, [Patch(one.start, one.stop, other, one.start, one.stop) for one in places])
            break


def _pairs(copies: dict[ChunkRef, bytes], noted: Noted) -> Iterator[tuple[ChunkRef, ChunkRef, Sequence[_Place]]]:
    """Each copy that is as long as noted, with each other one, and the places of which that has the right bytes."""
    for one, data in copies.items():
        if not noted.has_size(len(data)):
            continue
        for other, its in copies.items():
            if other != one:
                yield one, other, _taken(data, its, noted)


def _taken(data: bytes, other: bytes, noted: Noted) -> Sequence[_Place]:
    """The places in which the other's bytes make up what was noted; none where no choice does.

    What one has behind the end of the other is that one's.
    """
    places = _differences(data, other)
    for choice in product((False, True), repeat=len(places)) if len(places) <= _MOST_PLACES else ():
        taken = [place for place, is_taken in zip(places, choice, strict=True) if is_taken]
        made = bytearray(data)
        for place in taken:
            made[place.start : place.stop] = other[place.start : place.stop]
        if noted.wants(hashlib.sha256(made).hexdigest()):
            return taken
    return ()


def _differences(one: bytes, other: bytes) -> list[_Place]:
    places: list[_Place] = []
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a == b:
            continue
        if places and at - places[-1].stop < _APART_BYTES:
            places[-1] = _Place(places[-1].start, at + 1)
        else:
            places.append(_Place(at, at + 1))
            if len(places) > _MOST_PLACES:
                break
    return places
