"""What a recorder noted of a part's chunks in session.json, held against the chunks that are there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec.structs import replace

from . import findings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..documents.models import ChunkEntry, PartEntry
    from ..model import ChunkRef, Finding
    from .blob_clock import BlobClock
    from .survey import ChunkSurvey


class Noted:
    """The recorder's list of a part's chunks."""

    def __init__(self, entry: PartEntry | None) -> None:
        self.chunks: dict[int, ChunkEntry] = {chunk.seq: chunk for chunk in entry.chunks} if entry else {}
        self._digests = {chunk.sha256.lower() for chunk in self.chunks.values() if chunk.sha256}
        self._sizes = {chunk.bytes for chunk in self.chunks.values() if chunk.bytes}
        self._hashed_sizes = {chunk.bytes for chunk in self.chunks.values() if chunk.bytes and chunk.sha256}
        self._wanting = self.chunks  # those that no chunk is byte for byte, nor as long under its number
        self._taken: set[int] = set()  # the numbers of the latter

    def saw(self, surveys: Sequence[ChunkSurvey]) -> None:
        """These chunks are all that are there: a chunk as long as what one of them is exactly is no such chunk."""
        there = {one.sha256 for one in surveys}
        open_ = {seq: chunk for seq, chunk in self.chunks.items() if (chunk.sha256 or "").lower() not in there}
        taken = {one.chunk.seq for one in surveys if self.is_whole(one)} & open_.keys()
        are_own = 2 * len(taken) >= len(open_.keys() & {one.chunk.seq for one in surveys})
        self._taken = taken if are_own else set()  # else nearly all moved, and a few have the size of another by chance
        self._wanting = {seq: chunk for seq, chunk in open_.items() if seq not in self._taken}

    def knows(self, one: ChunkSurvey) -> bool:
        """Whether the list has a chunk like this, under whatever number; a damaged one has its size all the same."""
        has_size = any(chunk.bytes == one.size_bytes for chunk in self._wanting.values())
        return self.has_exactly(one) or one.chunk.seq in self._taken or has_size

    def lists(self, one: ChunkSurvey) -> bool:
        """Whether the list has a chunk like this, or one of its number, of which this may be what is left.

        What is larger than noted, and not by bytes that another chunk has too, is no such chunk.
        """
        noted = self.chunks.get(one.chunk.seq)
        too_large = noted and noted.bytes and one.size_bytes - one.shared_bytes > noted.bytes
        return bool(noted and not too_large) or self.knows(one)

    def has_exactly(self, one: ChunkSurvey) -> bool:
        """Whether a chunk is what the recorder sent, byte for byte, or has bytes of another one before that."""
        return self.wants(one.sha256) or one.proved_bytes > 0

    def wants(self, sha256: str) -> bool:
        """Whether a chunk with this SHA-256 was noted."""
        return sha256 in self._digests

    def proved_bytes(self, seq: int, data: bytes) -> int:
        """How many of the last bytes of a chunk that is too long are what was noted; 0 if they differ from it."""
        noted = self.chunks.get(seq)
        size = noted.bytes if noted and noted.bytes and noted.sha256 else 0
        is_proved = 0 < size < len(data) and self.wants(hashlib.sha256(data[-size:]).hexdigest())
        return size if is_proved else 0

    def wrapped_size(self, chunk: ChunkRef, data: bytes) -> int:
        """How long a chunk is without what was uploaded around it, where its note has the size with that; else 0.

        A page that wraps a blob and notes the size of what it sends.  A hash shows what was noted by itself.
        """
        noted, stored = self.chunks.get(chunk.seq), chunk.object.size_bytes
        return len(data) if noted and not noted.sha256 and noted.bytes == stored != len(data) else 0

    def sha256_of(self, one: ChunkSurvey) -> str:
        """The SHA-256 that was noted under a chunk's number; empty where none was."""
        noted = self.chunks.get(one.chunk.seq)
        return noted.sha256.lower() if noted and noted.sha256 else ""

    def has_size(self, size_bytes: int) -> bool:
        """Whether a chunk of this size was noted."""
        return size_bytes in self._sizes

    def has_hash_of(self, size_bytes: int) -> bool:
        """Whether a chunk of this size was noted with its SHA-256."""
        return size_bytes in self._hashed_sizes

    def in_order(self, clock: BlobClock) -> Mapping[int, int]:
        """By the number under which each chunk was noted, that which it would have by when it was handed over."""
        at_ms = {seq: ms for seq in sorted(self.chunks) if (ms := clock.active_ms(seq)) is not None}
        return dict(zip(sorted(at_ms, key=at_ms.__getitem__), at_ms, strict=True))

    def is_one_of_several(self, one: ChunkSurvey) -> bool:
        """Whether a chunk is as long as what several other numbers have that no chunk is known to be: not its own."""
        return self.number_of(one) < 0 and any(noted.bytes == one.size_bytes for noted in self._wanting.values())

    def is_whole(self, one: ChunkSurvey) -> bool:
        """Whether a chunk is as long as the one that was noted under its number."""
        noted = self.chunks.get(one.chunk.seq)
        return noted is not None and noted.bytes == one.size_bytes

    def unlike(self, one: ChunkSurvey, number: int | None = None) -> Finding | None:
        """What differs between a chunk and what is noted under a number (its own if not given); None: nothing."""
        noted = self.chunks.get(one.chunk.seq if number is None else number)
        return findings.unlike_manifest(one.chunk, one.size_bytes, one.sha256, noted)

    def number_of(self, one: ChunkSurvey) -> int:
        """The number under which a chunk like this is noted, its own if it can be; -1 where none is, or several are.

        One that is damaged has the size of what was noted.
        """
        exact = [seq for seq, noted in self.chunks.items() if noted.sha256 and noted.sha256.lower() == one.sha256]
        if not exact and (one.chunk.seq in self._taken or one.proved_bytes):
            return one.chunk.seq
        found = exact or [seq for seq, noted in self._wanting.items() if noted.bytes == one.size_bytes]
        return one.chunk.seq if one.chunk.seq in exact else found[0] if len(found) == 1 else -1


def without_wrapping(entry: PartEntry, sizes: Mapping[int, int]) -> PartEntry:
    """What was noted, with these sizes of chunks by their numbers."""
    chunks = [replace(noted, bytes=sizes.get(noted.seq, noted.bytes)) for noted in entry.chunks]
    return replace(entry, chunks=chunks) if sizes else entry


def started_again(entry: PartEntry | None) -> PartEntry | None:
    """What the recorder noted of a run that it did not know to be another one: its blobs, but not its start."""
    return entry and replace(entry, start_ms=None, pauses=[])
