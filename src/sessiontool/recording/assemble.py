"""Chunks in, one joined recording out: the parts of a session in order.

One chunk is held at a time.  How chunks are fetched is the caller's business: `read` is handed in.

A part is joined as it is listed (`plain`).  Where one is in doubt, its chunks are read one by one to see what is in
them (`plan`), and the join begins anew.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..errors import RecordingError
from . import findings
from .absent_parts import AbsentParts
from .copied_parts import copied_parts
from .noted_pieces import as_stored
from .plain import Doubt, PlainJoiner, plain_run
from .records import Assembly
from .run_joiner import JoinContext
from .sequence import part_entry, parts_in_order, with_numbers_of
from .slices import SlicedParts, as_one_part, groups_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..concat import Remuxer
    from ..documents.models import PartEntry, SessionDocument
    from ..model import ChunkRef
    from ..progress import Progress
    from .planned import PlannedPart
    from .runs import Read


def assemble(
    chunks: Sequence[ChunkRef],
    session: SessionDocument,
    read: Read,
    new_remuxer: Callable[[], Remuxer],
    progress: Progress,
) -> tuple[Remuxer, Assembly]:
    """Read every chunk and join what it holds (RecordingError where nothing can be read, or a codec is not Opus).

    `new_remuxer` gives an empty remuxer; it is called again where a part turns out to be in doubt.
    """
    parts = parts_in_order(chunks, session.parts)
    noted = {part: with_numbers_of(part_entry(session.parts, part), listed) for part, listed in parts.items()}
    entries = {part: as_stored(noted[part], listed) for part, listed in parts.items()}
    groups = groups_of(parts, session)
    sliced = {name: as_one_part(names, parts, session) for name, names in groups.items()}
    grouped = [name for names in groups.values() for name in names]
    copied = copied_parts(parts, session, grouped, read)
    sliced |= copied
    planned = {name: _planned(name, parts, entries, sliced, read) for name in copied}
    while True:
        absent = AbsentParts(session.parts, parts, groups.values())
        context = JoinContext(new_remuxer(), Assembly(), read, progress, absent)
        progress.stage("joining", len(chunks))
        doubtful = _join_parts(parts, entries, planned, sliced, context)
        if doubtful is None:
            break
        planned[doubtful] = _planned(doubtful, parts, entries, sliced, read)
    assembly = context.assembly
    if context.remuxer.head is not None:
        absent.fill(context.remuxer, context.remuxer.head, sys.maxsize)
    assembly.order.silences = context.remuxer.silences
    assembly.findings += absent.findings()
    assembly.findings += [
        findings.noted_in_pieces(parts[part][0], entry)
        for part, entry in noted.items()
        if entry and entry is not entries[part]
    ]
    for name, tally in assembly.slices.items():
        assembly.findings += findings.slices(name, tally)
    if not context.remuxer.recorded_packets:
        if assembly.refusals:
            raise assembly.refusals[0]
        raise RecordingError(
            f"no sound in any of the {len(chunks)} chunks: " + "; ".join(f.message for f in assembly.findings[:3]),
            hint="see what is there with `sessiontool inspect`",
        )
    return context.remuxer, assembly


def _join_parts(
    parts: dict[str, list[ChunkRef]],
    entries: dict[str, PartEntry | None],
    planned: dict[str, PlannedPart],
    sliced: dict[str, SlicedParts],
    context: JoinContext,
) -> str | None:
    """Join the parts in order; the first that has to be planned, None where all are joined."""
    slices = {chunk.part: group for group in sliced.values() for chunk in group.names.originals.values()}
    for part, listed in parts.items():
        group = slices.get(part)
        name = group.name if group else part
        if name in planned:
            if part == name:
                planned[name].join(context)
            continue
        try:
            run = plain_run(part, listed, entries[part])
            run.slice = group.place_of(part) if group else None
            joiner = PlainJoiner(run, context)
            joiner.join()
        except (Doubt, RecordingError):
            return name
        joiner.settle()
    return None


def _planned(
    part: str,
    parts: dict[str, list[ChunkRef]],
    entries: dict[str, PartEntry | None],
    sliced: dict[str, SlicedParts],
    read: Read,
) -> PlannedPart:
    """Look into the chunks of a part in doubt."""
    from .planned import PlannedPart, PlannedSlices  # noqa: PLC0415 - most parts are plain, and need nothing of it

    if part in sliced:
        return PlannedSlices(sliced[part], read)
    return PlannedPart(part, parts[part], entries[part], read)
