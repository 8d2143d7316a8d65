"""Which chunks of a part belong to which recorder run, and in which order, by what is in them and by their numbers.

Needed where the numbers do not say it: chunks that changed places, a second recorder that wrote into the same folder, a
recorder that was started again, a chunk of another session.  A chunk's clusters say when it was recorded; chunks of one
run follow one another in time.

In three steps, for the chunks of each recorder's hand: they are divided into runs (`recorders`), put into a first order
by their clocks, or where they have none by cluster and number (`insertion`), and moved, left out or brought back as
long as all testimonies together cost less (`arrangement`, `seam_costs`): that decides what is doubtful.

Works on what `survey` found; copies are no longer among the chunks.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from statistics import median
from typing import TYPE_CHECKING

from msgspec import Struct

from . import overwritten
from .arrangement import Arrangement
from .chunk_clocks import Handed
from .insertion import put_in_by_number, put_in_by_time, put_untimed
from .packet_kinds import by_hand
from .recorders import (
    CONTINUES_MS,
    SAME_PLACE_MS,
    Chain,
    by_recorder,
    correct_ends,
    goes_on_as_another,
    is_a_run,
    overlap_ms,
)
from .seam_costs import SeamCosts
from .sequence import moved
from .survey import OGG

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .survey import ChunkSurvey

    IsNoted = Callable[[ChunkSurvey], bool]

_TOUCHING_MS = 150  # so closely chunks follow one another at most; chosen: two of Chrome's packets and their jitter
_UNEXPLAINED, _OVERLAPPING = 0.4, 0.7  # costs against a chunk's 1; chosen
_INEXACTLY = 0.05  # cost at most where chunks nearly touch: of two, the one that fits better; chosen
_ODDLY = 0.03  # cost at most of a gap that is not as long as what is missing there; chosen: it decides between equals
_FEW_OUT_OF_PLACE = 0.3  # share of the chunks; chosen
_LONGEST_STEP = 400  # chunks between two neighbours of the order; chosen: bounds the time that it takes
_NOTED = 2.0  # weight of a chunk that is in the recorder's list, against 1; chosen


class Order(Struct):
    """The part's own run first, then other runs by their numbers; and chunks of recordings that are not whole."""

    chains: list[Chain]
    foreign: list[ChunkSurvey]

    def strays(self, is_listed: IsNoted) -> list[ChunkSurvey]:
        """Chunks that may be another part's: what is foreign, in a run of which none goes on with another, or odd."""
        found = list(self.foreign)
        for chain in self.chains:
            is_apart = len(self.chains) > 1 and not chain.is_joined
            found += chain.chunks if is_apart else (one for one in chain.odd_ones if not is_listed(one))
        return found


def order_chunks(
    surveys: Sequence[ChunkSurvey],
    is_noted: IsNoted,
    is_listed: IsNoted,
    missing: Sequence[int],
    handed: Handed | None = None,
) -> Order:
    """Sort the usable chunks of a part, given in order of their numbers; `missing` numbers may explain gaps.

    A chunk that `is_noted` is in the recorder's list by what it is; one that `is_listed` is so by its number at least.
    `handed`: when chunks were handed over, as the recorder noted it.
    """
    correct_ends(surveys)
    handed = handed or Handed()
    silent = [one for one in surveys if one.dialect is None]  # no packet, no header: they go where their numbers say
    chains: list[Chain] = []
    foreign: list[ChunkSurvey] = []
    costs = SeamCosts(surveys, handed, is_noted, is_listed)
    hands = by_hand([one for one in surveys if one.dialect])
    for group in (own for hand in hands for own in overwritten.divided(hand, is_listed)):
        alike: list[Chain] = []
        without: list[ChunkSurvey] = []
        is_one = _is_one_run(group, is_noted, missing) and not _has_another_header(group, is_noted, is_listed)
        for raw in [group] if is_one else by_recorder(group, is_noted, is_listed):
            chain, foreign_ones = _sorted(raw, is_noted, is_listed, missing)
            alike += [chain] if chain.chunks else []
            without += foreign_ones
        without += put_untimed([one for one in group if one.start_ms is None], alike, is_listed, handed)
        Arrangement(alike, without, costs).improve()
        foreign += [one for one in without if not _put_into_its_stream(one, alike)]
        chains += alike
    if not chains:
        return Order([Chain(silent)] if silent else [], [])
    main = max(chains, key=lambda chain: (_noted_packets(chain, is_noted), chain.length_ms, chain.has_header))
    for one in silent:
        put_in_by_number(main, one)
    for foreign_one in [one for one in foreign if one.has_header]:
        foreign.remove(foreign_one)
        chains.append(Chain([foreign_one]))
    for own in [one for one in foreign if is_noted(one) and one.dialect == _dialect(main)]:
        foreign.remove(own)  # the recorder sent it: it is of the part, wherever it belongs
        put_in_by_time(main, own)
    earlier = [chain for chain in chains if _is_earlier_run(chain, main, is_listed)]
    whole = [chain for chain in chains if chain is main or is_a_run(chain) or chain in earlier]
    foreign += [one for chain in chains if chain not in whole for one in chain.chunks]
    for chain in whole:
        chain.is_rest = overwritten.is_rest(chain, whole)
    return Order(sorted(whole, key=lambda chain: _in_order(chain, main, earlier)), foreign)


def _put_into_its_stream(one: ChunkSurvey, alike: Sequence[Chain]) -> bool:
    """Put a chunk whose pages name the stream of a recorder run into that run, if no other has pages of its numbers.

    A stream of Ogg has a random number, which no other one has: that outweighs all costs.
    """
    if one.dialect is None or one.dialect.container != OGG or one.numbers is None or not alike:
        return False
    taken = [other.numbers for chain in alike for other in chain.chunks if other.numbers]
    if any(first <= one.numbers[1] and one.numbers[0] <= last for first, last in taken):
        return False
    put_in_by_time(max(alike, key=lambda chain: chain.packets), one)
    return True


def _is_one_run(group: Sequence[ChunkSurvey], is_noted: IsNoted, missing: Sequence[int]) -> bool:
    """Whether nearly all chunks are in order by time: others are out of place or foreign, and no second recorder's."""
    timed = [one for one in group if one.start_ms is not None]
    kept = _steady(group, is_noted, missing)
    if sum(one.has_header for one in timed) > 1 or (timed and any(one.has_header for one in timed[1:])):
        return False
    return len(timed) - len(kept) <= max(1, len(timed) * _FEW_OUT_OF_PLACE)


def _has_another_header(group: Sequence[ChunkSurvey], is_noted: IsNoted, is_listed: IsNoted) -> bool:
    """Whether a header is there that is not in the recorder's list, beside chunks that it noted."""
    return any(map(is_noted, group)) and any(one.has_header and not is_listed(one) for one in group)


def _noted_packets(chain: Chain, is_noted: IsNoted) -> int:
    return sum(len(one.digests) for one in chain.chunks if is_noted(one))


def _is_earlier_run(chain: Chain, main: Chain, is_listed: IsNoted) -> bool:
    """Whether a run is the part's own, before the recorder was started again; its header may be lost.

    A single chunk that the recorder did not list, before those that it did, is foreign.  Another microphone or bit rate
    makes packets of another kind: then the later run has to begin with its header.
    """
    if len(chain.chunks) == 1 and not is_listed(chain.chunks[0]) and any(map(is_listed, main.chunks)):
        return False
    kinds = chain.kinds, main.kinds
    alike = _dialect(chain) == _dialect(main) and (bool(kinds[0] & kinds[1]) or not all(kinds))
    return chain.numbers[1] < main.numbers[0] and (alike or goes_on_as_another(chain, main))


def _in_order(chain: Chain, main: Chain, earlier: Sequence[Chain]) -> tuple[bool, bool, int]:
    """The part's own run comes first, but for those that were recorded wholly before it."""
    if chain.is_rest:
        return False, False, -chain.numbers[0]  # of several, each later one left more of the one before
    is_behind = chain is not main and not any(chain is other for other in earlier)
    return not main.is_rest and is_behind, True, chain.numbers[0]


def _dialect(chain: Chain) -> object:
    return next((one.dialect for one in chain.chunks if one.dialect and one.dialect.packet_samples), None)


# -- the order within a run


def _sorted(
    raw: Sequence[ChunkSurvey], is_noted: IsNoted, is_listed: IsNoted, missing: Sequence[int]
) -> tuple[Chain, list[ChunkSurvey]]:
    """The chunks of one run by their clocks, and those whose place by that is another one's.

    What the recorder listed is put first: else those whose clocks rise with their numbers.
    """
    kept = _steady(raw, is_noted, missing)
    are_listed = any(map(is_listed, kept))
    chain = Chain([one for one in kept if is_listed(one) == are_listed])
    chosen, steady = {one.chunk for one in chain.chunks}, {one.chunk for one in kept}
    timed = [one for one in raw if one.end_ms is not None and one.start_ms is not None and one.chunk not in chosen]
    left: list[ChunkSurvey] = []
    for one in sorted(timed, key=lambda one: (not is_listed(one), _began_ms(one))):
        at = max(chain.first_free, bisect_left(chain.chunks, _began_ms(one), key=_began_ms))
        is_own = is_listed(one) == are_listed or one.chunk in steady
        if is_own and all(overlap_ms(one, other) <= CONTINUES_MS for other in chain.chunks[max(0, at - 1) : at + 1]):
            chain.chunks.insert(at, one)
        else:
            left.append(one)
    chain.moved = moved([one.chunk for one in chain.chunks])
    return chain, left


def _began_ms(one: ChunkSurvey) -> float:
    return one.start_ms or 0.0


def _worth(one: ChunkSurvey, is_noted: IsNoted) -> float:
    """How much a chunk counts: one that the recorder knows more than one that it does not."""
    return _NOTED if is_noted(one) else 1.0


def _steady(raw: Sequence[ChunkSurvey], is_noted: IsNoted, missing: Sequence[int]) -> list[ChunkSurvey]:
    """The most chunks, by what they are worth, whose times rise with their numbers."""
    timed = [one for one in raw if one.start_ms is not None]
    usual_ms = median([one.length_ms for one in timed] or [0.0])
    slack_ms = min(2 * SAME_PLACE_MS, usual_ms / 2)
    # How much sound is in the chunks before each whose own times are not known.
    silent = sorted((one.chunk.seq, one.length_ms) for one in raw if one.start_ms is None)
    sums_ms = [0.0, *accumulate(length_ms for _, length_ms in silent)]
    silent_ms = {one.chunk: sums_ms[bisect_left(silent, (one.chunk.seq,))] for one in timed}
    best: list[float] = []
    highest: list[float] = []  # of those up to each
    came_from: list[int] = []
    for index, one in enumerate(timed):
        late = not index and (one.start_ms or 0.0) > slack_ms and not _any_before(missing, one)
        weight, source = (-_UNEXPLAINED if late else 0.0), -1
        for other in range(index - 1, max(0, index - _LONGEST_STEP) - 1, -1):
            if highest[other] < weight:
                break
            before = timed[other]
            between_ms = silent_ms[one.chunk] - silent_ms[before.chunk]
            step = (one.start_ms or 0) - (before.end_ms or 0) - between_ms
            if step < -slack_ms:
                continue
            odd = step > slack_ms and index == other + 1 and not _any_between(missing, before, one)
            cost = _UNEXPLAINED if odd else _OVERLAPPING if step < -_TOUCHING_MS else 0.0
            gone = bisect_left(missing, one.chunk.seq) - bisect_left(missing, before.chunk.seq)
            odd_share = _odd_share(step, range(gone, gone + index - other), usual_ms)
            total = best[other] - max(cost, _INEXACTLY * min(1.0, abs(step) / _TOUCHING_MS)) - _ODDLY * odd_share
            if total > weight or (total == weight and source >= 0):
                weight, source = total, other
        best.append(weight + _worth(one, is_noted))
        highest.append(max(best[-1:] + highest[-1:]))
        came_from.append(source)
    path: list[ChunkSurvey] = []
    at = max(range(len(timed)), key=lambda index: best[index]) if timed else -1
    while at >= 0:
        path.append(timed[at])
        at = came_from[at]
    return path[::-1]


def _odd_share(step_ms: float, counts: range, usual_ms: float) -> float:
    """By what share of a chunk a step is off from so many chunks that are missing or passed over, 1 at most."""
    if not usual_ms or step_ms <= _TOUCHING_MS:
        return 0.0
    nearest = min(max(round(step_ms / usual_ms), counts[0]), counts[-1])
    return min(1.0, abs(step_ms - nearest * usual_ms) / usual_ms)


def _any_before(missing: Sequence[int], one: ChunkSurvey) -> bool:
    return bool(missing) and missing[0] < one.chunk.seq


def _any_between(missing: Sequence[int], before: ChunkSurvey, after: ChunkSurvey) -> bool:
    at = bisect_left(missing, before.chunk.seq)
    return at < len(missing) and missing[at] < after.chunk.seq
