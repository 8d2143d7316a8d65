"""Out of a merged session, from Python: sound files, clips and pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..captions import resolved
from ..options import CaptionOptions
from ..progress import with_received
from ..sessions.result_names import REDACTED
from ..storage import open_files
from .opening import opened_target

if TYPE_CHECKING:
    from os import PathLike

    from ..options import Limits, S3Options
    from ..progress import StageProgress
    from ..sessions.exports.clip import Clip
    from ..sessions.exports.export import ExportResult
    from ..sessions.exports.options import ExportOptions
    from ..sessions.page.publish import PageResult


def export(
    session_id: str,
    *,
    into: str | PathLike[str] | None = "exports",
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    options: ExportOptions | None = None,
    captions: CaptionOptions | None = None,
    redacted: bool = False,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> ExportResult:
    """Export a merged session, or a clip of it, as sound files in `into`/ID; the result is not changed.

    `into` is a folder or `s3://bucket/prefix`; None is the folder `exports` in the result.  `redacted`: of the redacted
    result, in `into`/redacted/ID.

    Raises UsageError (also: files that are there, an ffmpeg that is needed and not there, or fails), NotFoundError (no
    such store, or nothing is published), RecordingError (the recording is not as it was published) and StorageError.
    """
    from ..sessions.exports.export import export_session  # noqa: PLC0415
    from ..sessions.exports.options import ExportOptions  # noqa: PLC0415

    with opened_target(session_id, store, output, s3, limits, redacted=redacted) as target:
        chosen, captioned = options or ExportOptions(), resolved(captions or CaptionOptions())
        place = None if into is None else open_files(str(into), options=s3, limits=limits)
        if place is not None and redacted:
            place = place.inside(REDACTED)
        return export_session(session_id, target, place, chosen, captioned, with_received(progress))


def read_clip(
    session_id: str,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    role: str | None = None,
    redacted: bool = False,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> Clip:
    """A stretch of a merged session (seconds in audio.webm), of one `role` or all: its sound and what is said in it.

    `clip.to_audiosegment()` is a `pydub.AudioSegment`.  It is held in memory, and has ten minutes at most.
    `redacted`: of the redacted result.

    Raises UsageError, NotFoundError (no such store, or nothing is published), RecordingError (the recording is not as
    it was published, or the role has no channel of its own) and StorageError.
    """
    from ..sessions.exports import clip  # noqa: PLC0415

    with opened_target(session_id, store, output, s3, limits, redacted=redacted) as target:
        return clip.read_clip(session_id, target, start_s, end_s, role, with_received(progress))


def page(
    session_id: str,
    *,
    store: str | PathLike[str] = ".",
    output: str | PathLike[str] | None = None,
    embed: str | PathLike[str] | None = None,
    link_s: int | None = None,
    force: bool = False,
    redacted: bool = False,
    s3: S3Options | None = None,
    limits: Limits | None = None,
    progress: StageProgress | None = None,
) -> PageResult:
    """Make the page of a merged session, beside its audio; or with `embed` one file of that name, the audio inside.

    With `link_s`, `result.link` is a URL on S3 for so many seconds.  A page that is there stays, unless `force`.
    `redacted`: of the redacted result, beside its audio.

    Raises UsageError, NotFoundError (no such store, or nothing is published), RecordingError and StorageError.
    """
    from ..sessions.page import publish  # noqa: PLC0415

    with opened_target(session_id, store, output, s3, limits, redacted=redacted) as target:
        watched = with_received(progress)
        if embed is not None:
            return publish.page_with_audio(session_id, target, Path(embed), watched)
        return publish.page_session(session_id, target, force=force, link_s=link_s, progress=watched)
