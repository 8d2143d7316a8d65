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
from .exchanged import exchanged
from .folders import Folders
from .noted_runs import divided_as_noted
from .plain import Doubt, PlainJoiner, plain_run
from .records import Assembly
from .run_joiner import JoinContext
from .sequence import parts_in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..concat import Remuxer
    from ..documents.models import SessionDocument
    from ..model import ChunkRef
    from ..progress import Progress
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
    runs = divided_as_noted(parts_in_order(chunks, session.parts), session, read)
    session, read = runs.session, runs.names.read_by(read)
    folders = Folders(runs.parts, session, read)
    while True:
        absent = AbsentParts(session.parts, folders.parts, folders.groups.values())
        context = JoinContext(new_remuxer(), Assembly(), read, progress, absent)
        progress.stage("joining", len(chunks))
        doubtful = _join_parts(folders, context)
        if doubtful is None:
            break
        folders.look_into(doubtful)
    assembly = context.assembly
    if context.remuxer.head is not None:
        absent.fill(context.remuxer, context.remuxer.head, sys.maxsize)
    assembly.order.silences = context.remuxer.silences
    assembly.findings += [*absent.findings(), *folders.findings, *exchanged(assembly.lasted)]
    for name, tally in assembly.slices.items():
        assembly.findings += findings.slices(name, tally)
    runs.names.rename(assembly)
    assembly.findings += runs.findings
    if not context.remuxer.recorded_packets:
        if assembly.refusals:
            raise assembly.refusals[0]
        raise RecordingError(
            f"no sound in any of the {len(chunks)} chunks: " + "; ".join(f.message for f in assembly.findings[:3]),
            hint="see what is there with `sessiontool inspect`",
        )
    return context.remuxer, assembly


def _join_parts(folders: Folders, context: JoinContext) -> str | None:
    """Join the parts in order; the first that has to be planned, None where all are joined."""
    slices = {part: group for group in folders.as_one.values() for part in group.parts}
    for part, listed in folders.parts.items():
        group = slices.get(part)
        name = group.name if group else part
        if name in folders.planned:
            if part == name:
                folders.planned[name].join(context)
            continue
        try:
            run = plain_run(part, listed, folders.noted(part))
            run.slice = group.place_of(part) if group else None
            joiner = PlainJoiner(run, context)
            joiner.join()
        except (Doubt, RecordingError):
            return name
        joiner.settle()
    return None
