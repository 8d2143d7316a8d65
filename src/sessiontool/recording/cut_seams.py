"""Which chunks go on with one another, by the bytes at their seams: rows that are as good as one chunk.

A server that stores what comes over a socket cuts wherever a buffer is full, and a recorder that hands over many times
a second begins no cluster in most of its chunks.  Of those, bytes say more than their numbers or their times.  What is
read over a seam says it (`read_across`): a packet, a page or a box that is cut there, and is whole with the next bytes.
Where nothing is cut, the clocks have to agree as well.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from ..model import SAMPLES_PER_MS
from .read_across import read_across, tail_of
from .recorders import CONTINUES_MS, SAME_PLACE_MS
from .survey import WEBM
from .time_groups import STEP_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..model import ChunkRef
    from .read_across import Across
    from .survey import ChunkSurvey

    Row = list[ChunkSurvey]

_CLUSTER_BYTES = 22  # of a live cluster's id, size and time at most (RFC 9559, section 5.1.3)
_HEAD_BYTES = 13  # of a SimpleBlock at most, with a size of eight bytes (RFC 9559, section 10.2)
_FEW, _SOME = 4, 0.2  # chunks, and share of them; chosen: damage takes the base of fewer, or cuts fewer in packets
_SHORT_MS = 600  # chosen: a second's blobs have a cluster each (measured in Chrome and Firefox)


class WholeSeams:
    """Which chunks go on with the one before by its number: what is read over the seam is whole and at its time.

    They are looked at where they `decide` the order, as clocks cannot: chunks are short, or many are cut or have no
    base.  `rows` are the chunks of the part's container by their numbers, those together that go on with one another.
    `behind` and `before` are those of seams within a cluster, where more than clocks agrees.
    """

    def __init__(self, chunks: Sequence[ChunkSurvey]) -> None:
        tracks = [(one.has_header, one.track) for one in chunks if one.track]
        self._track = next((track for _, track in sorted(tracks, key=lambda row: not row[0])), None)
        containers = Counter(one.dialect.container for one in chunks if one.dialect and one.has_clock)
        self._container = max(containers, key=containers.__getitem__, default="")
        self._kinds = frozenset[int]().union(*(one.kinds for one in chunks if self._may_be_of_it(one)))
        own = sorted((one for one in chunks if self._may_be_of_it(one)), key=lambda one: one.chunk.seq)
        self.decide = bool(self._container and self._track) and _are_cut_anywhere(own)
        self._last = max((one.chunk for one in chunks), key=lambda chunk: chunk.seq, default=None)
        self._known: dict[tuple[tuple[ChunkRef, ...], ...], Across | None] = {}
        numbers = {one.chunk.seq for one in own}
        others = {one.chunk.seq for one in chunks} - numbers
        self._next_to = {number: _next_number(number, others) for number in numbers}
        self.rows = self._by_number(own) if self.decide else [[one] for one in own]
        pairs = [pair for row in self.rows for pair in pairwise(row)]
        self.followed_by: dict[ChunkRef, ChunkRef] = {one.chunk: after.chunk for one, after in pairs}
        self.behind = {one.chunk for one, after in pairs if after.counts_from_before}
        self.before = {after.chunk for _, after in pairs if after.counts_from_before}

    def _may_be_of_it(self, one: ChunkSurvey) -> bool:
        """Whether a chunk may be of the part's container: what is within a page or a box does not show it."""
        is_alike = one.dialect is not None and one.dialect.container == self._container
        return bool(one.size_bytes) and (is_alike or not (one.digests or one.has_header))

    def _by_number(self, own: Sequence[ChunkSurvey]) -> list[Row]:
        """The chunks in rows; those in which nothing is read by themselves are of one where what is behind them is.

        A cluster that begins a row goes on with rows that have a clock, so that those are joined once more.
        """
        found: list[Row] = []
        waiting: Row = []
        for one in own:
            is_next = bool(found) and self._is_next((waiting or found[-1])[-1], one)
            across = self._read(found[-1], [*waiting, one]) if found and (is_next or one.digests) else None
            if across is not None and across.is_open and is_next:
                waiting.append(one)
            elif across is not None and self._are_one(found[-1], [*waiting, one], across):
                found[-1] += [*waiting, one]
                waiting = []
            else:
                found += [[it] for it in (*waiting, one)]
                waiting = []
        if waiting:
            found[-1] += waiting  # nothing is wrong with them up to the end
        rows: list[Row] = []
        for row in found:
            if rows and self.goes_on(rows[-1], row):
                rows[-1] += row
            else:
                rows.append([*row])
        return rows

    def encloses(self, chunk: ChunkRef) -> bool:
        """Whether a chunk goes on in the cluster of the one before, and the next one with it, where there is one."""
        return chunk in self.before and (chunk in self.followed_by or chunk == self._last)

    def goes_on(self, row: Row, other: Row) -> bool:
        """Whether chunks go on with others at its time; exactly, where that is not the next one by its number."""
        across = self._read(row, other)
        return across is not None and self._are_one(row, other, across)

    def may_follow(self, row: Row, other: Row) -> bool:
        """Whether chunks may go on in the cluster of others, after some that are lost."""
        across = self._read(row, other)
        return self.is_in_cluster(row, other) and across is not None and (across.apart_ms or 0.0) > 0

    def is_in_cluster(self, row: Row, other: Row) -> bool:
        """Whether chunks are read as going on in the cluster of others."""
        across = self._read(row, other)
        return across is not None and not across.is_open and across.start_ms is None

    def is_cut(self, row: Row, other: Row) -> bool:
        """Whether a packet begins in chunks and ends in others."""
        across = self._read(row, other)
        return across is not None and across.is_cut

    def _read(self, row: Row, other: Row) -> Across | None:
        """What is read where chunks follow others."""
        if (
            self._track is None
            or other[0].has_header
            or any(one.follows or one.shared_bytes for one in (row[-1], *other))
        ):
            return None
        key = _ends(row[::-1])[::-1], _ends(other)
        if key not in self._known:
            self._known[key] = read_across(
                tail_of(row, self._container), other, self._container, self._track, self._kinds
            )
        return self._known[key]

    def _is_next(self, before: ChunkSurvey, after: ChunkSurvey) -> bool:
        return after.chunk.seq == self._next_to.get(before.chunk.seq)

    def _are_one(self, row: Row, other: Row, across: Across) -> bool:
        """Whether what is read across a seam is of one recording: numbers and checksums prove it, or else times."""
        before, after = row[-1], other[0]
        is_next = self._is_next(before, after)
        if across.is_open or across.apart_ms is None:
            return not across.is_open and (is_next or self._container != WEBM)
        clocks_ms = _apart_ms(row, other)
        short_ms = min(CONTINUES_MS, min(before.length_ms, after.length_ms) / 2)
        most_ms = SAME_PLACE_MS if across.is_cut or is_next else max(STEP_MS, short_ms)
        if clocks_ms is not None and abs(clocks_ms) > most_ms and not (across.is_cut and is_next):
            return False  # times within a cluster are those of others, too
        begins_base = across.start_ms is not None
        if not across.is_cut and _bytes_between(before, after) > _HEAD_BYTES + begins_base * _CLUSTER_BYTES:
            return False  # what is there twice may look like an unknown element
        apart_ms = _apart_by_base_ms(row, across)
        if apart_ms is None:
            return across.is_cut
        if across.is_cut:
            return abs(apart_ms) <= (SAME_PLACE_MS if begins_base or is_next else CONTINUES_MS)
        most_ms = short_ms if is_next else 0.0
        least_ms = -min(STEP_MS, across.length_ms / 2)  # a packet that is there twice lasts longer
        return least_ms <= apart_ms <= max(STEP_MS, most_ms)  # as a lost chunk would


def _apart_by_base_ms(row: Row, across: Across) -> float | None:
    """How long after chunks the next packet begins, by its own base of times where it has one; None if unknown."""
    if across.start_ms is None:
        return across.apart_ms
    end_ms = _end_ms(row)
    return None if end_ms is None else across.start_ms - end_ms


def _ends(row: Row) -> tuple[ChunkRef, ...]:
    """The chunks of a row up to the first in which anything is read."""
    first = next((at for at, one in enumerate(row) if one.digests), len(row) - 1)
    return tuple(one.chunk for one in row[: first + 1])


def _next_number(number: int, others: Iterable[int]) -> int:
    number += 1
    while number in others:
        number += 1
    return number


def _are_cut_anywhere(own: Sequence[ChunkSurvey]) -> bool:
    """Whether chunks are short, or many of them are cut or have no base of times."""
    doubtful = sum(one.start_ms is None for one in own) + sum(
        before.is_torn_at_end and after.is_torn_at_start for before, after in pairwise(own)
    )
    lengths = [one.length_ms for one in own if one.digests]
    is_webm = any(one.dialect is not None and one.dialect.container == WEBM for one in own)
    is_short = is_webm and bool(lengths) and median(lengths) < _SHORT_MS
    return is_short or doubtful > max(_FEW, _SOME * len(own))


def _apart_ms(before: Row, after: Row) -> float | None:
    """How much time is between two rows by their clocks; None where one has none."""
    end_ms = _end_ms(before)
    start_ms = _clock_ms(after, lambda one: one.start_ms, -1)
    return None if end_ms is None or start_ms is None else start_ms - end_ms


def _end_ms(row: Row) -> float | None:
    return _clock_ms(reversed(row), lambda one: one.end_ms, 1)


def _clock_ms(row: Iterable[ChunkSurvey], of: Callable[[ChunkSurvey], float | None], sign: int) -> float | None:
    """Where a row begins or ends by the first of its chunks that has a clock; those before it are counted by sound."""
    passed_ms = 0.0
    for one in row:
        if (ms := of(one)) is not None:
            return ms + sign * passed_ms
        cut_samples = one.dialect.packet_samples if one.dialect and one.is_torn_at_start else 0
        passed_ms += one.length_ms + cut_samples / SAMPLES_PER_MS
    return None


def _bytes_between(before: ChunkSurvey, after: ChunkSurvey) -> int:
    """How many bytes are between the packets of two chunks; 0 where one is cut."""
    if before.is_torn_at_end or after.is_torn_at_start or not (before.digests and after.digests):
        return 0
    return before.size_bytes - before.packet_end(-1) + after.offsets[0]
