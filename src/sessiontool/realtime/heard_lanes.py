"""Sound in pieces, each at its time of the session clock: what one side of a conversation says over a WebSocket."""

from __future__ import annotations

from typing import BinaryIO

from msgspec import Struct, field
from msgspec.structs import replace

_TOUCHING_MS = 0.5
"""Chosen: pieces that are no farther apart are one, as times are logged in milliseconds."""


class WireFormat(Struct, frozen=True):
    """How sound is coded: `pcm` (16 bits, little-endian), `mulaw` or `alaw`; mono."""

    codec: str = "pcm"
    rate_hz: int = 24_000

    @property
    def sample_bytes(self) -> int:
        return 2 if self.codec == "pcm" else 1

    def ms(self, size_bytes: int) -> float:
        """How long so many bytes sound."""
        return size_bytes / self.sample_bytes * 1000 / self.rate_hz

    def bytes_of(self, ms: float) -> int:
        """The bytes of whole samples that fit into a time."""
        return int(ms * self.rate_hz / 1000) * self.sample_bytes


class SoundPiece(Struct, frozen=True):
    """Sound that is heard from `at_ms` of the session clock on: `size_bytes` from byte `offset` of its lane's file."""

    at_ms: float
    offset: int
    size_bytes: int


class HeardLane(Struct):
    """What one side says: pieces in the order of their times, none over another.

    `file` has the sound.  `unheard_ms` were generated and cut off before they were played; `stalls` is how often the
    sound stood still, and `overlap_ms` is what came faster than time passes, and is left out.
    """

    role: str
    format: WireFormat
    file: BinaryIO
    pieces: list[SoundPiece] = field(default_factory=list)
    events: int = 0
    unheard_ms: float = 0.0
    stalls: int = 0
    overlap_ms: float = 0.0

    @property
    def end_ms(self) -> float:
        """When its last piece ends, on the session clock."""
        return self.pieces[-1].at_ms + self.format.ms(self.pieces[-1].size_bytes) if self.pieces else 0.0

    def append(self, piece: SoundPiece) -> None:
        """Add a piece; one that goes on where the last one ends, in time and in the file, becomes part of it."""
        if self.pieces:
            last = self.pieces[-1]
            is_next = piece.offset == last.offset + last.size_bytes and not last.size_bytes % self.format.sample_bytes
            if is_next and abs(piece.at_ms - self.end_ms) < _TOUCHING_MS:
                self.pieces[-1] = replace(last, size_bytes=last.size_bytes + piece.size_bytes)
                return
        self.pieces.append(piece)
