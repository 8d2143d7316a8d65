"""One case of several parts: written, merged in this process, and held against the session clock.

Packets are lost, doubled and strange as in `random_judge`, whatever folder a chunk lies in.  Misplaced is a whole
packet that is more than 20 ms from its true place: of a part whose start is noted, that is its start on the session
clock, less the pauses before it, and its time on the recorder's clock.  Of a part that session.json does not know
nobody can say when it was started: it begins where the one before ends, or as much later as sound may be lost there.
What strangers were joined with a part, as recordings of their own, may push the parts behind it.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from random_cases import Outcome, merge_whatever, report_problems, run, undamaged_places, would_purge
from random_judge import TOLERANCE_MS, Clocks, Verdict, counted, disordered, find_places
from random_naming import LOSSY
from random_truth import truth_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from random_folder import Folder
    from random_parts import Part, Session, SessionCase
    from random_recordings import Packet, Recording
    from random_truth import Truth

_SLACK_MS = 1000.0  # between two parts of which nothing is noted
_ROUNDED_MS = 10.0  # silence between two parts is whole packets of 20 ms


def run_session(case: SessionCase, keep: Path | None = None) -> Outcome:
    """Write the case, merge it, judge what comes of it; `keep`: a folder to leave it in."""
    return run(lambda folder: case.session.write(folder, bare=case.bare), lambda store: _judge(case, store), keep)


def _judge(case: SessionCase, store: Path) -> Outcome:
    folder = case.session.as_one()
    truth = truth_of(folder)
    has_sound = any(truth.whole[source] for source in range(len(case.session.parts)))
    report, output, crash = merge_whatever(store, has_sound=has_sound)
    verdict = judge_session(case.session, folder, truth, output, bare=case.bare)
    outcome = Outcome(case.seed, case.index, case.name, case.kinds, verdict, crash)
    if report is not None:
        outcome.findings = report["findings"]
        is_lossy = case.is_lossy(LOSSY)
        outcome.report = report_problems(case.session.stored(), report, verdict, is_lossy=is_lossy)
        outcome.nameable, outcome.unnamed = case.named(report["findings"])
        outcome.purged = bool(verdict.unpublished) and would_purge(store)
    return outcome


def judge_session(
    session: Session, folder: Folder, truth: Truth, output: Sequence[Packet], *, bare: bool = False
) -> Verdict:
    """Judge `output`; `folder` are all chunks as one, and `truth` is that of it."""
    recordings = folder.recordings
    own = [recordings.index(part.recording) for part in session.parts]
    seconds = [
        recordings.index(part.folder.recordings[part.folder.whole_second])
        for part in session.parts
        if part.folder.whole_second
    ]
    verdict = counted(folder, truth, output, own, seconds, bare=bare)
    places_ms = [undamaged_places(recording) for recording in recordings]
    found = find_places(recordings, output, places_ms)
    places = _Places(session, recordings, places_ms, found, bare=bare)
    for source, placed in found.items():
        kind, base_ms = places.of(source) if source in own else ("whole" if source in seconds else "pieces", 0.0)
        if any(_is_mixed(part, bare=bare) and recordings[source] in part.folder.recordings for part in session.parts):
            continue
        clocks = Clocks(recordings[source], truth.whole[source], truth.clocked[source], bare or kind != "first")
        errors = list(clocks.errors({index: ms - base_ms - places_ms[source][index] for index, ms in placed}, kind))
        errors += [places.out_of_bounds(source, truth.whole[source])] if kind == "whole" and source in own else []
        rounded_ms = _ROUNDED_MS if source in own[1:] else 0.0
        errors = [max(0.0, abs(error) - rounded_ms) for error in errors]
        verdict.misplaced += sum(error > TOLERANCE_MS for error in errors)
        verdict.misplaced += disordered(recordings[source], placed, truth.whole[source])
        verdict.worst_ms = max([verdict.worst_ms, *errors])
    return verdict


def _is_mixed(part: Part, *, bare: bool) -> bool:
    """Whether two recorders' chunks lie between one another, and nothing is noted that tells them apart."""
    return part.folder.is_mixed and (bare or not part.is_noted)


class _Places:
    """Where the parts of a session begin in its output."""

    def __init__(
        self,
        session: Session,
        recordings: Sequence[Recording],
        places_ms: Sequence[Sequence[float]],
        found: dict[int, list[tuple[int, float]]],
        *,
        bare: bool,
    ) -> None:
        self._parts = {recordings.index(part.recording): part for part in session.parts}
        self._recordings, self._places_ms, self._found = recordings, places_ms, found
        self._clocked = [
            source
            for source, part in self._parts.items()
            if part.is_noted and not part.noted_as and not bare and source in found
        ]
        self._sources = list(self._parts)

    def of(self, source: int) -> tuple[str, float]:
        """How a part is judged, and where its recorder's clock is zero, in ms."""
        if source not in self._clocked or self._is_behind_a_stranger(source):
            return "whole", 0.0
        first = self._clocked[0]
        if source == first and first == self._sources[0]:
            return "first", 0.0
        anchor_ms = 0.0 if first == self._sources[0] else self._moved_ms(first)
        return "first", anchor_ms + self._since(first, source)

    def _is_behind_a_stranger(self, source: int) -> bool:
        """Whether what is no part is joined before it, as a recording of its own: that may push it."""
        first_ms = self._found[source][0][1]
        strangers = (placed for other, placed in self._found.items() if other not in self._parts)
        return any(ms < first_ms for placed in strangers for _, ms in placed)

    def _since(self, first: int, source: int) -> float:
        one, other = self._parts[first], self._parts[source]
        between = self._sources[self._sources.index(first) : self._sources.index(source)]
        paused_ms = sum(self._parts[its].paused_ms for its in between if its in self._clocked)
        late_ms = _begins_late_ms(other.recording) - _begins_late_ms(one.recording)
        return other.start_ms - one.start_ms - paused_ms + late_ms

    def _moved_ms(self, source: int, among: set[int] | None = None) -> float:
        offs = [ms - self._places_ms[source][i] for i, ms in self._found[source] if among is None or i in among]
        return median(offs or [0.0])

    def out_of_bounds(self, source: int, whole: set[int]) -> float:
        """How far a part whose place is not known begins too early, or later than sound may be lost before it."""
        before = self._sources[: self._sources.index(source)]
        its_ms = self._moved_ms(source, whole)
        for other in reversed(before):
            if other in self._found:
                index, ended_ms = self._found[other][-1]
                packets, part = self._recordings[other].packets, self._recordings[other].part
                ended_ms += packets[index].length_ms
                lost_ms = packets[-1].time_ms - packets[index].time_ms + part["timeslice_ms"]
                most_ms = math.inf if self._is_behind_a_stranger(source) else ended_ms + lost_ms + _SLACK_MS
                return min(0.0, its_ms - ended_ms) or max(0.0, its_ms - most_ms)
        return 0.0


def _begins_late_ms(recording: Recording) -> float:
    """How long after its recorder's start a recording begins, which its place in a merge of it alone does not have."""
    first = recording.packets[0]
    return first.time_ms if first.time_ms < first.length_ms / 2 else 0.0
