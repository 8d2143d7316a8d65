"""What a reader of recordings gives, whatever the container.

Runs of packets, their track, and the damage in between.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .opus import OpusHead


@dataclass(frozen=True, slots=True)
class Track:
    """The Opus track of a recording: its number in the blocks, its OpusHead, and the program that wrote it.

    `others` are the numbers of tracks that are passed over.
    """

    number: int
    opus_head: OpusHead
    writing_app: str
    others: frozenset[int] = frozenset()


class Damage(NamedTuple):
    """Bytes of the stream that had to be skipped: their offset and count, and what was wrong there."""

    offset: int
    length_bytes: int
    reason: str


@dataclass(slots=True)
class Packets:
    """A run of packets in order, as columns: bytes, recorder time in ms, duration in samples at 48 kHz.

    `recording` counts the headers seen: what follows a second one is a recording of its own, with its own clock.
    `continued` packets belong to a cluster begun in an earlier piece.  Where not `placed`, the zero of `times_ms` is
    a guess.  `after_break` says that bytes were lost or skipped right before the first packet.
    """

    recording: int
    placed: bool
    continued: bool
    after_break: bool = False
    payloads: list[bytes] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)


class PacketsDigest:
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


class Reader(Protocol):
    """Bytes of one part in, packets out.  Pieces may be cut anywhere; the calls are `WebmReader`'s."""

    track: Track | None
    header_missing: bool
    damages: list[Damage]

    def feed(self, data: bytes) -> list[Packets]:
        """The packets completed by `data`, the next piece of the stream, in runs alike in all but the columns."""
        ...

    def lost(self, reason: str) -> list[Packets]:
        """Bytes are missing after what was fed: what is pending cannot be completed.

        Returns packets that waited for more.
        """
        ...

    def close(self) -> list[Packets]:
        """No more bytes will come, or not in this row: returns packets that waited for the bytes after them."""
        ...

    @property
    def pending_bytes(self) -> int:
        """Bytes at the end that belong to no whole element; after its last blob 1 is normal for Chrome."""
        ...
