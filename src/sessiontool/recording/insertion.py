"""The first place of single chunks in their recorder run: by number, by time, by their cluster, by what was noted.

`arrangement` moves them where another place costs less.

A chunk may hold no base of times: Chrome begins a cluster every few seconds, and the one that a chunk goes on with may
be in a chunk that is lost.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from .recorders import CONTINUES_MS, SAME_PLACE_MS, Chain, distance, of_the_same, overlap_ms
from .sequence import moved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .chunk_clocks import Handed
    from .recorders import IsNoted
    from .survey import ChunkSurvey

_LATE_MS = 500  # between two chunks in one cluster at most; chosen
_EXACT_MS = 25
"""So far apart are the times of two chunks at most where one goes on in the cluster of the other (measured: 20 ms)."""

_MOSTLY = 0.8  # share of a chunk that a gap has room for; chosen
_LOOSELY = 0.2
"""A chunk's share by which a gap may be longer (chosen): what was dropped in the chunk is not in its length."""


def put_untimed(
    untimed: Sequence[ChunkSurvey], alike: list[Chain], is_listed: IsNoted, handed: Handed
) -> list[ChunkSurvey]:
    """Put chunks without a base of times into chains of their kind; those for which there is no room are returned."""
    left = [one for one in untimed if not _put_as_noted(one, alike, is_listed, handed)]
    left = [one for one in left if not (_fill_gap(one, alike, is_listed) or _end_gap(one, alike, is_listed))]
    return [one for one in left if not _put_behind(one, alike, is_listed)]


def _put_as_noted(one: ChunkSurvey, chains: Sequence[Chain], is_listed: IsNoted, handed: Handed) -> bool:
    """Put a chunk without a base of times where it was handed over; False where that is not noted.

    One that is noted by its number alone has to have room there.
    """
    if one.chunk not in handed.at_ms or not chains:
        return False
    nearest = min(of_the_same(one, chains, is_listed), key=lambda chain: distance(chain, one))
    index = _place_as_noted(nearest, one, handed)
    if index is None or (one.chunk not in handed.sure and _room_ms(nearest, index) < one.length_ms * _MOSTLY):
        return False
    _put(nearest, index, one, _place_of_number(nearest, one.chunk.seq))
    return True


def _fill_gap(one: ChunkSurvey, chains: Sequence[Chain], is_listed: IsNoted) -> bool:
    """Put a chunk without a base of times into a gap of its length whose cluster it goes on with; whether that is so.

    Its number does not count, unless the chunk fits as well where that says.
    """
    chains = of_the_same(one, chains, is_listed) if chains else ()
    slack_ms = max(CONTINUES_MS, _LOOSELY * one.length_ms)
    gaps = [
        (_apart_ms(chain, at, one), number, at)
        for number, chain in enumerate(chains)
        for at in range(1, len(chain.chunks))
        if _goes_on(chain, at, one, _EXACT_MS)
        and abs(_room_ms(chain, at) - one.length_ms) <= slack_ms
        and not chain.chunks[at - 1].is_torn_at_end
    ]
    if not gaps or one.is_torn_at_start or one.has_header:
        return False
    nearest = min(chains, key=lambda chain: distance(chain, one))
    index = _place_of_number(nearest, one.chunk.seq)
    if _goes_on(nearest, index, one, _EXACT_MS) and _room_ms(nearest, index) >= one.length_ms * _MOSTLY:
        nearest.chunks.insert(index, one)  # before another chunk takes the gap
        return True
    _, number, at = min(gaps)
    chains[number].moved.append(one.chunk)
    chains[number].chunks.insert(at, one)
    return True


def _end_gap(one: ChunkSurvey, chains: Sequence[Chain], is_listed: IsNoted) -> bool:
    """Put a chunk without its beginning before the one that goes on in its cluster, if there is one gap for it alone.

    It does so where the number proves nothing: others are missing between it and the last one.
    """
    if not (one.is_torn_at_start and one.digests) or one.is_torn_at_end or not chains:
        return False
    nearest = min(of_the_same(one, chains, is_listed), key=lambda chain: distance(chain, one))
    if one.chunk.seq <= nearest.numbers[1] + 1:
        return False
    gaps = [
        at
        for at in range(nearest.first_free, len(nearest.chunks))
        if nearest.chunks[at].counts_from_before
        and abs(nearest.chunks[at].head_ms - one.tail_ms) <= _EXACT_MS
        and one.length_ms * _MOSTLY <= _room_ms(nearest, at) < inf
    ]
    if len(gaps) != 1:
        return False
    nearest.moved.append(one.chunk)
    nearest.chunks.insert(gaps[0], one)
    return True


def _put_behind(one: ChunkSurvey, alike: list[Chain], is_listed: IsNoted) -> bool:
    """Put a chunk without a base of times where its number says, or else after one whose cluster it goes on with.

    The chains are in order.  The number is believed where there is room for the chunk: it goes on with the one before,
    or time is missing there.  False where there is none: the chunks around its place follow one another at once.
    """
    if not alike:
        alike.append(Chain([one]))
        return True
    chains = of_the_same(one, alike, is_listed)
    nearest = min(chains, key=lambda chain: distance(chain, one))
    begins = one.has_header and not nearest.has_header
    index = 0 if begins else _place_of_number(nearest, one.chunk.seq)
    if begins or not one.has_clock:  # without a clock, short ones have room everywhere: nothing but the number is left
        nearest.chunks.insert(index, one)
        return True
    room_ms = _room_ms(nearest, index)
    fits_number = room_ms >= one.length_ms * _MOSTLY and (room_ms < inf or _goes_on(nearest, index, one, _LATE_MS))
    leaders = [
        (_apart_ms(chain, at, one), abs(one.chunk.seq - chain.chunks[at - 1].chunk.seq), number, at)
        for number, chain in enumerate(chains)
        for at in range(1, len(chain.chunks) + 1)
        if _goes_on(chain, at, one, CONTINUES_MS) and _room_ms(chain, at) >= one.length_ms - CONTINUES_MS
    ]
    # Of what is torn off, nothing says what it went on with.
    torn = one.is_torn_at_start or (index > 0 and nearest.chunks[index - 1].is_torn_at_end)
    exact = [leader for leader in leaders if leader[0] <= _EXACT_MS]
    better = exact and not _goes_on(nearest, index, one, _LATE_MS if room_ms < inf else _EXACT_MS)
    if not leaders and abs(room_ms) <= CONTINUES_MS < one.length_ms * _MOSTLY:
        return _put_where_another_was(nearest, one)
    if not (leaders or fits_number or torn) and _outlasts_clusters(one, chains):
        return False
    if torn or not leaders or (fits_number and not better):
        nearest.chunks.insert(index, one)
        return True
    _, _, number, at = min(leaders)
    chains[number].moved.append(one.chunk)
    chains[number].chunks.insert(at, one)
    return True


def _outlasts_clusters(one: ChunkSurvey, chains: Sequence[Chain]) -> bool:
    """Whether a chunk goes on in its cluster for longer than any cluster of these recorder runs lasted."""
    longest_ms = [max(it.tail_ms, it.counted_ms) for chain in chains for it in chain.chunks if it.start_ms is not None]
    return len(longest_ms) > 1 and one.tail_ms > max(longest_ms) + SAME_PLACE_MS


def _put(chain: Chain, index: int, one: ChunkSurvey, number_says: int) -> None:
    """Put a chunk at a place, as one whose number is wrong where that says another one."""
    chain.chunks.insert(index, one)
    if index != number_says:
        chain.moved.append(one.chunk)


def _place_as_noted(chain: Chain, one: ChunkSurvey, handed: Handed) -> int | None:
    """The place of a chunk by when it was handed over; None where that is not noted, or the chain in another order."""
    at_ms = handed.at_ms.get(one.chunk)
    placed = [(index, other.chunk) for index, other in enumerate(chain.chunks)]
    known = [(index, handed.at_ms[chunk]) for index, chunk in placed if chunk in handed.sure]
    if at_ms is None or not known:
        return None
    before = [index for index, its_ms in known if its_ms < at_ms]
    after = [index for index, its_ms in known if its_ms >= at_ms]
    if before and after and before[-1] > after[0]:
        return None
    number_says = _place_of_number(chain, one.chunk.seq)
    first = before[-1] + 1 if before else chain.first_free
    last = after[0] if after else len(chain.chunks)
    return min(max(number_says, first), last)


def _put_where_another_was(chain: Chain, one: ChunkSurvey) -> bool:
    """Put a chunk where the number of the one says that has its place, if there is room: the two changed places."""
    wrong = [other.chunk.seq for other in chain.chunks if other.chunk in chain.moved]
    places = {_place_of_number(chain, number) for number in wrong}
    free = [index for index in places if _room_ms(chain, index) >= one.length_ms * _MOSTLY]
    if len(free) == 1:
        _put(chain, free[0], one, _place_of_number(chain, one.chunk.seq))
    return len(free) == 1


def _place_of_number(chain: Chain, number: int) -> int:
    """Behind the chunks that are numbered before it, but for those whose numbers are wrong."""
    out_of_place = set(chain.moved)
    steady = [(i, other) for i, other in enumerate(chain.chunks) if other.chunk not in out_of_place]
    before = [i for i, other in steady if other.chunk.seq <= number]
    index = before[-1] + 1 if before else chain.first_free
    while index < len(chain.chunks) and chain.chunks[index].chunk in chain.moved and _room_ms(chain, index) < _LATE_MS:
        index += 1  # what goes on there is numbered wrong itself
    return index


def _room_ms(chain: Chain, at: int) -> float:
    """How much time is between the chunks around a place; infinite at the end, or where it is not known."""
    before = chain.chunks[at - 1].end_ms if at else 0.0
    after = chain.chunks[at].start_ms if at < len(chain.chunks) else None
    return after - before if before is not None and after is not None else inf


def _apart_ms(chain: Chain, at: int, one: ChunkSurvey) -> float:
    """How far a chunk is from going on in the cluster of the one before a place."""
    return abs(chain.chunks[at - 1].tail_ms - one.head_ms) if at else inf


def _goes_on(chain: Chain, at: int, one: ChunkSurvey, within_ms: float) -> bool:
    return _apart_ms(chain, at, one) <= within_ms


def put_in_by_number(chain: Chain, one: ChunkSurvey) -> None:
    """Put a chunk where its number says."""
    chain.chunks.insert(_place_of_number(chain, one.chunk.seq), one)


def put_in_by_time(chain: Chain, one: ChunkSurvey) -> None:
    """Put a chunk where its times say; where others have that place, where its number says."""
    start_ms, end_ms = one.start_ms, one.end_ms
    timed = [other for other in chain.chunks if other.start_ms is not None and other.end_ms is not None]
    if start_ms is None or end_ms is None or any(overlap_ms(one, other) > SAME_PLACE_MS for other in timed):
        put_in_by_number(chain, one)
        return
    before = [index for index, other in enumerate(chain.chunks) if other in timed and (other.start_ms or 0) < start_ms]
    chain.chunks.insert(before[-1] + 1 if before else chain.first_free, one)
    chain.moved = moved([other.chunk for other in chain.chunks])
