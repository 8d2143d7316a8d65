"""One session of a run: looked at, merged or left alone, and described in a few lines, in this process or far away.

A `Job` can be sent to another machine; an `Outcome` is as small as what is written of a session, for there may be a
million of them.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, Self

from msgspec import Struct, field
from msgspec.structs import asdict

from ..errors import BusyError, RecordingError, SessionToolError, unexpected
from ..options import FailOn, MergeOptions
from ..progress import Progress, Silent, Timed
from ..sessions import merge
from ..sessions.corrections_file import CorrectionsFile, with_corrections
from ..sessions.inputs import read_notes
from ..storage import Layout, Limits, Results, S3Options, Store, Target, check_session_id, open_results, open_store
from ..storage.matching import refuse_pattern
from . import selection as selecting
from .selection import Decision, Selection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

Status = Literal["complete", "repaired", "partial", "unchanged", "busy", "skipped", "planned", "failed", "interrupted"]
MERGED = ("complete", "repaired", "partial")
FAILED = ("failed", "interrupted")
_INTERRUPTED = 130
"""Exit code by the definition of shells: 128 and the number of SIGINT."""
_OTHERWISE = "merged with other options"
_PURGED = "its chunks were deleted after it was merged"


class Job(Struct, frozen=True):
    """What a run does with each of its sessions; with `plan_only`, only what it would do.

    `fail_on`: what of a published result gives its session exit code 4.
    """

    store: str
    layout: str
    s3: S3Options = field(default_factory=S3Options)
    limits: Limits = field(default_factory=Limits)
    output: str | None = None
    options: MergeOptions = field(default_factory=MergeOptions)
    selection: Selection = field(default_factory=Selection)
    plan_only: bool = False
    fail_on: FailOn = "failed"
    corrections: CorrectionsFile | None = None


class Outcome(Struct, frozen=True):
    """What became of a session.  `reason`: why it was left alone or planned, or what went wrong.

    `recording`: what the status of an unchanged one was when it was merged, where its report was read.
    `findings` are counted by severity, `codes` are those of warnings and errors.  `announced_at` and `announced_as`:
    when people were first warned of it, and a mark of what was said.
    """

    session_id: str
    status: Status
    exit_code: int = 0
    reason: str = ""
    hint: str = ""
    location: str = ""
    duration_s: float = 0.0
    lost_s: float = 0.0
    chunks: int = 0
    bytes: int = 0
    utterances: int = 0
    findings: Mapping[str, int] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)
    captions_status: str = ""
    recording: str = ""
    announced_at: str = ""
    announced_as: str = ""
    stages_s: Mapping[str, float] = field(default_factory=dict)
    took_s: float = 0.0

    @property
    def needs_a_look(self) -> bool:
        """Whether it failed, sound is lost, or it has warnings or errors."""
        return self.status in (*FAILED, "partial") or bool(self.codes)

    def to_json(self) -> dict[str, Any]:
        """Without what does not apply; the reason of a failure is its `error`, as in every command's JSON."""
        always = ("session_id", "status", "exit_code")
        found = {name: value for name, value in asdict(self).items() if value or name in always}
        if self.status in FAILED:
            found["error"] = found.pop("reason", "")
        return found


class Runner:
    """Does a job, session by session, with one opened store."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._store: Store | None = None
        self._results: Results | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._store is not None:
            self._store.close()

    def run(self, session_id: str, progress: Progress | None = None) -> Outcome:
        """What became of the session; whatever fails is in the outcome."""
        timed = Timed(progress or Silent())
        began = time.monotonic()
        try:
            found = self._do(session_id, timed)
        except BusyError as error:  # the run that has it does it
            found = Outcome(session_id, "busy", reason=error.message)
        except SessionToolError as error:
            found = failed(session_id, error)
        except Exception as error:  # noqa: BLE001 - one session's surprise is not the others'
            found = failed(session_id, unexpected(error))
        took_s = round(time.monotonic() - began, 3)
        return Outcome(**{**_fields(found), "stages_s": timed.stages_s(), "took_s": took_s})

    def _do(self, session_id: str, progress: Progress) -> Outcome:
        job = self._job
        if self._store is None:
            if job.output:
                self._results = open_results(job.output, options=job.s3, limits=job.limits)
            store = open_store(job.store, options=job.s3, layout=Layout(job.layout), limits=job.limits)
            self._store = with_corrections(store, job.corrections)
        refuse_pattern(self._store, session_id)
        target = (self._results or self._store).target(check_session_id(session_id))
        if job.selection.asks or job.plan_only:
            if not (job.plan_only or job.options.dry_run):
                target.tidy()
            progress.stage("looking")
            decision, done = self._decide(session_id, target)
            if not decision.take:
                return Outcome(session_id, "unchanged" if done else "skipped", reason=decision.reason)
            if job.plan_only:
                return Outcome(session_id, "planned", reason=decision.reason)
        try:
            return merged(merge.merge_session(self._store, session_id, target, job.options, progress), job.fail_on)
        except RecordingError:
            if not merge.is_purged(self._store.list_session(session_id), target):
                raise
            return Outcome(session_id, "unchanged", reason=_PURGED)

    def _decide(self, session_id: str, target: Target) -> tuple[Decision, bool]:
        """Whether to merge the session, and whether that is because it was done before."""
        assert self._store is not None
        selection, options = self._job.selection, self._job.options
        listing = self._store.list_session(session_id)
        decision = selecting.by_time(selection, listing)
        if not decision.take:
            return decision, False
        state = "none" if options.force else merge.result_state(self._store, listing, target, options)
        if state == "current":
            return Decision(False, "merged before, from the same input"), True
        if state == "other options":
            is_left = selection.pending and not selection.remerge
            return Decision(not is_left, _OTHERWISE + "; --remerge does it again" * is_left), False
        if merge.is_purged(listing, target):
            return Decision(False, _PURGED), True
        if not selection.pending:
            return decision, False
        with self._store.reading(()) as read:
            notes = read_notes(read, listing)
        return selecting.by_end(selection, listing, notes.session, now_s=time.time()), False


def merged(result: merge.MergeResult, fail_on: FailOn) -> Outcome:
    """The few lines of a merge's result; what an earlier run made has no exit code any more."""
    report, chunks = result.report, result.report.get("chunks", ())
    findings = result.findings
    falls_short = not result.unchanged and result.falls_short(fail_on)
    return Outcome(
        result.session_id,
        "unchanged" if result.unchanged else result.status,  # type: ignore[arg-type]
        RecordingError.exit_code if falls_short else 0,
        reason="merged before, from the same input" if result.unchanged else "",
        location=result.location,
        duration_s=report.get("duration_s", 0.0),
        lost_s=round(sum(finding.lost_ms or 0 for finding in findings) / 1000, 3),
        chunks=len(chunks),
        bytes=sum(chunk["bytes"] for chunk in chunks),
        utterances=report.get("utterances", 0),
        findings=dict(Counter(finding.severity for finding in findings)),
        codes=dict(Counter(finding.code for finding in findings if finding.severity != "info")),
        captions_status=result.captions_status,
        recording=result.status if result.unchanged else "",
    )


def failed(session_id: str, error: SessionToolError) -> Outcome:
    return Outcome(session_id, "failed", error.exit_code, reason=error.message, hint=error.hint)


def interrupted(session_id: str) -> Outcome:
    return Outcome(session_id, "interrupted", _INTERRUPTED, reason="the run was interrupted")


def _fields(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome)
