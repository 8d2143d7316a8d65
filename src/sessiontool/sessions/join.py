"""A session's chunks read and joined into one recording, in a folder of the caller's."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from ..concat import Remuxer
from ..media.pcm import PcmHead
from ..model import Finding
from ..recording.assemble import assemble
from . import result_files
from .divided import divided_findings
from .inputs import noted_sha256
from .limits import within_limits
from .provenance import documents_to_read
from .unwrapping import Unwrapping

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ..documents.models import SessionDocument
    from ..documents.report_model import ReportAgainst
    from ..media.filler import SoundHead
    from ..model import ChunkRef, SessionListing
    from ..progress import Progress
    from ..recording.records import Assembly
    from ..storage import Reader, Store
    from ..timeline import Timeline


_AHEAD_BYTES = 16 << 20
"""Chosen: larger documents are read piece by piece, or not at all."""
_ROUNDED_HINT = "what is rounded is 140 dB below full scale; the chunks have it, and purge keeps them"


class Recording(Struct):
    """The joined recording, in a file of its own; `against` is what comparing it with another one found."""

    path: Path
    assembly: Assembly
    timeline: Timeline
    head: SoundHead
    recorded_packets: int
    silent_packets: int
    filled_packets: int = 0
    against: ReportAgainst | None = None


def join_session(
    store: Store,
    listing: SessionListing,
    session: SessionDocument,
    work: Path,
    *,
    keep_pauses: bool,
    progress: Progress,
    read: Reader | None = None,
) -> Recording:
    """Join a session's chunks into one recording in the folder `work` (RecordingError, StorageError).

    `read` is for chunks that are being read already.
    """
    with (
        nullcontext(read) if read else reading(store, listing) as reader,
        (work / "packets").open("w+b") as body,
    ):
        joiner, assembly = assemble_session(
            store, reader, listing, session, body, keep_pauses=keep_pauses, progress=progress
        )
        assert joiner.head is not None
        path = work / result_files.AUDIO_NAMES[joiner.head.codec]
        uid = result_files.track_uid(listing.session_id)
        with path.open("wb") as out:
            timeline = joiner.finish(out, writing_app=result_files.writing_app(), track_uid=uid)
        if joiner.rounded_samples:
            message = f"{joiner.rounded_samples:,} samples have more than 24 bits, as FLAC has them, and are rounded"
            assembly.findings.append(Finding("samples-rounded", "info", message, hint=_ROUNDED_HINT))
    head = joiner.head.stored if isinstance(joiner.head, PcmHead) else joiner.head
    return Recording(path, assembly, timeline, head, joiner.recorded_packets, joiner.silent_packets)


def reading(store: Store, listing: SessionListing) -> AbstractContextManager[Reader]:
    """Reads a session's documents and chunks, which are on their way from now on, but for what is too large."""
    chunks = [chunk.object for chunk in listing.chunks if chunk.object.size_bytes <= store.limits.chunk_bytes]
    documents = [one for one in documents_to_read(listing) if one.size_bytes <= _AHEAD_BYTES]
    return store.reading([*documents, *chunks])


def assemble_session(
    store: Store,
    read: Reader,
    listing: SessionListing,
    session: SessionDocument,
    body: BinaryIO,
    *,
    keep_pauses: bool,
    progress: Progress,
) -> tuple[Remuxer, Assembly]:
    """Join a session's chunks into `body`, and what is to say of them (RecordingError, StorageError)."""
    listing, left_out = within_limits(listing, store.limits)
    noted = noted_sha256(listing, session)
    unwrapping = Unwrapping(store.limits.chunk_bytes)

    def read_chunk(chunk: ChunkRef) -> bytes:
        data = read(chunk.object, noted.get(chunk))
        progress.received(len(data))
        return unwrapping.open(chunk, data)

    def new_remuxer() -> Remuxer:
        body.seek(0)
        body.truncate()
        return Remuxer(body, keep_pauses=keep_pauses)

    joiner, assembly = assemble(listing.chunks, session, read_chunk, new_remuxer, progress)
    unwrapping.settle(assembly)
    assembly.chunks += left_out.chunks
    if not store.layout.has_order:  # names that say no order cannot be wrong about it
        assembly.findings = [one for one in assembly.findings if one.code != "chunk-out-of-order"]
    assembly.findings += left_out.findings
    divided = divided_findings(listing, session, store.layout, joiner.timeline(), assembly.findings)
    assembly.findings[:0] = divided  # much of what else was found follows from it
    return joiner, assembly
