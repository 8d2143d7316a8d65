"""One wrong bit of a chunk, found by the SHA-256 that the recorder noted: with it put right the chunk is what was sent.

Sought in what bounds or dates packets, where one bit may cost or move them; one in the sound is only heard.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from . import findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model import ChunkRef, Finding
    from .manifest import Noted
    from .runs import Read
    from .survey import ChunkSurvey

_MOST_HASHED_BYTES, _MOST_OF_A_CHUNK_BYTES = 1 << 32, 1 << 30
"""In a part, and in one chunk of it; chosen: 2.3 s and less than one (measured: 1.9 GB/s)."""
_INTO_DAMAGE_BYTES = 1024  # chosen: two packets; what is wrong is where damage begins, or behind one packet
_BITS = 8  # of a byte (by definition)


class BitMender:
    """Looks at the chunks of a part; `found` are those with one wrong bit: in which byte it is, and what that was."""

    def __init__(self, noted: Noted) -> None:
        self.found: dict[ChunkRef, tuple[int, int]] = {}
        self._noted = noted
        self._left = _MOST_HASHED_BYTES

    def look_at(self, found: ChunkSurvey, data: bytes) -> bool:
        """Whether one wrong bit is all that makes a chunk unlike one that was noted."""
        noted = self._noted.chunks.get(found.chunk.seq)
        size = noted.bytes if noted and noted.bytes and noted.bytes < len(data) else len(data)
        is_sent = self._noted.wants(found.sha256) or found.proved_bytes
        if not size or is_sent or not self._noted.has_hash_of(size):
            return False
        start = len(data) - size  # what is before that is the end of another chunk
        right = self._byte_in(data[start:], [at - start for at in _bounding(found) if at >= start])
        if right is not None:
            self.found[found.chunk] = start + right[0], right[1]
        return right is not None

    def _byte_in(self, data: bytes, places: list[int]) -> tuple[int, int] | None:
        """The byte of which one bit is wrong, and what it was."""
        view, before, done = memoryview(data), hashlib.sha256(), 0
        least = self._left - _MOST_OF_A_CHUNK_BYTES
        for at in places:
            self._left -= _BITS * (len(data) - at)
            if self._left < max(0, least):
                return None
            before.update(view[done:at])
            done = at
            for bit in range(_BITS):
                tried = before.copy()
                tried.update(bytes((data[at] ^ 1 << bit,)))
                tried.update(view[at + 1 :])
                if self._noted.wants(tried.hexdigest()):
                    return at, data[at] ^ 1 << bit
        return None

    def mended(self, chunk: ChunkRef, data: bytes) -> bytes:
        """A chunk with its wrong bit put right."""
        if chunk not in self.found:
            return data
        at, value = self.found[chunk]
        return data[:at] + bytes((value,)) + data[at + 1 :]

    def reading(self, read: Read) -> Read:
        """`read`, with wrong bits put right."""
        return lambda chunk: self.mended(chunk, read(chunk))

    def findings(self) -> Iterator[Finding]:
        """Where wrong bits were."""
        return (findings.bit_mended(chunk, at) for chunk, (at, _) in self.found.items())


def _bounding(found: ChunkSurvey) -> list[int]:
    """The offsets of a chunk that are in no packet's sound, in order; of damage its beginning."""
    skipped = [(offset, offset + size) for offset, size in zip(found.offsets, found.sizes, strict=True) if offset >= 0]
    skipped += [
        (damage.offset + _INTO_DAMAGE_BYTES, damage.offset + damage.length_bytes)
        for damage in found.damages
        if damage.length_bytes > _INTO_DAMAGE_BYTES
    ]
    places: list[int] = []
    at = 0
    for start, stop in sorted(skipped):
        places += range(at, start)
        at = max(at, stop)
    return [*places, *range(at, found.size_bytes)]
