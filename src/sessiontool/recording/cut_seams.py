"""Which chunks of WebM go on with one another, by the bytes at their seams and the times of the packets there.

A server that stores what comes over a socket cuts wherever a buffer is full, and a recorder that hands over many times
a second begins no cluster in most of its chunks.  Of those, bytes say more than their numbers or their times.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import RecordingError
from ..media.probe import open_demuxer
from ..model import SAMPLES_PER_MS
from .recorders import CONTINUES_MS, SAME_PLACE_MS
from .survey import WEBM
from .time_groups import STEP_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..media.packets import Track
    from ..model import ChunkRef
    from .survey import ChunkSurvey

    Row = list[ChunkSurvey]

_CLUSTER_BYTES = 22  # of a live cluster's id, size and time at most (RFC 9559, section 5.1.3)
_HEAD_BYTES = 13  # of a SimpleBlock at most, with a size of eight bytes (RFC 9559, section 10.2)
_FEW, _SOME = 4, 0.2  # chunks, and share of them; chosen: damage takes the base of fewer, or cuts fewer in packets
_SHORT_MS = 600  # chosen: a second's blobs have a cluster each (measured in Chrome and Firefox)
_PROVING = 4  # packets on either side of a seam; chosen: a wrong length shows in the next ones


class WholeSeams:
    """Which chunks go on with the one before by its number: what is read over the seam is whole and at its time.

    They are looked at where they `decide` the order, as clocks cannot: chunks are short, or many are cut or have no
    base.  `followed_by` are the chunks behind others; `behind` and `before` are those of seams within a cluster, where
    more than clocks agrees.
    """

    def __init__(self, chunks: Sequence[ChunkSurvey]) -> None:
        tracks = [(one.has_header, one.track) for one in chunks if one.track]
        self._track = next((track for _, track in sorted(tracks, key=lambda row: not row[0])), None)
        webm = [one for one in chunks if one.digests and one.dialect is not None and one.dialect.container == WEBM]
        in_order = sorted(webm, key=lambda one: one.chunk.seq)
        doubtful = sum(one.start_ms is None for one in webm) + sum(_are_cut(*pair) for pair in pairwise(in_order))
        is_short = bool(webm) and median(one.length_ms for one in webm) < _SHORT_MS
        self.decide = is_short or doubtful > max(_FEW, _SOME * len(webm))
        self._last = max((one.chunk for one in chunks), key=lambda chunk: chunk.seq, default=None)
        rows = [[one] for one in in_order] if self.decide else []
        rows = self._joined(self._joined(rows))  # what begins with a cluster goes on with rows that have a clock
        pairs = [pair for row in rows for pair in pairwise(row)]
        self.followed_by: dict[ChunkRef, ChunkRef] = {one.chunk: after.chunk for one, after in pairs}
        self.behind = {one.chunk for one, after in pairs if after.counts_from_before}
        self.before = {after.chunk for _, after in pairs if after.counts_from_before}

    def _joined(self, rows: Sequence[Row]) -> list[Row]:
        """The rows, those as one that go on with the one before by its number."""
        found: list[Row] = []
        for row in rows:
            is_next = bool(found) and row[0].chunk.seq == found[-1][-1].chunk.seq + 1
            if is_next and self.goes_on(found[-1], row, is_next=True):
                found[-1] += row
            else:
                found.append([*row])
        return found

    def encloses(self, chunk: ChunkRef) -> bool:
        """Whether a chunk goes on in the cluster of the one before, and the next one with it, where there is one."""
        return chunk in self.before and (chunk in self.followed_by or chunk == self._last)

    def goes_on(self, row: Row, other: Row, *, is_next: bool) -> bool:
        """Whether chunks go on with others at its time; exactly, where that is not the next one.

        Where a cluster begins between the two, the clocks of both rows have to say so.
        """
        before, after = row[-1], other[0]
        clocks_ms = _apart_ms(row, other)
        if not (before.digests and after.digests) or (clocks_ms is not None and abs(clocks_ms) > SAME_PLACE_MS):
            return False
        if (across := _read_across(before, after, self._track or before.track)) is None:
            return False
        if _bytes_between(before, after) > _HEAD_BYTES + across.begins_cluster * _CLUSTER_BYTES:
            return False  # what is there twice may look like an unknown element
        apart_ms = clocks_ms if across.begins_cluster else across.apart_ms
        if apart_ms is None:
            return False
        most_ms = min(CONTINUES_MS, min(before.length_ms, after.length_ms) / 2) if is_next else 0.0
        least_ms = -min(STEP_MS, across.length_ms / 2)  # a packet that is there twice lasts longer
        return least_ms <= apart_ms <= max(STEP_MS, most_ms)  # as a lost chunk would


def _apart_ms(before: Row, after: Row) -> float | None:
    """How much time is between two rows by their clocks; None where one has none."""
    end_ms = _clock_ms(reversed(before), lambda one: one.end_ms, 1)
    start_ms = _clock_ms(after, lambda one: one.start_ms, -1)
    return None if end_ms is None or start_ms is None else start_ms - end_ms


def _clock_ms(row: Iterable[ChunkSurvey], of: Callable[[ChunkSurvey], float | None], sign: int) -> float | None:
    """Where a row begins or ends by the first of its chunks that has a clock; those before it are counted by sound."""
    passed_ms = 0.0
    for one in row:
        if (ms := of(one)) is not None:
            return ms + sign * passed_ms
        passed_ms += one.length_ms
    return None


class _Across(Struct, frozen=True):
    """How long after the packet before a seam the next one begins, how long that is, and if it begins a cluster."""

    apart_ms: float
    length_ms: float
    begins_cluster: bool


def _are_cut(before: ChunkSurvey, after: ChunkSurvey) -> bool:
    """Whether two chunks are cut inside a packet, as far as each shows it by itself."""
    return before.is_torn_at_end and after.is_torn_at_start


def _bytes_between(before: ChunkSurvey, after: ChunkSurvey) -> int:
    """How many bytes are between the packets of two chunks; 0 where one is cut."""
    if before.is_torn_at_end or after.is_torn_at_start:
        return 0
    return before.size_bytes - before.packet_end(-1) + after.offsets[0]


def _read_across(before: ChunkSurvey, after: ChunkSurvey, track: Track | None) -> _Across | None:
    """What is read over a seam; None where anything is torn there."""
    start = before.packet_end(len(before.offsets) - 1 - _PROVING) if len(before.offsets) > _PROVING else 0
    tail = before.tail_bytes[max(0, len(before.tail_bytes) - before.size_bytes + start) :]
    head = after.head_bytes[: after.packet_end(min(_PROVING, len(after.offsets)) - 1)]
    cut = len(tail) - (before.damages[-1].length_bytes if before.is_torn_at_end else 0)
    try:
        demuxer = open_demuxer(tail, track=track)
        runs = demuxer.feed(tail)
        done = sum(len(run.payloads) for run in runs) or min(
            _PROVING, len(before.offsets)
        )  # few come with the next ones
        runs += [*demuxer.feed(head), *demuxer.flush()]
    except RecordingError:
        return None
    is_torn = any(one.length_bytes and one.offset + one.length_bytes > cut for one in demuxer.ledger.damages)
    places = [(run, at) for run in runs for at in range(len(run.payloads))]
    if is_torn or done >= len(places):
        return None
    (one, last), (other, first) = places[done - 1 : done + 1]
    end_ms = one.times_ms[last] + one.durations[last] / SAMPLES_PER_MS
    return _Across(other.times_ms[first] - end_ms, other.durations[first] / SAMPLES_PER_MS, first in other.bases)
