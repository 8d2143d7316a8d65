"""The exchange of chunks that another order explains better: what decides where each belongs, and what is foreign.

From a first order, by clocks and numbers, chunks with a costly place (`seam_costs`) are moved to another one, left out,
or put where one was left out, as long as all together costs less: one wrong testimony among several is outvoted.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import permutations
from math import inf
from typing import TYPE_CHECKING

from msgspec import Struct

from .seam_costs import EXCHANGED, NEXT_IN_TIME, SeamCosts, get, in_cluster_ms, may_follow, room
from .sequence import moved
from .time_groups import STEP_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .recorders import Chain
    from .survey import ChunkSurvey

_LEAST_GAIN, _LEAST_GAIN_OF_MORE, _LEAST_GAIN_OF_RUNS = 0.25, 0.05, 0.8
"""By how much another order costs less at least: of one run, of one chunk more, of other runs; chosen."""
_AROUND = 6  # chunks; chosen: those around a place whose costs may change with it, and their neighbours
_MOST_PASSES, _MOST_DOUBTFUL = 5, 30  # times, and chunks in each; chosen: they bound the time that it takes
_MOST_PLACES = 60  # chosen: in a long part a chunk may go on in many clusters, those nearest to its number count


class _Place(Struct, frozen=True):
    """A place in a run, instead of the chunk there or before it, and by how much a chunk there changes costs."""

    change: float
    chain: Chain
    at: int
    evicted: ChunkSurvey | None


class _Move(Struct, frozen=True):
    """A better place of a chunk, None for that in no run, and by how much it costs less than that in its `home`."""

    gain: float
    home: Chain | None
    place: _Place | None

    @property
    def is_worth_it(self) -> bool:
        if self.home is None and self.place is not None and self.place.evicted is None:
            return self.gain >= _LEAST_GAIN_OF_MORE
        changes_run = self.home is not None and self.place is not None and self.place.chain is not self.home
        return self.gain >= (_LEAST_GAIN_OF_RUNS if changes_run else _LEAST_GAIN)


class Arrangement:
    """The chunks of one recorder's hand: in its runs, and those that are in none."""

    def __init__(self, chains: Sequence[Chain], foreign: list[ChunkSurvey], costs: SeamCosts) -> None:
        self._chains = chains
        self._foreign = foreign
        self._costs = costs

    def improve(self) -> None:
        """Move chunks to where all of it costs least."""
        for _ in range(_MOST_PASSES):
            for chain in self._chains:
                self._correct_clocks(chain.chunks)
            moves = [(self._best_move(one), one) for one in self._doubtful()[:_MOST_DOUBTFUL]]
            better = [row for row in moves if row[0].is_worth_it]
            for _, one in sorted(better, key=lambda row: -row[0].gain):
                if (move := self._best_move(one)).is_worth_it:  # after those before it
                    self._make(one, move)
            if not better and not any(self._rejoin(run, other) for run, other in permutations(self._chains, 2)):
                break
        for chain in self._chains:
            chain.moved = moved([one.chunk for one in chain.chunks])

    def _rejoin(self, one: Chain, other: Chain) -> bool:
        """Let two runs go on with what the other one had behind a costly seam, if that costs less; whether it does."""
        seam, chunks, others = self._costs.seam, one.chunks, other.chunks
        costly = [[at for at in range(1, len(run)) if seam(run[at - 1], run[at]) > 0.0] for run in (chunks, others)]
        best, cut = _LEAST_GAIN_OF_RUNS, None
        for at in costly[0][:_MOST_DOUBTFUL] if others else ():
            for its in [*costly[1][:_MOST_DOUBTFUL], len(others)]:
                before, after = (others[its - 1], get(others, its)), (chunks[at - 1], chunks[at])
                gain = seam(*before) + seam(*after) - seam(before[0], after[1]) - seam(after[0], before[1])
                if gain > best:
                    best, cut = gain, (at, its)
        if cut:
            at, its = cut
            one.chunks, other.chunks = chunks[:at] + others[its:], others[:its] + chunks[at:]
        return cut is not None

    def _doubtful(self) -> list[ChunkSurvey]:
        """The chunks whose place costs something, the costliest first, and then those that are in none."""
        costs = [
            (self._costs.at(chain.chunks, at), one)
            for chain in self._chains
            for at, one in enumerate(chain.chunks)
            if one.digests and not (one.has_header and not at)
        ]
        placed = sorted((row for row in costs if row[0] > 0.0), key=lambda row: -row[0])
        return [*(one for _, one in placed), *(one for one in self._foreign if one.digests or one.has_header)]

    def _left_out(self, one: ChunkSurvey, home: Chain | None) -> float:
        runs = [home] if home else self._chains
        are_listed = any(self._costs.are_listed(run.chunks) for run in runs)
        return self._costs.left_out(one, of_listed=are_listed)

    def _best_move(self, one: ChunkSurvey) -> _Move:
        home = next((chain for chain in self._chains if any(other is one for other in chain.chunks)), None)
        best = cost = self._left_out(one, home)
        place: _Place | None = None
        for chain in self._chains:
            its_at = next((at for at, other in enumerate(chain.chunks) if other is one), None)
            rest = [other for other in chain.chunks if other is not one]
            for found in self._places(one, chain, rest, its_at):
                if found.at == its_at and found.evicted is None:
                    cost = found.change
                if found.change < best:
                    best, place = found.change, found
        return _Move(cost - best, home, place)

    def _make(self, one: ChunkSurvey, move: _Move) -> None:
        home, place = move.home, move.place
        chunks = home.chunks if home else self._foreign
        chunks[:] = [other for other in chunks if other is not one]
        if place is None:
            self._foreign.append(one)
        elif place.evicted:
            place.chain.chunks[place.at] = one
            self._foreign.append(place.evicted)
        else:
            place.chain.chunks.insert(place.at, one)

    def _correct_clocks(self, order: Sequence[ChunkSurvey]) -> None:
        """Of chunks that fill their place by all but their clock: believe the place.

        At the end it is that of the one in whose cluster a chunk goes on.
        """
        for at in range(1, len(order)):
            before, one = order[at - 1], order[at]
            if before.end_ms is None or one.start_ms is None:
                continue
            is_last = at == len(order) - 1
            fills = abs(in_cluster_ms(before, one)) <= STEP_MS if is_last else room(order, at) == NEXT_IN_TIME
            if fills and self._costs.at(order, at) < self._costs.clocked(order, at):
                one.start_ms, one.end_ms = before.end_ms, before.end_ms + one.length_ms

    def _places(self, one: ChunkSurvey, chain: Chain, rest: list[ChunkSurvey], its_at: int | None) -> Iterator[_Place]:
        """Where in a run a chunk may belong, with the place that it has, `its_at`.

        By its clock, its number, its cluster, or bytes that another has too; and at seams that cost something.
        """
        around = self._costs.around
        by_number = bisect_left(rest, self._costs.number(one), key=self._costs.number)
        found = {by_number}
        for at, other in enumerate(rest):
            if one.follows == other.chunk or may_follow(other, one):
                found.add(at + 1)
            if may_follow(one, other):
                found.add(at)
            if at and self._costs.seam(rest[at - 1], other) > 0.0:
                found.add(at)
        if (start_ms := one.start_ms) is not None:
            found.add(next((at for at, other in enumerate(rest) if (other.start_ms or 0.0) > start_ms), len(rest)))
        joined = {at + 1 for at, other in enumerate(rest) if one.follows and one.follows == other.chunk}
        joined |= {its_at} if its_at is not None else set()
        nearest = sorted(found | joined, key=lambda at: (at not in joined, abs(at - by_number)))
        tried = sorted(nearest[:_MOST_PLACES])
        numbers = [-inf, *map(self._costs.number, rest), inf]
        exchanged = _exchanges(self._costs.number(one), numbers)
        for at in tried:
            order = [*rest[max(0, at - _AROUND) : at], one, *rest[at : at + _AROUND]]
            change = around(order, min(at, _AROUND)) - around(rest, at, 0)
            yield _Place(change + exchanged(numbers[at], numbers[at + 1]), chain, at, None)
        taken = {index for at in tried for index in (at - 1, at) if 0 <= index < len(rest)}
        for at in sorted(taken):
            # To take the place of a neighbour is nothing but to leave that out.
            if not rest[at].has_header and its_at not in {at, at + 1}:
                order = [*rest[max(0, at - _AROUND) : at], one, *rest[at + 1 : at + 1 + _AROUND]]
                cost = around(order, min(at, _AROUND)) - around(rest, at)
                cost += self._left_out(rest[at], chain) + exchanged(numbers[at], numbers[at + 2])
                yield _Place(cost, chain, at, rest[at])


def _exchanges(number: float, numbers: Sequence[float]) -> Callable[[float, float], float]:
    """What it costs less that a chunk is between two numbers, where that of one is which has the place of its own.

    `numbers` are those of the others in their order, with an end on both sides.
    """
    there = [
        its
        for before, its, after in zip(numbers, numbers[1:], numbers[2:], strict=False)
        if before < number < after and not before < its < after
    ]

    def exchanged(low: float, high: float) -> float:
        is_one = not low < number < high and any(low < its < high for its in there)
        return EXCHANGED if is_one else 0.0

    return exchanged
