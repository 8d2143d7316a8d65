"""What is read where the bytes of one chunk end and those of others follow, whatever the container.

What a demuxer could not count at the end of the first ones is owed by the others: the rest of a packet, a page, a box.
They go on there where nothing from that place on is damaged, up to a page or fragment with a number, or in WebM, which
numbers nothing, up to a few packets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import RecordingError
from ..media.probe import open_demuxer
from ..model import SAMPLES_PER_MS
from .survey import OGG, WEBM

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ..media.packets import Demuxer, PacketRun, Track
    from .survey import ChunkSurvey

_BLOCK_HEAD_BYTES = 13  # with a size of eight bytes at most (RFC 9559, section 10.2)
_PROVING = 4  # packets on either side of a seam; chosen: a wrong length shows in the next ones
_MOST_BYTES = 1 << 18  # of a tail; chosen: more than a fragment of 10 s
_STEP_BYTES = 2048  # chosen: half a page (Firefox's have 4 KB, measured); what is damaged behind it says nothing
_MARKS = {OGG: (b"OggS", 0), "Mp4Demuxer": (b"moof", 4)}
"""What a page or fragment begins with, and how many bytes that is behind its beginning."""


class Across(Struct, frozen=True):
    """What is read over a seam.

    `is_open`: nothing is wrong, and nothing whole was read yet.  Else `apart_ms` is how long after the packet before
    the next one begins, None where a number proves more; `start_ms` is when that is where it has a base of times of
    its own, and `length_ms` how long it lasts.  `is_cut`: a packet that begins before the seam ends behind it.
    """

    is_open: bool = False
    apart_ms: float | None = None
    start_ms: float | None = None
    length_ms: float = 0.0
    is_cut: bool = False


OPEN = Across(is_open=True)


def tail_of(row: Sequence[ChunkSurvey], container: str) -> bytes:
    """The last bytes of chunks that go on with one another, from where they can be read."""
    data, needed = b"", _PROVING
    for one in reversed(row):
        data = one.tail_bytes + data
        if container in _MARKS:
            mark, behind = _MARKS[container]
            start = data.rfind(mark, 0, max(0, data.rfind(mark))) - behind  # the one before says which number follows
            if start >= 0:
                return data[start:]
        elif len(one.offsets) > needed:
            start = one.packet_end(len(one.offsets) - 1 - needed) - one.size_bytes + len(one.tail_bytes)
            return data[max(0, start) :]
        needed -= len(one.offsets)
        if one.size_bytes > len(one.tail_bytes) or len(data) > _MOST_BYTES:
            break
    return data


def read_across(
    tail: bytes, row: Sequence[ChunkSurvey], container: str, track: Track | None, kinds: Collection[int]
) -> Across | None:
    """What is read where chunks follow a tail; None where anything is torn there, or of other `kinds` of packets."""
    try:
        demuxer = open_demuxer(tail + row[0].head_bytes[:_STEP_BYTES], track=track)
        runs = demuxer.feed(tail)
    except RecordingError:
        return None
    done = sum(len(run.payloads) for run in runs)
    seam = _Seam(demuxer, done)
    try:
        for data in _steps(row):
            runs += demuxer.feed(data)
            if seam.is_torn(runs, kinds):
                return None
            if seam.is_proved(runs, row):
                return seam.found(runs)
    except RecordingError:
        return None
    return None if container == WEBM and row[-1].digests else OPEN


def _steps(row: Sequence[ChunkSurvey]) -> Iterator[bytes]:
    """The bytes of chunks, a few at a time: of WebM up to the packets that prove it."""
    for one in row:
        data = one.head_bytes
        if one.dialect is not None and one.dialect.container == WEBM and one.digests:
            data = data[: one.packet_end(min(_PROVING, len(one.offsets)) - 1)]
            yield data
            continue
        for at in range(0, len(data), _STEP_BYTES):
            yield data[at : at + _STEP_BYTES]


class _Seam:
    """The place where the bytes of a tail end in a demuxer that has read them, and `done` packets."""

    def __init__(self, demuxer: Demuxer, done: int) -> None:
        self._ledger, self._done = demuxer.ledger, done
        self._owing_bytes = demuxer.ledger.pending_bytes
        self._start = demuxer.ledger.size_bytes - self._owing_bytes
        self._known = len(demuxer.ledger.damages)
        self._numbers = len(demuxer.ledger.numbers)

    def is_torn(self, runs: Sequence[PacketRun], kinds: Collection[int]) -> bool:
        damages = self._ledger.damages
        if any(one.offset + max(1, one.length_bytes) > self._start for one in damages[max(0, self._known - 1) :]):
            return True
        new = [payload for run in runs for payload in run.payloads][self._done :]
        return bool(kinds) and any(payload[0] >> 2 not in kinds for payload in new)

    def is_proved(self, runs: Sequence[PacketRun], row: Sequence[ChunkSurvey]) -> bool:
        if self._numbers or self._ledger.numbers:
            return len(self._ledger.numbers) > self._numbers
        new = sum(len(run.payloads) for run in runs) - self._done
        return new > 0 and bool(row[-1].digests) and not self._ledger.pending_bytes

    def found(self, runs: Sequence[PacketRun]) -> Across:
        if self._ledger.numbers or not self._done:
            return Across(is_cut=True)
        places = [(run, at) for run in runs for at in range(len(run.payloads))]
        (one, last), (other, first) = places[self._done - 1 : self._done + 1]
        end_ms = one.times_ms[last] + one.durations[last] / SAMPLES_PER_MS
        start_ms = other.times_ms[first]
        return Across(
            apart_ms=start_ms - end_ms,
            start_ms=start_ms if first in other.bases else None,
            length_ms=other.durations[first] / SAMPLES_PER_MS,
            is_cut=self._owing_bytes > _BLOCK_HEAD_BYTES,
        )
