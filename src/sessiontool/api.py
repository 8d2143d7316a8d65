"""The Python interface: one call for one session.

from sessiontool import merge

result = merge("2026-11-22-dana", store="s3://recordings/sessions", output="merged")
print(result.status, result.location)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from .documents.log_options import log_options
from .options import MergeOptions
from .sessions.merge import MergeResult, merge_session
from .storage import Layout, Limits, S3Options, open_output, open_store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from .progress import Progress


def merge(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    layout: str | None = None,
    keep_pauses: bool = False,
    align: bool = True,
    vad: bool = False,
    words: bool = False,
    prefer: Literal["events", "utterances"] = "utterances",
    log: Mapping[str, Any] | None = None,
    strict: bool = False,
    force: bool = False,
    dry_run: bool = False,
    profile: str | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
    sse: str | None = None,
    sse_kms_key_id: str | None = None,
    tags: str | None = None,
    require_consent: bool = False,
    max_chunk_bytes: int = Limits().chunk_bytes,
    max_document_bytes: int = Limits().document_bytes,
    max_report_bytes: int = Limits().report_bytes,
    progress: Progress | None = None,
) -> MergeResult:
    """Join a session's chunks into one seekable `audio.webm`, with captions placed by the sound.

    `store` is a folder or `s3://bucket/prefix`; results go to `<store>/<session_id>/merged/`, or to
    `<output>/<session_id>/`.  `layout` names the chunks where they are not `{session}/chunks/{part}/{seq}.{ext}`.
    `vad` asks Silero's voice detector where noise is loud (extra `sessiontool[vad]`), `words` finds the time of each
    word too (extra `sessiontool[words]`).  `prefer` says whose word counts where utterances.jsonl and the event log
    both know something of an utterance, and `log` what the fields of such a log mean, as the table `[log]` of the
    settings does.  `sse` (`AES256`, `aws:kms`), `sse_kms_key_id` and `tags`
    (`name=value,name=value`) hold for what is put into S3.  What is larger than `max_chunk_bytes`,
    `max_document_bytes` or, of an earlier result, `max_report_bytes` is not read.  Settings in files or the
    environment are not read, but for boto3's own credential chain.

    Raises UsageError (the id or the options make no sense), NotFoundError (no such store or session), RecordingError
    (the recording cannot be used, has findings and `strict`, or no consent and `require_consent`), StorageError
    (unreachable, full, forbidden; BusyError where another run is at work on the session); all are SessionToolError.
    When it raises, what was published before stands.  Only a StorageError in the last steps of publishing may leave it
    to the next call to put the new result in place.
    """
    options = MergeOptions(
        pauses="keep" if keep_pauses else "close",
        align=align,
        vad=vad,
        words=words,
        prefer=prefer,
        log=log_options(log or {}, "log"),
        strict=strict,
        require_consent=require_consent,
        force=force,
        dry_run=dry_run,
    )
    s3 = S3Options(
        profile=profile, region=region, endpoint_url=endpoint_url, sse=sse, sse_kms_key_id=sse_kms_key_id, tags=tags
    )
    limits = Limits(max_chunk_bytes, max_document_bytes, max_report_bytes)
    with open_store(str(store), options=s3, layout=Layout(layout) if layout else Layout(), limits=limits) as opened:
        elsewhere = output is not None
        target = (
            open_output(str(output), session_id, options=s3, limits=limits) if elsewhere else opened.target(session_id)
        )
        return merge_session(opened, session_id, target, options, progress)
