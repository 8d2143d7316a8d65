"""Parts whose chunks are not plainly one recording in order, joined as their plan says.

Not here: the plan (`plan`), and the joining of each of its runs (`run_joiner`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import RecordingError
from ..model import Finding
from .plan import plan_part
from .records import unread
from .run_joiner import JoinContext, RunJoiner
from .runs import leave_stop_to_last
from .slice_sound import compare_slices
from .surveyed import survey_part
from .time_map import measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..documents.models import PartEntry
    from ..model import ChunkRef
    from .records import Assembly
    from .runs import Read, RecorderRun
    from .slices import SlicedParts
    from .survey import ChunkSurvey
    from .time_steps import TimeMap


class PlannedPart:
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
        surveyed = survey_part(listed, entry, read)
        self._listed, self._read, self._renumbered = surveyed.listed, surveyed.read, surveyed.renumbered
        self._findings = surveyed.findings
        self._plan = plan_part(part, surveyed, starts_ms)
        leave_stop_to_last(self._plan.runs)
        compare_slices(self._plan.runs, self._read)
        self._times: list[TimeMap | RecordingError] = []
        for run in self._plan.runs:
            try:
                self._times.append(measure(run, self._read))
            except RecordingError as error:
                self._times.append(error)

    @property
    def strays(self) -> list[ChunkSurvey]:
        """The chunks that do not go on with any other one of the part."""
        return self._plan.strays

    def join(self, context: JoinContext) -> None:
        before = len(context.assembly.chunks), len(context.assembly.findings)
        if self._plan.refusal is not None:
            self._refuse(self._plan.refusal, context.assembly)
        else:
            self._join(context)
        self._renumbered.translate(context.assembly, *before)
        context.assembly.findings += self._findings

    def _join(self, context: JoinContext) -> None:
        assembly = context.assembly
        before = len(assembly.chunks), len(assembly.findings)
        repeats, context = self._plan.repeats, replace(context, read=self._read)
        assembly.findings += [*repeats.findings(self._part), *self._plan.findings]
        joined: list[RunJoiner] = []
        for run, times in zip(self._plan.runs, self._times, strict=True):
            assembly.findings += run.findings
            error = times if isinstance(times, RecordingError) else context.remuxer.refusal(times.head)
            if isinstance(times, RecordingError) or error is not None:
                assert error is not None
                _refused(run, error, assembly, self._plan.digests)
                continue
            joined.append(RunJoiner(run, context, times))
            joined[-1].join()
        self._settle(joined, assembly)
        repeats.settle(assembly, *before, self._plan.digests)

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


class PlannedSlices(PlannedPart):
    """Parts of one slice each, planned as one part."""

    def __init__(self, slices: SlicedParts, read: Read) -> None:
        self._slices = slices
        super().__init__(slices.name, slices.listed, slices.entry, slices.names.read_by(read), slices.starts_ms)

    def join(self, context: JoinContext) -> None:
        assembly = context.assembly
        before = len(assembly.chunks), len(assembly.findings)
        super().join(context)
        self._slices.names.translate(assembly, *before)


def _refused(run: RecorderRun, error: RecordingError, assembly: Assembly, digests: Mapping[ChunkRef, str]) -> None:
    """Write down that a run cannot be read, and its chunks with it."""
    assembly.refusals.append(error)
    assembly.findings.append(Finding("part-unreadable", "error", error.message, part=run.part, hint=error.hint))
    known = {record.chunk for record in assembly.chunks}
    for piece in run.pieces:
        if piece.chunk not in known:
            known.add(piece.chunk)
            assembly.chunks.append(unread(piece.chunk, digests[piece.chunk]))
