"""What is read where the bytes of one chunk end and those of others follow, whatever the container.

What a demuxer could not count at the end of the first ones is owed by the others: the rest of a packet, a page, a box.
They go on there where nothing from that place on is damaged, up to a page or fragment with a number, or in WebM, which
numbers nothing, up to a few packets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import RecordingError
from ..media.matroska.ebml import SIMPLE_BLOCK
from ..media.opus import kinds_of
from ..media.probe import begins_recording, demuxer_named
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
_CLUSTER = b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7 + b"\xe7\x81\x00"
"""A live cluster that begins at 0 (RFC 9559, section 5.1.3): before blocks, of which few prove nothing alone."""

_MARKS = {OGG: (b"OggS", 0), "Mp4Demuxer": (b"moof", 4)}
"""What a page or fragment begins with, and how many bytes behind its beginning (RFC 3533; ISO/IEC 14496-12)."""


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
    data, packets = b"", 0
    for one in reversed(row):
        data = one.tail_bytes + data
        packets += len(one.offsets)
        before = one.size_bytes - len(one.tail_bytes)
        if container in _MARKS:
            start, is_enough = _start_of_pages(data, *_MARKS[container])
        else:
            is_enough = packets > _PROVING
            start = one.packet_end(packets - _PROVING - 1) - before if is_enough else 0
        if is_enough or before or len(data) > _MOST_BYTES:
            return _CLUSTER * (container == WEBM) + data[max(0, start) :]
    if container in _MARKS:
        return data[start:]
    return data if begins_recording(data) or len(data) < len(_CLUSTER) else _CLUSTER + _from_an_element(data, row[0])


def _from_an_element(data: bytes, first: ChunkSurvey) -> bytes:
    """The bytes of chunks of WebM from where its first whole element begins."""
    if first.begins_in_a_block:
        return bytes([SIMPLE_BLOCK]) + data
    return data[first.packet_end(0) :] if first.is_torn_at_start and first.digests else data


def _start_of_pages(data: bytes, mark: bytes, behind: int) -> tuple[int, bool]:
    """Where the last page or fragment but one begins, which says what number follows, and whether it is there."""
    last = data.rfind(mark)
    before = data.rfind(mark, 0, max(0, last))
    return (before if before >= behind else max(last, behind)) - behind, before >= behind


def read_across(
    tail: bytes, row: Sequence[ChunkSurvey], container: str, track: Track, kinds: frozenset[int]
) -> Across | None:
    """What is read where chunks follow a tail; None where anything is torn there, or of other `kinds` of packets."""
    demuxer = demuxer_named(container, track)
    if demuxer is None:
        return None
    try:
        runs = demuxer.feed(tail)
        return _read_on(demuxer, runs, row, kinds | kinds_of((it for run in runs for it in run.payloads), track.head))
    except RecordingError:
        return None


def _read_on(
    demuxer: Demuxer, runs: list[PacketRun], row: Sequence[ChunkSurvey], kinds: frozenset[int]
) -> Across | None:
    """What is read in chunks behind `runs`, which were read before them."""
    seam = _Seam(demuxer, sum(len(run.payloads) for run in runs), kinds)
    last = next((one for one in row if one.digests), row[-1])  # what it proves is proved of those before it
    for one, data in _steps(row):
        runs += demuxer.feed(data)
        if seam.is_torn(runs):
            return None
        if one is last and seam.is_proved(runs):
            return seam.found(runs)
    # What is open ends before anything that is whole by itself; fragments of MP4 are read in part.
    may_be_open = not last.digests or (last.dialect is not None and last.dialect.container not in {WEBM, OGG})
    return OPEN if may_be_open else None


def _steps(row: Sequence[ChunkSurvey]) -> Iterator[tuple[ChunkSurvey, bytes]]:
    """The bytes of chunks, a few at a time: of WebM up to the packets that prove it."""
    for one in row:
        data = one.head_bytes
        if one.dialect is not None and one.dialect.container == WEBM:
            yield one, data[: one.packet_end(min(_PROVING, len(one.offsets)) - 1)] if one.digests else data
            continue
        for at in range(0, len(data), _STEP_BYTES):
            yield one, data[at : at + _STEP_BYTES]


class _Seam:
    """The place where the bytes of a tail end in a demuxer that has read them, and `done` packets."""

    def __init__(self, demuxer: Demuxer, done: int, kinds: Collection[int]) -> None:
        self._ledger, self._done, self._kinds = demuxer.ledger, done, kinds
        self._owing_bytes = demuxer.ledger.pending_bytes
        self._start = demuxer.ledger.size_bytes - self._owing_bytes
        self._known = len(demuxer.ledger.damages)
        self._numbers = len(demuxer.ledger.numbers)

    def is_torn(self, runs: Sequence[PacketRun]) -> bool:
        damages = self._ledger.damages[max(0, self._known - 1) :]
        if any(one.offset + max(1, one.length_bytes) > self._start for one in damages):
            return True
        new = [payload for run in runs for payload in run.payloads][self._done :]
        return bool(self._kinds) and any(payload[0] >> 2 not in self._kinds for payload in new)

    def is_proved(self, runs: Sequence[PacketRun]) -> bool:
        if self._numbers or self._ledger.numbers:
            return len(self._ledger.numbers) > self._numbers
        return sum(len(run.payloads) for run in runs) > self._done and not self._ledger.pending_bytes

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
