"""Whether a part is plainly one recording in order, noticed while it is joined: else `Doubt` is raised.

Nearly all parts are, and are read once.  What is in doubt is read again, chunk by chunk, by `plan`.
"""

from __future__ import annotations

from itertools import accumulate, chain, islice, pairwise
from typing import TYPE_CHECKING

from ..media.opus import OpusHead, kinds_of
from ..media.probe import begins_recording
from ..model import SAMPLES_PER_MS
from . import findings
from .blob_clock import SUSPENDED_MS
from .packet_times import JUMP_MS
from .run_joiner import RunJoiner
from .runs import Piece, RecorderRun
from .sequence import missing_numbers
from .time_groups import EXACT_MS, STEP_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..documents.models import ChunkEntry, PartEntry
    from ..media.packets import PacketRun
    from ..model import ChunkRef
    from .run_joiner import JoinContext
    from .runs import Fed

_EDGE_PACKETS = 8  # chosen: as in `timestamp_repair`
_COMPARED_LAGS = 4  # of a chunk and those before it; chosen: as in `blob_clock`
_MOST_JITTER_MS = 100
"""So late are a few packets at most among others that are not (chosen; measured in Chromium under load: 31 ms)."""


class Doubt(Exception):  # noqa: N818 - not an error: the part is read in another way
    """A part is not plainly one recording in order."""


def plain_run(part: str, listed: Sequence[ChunkRef], entry: PartEntry | None) -> RecorderRun:
    """The part as one run of whole chunks in order of their numbers; Doubt where the numbers say otherwise."""
    numbers = [chunk.seq for chunk in listed]
    if len(set(numbers)) < len(numbers) or missing_numbers(listed, entry):
        raise Doubt
    return RecorderRun(part, part, [Piece(chunk) for chunk in listed], entry)


class PlainJoiner(RunJoiner):
    """Joins a part as it is listed; Doubt as soon as anything in it is not plain."""

    def __init__(self, run: RecorderRun, context: JoinContext) -> None:
        super().__init__(run, context)
        self._noted = {chunk.seq: chunk for chunk in run.entry.chunks} if run.entry else {}
        self._seen: set[str] = set()
        self._empty: list[ChunkRef] = []
        self._checked = -1
        self._kinds: frozenset[int] = frozenset()  # of the packets of the last chunk, with short ones before it
        self._lengths: set[int] = set()  # and their durations
        self._last: list[bytes] = []  # the last packets of the last chunk
        self._position = 0  # samples of the packets so far
        self._last_ms: list[float] = []  # where the sample count began, by each of the last packets
        self._heads: list[_GroupHead] = []  # of groups of which more packets have to be seen
        self._is_exact = True  # times count samples so far, as Firefox's do: dropped sound leaves no step in them

    def take(self, fed: Fed) -> None:
        if fed.piece > self._checked:
            self._checked = fed.piece
            self._check_chunk(self.run.pieces[fed.piece].chunk, fed)
        if self.stream.demuxer.ledger.damages or self.stream.demuxer.header_missing or self._is_passed_over(fed.piece):
            raise Doubt
        if self.stream.corrected or (self.run.slice and self.run.slice.lost):
            raise Doubt
        for packets in fed.packets:
            if packets.after_break or not packets.placed or packets.recording:
                raise Doubt
            self._check_times(packets)
        self._check_kinds(fed)
        self._check_seam(fed)
        super().take(fed)
        if self._seam.trimmed or (self.run.slice and len(self.run.pieces) > 1):
            raise Doubt  # slices that overlap are compared
        lags_ms = [*islice(reversed(self.clock.lags_ms.values()), _COMPARED_LAGS)]
        if len(lags_ms) > 1 and lags_ms[0] - max(lags_ms[1:]) > SUSPENDED_MS:
            raise Doubt

    def end(self) -> None:
        for head in self._heads:  # of the last packets, which fewer come after
            head.check()
        super().end()
        self.found(findings.empty(self.run.part, self._empty))

    def _check_chunk(self, chunk: ChunkRef, fed: Fed) -> None:
        """Compare a chunk with what the recorder noted, and with those before it.

        Short blobs of silence are the same again and again: whether their packets are there twice, times say.
        """
        size, sha256 = self.stream.sizes[chunk], self.stream.digests[chunk]
        noted: ChunkEntry | None = self._noted.get(chunk.seq)
        if noted and findings.unlike_manifest(chunk, size, sha256, noted):
            raise Doubt
        if not size:
            self._empty.append(chunk)
        elif self.packets and begins_recording(self.stream.head):
            raise Doubt
        track = self.stream.demuxer.track
        has_times = bool(fed.packets) and track is not None and isinstance(track.head, OpusHead)
        if size and sha256 in self._seen and not has_times:
            raise Doubt
        self._seen.add(sha256)

    def _is_passed_over(self, piece: int) -> bool:
        """Whether the demuxer set all of a chunk aside: it is of another recording."""
        account = self.stream.demuxer.ledger.accounts[piece]
        return 0 < account.size_bytes == account.set_aside_bytes

    def _check_kinds(self, fed: Fed) -> None:
        """Doubt where a chunk has no packet of a kind, or of a length, that the one before has; few say nothing."""
        track = self.stream.demuxer.track
        payloads = [payload for packets in fed.packets for payload in packets.payloads]
        kinds = kinds_of(payloads, track.head if track else None)
        lengths = set(chain.from_iterable(packets.durations for packets in fed.packets))
        if len(payloads) < _EDGE_PACKETS:
            self._kinds, self._lengths = self._kinds | kinds, self._lengths | lengths
            return
        if kinds and self._kinds and not kinds & self._kinds:
            raise Doubt
        if kinds and self._lengths and lengths.isdisjoint(self._lengths):
            raise Doubt
        self._kinds, self._lengths = kinds or self._kinds, lengths or self._lengths

    def _check_seam(self, fed: Fed) -> None:
        """Doubt where a chunk cannot be what goes on with the one before, by its sound or the bytes it begins with."""
        track = self.stream.demuxer.track
        if track is None or isinstance(track.head, OpusHead):
            return
        payloads = [payload for packets in fed.packets for payload in packets.payloads]
        if not payloads:
            return
        from .byte_seams import compared_units, contradicts  # noqa: PLC0415 - most recordings are Opus
        from .survey import odd_inside  # noqa: PLC0415

        if odd_inside(payloads, track):
            raise Doubt
        count = compared_units(track)
        if self._last and contradicts(self._last, payloads[:count], self.stream.last, track):
            raise Doubt
        self._last = payloads[-count:]

    def _check_times(self, packets: PacketRun) -> None:
        """Doubt where a group of packets that share a base does not go on where the one before ended."""
        cuts = [*packets.bases, len(packets.payloads)]
        for start, stop in pairwise([0, *cuts] if cuts[0] else cuts):
            offsets = self._offsets_ms(packets, start, min(stop, start + _EDGE_PACKETS), self._position)
            most_ms = STEP_MS if start >= cuts[0] or self._is_exact else JUMP_MS
            self._heads.append(_GroupHead(self._last_ms, most_ms))
            self._heads = [head for head in self._heads if not head.is_whole_with(offsets)]
            self._pass(packets, start, stop)

    def _pass(self, packets: PacketRun, start: int, stop: int) -> None:
        durations = packets.durations[start:stop]
        samples = sum(durations)
        spread_ms = packets.times_ms[stop - 1] - packets.times_ms[start] + durations[-1] / SAMPLES_PER_MS
        if not -JUMP_MS < spread_ms - samples / SAMPLES_PER_MS < JUMP_MS:
            raise Doubt
        self._is_exact = self._is_exact and abs(spread_ms - samples / SAMPLES_PER_MS) <= EXACT_MS
        self._position += samples
        first = max(start, stop - _EDGE_PACKETS)
        last_ms = self._offsets_ms(packets, first, stop, self._position - sum(durations[-_EDGE_PACKETS:]))
        self._last_ms = [*self._last_ms, *last_ms][-_EDGE_PACKETS:]

    def _offsets_ms(self, packets: PacketRun, start: int, stop: int, position: int) -> list[float]:
        """Where the sample count began, by each of the packets `start` to `stop`, the first at `position`."""
        places = accumulate(packets.durations[start : stop - 1], initial=position)
        return [time - place / SAMPLES_PER_MS for time, place in zip(packets.times_ms[start:stop], places, strict=True)]


class _GroupHead:
    """The first packets of a group that shares a base, with as many of the next ones as there have to be.

    A time is that of a packet's arrival: the earliest of several says when the sound was recorded.  `last_ms` are those
    of the packets before; without any it is the first group.  What goes on begins at most `most_ms` later.
    """

    def __init__(self, last_ms: Sequence[float], most_ms: float) -> None:
        self._last_ms = last_ms
        self._most_ms = most_ms
        self._own_ms: float | None = None
        self._found: list[float] = []

    def is_whole_with(self, offsets_ms: Sequence[float]) -> bool:
        """Whether there are enough packets with these; Doubt where they do not go on."""
        self._own_ms = min(offsets_ms) if self._own_ms is None else self._own_ms
        self._found = [*self._found, *offsets_ms][:_EDGE_PACKETS]
        if len(self._found) < _EDGE_PACKETS:
            return False
        self.check()
        return True

    def check(self) -> None:
        """Doubt where the packets that were seen do not go on with those before."""
        head_ms = min(self._found)
        if self._own_ms is not None and self._own_ms - head_ms > _MOST_JITTER_MS:
            raise Doubt  # a few packets alone are late: their base is wrong
        if not self._last_ms:
            if head_ms > JUMP_MS:
                raise Doubt
            return
        step_ms = head_ms - min(self._last_ms)
        # The chunk may begin with what the one before ended with, or that was cut.
        if not -STEP_MS <= step_ms <= self._most_ms:
            raise Doubt
