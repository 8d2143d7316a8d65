"""How a merge reads, and an inspection, which is a merge that was not made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import RecordingError
from ..model import SURE
from .table import Row
from .view import View, clock, finding_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..documents.report_model import Report, ReportChunk, ReportPartAlignment, ReportSpan
    from ..documents.transcript_model import TranscriptUtterance
    from ..options import FailOn
    from ..sessions.merge import MergeResult
    from .table import Line

_MOST_FINDINGS = 12
"""Findings that are printed; chosen: half a screen, `--verbose` has all."""
_OBJECT_WIDTHS = (11, -14, 12)
"""Character cells of what a chunk is, its size, and its packets; chosen: each fits."""


def _merge_json(result: MergeResult) -> dict[str, Any]:
    return {
        "session_id": result.session_id,
        "status": result.status,
        "location": result.location,
        "unchanged": result.unchanged,
        "dry_run": result.dry_run,
        **({"redacted": result.redacted} if result.redacted else {}),
        "report": result.report,
    }


def _summary(result: MergeResult, verbose: bool) -> list[Line]:
    """What a person wants to know of a merge at a glance."""
    if result.unchanged and "redaction" in result.report:
        return [f"{result.session_id}: its originals were destroyed, its redacted result is kept ({result.location})"]
    if result.unchanged:
        redacted = [f"  redacted   {result.redacted}"] if result.redacted else []
        done = "nothing to do" if not redacted else "and redacted again"
        return [f"{result.session_id}: unchanged since it was merged, {done} ({result.location})", *redacted]
    note = " (dry run, nothing written)" if result.dry_run else ""
    return [f"{result.session_id}: {result.status}{note}", *_details(result, verbose)]


def _inspected(result: MergeResult, verbose: bool) -> list[Line]:
    """What a person wants to know of a session that is not merged yet."""
    return [f"{result.session_id}: a merge would be {result.status}", *_details(result, verbose)]


def _details(result: MergeResult, verbose: bool) -> list[Line]:
    report = result.report
    lines: list[Line] = [f"  {name:<10} {value}" for name, value in _facts(result) if value]
    findings = sorted(report["findings"], key=lambda f: ("error", "warning", "info").index(f["severity"]))
    shown = findings if verbose else findings[:_MOST_FINDINGS]
    lines += [f"  {finding_line(finding, verbose=verbose)}" for finding in shown]
    if len(findings) > len(shown):
        lines.append(f"  … {len(findings) - len(shown)} more findings: --verbose shows them, report.json has them")
    if verbose:
        lines += [_chunk(chunk) for chunk in report["chunks"]]
        lines += _ignored(report)
    return lines


def _facts(result: MergeResult) -> Iterator[tuple[str, str]]:
    report = result.report
    parts, chunks = len(report["parts"]), report["chunks"]
    size = sum(chunk["bytes"] for chunk in chunks)
    yield "length", f"{clock(report['duration_s'])} ({report['duration_s']:.2f} s)"
    yield "recording", f"{len(chunks)} chunks in {parts} part{'s' * (parts != 1)}, {size / 1e6:.2f} MB"
    if parts > 1 or not result.has_transcript:
        yield from _parts(report)
    yield "gaps", _gaps(report["timeline"])
    if result.has_transcript:
        utterances = result.transcript["utterances"]
        aligned = report["tool"]["settings"]["align"]
        yield "utterances", _placed(utterances) if aligned else f"{len(utterances)}, at the log's times (not aligned)"
        yield "words", _words(utterances)
    if report.get("captions_status") == "doubtful":
        yield "captions", "doubtful: see the findings"
    for part in report.get("alignment", ()):
        yield f"sound {part['part']}", offset_text(part)
    if not result.dry_run:
        yield "written", result.location
        yield "redacted", result.redacted


def _parts(report: Report) -> Iterator[tuple[str, str]]:
    for part in report["parts"]:
        spans = [span for span in report["timeline"] if span["part"] == part["part"] and span["kind"] == "recorded"]
        recorded_s = sum(end - start for start, end in (span["output_samples"] for span in spans)) / 48_000
        at = clock(spans[0]["session_ms"][0] / 1000) if spans else "?"
        yield f"part {part['part']}", f"{recorded_s:.2f} s by {part['recorder'] or 'an unknown recorder'}, from {at} on"


def _gaps(timeline: Sequence[ReportSpan]) -> str:
    totals: dict[tuple[str, str], list[float]] = {}
    for span in timeline:
        if span["kind"] != "recorded":
            start, end = span["output_samples"]
            by = "silence" if span["kind"] == "silence" else "another recording"
            totals.setdefault((span["cause"].replace("_", " "), by), []).append((end - start) / 48_000)
    texts = (f"{cause}: {len(ls)} of {sum(ls):.2f} s, filled with {by}" for (cause, by), ls in totals.items())
    return "; ".join(texts) or "none"


def _placed(utterances: Sequence[TranscriptUtterance]) -> str:
    placed = [u for u in utterances if u["start_s"] is not None]
    if not utterances:
        return "none"
    text = f"{len(placed)} of {len(utterances)} found in the sound"
    if placed:
        sure = sum(u["confidence"] >= SURE for u in placed)
        text += f", {sure} of them with confidence {SURE} or more"
    return text


def _words(utterances: Sequence[TranscriptUtterance]) -> str:
    sources = [word["source"] for utterance in utterances for word in utterance.get("words", ())]
    found, spread = sources.count("aligned"), sources.count("spread")
    text = f"{found} of {len(sources)} timed by the sound" if sources else ""
    text += ", the others by the log" * (len(sources) - found - spread > 0)
    return text + ", the others by their length" * bool(spread)


def offset_text(part: ReportPartAlignment) -> str:
    """How far a part's sound is from the log's times."""
    if part["offset_ms"] is None:
        return "no utterance matched"
    drift = "drift not identifiable" if part["drift_ppm"] is None else f"drift {part['drift_ppm']:+.0f} ppm"
    return f"{part['offset_ms']:+.0f} ms from the log's times, {drift}, by {part['matched']} utterances"


def _chunk(chunk: ReportChunk) -> Row:
    return _object(chunk["verdict"], chunk["bytes"], f"{chunk['packets']:>4} packets", chunk["key"])


def _object(what: str, size_bytes: int, of_it: str, key: str) -> Row:
    return Row((f"  {what}", f"{size_bytes:,} bytes", of_it, key), _OBJECT_WIDTHS)


def _ignored(report: Report) -> list[Line]:
    """What is there and was not read."""
    found, count = report.get("ignored", []), report.get("ignored_count", 0)
    lines: list[Line] = [_object("not read", one["bytes"], one["kind"], _printable(one["key"])) for one in found]
    return lines + ([f"  … and {count - len(found)} more that are not read"] if count > len(found) else [])


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def merge_view(fail_on: FailOn) -> View[MergeResult]:
    """How a merge is shown; `fail_on` says which results have exit code 4."""
    code = RecordingError.exit_code
    return View(_merge_json, _summary, lambda result: code if result.falls_short(fail_on) else 0)


INSPECT: View[MergeResult] = View(_merge_json, _inspected, lambda _: 0)
