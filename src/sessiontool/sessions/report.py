"""report.json as plain JSON values (the schema `sessiontool.report/1`).

Integers become seconds and milliseconds here and nowhere else, rounded once.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import asdict

from ..documents.lenient import words_of
from ..model import SAMPLES_PER_MS, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ..align import Alignment, PartAlignment
    from ..documents.report_model import (
        CaptionsStatus,
        Report,
        ReportChunk,
        ReportFinding,
        ReportIgnored,
        ReportPartAlignment,
        ReportSound,
        ReportSpan,
        Status,
    )
    from ..model import StoredObject
    from ..recording.gap_places import GapPlace
    from ..recording.records import ChunkRecord, Stretch
    from ..timeline import Span, Timeline

REPORT_SCHEMA = "sessiontool.report/1"

MOST_IGNORED = 100
"""Number of objects that were not read and are listed in a report, as parts of it; chosen."""


def to_text(document: Mapping[str, object]) -> str:
    """A JSON document that reads well, compares well and is written fast.

    A line for each field and each item of a list.
    """
    return "".join(to_pieces(document))


def to_pieces(document: Mapping[str, object]) -> Iterator[str]:
    """The text of `to_text` in pieces, of which a day's recording has more than should be held at once."""
    yield "{\n "
    for number, (name, value) in enumerate(document.items()):
        yield (",\n " if number else "") + f"{_compact(name)}: "
        if isinstance(value, list) and value:
            yield "[\n  "
            for place, item in enumerate(value):
                yield f",\n  {_compact(item)}" if place else _compact(item)
            yield "\n ]"
        else:
            yield _compact(value)
    yield "\n}\n"


_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_canonical = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


HASH = "report_sha256"
"""The field of a report that has the hash over all others: it shows accidents, and no forger."""


def hash_of(document: Mapping[str, object]) -> str:
    """SHA-256 of a report without its hash: as JSON in UTF-8, keys in order of code points, without spaces."""
    digest = hashlib.sha256()
    for piece in _canonical_pieces({name: value for name, value in document.items() if name != HASH}):
        digest.update(piece.encode("utf-8", "replace"))
    return digest.hexdigest()


def _canonical_pieces(document: Mapping[str, object]) -> Iterator[str]:
    """The text that is hashed, item by item of its lists."""
    before = "{"
    for name in sorted(document):
        yield f"{before}{_canonical(name)}:"
        before, value = ",", document[name]
        if isinstance(value, list) and value:
            for place, item in enumerate(value):
                yield f"{',' if place else '['}{_canonical(item)}"
            yield "]"
        else:
            yield _canonical(value)
    yield "}" if document else "{}"


def seal(document: Report) -> None:
    """Put the hash of a report into it, as its last field."""
    document.pop("report_sha256", None)
    document["report_sha256"] = hash_of(document)


def is_sealed(document: Mapping[str, object]) -> bool:
    """Whether a report is as it was when its hash was put into it."""
    return document.get(HASH) == hash_of(document)


def seconds(samples: int) -> float:
    """Output samples as seconds in whole milliseconds: the same that the captions show."""
    return samples // SAMPLES_PER_MS / 1000


def _ms(us: int) -> float:
    return us / 1000


OF_CAPTIONS = frozenset(
    words_of(
        "log-not-read utterances-clock times-are-placeholders text-encoding text-damaged entries-not-spoken "
        "no-utterances events-invalid events-torn events-end-early events-unknown events-clock events-missing "
        "latency-unknown realtime-expired realtime-lost realtime-errors responses-failed transcription-missing "
        "truncated-after-end items-skipped items-resent sources-disagree utterances-without-sound speakers-by-sound "
        "most-utterances-lost speech-without-text sound-unlike-text captions-late log-unlike-sound speakers-unknown "
        "events-in-utterances texts-after-end"
    )
)
"""Codes of findings that are of the captions alone: the recording is none the worse for them."""


def status_of(findings: Iterable[Finding]) -> Status:
    """`partial` where recorded sound is gone, `repaired` where something had to be mended, else `complete`."""
    severities = {finding.severity for finding in findings if finding.code not in OF_CAPTIONS}
    return "partial" if "error" in severities else "repaired" if "warning" in severities else "complete"


def captions_status_of(findings: Iterable[Finding], starts_s: Iterable[float | None]) -> CaptionsStatus:
    """`none` where no utterance has a place, `doubtful` where a log was not understood or not found, else `complete`.

    `starts_s` are those of the utterances of the transcript.
    """
    if all(start_s is None for start_s in starts_s):
        return "none"
    is_doubtful = any(
        finding.severity != "info" and (finding.code in {*OF_CAPTIONS, "document-invalid", "document-too-large"})
        for finding in findings
    )
    return "doubtful" if is_doubtful else "complete"


def finding_json(finding: Finding) -> ReportFinding:
    entry = {name: value for name, value in asdict(finding).items() if value not in (None, "")}
    return cast("ReportFinding", entry)


def findings_of(document: Report) -> tuple[Finding, ...]:
    """The findings of a report."""
    known = frozenset(Finding.__struct_fields__)
    return tuple(
        Finding(**{name: cast("Any", value) for name, value in one.items() if name in known})
        for one in document["findings"]
    )


def chunk_json(record: ChunkRecord) -> ReportChunk:
    chunk = record.chunk
    entry = {
        "key": chunk.object.key,
        "part": chunk.part,
        "seq": chunk.seq,
        "bytes": record.account.size_bytes,
        "sha256": record.sha256,
        "packets": record.packets,
        **({"packets_sha256": record.packets_sha256} if record.packets else {}),
        **({"samples": record.samples} if record.samples else {}),
        "verdict": record.verdict,
        "payload_bytes": record.account.payload_bytes,
        "structure_bytes": record.account.structure_bytes,
        "damaged_bytes": record.account.damaged_bytes,
        "set_aside_bytes": record.account.set_aside_bytes,
        **_stretches_json("damage", record.damage),
        **_stretches_json("set_aside", record.set_aside),
        **({"wrapped": {"as": record.wrapped_as, "bytes": record.stored_bytes}} if record.wrapped_as else {}),
    }
    return cast("ReportChunk", entry)


_MOST_STRETCHES = 100
"""Parts of a chunk that are listed one by one; chosen."""


def _stretches_json(name: str, stretches: Sequence[Stretch]) -> dict[str, Any]:
    """Where bytes of a chunk are that are not in the result; of very many the first, and how many more there are."""
    listed = [
        {
            "byte_offset": one.byte_offset,
            "bytes": one.size_bytes,
            "reason": one.reason,
            **({"kept_in": one.kept_in.object.key, "kept_at": one.kept_at} if one.kept_in else {}),
        }
        for one in stretches[:_MOST_STRETCHES]
    ]
    more = len(stretches) - len(listed)
    return {name: listed, **({f"{name}_more": more} if more else {})} if listed else {}


def ignored_json(ignored: Sequence[tuple[str, StoredObject]]) -> list[ReportIgnored]:
    """What is there and was not read, with what it may be; of many the first ones."""
    return [{"key": obj.key, "bytes": obj.size_bytes, "kind": kind} for kind, obj in ignored[:MOST_IGNORED]]


def span_json(span: Span) -> ReportSpan:
    entry = {
        "kind": span.kind,
        **({"cause": span.cause} if span.cause else {}),
        "part": span.part,
        **({"silent_packets": span.silent_packets} if span.silent_packets else {}),
        **({"filled_packets": span.filled_packets, "filled_sha256": span.filled_sha256} if span.filled_packets else {}),
        "output_samples": [span.output_start, span.output_end],
        "recorder_ms": [_ms(span.recorder_start_us), _ms(span.recorder_end_us)],
        "session_ms": [_ms(span.session_start_us), _ms(span.session_end_us)],
    }
    return cast("ReportSpan", entry)


def silence_findings(timeline: Timeline, place_of: Callable[[int], GapPlace | None] = lambda _: None) -> list[Finding]:
    """A finding for each gap that was filled; `place_of` says by which chunk the one at so many samples is named.

    The many small ones of a starved audio graph are reported together, a part at a time.
    """
    findings: list[Finding] = []
    starved: dict[str, list[Span]] = {}
    for span in timeline.spans:
        if span.kind == "recorded":
            continue
        if span.cause == "starved":
            starved.setdefault(span.part, []).append(span)
        elif span.cause in _GAPS:  # a recorder that was suspended has its finding where that was seen
            findings.append(_gap_finding(span, place_of(span.output_start)))
    for part, spans in starved.items():
        lost_ms = sum(span.output_end - span.output_start for span in spans) / SAMPLES_PER_MS
        findings.append(
            Finding(
                "time-lost",
                "warning" if lost_ms >= _STARVED_WARNING_MS else "info",
                f"the browser dropped {lost_ms / 1000:.2f} s of sound in {len(spans)} place(s) of part {part}; "
                "it was replaced with silence",
                part=part,
                at_s=seconds(spans[0].output_start),
                lost_ms=lost_ms,
                hint="its audio was starved: a busy main thread, a hidden tab or a slow machine",
            )
        )
    return findings


_STARVED_WARNING_MS = 250
"""Chosen: a listener notices more than that."""
_GAPS = {
    "lost": ("sound-lost", "error", "{length:.2f} s of sound{where} are lost and were replaced with {by}"),
    "between_parts": (
        "part-gap",
        "info",
        "{length:.2f} s passed before part {part} was started and were replaced with {by}",
    ),
    "pause": ("pause-kept", "info", "the recorder was paused for {length:.2f} s, which were replaced with {by}"),
}


def _gap_finding(span: Span, place: GapPlace | None) -> Finding:
    code, severity, message = _GAPS[span.cause]
    place = place if span.cause == "lost" else None
    length_ms = (span.output_end - span.output_start) / SAMPLES_PER_MS
    return Finding(
        code,
        severity,  # type: ignore[arg-type]
        message.format(
            length=length_ms / 1000,
            part=span.part,
            where=f" {place.words}" if place else f" of part {span.part}",
            by="silence" if span.kind == "silence" else "the sound of another recording",
        ),
        part=place.part if place else span.part,
        seq=place.seq if place else None,
        at_s=seconds(span.output_start),
        lost_ms=length_ms if span.cause == "lost" else None,
    )


def sound_json(alignment: Alignment) -> ReportSound:
    """What is known of the sound: levels, speech without text, what leaks where, and what was asked beside levels."""
    return {
        "channels": [
            {
                "channel": notes.channel,
                "roles": list(notes.roles),
                "noise_db": round(notes.noise_db, 1),
                "speech_db": round(notes.speech_db, 1),
                "speech_without_text_s": [[start / 1000, end / 1000] for start, end in notes.unassigned_ms],
            }
            for notes in alignment.channels
        ],
        "leaks": [
            {
                "from": leak.source,
                "to": leak.target,
                "cause": "encoder" if leak.merged else "echo",
                "delay_ms": leak.delay_ms,
                "gain_db": round(leak.level_db, 1),
            }
            for leak in alignment.leaks
        ],
        "detector": alignment.detector or "levels",
    }


def alignment_json(parts: Iterable[PartAlignment]) -> list[ReportPartAlignment]:
    return [
        {
            "part": part.part,
            "offset_ms": None if part.offset_ms is None else round(part.offset_ms, 1),
            "drift_ppm": None if part.drift_ppm is None else round(part.drift_ppm, 1),
            "residual_ms": {role: round(value, 1) for role, value in part.residual_ms.items()},
            "matched": part.matched,
        }
        for part in parts
    ]
