"""When a part's chunks were recorded by what else says it than their own clocks: notes, and numbers of pages.

A chunk that is what the recorder sent, or as long as that, is known, and so is the instant of its `dataavailable`
where session.json has it.  That comes a steady while after the end of its sound.  Ogg's pages and MP4's fragments are
counted.  A chunk whose clock says otherwise than its neighbours' has a wrong one.
"""

from __future__ import annotations

from collections import Counter
from operator import itemgetter
from statistics import median_low
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from .blob_clock import BlobClock
from .packet_kinds import by_hand
from .time_groups import looks_like_a_bit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..documents.models import PartEntry
    from ..model import ChunkRef
    from .manifest import Noted
    from .survey import ChunkSurvey

_LAG_MS = 1000  # chosen: above what a busy page delays (658 ms, measured)
_NEIGHBOURS = 2  # chunks on either side; chosen: of four, one may be wrong as well
_FEWEST = 2  # chunks whose lags agree; chosen
_TOUCHING_MS = 150  # chosen: two of Chrome's packets and their jitter
_DRIFT_MS = 300  # chosen: pages and fragments are not all equally long


class Handed(Struct, frozen=True):
    """When chunks were handed over, in ms of the session without its pauses; `sure`: known by more than a number.

    `all_there`: each blob that was noted is there, so that no other chunk has the place of one.  `numbers` are those
    under which chunks were noted, in the order in which those were handed over, and `listed` are all that were, in
    order, those of chunks that are lost too.  `foreign` are as long as what was
    noted, and no hash says that they are that: all clusters in them agree on a clock that contradicts it.
    """

    at_ms: dict[ChunkRef, float] = field(default_factory=dict)
    sure: set[ChunkRef] = field(default_factory=set)
    all_there: bool = False
    numbers: dict[ChunkRef, int] = field(default_factory=dict)
    listed: Sequence[int] = ()
    foreign: set[ChunkRef] = field(default_factory=set)


def compare_clocks(surveys: Sequence[ChunkSurvey], noted: Noted, entry: PartEntry | None) -> Handed:
    """Correct the clocks of chunks that contradict all others; returns when chunks were handed over."""
    handed = _handed_over(surveys, noted, entry)
    _correct_clocks(surveys, handed, noted)
    return handed


def _handed_over(surveys: Sequence[ChunkSurvey], noted: Noted, entry: PartEntry | None) -> Handed:
    """The instants of those chunks of a part that are in the recorder's list."""
    clock = BlobClock(entry)
    numbers = {one.chunk: noted.number_of(one) for one in surveys}
    there = {*numbers.values(), *(one.chunk.seq for one in surveys if noted.lists(one))}
    is_all = bool(noted.chunks) and noted.chunks.keys() <= there
    handed = Handed(all_there=is_all, listed=sorted(noted.chunks))
    in_order = noted.in_order(clock)
    for one in surveys:
        number = numbers[one.chunk] if numbers[one.chunk] >= 0 else one.chunk.seq
        if not noted.lists(one) or noted.is_one_of_several(one):
            continue
        handed.numbers[one.chunk] = in_order.get(number, number)
        if (at_ms := clock.active_ms(number)) is None:
            continue
        handed.at_ms[one.chunk] = at_ms
        if numbers[one.chunk] >= 0 or noted.has_exactly(one):
            handed.sure.add(one.chunk)
    return handed


def _correct_clocks(surveys: Sequence[ChunkSurvey], handed: Handed, noted: Noted) -> None:
    """Of chunks whose clocks contradict those of their neighbours: believe when they were handed over, or their pages.

    What is what the recorder sent, byte for byte, has no wrong clock.  Where no hash says so, a machine that slept may
    have moved a clock for good: a wrong one is a single one.
    """
    # A header alone, as MP4's first blob is, has no clock.
    known = [one for one in surveys if one.digests and one.end_ms is not None and one.chunk in handed.sure]
    for one, off in _contradicted(known, [handed.at_ms[one.chunk] for one in known]):
        is_altered = noted.unlike(one, noted.number_of(one)) is not None
        if off.is_single and not noted.sha256_of(one) and _has_another_clock(one, off):
            handed.foreign.add(one.chunk)
            continue
        if not noted.has_exactly(one) and (is_altered or off.is_single):
            _correct(one, off, is_altered=is_altered)
    for numbered in _numbered(surveys):
        usual = median_low([one.length_ms / (last - first + 1) for one, first, last in numbered])
        known = [one for one, _, _ in numbered]
        for one, off in _contradicted(known, list(_ends_by_number(numbered, usual))):
            is_off_by_a_bit = looks_like_a_bit(off.late_ms, one.ticks_per_ms, _DRIFT_MS)
            if not noted.has_exactly(one) and (is_off_by_a_bit or abs(off.late_ms) <= _LAG_MS):
                _correct(one, off, is_altered=False)
        for (before, _, its_last), (one, first, last), (after, next_first, _) in _threes(numbered):
            if its_last + 1 == first and last + 1 == next_first and not noted.has_exactly(one):
                _put_between(before, one, after)


def _has_another_clock(one: ChunkSurvey, off: _Off) -> bool:
    """Whether several clusters of a chunk agree with one another, and not on when it was handed over."""
    lasted_ms = (one.end_ms or 0.0) - (one.start_ms or 0.0)
    agree = one.bases > 1 and abs(lasted_ms - one.length_ms) <= _LAG_MS
    return agree and not -_LAG_MS <= off.late_ms <= _LAG_MS + off.lost_ms


class _Numbered(NamedTuple):
    """A chunk, and the numbers of its first and last page or fragment."""

    one: ChunkSurvey
    first: int
    last: int


class _Off(Struct, frozen=True):
    """By how much a chunk's end contradicts those of its neighbours, and how much of its sound may be lost.

    `is_single`: the neighbours on both sides agree.
    """

    late_ms: float
    lost_ms: float
    is_single: bool


def _contradicted(known: Sequence[ChunkSurvey], at_ms: Sequence[float]) -> Iterator[tuple[ChunkSurvey, _Off]]:
    """The chunks whose ends are earlier or later than their neighbours' by `at_ms`, which rises with the clock."""
    usual_ms = median_low([one.length_ms for one in known]) if known else 0.0
    in_order = sorted(zip(at_ms, known, strict=True), key=itemgetter(0))
    lags = [its_ms - (one.end_ms or 0.0) for its_ms, one in in_order]
    for index, (_, one) in enumerate(in_order):
        if _goes_on(one, [each for _, each in in_order[max(0, index - 1) : index + 2] if each is not one]):
            continue
        before, after = lags[max(0, index - _NEIGHBOURS) : index], lags[index + 1 : index + 1 + _NEIGHBOURS]
        others = before + after
        usual = median_low(others) if others else 0.0
        agreeing = sum(abs(lag - usual) <= _LAG_MS for lag in others)
        if agreeing >= _FEWEST and 2 * agreeing > len(others):
            # Of damaged sound, the end may be lost.
            lost_ms = max(0.0, usual_ms - one.length_ms) if one.damages else 0.0
            is_single = bool(before and after) and agreeing == len(others)
            yield one, _Off(lags[index] - usual, lost_ms, is_single)


def _goes_on(one: ChunkSurvey, neighbours: Sequence[ChunkSurvey]) -> bool:
    """Whether a chunk's clock and those of the chunks around it bear each other out, whenever it was handed over.

    A page that is busy for seconds hands a blob over as late; what follows is handed over in time.
    """
    start_ms, end_ms = one.start_ms or 0.0, one.end_ms or 0.0
    seams_ms = [min(abs(start_ms - (each.end_ms or 0.0)), abs((each.start_ms or 0.0) - end_ms)) for each in neighbours]
    touching = sum(seam_ms <= _TOUCHING_MS for seam_ms in seams_ms)
    is_whole = abs(end_ms - start_ms - one.length_ms) <= _TOUCHING_MS
    return touching == 2 or (touching == 1 and is_whole)


def _correct(one: ChunkSurvey, off: _Off, *, is_altered: bool) -> None:
    if not -_LAG_MS <= off.late_ms <= _LAG_MS + off.lost_ms:
        one.end_ms = (one.end_ms or 0.0) + off.late_ms - (off.lost_ms if one.is_torn_at_end else 0.0)
        one.start_ms = one.end_ms - one.length_ms
        return
    more_ms = (one.end_ms or 0.0) - (one.start_ms or 0.0) - one.length_ms
    if abs(more_ms) > _LAG_MS + off.lost_ms and (is_altered or looks_like_a_bit(more_ms, one.ticks_per_ms, _DRIFT_MS)):
        one.start_ms = (one.end_ms or 0.0) - one.length_ms


def _ends_by_number(numbered: Sequence[_Numbered], usual_ms: float) -> Iterator[float]:
    """When chunks end by their sound and that of the pages or fragments between them, each of the usual length."""
    at_ms, before = 0.0, 0
    for one, first, last in numbered:
        at_ms += (first - before) * usual_ms + one.length_ms
        before = last + 1
        yield at_ms


def _threes(numbered: Sequence[_Numbered]) -> Iterator[tuple[_Numbered, _Numbered, _Numbered]]:
    return zip(numbered, numbered[1:], numbered[2:], strict=False)


def _put_between(before: ChunkSurvey, one: ChunkSurvey, after: ChunkSurvey) -> None:
    """Of a chunk that is as long as the time between the two around it: believe these."""
    begin_ms, end_ms = before.end_ms or 0.0, after.start_ms or 0.0
    is_off = abs((one.start_ms or 0.0) - begin_ms) > _TOUCHING_MS
    if is_off and abs(end_ms - begin_ms - one.length_ms) <= _TOUCHING_MS:
        one.start_ms, one.end_ms = begin_ms, end_ms


def _numbered(surveys: Sequence[ChunkSurvey]) -> Iterator[list[_Numbered]]:
    """The chunks of each recording whose pages or fragments have numbers that no other chunk has, with these."""
    for group in by_hand([one for one in surveys if one.dialect]):
        known = [one for one in group if one.end_ms is not None and one.digests and not one.shared_bytes]
        numbered = [_Numbered(one, *one.numbers) for one in known if one.numbers]
        times_used = Counter(row.first for row in numbered)
        if once := [row for row in numbered if times_used[row.first] == 1]:
            yield sorted(once, key=itemgetter(1))
