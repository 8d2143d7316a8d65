"""How well chunks explain one another in an order, and the exchange of those that another order explains better.

Each testimony of two chunks that follow one another has a cost: their numbers, their clocks, whether the second goes on
in the cluster of the first, bytes that both have, damage at the seam.  A chunk that is of no recorder run, and one
whose clock is not believed, cost as well.  From an order that single rules made, chunks with a costly place are moved
to another one, left out, or put where one was left out, as long as all together costs less: one wrong testimony among
several is outvoted.
"""

from __future__ import annotations

from bisect import bisect_left
from math import inf, isnan, nan
from typing import TYPE_CHECKING, NamedTuple

from .gap_fits import begun_at
from .recorders import CONTINUES_MS, Chain
from .sequence import moved
from .time_groups import STEP_MS, looks_like_a_bit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .survey import ChunkSurvey

_ITS_SEAM, _JOINED, _TOUCHING, _NEXT = -1.5, -0.5, -0.3, -0.3
"""Costs of a seam: with bytes that both have, in one cluster, in time, in number; chosen."""
_RUNS_BACK, _OVERLAPS, _OF_ANOTHER_CLUSTER, _NOT_ITS_SEAM = 0.6, 1.5, 0.5, 1.5  # costs of a contradiction; chosen
_LOSS, _UNKNOWN_LOSS = 0.3, 0.6  # costs of a gap, where a number is missing or bytes are, and where none is; chosen
_LEFT_OUT = 0.8  # cost of a chunk that is of no run; chosen
_CLOCK_BIT, _CLOCK_TORN, _CLOCK_ODD = 0.5, 0.7, 3.0
"""Costs of a clock that is not believed: off by one wrong bit, of a damaged chunk, of any other; chosen."""
_LEAST_GAIN, _LEAST_GAIN_OF_OTHERS = 0.35, 0.8  # chosen; the second where a chunk is left out, or changes its run
_DROPPED_MS = 1000  # chosen: above what a busy page drops at once (measured: 660 ms)
_NEAR, _AROUND = 2, 4  # chunks; chosen: those around a place whose costs may change with it, and their neighbours
_MOST_PASSES, _MOST_DOUBTFUL = 5, 30  # times, and chunks in each; chosen: they bound the time that it takes
_INEXACT = 0.12  # share of a chunk; chosen: its start is counted back from its first cluster
_ROOM = 0.8  # share of a chunk that a gap has room for; chosen


class _Place(NamedTuple):
    """A place in a run, instead of the chunk there or before it, and by how much a chunk there changes costs."""

    change: float
    chain: Chain
    at: int
    evicted: ChunkSurvey | None


class _Move(NamedTuple):
    """A better place of a chunk, None for that in no run, and by how much it costs less than that in its `home`."""

    gain: float
    home: Chain | None
    place: _Place | None

    @property
    def is_worth_it(self) -> bool:
        place = self.place
        stays = place is not None and place.evicted is None and (self.home is None or self.home is place.chain)
        return self.gain >= (_LEAST_GAIN if stays else _LEAST_GAIN_OF_OTHERS)


class Arrangement:
    """The chunks of one recorder's hand: in its runs, and those that are in none."""

    def __init__(self, chains: Sequence[Chain], foreign: list[ChunkSurvey]) -> None:
        self._chains = chains
        self._foreign = foreign

    def improve(self) -> None:
        """Move chunks to where all of it costs least."""
        for _ in range(_MOST_PASSES):
            for chain in self._chains:
                _correct_clocks(chain.chunks)
            moves = [(self._best_move(one), one) for one in self._doubtful()[:_MOST_DOUBTFUL]]
            better = [row for row in moves if row[0].is_worth_it]
            for _, one in sorted(better, key=lambda row: -row[0].gain):
                if (move := self._best_move(one)).is_worth_it:  # after those before it
                    self._make(one, move)
            if not better:
                return

    def _doubtful(self) -> list[ChunkSurvey]:
        """The chunks whose place costs something, the costliest first, and then those that are in none."""
        costs = [
            (_cost_between(_get(chain.chunks, at - 1), one, _get(chain.chunks, at + 1)), one)
            for chain in self._chains
            for at, one in enumerate(chain.chunks)
            if one.digests and not (one.has_header and not at)
        ]
        placed = sorted((row for row in costs if row[0] > 0.0), key=lambda row: -row[0])
        return [*(one for _, one in placed), *(one for one in self._foreign if one.digests)]

    def _best_move(self, one: ChunkSurvey) -> _Move:
        home = next((chain for chain in self._chains if any(other is one for other in chain.chunks)), None)
        best = cost = _LEFT_OUT
        place: _Place | None = None
        for chain in self._chains:
            rest = [other for other in chain.chunks if other is not one]
            for found in _places(one, chain, rest):
                if found.change < best:
                    best, place = found.change, found
            if chain is home:
                at = next(at for at, other in enumerate(home.chunks) if other is one)
                cost = _cost_around(home.chunks, at) - _cost_around(rest, at, 0)
        return _Move(cost - best, home, place)

    def _make(self, one: ChunkSurvey, move: _Move) -> None:
        _, home, place = move
        chunks = home.chunks if home else self._foreign
        chunks[:] = [other for other in chunks if other is not one]
        if place is None:
            self._foreign.append(one)
        elif place.evicted:
            place.chain.chunks[place.at] = one
            self._foreign.append(place.evicted)
        else:
            place.chain.chunks.insert(place.at, one)
        for chain in (home, place.chain if place else None):
            if chain:
                chain.moved = moved([other.chunk for other in chain.chunks])


def _correct_clocks(order: Sequence[ChunkSurvey]) -> None:
    """Of chunks that fill their place by all but their clock: believe the place."""
    for before, one, after in zip(order, order[1:], order[2:], strict=False):
        if before.end_ms is None or one.start_ms is None or _room(before, one, after) != _TOUCHING:
            continue
        if _cost_between(before, one, after) < _seam(before, one) + _seam(one, after):
            begun_at(one, before.end_ms)


def _places(one: ChunkSurvey, chain: Chain, rest: list[ChunkSurvey]) -> Iterator[_Place]:
    """Where in a run a chunk may belong: by its clock, its number, its cluster, or bytes that another one has too."""
    found = {bisect_left(rest, one.chunk.seq, key=lambda other: other.chunk.seq)}
    for at, other in enumerate(rest):
        if one.follows == other.chunk or _may_follow(other, one):
            found.add(at + 1)
        if _may_follow(one, other):
            found.add(at)
    for at in sorted(found):
        order = [*rest[max(0, at - _AROUND) : at], one, *rest[at : at + _AROUND]]
        yield _Place(_cost_around(order, min(at, _AROUND)) - _cost_around(rest, at, 0), chain, at, None)
    taken = {index for at in found for index in (at - 1, at) if 0 <= index < len(rest)}
    for at in sorted(taken):
        if not rest[at].has_header:
            order = [*rest[max(0, at - _AROUND) : at], one, *rest[at + 1 : at + 1 + _AROUND]]
            cost = _cost_around(order, min(at, _AROUND)) - _cost_around(rest, at)
            yield _Place(cost + _LEFT_OUT, chain, at, rest[at])


def _may_follow(before: ChunkSurvey, after: ChunkSurvey) -> bool:
    """Whether a chunk begins when another one ends, by their clocks or in a cluster."""
    return abs(_apart_ms(before, after, inf)) <= CONTINUES_MS or _in_cluster_ms(before, after) <= STEP_MS


# -- what chunks in succession cost


def _cost_around(order: Sequence[ChunkSurvey], at: int, count: int = 1) -> float:
    """What `count` chunks from a place on cost, and the seams and clocks beside them, which change with them."""
    total = 0.0
    for index in range(at - _NEAR, at + count + _NEAR + 1):
        before, one, after = (_get(order, index + step) for step in (-1, 0, 1))
        total += _seam(before, one)
        if one is not None:
            total += _cost_between(before, one, after) - _seam(before, one) - _seam(one, after)
    return total


def _cost_between(before: ChunkSurvey | None, one: ChunkSurvey, after: ChunkSurvey | None) -> float:
    """What a chunk costs between two others, with its clock believed or not, whichever costs less."""
    unclocked = _seam(before, one, by_clock=False) + _seam(one, after, by_clock=False) + _room(before, one, after)
    if one.start_ms is None or one.end_ms is None:
        return unclocked
    off_ms = (_apart_ms(before, one, 0.0) if before else one.start_ms, -_apart_ms(one, after, 0.0) if after else 0)
    is_a_bit = any(looks_like_a_bit(ms, one.ticks_per_ms) for ms in off_ms)
    doubt = _CLOCK_BIT if is_a_bit else _CLOCK_TORN if one.damages else _CLOCK_ODD
    return min(_seam(before, one) + _seam(one, after), unclocked + doubt)


def _seam(before: ChunkSurvey | None, after: ChunkSurvey | None, *, by_clock: bool = True) -> float:
    """What it costs that a chunk follows another one; None is the beginning or the end."""
    if before is None or after is None:
        return _TOUCHING if after is not None and after.has_header else 0.0
    cost = _by_number(before, after)
    if after.follows:
        return cost + (_ITS_SEAM if after.follows == before.chunk else _NOT_ITS_SEAM)
    return cost + _by_time(before, after, _apart_ms(before, after, nan) if by_clock else nan)


def _get(order: Sequence[ChunkSurvey], at: int) -> ChunkSurvey | None:
    return order[at] if 0 <= at < len(order) else None


def _room(before: ChunkSurvey | None, one: ChunkSurvey, after: ChunkSurvey | None) -> float:
    """What it costs to put a chunk by its sound alone into the time between two others."""
    if before is None or after is None or before.end_ms is None or after.start_ms is None:
        return 0.0
    spare_ms = after.start_ms - before.end_ms - one.length_ms
    if spare_ms < -(1 - _ROOM) * one.length_ms:
        return _OVERLAPS
    return _TOUCHING if spare_ms <= max(CONTINUES_MS, (1 - _ROOM) * one.length_ms) else _LOSS


def _by_number(before: ChunkSurvey, after: ChunkSurvey) -> float:
    step = after.chunk.seq - before.chunk.seq
    cost = _NEXT if step == 1 else 0.0 if step > 0 else _RUNS_BACK
    return cost + (_OVERLAPS if after.has_header else 0.0)


def _by_time(before: ChunkSurvey, after: ChunkSurvey, apart_ms: float) -> float:
    """What the time between two chunks costs, NaN if it is not known, and that one goes on in another's cluster."""
    is_torn = bool(before.damages or after.damages)
    in_cluster_ms = _in_cluster_ms(before, after)
    if apart_ms < -CONTINUES_MS:
        return _OVERLAPS if apart_ms < -_INEXACT * min(before.length_ms, after.length_ms) else _LOSS
    if apart_ms > CONTINUES_MS and not (apart_ms <= _DROPPED_MS and in_cluster_ms <= CONTINUES_MS):
        return _LOSS if is_torn or after.chunk.seq - before.chunk.seq > 1 else _UNKNOWN_LOSS
    if isnan(in_cluster_ms):
        return _TOUCHING if abs(apart_ms) <= STEP_MS else 0.0
    if in_cluster_ms <= STEP_MS:
        return _JOINED if abs(apart_ms) <= CONTINUES_MS else _TOUCHING
    return 0.0 if is_torn or in_cluster_ms <= CONTINUES_MS else _OF_ANOTHER_CLUSTER


def _apart_ms(before: ChunkSurvey, after: ChunkSurvey, unknown: float) -> float:
    """How much time is between two chunks by their clocks."""
    return unknown if before.end_ms is None or after.start_ms is None else after.start_ms - before.end_ms


def _in_cluster_ms(before: ChunkSurvey, after: ChunkSurvey) -> float:
    """How far a chunk is from going on in the cluster that another one ends with; NaN where it begins one itself."""
    if not after.counts_from_before:
        return nan
    return min(abs(after.head_ms - end_ms) for end_ms in (before.tail_ms, before.end_ms) if end_ms is not None)
