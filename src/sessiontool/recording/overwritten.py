"""What is left of a recorder run whose first chunks a later run wrote its own over.

A page that is loaded again and counts its chunks from 0 in the same folder begins anew; where the run before it was the
longer one, its last chunks stay behind those of the new one.  They have no header, their numbers go on, and their clock
does not: it says what their numbers do, as if the chunks before them were still there.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from msgspec import Struct

from .recorders import CONTINUES_MS, SAME_PLACE_MS, Chain, goes_on_in_a_block, overlap_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..documents.models import PartEntry
    from .survey import ChunkSurvey

    IsNoted = Callable[[ChunkSurvey], bool]

_LEAST = 2  # chunks that go on with one another; chosen: a single one may be of any recording
_MOSTLY = 0.75  # share of a run's chunks that go on with the one before; chosen: others are damaged
_LEAST_GAP_MS = 100.0  # chosen: more than a packet and its jitter
_DRIFT = 0.03  # share by which chunks are longer or shorter than others of their recorder (measured: 1 %); chosen


class _Seam(Struct, frozen=True):
    """Two neighbours in number of those that have a clock, and how much time is between them that is in no chunk."""

    before: ChunkSurvey
    after: ChunkSurvey
    step_ms: float
    missing: int

    def is_steady(self, usual_ms: float) -> bool:
        """Whether the second goes on with the first, or as much later as chunks are missing between them."""
        return -SAME_PLACE_MS <= self.step_ms <= SAME_PLACE_MS + self.missing * 2 * usual_ms

    @property
    def is_closed(self) -> bool:
        """Whether the first is a recording's last chunk, by its end, and the second begins inside a block."""
        is_whole = not (self.before.is_torn_at_end or self.before.ends_in_a_block)
        return not self.missing and is_whole and self.after.begins_in_a_block


def divided(group: Sequence[ChunkSurvey], is_listed: IsNoted) -> list[list[ChunkSurvey]]:
    """A recorder's chunks, in order of their numbers: the new run and the rest of the one before; or all together."""
    seams = list(_seams(group))
    if len(seams) < _LEAST or not group[0].has_header or sum(one.has_header for one in group) > 1:
        return [list(group)]
    usual_ms = median(one.length_ms for one in group if one.digests)
    steady = [seam.is_steady(usual_ms) for seam in seams]
    for at, seam in enumerate(seams):
        before, after = steady[:at], steady[at + 1 :]
        few = max(1, (1 - _MOSTLY) * len(before))
        both_go_on = len(before) - sum(before) <= few and sum(after) >= max(_LEAST - 1, _MOSTLY * len(after))
        both_go_on = both_go_on and all(before[-1:])  # else the last one alone may be of another recording
        if both_go_on and not (steady[at] and seam.step_ms <= _LEAST_GAP_MS):
            run, rest = _cut(group, seam, is_listed)
            if _are_two_runs(run, rest, seam, is_listed):
                return [run, rest]
    return [list(group)]


def _seams(group: Sequence[ChunkSurvey]) -> Iterator[_Seam]:
    timed = [(at, one) for at, one in enumerate(group) if one.start_ms is not None and one.digests]
    for (first, before), (last, after) in pairwise(timed):
        between_ms = sum(one.length_ms for one in group[first + 1 : last])
        step_ms = (after.start_ms or 0.0) - (before.end_ms or 0.0) - between_ms
        yield _Seam(before, after, step_ms, after.chunk.seq - before.chunk.seq - (last - first))


def _cut(group: Sequence[ChunkSurvey], seam: _Seam, is_listed: IsNoted) -> tuple[list[ChunkSurvey], list[ChunkSurvey]]:
    """The chunks on both sides of a seam; those without a clock go with what they go on with, or what was listed."""
    first, stop = group.index(seam.before) + 1, group.index(seam.after)
    before = seam.before
    while first < stop:
        one = group[first]
        goes_on = abs(one.head_ms - before.tail_ms) <= CONTINUES_MS
        if not (is_listed(one) if is_listed(before) else goes_on):
            break
        before, first = one, first + 1
    return [*group[:first]], [*group[first:]]


def _are_two_runs(run: Sequence[ChunkSurvey], rest: Sequence[ChunkSurvey], seam: _Seam, is_listed: IsNoted) -> bool:
    """Whether the chunks behind a seam are what is left of an earlier run, by their clock and what was listed."""
    is_noted = any(map(is_listed, run))
    if any(map(is_listed, rest)) or goes_on_in_a_block(seam.before, seam.after) or not counts_from_zero(rest):
        return False
    if seam.step_ms < -SAME_PLACE_MS:
        return sum(overlap_ms(one, other) for one in run for other in rest if _has_clock(one, other)) > SAME_PLACE_MS
    return is_noted or seam.is_closed


def _has_clock(*chunks: ChunkSurvey) -> bool:
    return all(one.start_ms is not None for one in chunks)


def counts_from_zero(chunks: Sequence[ChunkSurvey]) -> bool:
    """Whether a run's clock is as late as its numbers say, if the first was 0."""
    timed = [one for one in chunks if one.start_ms is not None]
    if not timed:
        return False
    first, steps = timed[0], list(pairwise(timed))
    each_ms = [((b.start_ms or 0.0) - (a.start_ms or 0.0)) / (b.chunk.seq - a.chunk.seq) for a, b in steps]
    return _is_as_late(first, median(each_ms or [one.length_ms for one in chunks[:-1] or chunks]))


def _is_as_late(one: ChunkSurvey, usual_ms: float) -> bool:
    """Whether a chunk's clock says what its number does, if all before it are `usual_ms` long."""
    start_ms = one.start_ms or 0.0
    return abs(start_ms - one.chunk.seq * usual_ms) <= max(usual_ms / 2, _DRIFT * start_ms)


def is_rest(chain: Chain, chains: Sequence[Chain]) -> bool:
    """Whether a run is the rest of one that another overwrote: behind that by its numbers, and not by its clock."""
    if chain.has_header or len(chain.chunks) < _LEAST:
        return False
    is_behind = any(other.has_header and other.numbers[1] + 1 == chain.numbers[0] for other in chains)
    return is_behind and counts_from_zero(chain.chunks)


def keep_last_one(chains: list[Chain], foreign: list[ChunkSurvey], entry: PartEntry | None) -> None:
    """Let a single chunk that was set aside be the rest of an earlier run: behind a run, by the clock of a longer one.

    Where the new run's start was noted, the earlier one was over by then.  It is taken from the `foreign` ones.
    """
    behind = [one for one in foreign if one.chunk.seq > max(chain.numbers[1] for chain in chains)]
    if len(behind) != 1 or any(chain.is_rest for chain in chains):
        return
    (one,) = behind
    runs = [chain for chain in chains if chain.has_header and chain.numbers[1] + 1 == one.chunk.seq]
    if runs and one.digests and not one.has_header and _is_end_of_earlier(one, runs[0], entry):
        foreign.remove(one)
        chains.insert(0, Chain([one], is_rest=True))


def _is_end_of_earlier(one: ChunkSurvey, run: Chain, entry: PartEntry | None) -> bool:
    """Whether a chunk's clock says that those before it were as long as the run's, or as itself.

    Of chunks of another length, or without a clock, it is believed where there was time enough before the new run.
    """
    if entry is not None and entry.start_ms is not None:
        least_ms = (1 - _DRIFT) * one.chunk.seq * one.length_ms
        start_ms = least_ms if one.start_ms is None else one.start_ms
        return least_ms <= start_ms <= entry.start_ms - one.length_ms
    usual_ms = median(other.length_ms for other in run.chunks if other.digests)
    return one.start_ms is not None and (_is_as_late(one, usual_ms) or _is_as_late(one, one.length_ms))
