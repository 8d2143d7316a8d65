"""Chunks in, one joined recording out: the parts of a session in order, each read by `recording`.

One chunk is held at a time.  How chunks are fetched is the caller's business: `read` is handed in.

Where a part turns out to be in disorder, its chunks are read once to see what is in them (`chains`), and the join
begins anew in the order found.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ..errors import RecordingError
from ..values import Finding
from . import continuity
from .chains import displaced, extent_of, sort_chunks
from .recording import Disorder, Noted, Recording, RecordingReader, started_again
from .records import Assembly, ChunkRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..concat import Joiner
    from ..documents.models import PartEntry, SessionDocument
    from ..progress import Progress
    from ..values import ChunkRef


def assemble(
    chunks: Sequence[ChunkRef],
    session: SessionDocument,
    read: Callable[[ChunkRef], bytes],
    new_joiner: Callable[[], Joiner],
    progress: Progress,
) -> tuple[Joiner, Assembly]:
    """Read every chunk and join what it holds (RecordingError where nothing can be read, or a codec is not Opus).

    `new_joiner` gives a joiner with nothing in it; it is called again where a part turns out to be in disorder.
    """
    parts = dict(continuity.by_part(chunks))
    known: dict[str, list[Recording]] = {}
    while True:
        joiner, assembly = new_joiner(), Assembly()
        progress.stage("joining", len(chunks))
        try:
            for part, listed in parts.items():
                entry = continuity.part_entry(session.parts, part)
                missing = continuity.missing_before(listed, entry)
                recordings = known.get(part) or [Recording(part, listed, entry, missing)]
                _join_part(recordings, joiner, assembly, read, progress)
        except Disorder:
            known[part] = _sort_by_content(part, listed, entry, read)
            continue
        if not joiner.recorded_packets:
            if assembly.refusals:
                raise assembly.refusals[0]
            raise RecordingError(
                f"no sound in any of the {len(chunks)} chunks: " + "; ".join(f.message for f in assembly.findings[:3]),
                hint="see what is there with `sessiontool inspect`",
            )
        return joiner, assembly


def _join_part(
    recordings: Sequence[Recording],
    joiner: Joiner,
    assembly: Assembly,
    read: Callable[[ChunkRef], bytes],
    progress: Progress,
) -> None:
    for position, recording in enumerate(recordings):
        if position:
            other = continuity.restarted_finding if recording.has_header else continuity.foreign_finding
            assembly.findings.append(other(recording.chunks[0], recording.name))
        assembly.findings += [continuity.order_finding(chunk) for chunk in recording.moved]
        try:
            RecordingReader(recording, joiner, assembly).read_all(read, progress)
        except RecordingError as error:
            assembly.refusals.append(error)
            finding = Finding("part-unreadable", "error", error.message, part=recording.chunks[0].part, hint=error.hint)
            assembly.findings.append(finding)
            told = [record.chunk for record in assembly.chunks]
            assembly.chunks += [ChunkRecord(chunk, "", "unread") for chunk in recording.chunks if chunk not in told]


def _sort_by_content(
    part: str, listed: Sequence[ChunkRef], entry: PartEntry | None, read: Callable[[ChunkRef], bytes]
) -> list[Recording]:
    """The recordings in a part, each chunk in one of them; copies of a chunk stay beside it."""
    noted = Noted(entry)
    seen: dict[str, ChunkRef] = {}
    extents, copies = [], []
    for chunk in listed:
        data = read(chunk)
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in seen:
            copies.append((chunk, seen[sha256]))
            continue
        seen[sha256] = chunk
        extents.append(extent_of(chunk, data, noted=noted.knows(len(data), sha256)))
    chains = sort_chunks(extents)
    missing = continuity.missing_before(listed, entry)
    holes = [seq for index, seqs in missing.items() for seq in seqs if index < len(listed)]
    last = max(range(len(chains)), key=lambda index: max(chunk.seq for chunk in chains[index].chunks), default=0)
    return [
        Recording(
            name=f"{part}+{index}" if index else part,
            chunks=[*chain.chunks, *(copy for copy, original in copies if original in chain.chunks)],
            entry=entry if not index else started_again(entry) if chain.has_header else None,
            missing={
                **({0: holes} if holes and not index else {}),
                **({-1: missing[len(listed)]} if index == last and len(listed) in missing else {}),
            },
            has_header=chain.has_header,
            sorted_by_content=True,
            moved=() if index else displaced(chain.chunks),
            elsewhere=frozenset(holes)
            | {chunk.seq for other in chains if other is not chain for chunk in other.chunks},
        )
        for index, chain in enumerate(chains)
    ]
