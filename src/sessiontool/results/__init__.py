"""The files of a result: written into a work folder, looked up where they were published, checked there.

The report is written last.  What is in each file, as JSON, is in `report`; how captions are made, in `captions`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import __version__, captions, report
from ..errors import NotFoundError, RecordingError, StorageError
from . import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from ..align import Alignment
    from ..inputs import Notes
    from ..joining.records import Assembly
    from ..storage import Target
    from ..timeline import Timeline
    from ..values import Finding, Placement
    from ..webm.opus import OpusHead

AUDIO, TRANSCRIPT, REPORT = "audio.webm", "transcript.json", "report.json"
_CUE_FILES = (".vtt", ".srt")


@dataclass(slots=True)
class Recording:
    """The joined recording, in a file of its own."""

    path: Path
    assembly: Assembly
    timeline: Timeline
    head: OpusHead
    recorded_packets: int
    silent_packets: int


def write_result(
    session_id: str,
    notes: Notes,
    recording: Recording,
    alignment: Alignment | None,
    settings: dict[str, Any],
    options: captions.CaptionOptions,
    send: Callable[[str, Path], None] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write captions, transcript and report beside the audio; returns the report and the transcript.

    Every file but the report is handed to `send`, if given, by name and path, as soon as it is written: they can travel
    while they are checked.
    `settings` go into the report, with `inputs_fingerprint` among them taken out to its own field.
    """
    work, timeline = recording.path.parent, recording.timeline
    if send:
        send(AUDIO, work / AUDIO)
    placements = alignment.placements if alignment else _as_logged(notes, timeline)
    roles = {placement.utterance.role for placement in placements}
    speakers = {role: captions.speaker_name(role, notes.session.speakers) for role in roles}
    log = notes.log
    transcript = report.transcript_json(session_id, timeline, placements, speakers, log.notes if log else ())
    spans = {"timeline": [report.span_json(span) for span in timeline.spans]} if options.mark_gaps else None
    made = captions.caption(transcript, options, note=note_of(session_id), report=spans)
    files = {**made.files, TRANSCRIPT: report.to_text(transcript)}
    for name, text in files.items():
        write_text(work / name, text)
        if send:
            send(name, work / name)
    document = make_report(session_id, notes, recording.assembly, timeline, alignment.findings if alignment else ())
    document["packets"] = {"recorded": recording.recorded_packets, "silent": recording.silent_packets}
    if log is not None:
        document["realtime"] = report.realtime_json(log, timeline, placements)
    document["alignment"] = report.alignment_json(alignment.parts) if alignment else []
    document["sound"] = report.sound_json(alignment) if alignment else None
    document["outputs"] = [output_of(work / name) for name in (AUDIO, *files)]
    document["inputs_fingerprint"] = settings.pop("inputs_fingerprint")
    document["tool"]["settings"] = settings
    _require_sound(verify_files(work, document, transcript, ((cue.start_ms, cue.end_ms) for cue in made.cues)))
    write_text(work / REPORT, report.to_text(document))
    return document, transcript


def note_of(session_id: str) -> str:
    """Where captions say that they are from."""
    return f"{session_id}, made by sessiontool {__version__}"


def names(document: dict[str, Any]) -> list[str]:
    """The files of a result, the report last."""
    return [*(output["name"] for output in document["outputs"]), REPORT]


def make_report(
    session_id: str, notes: Notes, assembly: Assembly, timeline: Timeline, more: Sequence[Finding] = ()
) -> dict[str, Any]:
    """The report as far as it is known without alignment and outputs."""
    findings = [*assembly.findings, *report.silence_findings(timeline), *notes.findings, *more]
    return {
        "schema": report.REPORT_SCHEMA,
        "session_id": session_id,
        "status": report.status_of(findings),
        "duration_s": report.seconds(timeline.total_samples),
        "findings": [report.finding_json(finding) for finding in findings],
        "parts": [{"part": part.part, "recorder": part.writing_app} for part in assembly.parts],
        "chunks": [report.chunk_json(chunk) for chunk in assembly.chunks],
        "utterances": len(notes.utterances),
        "timeline": [report.span_json(span) for span in timeline.spans],
        "tool": {"name": "sessiontool", "version": __version__},
    }


def _as_logged(notes: Notes, timeline: Timeline) -> list[Placement]:
    """Without alignment: where the log's times lie in the output, with no confidence in them."""
    from ..values import Placement  # noqa: PLC0415

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


def write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")  # JSON can hold half a surrogate pair


def output_of(path: Path) -> dict[str, Any]:
    """A file as the report names it."""
    size, digest = _digest(path)
    return {"name": path.name, "bytes": size, "sha256": digest}


def _digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


# -- what was published


def read_published(target: Target, name: str) -> dict[str, Any]:
    """A JSON document of a published result (NotFoundError without it, RecordingError where it is none)."""
    body = target.read(name)
    if body is None:
        raise NotFoundError(f"there is no {target.locate(name)}", hint="merge the session first: sessiontool merge ID")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise RecordingError(f"{target.locate(name)} is no JSON object", hint="merge the session again with --force")
    return document


def verify_published(target: Target) -> tuple[dict[str, Any], list[Finding]]:
    """The report of a published result, and what is wrong with it (NotFoundError, RecordingError, StorageError)."""
    document, problems = _verified(target)
    if problems and _was_replaced(target, document):
        raise StorageError(f"{target.url} was replaced while it was checked", hint="check it again")
    return document, problems


def _was_replaced(target: Target, document: dict[str, Any]) -> bool:
    try:
        return read_published(target, REPORT) != document
    except (NotFoundError, RecordingError):
        return True


def _verified(target: Target) -> tuple[dict[str, Any], list[Finding]]:
    document = read_published(target, REPORT)
    transcript = read_published(target, TRANSCRIPT)
    found: dict[str, tuple[int, str]] = {}
    cues: list[tuple[int, int]] = []
    problems: list[Finding] = []
    try:
        for name in (output["name"] for output in document["outputs"]):
            try:
                with target.fetched(name) as path:
                    found[name] = _digest(path)
                    if name.endswith(_CUE_FILES):
                        cues += captions.cue_times(path.read_text(encoding="utf-8", errors="replace"), name)
                    elif name == AUDIO:
                        with path.open("rb") as file:
                            problems += verify.verify_audio(file, document)
            except NotFoundError:
                continue
        problems += verify.verify_outputs(found, document)
        problems += verify.verify_times(transcript, cues, document["duration_s"])
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordingError(
            f"{target.locate(REPORT)} is not a report that can be checked: {error!r}",
            hint="merge the session again with --force",
        ) from error
    return document, problems


def verify_files(
    work: Path, document: dict[str, Any], transcript: dict[str, Any], cues_ms: Iterable[tuple[int, int]]
) -> Iterator[Finding]:
    """What is wrong with files that are about to be published."""
    with (work / AUDIO).open("rb") as file:
        yield from verify.verify_audio(file, document)
    yield from verify.verify_times(transcript, cues_ms, document["duration_s"])


def _require_sound(problems: Iterator[Finding]) -> None:
    for problem in problems:
        raise RecordingError(
            f"the joined file did not pass its own check, nothing was published: {problem.message}",
            hint="this is a bug of sessiontool: please report it with the session's chunks",
        )
