"""What a demuxer of recordings gives, whatever the container.

Runs of packets, their track, and the damage in between.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .filler import SoundHead

CUT = "cut inside a packet"
"""Damage: what is there of a packet, or of another element, whose end is missing."""

NO_OPUS = "not an Opus packet"
OTHER_TRACK = "another track's blocks"
PICTURES = "another track's blocks: the video's pictures"
SECOND_OPUS = "a second track of sound"
OTHER_SAMPLES = "samples of another format"
ATTACHMENT = "an attachment"


def second_opus(number: int) -> str:
    """The reason for setting aside the packets of one more track of sound."""
    return f"{SECOND_OPUS} (number {number})"


class Track(Struct, frozen=True):
    """The sound of a recording: its number in the blocks, what a decoder needs, and the program that wrote it.

    `others` are the numbers of tracks that are passed over, `second` those among them that are sound as well, and
    `pictures` those that are video.  `tick_ns` is the unit of the blocks' times in Matroska.
    """

    number: int
    head: SoundHead
    writing_app: str
    others: frozenset[int] = frozenset()
    second: frozenset[int] = frozenset()
    pictures: frozenset[int] = frozenset()
    tick_ns: int = 1_000_000

    @property
    def others_reason(self) -> str:
        """Why bytes of one of the others are set aside where its number is unknown."""
        if self.pictures and self.pictures == self.others:
            return PICTURES
        is_opus = bool(self.second) and self.second == self.others
        return second_opus(min(self.second)) if is_opus else OTHER_TRACK

    def aside_reason(self, number: int) -> str:
        """Why blocks of one of the others are set aside."""
        if number in self.pictures:
            return PICTURES
        return second_opus(number) if number in self.second else OTHER_TRACK


class Damage(Struct, frozen=True):
    """Bytes of the stream that had to be skipped: their offset and count, and what was wrong there."""

    offset: int
    length_bytes: int
    reason: str


class SetAside(Struct, frozen=True):
    """Bytes that are whole and are not joined, such as another track's blocks.

    `offset` is that of the first of them in the stream, `length_bytes` the count of all of one piece and `reason`.
    """

    offset: int
    length_bytes: int
    reason: str


class Account(Struct):
    """What became of the bytes of one piece of a stream; once the demuxer is closed the four add up to its size."""

    size_bytes: int
    payload_bytes: int = 0
    structure_bytes: int = 0
    damaged_bytes: int = 0
    set_aside_bytes: int = 0

    @property
    def unaccounted_bytes(self) -> int:
        """Bytes of which nothing is known: 0 once the demuxer is closed, or the demuxer is wrong."""
        counted = self.payload_bytes + self.structure_bytes + self.damaged_bytes + self.set_aside_bytes
        return self.size_bytes - counted


class Ledger:
    """Counts every byte of a stream, piece by piece as they were fed, as one of four kinds.

    Each kind is counted where it is found, none is what remains: a byte that a demuxer forgets shows as unaccounted,
    and one that it counts twice as a negative rest.  All places are offsets in the stream.
    """

    def __init__(self) -> None:
        self.accounts: list[Account] = []
        self.damages: list[Damage] = []
        self.asides: list[SetAside] = []
        self.numbers: list[int] = []
        """The numbers of the pages or fragments that were read: WebM has none."""
        self._aside_at: dict[tuple[int, str], int] = {}  # where in `asides` those of a piece and reason are
        self._starts: list[int] = []
        self._size = 0
        self._last_start = 1  # there is no piece yet

    def begin_piece(self, size_bytes: int) -> None:
        """The next `size_bytes` of the stream are a piece."""
        self._starts.append(self._size)
        self._last_start = self._size
        self.accounts.append(Account(size_bytes))
        self._size += size_bytes

    def piece_at(self, offset: int) -> int:
        """The number of the piece that the byte at `offset` is in."""
        return max(0, bisect_right(self._starts, offset) - 1)

    def starts_after(self, offset: int) -> list[int]:
        """The offsets at which the pieces after the one at `offset` begin."""
        return self._starts[bisect_right(self._starts, offset) :]

    @property
    def last_start(self) -> int:
        """The offset at which the last piece begins."""
        return self._starts[-1] if self._starts else 0

    @property
    def size_bytes(self) -> int:
        """How much was fed."""
        return self._size

    @property
    def pending_bytes(self) -> int:
        """Bytes that are not counted yet: the demuxer waits for what follows them."""
        return sum(account.unaccounted_bytes for account in self.accounts)

    def start_of(self, piece: int) -> int:
        """The offset at which a piece begins."""
        return self._starts[piece]

    def payload(self, start: int, end: int) -> None:
        """The bytes from `start` to `end` are a packet's, or several packets'."""
        for account, count in self._pieces(start, end):
            account.payload_bytes += count

    def block_run(self, start: int, end: int, payload_bytes: int) -> None:
        """From `start` to `end`, all in the last piece, there are packets of `payload_bytes` and their block heads."""
        account = self.accounts[-1]
        account.payload_bytes += payload_bytes
        account.structure_bytes += end - start - payload_bytes

    def structure(self, start: int, end: int) -> None:
        """The bytes from `start` to `end` are the container's own."""
        if start >= self._last_start:  # nearly all are
            self.accounts[-1].structure_bytes += end - start
            return
        for account, count in self._pieces(start, end):
            account.structure_bytes += count

    def damage(self, start: int, end: int, reason: str) -> None:
        """The bytes from `start` to `end` are of no use; `start` may equal `end` where only their absence shows."""
        for account, count in self._pieces(start, end):
            account.damaged_bytes += count
        last = self.damages[-1] if self.damages else None
        if last and last.reason == reason and last.offset + last.length_bytes == start < end:
            self.damages[-1] = Damage(last.offset, last.length_bytes + end - start, reason)
        else:
            self.damages.append(Damage(start, end - start, reason))

    def set_aside(self, start: int, end: int, reason: str) -> None:
        """The bytes from `start` to `end` are whole, and not for this recording."""
        for account, count in self._pieces(start, end):
            account.set_aside_bytes += count
            key = self.piece_at(start), reason
            at = self._aside_at.setdefault(key, len(self.asides))
            if at == len(self.asides):
                self.asides.append(SetAside(start, 0, reason))
            known = self.asides[at]
            self.asides[at] = SetAside(min(start, known.offset), known.length_bytes + count, reason)
            start += count

    def take_back_payload(self, start: int, end: int) -> None:
        """What was counted as a packet from `start` to `end` is to be counted anew."""
        for account, count in self._pieces(start, end):
            account.payload_bytes -= count

    def take_back_structure(self, start: int, end: int) -> None:
        """What was counted as structure from `start` to `end` is to be counted anew."""
        for account, count in self._pieces(start, end):
            account.structure_bytes -= count

    def take_back_aside(self, start: int, end: int, reason: str) -> None:
        """What was set aside from `start` to `end` is to be counted anew."""
        for account, count in self._pieces(start, end):
            account.set_aside_bytes -= count
            at = self._aside_at[self.piece_at(start), reason]
            known = self.asides[at]
            self.asides[at] = SetAside(known.offset, known.length_bytes - count, reason)
            start += count

    def _pieces(self, start: int, end: int) -> Iterator[tuple[Account, int]]:
        """The accounts of the bytes from `start` to `end`, and how many of them are in each."""
        if start >= self._last_start:
            yield self.accounts[-1], end - start
            return
        piece = self.piece_at(start)
        while start < end:
            stop = self._starts[piece + 1] if piece + 1 < len(self._starts) else end
            yield self.accounts[piece], min(stop, end) - start
            start, piece = min(stop, end), piece + 1


class PacketRun(Struct):
    """A run of packets in order, as columns: bytes, recorder time in ms, duration in samples at 48 kHz.

    `recording` counts the headers seen: what follows a second one is a recording of its own, with its own clock.
    `continued` packets belong to a cluster begun in an earlier piece.  Where not `placed`, the zero of `times_ms` is
    a guess.  `after_break` says that bytes were lost or skipped right before the first packet.  `bases` are the indexes
    of packets with which a new base of times begins: a cluster, a page, a fragment.  Before a run that was `suspended`
    the recorder stood still.
    """

    recording: int
    placed: bool
    continued: bool
    after_break: bool = False
    payloads: list[bytes] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    bases: list[int] = field(default_factory=list)
    suspended: bool = False

    def drop_last(self) -> bool:
        """Take the last packet out; returns whether a base of times began with it."""
        self.payloads.pop()
        self.times_ms.pop()
        self.durations.pop()
        is_base = bool(self.bases) and self.bases[-1] == len(self.payloads)
        if is_base:
            self.bases.pop()
        return is_base


class PacketDigest:
    """A SHA-256 over packets and their lengths, the same however they are handed over."""

    def __init__(self) -> None:
        self._bytes = hashlib.sha256()
        self._lengths = array("I")  # a list of ints would be most of a long session's memory

    def update(self, payloads: Sequence[bytes]) -> None:
        self._bytes.update(b"".join(payloads))
        self._lengths.extend(map(len, payloads))

    def hexdigest(self) -> str:
        whole = self._bytes.copy()
        lengths = self._lengths[:]
        if sys.byteorder == "little":
            lengths.byteswap()
        whole.update(lengths)
        return whole.hexdigest()


class Demuxer(Protocol):
    """Bytes of one part in, packets out.  Pieces may be cut anywhere; the calls are `WebmDemuxer`'s."""

    ledger: Ledger

    @property
    def track(self) -> Track | None:
        """The Opus track, as far as it is known."""
        ...

    @property
    def header_missing(self) -> bool:
        """Whether no header described the track, here or elsewhere."""
        ...

    def feed(self, data: bytes) -> list[PacketRun]:
        """The packets completed by `data`, the next piece of the stream, in runs alike in all but the columns."""
        ...

    def discontinuity(self, reason: str) -> list[PacketRun]:
        """Bytes are missing after what was fed: what is pending cannot be completed.

        Returns packets that waited for more.
        """
        ...

    def flush(self) -> list[PacketRun]:
        """No more bytes will come, or not in this sequence: returns packets that waited for the bytes after them."""
        ...
