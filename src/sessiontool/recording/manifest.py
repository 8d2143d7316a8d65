"""What a recorder noted of a part's chunks in session.json, held against the chunks that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import findings

if TYPE_CHECKING:
    from ..documents.models import ChunkEntry, PartEntry
    from ..model import Finding
    from .survey import ChunkSurvey


class Noted:
    """The recorder's list of a part's chunks."""

    def __init__(self, entry: PartEntry | None) -> None:
        self.chunks: dict[int, ChunkEntry] = {chunk.seq: chunk for chunk in entry.chunks} if entry else {}
        self._digests = {chunk.sha256.lower() for chunk in self.chunks.values() if chunk.sha256}
        self._sizes = {chunk.bytes for chunk in self.chunks.values() if chunk.bytes}

    def knows(self, one: ChunkSurvey) -> bool:
        """Whether the list has a chunk like this, under whatever number; a damaged one has its size all the same."""
        return one.size_bytes in self._sizes or self.has_exactly(one)

    def lists(self, one: ChunkSurvey) -> bool:
        """Whether the list has a chunk like this, or one of its number, of which this may be what is left."""
        return one.chunk.seq in self.chunks or self.knows(one)

    def has_exactly(self, one: ChunkSurvey) -> bool:
        """Whether a chunk is what the recorder sent, byte for byte."""
        return one.sha256 in self._digests

    def unlike(self, one: ChunkSurvey) -> Finding | None:
        """What differs between a chunk and what is noted under its number; None where nothing does."""
        return findings.unlike_manifest(one.chunk, one.size_bytes, one.sha256, self.chunks.get(one.chunk.seq))

    def number_of(self, one: ChunkSurvey) -> int:
        """The number under which a chunk like this is noted; -1 where none is, or several are."""
        found = [
            seq
            for seq, noted in self.chunks.items()
            if (noted.sha256.lower() == one.sha256 if noted.sha256 else noted.bytes == one.size_bytes)
        ]
        return found[0] if len(found) == 1 else -1


def started_again(entry: PartEntry | None) -> PartEntry | None:
    """What the recorder noted of a run that it did not know to be another one: its blobs, but not its start."""
    return entry and entry.model_copy(update={"start_ms": None, "pauses": []})
