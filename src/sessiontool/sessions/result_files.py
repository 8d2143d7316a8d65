"""The files of a result: written into a work folder, looked up where they were published, checked there.

The report is written last.  What is in each file, as JSON, is in `report`; how captions are made, in `captions`.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import __version__, captions
from ..documents.json_text import parse
from ..errors import NotFoundError, RecordingError, StorageError
from ..model import Finding
from ..storage import not_published
from . import report, verify, verify_agreement
from .result_names import AUDIO, OUTPUTS, REPORT, TRANSCRIPT, names, obsolete
from .result_shapes import LEDGER, REPORT_SHAPE, TRANSCRIPT_SHAPE, misfits
from .transcript import transcript_json
from .verify_agreement import is_caption_file, note_of
from .verify_problems import AGAIN, Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from ..align import Alignment
    from ..media.opus import OpusHead
    from ..model import Placement
    from ..recording.records import Assembly
    from ..storage import Target
    from ..timeline import Timeline
    from .inputs import Notes

__all__ = [
    "AUDIO",
    "OUTPUTS",
    "REPORT",
    "TRANSCRIPT",
    "Recording",
    "current_report",
    "make_report",
    "names",
    "note_of",
    "obsolete",
    "output_of",
    "read_published",
    "track_uid",
    "verify_published",
    "write_report",
    "write_result",
    "write_text",
    "writing_app",
]

_OF_AN_OLDER = "it was made by an older version of sessiontool, and does not say what became of every byte"


@dataclass(slots=True)
class Recording:
    """The joined recording, in a file of its own."""

    path: Path
    assembly: Assembly
    timeline: Timeline
    head: OpusHead
    recorded_packets: int
    silent_packets: int


@dataclass(frozen=True, slots=True)
class Origin:
    """What a result is made with: the settings that change it, the captions' apart, and a fingerprint of it all."""

    settings: dict[str, Any]
    captions: captions.CaptionOptions
    fingerprint: str


def write_result(
    session_id: str,
    notes: Notes,
    recording: Recording,
    alignment: Alignment | None,
    origin: Origin,
    send: Callable[[str, Path], None] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write captions, transcript and report beside the audio; returns the report and the transcript.

    Every file but the report is handed to `send`, if given, by name and path, as soon as it is written: they can travel
    while they are checked.
    """
    work, timeline = recording.path.parent, recording.timeline
    if send:
        send(AUDIO, work / AUDIO)
    placements = alignment.placements if alignment else _as_logged(notes, timeline)
    roles = {placement.utterance.role for placement in placements}
    speakers = {role: captions.speaker_name(role, notes.session.speakers) for role in roles}
    log = notes.log
    transcript = transcript_json(session_id, timeline, placements, speakers, log.notes if log else (), notes.dropped)
    spans = {"timeline": [report.span_json(span) for span in timeline.spans]} if origin.captions.mark_gaps else None
    made = captions.caption(transcript, origin.captions, note=note_of(session_id), report=spans)
    files = {**made.files, TRANSCRIPT: report.to_text(transcript)}
    for name, text in files.items():
        write_text(work / name, text)
        if send:
            send(name, work / name)
    findings = alignment.findings if alignment else ()
    document = make_report(session_id, notes, recording.assembly, timeline, findings, transcript)
    document["packets"] = {"recorded": recording.recorded_packets, "silent": recording.silent_packets}
    if log is not None:
        document["realtime"] = report.realtime_json(log, timeline, placements)
    document["alignment"] = report.alignment_json(alignment.parts) if alignment else []
    document["sound"] = report.sound_json(alignment) if alignment else None
    document["outputs"] = [output_of(work / name) for name in (AUDIO, *files)]
    document["inputs_fingerprint"] = origin.fingerprint
    document["tool"]["settings"] = origin.settings
    _require_sound(_verify_made(work, document, transcript, ((cue.start_ms, cue.end_ms) for cue in made.cues)))
    report.seal(document)
    write_report(work, document)
    return document, transcript


def write_report(work: Path, document: dict[str, Any]) -> None:
    write_text(work / REPORT, report.to_text(document))


def writing_app() -> str:
    """The program, as audio.webm and the report name it."""
    return f"sessiontool {__version__}"


def track_uid(session_id: str) -> int:
    """The number of the track of a session's audio: the same in every merge, and another for another session."""
    return int.from_bytes(hashlib.sha256(session_id.encode("utf-8", "replace")).digest()[:7], "big") | 1


def make_report(
    session_id: str,
    notes: Notes,
    assembly: Assembly,
    timeline: Timeline,
    more: Sequence[Finding] = (),
    transcript: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The report as far as it is known without alignment and outputs."""
    silence = report.silence_findings(timeline)
    findings = [*assembly.findings, *silence, *notes.findings, *notes.log_findings, *more]
    utterances = transcript["utterances"] if transcript else None
    return {
        "schema": report.REPORT_SCHEMA,
        "session_id": session_id,
        "status": report.status_of(findings),
        **({} if utterances is None else {"captions_status": report.captions_status_of(findings, utterances)}),
        "duration_s": report.seconds(timeline.total_samples),
        "findings": [report.finding_json(finding) for finding in findings],
        "parts": [{"part": part.part, "recorder": part.writing_app} for part in assembly.parts],
        "chunks": [report.chunk_json(chunk) for chunk in assembly.chunks],
        **report.ignored_json([(stray.kind, stray.object) for stray in notes.strays]),
        "utterances": len(notes.utterances),
        "timeline": [report.span_json(span) for span in timeline.spans],
        "tool": {"name": "sessiontool", "version": __version__},
    }


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
        raise not_published(target.locate(name))
    document = _object(body)
    if document is None:
        raise RecordingError(f"{target.locate(name)} is no JSON object", hint=AGAIN)
    return document


def current_report(body: bytes | None) -> dict[str, Any] | None:
    """A report that is as it was written, and says what became of every byte; None where it is another, or none."""
    document = _object(body) if body else None
    if document is None or _is_older(document) or not report.is_sealed(document):
        return None
    return document


def verify_published(target: Target, session_id: str | None = None) -> tuple[dict[str, Any], list[Finding]]:
    """The report of a published result, and what is wrong with it (NotFoundError without one, StorageError).

    `session_id` is that of the session which the result is kept with, where that is known.  Only where there is no
    problem can the report be taken for one.
    """
    body = target.read(REPORT)
    if body is None:
        raise not_published(target.locate(REPORT))
    document, problems = _verified(target, body, session_id)
    if problems and target.read(REPORT) != body:
        raise StorageError(f"{target.url} was replaced while it was checked", hint="check it again")
    return document, problems


def _verified(target: Target, body: bytes, session_id: str | None) -> tuple[dict[str, Any], list[Finding]]:
    problems = Problems()
    document = _object(body)
    if document is None:
        problems.add("verify-report", f"{REPORT} is no JSON object")
        return {}, problems.findings
    if _is_older(document):
        return document, [Finding("verify-version", "error", f"{REPORT}: {_OF_AN_OLDER}", hint=AGAIN)]
    for misfit in misfits(document, REPORT_SHAPE):
        problems.add("verify-report", f"{REPORT}: {misfit}")
    if problems.findings:
        return document, problems.findings
    if not report.is_sealed(document) or report.to_text(document).encode("utf-8", "replace") != body:
        problems.add("verify-report", f"{REPORT} is not as it was written: its own hash, or its spelling, is another")
    if session_id is not None:
        problems.expect("verify-report", f"session_id in {REPORT}", session_id, document["session_id"])
    problems.findings += verify_agreement.verify_report(document)
    problems.findings += verify_agreement.verify_names(document, target.sizes())
    return document, problems.findings + _verify_files(target, document)


def _verify_files(target: Target, document: dict[str, Any]) -> list[Finding]:
    """Read every file that a report names, and compare it with the report and with the others."""
    problems: list[Finding] = []
    named = {output["name"] for output in document["outputs"]}
    bodies = dict(_bodies(target, sorted(named.intersection(OUTPUTS) - {AUDIO}), problems))
    found = {name: (len(body), hashlib.sha256(body).hexdigest()) for name, body in bodies.items()}
    if AUDIO in named:
        with suppress(NotFoundError), target.fetched(AUDIO) as path:
            found[AUDIO] = _digest(path)
            with path.open("rb") as file:
                problems += verify.verify_audio(file, document, _maker(document))
    problems += verify_agreement.verify_outputs(found, document)
    if (body := bodies.get(TRANSCRIPT)) is not None:
        shown = {name: text for name, text in bodies.items() if is_caption_file(name)}
        problems += _verify_transcript(body, shown, document)
    return problems


def _bodies(target: Target, names: Iterable[str], problems: list[Finding]) -> Iterator[tuple[str, bytes]]:
    """The documents of a result that are there; one that is too large to be one is a problem."""
    for name in names:
        try:
            body = target.read(name)
        except RecordingError as error:
            problems.append(Finding("verify-outputs", "error", error.message, hint=error.hint))
            continue
        if body is not None:
            yield name, body


def _verify_transcript(body: bytes, shown: dict[str, bytes], document: dict[str, Any]) -> list[Finding]:
    """Compare the transcript, and the captions that show it, with the report."""
    problems = Problems()
    transcript = _object(body)
    if transcript is None:
        problems.add("verify-transcript", f"{TRANSCRIPT} is no JSON object")
        return problems.findings
    for misfit in misfits(transcript, TRANSCRIPT_SHAPE):
        problems.add("verify-transcript", f"{TRANSCRIPT}: {misfit}")
    if problems.findings:
        return problems.findings
    return [
        *verify_agreement.verify_transcript(transcript, document),
        *verify_agreement.verify_times(transcript, (), document["duration_s"]),
        *verify_agreement.verify_captions(shown, transcript, document),
    ]


def _object(body: bytes) -> dict[str, Any] | None:
    """A JSON object, None where it is none."""
    try:
        document = parse(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _is_older(document: dict[str, Any]) -> bool:
    """Whether a report was made before reports had a hash and counted bytes."""
    chunks = document.get("chunks")
    listed = [chunk for chunk in chunks if isinstance(chunk, dict)] if isinstance(chunks, list) else []
    return report.HASH not in document or not all(LEDGER.keys() <= chunk.keys() for chunk in listed)


def _maker(document: dict[str, Any]) -> verify.Maker:
    tool = document["tool"]
    return verify.Maker(f"{tool['name']} {tool['version']}", track_uid(document["session_id"]))


def _verify_made(
    work: Path, document: dict[str, Any], transcript: dict[str, Any], cues_ms: Iterable[tuple[int, int]]
) -> Iterator[Finding]:
    """What is wrong with files that are about to be published."""
    with (work / AUDIO).open("rb") as file:
        yield from verify.verify_audio(file, document, _maker(document))
    yield from verify_agreement.verify_report(document)
    yield from verify_agreement.verify_times(transcript, cues_ms, document["duration_s"])


def _require_sound(problems: Iterator[Finding]) -> None:
    for problem in problems:
        raise RecordingError(
            f"the joined file did not pass its own check, nothing was published: {problem.message}",
            hint="this is a bug of sessiontool: please report it with the session's chunks",
        )
