"""The page of one session: made beside its audio, or as one file with the audio in it.

A page shows what was published, and is one of the files that the report names: a merge that replaces the result takes
it away, or makes it anew where pages are wanted.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from msgspec import Struct

from ... import __version__
from ...errors import RecordingError
from ...progress import Progress, Silent
from ...storage.local.disk import disk_errors, work_folder
from .. import report as reports
from ..exports.source import source_of
from ..redaction.destroyed import kept_result
from ..result_files import json_object, output_of, read_published, write_report, write_text
from ..result_names import METRICS, PAGE, PEAKS, REPORT, TRANSCRIPT, audio_of
from ..result_shapes import REPORT_SHAPE, TRANSCRIPT_SHAPE, Fields, misfits
from .page_data import page_data
from .render import render

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ...documents.report_model import Report
    from ...documents.transcript_model import Transcript
    from ...storage import Target

_SOUND = "<!-- sound -->"
"""Where a page has its audio; text of a session cannot be it, for it has no `<`."""

_MOST_INSIDE_BYTES = 256 << 20
"""The largest audio in a page.  Chosen: ten hours of speech, and what a browser still takes apart in seconds."""

_PIECE_BYTES = 3 << 20
"""Chosen: what is written of the audio at once; a multiple of 3, so that base64 has no padding inside."""


class PageResult(Struct, frozen=True):
    """Where a page is, as a path or `s3://…`; `link` is a URL by which others can see it, where one was asked for.

    `unchanged`: it was there already.
    """

    session_id: str
    location: str
    unchanged: bool = False
    link: str = ""


def page_session(
    session_id: str,
    target: Target,
    *,
    force: bool = False,
    link_s: int | None = None,
    progress: Progress | None = None,
) -> PageResult:
    """Put the page of a published session beside its audio, and into its report.

    `link_s`: with a link to it, good for so many seconds.

    Raises NotFoundError (nothing is published), RecordingError (what is published cannot be read), StorageError,
    UsageError (there can be no such link).
    """
    progress = progress or Silent()
    progress.stage("reading")
    target = kept_result(target)
    document = read_published(target, REPORT)
    link = "" if link_s is None else _link(target, audio_of(document), link_s)
    where = target.locate(PAGE)
    if not force and has_page(document):
        return PageResult(session_id, where, unchanged=True, link=link)
    with target.workspace() as work:
        report, transcript = _published(target)
        peaks, metrics = _peaks(target, report, progress), _published_metrics(target, report)
        progress.stage("writing")
        made = add_page(work, report, transcript, peaks, metrics)
        progress.stage("publishing")
        target.publish({name: work / name for name in (*made, REPORT)})
    return PageResult(session_id, where, link=link)


def _link(target: Target, audio_name: str, lifetime_s: int) -> str:
    """A signed URL of the page, with that of the audio behind `#`, which a browser sends nowhere."""
    page, audio = (target.link(name, lifetime_s) for name in (PAGE, audio_name))
    return f"{page}#audio={quote(audio, safe='')}"


def page_with_audio(session_id: str, target: Target, path: Path, progress: Progress | None = None) -> PageResult:
    """Write a session's page with its audio inside to a file; the result is not changed (errors as `page_session`)."""
    progress = progress or Silent()
    progress.stage("reading")
    target = kept_result(target)
    document, transcript = _published(target)
    peaks = _peaks(target, document, progress)
    page = _rendered(document, transcript, peaks, _published_metrics(target, document), ["blob:"])
    progress.stage("writing")
    with target.fetched(audio_of(document)) as sound:
        source_of(session_id, audio_of(document), sound, document)  # or it would be another session's sound
        size = sound.stat().st_size
        if size > _MOST_INSIDE_BYTES:
            raise RecordingError(
                f"{audio_of(document)} of {session_id} has {size:,} bytes, more than a browser opens inside a page",
                hint="without --embed the page is made beside the audio",
            )
        with disk_errors("write to", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with work_folder(path.parent, ".sessiontool-") as work:
                _write_with_sound(work / path.name, page, sound)
                (work / path.name).replace(path)
    return PageResult(session_id, str(path))


def _write_with_sound(path: Path, page: str, sound: Path) -> None:
    """A page with a file of sound in it, which is never held whole."""
    before, after = page.split(_SOUND)
    with sound.open("rb") as audio, path.open("wb") as file:
        file.write(f'{before}<script type="text/plain" id="sound">'.encode("utf-8", "replace"))
        while piece := audio.read(_PIECE_BYTES):
            file.write(b64encode(piece))
        file.write(f"</script>{after}".encode("utf-8", "replace"))


def add_page(
    work: Path, document: Report, transcript: Transcript, peaks: bytes, metrics: bytes | None
) -> tuple[str, ...]:
    """Write page and peaks into a result's folder, and a report that names them; returns their names.

    `peaks` is a file of peaks, `metrics` the file of the conversation's figures.
    """
    write_text(work / PAGE, _rendered(document, transcript, peaks, metrics, ["'self'"]))
    (work / PEAKS).write_bytes(peaks)
    is_sealed = reports.is_sealed(document)
    outputs = [one for one in document["outputs"] if one["name"] not in {PAGE, PEAKS}]
    document["outputs"] = [*outputs, *(output_of(work / name) for name in (PAGE, PEAKS))]
    document["tool"]["page_version"] = __version__
    if is_sealed:  # what was damaged before stays to be seen
        reports.seal(document)
    write_report(work, document)
    return PAGE, PEAKS


def page_again(target: Target, document: dict[str, Any], spoken: dict[str, Any], work: Path) -> tuple[str, ...]:
    """The page of a report and the transcript `spoken`, written as `add_page` does, where the report names one.

    The names of what was written.
    """
    if _named(document, PAGE) is None:
        return ()
    report, transcript = as_report(target, document), as_transcript(target, spoken)
    counted = work / METRICS
    metrics = counted.read_bytes() if counted.exists() else _published_metrics(target, report)
    return add_page(work, report, transcript, _peaks(target, report, Silent()), metrics)


def has_page(document: Mapping[str, Any]) -> bool:
    """Whether a report names a page that this version made."""
    tool = document.get("tool")
    return _named(document, PAGE) is not None and isinstance(tool, dict) and tool.get("page_version") == __version__


def _rendered(document: Report, transcript: Transcript, peaks: bytes, metrics: bytes | None, media: list[str]) -> str:
    figures = json_object(metrics) if metrics else None
    return render("page", document["session_id"], page_data(document, transcript, peaks, figures), media=media)


def _published(target: Target) -> tuple[Report, Transcript]:
    """The report and the transcript, as far as a page can be made of them."""
    return as_report(target, read_published(target, REPORT)), as_transcript(target, read_published(target, TRANSCRIPT))


def as_report(target: Target, document: dict[str, Any]) -> Report:
    """A published report as its type says (RecordingError where it is not of that shape)."""
    _require_shape(target.locate(REPORT), document, REPORT_SHAPE)
    return cast("Report", document)


def as_transcript(target: Target, document: dict[str, Any]) -> Transcript:
    """A published transcript as its type says (RecordingError where it is not of that shape)."""
    _require_shape(target.locate(TRANSCRIPT), document, TRANSCRIPT_SHAPE)
    return cast("Transcript", document)


def _require_shape(where: str, document: dict[str, Any], shape: Fields) -> None:
    for misfit in misfits(document, shape):
        raise RecordingError(f"{where}: {misfit}", hint="merge the session again with --force")


def _published_peaks(target: Target, document: Mapping[str, Any]) -> bytes | None:
    """The peaks that were published with the audio; None without, or where they are not as the report says."""
    from ...audio.peaks import is_peaks_file  # noqa: PLC0415 - numpy and the decoder

    named = _named(document, PEAKS)
    known = target.read(PEAKS) if named else None
    if known is None or named is None or sha256(known).hexdigest() != named.get("sha256"):
        return None
    return known if is_peaks_file(known) else None


def _published_metrics(target: Target, document: Mapping[str, Any]) -> bytes | None:
    """The figures that were published with the transcript; None without."""
    return target.read(METRICS) if _named(document, METRICS) else None


def _peaks(target: Target, document: Mapping[str, Any], progress: Progress) -> bytes:
    """The peaks that were published, else those of the sound."""
    from ...audio.peaks import decoded_peaks  # noqa: PLC0415 - numpy and the decoder

    if (known := _published_peaks(target, document)) is not None:
        return known
    progress.stage("decoding")
    with target.fetched(audio_of(document)) as path:
        source = source_of(document["session_id"], audio_of(document), path, document)
        return decoded_peaks(source.packets(), source.head)


def _named(document: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """What a report says of one of its files."""
    outputs = document.get("outputs")
    named = [one for one in outputs if isinstance(one, dict)] if isinstance(outputs, list) else []
    return next((one for one in named if one.get("name") == name), None)
