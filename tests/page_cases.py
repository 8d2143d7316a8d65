"""Pages for tests: of what a session can hold, made without a merge where a merge would take too long."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, Any

from dialogues import dialogue, with_words

from sessiontool.sessions.page.page_data import page_data
from sessiontool.sessions.page.render import render

if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTILE = (
    "</script><script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    "<!-- <script> --> ]]> <!-- sound -->",
    "javascript:window.pwned=1 \u2028 \u2029 \u0000 \u202e evil \ud800",
    "{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1} `${1}`",
    "'; window.pwned = 1; //",
    "&lt;script&gt; &#60;b&#62; <b>bold</b> <style>*{display:none}</style>",
    "<iframe src='javascript:parent.pwned=1'></iframe><svg onload='window.pwned=1'>",
    "constructor",
    "__proto__",
)


def report_of(transcript: Mapping[str, Any], **more: Any) -> Any:
    """A report as far as a page looks at it."""
    samples = round(transcript["duration_s"] * 48_000)
    return {
        "session_id": transcript["session_id"],
        "status": "complete",
        "captions_status": "complete",
        "duration_s": transcript["duration_s"],
        "findings": [],
        "parts": [{"part": "000", "recorder": "Chrome"}],
        "chunks": [],
        "timeline": [{"kind": "recorded", "part": "000", "output_samples": [0, samples]}],
        "sound": {"channels": [{"channel": 0, "roles": ["user"]}, {"channel": 1, "roles": ["assistant"]}]},
        "outputs": [],
        "tool": {"name": "sessiontool", "version": "0"},
        **more,
    }


def noise_peaks(duration_s: float) -> bytes:
    """A file of peaks of two channels, as the format's own description has it."""
    count = round(duration_s * 20)
    levels = random.Random(1).choices(range(127), k=2 * count)
    header = struct.pack("<iIiiIi", 2, 1, 48_000, 2400, count, 2)
    return header + b"".join(struct.pack("bb", -level, level) for level in levels)


def long_page(minutes: float) -> str:
    """The page of a conversation with a time for each word; it has no audio."""
    transcript: Any = with_words(dialogue(3, minutes=minutes))
    data = page_data(report_of(transcript), transcript, noise_peaks(transcript["duration_s"]))
    return render("page", "made-up", data, media=["'self'"])


def mixed_page() -> str:
    """A page with one of everything that it can show: doubts, unheard text, gaps, notes, findings."""
    transcript: Any = with_words(dialogue(3, minutes=3))
    said = transcript["utterances"]
    said[2]["confidence"], said[4]["confidence"] = 0.62, 0.31
    said[5] |= {"heard_text": said[5]["text"][:20], "interrupted": True, "words": said[5]["words"][:4]}
    for number, status in ((7, "unmatched"), (8, "no_audio")):
        said[number] |= {"start_s": None, "end_s": None, "status": status, "confidence": 0.0}
        del said[number]["words"]
    transcript["notes"] = [
        {"id": "n1", "kind": "instructions", "at_s": 0.2, "text": "You are a sceptical operations manager.\nBe brief."},
        {"id": "n2", "kind": "tool_call", "at_s": 15.2, "name": "look_up_price", "arguments": '{"seats": 40}'},
        {"id": "n3", "kind": "tool_result", "at_s": 15.9, "output": '{"price": 1200}'},
        {"id": "n4", "kind": "instructions", "at_s": 40.0, "text": "Raise the objection about migration."},
    ]
    hint = "look for the chunk where the uploads come from"
    findings = [
        {"code": "chunk-missing", "severity": "error", "message": "chunk 12 is missing", "at_s": 20.0, "hint": hint},
        {"code": "part-gap", "severity": "info", "message": "1.2 s passed before part 001 was started", "at_s": 33.0},
        {"code": "chunk-duplicate", "severity": "warning", "message": "chunk 14 is there twice"},
    ]
    gaps = [("lost", 20.0, 23.0), ("between_parts", 33.0, 34.2), ("starved", 50.0, 50.1), ("pause", 60.0, 62.0)]
    spans = [
        {"kind": "silence", "cause": cause, "output_samples": [round(one * 48_000) for one in times]}
        for cause, *times in gaps
    ]
    channels = [
        {"channel": 0, "roles": ["user"], "speech_without_text_s": [[10.0, 11.5]]},
        {"channel": 1, "roles": ["assistant"]},
    ]
    states: Any = {"status": "partial", "captions_status": "doubtful", "sound": {"channels": channels}}
    report = report_of(transcript, findings=findings, timeline=spans, **states)
    figures = [
        {"name": "response_gap", "role": role, "value": value, "unit": "s", "error": 0.03, "stretches_s": [[13, 14]]}
        for role, value in (("user", 0.61), ("assistant", 1.02))
    ]
    figures += [{"name": "dead_air", "value": None, "unit": "s", "error": None, "not_computed": "too few"}]
    data = page_data(report, transcript, noise_peaks(transcript["duration_s"]), {"figures": figures})
    return render("page", "mixed", data, media=["'self'"])


def hostile_documents() -> tuple[Any, Any]:
    """A report and a transcript in which everything that is text is hostile."""
    utterances = [
        {
            "id": text,
            "role": role,
            "speaker": text,
            "text": text * 2,
            "start_s": float(n),
            "end_s": n + 0.9,
            "status": "aligned",
            "confidence": 0.4,
            "heard_text": text,
            "language": text,
            "words": [{"text": text, "start_s": n + 0.1, "end_s": n + 0.8}],
        }
        for n, text in enumerate(HOSTILE)
        for role in ("user", text)
    ]
    notes = [
        {"id": "n", "kind": kind, "at_s": 1.0, "role": text, "text": text, "name": text, "arguments": text}
        for text in HOSTILE
        for kind in ("instructions", text)
    ]
    findings = [
        {"code": text, "severity": "warning", "message": text, "hint": text, "part": text, "at_s": 2.0}
        for text in HOSTILE
    ]
    spans = [{"kind": "silence", "cause": text, "part": text, "output_samples": [48_000, 96_000]} for text in HOSTILE]
    transcript = {"session_id": HOSTILE[0], "duration_s": 20.0, "utterances": utterances, "notes": notes}
    parts = [{"part": text, "recorder": text} for text in HOSTILE]
    return report_of(transcript, findings=findings, timeline=spans, parts=parts), transcript
