"""The Python interface: what the command line does, called from a program.

from sessiontool import MergeOptions, merge

result = merge("2026-11-22-dana", store="s3://recordings/sessions", options=MergeOptions(pauses="keep"))
print(result.status, result.location)

Every function takes the session's id and, by name: `store`, a folder or `s3://bucket/prefix`; `output`, where results
are if not in the store; `layout`, how chunks are named if not `{session}/chunks/{part}/{seq}.{ext}`.  What is larger
than `limits` is not read, `s3` has what boto3's own configuration does not say, and `progress` is called at each stage.
Settings in files and the environment are not read, except boto3's.

All errors are SessionToolError: UsageError (the id or an option makes no sense), NotFoundError (no such store, session
or result), RecordingError (what is stored cannot be used), StorageError (unreachable, full, forbidden), and of that
BusyError (another run works on the session).
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .captions import resolved
from .errors import UsageError
from .options import CaptionOptions, Limits, LogOptions, MergeOptions, S3Options
from .progress import with_received
from .sessions import event_log, recaption
from .sessions import merge as merging
from .sessions.redaction import redact as redacting
from .storage import DEFAULT_PATTERN, Layout, open_results, open_store, target_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from os import PathLike

    from .batch.job import Outcome
    from .progress import StageProgress
    from .sessions.event_log import LogResult
    from .sessions.exports.clip import Clip
    from .sessions.exports.export import ExportResult
    from .sessions.exports.options import ExportOptions
    from .sessions.merge import MergeResult, VerifyResult
    from .sessions.page.publish import PageResult
    from .sessions.purge import Purge
    from .sessions.recaption import RecaptionResult
    from .sessions.redaction.asked import RedactRequest
    from .sessions.redaction.redact import RedactResult
    from .storage import Store


def merge(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    layout: str | None = None,
    options: MergeOptions | None = None,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> MergeResult:
    """Join a session's chunks into one seekable `audio.webm` (of AAC, `audio.m4a`), with captions placed by the sound.

    Results go to `<store>/<session_id>/merged/`, or to `<output>/<session_id>/`.  A session that was merged from the
    same input by the same options is left alone: `result.unchanged`.

    Raises UsageError, NotFoundError (no such store or session), RecordingError (the recording cannot be used, has
    findings and `options.strict`, or no consent and `options.require_consent`) and StorageError.  Then what was
    published before remains; only a StorageError in the last steps of publishing leaves them to the next call.
    """
    with _opened(store, layout, s3, limits) as opened:
        target = target_of(opened, session_id, output, options=s3, limits=limits)
        return merging.merge_session(opened, session_id, target, _settled(options), with_received(progress))


def inspect(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    layout: str | None = None,
    log: LogOptions | None = None,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> MergeResult:
    """Read a whole session and report on it as a merge would; nothing is written, aligned or captioned.

    `result.status` is what a merge would have.  `log` says how the log is read, as in MergeOptions.

    Raises UsageError, NotFoundError (no such store or session), RecordingError (no usable chunks) and StorageError.
    """
    with _opened(store, layout, s3, limits) as opened:
        return merging.inspect_session(opened, session_id, with_received(progress), log)


def verify(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    layout: str | None = None,
    texts: Sequence[str] = (),
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> VerifyResult:
    """Check a published result by reading it from scratch: every packet, index, time and hash.

    `result.findings` has what is wrong, `result.redacted` the same of the redacted result, where there is one; `texts`
    are regular expressions that must match nothing in that.

    Raises UsageError, NotFoundError (no such store, or nothing is published) and StorageError.
    """
    with _opened(store, layout, s3, limits) as opened:
        target = target_of(opened, session_id, output, options=s3, limits=limits)
        return merging.verify_session(session_id, target, with_received(progress), texts=texts)


def redact(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    asked: RedactRequest,
    dry_run: bool = False,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> RedactResult:
    """Make a second result of a merged session, in `redacted/`, from which what is `asked` is gone, unless `dry_run`.

    Raises UsageError (a pattern or a span makes no sense), NotFoundError (nothing is published, or matches),
    RecordingError (something has no place in the sound) and StorageError; then nothing was changed.
    """
    with _opened(store, None, s3, limits) as opened:
        target = target_of(opened, session_id, output, options=s3, limits=limits)
        return redacting.redact_session(
            opened, session_id, target, asked, dry_run=dry_run, progress=with_received(progress)
        )


def caption(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    layout: str | None = None,
    options: CaptionOptions | None = None,
    dry_run: bool = False,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> RecaptionResult:
    """Make the captions of a merged session again, from its transcript.json; neither chunks nor audio are read.

    `result.captions` has the files' text by name, `result.captions.check()` what breaks the profile, by format.

    Raises UsageError (also: a format's package is missing), NotFoundError (no such store, or nothing is published),
    RecordingError (no transcript that can be used) and StorageError; then nothing was changed.
    """
    with _opened(store, layout, s3, limits) as opened:
        target, seen = target_of(opened, session_id, output, options=s3, limits=limits), with_received(progress)
        look = resolved(options or CaptionOptions())
        return recaption.recaption_session(session_id, target, look, store=opened, publish=not dry_run, progress=seen)


def export(
    session_id: str,
    *,
    into: str | PathLike[str] = "exports",
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    options: ExportOptions | None = None,
    captions: CaptionOptions | None = None,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> ExportResult:
    """Export a merged session, or a clip of it, as sound files in `into`/ID; the result is not changed.

    Raises UsageError (also: files that are there, an ffmpeg that is needed and not there, or fails), NotFoundError (no
    such store, or nothing is published), RecordingError (the recording is not as it was published) and StorageError.
    """
    from .sessions.exports.export import export_session  # noqa: PLC0415
    from .sessions.exports.options import ExportOptions  # noqa: PLC0415

    with _opened(store, None, s3, limits) as opened:
        target = target_of(opened, session_id, output, options=s3, limits=limits)
        chosen, captioned = options or ExportOptions(), resolved(captions or CaptionOptions())
        return export_session(session_id, target, Path(into), chosen, captioned, with_received(progress))


def read_clip(
    session_id: str,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    role: str | None = None,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> Clip:
    """A stretch of a merged session (seconds in audio.webm), of one `role` or all: its sound and what is said in it.

    `clip.to_audiosegment()` is a `pydub.AudioSegment`.  It is held in memory, and has ten minutes at most.

    Raises UsageError, NotFoundError (no such store, or nothing is published), RecordingError (the recording is not as
    it was published, or the role has no channel of its own) and StorageError.
    """
    from .sessions.exports import clip  # noqa: PLC0415

    with _opened(store, None, s3, limits) as opened:
        target = target_of(opened, session_id, output, options=s3, limits=limits)
        return clip.read_clip(session_id, target, start_s, end_s, role, with_received(progress))


def page(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    embed: str | PathLike[str] | None = None,
    link_s: int | None = None,
    force: bool = False,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> PageResult:
    """Make the page of a merged session, beside its audio; or with `embed` one file of that name, the audio inside.

    With `link_s`, `result.link` is a URL on S3 for so many seconds.  A page that is there stays, unless `force`.

    Raises UsageError, NotFoundError (no such store, or nothing is published), RecordingError and StorageError.
    """
    from .sessions.page import publish  # noqa: PLC0415

    with _opened(store, None, s3, limits) as opened:
        target, watched = target_of(opened, session_id, output, options=s3, limits=limits), with_received(progress)
        if embed is not None:
            return publish.page_with_audio(session_id, target, Path(embed), watched)
        return publish.page_session(session_id, target, force=force, link_s=link_s, progress=watched)


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
    with _opened(store, layout, s3, limits) as opened:
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
    from .sessions.purge import Purger, Rule  # noqa: PLC0415
    from .sessions.purge_receipt import appended_to  # noqa: PLC0415

    for name, days in (("chunks_after_days", chunks_after_days), ("all_after_days", all_after_days)):
        if days is not None and not days >= 0:
            raise UsageError(f"{name} {days:g} is no number of days", hint="it is 0 or more")
    if delete != (receipt is not None):
        raise UsageError("delete and receipt need each other", hint="name the file that records what is deleted")
    beside = nullcontext() if output is None else _opened(output, None, s3, limits)
    with _opened(store, layout, s3, limits) as opened, beside as results:
        target = target_of(opened, session_id, output, options=s3, limits=limits)
        purger = Purger(opened, Rule(chunks_after_days, all_after_days), output=results, even_damaged=even_damaged)
        if receipt is None:
            return purger.examine(session_id, target, with_received(progress))
        return purger.purge(session_id, target, appended_to(receipt, str(store)), with_received(progress))


def merge_many(
    session_ids: Iterable[str],
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    layout: str | None = None,
    options: MergeOptions | None = None,
    workers: int | None = None,
    s3: S3Options | None = None,
    limits: Limits | None = None,
) -> Iterator[Outcome]:
    """Merge many sessions, each in a process of its own; yields what became of each, in the order in which they end.

    `session_ids` may be any iterable, read a little ahead by a thread; an id that comes again is passed over.
    `workers`: by default as many as there are processors.  A session that fails does not stop the others: its outcome
    has the `status` "failed", `reason`, `hint`, `exit_code`.  To stop early, close the iterator.

    The processes are spawned, so a script must call it below `if __name__ == "__main__":`.

    Raises UsageError and NotFoundError at once; while it runs, what `session_ids` raises.
    """
    from .batch.job import Job  # noqa: PLC0415
    from .batch.process_pool import outcomes_of  # noqa: PLC0415

    if workers is not None and workers < 1:
        raise UsageError(f"workers {workers} is no number of processes", hint="it is 1 or more")
    with _opened(store, layout, s3, limits):
        if output is not None:
            open_results(str(output), options=s3, limits=limits)
    place = None if output is None else str(output)
    job = Job(str(store), layout or DEFAULT_PATTERN, s3 or S3Options(), limits or Limits(), place, _settled(options))
    return outcomes_of(job, session_ids, workers)


def _opened(store: str | PathLike[str], layout: str | None, s3: S3Options | None, limits: Limits | None) -> Store:
    return open_store(str(store), options=s3, layout=Layout(layout or DEFAULT_PATTERN), limits=limits)


def _settled(options: MergeOptions | None) -> MergeOptions:
    """The options with the rules of captions in the place of their name, as the command line has them (UsageError)."""
    options = options or MergeOptions()
    return replace(options, captions=resolved(options.captions))
