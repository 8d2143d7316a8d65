"""A merged session worked on again, from Python: captioned, redacted, deleted; and its log of events read."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from ..captions import resolved
from ..errors import UsageError
from ..options import CaptionOptions
from ..progress import with_received
from ..sessions import event_log, recaption
from ..sessions.redaction import redact as redacting
from ..storage import target_of
from .opening import corrections_file, opened_store

if TYPE_CHECKING:
    from os import PathLike

    from ..options import Limits, LogOptions, S3Options
    from ..progress import StageProgress
    from ..sessions.event_log import LogResult
    from ..sessions.purge import Purge
    from ..sessions.recaption import RecaptionResult
    from ..sessions.redaction.asked import RedactRequest
    from ..sessions.redaction.redact import RedactResult


def caption(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    layout: str | None = None,
    corrections: str | PathLike[str] | None = None,
    options: CaptionOptions | None = None,
    phones: bool = False,
    dry_run: bool = False,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> RecaptionResult:
    """Make the captions of a merged session again, from its transcript.json; neither chunks nor audio are read.

    With `phones` the sounds of its words are looked for in the audio, and put into transcript.json
    (`sessiontool[words]`).

    `result.captions` has the files' text by name, `result.captions.check()` what breaks the profile, by format.

    Raises UsageError (also: a format's package is missing), NotFoundError (no such store, or nothing is published),
    RecordingError (no transcript that can be used) and StorageError; then nothing was changed.
    """
    file = corrections_file(corrections)
    with opened_store(store, layout, s3, limits, session_id=session_id) as opened:
        target, seen = target_of(opened, session_id, output, options=s3, limits=limits), with_received(progress)
        look = resolved(options or CaptionOptions())
        changes = recaption.TranscriptChanges(file.of_session(session_id) if file else None, phones)
        return recaption.recaption_session(
            session_id, target, look, changes, store=opened, publish=not dry_run, progress=seen
        )


def redact(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    asked: RedactRequest,
    destroy_originals: bool = False,
    receipt: str | PathLike[str] | None = None,
    dry_run: bool = False,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> RedactResult:
    """Make a second result of a merged session, in `redacted/`, from which what is `asked` is gone, unless `dry_run`.

    With `destroy_originals` chunks, log, merged result and older versions are deleted then, for good, where it is
    proved that nothing but what is redacted goes; what is deleted is appended to the file `receipt`, which that needs.
    `result.originals` says what was deleted, or in a dry run would be.

    Raises UsageError (a pattern or a span makes no sense), NotFoundError (nothing is published, or matches),
    RecordingError (something has no place in the sound, or originals may not be deleted; none was) and StorageError;
    then nothing was changed.
    """
    from ..sessions.purge_receipt import appended_to  # noqa: PLC0415
    from ..sessions.redaction.destroy import OriginalsOf, redact_for_good  # noqa: PLC0415

    if (destroy_originals and not dry_run) != (receipt is not None):
        raise UsageError(
            "destroy_originals and receipt need each other", hint="name the file that records what is deleted"
        )
    seen = with_received(progress)
    beside = nullcontext() if output is None else opened_store(output, None, s3, limits)
    with opened_store(store, None, s3, limits) as opened, beside as results:
        target = target_of(opened, session_id, output, options=s3, limits=limits)
        if not destroy_originals:
            return redacting.redact_session(opened, session_id, target, asked, dry_run=dry_run, progress=seen)
        write = appended_to(receipt or "", str(store))  # a dry run writes none
        originals = OriginalsOf(opened, session_id, target, results)
        return redact_for_good(originals, asked, write, dry_run=dry_run, progress=seen)


def read_events(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    layout: str | None = None,
    log: LogOptions | None = None,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> LogResult:
    """Read a session's log of Realtime events: `result.log` has its sessions, utterances and notes.

    Times are integer microseconds on the session clock.  `log` says how the log is read, as in MergeOptions.

    Raises UsageError, NotFoundError (no such store, session or log), RecordingError (it is no log) and StorageError.
    """
    with opened_store(store, layout, s3, limits, session_id=session_id) as opened:
        return event_log.read_session_log(opened, session_id, with_received(progress), log)


def purge(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    layout: str | None = None,
    chunks_after_days: float | None = None,
    all_after_days: float | None = None,
    even_damaged: bool = False,
    delete: bool = False,
    receipt: str | PathLike[str] | None = None,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> Purge:
    """Say what of a session is due to be deleted, by its session.json; with `delete`, delete it.

    `chunks_after_days` and `all_after_days` hold for a session whose session.json says nothing.  Chunks are due only
    where the result is verified and has every byte of each, but for `even_damaged`.  What is deleted is appended to
    the file `receipt`, which `delete` needs, before and after.

    Raises UsageError, NotFoundError (no such store or session), RecordingError (something is due that must not be
    deleted; nothing was) and StorageError (the receipt cannot be written, too; BusyError where a merge is at work).
    """
    from ..sessions.purge import Purger, Rule  # noqa: PLC0415
    from ..sessions.purge_receipt import appended_to  # noqa: PLC0415

    for name, days in (("chunks_after_days", chunks_after_days), ("all_after_days", all_after_days)):
        if days is not None and not days >= 0:
            raise UsageError(f"{name} {days:g} is no number of days", hint="it is 0 or more")
    if delete != (receipt is not None):
        raise UsageError("delete and receipt need each other", hint="name the file that records what is deleted")
    beside = nullcontext() if output is None else opened_store(output, None, s3, limits)
    with opened_store(store, layout, s3, limits, session_id=session_id) as opened, beside as results:
        target = target_of(opened, session_id, output, options=s3, limits=limits)
        purger = Purger(opened, Rule(chunks_after_days, all_after_days), output=results, even_damaged=even_damaged)
        if receipt is None:
            return purger.examine(session_id, target, with_received(progress))
        return purger.purge(session_id, target, appended_to(receipt, str(store)), with_received(progress))
