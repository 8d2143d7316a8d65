"""What a session's page shows, as plain values: taken from its report, its transcript and its peaks.

Times are whole milliseconds in the audio.  What a store holds comes from outside: documents have their shape
(`result_shapes`) before they come here.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from ...captions import synthetic_roles
from ...model import SAMPLES_PER_MS
from ..result_names import OUTPUTS, PAGE, audio_of
from ..result_shapes import NUMBER, TEXT
from .render import meanings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...documents.report_model import Report
    from ...documents.transcript_model import Transcript


_OF_NOTES = ("kind", "role", "name", "text", "arguments", "output")
_OF_FINDINGS = ("code", "severity", "message", "hint", "part", "seq")


def page_data(
    report: Report, transcript: Transcript, peaks: bytes | None, metrics: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The data of a page; `peaks` is a file of peaks, `metrics` the document of a result's figures."""
    named = {one["name"] for one in report.get("outputs", ())}
    return {
        "session": report["session_id"],
        "status": report["status"],
        "redacted": "redaction" in report,
        "synthetic": list(synthetic_roles(transcript)),
        "captions_status": report.get("captions_status", ""),
        "audio": audio_of(report),
        "duration_ms": _ms(report["duration_s"]),
        "program": f"{report['tool']['name']} {report['tool']['version']}",
        "recorders": [one["recorder"] for one in report["parts"]],
        "chunks": len(report["chunks"]),
        "lanes": _lanes(report),
        "peaks": _peaks(peaks),
        "turns": [_turn(one) for one in transcript["utterances"]],
        "notes": [_note(one) for one in transcript.get("notes", ())],
        "findings": [_finding(one) for one in report["findings"]],
        "gaps": [_gap(one) for one in report["timeline"] if one["kind"] == "silence"],
        "without_text": _without_text(report),
        "figures": _figures(metrics),
        "files": [name for name in OUTPUTS if name in named and name != PAGE],
    }


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _lanes(report: Report) -> list[list[str]]:
    """The roles on each channel, left first, as they were found; empty where the sound was not looked at."""
    return [
        [role for role in one.get("roles", ()) if isinstance(role, str)]
        for one in _channels(report)
        if isinstance(one.get("roles", ()), list)
    ]


def _channels(report: Report) -> list[dict[str, Any]]:
    sound: object = report.get("sound")  # its shape is not checked
    channels = sound.get("channels") if isinstance(sound, dict) else None
    return [one for one in channels if isinstance(one, dict)] if isinstance(channels, list) else []


def _peaks(file: bytes | None) -> dict[str, Any] | None:
    if file is None:
        return None
    from ...audio.peaks import PEAKS_PER_S, envelope  # noqa: PLC0415 - numpy takes a tenth of a second

    channels, levels = envelope(file)
    return {"per_s": PEAKS_PER_S, "channels": channels, "base64": b64encode(levels).decode()}


def _turn(utterance: Mapping[str, Any]) -> dict[str, Any]:
    """An utterance; its words as [text, start after its own, length], and 1 behind those that were spread."""
    start = _ms(utterance["start_s"])
    words = utterance.get("words") if start is not None else None
    turn = {
        "id": utterance["id"],
        "role": utterance["role"],
        "speaker": utterance.get("speaker") or utterance["role"],
        "text": utterance["text"],
        "start": start,
        "end": _ms(utterance["end_s"]),
        "status": utterance.get("status", "unmatched"),
        "sure": utterance.get("confidence", 0.0),
        "interrupted": utterance.get("interrupted"),
        "heard": utterance.get("heard_text"),
        "language": utterance.get("language"),
        "words": [_word(one, start) for one in words] if words and start is not None else None,
    }
    return {name: value for name, value in turn.items() if value is not None and value is not False}


def _word(word: Mapping[str, Any], turn_start: int) -> list[Any]:
    start, end = round(word["start_s"] * 1000), round(word["end_s"] * 1000)
    return [word["text"], start - turn_start, end - start, *([1] if word.get("source") == "spread" else [])]


def _note(note: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: note[name] for name in _OF_NOTES if isinstance(note.get(name), str)}
    return {"at": _ms(note["at_s"]), **texts}


def _finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: finding[name] for name in _OF_FINDINGS if name in finding}
    return meanings().get(finding["code"], {}) | found | ({"at": _ms(finding["at_s"])} if "at_s" in finding else {})


def _gap(span: Mapping[str, Any]) -> list[Any]:
    start, end = (samples // SAMPLES_PER_MS for samples in span["output_samples"])
    return [start, end, span.get("cause", "")]


def _without_text(report: Report) -> list[list[int]]:
    """Stretches with speech that no utterance has: channel, start, end."""
    return [
        [channel, round(start * 1000), round(end * 1000)]
        for channel, one in enumerate(_channels(report))
        for start, end in _pairs(one.get("speech_without_text_s"))
    ]


def _figures(metrics: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The figures of a conversation with what they mean; of a document that is none, no more than what fits."""
    figures = metrics.get("figures") if metrics else None
    texts = metrics.get("definitions") if metrics else None
    found = [one for one in figures if isinstance(one, dict)] if isinstance(figures, list) else []
    return [
        {
            "name": one["name"],
            **({"role": one["role"]} if isinstance(one.get("role"), str) else {}),
            "value": one["value"],
            "unit": one["unit"],
            "error": one["error"] if NUMBER.fits(one.get("error")) else None,
            "why": str(one.get("not_computed", "")),
            "definition": str(texts.get(one["name"], "")) if isinstance(texts, dict) else "",
            "stretches": [[round(a * 1000), round(b * 1000)] for a, b in _pairs(one.get("stretches_s"))],
        }
        for one in found
        if one.get("name") and TEXT.fits(one["name"]) and TEXT.fits(one.get("unit")) and _is_value(one.get("value", ""))
    ]


def _is_value(value: object) -> bool:
    return value is None or NUMBER.fits(value)


def _pairs(value: object) -> Iterable[tuple[float, float]]:
    items = value if isinstance(value, list) else []
    numbers = [one for one in items if isinstance(one, list) and len(one) == 2]
    return [(a, b) for a, b in numbers if NUMBER.fits(a) and NUMBER.fits(b)]
