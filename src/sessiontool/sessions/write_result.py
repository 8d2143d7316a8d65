"""A merge's result written into a work folder: captions, transcript, figures and report beside the audio, and verified.

The report is written last.  What is in each file, as JSON, is in `report` and `transcript`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from .. import __version__, captions
from ..model import Finding
from ..recording.seam_losses import seam_losses
from . import report
from .realtime_report import realtime_json
from .result_files import output_of, write_report, write_text
from .result_names import METRICS, TRANSCRIPT
from .transcript import transcript_json
from .verify_agreement import note_of
from .verify_result import require_verified, verify_made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ..align import Alignment
    from ..documents.report_model import Report
    from ..documents.transcript_model import Transcript
    from ..model import Placement
    from ..recording.records import Assembly
    from ..timeline import Timeline
    from .inputs import Notes
    from .join import Recording

    Send = Callable[[str, Path], None]

_T = TypeVar("_T")


class Origin(Struct, frozen=True):
    """What a result is made with: the settings that change it, the captions' apart, and a fingerprint of it all."""

    settings: dict[str, Any]
    captions: captions.CaptionOptions
    fingerprint: str


def write_result(
    session_id: str,
    notes: Notes,
    recording: Recording,
    placed: Placements,
    origin: Origin,
    send: Send | None = None,
) -> tuple[Report, Transcript]:
    """Write captions, transcript, metrics and report beside the audio; returns the report and the transcript.

    Every file but the report is handed to `send`, if given, by name and path, as soon as it is written: they can travel
    while they are checked.  What these two say of utterances and chunks is taken out of the arguments, as that of a day
    is too much to be held twice.
    """
    work, timeline = recording.path.parent, recording.timeline
    if send:
        send(recording.path.name, recording.path)
    placements, alignment = placed.placements, placed.alignment
    roles = {placement.utterance.role for placement in placements}
    speakers = {role: captions.speaker_name(role, notes.session.speakers) for role in roles}
    log = notes.log
    spoken = log.notes if log else ()
    synthetic = notes.session.synthetic
    realtime = None if log is None else realtime_json(log, timeline, placements)
    notes.utterances.clear()
    notes.session.parts.clear()
    taken = _taken(placements)
    transcript = transcript_json(session_id, timeline, taken, speakers, spoken, notes.dropped, synthetic)
    spans = {"timeline": [report.span_json(span) for span in timeline.spans]} if origin.captions.mark_gaps else None
    written = _write_captions(work, transcript, origin.captions, spans, recording.path.name, send)
    findings = [*(alignment.findings if alignment else ()), *map(_notice, written.notices)]
    document = make_report(session_id, notes, recording.assembly, timeline, findings, transcript)
    document["packets"] = {"recorded": recording.recorded_packets, "silent": recording.silent_packets}
    if recording.filled_packets:
        document["packets"]["filled"] = recording.filled_packets
    if recording.against is not None:
        document["against"] = recording.against
    if realtime is not None:
        document["realtime"] = realtime
    document["alignment"] = report.alignment_json(alignment.parts) if alignment else []
    document["sound"] = report.sound_json(alignment) if alignment else None
    files = [(TRANSCRIPT, report.to_pieces(transcript))]
    if alignment:
        from ..metrics.document import metrics_json  # noqa: PLC0415 - a result without alignment has no figures

        files.append((METRICS, report.to_pieces(metrics_json(transcript, document))))
    names = [recording.path.name, *written.names, *_write_all(work, files, send)]
    document["outputs"] = [output_of(work / name) for name in names]
    document["inputs_fingerprint"] = origin.fingerprint
    document["tool"]["settings"] = origin.settings
    require_verified(verify_made(work, document, transcript, written.cues_ms))
    report.seal(document)
    write_report(work, document)
    return document, transcript


class _WrittenCaptions(Struct, frozen=True):
    """What remains of captions when their files are written: all else of a long session is as much as the report."""

    names: list[str]
    cues_ms: list[tuple[int, int]]
    notices: list[str]


def _write_captions(
    work: Path,
    transcript: Transcript,
    options: captions.CaptionOptions,
    spans: Mapping[str, Any] | None,
    audio: str,
    send: Send | None,
) -> _WrittenCaptions:
    note = note_of(transcript["session_id"])
    spoken, _ = captions.read_transcript(transcript, options)
    draft = captions.draft_of(spoken, transcript, options, note=note, audio=audio, report=spans)
    names = list(_write_all(work, draft.files(), send))
    return _WrittenCaptions(names, [(cue.start_ms, cue.end_ms) for cue in draft.cues], draft.notices())


def _write_all(work: Path, files: Iterable[tuple[str, Iterable[str]]], send: Send | None) -> Iterator[str]:
    """Write files one by one, as they are asked for; their names."""
    for name, text in files:
        write_text(work / name, text)
        if send:
            send(name, work / name)
        yield name


def _notice(text: str) -> Finding:
    """What players may not be able to read of captions."""
    return Finding("captions-late", "info", text, hint="cut the recording with `sessiontool export --from … --to …`")


def make_report(
    session_id: str,
    notes: Notes,
    assembly: Assembly,
    timeline: Timeline,
    more: Sequence[Finding] = (),
    transcript: Transcript | None = None,
) -> Report:
    """The report as far as it is known without alignment and outputs.

    The records of chunks are taken out of `assembly`: those of a day are as much as what is made of them.  `transcript`
    has the utterances, where they are not among the notes any more.
    """
    verdicts = {record.chunk: record.verdict for record in assembly.chunks}
    silence = report.silence_findings(timeline, lambda samples: assembly.order.place_of(samples, verdicts))
    doubts = seam_losses(assembly.order, timeline)
    findings = [*assembly.findings, *silence, *doubts, *notes.findings, *notes.log_findings, *more]
    starts_s = None if transcript is None else [one["start_s"] for one in transcript["utterances"]]
    document = {
        "schema": report.REPORT_SCHEMA,
        "session_id": session_id,
        "status": report.status_of(findings),
        **({} if starts_s is None else {"captions_status": report.captions_status_of(findings, starts_s)}),
        "duration_s": report.seconds(timeline.total_samples),
        "findings": [report.finding_json(finding) for finding in findings],
        "parts": [{"part": part.part, "recorder": part.writing_app} for part in assembly.parts],
        "chunks": [report.chunk_json(chunk) for chunk in _taken(assembly.chunks)],
        **({"recorders": notes.recorders} if notes.recorders else {}),
        "ignored": report.ignored_json([(stray.kind, stray.object) for stray in notes.strays]),
        "ignored_count": len(notes.strays),
        "utterances": len(notes.utterances if transcript is None else transcript["utterances"]),
        "timeline": [report.span_json(span) for span in timeline.spans],
        "tool": {"name": "sessiontool", "version": __version__},
    }
    return cast("Report", document)


def _taken(items: list[_T]) -> Iterator[_T]:
    """The items in order, each taken out of the list: what is made of one lets go of it."""
    items.reverse()
    while items:
        yield items.pop()


class Placements(Struct, frozen=True):
    """Where utterances are, and what else was found of the sound: None where that was not looked for."""

    placements: list[Placement]
    alignment: Alignment | None

    @classmethod
    def of(cls, alignment: Alignment | None, notes: Notes, timeline: Timeline) -> Placements:
        """What an alignment found, without what carried it; without one utterances are where the log has them."""
        if alignment is None:
            return cls(_as_logged(notes, timeline), None)
        return cls([*alignment.placements], replace(alignment, placements=(), evidence=(), expected=()))


def _as_logged(notes: Notes, timeline: Timeline) -> list[Placement]:
    """Without alignment: where the log's times lie in the output, with no confidence in them."""
    from ..model import Placement  # noqa: PLC0415

    placements = []
    for utterance in notes.utterances:
        start_us, end_us = utterance.t_start_us, utterance.t_end_us
        start: int | None = None
        end: int | None = None
        if start_us is not None and end_us is not None:
            start, end = (
                min(max(0, timeline.session_to_output(us)), timeline.total_samples) for us in (start_us, end_us)
            )
        if start is None or end is None or end <= start:
            start = end = None
        placements.append(Placement(utterance, start, end, "unmatched", 0.0, heard_text=utterance.heard_text))
    return placements
