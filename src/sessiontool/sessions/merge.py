"""The stages in order: list, read and join, align, caption, check, publish.  Prints nothing.

A merge works in a folder of its own and publishes at the end, or not at all; a dry run does everything but that.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import RecordingError
from ..options import LogOptions, MergeOptions
from ..progress import Progress, Silent
from ..storage import scratch_folder, target_of
from . import result_files
from .compare import Comparer
from .corrections import keep_edits
from .earlier_result import EarlierResult
from .inputs import read_notes, read_session_document
from .join import assemble_session, join_session, reading
from .made_recording import joined, recorded, sound_files
from .provenance import was_made
from .redaction.destroyed import left_alone, originals_of, redacted_alone, require_nothing_else, require_originals
from .redaction.renew import is_renewed, renew_older, renew_redacted
from .report import findings_of
from .requirements import require_apart, require_consent, require_recording
from .result_names import REDACTED
from .second_recording import reading_second
from .settings_used import words_engine
from .transcript import no_transcript
from .verify_result import verify_published
from .write_result import Origin, Placements, make_report, write_result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..align import Alignment
    from ..alignment.speech_activity import Activity
    from ..documents.models import SessionDocument
    from ..documents.report_model import Report
    from ..documents.transcript_model import Transcript
    from ..model import Finding, SessionListing
    from ..options import FailOn
    from ..storage import Reader, Store, Target
    from .inputs import Notes
    from .join import Recording


class MergeResult(Struct, frozen=True):
    """What a merge made: `report` and `transcript` as in the files, `location` where they are.

    `redacted` is where a redacted result was made of it, empty where nothing is to be redacted or it was there already.
    `unchanged`: the result was there already, made from the same input; nothing was done, and `transcript` is without
    utterances, as it was not read.
    """

    session_id: str
    location: str
    report: Report
    transcript: Transcript = field(default_factory=no_transcript)
    unchanged: bool = False
    dry_run: bool = False
    redacted: str = ""

    @property
    def has_transcript(self) -> bool:
        """Whether `transcript` is that of the result: where nothing was done, or nothing but looked, it is not."""
        return bool(self.transcript["session_id"])

    @property
    def status(self) -> str:
        """`complete`, `repaired` or `partial`."""
        return str(self.report["status"])

    @property
    def captions_status(self) -> str:
        """`complete`, `doubtful` or `none`; empty where nothing was captioned."""
        return str(self.report.get("captions_status", ""))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was repaired or is doubtful, as in the report."""
        return findings_of(self.report)

    def falls_short(self, fail_on: FailOn) -> bool:
        """Whether the result is one that a caller wants to be an error: recorded sound is gone, or also any warning."""
        is_warned = fail_on == "warning" and any(finding.severity != "info" for finding in self.findings)
        return is_warned or (fail_on != "failed" and self.status == "partial")


class VerifyResult(Struct, frozen=True):
    """What a check of a published result found; without `findings` the result is whole.

    `redacted` is the same of the redacted result, None without one.
    """

    session_id: str
    location: str
    report: Report
    findings: tuple[Finding, ...]
    redacted: VerifyResult | None = None


def merge_session(
    store: Store, session_id: str, target: Target, options: MergeOptions, progress: Progress | None = None
) -> MergeResult:
    """Merge one session into `target`; what was merged from the same input is left alone.

    The work is done in `target.workspace()`, which one run has at a time: where another run is at work on the same
    result, BusyError (a StorageError) is raised at once and nothing was done.  A run that ended while this one looked
    is noticed.

    Raises NotFoundError, RecordingError (nothing usable, or findings and `strict`), StorageError, UsageError; then
    nothing was published.
    """
    progress = progress or Silent()
    progress.stage("listing")
    require_apart(store, session_id, target)
    if not options.dry_run:
        target.tidy()
    look = EarlierResult(store, store.list_session(session_id), target, options)
    if look.report is None and (alone := left_alone(look.listing, target)):
        require_nothing_else(look.listing, alone)
        _check_consent(store, look.listing, options)
        return MergeResult(session_id, target.inside(REDACTED).url, alone, unchanged=True, dry_run=options.dry_run)
    if not options.force and look.published:
        return _left_alone(store, look, target, options, progress)
    require_recording(look.listing)
    # What is read is on its way while other things are asked for.
    with (
        reading(store, look.listing) as read,
        scratch_folder() if options.dry_run else target.workspace() as work,
        sound_files(look.listing) as sound,
    ):
        if target.read(result_files.REPORT) != look.report:  # another run was here since
            look = EarlierResult(store, store.list_session(session_id), target, options)
            if not options.force and look.published:
                return _left_alone(store, look, target, options, progress, is_ours=True)
        notes = read_notes(read, look.listing, options.prefer, options=options.log, sound=sound)
        edited = keep_edits(session_id, target, look.report, notes.corrections, work, force=options.force)
        _require_consent(look.listing, notes.session, options)
        keep = options.pauses == "keep"
        with reading_second(store, look.second) as second:
            comparer = Comparer(session_id, look.second, *second)

            def join(
                source: Store, listing: SessionListing, session: SessionDocument, underway: Reader | None = None
            ) -> Recording:
                found = join_session(source, listing, session, work, keep_pauses=keep, progress=progress, read=underway)
                return comparer.compared(found)

            with joined(store, look.listing, notes, join, read) as (first, join_again):
                recording, alignment, peaks = first, None, bytearray()
                del first
                if options.align and notes.utterances:
                    recording, alignment = hear_session(join_again, recording, notes, options, progress, peaks)[:2]
                    alignment = _with_words(alignment, recording, options, target, progress)
                placed = Placements.of(alignment, notes, recording.timeline)
                del alignment
        progress.stage("writing")
        send = None if options.dry_run or options.strict else target.send_ahead
        origin = Origin(look.settings, options.captions, look.mark)
        document, transcript = write_result(session_id, notes, recording, placed, origin, send)
        _refuse_findings(document, options)
        if options.page:
            _add_page(document, transcript, recording, bytes(peaks))
        if not options.dry_run:
            progress.stage("publishing")
            left = result_files.obsolete(target.sizes(), document) if look.report else ()
            target.publish({**edited, **{name: work / name for name in result_files.names(document)}}, left)
        redacted = "" if options.dry_run else renew_redacted(store, look.listing, target, progress)
    return MergeResult(session_id, target.url, document, transcript, dry_run=options.dry_run, redacted=redacted)


ResultState = Literal["current", "other options", "stale", "none"]
"""A result was made from this very input by these options, from it by others, from another input; or there is none."""


def result_state(store: Store, listing: SessionListing, target: Target, options: MergeOptions) -> ResultState:
    """What there is in `target` of a session.

    StorageError; RecordingError where it is current, without the consent that the options require.
    """
    look = EarlierResult(store, listing, target, options)
    if look.published:
        _check_consent(store, listing, options)
        return "current" if is_renewed(store, listing, target) else "stale"
    if look.report is None:
        return "current" if left_alone(look.listing, target) and not originals_of(look.listing) else "none"
    return "other options" if look.is_by_others else "stale"


def is_purged(listing: SessionListing, target: Target) -> bool:
    """Whether there is a result, and the chunks that it was made of are not there any more (StorageError)."""
    if listing.chunks:
        return False
    body = target.read(result_files.REPORT)
    return body is not None and not was_made(result_files.current_report(body))


def inspect_session(
    store: Store, session_id: str, progress: Progress | None = None, log: LogOptions | None = None
) -> MergeResult:
    """Read a whole session and report on it without writing, aligning or publishing anything.

    `log` says how the log is read.
    """
    from tempfile import TemporaryFile  # noqa: PLC0415 - a merge has a folder of its own

    progress = progress or Silent()
    progress.stage("listing")
    listing = store.list_session(session_id)
    if not listing.chunks:
        hint = "what is left is its redacted result: `sessiontool verify ID` reads it"
        require_originals(listing, target_of(store, session_id, None), "nothing is left to inspect", hint)
    require_recording(listing)
    with reading(store, listing) as read, TemporaryFile() as scratch, sound_files(listing) as sound:
        notes = read_notes(read, listing, now_s=time.time(), options=log or LogOptions(), sound=sound)
        with (
            recorded(store, listing, notes) as (source, found),
            nullcontext(read) if source is store else reading(source, found) as reader,
        ):
            joiner, assembly = assemble_session(
                source, reader, found, notes.session, scratch, keep_pauses=False, progress=progress
            )
        timeline = joiner.timeline()
    document = make_report(session_id, notes, assembly, timeline)
    return MergeResult(session_id, f"{store.url.rstrip('/')}/{listing.folder}", document, dry_run=True)


def verify_session(
    session_id: str, target: Target, progress: Progress | None = None, *, texts: Sequence[str] = ()
) -> VerifyResult:
    """Check a published result, and the redacted one beside it, by reading them from scratch.

    `texts` are patterns that must match nothing in the latter.  NotFoundError, UsageError for a pattern, StorageError.
    """
    from .redaction.verify_redacted import verify_redacted  # noqa: PLC0415 - a merge makes no such result itself

    (progress or Silent()).stage("verifying")
    if redacted_alone(target):
        found = verify_redacted(session_id, target, texts)
        assert found is not None, "it is there"
        inside = target.inside(REDACTED)
        return VerifyResult(session_id, inside.url, found[0], tuple(found[1]))
    document, problems = verify_published(target, session_id)
    redacted, inside = verify_redacted(session_id, target, texts), target.inside(REDACTED)
    beside = None if redacted is None else VerifyResult(session_id, inside.url, redacted[0], tuple(redacted[1]))
    return VerifyResult(session_id, target.url, document, tuple(problems), beside)


def _left_alone(
    store: Store,
    look: EarlierResult,
    target: Target,
    options: MergeOptions,
    progress: Progress,
    *,
    is_ours: bool = False,
) -> MergeResult:
    """The result that is there already; `is_ours`: this is called in its workspace."""
    assert look.published, "there is one"
    _check_consent(store, look.listing, options)
    redacted = "" if options.dry_run else renew_older(store, look.listing, target, progress, is_ours=is_ours)
    name, dry_run = look.listing.session_id, options.dry_run
    return MergeResult(name, target.url, look.published, unchanged=True, dry_run=dry_run, redacted=redacted)


def _check_consent(store: Store, listing: SessionListing, options: MergeOptions) -> None:
    """RecordingError where consent is required now and none was noted: that there is a result does not excuse it."""
    if options.require_consent:
        require_consent(listing, read_session_document(store.read, listing)[0], merged=True)


def _require_consent(listing: SessionListing, session: SessionDocument, options: MergeOptions) -> None:
    """RecordingError where consent is required and none was noted."""
    if options.require_consent:
        require_consent(listing, session)


def hear_session(
    join: Callable[[SessionDocument], Recording],
    recording: Recording,
    notes: Notes,
    options: MergeOptions,
    progress: Progress,
    peaks: bytearray | None = None,
) -> tuple[Recording, Alignment, Activity]:
    """Where the utterances are in the recording, which is joined again where its sound tells when a part began.

    `join` does that with what is then known of the session.  Where a page is wanted, `peaks` becomes those of the
    sound.
    """
    from .align_recording import find_utterances, started_by_sound  # noqa: PLC0415

    peaks = peaks if options.page else None
    alignment, activity = find_utterances(recording, notes, progress, vad=options.vad, peaks=peaks)
    session, findings = started_by_sound(notes.session, recording, alignment)
    if not findings:
        return recording, alignment, activity
    recording = join(session)
    recording.assembly.findings += findings
    return recording, *find_utterances(recording, notes, progress, vad=options.vad, peaks=peaks)


def _with_words(
    alignment: Alignment, recording: Recording, options: MergeOptions, target: Target, progress: Progress
) -> Alignment:
    """The alignment with what was heard of cut-off turns, and with words where they are wanted."""
    engine = words_engine(options)
    if engine is None:
        from ..speech.logged_words import with_logged_words  # noqa: PLC0415 - what is aligned needs it
        from ..speech.truncation import with_heard_text  # noqa: PLC0415

        return replace(alignment, placements=with_logged_words(with_heard_text(alignment.placements)))
    from .align_recording import find_words  # noqa: PLC0415
    from .word_cache import known_words  # noqa: PLC0415

    known = {} if options.force else known_words(target, recording.path, engine)
    return find_words(alignment, recording, known, progress)


def _add_page(document: Report, transcript: Transcript, recording: Recording, peaks: bytes) -> None:
    """Put the page beside the recording; its peaks are those of the alignment, or made now where there was none."""
    from ..audio.peaks import decoded_peaks, peaks_file  # noqa: PLC0415 - numpy and the decoder
    from .align_recording import packets_of  # noqa: PLC0415
    from .page.publish import add_page  # noqa: PLC0415
    from .result_names import METRICS  # noqa: PLC0415

    metrics = recording.path.with_name(METRICS)
    head = recording.head
    file = peaks_file(peaks, head.channels) if peaks else None
    file = file or decoded_peaks(packets_of(recording.path), head)
    figures = metrics.read_bytes() if metrics.exists() else None
    add_page(recording.path.parent, document, transcript, file, figures)


def _refuse_findings(document: Report, options: MergeOptions) -> None:
    serious = [finding for finding in document["findings"] if finding["severity"] != "info"]
    if options.strict and serious:
        raise RecordingError(
            f"{len(serious)} finding(s), and --strict allows none: " + "; ".join(f["message"] for f in serious[:3]),
            hint="nothing was published; without --strict the recording is repaired as far as it can be",
        )
