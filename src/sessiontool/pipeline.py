"""The stages in order: list, read and join, align, caption, publish.  Prints nothing.

A merge works in a folder of its own and publishes at the end, or not at all; a dry run does everything but that.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from . import __version__, report
from .assemble import assemble
from .concat import Joiner
from .documents import read_session, read_utterances
from .errors import RecordingError
from .models import SessionDocument
from .progress import Progress, Silent
from .storage import read_document
from .values import Finding, Placement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .align import Alignment
    from .assemble import Assembly
    from .storage import Store, Target
    from .timeline import Timeline
    from .values import SessionListing, Utterance
    from .webm.opus import OpusHead

AUDIO, VTT, SRT, TRANSCRIPT, REPORT = "audio.webm", "captions.vtt", "captions.srt", "transcript.json", "report.json"
_UTTERANCES = ("utterances.jsonl", "utterances.json")
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """What changes the result (`keep_pauses`, `align`) and what only changes the run."""

    keep_pauses: bool = False
    align: bool = True
    strict: bool = False
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What a merge made: `report` and `transcript` as in the files, `location` where they are.

    `unchanged`: the result was there already, made from the same input; nothing was done, and `transcript` is empty.
    """

    session_id: str
    location: str
    report: dict[str, Any]
    transcript: dict[str, Any] = field(default_factory=dict)
    unchanged: bool = False
    dry_run: bool = False

    @property
    def status(self) -> str:
        """`complete`, `repaired` or `partial`."""
        return str(self.report["status"])

    @property
    def findings(self) -> list[dict[str, Any]]:
        return list(self.report["findings"])


@dataclass(slots=True)
class _Notes:
    """What the session's documents say."""

    session: SessionDocument
    utterances: list[Utterance]
    findings: list[Finding]


@dataclass(slots=True)
class _Recording:
    """The joined recording."""

    path: Path
    assembly: Assembly
    timeline: Timeline
    head: OpusHead
    recorded_packets: int
    silent_packets: int


def merge_session(
    store: Store, session_id: str, target: Target, options: MergeOptions, progress: Progress | None = None
) -> MergeResult:
    """Merge one session into `target`.

    Raises NotFoundError, RecordingError (nothing usable, or findings and `strict`), StorageError, UsageError; then nothing
    was published.
    """
    progress = progress or Silent()
    progress.stage("listing")
    listing = store.list_session(session_id)
    fingerprint = _fingerprint(listing, options)
    if not options.force and (published := _published(target, fingerprint)) is not None:
        return MergeResult(session_id, target.url, published, unchanged=True, dry_run=options.dry_run)
    _require_chunks(listing)
    notes = _read_notes(store, listing)
    with ExitStack() as stack:
        if options.dry_run:
            from tempfile import TemporaryDirectory  # noqa: PLC0415 - only a dry run needs it

            work = Path(stack.enter_context(TemporaryDirectory(prefix="sessiontool-")))
        else:
            work = stack.enter_context(target.workspace())
        recording = _join(store, listing, notes.session, options, work, progress)
        alignment = _align(recording, notes, options, progress)
        progress.stage("writing")
        result = _write(listing, notes, recording, alignment, options, fingerprint, work)
        _refuse_findings(result, options)
        if not options.dry_run:
            progress.stage("publishing")
            target.publish({name: work / name for name in (AUDIO, VTT, SRT, TRANSCRIPT, REPORT)})
    return MergeResult(session_id, target.url, *result, dry_run=options.dry_run)


def inspect_session(store: Store, session_id: str, progress: Progress | None = None) -> MergeResult:
    """Read a whole session and report on it without writing, aligning or publishing anything."""
    progress = progress or Silent()
    progress.stage("listing")
    listing = store.list_session(session_id)
    _require_chunks(listing)
    notes = _read_notes(store, listing)
    with TemporaryFile() as scratch:
        joiner, assembly = _assemble(store, listing, notes.session, scratch, keep_pauses=False, progress=progress)
        timeline = joiner.timeline()
    document = _report(listing, notes, assembly, timeline, [])
    return MergeResult(session_id, f"{store.url}/{listing.folder}", document, dry_run=True)


# -- what is there


def _fingerprint(listing: SessionListing, options: MergeOptions) -> str:
    """What the result depends on: every input as it was listed, and the options that change the result."""
    inputs = [asdict(chunk.object) for chunk in listing.chunks]
    inputs += [asdict(listing.documents[name]) for name in sorted(listing.documents)]
    relevant = {"keep_pauses": options.keep_pauses, "align": options.align}
    return hashlib.sha256(json.dumps([inputs, relevant], sort_keys=True).encode()).hexdigest()


def _published(target: Target, fingerprint: str) -> dict[str, Any] | None:
    """The report of a result that was made from the same input; None where there is none, or it cannot be read."""
    body = target.read_report()
    try:
        published = json.loads(body) if body else None
    except ValueError:
        return None
    if not isinstance(published, dict) or published.get("inputs_fingerprint") != fingerprint:
        return None
    return published


def _require_chunks(listing: SessionListing) -> None:
    if not listing.chunks:
        others = ", ".join(repr(obj.key) for obj in listing.ignored[:3])
        raise RecordingError(
            f"session {listing.session_id} has no chunks"
            + (f"; what lies there fits no chunk's name: {others}" if others else ""),
            hint="chunks are expected as <session>/chunks/<part>/<seq>.webm; other names need a --layout",
        )


def _read_notes(store: Store, listing: SessionListing) -> _Notes:
    notes = _Notes(SessionDocument(), [], [])
    if "session.json" in listing.documents:
        body = read_document(store, listing.documents["session.json"])
        notes.session, notes.findings = read_session(body, "session.json")
    named = [name for name in _UTTERANCES if name in listing.documents]
    for name in named[:1]:
        notes.utterances, findings = read_utterances(read_document(store, listing.documents[name]), name)
        notes.findings += findings
    if not notes.utterances:
        what = f"{named[0]} holds no utterance" if named else "there is no utterances.jsonl"
        notes.findings.append(Finding("no-utterances", "info", f"{what}: the captions are empty"))
    return notes


# -- the stages


def _join(
    store: Store,
    listing: SessionListing,
    session: SessionDocument,
    options: MergeOptions,
    work: Path,
    progress: Progress,
) -> _Recording:
    path = work / AUDIO
    with (work / "clusters").open("w+b") as body, path.open("wb") as out:
        joiner, assembly = _assemble(
            store, listing, session, body, keep_pauses=options.keep_pauses, progress=progress
        )
        uid = int.from_bytes(hashlib.sha256(listing.session_id.encode()).digest()[:7], "big") | 1
        timeline = joiner.finish(out, writing_app=f"sessiontool {__version__}", track_uid=uid)
    assert joiner.head is not None
    return _Recording(path, assembly, timeline, joiner.head, joiner.recorded_packets, joiner.silent_packets)


def _assemble(
    store: Store,
    listing: SessionListing,
    session: SessionDocument,
    body: BinaryIO,
    *,
    keep_pauses: bool,
    progress: Progress,
) -> tuple[Joiner, Assembly]:
    def new_joiner() -> Joiner:
        body.seek(0)
        body.truncate()
        return Joiner(body, keep_pauses=keep_pauses)

    return assemble(listing.chunks, session, lambda chunk: store.read(chunk.object), new_joiner, progress)


def _align(recording: _Recording, notes: _Notes, options: MergeOptions, progress: Progress) -> Alignment | None:
    """Find the utterances in the sound; None where there is nothing to find or nobody wants it."""
    if not options.align or not notes.utterances:
        return None
    from .activity import ActivityMeter  # noqa: PLC0415 - numpy and the decoder take a fifth of a second to come up
    from .align import align  # noqa: PLC0415
    from .media import decode  # noqa: PLC0415

    progress.stage("aligning")
    head = recording.head
    meter = ActivityMeter(head.channels)
    for block in decode(_packets(recording.path), head.channels, head.pre_skip):
        meter.feed(block)
    return align(notes.utterances, recording.timeline, meter.finish(), _channels(notes.session, head.channels))


def _packets(path: Path) -> Iterator[bytes]:
    """The packets of a file that we wrote."""
    from .webm.reader import WebmReader  # noqa: PLC0415

    reader = WebmReader()
    with path.open("rb") as file:
        while data := file.read(_READ_BYTES):
            for run in reader.feed(data):
                yield from run.payloads


def _channels(session: SessionDocument, count: int) -> tuple[str, ...]:
    """The role on each channel; microphone left and assistant right where nobody noted it."""
    if session.channels and len(session.channels) == count:
        return tuple(session.channels)
    return ("user", "assistant") if count == 2 else ("mixed",)


def _place_as_logged(notes: _Notes, timeline: Timeline) -> list[Placement]:
    """Without alignment: where the log's times lie in the output, with no confidence in them."""
    placements = []
    for utterance in notes.utterances:
        start_us, end_us = utterance.t_start_us, utterance.t_end_us
        if start_us is None or end_us is None or end_us <= start_us:
            placements.append(Placement(utterance, None, None, "unmatched", 0.0))
            continue
        start, end = (min(max(0, timeline.session_to_output(us)), timeline.total_samples) for us in (start_us, end_us))
        place = (start, end) if end > start else (None, None)
        placements.append(Placement(utterance, *place, "unmatched", 0.0))
    return placements


# -- what is written


def _write(
    listing: SessionListing,
    notes: _Notes,
    recording: _Recording,
    alignment: Alignment | None,
    options: MergeOptions,
    fingerprint: str,
    work: Path,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write captions, transcript and report beside the audio; returns the report and the transcript."""
    from . import captions  # noqa: PLC0415

    timeline = recording.timeline
    placements: Sequence[Placement] = alignment.placements if alignment else _place_as_logged(notes, timeline)
    roles = {placement.utterance.role for placement in placements}
    speakers = {role: captions.speaker_name(role, notes.session.speakers) for role in roles}
    transcript = report.transcript_json(listing.session_id, timeline, placements, speakers)
    cues = captions.make_cues(placements, notes.session.speakers)
    note = f"{listing.session_id}, made by sessiontool {__version__}"
    _write_text(work / VTT, captions.to_vtt(cues, note))
    _write_text(work / SRT, captions.to_srt(cues))
    _write_json(work / TRANSCRIPT, transcript)
    findings = [*(alignment.findings if alignment else ())]
    document = _report(listing, notes, recording.assembly, timeline, findings)
    document["packets"] = {"recorded": recording.recorded_packets, "silent": recording.silent_packets}
    document["alignment"] = report.alignment_json(alignment.parts) if alignment else []
    document["outputs"] = [_output(work / name) for name in (AUDIO, VTT, SRT, TRANSCRIPT)]
    document["inputs_fingerprint"] = fingerprint
    document["tool"]["settings"] = {"keep_pauses": options.keep_pauses, "align": options.align}
    _write_json(work / REPORT, document)
    return document, transcript


def _report(
    listing: SessionListing,
    notes: _Notes,
    assembly: Assembly,
    timeline: Timeline,
    more: Sequence[Finding],
) -> dict[str, Any]:
    """The report as far as it is known without alignment and outputs."""
    findings = [*assembly.findings, *report.silence_findings(timeline), *notes.findings, *more]
    return {
        "schema": report.REPORT_SCHEMA,
        "session_id": listing.session_id,
        "status": report.status_of(findings),
        "duration_s": report.seconds(timeline.total_samples),
        "findings": [report.finding_json(finding) for finding in findings],
        "parts": [{"part": part.part, "recorder": part.writing_app} for part in assembly.parts],
        "chunks": [report.chunk_json(chunk) for chunk in assembly.chunks],
        "utterances": len(notes.utterances),
        "timeline": [report.span_json(span) for span in timeline.spans],
        "tool": {"name": "sessiontool", "version": __version__},
    }


def _refuse_findings(result: tuple[dict[str, Any], dict[str, Any]], options: MergeOptions) -> None:
    serious = [finding for finding in result[0]["findings"] if finding["severity"] != "info"]
    if options.strict and serious:
        raise RecordingError(
            f"{len(serious)} finding(s), and --strict allows none: " + "; ".join(f["message"] for f in serious[:3]),
            hint="nothing was published; without --strict the recording is repaired as far as it can be",
        )


def _output(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")  # JSON can hold half a surrogate pair


def _write_json(path: Path, value: dict[str, Any]) -> None:
    _write_text(path, json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
