"""Exports: a published recording, or a stretch of it, as files that other programs play.

The recording is decoded once for all that is asked; whole stereo Opus is copied.  Files are made beside the place where
they belong and put there when all of them are whole, `exports.json` last.  The published result is not changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from ...captions import caption, synthetic_roles
from ...errors import UsageError
from ...media.opus import SAMPLES_PER_SECOND
from ...progress import Progress, Silent
from ...storage import check_session_id
from .. import report, result_files
from ..redaction.destroyed import kept_result
from ..result_names import EXPORTS, EXPORTS_FOLDER
from .clip_transcript import clip_transcript
from .lanes import lanes_of
from .pieces import ExportPiece, pieces_of
from .sound_files import make_sound_files
from .source import source_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ...documents.report_model import ReportOutput
    from ...options import CaptionOptions
    from ...storage import Files, Target
    from .options import ExportOptions
    from .source import Source

EXPORTS_SCHEMA = "sessiontool.exports/1"


class ExportResult(Struct, frozen=True):
    """What was exported and where it is, as a path or `s3://…`; `document` is exports.json."""

    session_id: str
    location: str
    document: dict[str, Any]


def export_session(
    session_id: str,
    target: Target,
    into: Files | None,
    options: ExportOptions,
    captions: CaptionOptions,
    progress: Progress | None = None,
) -> ExportResult:
    """Export a published session into a folder with its name in `into`, or without that into `exports` in its result.

    A clip is in a folder in that, which is named by its times.

    Raises NotFoundError (nothing published, or no such utterance or gap), RecordingError (the recording is not as it
    was published, or a role has no channel of its own), UsageError (a stretch behind the end; files that are there; an
    ffmpeg that is wanted and is not there, or fails), StorageError.
    """
    progress = progress or Silent()
    _require_ffmpeg(options)
    progress.stage("reading")
    target = kept_result(target)
    published = result_files.read_published(target, result_files.REPORT)
    transcript = result_files.read_published(target, result_files.TRANSCRIPT)
    recording = result_files.audio_of(published)
    with target.fetched(recording) as path:
        source = source_of(session_id, recording, path, published)
        source = replace(source, synthetic=synthetic_roles(transcript))
        pieces, lanes = pieces_of(source, options, published, transcript), lanes_of(source, options)
        place = target.files(EXPORTS_FOLDER) if into is None else into.inside(check_session_id(session_id))
        if (name := _folder_of(pieces, options)) is not None:
            place = place.inside(name)
        said = transcript if options.is_clip else {}
        del published, transcript  # which are large, and not needed while hours are decoded
        stems = [f"{piece.stem}{lane.stem}" for piece in pieces for lane in lanes]
        _require_room(place, [f"{stem}.{form}" for stem in stems for form in options.formats], force=options.force)
        with place.workspace() as work:
            progress.stage("exporting")
            files = make_sound_files(source, lanes, options, pieces, work)
            keeps_length = all(map(_keeps_length, files))
            documents: list[ReportOutput] = []
            if options.is_clip and keeps_length:
                documents = _documents(source, said, captions, pieces[0], files[0]["name"], work)
            reach = ExportPiece(pieces[0].start, max(piece.end for piece in pieces))
            document = _document(source, reach, files, documents)
            if options.filter_graph is not None:
                document |= {"filter": options.filter_graph, "filter_keeps_length": keeps_length}
            result_files.write_text(work / EXPORTS, report.to_text(document))
            progress.stage("publishing")
            place.put({name: work / name for name in (*(one["name"] for one in (*files, *documents)), EXPORTS)})
    return ExportResult(session_id, place.url, document)


def _folder_of(pieces: list[ExportPiece], options: ExportOptions) -> str | None:
    """The folder for what is not the whole recording."""
    if options.is_clip:
        return f"{pieces[0].start / SAMPLES_PER_SECOND:.3f}-{pieces[0].end / SAMPLES_PER_SECOND:.3f}s"
    return "utterances" if options.each_utterance else None


def _require_ffmpeg(options: ExportOptions) -> None:
    """UsageError, before anything is read, where an ffmpeg is wanted and there is none."""
    from ...audio.sound_file import FORMATS  # noqa: PLC0415

    others = [name for name in options.formats if name not in FORMATS]
    if options.filter_graph is None and not others:
        return
    from ...audio.system_ffmpeg import find_ffmpeg  # noqa: PLC0415

    try:
        find_ffmpeg(f"--format {others[0]}" if others else "--filter")
    except UsageError as error:
        known = f"; the formats that need none are {', '.join(FORMATS)}" if others else ""
        raise UsageError(error.message, hint=error.hint + known) from None


def _keeps_length(file: dict[str, Any]) -> bool:
    """Whether a file is as long as what it was made of: captions do not fit to what a filter made longer or shorter."""
    samples = file["end_sample"] - file["start_sample"]
    return bool(file["samples"] == -(-samples * file["rate_hz"] // SAMPLES_PER_SECOND))


def _require_room(place: Files, names: Iterable[str], *, force: bool) -> None:
    there = None if force else place.first_there((EXPORTS, *names))
    if there is not None:
        raise UsageError(f"{place.url} has {there} already", hint="--force replaces it; --into names another folder")


def _documents(
    source: Source, transcript: dict[str, Any], options: CaptionOptions, piece: ExportPiece, audio: str, work: Path
) -> list[ReportOutput]:
    """Write the transcript and captions of a clip whose sound is in `audio`; returns what exports.json says of each."""
    said = clip_transcript(transcript, piece.start / SAMPLES_PER_SECOND, piece.end / SAMPLES_PER_SECOND)
    made = caption(said, options, note=result_files.note_of(source.session_id), audio=audio)
    texts = {**made.files, result_files.TRANSCRIPT: report.to_text(said)}
    for name, text in texts.items():
        result_files.write_text(work / name, text)
    return [result_files.output_of(work / name) for name in texts]


def _document(
    source: Source, reach: ExportPiece, files: list[dict[str, Any]], documents: list[ReportOutput]
) -> dict[str, Any]:
    return {
        "schema": EXPORTS_SCHEMA,
        "session_id": source.session_id,
        "tool": result_files.writing_app(),
        "source": {"name": source.name, "sha256": source.sha256, **reach.json()},
        "files": files,
        "documents": documents,
    }
