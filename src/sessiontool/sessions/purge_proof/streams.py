"""Chunks of one recording, read one behind the other: their packets, and what of their bytes is of no use.

A reader counts every byte in its ledger as a packet's, the container's own, damage, or set aside.  What is neither a
packet nor the container's own is named here with its chunk and the place in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...errors import RecordingError
from ...media.matroska.demuxer import WebmDemuxer
from ...media.probe import begins_recording, open_demuxer
from ...media.repeated_heads import repeated_heads
from ...recording.survey import start_ms
from .hidden_blocks import blocks_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...media.packets import PacketRun
    from ...model import ChunkRef

_LEAST_REPEATED_BYTES = 16
"""Chosen: a few bytes may be alike by chance; a packet's header and its first bytes are not."""

_APART_MS = 1000
"""Chosen, as in a merge: so much earlier may a chunk begin that goes on."""

_MOST_TRIED = 64
"""Number of steps: places where a chunk may begin to repeat the one before; chosen: in zeroes every place is one."""


class Unproved(Struct, frozen=True):
    """Bytes of a chunk that are not in the result: how many, where in the chunk they begin, and why they are not."""

    key: str
    byte_offset: int
    size_bytes: int
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"key": self.key, "byte_offset": self.byte_offset, "bytes": self.size_bytes, "reason": self.reason}


class _Piece(Struct, frozen=True):
    """What of a chunk was fed to the reader: all of it, but for `skipped` bytes at its beginning."""

    chunk: ChunkRef
    skipped: int

    @property
    def key(self) -> str:
        return self.chunk.object.key


class ProofRun(Struct, frozen=True):
    """What a stream was, once it is closed: how its recorder writes, how many packets it had, and its chunks."""

    kind: tuple[str, int]
    packets: int
    chunks: list[ChunkRef]


class ProofStream:
    """The chunks of one recording; `number` is its own, and is of no use here.

    The bytes of the `first` chunk decide how they are read (RecordingError where they cannot be).
    """

    def __init__(self, first: bytes, number: int) -> None:
        self.number = number
        self._reader = open_demuxer(first)
        self._has_header = begins_recording(first)
        if not self._has_header:
            self._reader.discontinuity("what came before is not there")
        self._pieces: list[_Piece] = []
        self._packets = self._packet_bytes = 0  # that were given
        self._first, self._last = first, b""
        self._head_bytes = 0  # of the recording's beginning, before the last chunk that had such
        self._last_ms = 0.0  # of the packets that were given
        self._tocs: set[int] = set()  # first bytes of the packets that were given

    @property
    def last_key(self) -> str:
        """The chunk that was fed last."""
        return self._pieces[-1].key

    def repeated_bytes(self, data: bytes) -> int:
        """With how many bytes a chunk repeats the end of the one before it; all, where that holds all of them."""
        start, before = data[:_LEAST_REPEATED_BYTES], self._last
        at = before.find(start) if len(start) == _LEAST_REPEATED_BYTES else -1
        for _ in range(_MOST_TRIED):
            if at < 0:
                break
            if before.startswith(data, at):
                return len(data)
            if data.startswith(before[at:]):
                return len(before) - at
            at = before.find(start, at + 1)
        return 0

    def repeated_head(self, data: bytes, inside: int = 0) -> int:
        """How many bytes of this recording's beginning a chunk has before what goes on here; 0 where none does.

        `inside` are known to be other chunks'.  A recorder that was started again writes the same header, and its
        times begin anew.
        """
        counts = [inside] if inside else [*repeated_heads(self._first, data)]
        counts = [count for count in counts if count == self._head_bytes] or counts
        count = min(counts, key=lambda count: _damaged_bytes(self._last, data[count:], of_all=True), default=0)
        self._head_bytes = count or self._head_bytes
        return count if count and self._goes_on(data[count:]) else 0

    def _goes_on(self, rest: bytes) -> bool:
        try:
            reader = open_demuxer(rest, track=self._reader.track)
            begins_ms = start_ms([*reader.feed(rest), *reader.flush()])
        except RecordingError:
            return False
        return begins_ms is None or begins_ms >= self._last_ms - _APART_MS

    def is_continued_by(self, data: bytes) -> bool:
        """Whether a chunk without a header belongs to this recording, as far as its second one can tell.

        A header may be a single blob's of another recorder, and what comes after it not his.
        """
        if len(self._pieces) != 1 or not self._has_header:
            return True
        damaged = _damaged_bytes(self._last, data)
        return damaged * 2 <= len(data) or damaged <= _damaged_bytes(data)

    def feed(self, chunk: ChunkRef, data: bytes, skipped: int = 0) -> list[PacketRun]:
        """The packets that a chunk completes, without its first bytes (RecordingError where nothing can follow)."""
        self._pieces.append(_Piece(chunk, skipped))
        self._last = data
        return self._given(self._reader.feed(data[skipped:] if skipped else data))

    def close(self) -> list[PacketRun]:
        """Packets that waited for more; no more chunks come."""
        return self._given(self._reader.flush())

    def _given(self, runs: list[PacketRun]) -> list[PacketRun]:
        self._packets += sum(len(run.payloads) for run in runs)
        self._packet_bytes += sum(len(payload) for run in runs for payload in run.payloads)
        placed = [time_ms for run in runs if run.placed for time_ms in run.times_ms[-1:]]
        self._last_ms = placed[-1] if placed else self._last_ms
        self._tocs |= {payload[0] for run in runs for payload in run.payloads}
        return runs

    def run(self) -> ProofRun:
        """What is known of the stream once it is closed."""
        track = self._reader.track
        kind = type(self._reader).__name__, track.number if track else 0
        return ProofRun(kind, self._packets, [piece.chunk for piece in self._pieces])

    # -- what is of no use

    def hidden(self, payloads: set[bytes]) -> Iterator[tuple[bytes, bool]]:
        """Packets in the last chunk, or inside others of `payloads`, that were not given; True for those in others."""
        if not isinstance(self._reader, WebmDemuxer) or self._reader.track is None or not self._tocs:
            return
        kind = self._reader.track.number, bytes(sorted(self._tocs))
        for outer in payloads:
            yield from ((inner, True) for inner in blocks_in(outer, *kind))
        yield from ((packet, False) for packet in blocks_in(self._last, *kind) if packet not in payloads)

    def unproved_at(self, packet: bytes, size_bytes: int, reason: str) -> Unproved:
        """Bytes of the last chunk that begin with `packet`, if that did not begin in the chunk before."""
        return Unproved(self.last_key, max(0, self._last.find(packet)), size_bytes, reason)

    def unused(self) -> Iterator[Unproved]:
        """All bytes that are neither packets nor the container's own, once the stream is closed."""
        ledger = self._reader.ledger
        for piece, account in zip(self._pieces, ledger.accounts, strict=True):
            if count := abs(account.unaccounted_bytes):
                yield Unproved(piece.key, piece.skipped, count, "the reader has no account of them")
        for damage in ledger.damages:
            yield from self._unproved(damage.offset, damage.length_bytes, f"damage ({damage.reason})")
        for aside in ledger.asides:
            number = ledger.piece_at(aside.offset)
            yield Unproved(
                self._pieces[number].key, self._place(number, aside.offset), aside.length_bytes, aside.reason
            )
        counted = sum(account.payload_bytes for account in ledger.accounts)
        if counted != self._packet_bytes:
            reason = f"its part has {counted:,} bytes of packets, and {self._packet_bytes:,} were read"
            yield Unproved(self._pieces[0].key, 0, abs(counted - self._packet_bytes), reason)

    def _unproved(self, start: int, length_bytes: int, reason: str) -> Iterator[Unproved]:
        """What is of no use from `start` on, chunk by chunk."""
        ledger, end = self._reader.ledger, start + length_bytes
        number = ledger.piece_at(start)
        while start < end:
            stop = min(end, ledger.start_of(number) + ledger.accounts[number].size_bytes)
            yield Unproved(self._pieces[number].key, self._place(number, start), stop - start, reason)
            start, number = stop, number + 1

    def _place(self, number: int, offset: int) -> int:
        """Where in its chunk a byte of the stream is."""
        return self._pieces[number].skipped + offset - self._reader.ledger.start_of(number)


def foreign_chunks(runs: Sequence[ProofRun]) -> Iterator[ChunkRef]:
    """The chunks of a part that another recorder wrote than most of it.

    They are written in another way, or their numbers are among those of the others.
    """
    most = max(runs, key=lambda run: run.packets, default=None)
    numbers = [chunk.seq for chunk in most.chunks] if most else []
    for run in runs:
        among = any(min(numbers) < chunk.seq < max(numbers) for chunk in run.chunks)
        if most and run is not most and run.packets and (run.kind != most.kind or among):
            yield from run.chunks


def _damaged_bytes(*chunks: bytes, of_all: bool = False) -> int:
    """How much of the last chunk, or `of_all`, is damage where these are read one behind the other.

    All of the last one where they cannot be.
    """
    try:
        reader = open_demuxer(chunks[0])
        for chunk in chunks:
            reader.feed(chunk)
        reader.flush()
    except RecordingError:
        return len(chunks[-1])
    accounts = reader.ledger.accounts if of_all else reader.ledger.accounts[-1:]
    return sum(account.damaged_bytes for account in accounts)
