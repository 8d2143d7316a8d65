"""Merging from Python: one session or many, and looking at a recording before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..captions import resolved
from ..options import Limits, MergeOptions, S3Options
from ..progress import with_received
from ..sessions import merge as merging
from ..storage import open_results, target_of
from .opening import corrections_file, layout_of, opened_store, opened_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from os import PathLike

    from ..batch.job import Outcome
    from ..options import LogOptions
    from ..progress import StageProgress
    from ..sessions.merge import MergeResult, VerifyResult


def merge(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    layout: str | None = None,
    corrections: str | PathLike[str] | None = None,
    options: MergeOptions | None = None,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> MergeResult:
    """Join a session's chunks into one seekable `audio.webm` (of AAC, `audio.m4a`), with captions placed by the sound.

    Results go to `<store>/<session_id>/merged/`, or to `<output>/<session_id>/`.  A session that was merged from the
    same input by the same options is left alone: `result.unchanged`.  `corrections` is a file of them, beside those of
    the store.

    Raises UsageError, NotFoundError (no such store or session), RecordingError (the recording cannot be used, has
    findings and `options.strict`, or no consent and `options.require_consent`) and StorageError.  Then what was
    published before remains; only a StorageError in the last steps of publishing leaves them to the next call.
    """
    with opened_store(store, layout, s3, limits, corrections, session_id=session_id) as opened:
        target = target_of(opened, session_id, output, options=s3, limits=limits)
        return merging.merge_session(opened, session_id, target, _settled(options), with_received(progress))


def merge_many(
    session_ids: Iterable[str],
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    layout: str | None = None,
    corrections: str | PathLike[str] | None = None,
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
    from ..batch.job import Job  # noqa: PLC0415
    from ..batch.process_pool import outcomes_of  # noqa: PLC0415

    with opened_store(store, layout, s3, limits):
        if output is not None:
            open_results(str(output), options=s3, limits=limits)
    place = None if output is None else str(output)
    job = Job(
        str(store),
        layout_of(store, layout, s3, limits),
        s3 or S3Options(),
        limits or Limits(),
        place,
        _settled(options),
        corrections=corrections_file(corrections),
    )
    return outcomes_of(job, session_ids, workers)


def inspect(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    layout: str | None = None,
    corrections: str | PathLike[str] | None = None,
    log: LogOptions | None = None,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> MergeResult:
    """Read a whole session and report on it as a merge would; nothing is written, aligned or captioned.

    `result.status` is what a merge would have.  `log` says how the log is read, as in MergeOptions.

    Raises UsageError, NotFoundError (no such store or session), RecordingError (no usable chunks) and StorageError.
    """
    with opened_store(store, layout, s3, limits, corrections, session_id=session_id) as opened:
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
    with opened_target(session_id, store, output, s3, limits, layout) as target:
        return merging.verify_session(session_id, target, with_received(progress), texts=texts)


def _settled(options: MergeOptions | None) -> MergeOptions:
    """The options with the rules of captions in the place of their name, as the command line has them (UsageError)."""
    options = options or MergeOptions()
    return replace(options, captions=resolved(options.captions))
