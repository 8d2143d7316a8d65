"""A recorder run as it is to be read: which bytes of which chunks, in which order, and the reading of them.

A run is a list of pieces.  Mostly each piece is a whole chunk; where two chunks share bytes, or one mends the other,
it is a part of one.  `PieceStream` feeds them to one demuxer and keeps what became of every byte.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ..media.probe import open_demuxer
from .packet_times import correct_odd_times
from .records import Stretch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..documents.models import PartEntry
    from ..media.packets import Account, Demuxer, PacketRun, Track
    from ..model import ChunkRef, Finding
    from .slice_values import Slice

    Read = Callable[[ChunkRef], bytes]


_HEAD_BYTES = 16  # chosen: enough to recognise a header


class Piece(Struct, frozen=True):
    """The bytes `start` to `stop` of a chunk (None: to its end).

    `lost_before` says why bytes are missing between the piece before and this one, and is empty where none are;
    `lost_chunks` is how many chunks that is, `lost_numbers` their numbers as far as they have any.  Its packets are
    counted as those of `counted_for`.  `noted_as` is the number under which the recorder noted the chunk, where that is
    another than its own; -1 where it is not known.
    """

    chunk: ChunkRef
    start: int = 0
    stop: int | None = None
    lost_before: str = ""
    lost_chunks: float = 0
    lost_numbers: Sequence[int] = ()
    counted_for: ChunkRef | None = None
    noted_as: int | None = None

    @property
    def noted_seq(self) -> int:
        """The number under which the recorder noted the chunk."""
        return self.owner.seq if self.noted_as is None else self.noted_as

    @property
    def owner(self) -> ChunkRef:
        """The chunk in whose record the piece's packets are counted."""
        return self.counted_for or self.chunk


class Aside(Struct, frozen=True):
    """Bytes of a chunk that are not joined, and why; see `records.Stretch`."""

    chunk: ChunkRef
    stretch: Stretch


class RecorderRun(Struct):
    """One recorder run: its pieces in order, and what the recorder noted of it, None for one it does not know.

    `opener` is a chunk that proves what the recording is, None for the first; it counts `ticks_per_ms`.
    `missing_after` are the numbers of
    chunks that are known to be missing after the last piece, and `unusable_after` of those that are there and hold
    nothing of use.  `before_ms` is how long what is missing before it lasted, where it follows another run of the part.
    The chunks that are `short` are smaller than noted.  `track` is what the packets prove it to be where no header is.
    `slice` is its place in a recording in slices, and `clock_ms` what its clock shows where it begins.  `findings` came
    up when the run was put together.
    """

    name: str
    part: str
    pieces: Sequence[Piece]
    entry: PartEntry | None
    has_header: bool = True
    missing_after: Sequence[int] = ()
    unusable_after: Sequence[int] = ()
    before_ms: float = 0.0
    chunk_ms: float = 0.0
    opener: ChunkRef | None = None
    ticks_per_ms: int = 1
    short: set[ChunkRef] = field(default_factory=set)
    track: Track | None = None
    slice: Slice | None = None
    clock_ms: float = 0.0
    findings: list[Finding] = field(default_factory=list)


def leave_stop_to_last(runs: Sequence[RecorderRun]) -> None:
    """Take the part's `stop_ms` from all of its runs but the one that ended last: no other was stopped then."""
    if len(runs) < 2:
        return
    ended_ms = [_last_emitted_ms(run) for run in runs]
    for run, last_ms in zip(runs, ended_ms, strict=True):
        if run.entry and (last_ms is None or last_ms < max(ms for ms in ended_ms if ms is not None)):
            run.entry = replace(run.entry, stop_ms=None)


def _last_emitted_ms(run: RecorderRun) -> float | None:
    """When the last of a run's blobs was handed over, on the session clock; None where none is noted."""
    noted = {chunk.seq: chunk.emitted_ms for chunk in run.entry.chunks} if run.entry else {}
    known = [emitted_ms for piece in run.pieces if (emitted_ms := noted.get(piece.noted_seq)) is not None]
    return max(known, default=None)


class Fed(Struct, frozen=True):
    """Runs of packets, and the index of the piece with which they became whole."""

    piece: int
    packets: list[PacketRun]


class PieceStream:
    """Reads a run's pieces through one demuxer.  Iterated once; afterwards `accounts` and the ledger are complete.

    RecordingError where the first piece is no recording that can be read.
    """

    def __init__(self, run: RecorderRun, read: Read) -> None:
        self._run = run
        self._read = read
        self._demuxer: Demuxer | None = None
        self.last = b""
        """The bytes of the chunk that was fed last."""
        self.digests: dict[ChunkRef, str] = {}
        self.sizes: dict[ChunkRef, int] = {}
        self.head = b""
        """The first bytes of the piece that was fed last."""
        self.corrected: list[tuple[int, float]] = []
        """Single times that were put right: the piece, and by how many ms the time was too late."""

    @property
    def demuxer(self) -> Demuxer:
        assert self._demuxer is not None
        return self._demuxer

    def place_of(self, payload: bytes) -> int:
        """Where in the chunk that was fed last a packet is; 0 where it began in another one."""
        return max(0, self.last.find(payload))

    def __iter__(self) -> Iterator[Fed]:
        last: tuple[ChunkRef, bytes] | None = None
        for index, piece in enumerate(self._run.pieces):
            if piece.lost_before and self._demuxer is not None:
                yield self._fed(index - 1, self._demuxer.discontinuity(piece.lost_before))
            if last is None or last[0] != piece.chunk:
                last = piece.chunk, self._read(piece.chunk)
            data = self.last = last[1]
            if piece.chunk not in self.digests:
                self.digests[piece.chunk] = hashlib.sha256(data).hexdigest()
                self.sizes[piece.chunk] = len(data)
            cut = data if not piece.start and piece.stop is None else data[piece.start : piece.stop]
            self.head = cut[:_HEAD_BYTES]
            if self._demuxer is None:
                opener = self._run.opener
                self._demuxer = self._open(data[piece.start :] if opener in (None, piece.chunk) else self._read(opener))
                if piece.lost_before:
                    self._demuxer.discontinuity(piece.lost_before)
            yield self._fed(index, self._demuxer.feed(cut))
        if self._demuxer is not None:
            yield self._fed(len(self._run.pieces) - 1, self._demuxer.flush())

    def _fed(self, piece: int, runs: list[PacketRun]) -> Fed:
        began_ms = round(self._run.clock_ms)
        for packets in runs:
            if began_ms:
                packets.times_ms[:] = [time_ms - began_ms for time_ms in packets.times_ms]
            self.corrected += [(piece, off_ms) for off_ms in correct_odd_times(packets)]
        return Fed(piece, runs)

    def _open(self, data: bytes) -> Demuxer:
        mime_type = (self._run.entry.mime_type if self._run.entry else None) or ""
        return open_demuxer(data, mime_type=mime_type, track=self._run.track)

    def accounts(self) -> Iterator[tuple[Piece, Account]]:
        """What became of the bytes of each piece."""
        yield from zip(self._run.pieces, self.demuxer.ledger.accounts, strict=False)

    def damage(self) -> Iterator[Aside]:
        """Every stretch of damage, by the chunk that it is in."""
        for damage in self.demuxer.ledger.damages:
            yield from self._split(damage.offset, damage.length_bytes, damage.reason)

    def set_aside(self) -> Iterator[Aside]:
        """What the demuxer passed over; each by the chunk that the first of its bytes are in."""
        for aside in self.demuxer.ledger.asides:
            index = self.demuxer.ledger.piece_at(aside.offset)
            piece = self._run.pieces[index]
            at = piece.start + aside.offset - self.demuxer.ledger.start_of(index)
            yield Aside(piece.chunk, Stretch(at, aside.length_bytes, aside.reason))

    def _split(self, offset: int, length: int, reason: str) -> Iterator[Aside]:
        """A stretch of the stream, cut where pieces meet."""
        ledger, end = self.demuxer.ledger, offset + length
        while True:
            index = ledger.piece_at(offset)
            piece = self._run.pieces[index]
            start = ledger.start_of(index)
            stop = min(end, start + ledger.accounts[index].size_bytes)
            yield Aside(piece.chunk, Stretch(piece.start + offset - start, stop - offset, reason))
            if stop >= end:
                return
            offset = stop
