"""Exports: a published recording, or a stretch of it, as files that other programs play.

The recording is decoded once for all that is asked; whole stereo Opus is copied.  Files are made beside the place where
they belong and moved there when all of them are whole, `exports.json` last.  The published result is not changed.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..captions import caption
from ..errors import RecordingError, UsageError
from ..media.matroska.demuxer import WebmDemuxer
from ..media.opus import SAMPLES_PER_SECOND, PacketSamples
from ..progress import Progress, Silent
from ..storage import check_session_id
from . import report, result_files
from .align_recording import packets_of
from .clip_transcript import clip_transcript

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..audio.sound_file import SoundFile
    from ..documents.report_model import ReportOutput
    from ..media.opus import OpusHead
    from ..options import CaptionOptions
    from ..storage import Target

EXPORTS, EXPORTS_SCHEMA = "exports.json", "sessiontool.exports/1"

_HEAD_BYTES = 1 << 16
"""The header of audio.webm is in it, whatever its index: chosen; a header has a few hundred bytes."""

_ROLE = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What is exported: the whole, or from `start_s` to `end_s`; as it is, mixed to `mono`, or a file for each role.

    `force` replaces files that are there.  UsageError where that makes no sense.
    """

    formats: tuple[str, ...] = ("wav",)
    roles: tuple[str, ...] = ()
    mono: bool = False
    rate_hz: int = SAMPLES_PER_SECOND
    start_s: float | None = None
    end_s: float | None = None
    force: bool = False

    def __post_init__(self) -> None:
        from ..audio.sound_file import FORMATS, RATES_HZ  # noqa: PLC0415

        known, rates = ", ".join(FORMATS), ", ".join(map(str, RATES_HZ))
        if not self.formats:
            raise UsageError("no format is named", hint=f"the formats are {known}")
        for name in self.formats:
            if name not in FORMATS:
                raise UsageError(f"there is no format {name[:40]!r}", hint=f"the formats are {known}")
        for role in self.roles:
            if not _ROLE.fullmatch(role):
                raise UsageError(f"{role[:40]!r} is no role", hint="roles are user and assistant")
        if self.roles and self.mono:
            raise UsageError("--roles and --mono ask for two things", hint="give one of them")
        if self.rate_hz not in RATES_HZ:
            raise UsageError(f"{self.rate_hz} is no rate of these files", hint=f"the rates are {rates}")
        if self.end_s is not None and self.end_s <= (self.start_s or 0):
            raise UsageError("a clip ends behind its start", hint="give --to a later time than --from")

    @property
    def is_clip(self) -> bool:
        return self.start_s is not None or self.end_s is not None


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was exported and where it is; `document` is exports.json."""

    session_id: str
    folder: Path
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Source:
    """A published recording; `roles` are those on each channel, where the report knows them."""

    session_id: str
    path: Path
    sha256: str
    head: OpusHead
    samples: int
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Lane:
    """What goes into files of one name: one channel, all of them as they are, or all of them mixed."""

    stem: str
    channels: int
    roles: tuple[str, ...]
    channel: int | None = None
    is_copy: bool = False

    def of(self, sound: Any) -> Any:
        if self.channel is not None:
            return sound[self.channel : self.channel + 1]
        return sound if self.is_copy else sound.mean(axis=0, keepdims=True)


def export_session(
    session_id: str,
    target: Target,
    folder: Path,
    options: ExportOptions,
    captions: CaptionOptions,
    progress: Progress | None = None,
) -> ExportResult:
    """Export a published session into `folder`/ID, or for a clip into a folder in it that is named by its times.

    Raises NotFoundError (nothing published), RecordingError (the recording is not as it was published, or a role has no
    channel of its own), UsageError (a clip behind the end; files that are there), StorageError.
    """
    progress = progress or Silent()
    progress.stage("reading")
    published = result_files.read_published(target, result_files.REPORT)
    with target.fetched(result_files.AUDIO) as path:
        source = _source(session_id, path, published)
        start = round((options.start_s or 0) * SAMPLES_PER_SECOND)
        end = source.samples
        if options.end_s is not None:
            end = min(end, round(options.end_s * SAMPLES_PER_SECOND))
        if start >= end:
            length_s = report.seconds(source.samples)
            raise UsageError(f"{session_id} is {length_s} s long, and ends before --from", hint="give an earlier time")
        lanes = _lanes(source, options)
        place = folder / check_session_id(session_id)
        if options.is_clip:
            place /= f"{start / SAMPLES_PER_SECOND:.3f}-{end / SAMPLES_PER_SECOND:.3f}s"
        names = [f"{lane.stem}.{form}" for lane in lanes for form in options.formats]
        _require_room(place, names, force=options.force)
        place.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".exporting-", dir=place) as name:
            work = Path(name)
            progress.stage("exporting")
            files = _export(source, lanes, options, (start, end), work)
            documents = _documents(source, target, captions, (start, end), work) if options.is_clip else []
            document = _document(source, (start, end), files, documents)
            result_files.write_text(work / EXPORTS, report.to_text(document))
            for one in (*files, *documents, {"name": EXPORTS}):
                (work / one["name"]).replace(place / one["name"])
    return ExportResult(session_id, place, document)


def _source(session_id: str, path: Path, published: Mapping[str, Any]) -> _Source:
    sha256 = result_files.output_of(path)["sha256"]
    outputs = published.get("outputs")
    noted = (
        [one.get("sha256") for one in outputs if isinstance(one, dict) and one.get("name") == result_files.AUDIO]
        if isinstance(outputs, list)
        else []
    )
    if noted != [sha256]:
        raise RecordingError(
            f"{result_files.AUDIO} of {session_id} is not the one that its report names",
            hint="`sessiontool verify` says what is wrong; merge the session again with --force",
        )
    demuxer = WebmDemuxer()
    with path.open("rb") as file:
        while demuxer.track is None and (data := file.read(_HEAD_BYTES)):
            demuxer.feed(data)
    if demuxer.track is None:
        raise RecordingError(f"{result_files.AUDIO} of {session_id} has no track", hint="merge it again with --force")
    head = demuxer.track.opus_head
    lengths = PacketSamples()
    samples = sum(lengths[packet[:2]] for packet in packets_of(path)) - head.pre_skip
    return _Source(session_id, path, sha256, head, samples, _roles(published, head.channels))


def _roles(published: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """The one role on each channel as the alignment found them; empty where a channel has none, or several."""
    sound = published.get("sound")
    channels = sound.get("channels") if isinstance(sound, dict) else None
    found = [one.get("roles") for one in channels if isinstance(one, dict)] if isinstance(channels, list) else []
    alone = [one[0] for one in found if isinstance(one, list) and len(one) == 1 and isinstance(one[0], str)]
    return tuple(alone) if len(alone) == len(set(alone)) == count else ()


def _lanes(source: _Source, options: ExportOptions) -> list[_Lane]:
    for role in options.roles:
        if role not in source.roles:
            known = (
                f"its channels have {' and '.join(source.roles)}"
                if source.roles
                else "its report names no role a channel"
            )
            raise RecordingError(
                f"{source.session_id} has no channel of {role}: {known}",
                hint="export it without --roles; what was aligned and has a role on each channel can be split",
            )
    if options.roles:
        return [_Lane(role, 1, (role,), source.roles.index(role)) for role in dict.fromkeys(options.roles)]
    if options.mono and source.head.channels > 1:
        return [_Lane("mono", 1, source.roles)]
    return [_Lane("mono" if options.mono else "audio", source.head.channels, source.roles, is_copy=True)]


def _require_room(place: Path, names: Iterable[str], *, force: bool) -> None:
    there = [name for name in (EXPORTS, *names) if (place / name).exists()]
    if there and not force:
        raise UsageError(f"{place} has {there[0]} already", hint="--force replaces it; --into names another folder")


def _export(
    source: _Source, lanes: Iterable[_Lane], options: ExportOptions, stretch: tuple[int, int], work: Path
) -> list[dict[str, Any]]:
    """Make the sound files; returns what exports.json says of each."""
    from ..audio.sound_file import FORMATS, SoundFile, copy_to_ogg  # noqa: PLC0415
    from ..audio.stretch import decode_stretch  # noqa: PLC0415

    files: list[dict[str, Any]] = []
    writing: list[tuple[_Lane, str, SoundFile]] = []
    with ExitStack() as closing:
        for lane in lanes:
            tags = _tags(source, lane)
            for form in dict.fromkeys(options.formats):
                path = work / f"{lane.stem}.{form}"
                if FORMATS[form].is_opus and lane.is_copy and not options.is_clip:
                    copy_to_ogg(source.path, packets_of(source.path), path, tags)
                    files.append(_file(path, lane, SAMPLES_PER_SECOND, source.samples, source.head.pre_skip))
                    continue
                file = SoundFile(path, FORMATS[form], lane.channels, options.rate_hz, tags)
                closing.callback(file.close)
                writing.append((lane, path.name, file))
        for block in decode_stretch(packets_of(source.path), source.head, *stretch) if writing else ():
            for lane, _, file in writing:
                file.write(lane.of(block))
    for lane, name, file in writing:
        files.append(_file(work / name, lane, file.rate_hz, file.samples, file.priming))
    return sorted(files, key=lambda one: str(one["name"]))


def _file(path: Path, lane: _Lane, rate_hz: int, samples: int, priming: int) -> dict[str, Any]:
    return {
        **result_files.output_of(path),
        "channels": lane.channels,
        "roles": list(lane.roles),
        "rate_hz": rate_hz,
        "samples": samples,
        "priming_samples": priming,
    }


def _tags(source: _Source, lane: _Lane) -> dict[str, str]:
    where = "mixed" if len(lane.roles) > lane.channels else "on channels in this order"
    roles = f"{', '.join(lane.roles)} ({where})" if lane.roles else "roles unknown"
    return {"title": source.session_id, "comment": f"session {source.session_id}: {roles}"}


def _documents(
    source: _Source, target: Target, options: CaptionOptions, stretch: tuple[int, int], work: Path
) -> list[ReportOutput]:
    """Write the clip's transcript and captions; returns what exports.json says of each."""
    start_s, end_s = (one / SAMPLES_PER_SECOND for one in stretch)
    transcript = clip_transcript(result_files.read_published(target, result_files.TRANSCRIPT), start_s, end_s)
    made = caption(transcript, options, note=result_files.note_of(source.session_id))
    texts = {**made.files, result_files.TRANSCRIPT: report.to_text(transcript)}
    for name, text in texts.items():
        result_files.write_text(work / name, text)
    return [result_files.output_of(work / name) for name in texts]


def _document(
    source: _Source, stretch: tuple[int, int], files: list[dict[str, Any]], documents: list[ReportOutput]
) -> dict[str, Any]:
    return {
        "schema": EXPORTS_SCHEMA,
        "session_id": source.session_id,
        "tool": result_files.writing_app(),
        "source": {
            "name": result_files.AUDIO,
            "sha256": source.sha256,
            "start_s": report.seconds(stretch[0]),
            "end_s": report.seconds(stretch[1]),
            "start_sample": stretch[0],
            "end_sample": stretch[1],
        },
        "files": files,
        "documents": documents,
    }
