"""Which chunks of a part belong to which recorder run, and in which order, by what is in them and by their numbers.

Needed where the numbers do not say it: chunks that changed places, a second recorder that wrote into the same folder, a
recorder that was started again, a chunk of another session.  A chunk's clusters say when it was recorded; chunks of one
run follow one another in time.  A single clock may be wrong: a chunk whose time fits nowhere, and whose number fits a
gap in the sequence, is believed by its number if one wrong bit or damage explains the time.

Works on what `survey` found; copies are no longer among the chunks.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from .chunk_clocks import Handed
from .insertion import put_in_by_number, put_in_by_time, put_untimed
from .packet_kinds import by_hand
from .recorders import SAME_PLACE_MS, Chain, by_recorder, correct_ends, is_a_run, overlap_ms
from .sequence import moved
from .time_groups import looks_like_a_bit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .survey import ChunkSurvey

    IsNoted = Callable[[ChunkSurvey], bool]

_TOUCHING_MS = 150  # chosen: two of Chrome's packets and their jitter
_UNEXPLAINED, _OVERLAPPING = 0.4, 0.7  # costs against a chunk's 1; chosen
_INEXACTLY = 0.05  # cost at most where chunks nearly touch: of two, the one that fits better; chosen
_LOOSE = 0.4  # share of a chunk by which a gap may be longer; chosen
_FEW_OUT_OF_PLACE = 0.3  # share of the chunks; chosen
_LONGEST_STEP = 400  # chunks between two neighbours of the order; chosen: bounds the time that it takes
_INEXACT = 0.12
"""Share of a chunk, chosen: its start is counted back from its first cluster, without what was dropped in between."""
_NOTED = 2.0  # weight of a chunk that is in the recorder's list, against 1; chosen


@dataclass(slots=True)
class Order:
    """The part's own run first, then other runs by their numbers; and chunks of recordings that are not whole."""

    chains: list[Chain]
    foreign: list[ChunkSurvey]


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
    silent = [one for one in surveys if one.dialect is None]  # no packet, no header: they go where their numbers say
    chains: list[Chain] = []
    foreign: list[ChunkSurvey] = []
    for group in by_hand([one for one in surveys if one.dialect]):
        alike: list[Chain] = []
        untimed_ms = [one.length_ms for one in group if one.start_ms is None]
        for raw in [group] if _is_one_run(group, is_noted, missing) else by_recorder(group, is_noted, is_listed):
            chain, foreign_ones = _sorted(raw, is_noted, is_listed, missing, untimed_ms)
            alike += [chain] if chain.chunks else []
            foreign += foreign_ones
        foreign += put_untimed([one for one in group if one.start_ms is None], alike, is_listed, handed or Handed())
        chains += alike
    if not chains:
        return Order([Chain(silent)] if silent else [], [])
    main = max(chains, key=lambda chain: (_noted_packets(chain, is_noted), chain.packets, chain.has_header))
    for one in silent:
        put_in_by_number(main, one)
    for foreign_one in [one for one in foreign if one.has_header]:
        foreign.remove(foreign_one)
        chains.append(Chain([foreign_one]))
    for own in [one for one in foreign if is_noted(one) and one.dialect == _dialect(main)]:
        foreign.remove(own)  # the recorder sent it: it is of the part, wherever it belongs
        put_in_by_time(main, own)
    whole = [chain for chain in chains if chain is main or is_a_run(chain) or _is_earlier_run(chain, main)]
    foreign += [one for chain in chains if chain not in whole for one in chain.chunks]
    return Order(sorted(whole, key=lambda chain: (_is_behind(chain, main), chain.numbers)), foreign)


def _is_one_run(group: Sequence[ChunkSurvey], is_noted: IsNoted, missing: Sequence[int]) -> bool:
    """Whether nearly all chunks are in order by time: others are out of place or foreign, and no second recorder's."""
    timed = [one for one in group if one.start_ms is not None]
    kept = _steady(group, is_noted, missing)
    if sum(one.has_header for one in timed) > 1 or (timed and any(one.has_header for one in timed[1:])):
        return False
    return len(timed) - len(kept) <= max(1, len(timed) * _FEW_OUT_OF_PLACE)


def _noted_packets(chain: Chain, is_noted: IsNoted) -> int:
    return sum(len(one.digests) for one in chain.chunks if is_noted(one))


def _is_earlier_run(chain: Chain, main: Chain) -> bool:
    """Whether a run without a header is the part's own, before the recorder was started again: its header is lost."""
    kinds = chain.kinds, main.kinds
    alike = _dialect(chain) == _dialect(main) and (bool(kinds[0] & kinds[1]) or not all(kinds))
    return alike and chain.numbers[1] < main.numbers[0]


def _is_behind(chain: Chain, main: Chain) -> bool:
    """Whether a run is joined after the part's own: all but those that were recorded wholly before it."""
    return chain is not main and not _is_earlier_run(chain, main)


def _dialect(chain: Chain) -> object:
    return next((one.dialect for one in chain.chunks if one.dialect and one.dialect.packet_samples), None)


# -- the order within a run


def _sorted(
    raw: Sequence[ChunkSurvey],
    is_noted: IsNoted,
    is_listed: IsNoted,
    missing: Sequence[int],
    untimed_ms: Sequence[float],
) -> tuple[Chain, list[ChunkSurvey]]:
    """The chunks of one run in order, and those that are not of it."""
    timed = [one for one in raw if one.start_ms is not None and one.end_ms is not None]
    kept = _steady(raw, is_noted, missing)
    chosen = {one.chunk for one in kept}
    outcast = [one for one in timed if one.chunk not in chosen]
    listed = any(is_noted(one) for one in kept)
    unlisted = [one for one in kept if listed and not is_listed(one)]  # may have the place of one that is
    order = [one for one in kept if one not in unlisted]
    foreign: list[ChunkSurvey] = []
    for one in outcast:
        _correct_one_end(one, order)
    own = {one.chunk for one in outcast if is_listed(one) or one.damages or not listed}
    remaining = _fit_into_gaps([one for one in outcast if one.chunk in own], order, _Fit(exactly=True))
    by_number = [one for one in remaining if _fills_its_number(one, order)]
    remaining = _fit_into_gaps([one for one in remaining if one not in by_number], order)
    loosely = _Fit(missing=len(missing), untimed_ms=untimed_ms)
    left = _fit_into_gaps([one for one in remaining if is_noted(one)], order, loosely)
    remaining = [one for one in remaining if one in left or not is_noted(one)]
    by_number += [one for one in remaining if _is_of_its_number(one, order, is_noted)]
    remaining = [one for one in remaining if one not in by_number]
    for one in _fit_into_gaps(remaining, order, loosely):
        if (place := _gap_of_length(one, order)) is not None:
            order.insert(place, _at(one, order[place - 1].end_ms or 0.0))
        else:
            foreign.append(one)
    for one in outcast:
        if one.chunk not in own:
            (by_number if _is_of_its_number(one, order, is_noted) else foreign).append(one)
    for one in unlisted:
        if any(overlap_ms(one, other) > SAME_PLACE_MS for other in order):
            foreign.append(one)
        else:
            order.insert(bisect_left(order, one.start_ms or 0.0, key=lambda other: other.start_ms or 0.0), one)
    _move_by_a_bit(order)
    chain = Chain(order)
    chain.moved = moved([one.chunk for one in order])
    for one in sorted(by_number, key=lambda one: one.chunk.seq):
        put_in_by_number(chain, one)
    return chain, foreign


def _correct_one_end(one: ChunkSurvey, order: Sequence[ChunkSurvey]) -> None:
    """Of a chunk that lasts longer by its clock than its sound does: believe that end by which it fits into a gap."""
    start, end = one.start_ms or 0.0, one.end_ms or 0.0
    if abs(end - start - one.length_ms) <= SAME_PLACE_MS:
        return
    for begin in (start, end - one.length_ms):
        if _gap_for(_at(one, begin), order) is not None:
            return
    one.start_ms, one.end_ms = start, end


class _Fit(NamedTuple):
    """How closely a chunk has to touch a neighbour of the gap that it is put into.

    `exactly`; or, where it is known how many chunks are `missing`, with as many of them between, or what is torn off,
    or one that does not say when it was recorded (`untimed_ms`: how long these last).
    """

    exactly: bool = False
    missing: int | None = None
    untimed_ms: Sequence[float] = ()


_ABOUT = _Fit()


def _fit_into_gaps(outcast: Sequence[ChunkSurvey], order: list[ChunkSurvey], fit: _Fit = _ABOUT) -> list[ChunkSurvey]:
    """Put chunks where the order has a gap for them, one after another as gaps get smaller; those that remain."""
    remaining = sorted(outcast, key=lambda one: one.start_ms or 0)
    while placed := next(((one, at) for one in remaining if (at := _gap_for(one, order, fit)) is not None), None):
        order.insert(placed[1], placed[0])
        remaining.remove(placed[0])
    return remaining


def _worth(one: ChunkSurvey, is_noted: IsNoted) -> float:
    """How much a chunk counts: one that the recorder knows more than one that it does not."""
    return _NOTED if is_noted(one) else 1.0


def _steady(raw: Sequence[ChunkSurvey], is_noted: IsNoted, missing: Sequence[int]) -> list[ChunkSurvey]:
    """The most chunks, by what they are worth, whose times rise with their numbers."""
    timed = [one for one in raw if one.start_ms is not None]
    slack_ms = min(2 * SAME_PLACE_MS, median([one.length_ms for one in timed] or [0.0]) / 2)
    # How much sound is in the chunks before each whose own times are not known.
    silent_ms = {
        one.chunk: sum(other.length_ms for other in raw if other.start_ms is None and other.chunk.seq < one.chunk.seq)
        for one in timed
    }
    best: list[float] = []
    came_from: list[int] = []
    for index, one in enumerate(timed):
        late = not index and (one.start_ms or 0.0) > slack_ms and not _any_before(missing, one)
        weight, source = (-_UNEXPLAINED if late else 0.0), -1
        for other in range(max(0, index - _LONGEST_STEP), index):
            before = timed[other]
            between_ms = silent_ms[one.chunk] - silent_ms[before.chunk]
            step = (one.start_ms or 0) - (before.end_ms or 0) - between_ms
            if step < -slack_ms:
                continue
            odd = step > slack_ms and index == other + 1 and not _any_between(missing, before, one)
            cost = _UNEXPLAINED if odd else _OVERLAPPING if step < -_TOUCHING_MS else 0.0
            total = best[other] - max(cost, _INEXACTLY * min(1.0, abs(step) / _TOUCHING_MS))
            if total > weight:
                weight, source = total, other
        best.append(weight + _worth(one, is_noted))
        came_from.append(source)
    path: list[ChunkSurvey] = []
    at = max(range(len(timed)), key=lambda index: best[index]) if timed else -1
    while at >= 0:
        path.append(timed[at])
        at = came_from[at]
    return path[::-1]


def _any_before(missing: Sequence[int], one: ChunkSurvey) -> bool:
    return bool(missing) and missing[0] < one.chunk.seq


def _any_between(missing: Sequence[int], before: ChunkSurvey, after: ChunkSurvey) -> bool:
    at = bisect_left(missing, before.chunk.seq)
    return at < len(missing) and missing[at] < after.chunk.seq


def _gap_for(one: ChunkSurvey, order: Sequence[ChunkSurvey], fit: _Fit = _ABOUT) -> int | None:
    """Where in the order there is a gap in time that the chunk fits into; None without one."""
    start, end = one.start_ms or 0.0, one.end_ms or 0.0
    index = bisect_left(order, (start, end), key=lambda other: (other.start_ms or 0.0, other.end_ms or 0.0))
    after_ms = order[index - 1].end_ms if index else 0.0
    before_ms = order[index].start_ms if index < len(order) else None
    near_ms = _TOUCHING_MS if fit.exactly else max(_TOUCHING_MS, _INEXACT * one.length_ms)
    if after_ms is None or start < after_ms - near_ms:
        return None
    if before_ms is not None and end > before_ms + near_ms:
        return None
    touches = abs(start - after_ms) <= near_ms or (before_ms is not None and abs(end - before_ms) <= near_ms)
    fills = before_ms is not None and before_ms - after_ms - one.length_ms <= _LOOSE * one.length_ms
    loosely = fit.missing is not None and _fits_loosely(one, order, index, fit)
    return index if touches or (fills and not fit.exactly) or loosely else None


def _fits_loosely(one: ChunkSurvey, order: Sequence[ChunkSurvey], index: int, fit: _Fit) -> bool:
    """Whether a chunk may have lain at `index`, though it touches neither neighbour."""
    usual_ms = median([other.length_ms for other in order] or [0.0])
    gap_ms = (one.start_ms or 0.0) - ((order[index - 1].end_ms or 0.0) if index else 0.0)
    torn_before = one.is_torn_at_start or (index > 0 and order[index - 1].is_torn_at_end)
    if gap_ms <= (usual_ms if torn_before else SAME_PLACE_MS if index == len(order) else 0.0):
        return True
    if index < len(order) and (one.is_torn_at_end or order[index].is_torn_at_start):
        return (order[index].start_ms or 0.0) - (one.end_ms or 0.0) <= usual_ms
    count = min(round(gap_ms / usual_ms) if usual_ms else 0, fit.missing or 0)
    lengths_ms = [*fit.untimed_ms, *([count * usual_ms] if count else ())]
    return any(abs(gap_ms - length_ms) <= max(_TOUCHING_MS, _INEXACT * usual_ms) for length_ms in lengths_ms)


def _move_by_a_bit(order: list[ChunkSurvey]) -> None:
    """Put chunks after a gap into another one that they fill, but for one wrong bit of their clock."""
    for one in list(order[1:]):
        at = order.index(one)
        rest = [*order[:at], *order[at + 1 :]]
        if (one.start_ms or 0.0) - (rest[at - 1].end_ms or 0.0) <= SAME_PLACE_MS:
            continue
        if at < len(rest) and abs((rest[at].start_ms or 0.0) - (one.end_ms or 0.0)) <= _TOUCHING_MS:
            continue
        if (place := _gap_of_length(one, rest)) is not None and place != at:
            rest.insert(place, _at(one, rest[place - 1].end_ms or 0.0))
            order[:] = rest


def _gap_of_length(one: ChunkSurvey, order: Sequence[ChunkSurvey]) -> int | None:
    """Where in the order there is a gap as long as the chunk, which one wrong bit of its clock keeps it out of."""
    for index, (before, after) in enumerate(pairwise(order)):
        gap_ms = (after.start_ms or 0.0) - (before.end_ms or 0.0)
        off_ms = (one.start_ms or 0.0) - (before.end_ms or 0.0)
        if abs(gap_ms - one.length_ms) <= _TOUCHING_MS and _is_off_by_a_bit(one, off_ms):
            return index + 1
    return None


def _at(one: ChunkSurvey, start_ms: float) -> ChunkSurvey:
    """A chunk whose clock is corrected, so that others can be ordered by it."""
    one.start_ms, one.end_ms = start_ms, start_ms + one.length_ms
    return one


def _around_its_number(one: ChunkSurvey, order: Sequence[ChunkSurvey]) -> tuple[float | None, float | None]:
    """Where the chunk before its number ends, and the one after begins; None where there is none, or no time in it."""
    index = bisect_left(order, one.chunk.seq, key=lambda other: other.chunk.seq)
    after_ms = order[index - 1].end_ms if index else 0.0
    return after_ms, order[index].start_ms if index < len(order) else None


def _fills_its_number(one: ChunkSurvey, order: Sequence[ChunkSurvey]) -> bool:
    """Whether a gap where the chunk's number belongs is as long as it, and one wrong bit keeps it out of that."""
    after_ms, before_ms = _around_its_number(one, order)
    if after_ms is None or before_ms is None or abs(before_ms - after_ms - one.length_ms) > _TOUCHING_MS:
        return False
    return _is_off_by_a_bit(one, (one.start_ms or 0.0) - after_ms)


def _is_of_its_number(one: ChunkSurvey, order: Sequence[ChunkSurvey], is_noted: IsNoted) -> bool:
    """Whether there is a gap where the chunk's number belongs, and its clock is wrong in a way that happens."""
    after_ms, before_ms = _around_its_number(one, order)
    if after_ms is None or (before_ms is not None and before_ms - after_ms < one.length_ms - SAME_PLACE_MS):
        return False
    if is_noted(one) or one.damages:
        return True
    off_ms = [(one.start_ms or 0.0) - after_ms]
    off_ms += [(one.end_ms or 0.0) - before_ms] if before_ms is not None else []
    return any(_is_off_by_a_bit(one, off) for off in off_ms)


def _is_off_by_a_bit(one: ChunkSurvey, off_ms: float) -> bool:
    return looks_like_a_bit(off_ms, one.ticks_per_ms)
