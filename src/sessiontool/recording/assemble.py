"""Chunks in, one joined recording out: the parts of a session in order.

One chunk is held at a time.  How chunks are fetched is the caller's business: `read` is handed in.

A part is joined as it is listed (`plain`).  Where one is in doubt, its chunks are read one by one to see what is in
them (`plan`), and the join begins anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import RecordingError
from ..model import Finding
from . import findings
from .plain import Doubt, PlainJoiner, plain_run
from .plan import plan_part
from .records import Assembly, unread
from .run_joiner import JoinContext, RunJoiner, refused
from .runs import leave_stop_to_last
from .sequence import by_part, part_entry, with_numbers_of
from .slices import SlicedParts, as_one_part, groups_of
from .time_map import TimeMap, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..concat import Remuxer
    from ..documents.models import PartEntry, SessionDocument
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
    parts = dict(by_part(chunks))
    groups = groups_of(parts, session)
    sliced = {name: as_one_part(names, parts, session) for name, names in groups.items()}
    planned: dict[str, _Planned] = {}
    while True:
        context = JoinContext(new_remuxer(), Assembly(), read, progress)
        progress.stage("joining", len(chunks))
        doubtful = _join_parts(parts, session, planned, sliced, context)
        if doubtful is None:
            break
        if doubtful in sliced:
            planned[doubtful] = _PlannedSlices(sliced[doubtful], read)
        else:
            planned[doubtful] = _Planned(doubtful, parts[doubtful], _noted(session, doubtful, parts[doubtful]), read)
    assembly = context.assembly
    assembly.order.silences = context.remuxer.silences
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
    session: SessionDocument,
    planned: dict[str, _Planned],
    sliced: dict[str, SlicedParts],
    context: JoinContext,
) -> str | None:
    """Join the parts in order; the first that has to be planned, None where all are joined."""
    slices = {chunk.part: group for group in sliced.values() for chunk in group.originals.values()}
    for part, listed in parts.items():
        group = slices.get(part)
        name = group.name if group else part
        if name in planned:
            if part == name:
                planned[name].join(context)
            continue
        try:
            run = plain_run(part, listed, _noted(session, part, listed))
            run.slice = group.place_of(part) if group else None
            joiner = PlainJoiner(run, context)
            joiner.join()
        except (Doubt, RecordingError):
            return name
        joiner.settle()
    return None


def _noted(session: SessionDocument, part: str, listed: Sequence[ChunkRef]) -> PartEntry | None:
    return with_numbers_of(part_entry(session.parts, part), listed)


class _Planned:
    """A part whose chunks were looked at; joined as often as the join begins anew."""

    def __init__(
        self,
        part: str,
        listed: Sequence[ChunkRef],
        entry: PartEntry | None,
        read: Read,
        starts_ms: Mapping[int, float] | None = None,
    ) -> None:
        self._part = part
        self._listed = listed
        self._plan = plan_part(part, listed, entry, read, starts_ms)
        leave_stop_to_last(self._plan.runs)
        self._times: list[TimeMap | RecordingError] = []
        for run in self._plan.runs:
            try:
                self._times.append(measure(run, read))
            except RecordingError as error:
                self._times.append(error)

    def join(self, context: JoinContext) -> None:
        assembly = context.assembly
        if self._plan.refusal is not None:
            self._refuse(self._plan.refusal, assembly)
            return
        assembly.findings += self._plan.findings
        joined: list[RunJoiner] = []
        for run, times in zip(self._plan.runs, self._times, strict=True):
            assembly.findings += run.findings
            error = times if isinstance(times, RecordingError) else context.remuxer.refusal(times.head)
            if isinstance(times, RecordingError) or error is not None:
                assert error is not None
                refused(run, error, assembly, self._plan.digests)
                continue
            joined.append(RunJoiner(run, context, times))
            joined[-1].join()
        self._settle(joined, assembly)

    def _refuse(self, error: RecordingError, assembly: Assembly) -> None:
        assembly.refusals.append(error)
        assembly.findings.append(Finding("part-unreadable", "error", error.message, part=self._part, hint=error.hint))
        assembly.chunks += [unread(chunk, self._plan.digests[chunk]) for chunk in self._listed]

    def _settle(self, joined: Sequence[RunJoiner], assembly: Assembly) -> None:
        assembly.chunks += [record.fresh() for record in self._plan.records]
        known = {record.chunk: record for record in assembly.chunks}
        for aside in self._plan.asides:
            known[aside.chunk].set_aside.append(aside.stretch)
            known[aside.chunk].account.set_aside_bytes += aside.stretch.size_bytes
        for aside in self._plan.damage:
            known[aside.chunk].damage.append(aside.stretch)
            known[aside.chunk].account.damaged_bytes += aside.stretch.size_bytes
        for joiner in joined:
            joiner.settle(self._plan.digests, self._plan.altered)


class _PlannedSlices(_Planned):
    """Parts of one slice each, planned as one part."""

    def __init__(self, slices: SlicedParts, read: Read) -> None:
        self._slices = slices
        self._read_slice = slices.read_by(read)
        super().__init__(slices.name, slices.listed, slices.entry, self._read_slice, slices.starts_ms)

    def join(self, context: JoinContext) -> None:
        assembly = context.assembly
        before = len(assembly.chunks), len(assembly.findings)
        super().join(replace(context, read=self._read_slice))
        self._slices.translate(assembly, *before)
