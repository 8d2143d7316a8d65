"""What of a session is too large to be read: left out, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import RecordingError
from ..media.packets import Account
from ..model import Finding
from ..recording.records import Assembly, ChunkRecord, Stretch
from ..storage import check_chunk_size

if TYPE_CHECKING:
    from ..model import SessionListing
    from ..storage import Limits


def within_limits(listing: SessionListing, limits: Limits) -> tuple[SessionListing, Assembly]:
    """The session without the chunks that are too large to be read, and what is to be said of those.

    RecordingError where that leaves none.
    """
    assembly, kept = Assembly(), []
    for chunk in listing.chunks:
        try:
            check_chunk_size(chunk.object, limits.chunk_bytes)
            kept.append(chunk)
        except RecordingError as error:
            size_bytes = chunk.object.size_bytes
            assembly.refusals.append(error)
            assembly.findings.append(
                Finding("chunk-too-large", "error", error.message, part=chunk.part, seq=chunk.seq, hint=error.hint)
            )
            aside = Stretch(0, size_bytes, "the chunk is too large to be read")
            account = Account(size_bytes, set_aside_bytes=size_bytes)
            assembly.chunks.append(ChunkRecord(chunk, "", "unread", account=account, set_aside=[aside]))
    if assembly.refusals and not kept:
        raise assembly.refusals[0]
    return replace(listing, chunks=tuple(kept)), assembly
