"""What the numbers of a part's chunks say: which are missing or wrong, and whether they are numbers at all.

People name chunks by a counter or by the time (`Date.now()`); a counter that skips shows a loss, a time does not.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ..documents.models import PartEntry
    from ..model import ChunkRef

_MOST_NUMBERS = 10_000
"""More than so many numbers between two chunks were never chunks (chosen: 14 hours at 5 s)."""

_TIME_STEP_MS = 50
"""Names that are times are at least so far apart (chosen): no recorder hands over blobs faster."""

_EPOCH_S = 1_000_000_000
"""No counter is as large as the seconds, ms or µs since 1970 are (chosen: 2001)."""


def part_entry(entries: Iterable[PartEntry], part: str) -> PartEntry | None:
    """What the recorder noted of the part whose key says `part`; numbers are compared as numbers."""
    return next((entry for entry in entries if _same_number(entry.part, part)), None)


def _same_number(a: str, b: str) -> bool:
    return a == b or (a.isdecimal() and b.isdecimal() and int(a) == int(b))


def by_part(chunks: Iterable[ChunkRef]) -> Iterator[tuple[str, list[ChunkRef]]]:
    """The chunks of each part, in the listing's order."""
    parts: dict[str, list[ChunkRef]] = {}
    for chunk in chunks:
        parts.setdefault(chunk.part, []).append(chunk)
    yield from parts.items()


def parts_in_order(chunks: Iterable[ChunkRef], entries: Sequence[PartEntry]) -> dict[str, list[ChunkRef]]:
    """The chunks of each part, parts in the listing's order.

    Names that are no numbers have none: such parts are in the order in which they were started, if all that is noted.
    """
    parts = dict(by_part(chunks))
    starts_ms = {part: entry.start_ms for part in parts if (entry := part_entry(entries, part))}
    if all(map(str.isdecimal, parts)) or len(starts_ms) < len(parts) or None in starts_ms.values():
        return parts
    return {part: parts[part] for part in sorted(parts, key=lambda part: starts_ms[part] or 0.0)}


def are_times(chunks: Sequence[ChunkRef]) -> bool:
    """Whether the numbers in the names are instants and not a counter."""
    numbers = sorted({chunk.seq for chunk in chunks})
    steps = [b - a for a, b in pairwise(numbers)]
    far_apart = bool(steps) and min(*steps, numbers[0]) >= _TIME_STEP_MS
    return far_apart or (bool(numbers) and numbers[0] >= _EPOCH_S)


def with_numbers_of(entry: PartEntry | None, chunks: Sequence[ChunkRef]) -> PartEntry | None:
    """What the recorder noted, under the numbers that the chunks have.

    A recorder that counts its blobs, and whose uploads are named by the time, notes the same blobs in the same order.
    """
    if entry is None or not entry.chunks or not are_times(chunks):
        return entry
    noted = sorted(entry.chunks, key=lambda chunk: chunk.seq)
    found = sorted(chunks, key=lambda chunk: chunk.seq)
    if {chunk.seq for chunk in noted} & {chunk.seq for chunk in found} or len(noted) != len(found):
        return entry
    pairs = list(zip(noted, found, strict=True))
    if any(one.bytes not in (None, chunk.object.size_bytes) for one, chunk in pairs):
        return entry
    return replace(entry, chunks=[replace(one, seq=chunk.seq) for one, chunk in pairs])


def counted_as_named(entry: PartEntry, chunks: Sequence[ChunkRef]) -> PartEntry:
    """What the recorder noted, where one counted from 0 and the other from 1: under the numbers that the chunks have.

    Sizes decide; where those fit either way, or are of no help, the numbers do so by fitting all of them.
    """
    sizes = {chunk.seq: chunk.object.size_bytes for chunk in chunks}
    noted = {chunk.seq: chunk.bytes for chunk in entry.chunks}
    if not sizes or not noted or {min(sizes), min(noted)} != {0, 1}:
        return entry
    by = min(sizes) - min(noted)
    as_noted, moved_on = (sum(sizes.get(n + step) == size for n, size in noted.items() if size) for step in (0, by))
    all_fit = {n + by for n in noted} == sizes.keys() and moved_on >= as_noted
    if not (all_fit or moved_on > max(1, 2 * as_noted)):
        return entry
    return replace(entry, chunks=[replace(chunk, seq=chunk.seq + by) for chunk in entry.chunks])


def parts_as_named(entries: Sequence[PartEntry], parts: Mapping[str, Sequence[ChunkRef]]) -> Sequence[PartEntry]:
    """What the recorder noted, where it counted parts from 0 and their names do from 1, or the other way: as named.

    Sizes of chunks decide; where none fit, the numbers do so by fitting all of them.
    """
    if not parts or not entries or not all(map(str.isdecimal, [*parts, *(entry.part for entry in entries)])):
        return entries
    as_noted = _sizes_that_fit(entries, parts)
    for by in (-1, 1):
        moved = [replace(entry, part=str(int(entry.part) + by)) for entry in entries]
        numbers = {int(entry.part) for entry in moved}
        moved_on = _sizes_that_fit(moved, parts)
        all_fit = numbers == {*map(int, parts)} and {min(numbers), min(numbers) - by} == {0, 1} and moved_on >= as_noted
        if all_fit or moved_on > max(1, 2 * as_noted):
            return moved
    return entries


def _sizes_that_fit(entries: Sequence[PartEntry], parts: Mapping[str, Sequence[ChunkRef]]) -> int:
    """How many chunks have the size that was noted of them."""
    count = 0
    for part, chunks in parts.items():
        entry = part_entry(entries, part)
        noted = {chunk.seq: chunk.bytes for chunk in entry.chunks} if entry else {}
        count += sum(chunk.object.size_bytes == noted.get(chunk.seq) for chunk in chunks)
    return count


def missing_numbers(chunks: Sequence[ChunkRef], entry: PartEntry | None) -> list[int]:
    """The numbers that no chunk of a part has, in order.

    A part may be numbered from 0 or from 1; the recorder's list, where there is one, knows better.  Blobs that are
    noted with 0 bytes need no chunk.
    """
    present = {chunk.seq for chunk in chunks}
    noted = {chunk.seq: chunk for chunk in entry.chunks} if entry else {}
    times = are_times(chunks)
    if not present or (times and not noted.keys() & present):
        return []
    found = {seq for seq in noted if seq not in present}
    lowest = min(present)
    first = min(noted) if noted else 0 if lowest > 1 else lowest
    for start, stop in _gaps(first, sorted(present)) if not times else ():
        if stop - start <= _MOST_NUMBERS:
            found.update(range(start, stop))
    return sorted(seq for seq in found if seq not in noted or noted[seq].bytes != 0)


def _gaps(first: int, present: Sequence[int]) -> Iterator[tuple[int, int]]:
    expected = first
    for seq in present:
        if seq > expected:
            yield expected, seq
        expected = max(expected, seq + 1)


def moved(chunks: Sequence[ChunkRef]) -> list[ChunkRef]:
    """The chunks, in their order by content, whose numbers are wrong.

    Those that changed places with one another; or where that would be nearly all, as when one was put far ahead, the
    fewest that have to be taken out for the numbers of the others to rise.
    """
    fewest = _fewest_moved(chunks)
    numbers = sorted(chunk.seq for chunk in chunks)
    if len(fewest) == 1 and numbers[-1] - numbers[-2] > numbers[-2] - numbers[0]:  # a number far beyond all others
        rest = [chunk for chunk in chunks if chunk.seq != numbers[-1]]
        return fewest if _fewest_moved(rest) else [chunk for chunk in chunks if chunk not in rest]
    exchanged = [chunk for chunk, number in zip(chunks, numbers, strict=True) if chunk.seq != number]
    return exchanged if len(exchanged) <= 2 * len(fewest) else fewest


def _fewest_moved(chunks: Sequence[ChunkRef]) -> list[ChunkRef]:
    tails: list[int] = []  # of the best rising subsequence of each length, by index
    before: list[int] = []
    for index, chunk in enumerate(chunks):
        length = bisect_left(tails, chunk.seq, key=lambda tail: chunks[tail].seq)
        before.append(tails[length - 1] if length else -1)
        tails[length : length + 1] = [index]
    rising, index = set(), tails[-1] if tails else -1
    while index >= 0:
        rising.add(index)
        index = before[index]
    return [chunk for index, chunk in enumerate(chunks) if index not in rising]


def rows(numbers: Sequence[int]) -> list[list[int]]:
    """Numbers, those together that follow one another."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return found


def taken_by_moved(order: Sequence[ChunkRef], moved: Iterable[ChunkRef], goes_on_at: Callable[[int], bool]) -> set[int]:
    """The numbers that chunks with wrong ones would have by their places: one more than the chunk that they go on with.

    `goes_on_at` says whether nothing is missing before a place in the order.
    """
    out_of_place, taken = set(moved), dict[int, int]()
    for index, chunk in enumerate(order):
        before = taken.get(index - 1, order[index - 1].seq) if index else -1
        if chunk in out_of_place and (not index or index - 1 in taken or order[index - 1] not in out_of_place):
            taken |= {index: before + 1} if goes_on_at(index) else {}
    for index in reversed(range(len(order) - 1)):
        after = taken.get(index + 1, order[index + 1].seq)
        if order[index] in out_of_place and index not in taken and goes_on_at(index + 1):
            taken |= {index: after - 1} if index + 1 in taken or order[index + 1] not in out_of_place else {}
    return set(taken.values())


def places_of(
    missing: Sequence[int],
    order: Sequence[ChunkRef],
    moved: Iterable[ChunkRef],
    goes_on_at: Callable[[int], bool] = lambda _: True,
) -> Mapping[int, list[int]]:
    """The missing numbers by the index of the chunk that they belong before; after the last one: its length.

    Chunks that were `moved` say nothing of where a number belongs; beside them it does where something is missing.
    """
    out_of_place = set(moved)
    steady = [(chunk.seq, index) for index, chunk in enumerate(order) if chunk not in out_of_place]
    places: dict[int, list[int]] = {}
    for number in missing:
        first = max((index + 1 for seq, index in steady if seq < number), default=0)
        last = next((index for seq, index in steady if seq > number), len(order))
        gaps = (index for index in range(first, min(last, len(order) - 1)) if not goes_on_at(index))
        places.setdefault(next(gaps, last), []).append(number)
    return places


def missing_of(
    run: tuple[int, int],
    runs: Sequence[tuple[int, int]],
    missing: Sequence[int],
    *,
    is_first: bool,
    is_last: bool,
) -> list[int]:
    """The missing numbers that may be of a recorder run, which has those from the one to the other, as `runs` have.

    They are those behind the run before it and before its last one; all before it or behind it of the first and last.
    """
    low, high = run
    if any(first < low and high < last for first, last in runs):
        return [number for number in missing if low < number < high]  # inside of another run, of which others are
    before = max((last for _, last in runs if last < low), default=-1)
    return [number for number in missing if (before < number or is_first) and (number < high or is_last)]
