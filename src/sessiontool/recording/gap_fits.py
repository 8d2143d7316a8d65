"""Which gap in time a chunk was recorded in: one that it touches or fills, but for a wrong bit or what is damaged.

The order is that of the other chunks of its recorder run, by their clocks.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from itertools import takewhile
from statistics import median
from typing import TYPE_CHECKING

from msgspec import Struct

from .recorders import SAME_PLACE_MS, overlap_ms
from .time_groups import looks_like_a_bit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .recorders import IsNoted
    from .survey import ChunkSurvey

TOUCHING_MS = 150
"""So closely chunks follow one another at most (chosen: two of Chrome's packets and their jitter)."""

_LOOSE = 0.4  # share of a chunk by which a gap may be longer; chosen
_INEXACT = 0.12
"""Share of a chunk, chosen: its start is counted back from its first cluster, without what was dropped in between."""


def correct_one_end(one: ChunkSurvey, order: Sequence[ChunkSurvey]) -> None:
    """Of a chunk that lasts longer by its clock than its sound does: believe that end by which it fits into a gap."""
    start, end = one.start_ms or 0.0, one.end_ms or 0.0
    if abs(end - start - one.length_ms) <= SAME_PLACE_MS:
        return
    for begin in (start, end - one.length_ms):
        if _gap_for(begun_at(one, begin), order) is not None:
            return
    one.start_ms, one.end_ms = start, end


class Fit(Struct, frozen=True):
    """How closely a chunk has to touch a neighbour of the gap that it is put into.

    `exactly`; or, where it is known how many chunks are `missing`, with as many of them between, or what is torn off,
    or one that does not say when it was recorded (`untimed_ms`: how long these last).
    """

    exactly: bool = False
    missing: int | None = None
    untimed_ms: Sequence[float] = ()


ABOUT = Fit()


def fit_into_gaps(outcast: Sequence[ChunkSurvey], order: list[ChunkSurvey], fit: Fit = ABOUT) -> list[ChunkSurvey]:
    """Put chunks where the order has a gap for them, one after another as gaps get smaller; those that remain.

    Of several that were recorded at the same time, that one has the gap which is nearest to it by its number.
    """
    remaining = sorted(outcast, key=lambda one: one.start_ms or 0)
    while first := next((one for one in remaining if _gap_for(one, order, fit) is not None), None):
        rivals = takewhile(partial(_overlaps, first), remaining[remaining.index(first) :])
        fits = [(one, at) for one in rivals if (at := _gap_for(one, order, fit)) is not None]
        one, at = min(fits, key=lambda placed: _displaced(placed[0].chunk.seq, placed[1], order))
        order.insert(at, one)
        remaining.remove(one)
    return remaining


def _overlaps(one: ChunkSurvey, other: ChunkSurvey) -> bool:
    return one is other or overlap_ms(one, other) > TOUCHING_MS


def _displaced(number: int, at: int, order: Sequence[ChunkSurvey]) -> int:
    """How far a number is from those around a place in the order; 0 where it is between them."""
    before = order[at - 1].chunk.seq if at else -1
    after = order[at].chunk.seq if at < len(order) else number
    return max(0, before - number, number - after)


def _gap_for(one: ChunkSurvey, order: Sequence[ChunkSurvey], fit: Fit = ABOUT) -> int | None:
    """Where in the order there is a gap in time that the chunk fits into; None without one."""
    start, end = one.start_ms or 0.0, one.end_ms or 0.0
    index = bisect_left(order, (start, end), key=lambda other: (other.start_ms or 0.0, other.end_ms or 0.0))
    after_ms = order[index - 1].end_ms if index else 0.0
    before_ms = order[index].start_ms if index < len(order) else None
    near_ms = TOUCHING_MS if fit.exactly else max(TOUCHING_MS, _INEXACT * one.length_ms)
    if after_ms is None or start < after_ms - near_ms:
        return None
    if before_ms is not None and end > before_ms + near_ms:
        return None
    touches = abs(start - after_ms) <= near_ms or (before_ms is not None and abs(end - before_ms) <= near_ms)
    fills = before_ms is not None and before_ms - after_ms - one.length_ms <= _LOOSE * one.length_ms
    loosely = fit.missing is not None and _fits_loosely(one, order, index, fit)
    return index if touches or (fills and not fit.exactly) or loosely else None


def _fits_loosely(one: ChunkSurvey, order: Sequence[ChunkSurvey], index: int, fit: Fit) -> bool:
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
    return any(abs(gap_ms - length_ms) <= max(TOUCHING_MS, _INEXACT * usual_ms) for length_ms in lengths_ms)


def fills_exactly(
    one: ChunkSurvey, order: Sequence[ChunkSurvey], *, ends: int = 2, within_ms: float = TOUCHING_MS
) -> bool:
    """Whether a chunk touches its neighbours in the order at so many of its ends."""
    return one.start_ms is not None and sum(ms <= within_ms for ms in _apart_ms(one, order)) >= ends


def _apart_ms(one: ChunkSurvey, order: Sequence[ChunkSurvey]) -> list[float]:
    """How far a chunk is from each of its neighbours in the order."""
    others = sorted((other for other in order if other is not one), key=lambda other: other.start_ms or 0.0)
    index = bisect_left(others, one.start_ms or 0.0, key=lambda other: other.start_ms or 0.0)
    apart_ms = [abs((one.start_ms or 0.0) - (other.end_ms or 0.0)) for other in others[max(0, index - 1) : index]]
    return apart_ms + [abs((one.end_ms or 0.0) - (other.start_ms or 0.0)) for other in others[index : index + 1]]


def begun_at(one: ChunkSurvey, start_ms: float) -> ChunkSurvey:
    """A chunk whose clock is corrected, so that others can be ordered by it."""
    one.start_ms, one.end_ms = start_ms, start_ms + one.length_ms
    return one


def put_in_exchange(one: ChunkSurvey, order: list[ChunkSurvey]) -> bool:
    """Put a chunk where its time says, if it and another one have each other's number.

    Before it are whole chunks lost, or a bit of its clock is wrong.  A foreign chunk has a number of its own.
    """
    place = bisect_left(order, one.start_ms or 0.0, key=lambda other: other.start_ms or 0.0)
    usual_ms = median([other.length_ms for other in order] or [0.0])
    gap_ms = (one.start_ms or 0.0) - ((order[place - 1].end_ms or 0.0) if place else 0.0)
    is_whole = bool(usual_ms) and abs(gap_ms - round(gap_ms / usual_ms) * usual_ms) <= TOUCHING_MS
    if not (is_whole or _is_off_by_a_bit(one, gap_ms)) or any(overlap_ms(one, other) > TOUCHING_MS for other in order):
        return False
    numbers = [other.chunk.seq for other in (*order[:place], one, *order[place:])]
    wrong = [number for number, right in zip(numbers, sorted(numbers), strict=True) if number != right]
    if len(wrong) != 2 or one.chunk.seq not in wrong:
        return False
    order.insert(place, one)
    return True


def _around_its_number(one: ChunkSurvey, order: Sequence[ChunkSurvey]) -> tuple[float | None, float | None]:
    """Where the chunk before its number ends, and the one after begins; None where there is none, or no time in it."""
    index = bisect_left(order, one.chunk.seq, key=lambda other: other.chunk.seq)
    after_ms = order[index - 1].end_ms if index else 0.0
    return after_ms, order[index].start_ms if index < len(order) else None


def fills_its_number(one: ChunkSurvey, order: Sequence[ChunkSurvey]) -> bool:
    """Whether a gap where the chunk's number belongs is as long as it, and one wrong bit keeps it out of that."""
    after_ms, before_ms = _around_its_number(one, order)
    if after_ms is None or before_ms is None or abs(before_ms - after_ms - one.length_ms) > TOUCHING_MS:
        return False
    return _is_off_by_a_bit(one, (one.start_ms or 0.0) - after_ms)


def is_of_its_number(one: ChunkSurvey, order: Sequence[ChunkSurvey], is_noted: IsNoted) -> bool:
    """Whether there is a gap where the chunk's number belongs, and its clock is wrong in a way that happens."""
    after_ms, before_ms = _around_its_number(one, order)
    if after_ms is None or (before_ms is not None and before_ms - after_ms < one.length_ms - SAME_PLACE_MS):
        return False
    if is_noted(one) or one.damages:
        return True
    off_ms = [(one.start_ms or 0.0) - after_ms, (one.start_ms or 0.0) - _by_sound(one, order, after_ms)]
    off_ms += [(one.end_ms or 0.0) - before_ms] if before_ms is not None else []
    return any(_is_off_by_a_bit(one, off) for off in off_ms)


def _by_sound(one: ChunkSurvey, order: Sequence[ChunkSurvey], after_ms: float) -> float:
    """Where the chunk before another one's number ends by its sound: its own clock may have a wrong bit as well."""
    index = bisect_left(order, one.chunk.seq, key=lambda other: other.chunk.seq)
    if index < 2 or order[index - 2].end_ms is None:
        return after_ms
    by_sound_ms = (order[index - 2].end_ms or 0.0) + order[index - 1].length_ms
    return by_sound_ms if abs(by_sound_ms - after_ms) <= SAME_PLACE_MS else after_ms


def _is_off_by_a_bit(one: ChunkSurvey, off_ms: float) -> bool:
    return looks_like_a_bit(off_ms, one.ticks_per_ms)
