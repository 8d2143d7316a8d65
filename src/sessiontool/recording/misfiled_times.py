"""Chunks in the folder of another part, by their times.

Each does not go on with any other of the part in whose folder it is, and fills a gap of one other part alone; or it is
a copy of a chunk there.
"""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from ..model import ChunkRef
from .misfiled import Moved
from .overwritten import counts_from_zero
from .survey import torn_between

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from .survey import ChunkSurvey

_NUMBERED = "OggDemuxer"  # each recording has a random number: its chunks are of no other
_TOUCHES_MS = 100.0  # chosen: more than a packet and its jitter
_IN_A_CLUSTER_MS = 25.0  # between two chunks of one cluster (measured: 20 ms); a cluster of another part says the same
_MOSTLY = 0.8  # share of a chunk without a clock that a gap has room for; chosen


def by_times(strays: Sequence[ChunkSurvey], others: Mapping[str, Sequence[ChunkSurvey]]) -> list[Moved]:
    """The strays of one part that fill a gap of one other part alone, by the times and the sound of their packets."""
    found: list[Moved] = []
    taken = {part: {one.chunk.seq for one in surveys} for part, surveys in others.items()}
    for stray in strays:
        places = {part: _place_among(stray, surveys, taken[part]) for part, surveys in others.items()}
        copied = {part: max(taken[part]) + 1 for part, surveys in others.items() if _is_copied(stray, surveys)}
        fits = copied or {part: seq for part, seq in places.items() if seq is not None}
        why = "it is a copy of a chunk there" if copied else "it goes on where that has a gap"
        for part, seq in fits.items() if len(fits) == 1 else ():
            taken[part].add(seq)
            found.append(Moved(stray.chunk, ChunkRef(stray.chunk.object, part, seq), why))
    return found


def _is_copied(stray: ChunkSurvey, surveys: Sequence[ChunkSurvey]) -> bool:
    """Whether a part has a stray's bytes too; where no time is in them, they may be digital silence."""
    return stray.start_ms is not None and any(one.sha256 == stray.sha256 for one in surveys)


def _place_among(stray: ChunkSurvey, surveys: Sequence[ChunkSurvey], taken: Collection[int]) -> int | None:
    """The number that a stray has in a gap between chunks of a part, none that is taken; None where it fits none."""
    alike = [one for one in surveys if one.start_ms is not None and one.digests and one.dialect == stray.dialect]
    alike.sort(key=lambda one: one.start_ms or 0.0)
    kinds = frozenset[int]().union(*(one.kinds for one in alike))
    if not (alike and stray.has_clock and stray.digests and (kinds & stray.kinds or not kinds)):
        return None
    if stray.has_header and any(one.has_header for one in surveys):
        return None
    is_proved = stray.dialect is not None and stray.dialect.container == _NUMBERED
    untimed = [one.chunk.seq for one in surveys if one.start_ms is None]
    for before, after in pairwise([None, *alike, None]):
        pairs = [(one, two) for one, two in ((before, stray), (stray, after)) if one and two]
        has_room = _has_room(before, stray, after, untimed)
        goes_on = is_proved or any(_goes_on(one, two) for one, two in pairs)
        if has_room and (goes_on or _opens(stray, before, alike) or _fits_its_number(stray, before, after, alike)):
            return _number(before, stray, after, taken)
    return None


def _has_room(
    before: ChunkSurvey | None, stray: ChunkSurvey, after: ChunkSurvey | None, untimed: Collection[int]
) -> bool:
    """Whether nothing was recorded between two neighbours in time when the stray was; `untimed` chunks may have been.

    Of a stray without a clock nothing is known but how long it is.
    """
    begins_ms, ends_ms = (before.end_ms or 0.0) if before else 0.0, (after.start_ms or 0.0) if after else inf
    if stray.start_ms is None or stray.end_ms is None:
        numbers = before.chunk.seq if before else -1, after.chunk.seq if after else inf
        is_free = not any(numbers[0] < number < numbers[1] for number in untimed)
        return is_free and ends_ms - begins_ms >= _MOSTLY * stray.length_ms
    return stray.start_ms - begins_ms >= -_TOUCHES_MS * bool(before) and ends_ms - stray.end_ms >= -_TOUCHES_MS


def _opens(stray: ChunkSurvey, before: ChunkSurvey | None, alike: Sequence[ChunkSurvey]) -> bool:
    """Whether a stray with a header begins a recording whose other chunks are as late as if it had been the first."""
    return stray.has_header and before is None and counts_from_zero(alike)


def _fits_its_number(
    stray: ChunkSurvey, before: ChunkSurvey | None, after: ChunkSurvey | None, alike: Sequence[ChunkSurvey]
) -> bool:
    """Whether a stray's number and its clock say the same of where it is: between others, or behind the last one."""
    if before is None or stray.start_ms is None:
        return False
    one, other = (before, after) if after else (alike[0], before)
    steps, number = other.chunk.seq - one.chunk.seq, stray.chunk.seq - before.chunk.seq
    usual_ms = ((other.start_ms or 0.0) - (one.start_ms or 0.0)) / steps if steps > 0 else 0.0
    off_ms = stray.start_ms - (before.start_ms or 0.0) - number * usual_ms
    is_between = 0 < number < (steps if after else inf)
    return usual_ms > 0 and is_between and abs(off_ms) <= _TOUCHES_MS


def _goes_on(before: ChunkSurvey, after: ChunkSurvey) -> bool:
    """Whether a chunk goes on with another one: by their clocks, or in its cluster."""
    last, first = before.numbers or (-2, -2), after.numbers or (-2, -2)
    if torn_between(before, after) and last[1] + 1 != first[0]:
        return False
    if before.start_ms is None or after.start_ms is None:
        return after.counts_from_before and abs(after.head_ms - before.tail_ms) <= _IN_A_CLUSTER_MS
    return abs(after.start_ms - (before.end_ms or 0.0)) <= _TOUCHES_MS


def _number(
    before: ChunkSurvey | None, stray: ChunkSurvey, after: ChunkSurvey | None, taken: Collection[int]
) -> int | None:
    """A number between those of its neighbours that no chunk has, its own if that is one; None where there is none."""
    low = before.chunk.seq if before else -1
    high = after.chunk.seq if after else max(low, stray.chunk.seq, *taken) + 2
    likely = low + 1 if before and _goes_on(before, stray) else high - 1
    numbers = (stray.chunk.seq, likely, *range(low + 1, min(high, low + len(taken) + 2)))
    return next((number for number in numbers if low < number < high and number not in taken), None)
