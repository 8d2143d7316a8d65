"""Which of the noted chunks each chunk of a part is, where their numbers moved: by noted hash, size and order.

A lost chunk whose number was given to the next one, or a copy that took a number of its own, moves the numbers of all
that follow.  Sizes mostly differ, so that the noted ones, in their order, show it.  Needed where chunks do not say
themselves when they were recorded: complete files, PCM, MP3; and so that each is held against its own note.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import count
from math import inf
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from ..documents.models import ChunkEntry, PartEntry
    from ..model import ChunkRef
    from .survey import ChunkSurvey

_NEARBY = 8  # numbers; chosen: so far may sizes move a chunk
_MOST_LOST = 64  # chunks that may be lost before others that were numbered on; chosen: bounds the time that it takes
_EXACT, _ALIKE = 4.0, 2.0  # worth of a chunk whose hash, or whose size was noted; chosen
_MOVES = 0.5  # cost, against these, of a number that is by another count off than the one before; chosen
_EXCHANGED = 0.6  # cost of two chunks that changed places; chosen
_BY_CLOCK = 1.0  # worth of a chunk that ends when the noted one was handed over; chosen: sizes may be alike
_HANDED_OVER_MS = 500.0  # from the end of its sound on; chosen: half of the shortest usual blob
_ITS_OWN = 1e-6  # worth of a chunk under its own number; chosen: it decides between equals alone


class _Fit(Struct):
    """A chunk as a noted one, or two that changed places; `total` is what all up to it are worth, after `before`."""

    found: dict[int, int]  # index, number
    number: int  # the highest
    total: float
    before: _Fit | None


class _Numbering(Struct, frozen=True):
    """The chunks of a part in order of their numbers, those that are no copies, and what was noted."""

    surveys: Sequence[ChunkSurvey]
    noted: Mapping[int, ChunkEntry]
    started_ms: float | None = None

    def worth(self, index: int, number: int) -> float:
        """How much speaks for a chunk being a noted one; 0 where nothing does."""
        one, noted = self.surveys[index], self.noted.get(number)
        if noted is None:
            return 0.0
        if noted.sha256:
            return _EXACT if noted.sha256.lower() == one.sha256 else 0.0
        return _ALIKE + _BY_CLOCK * self._agrees(one, noted) if noted.bytes == one.size_bytes else 0.0

    def _agrees(self, one: ChunkSurvey, noted: ChunkEntry) -> bool:
        """Whether the recorder's clock says so; pauses, in which it stands still, are left out of it.

        That of a chunk with a header begins anew.
        """
        if self.started_ms is None or noted.emitted_ms is None or one.end_ms is None or one.has_header:
            return False
        return abs(noted.emitted_ms - self.started_ms - one.end_ms) < _HANDED_OVER_MS


def numbers_as_noted(surveys: Sequence[ChunkSurvey], entry: PartEntry | None) -> dict[ChunkRef, int]:
    """The number of each chunk by what was noted; empty where all have their own.

    Those that are no noted chunk keep theirs where it is free, else come after all others.
    """
    noted = {chunk.seq: chunk for chunk in entry.chunks if chunk.bytes != 0} if entry else {}
    listed = _Numbering(surveys, noted)
    if not noted or all(listed.worth(index, one.chunk.seq) for index, one in enumerate(surveys)):
        return {}
    originals = [*without_copies(surveys)]
    numbering = _Numbering(originals, noted, entry.start_ms if entry else None)
    seqs = dict.fromkeys((tuple(one.chunk.seq for one in originals), _numbers_behind_copies(surveys)))
    found = max((_in_order(numbering, each) for each in seqs), key=len)
    _add_moved(numbering, found)
    if 2 * len(found) < len(originals):
        return {}
    numbers = {originals[index].chunk: number for index, number in found.items()}
    _number_others(surveys, noted, numbers)
    return numbers if any(chunk.seq != number for chunk, number in numbers.items()) else {}


def without_copies(surveys: Sequence[ChunkSurvey]) -> Iterator[ChunkSurvey]:
    """All but those that are another one byte for byte; silence is no copy."""
    seen: set[str] = set()
    for one in surveys:
        if one.sha256 not in seen or one.repeats_itself:
            yield one
        seen.add(one.sha256)


def _numbers_behind_copies(surveys: Sequence[ChunkSurvey]) -> tuple[int, ...]:
    """The numbers of all but copies, less the copies before each: those took numbers of their own."""
    place = {one.chunk: index for index, one in enumerate(surveys)}
    return tuple(one.chunk.seq - (place[one.chunk] - index) for index, one in enumerate(without_copies(surveys)))


def _in_order(numbering: _Numbering, seqs: Sequence[int]) -> dict[int, int]:
    """The most chunks, by what they are worth, as noted ones whose numbers rise with theirs: by index.

    Two that follow one another may have changed places.  `seqs` are about where to look for each.
    """
    by_hash: dict[str, list[int]] = {}
    for number, noted in numbering.noted.items():
        by_hash.setdefault((noted.sha256 or "").lower(), []).append(number)
    lost = min(_MOST_LOST, max(0, len(numbering.noted) - len(numbering.surveys)))
    best = _Best(numbering.noted)
    exchanged: list[_Fit] = []  # what those would follow of which the last chunk is the first
    for index, one in enumerate(numbering.surveys):
        seq = seqs[index]
        numbers = {*range(seq - _NEARBY, seq + _NEARBY + lost + 1), *by_hash.get(one.sha256, ())}
        worth = {number: numbering.worth(index, number) for number in numbers}
        fits = []
        for number, value in worth.items():
            if value:
                before, total = best.before(number, number - seq)
                fits.append(_Fit({index: number}, number, total + value + _ITS_OWN * (number == seq), before))
        for pair in exchanged:
            if value := worth.get(pair.number - 1, 0.0):
                found = pair.found | {index: pair.number - 1}
                fits.append(_Fit(found, pair.number, pair.total + value - _EXCHANGED, pair.before))
        exchanged = []
        for number, value in worth.items():
            if value:
                before, total = best.before(number - 1, number - 1 - seq)
                exchanged.append(_Fit({index: number}, number, total + value, before))
        for fit in fits:
            best.add(fit, fit.number - seq)
    return best.path()


class _Best:
    """The best fits so far: up to each number, and by how many numbers the last chunk is off."""

    def __init__(self, noted: Collection[int]) -> None:
        self._ranks = {number: rank for rank, number in enumerate(sorted(noted), start=1)}
        self._prefixes: list[_Fit | None] = [None] * (len(noted) + 1)  # a Fenwick tree of prefix maxima
        self._in_step: dict[int, _Fit] = {}

    def before(self, number: int, off: int) -> tuple[_Fit | None, float]:
        """What a chunk of this number would follow, and what that is worth if the chunk is off by so much."""
        found, step = self._below(self._ranks.get(number, 0)), self._in_step.get(off)
        total = found.total - _MOVES if found else -2 * _MOVES * (off != 0)
        return (step, step.total) if step and step.total >= total and step.number < number else (found, total)

    def add(self, fit: _Fit, off: int) -> None:
        known = self._in_step.get(off)
        if known is None or fit.total >= known.total:
            self._in_step[off] = fit
        rank = self._ranks[fit.number]
        while rank < len(self._prefixes):
            known = self._prefixes[rank]
            if known is None or fit.total > known.total:
                self._prefixes[rank] = fit
            rank += rank & -rank

    def path(self) -> dict[int, int]:
        found: dict[int, int] = {}
        fit = self._below(len(self._prefixes))
        while fit is not None:
            found |= fit.found
            fit = fit.before
        return found

    def _below(self, rank: int) -> _Fit | None:
        found, at = None, rank - 1
        while at > 0:
            one = self._prefixes[at]
            if one is not None and (found is None or one.total > found.total):
                found = one
            at -= at & -at
        return found


def _add_moved(numbering: _Numbering, found: dict[int, int]) -> None:
    """Chunks that changed places: each that is like one noted chunk alone of those that are free."""
    free = numbering.noted.keys() - found.values()
    left = [index for index in range(len(numbering.surveys)) if index not in found]
    like = {index: [number for number in free if numbering.worth(index, number)] for index in left}
    for index, numbers in like.items():
        own = numbering.surveys[index].chunk.seq
        rivals = sum(bool(set(numbers) & set(others)) for others in like.values())
        if own in numbers or (len(numbers) == 1 and rivals == 1):
            found[index] = own if own in numbers else numbers[0]


def _number_others(surveys: Sequence[ChunkSurvey], noted: Collection[int], numbers: dict[ChunkRef, int]) -> None:
    """Number those that are like no noted chunk: as they are, else as the one after the one before, else at the end."""
    taken = set(numbers.values())
    known = sorted((chunk.seq, number) for chunk, number in numbers.items())
    originals = [one.chunk for one in without_copies(surveys)]
    copies = [one.chunk for one in surveys if one.chunk not in originals]
    for chunk in [chunk for chunk in originals if chunk not in numbers]:
        at = bisect_left(known, (chunk.seq, 0))
        low, high = known[at - 1][1] if at else -1, known[at][1] if at < len(known) else inf
        free = [number for number in (chunk.seq, low + 1) if number not in taken and low < number < high]
        numbers[chunk] = free[0] if free else max([*noted, *taken]) + 1
        taken.add(numbers[chunk])
    numbers |= zip(copies, count(max([*noted, *taken]) + 1), strict=False)


def numbered(surveys: Sequence[ChunkSurvey], numbers: Mapping[ChunkRef, int]) -> dict[ChunkRef, ChunkRef]:
    """The chunks under their new numbers, in order of these, with what they are in the store."""
    pairs = ((replace(one.chunk, seq=numbers[one.chunk]), one.chunk) for one in surveys)
    return dict(sorted(pairs, key=lambda pair: pair[0].seq))
