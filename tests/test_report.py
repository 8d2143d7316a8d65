"""What is written down of a merge.

Valid JSON, whole milliseconds, the severity of what was found, and nothing of ours overwritten.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from recordings import SESSIONS, chunk_ref, payloads

from sessiontool.align import PartAlignment
from sessiontool.media.packets import Account, PacketDigest
from sessiontool.model import Finding, Placement, PlacementStatus, TimedWord, Utterance
from sessiontool.recording.gap_places import GapPlace
from sessiontool.recording.records import ChunkRecord, Stretch
from sessiontool.sessions import report
from sessiontool.sessions.transcript import TRANSCRIPT_SCHEMA, transcript_json, utterance_json
from sessiontool.timeline import Span, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KINDS = ("payload_bytes", "structure_bytes", "damaged_bytes", "set_aside_bytes")
RECORDED = sorted(path.name for path in SESSIONS.iterdir())


def timeline(*spans: tuple[str, int]) -> Timeline:
    """Spans by cause (`recorded` for none) and length in ms; part by part where a cause is `between_parts`."""
    found: list[Span] = []
    at_ms = part = 0
    for cause, length_ms in spans:
        part += cause == "between_parts"
        end_ms = at_ms + length_ms
        clocks = (at_ms * 48, end_ms * 48, at_ms * 1000, end_ms * 1000, at_ms * 1000, end_ms * 1000)
        kind, why = ("recorded", "") if cause == "recorded" else ("silence", cause)
        found.append(Span(kind, str(part), why, *clocks))  # type: ignore[arg-type]
        at_ms = end_ms
    return Timeline(found)


def placement(start: int | None, end: int | None, *, status: PlacementStatus = "aligned", **fields: Any) -> Placement:
    utterance = Utterance(
        **{"id": "u1", "role": "user", "text": "Hello.", "t_start_us": 1_500_000, "t_end_us": None, **fields}
    )
    return Placement(utterance, start, end, status, 0.98765)


# -- the text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=15,
)


@given(st.dictionaries(st.text(), json_values, max_size=6))
def test_the_text_is_the_document(document: dict[str, Any]) -> None:
    assert json.loads(report.to_text(document)) == document


def test_each_item_of_a_list_has_a_line_of_its_own() -> None:
    text = report.to_text({"a": 1, "many": [{"x": 1}, {"x": 2}], "none": []})
    assert text == '{\n "a": 1,\n "many": [\n  {"x": 1},\n  {"x": 2}\n ],\n "none": []\n}\n'


def test_what_is_no_json_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        report.to_text({"a": float("nan")})


# -- the report


@pytest.mark.parametrize(
    ("severities", "status"),
    [((), "complete"), (("info",), "complete"), (("info", "warning"), "repaired"), (("warning", "error"), "partial")],
)
def test_the_worst_finding_is_the_status(severities: tuple[Any, ...], status: str) -> None:
    assert report.status_of([Finding("x", severity, "y") for severity in severities]) == status


def test_a_finding_has_what_is_known_of_it() -> None:
    assert report.finding_json(Finding("c", "info", "m")) == {"code": "c", "severity": "info", "message": "m"}
    full = Finding("c", "error", "m", part="0", seq=0, byte_offset=0, at_s=0.0, lost_ms=0.0, hint="h")
    assert report.finding_json(full) == {
        "code": "c",
        "severity": "error",
        "message": "m",
        "part": "0",
        "seq": 0,
        "byte_offset": 0,
        "at_s": 0.0,
        "lost_ms": 0.0,
        "hint": "h",
    }


def test_a_chunk_has_a_hash_of_its_packets_where_it_has_any() -> None:
    empty = ChunkRecord(chunk_ref(3, 70), "ab", "empty", account=Account(70, structure_bytes=70))
    assert report.chunk_json(empty) == {
        "key": "s/chunks/0/3.webm",
        "part": "0",
        "seq": 3,
        "bytes": 70,
        "sha256": "ab",
        "packets": 0,
        "verdict": "empty",
        "payload_bytes": 0,
        "structure_bytes": 70,
        "damaged_bytes": 0,
        "set_aside_bytes": 0,
    }
    packets = payloads(3, toc=0xFC)
    digest = PacketDigest()
    digest.update(packets)
    full = ChunkRecord(chunk_ref(3, 70), "ab", "ok", packets=3, packets_sha256=digest.hexdigest())
    assert report.chunk_json(full)["packets_sha256"] == digest.hexdigest()


def test_a_chunk_says_which_of_its_bytes_are_not_joined_why_and_where_else_they_are() -> None:
    stretches = [Stretch(0, 20, "a copy", chunk_ref(2), 5), Stretch(60, 10, "another track's blocks")]
    record = ChunkRecord(chunk_ref(3, 70), "ab", "damaged", damage=[Stretch(20, 40, "zeroes")], set_aside=stretches)
    written = report.chunk_json(record)
    assert written["damage"] == [{"byte_offset": 20, "bytes": 40, "reason": "zeroes"}]
    assert written["set_aside"] == [
        {"byte_offset": 0, "bytes": 20, "reason": "a copy", "kept_in": "s/chunks/0/2.webm", "kept_at": 5},
        {"byte_offset": 60, "bytes": 10, "reason": "another track's blocks"},
    ]
    assert not {"damage_more", "set_aside_more"} & written.keys()


@pytest.mark.parametrize(("count", "listed", "more"), [(100, 100, None), (101, 100, 1), (5000, 100, 4900)])
def test_of_very_many_places_the_first_are_listed_and_the_others_counted(
    count: int, listed: int, more: int | None
) -> None:
    damage = [Stretch(at * 10, 3, "zeroes") for at in range(count)]
    written = report.chunk_json(ChunkRecord(chunk_ref(3, count * 10), "ab", "damaged", damage=damage))
    assert len(written["damage"]) == listed
    assert written["damage"][-1]["byte_offset"] == (listed - 1) * 10
    assert written.get("damage_more") == more


def test_holes_are_findings() -> None:
    spans = timeline(
        *[("recorded", 1000), ("lost", 5040), ("recorded", 60), ("pause", 800), ("recorded", 60)],
        *[("suspended", 30_000), ("recorded", 60), ("between_parts", 610), ("recorded", 1000)],
    )
    found = report.silence_findings(spans)
    assert [(f.code, f.severity, f.part, f.at_s, f.lost_ms) for f in found] == [
        ("sound-lost", "error", "0", 1.0, 5040),
        ("pause-kept", "info", "0", 6.1, None),
        ("part-gap", "info", "1", 37.02, None),
    ]
    assert [f.message for f in found] == [
        "5.04 s of sound of part 0 are lost and were replaced with silence",
        "the recorder was paused for 0.80 s, which were replaced with silence",
        "0.61 s passed before part 1 was started and were replaced with silence",
    ]


def test_lost_sound_is_named_by_its_chunk_where_that_is_known() -> None:
    spans = timeline(("recorded", 1000), ("lost", 5040), ("recorded", 60), ("pause", 800), ("recorded", 60))
    found = report.silence_findings(spans, {48_000: GapPlace("0", 7, "of chunk 7")}.get)
    assert [(f.code, f.seq) for f in found] == [("sound-lost", 7), ("pause-kept", None)]
    assert found[0].message == "5.04 s of sound of chunk 7 are lost and were replaced with silence"


@pytest.mark.parametrize(("each_ms", "severity"), [(20, "info"), (80, "info"), (100, "warning")])
def test_small_holes_of_one_part_are_told_together(each_ms: int, severity: str) -> None:
    spans = timeline(*[("recorded", 1000), ("starved", each_ms)] * 3, ("between_parts", 40), ("recorded", 10))
    (starved,) = [finding for finding in report.silence_findings(spans) if finding.code == "time-lost"]
    assert (starved.severity, starved.lost_ms, starved.at_s) == (severity, 3 * each_ms, 1.0)
    assert "3 place(s) of part 0" in starved.message
    assert starved.hint


def test_spans_are_written_in_samples_and_ms() -> None:
    recorded, silence = (report.span_json(span) for span in timeline(("recorded", 20), ("lost", 40)).spans)
    assert recorded == {
        "kind": "recorded",
        "part": "0",
        "output_samples": [0, 960],
        "recorder_ms": [0.0, 20.0],
        "session_ms": [0.0, 20.0],
    }
    assert (silence["kind"], silence["cause"], silence["output_samples"]) == ("silence", "lost", [960, 2880])


def test_alignment_is_rounded_and_says_what_it_does_not_know() -> None:
    parts = [PartAlignment("0", 12.345, None, {"user": 3.21987}, 7), PartAlignment("1", None, 1.26, {}, 0)]
    assert report.alignment_json(parts) == [
        {"part": "0", "offset_ms": 12.3, "drift_ppm": None, "residual_ms": {"user": 3.2}, "matched": 7},
        {"part": "1", "offset_ms": None, "drift_ppm": 1.3, "residual_ms": {}, "matched": 0},
    ]


# -- the transcript


@given(st.integers(0, 10**11))
def test_seconds_are_whole_milliseconds_rounded_down(samples: int) -> None:
    told = report.seconds(samples)
    assert round(told * 1000) == samples // 48
    assert round(told, 3) == told


def test_an_utterance_has_its_place_and_what_was_logged() -> None:
    written = utterance_json(placement(48_047, 96_000), "Dana")
    assert written == {
        "id": "u1",
        "role": "user",
        "speaker": "Dana",
        "text": "Hello.",
        "start_s": 1.0,
        "end_s": 2.0,
        "status": "aligned",
        "confidence": 0.988,
        "interrupted": False,
        "logged": {"t_start": 1.5, "t_end": None},
    }


def test_an_utterance_without_sound_has_no_place() -> None:
    written = utterance_json(placement(None, None, status="no_audio"), "Dana")
    assert (written["start_s"], written["end_s"], written["status"]) == (None, None, "no_audio")


@pytest.mark.parametrize(
    ("interrupted", "status", "written"),
    [(None, "aligned", False), (True, "aligned", True), (False, "aligned", False), (None, "clipped", True)],
)
def test_what_was_cut_short_is_interrupted(interrupted: bool | None, status: PlacementStatus, written: bool) -> None:
    assert utterance_json(placement(0, 1, status=status, interrupted=interrupted), "x")["interrupted"] is written


def test_unknown_fields_of_the_log_go_through_and_overwrite_nothing() -> None:
    extra = {"mood": [1, {"a": None}], "speaker": "Eve", "start_s": 99, "words": "mine", "status": "x"}
    written: Any = utterance_json(placement(0, 48_000, extra=extra, language="en"), "Dana")
    assert written["mood"] == [1, {"a": None}]
    assert (written["speaker"], written["start_s"], written["status"]) == ("Dana", 0.0, "aligned")
    assert "words" not in written
    assert written["language"] == "en"


def test_pauses_words_and_what_was_heard_are_told_where_they_are_known() -> None:
    plain = placement(48_000, 144_000)
    assert not {"speech", "words", "heard_text"} & set(utterance_json(plain, "Dana"))
    assert "speech" not in utterance_json(replace(plain, speech=((48_000, 144_000),)), "Dana")
    words = (TimedWord("Hel", 48_000, 60_047, "aligned"), TimedWord("lo.", 96_000, 144_000, "spread"))
    told = replace(plain, speech=((48_000, 62_400), (96_000, 144_000)), words=words, heard_text="")
    written = utterance_json(told, "Dana")
    assert written["speech"] == [[1.0, 1.3], [2.0, 3.0]]
    assert written["words"] == [
        {"text": "Hel", "start_s": 1.0, "end_s": 1.25, "source": "aligned"},
        {"text": "lo.", "start_s": 2.0, "end_s": 3.0, "source": "spread"},
    ]
    assert written["heard_text"] == ""


def test_the_transcript_keeps_the_order_of_the_log() -> None:
    placements = [placement(96_000, 97_000, id="b"), placement(0, 1000, id="a", role="assistant")]
    written = transcript_json("s", timeline(("recorded", 5000)), placements, {"user": "U", "assistant": "A"})
    assert [(u["id"], u["speaker"]) for u in written["utterances"]] == [("b", "U"), ("a", "A")]
    assert (written["schema"], written["session_id"], written["duration_s"]) == (TRANSCRIPT_SCHEMA, "s", 5.0)


# -- reports of real merges


@pytest.mark.parametrize("session_id", RECORDED)
def test_a_merges_report_adds_up(session_id: str, merged_session: Callable[[str], Path]) -> None:
    written = json.loads((merged_session(session_id) / "report.json").read_text())
    assert written["schema"] == report.REPORT_SCHEMA
    chunks = list((SESSIONS / session_id / "chunks").rglob("*.webm"))
    assert sorted(chunk["bytes"] for chunk in written["chunks"]) == sorted(path.stat().st_size for path in chunks)
    assert all(sum(chunk[kind] for kind in KINDS) == chunk["bytes"] for chunk in written["chunks"])
    assert sum(chunk["packets"] for chunk in written["chunks"]) == written["packets"]["recorded"]
    silent = [span["output_samples"] for span in written["timeline"] if span["kind"] == "silence"]
    assert sum(end - start for start, end in silent) == written["packets"]["silent"] * 960
    assert written["timeline"][-1]["output_samples"][1] // 48 / 1000 == written["duration_s"]
    ends = [span["output_samples"][1] for span in written["timeline"]]
    assert [span["output_samples"][0] for span in written["timeline"]] == [0, *ends[:-1]]
