"""What the fuzzers run and what must hold, whatever the bytes.

Used by the coverage-guided runs in `fuzz/` and by the tests.

A target takes one input, bytes of any kind, and raises AssertionError where something does not hold.  Bytes at an
input's end say how it is cut, hurt and handed over; what stands before them is data, so that a file with a few bytes
behind it is a good seed.

Everywhere: no exception but SessionToolError; at most a second a megabyte; memory of a few times the input.
"""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, filterwarnings
from xml.etree import ElementTree as ET

from fuzz_bounds import REPEATED_BYTES, Controls, bounded, measures_memory
from fuzz_eventlogs import event_logs
from fuzz_joins import Blob, check_json, join_and_verify, salvage, seed_parts, verify
from recordings import assert_all_counted

from sessiontool import captions, timeline
from sessiontool.documents.models import SessionDocument
from sessiontool.documents.session import read_session
from sessiontool.documents.utterances import read_utterances
from sessiontool.errors import SessionToolError
from sessiontool.media.isobmff.demuxer import Mp4Demuxer
from sessiontool.media.matroska.demuxer import WebmDemuxer
from sessiontool.media.mp3 import HEADER_BYTES, read_header
from sessiontool.media.mpeg_audio.adts import AdtsDemuxer
from sessiontool.media.mpeg_audio.demuxer import Mp3Demuxer
from sessiontool.media.ogg.demuxer import OggDemuxer
from sessiontool.media.opus import MAX_PACKET_SAMPLES, packet_samples
from sessiontool.model import SAMPLE_RATE, Placement
from sessiontool.sessions import report
from sessiontool.sessions.inputs import Notes
from sessiontool.sessions.transcript import transcript_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sessiontool.media.packets import Demuxer, PacketRun

# -- readers


def webm(data: bytes) -> None:
    _read_stream(WebmDemuxer, data)


def ogg(data: bytes) -> None:
    _read_stream(OggDemuxer, data)


def mp4(data: bytes) -> None:
    _read_stream(Mp4Demuxer, data)


def mp3(data: bytes) -> None:
    _read_stream(Mp3Demuxer, data, mp3_samples)


def adts(data: bytes) -> None:
    _read_stream(AdtsDemuxer, data, lambda _: range(512, 1 << 13))


def mp3_samples(frame: bytes) -> range:
    """How many samples at 48 kHz a frame may be counted with: rates of 44.1 kHz leave a rest to others."""
    header = read_header(frame[:HEADER_BYTES])
    assert header is not None
    assert len(frame) == header.size_bytes
    exact = header.samples * SAMPLE_RATE // header.rate_hz
    return range(exact, exact + 2)


def opus_samples(packet: bytes) -> range:
    """How many samples a packet has."""
    return range(packet_samples(packet), packet_samples(packet) + 1)


def _read_stream(
    new_reader: Callable[[], Demuxer], data: bytes, samples_of: Callable[[bytes], range] = opus_samples
) -> None:
    controls = Controls(data)
    pieces = _pieces(controls)
    fed = b"".join(piece for piece, _ in pieces)
    reader, runs = new_reader(), []
    with bounded(len(fed), measure_memory=measures_memory(data)), suppress(SessionToolError):
        for piece, is_lost in pieces:
            if is_lost:
                runs += reader.discontinuity("a test")
            runs += reader.feed(piece)
        runs += reader.flush()
        runs += reader.flush()
        assert_all_counted(reader, runs)
    _check_runs(runs, reader, samples_of)
    _check_packets([payload for run in runs for payload in run.payloads], fed)


def _pieces(controls: Controls) -> list[tuple[bytes, bool]]:
    """The data in pieces; some are left out, with (True) or without a word before the next."""
    marks = [(controls.below(len(controls.rest)), controls.byte()) for _ in range(controls.byte() % 8)]
    if controls.byte() == 0xFF and controls.rest:
        controls.rest *= max(1, REPEATED_BYTES // len(controls.rest))
    marks.sort()
    pieces, start, is_lost = [], 0, False
    for at, action in [*marks, (len(controls.rest), 0)]:
        if action & 0x60 != 0x60:
            pieces.append((controls.rest[start:at], is_lost))
            is_lost = action & 0x10 != 0
        else:
            is_lost |= action & 0x10 != 0
        start = at
    return pieces


def _check_runs(runs: Sequence[PacketRun], reader: Demuxer, samples_of: Callable[[bytes], range]) -> None:
    assert not runs or reader.track is not None
    for run in runs:
        assert len(run.payloads) == len(run.times_ms) == len(run.durations) > 0
        assert all(type(time_ms) is int for time_ms in run.times_ms)
        assert all(0 < duration <= MAX_PACKET_SAMPLES for duration in run.durations)
        pairs = zip(run.durations, run.payloads, strict=True)
        assert all(duration in samples_of(payload) for duration, payload in pairs)
        assert run.recording >= 0


def _check_packets(payloads: Sequence[bytes], fed: bytes) -> None:
    """Every packet stands in what was fed, byte for byte, each behind the one before."""
    at = 0
    for payload in payloads:
        at = fed.find(payload, at)
        assert at >= 0, f"a packet of {len(payload)} bytes that is not in the input, or not there"
        at += len(payload)


# -- documents


def documents(data: bytes) -> None:
    """session.json and utterances of any bytes: read, written into the transcript and the report, and captioned."""
    controls = Controls(data)
    kind = controls.byte()
    if kind == 0xFF and controls.rest:
        controls.rest *= max(1, REPEATED_BYTES // len(controls.rest))
    with bounded(3 * len(controls.rest), measure_memory=measures_memory(data)):
        if kind & 4:
            controls.rest = _odd_json(controls, kind % 3)
        if kind % 3 == 0:
            session, findings = read_session(controls.rest, "session.json")
            notes = Notes(session, [], findings)
        else:
            notes = Notes(
                SessionDocument(),
                *read_utterances(controls.rest, ("utterances.jsonl", "utterances.json")[kind % 3 - 1]),
            )
        _check_notes(notes)
    if notes.session.parts:
        assert join_and_verify([Blob("000", seq, chunk) for seq, chunk in enumerate(seed_parts()[0])], notes.session)


_CHUNK_NOTES = [{"seq": seq, "bytes": 500, "emitted_ms": 900 * seq, "sha256": "ab"} for seq in range(3)]
_PART_NOTES = {"part": "000", "timeslice_ms": 900, "start_ms": 5, "chunks": _CHUNK_NOTES}
_SESSION_NOTES = {
    "session_id": "test",
    "channels": ["user", "assistant"],
    "speakers": {"user": "Dana"},
    "parts": [{**_PART_NOTES, "pauses": [{"start_ms": 100, "end_ms": 300}]}, {**_PART_NOTES, "part": 1}],
}
_UTTERANCE = {"id": "a", "role": "user", "text": "Hello", "t_start": 0.5, "t_end": 1.5, "x": {"y": [1]}}
_ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**18, 1e308, -1e308, 1e-300, float("nan"), float("-inf"), 1e13, "", "000", "9" * 5000),
    *("\ud800", "\0", [], {}, [[]], {"": {}}, {"part": "000"}, ["user"], [None], {"role": 1, "text": []}, "1e308"),
)


def _odd_json(controls: Controls, kind: int) -> bytes:
    """A document with some of its values exchanged for odd ones."""
    value: Any = json.loads(json.dumps([_SESSION_NOTES if kind == 0 else _UTTERANCE] * 3))
    for _ in range(controls.byte() % 8):
        holder, key = value, controls.byte() % len(value)
        while isinstance(item := holder[key], (dict, list)) and item and controls.byte() & 3:
            holder, key = (
                item,
                sorted(item)[controls.byte() % len(item)] if isinstance(item, dict) else controls.byte() % len(item),
            )
        odd = controls.byte()
        holder[key] = (
            deepcopy(_ODD_VALUES[odd]) if odd < len(_ODD_VALUES) else json.loads("[" * (odd // 2) + "]" * (odd // 2))
        )
    texts = [json.dumps(one).encode() for one in value]
    return texts[0] if kind == 0 else b"\n".join(texts) if kind == 1 else json.dumps(value).encode()


def _check_notes(notes: Notes) -> None:
    for utterance in notes.utterances:
        assert {type(utterance.t_start_us), type(utterance.t_end_us)} <= {int, type(None)}
        assert utterance.id
    placements = [Placement(utterance, 0, 48_000, "aligned", 0.5) for utterance in notes.utterances]
    roles = {utterance.role for utterance in notes.utterances}
    speakers = {role: captions.speaker_name(role, notes.session.speakers) for role in roles}
    spans = timeline.Timeline([])
    transcript = transcript_json("test", spans, placements, speakers)
    check_json(transcript)
    check_json({"findings": [report.finding_json(finding) for finding in notes.findings]})


# -- captions

_NUMBERS = (0.0, -1.0, 1e300, 0.001, 86_400.0, 1e-9, 35_999.9999)


def captioned(data: bytes) -> None:
    """A transcript with any text in it and any times: every format is written, and reads as the cues it was made of."""
    controls = Controls(data)
    kind = controls.byte()
    if kind % 4 == 0:
        try:
            document = json.loads(controls.rest)
        except (ValueError, RecursionError):
            return
        if not isinstance(document, dict):
            return
    else:
        document = _transcript(controls)
    size = 1000 + len(data)
    profiles = list(captions.PROFILES.values())
    options = captions.CaptionOptions(
        profiles[controls.byte() % len(profiles)],
        tuple(captions.FORMATS),
        speakers=bool(kind & 4),
        text="generated" if kind & 8 else "heard",
        mark_gaps=bool(kind & 16),
        karaoke=bool(kind & 32),
    )
    with bounded(20 * size, measure_memory=measures_memory(data)), suppress(SessionToolError), catch_warnings():
        filterwarnings("ignore", "Overflow in SubStation")  # ASS has no times from 10 hours on
        made = captions.caption(document, options, note="test", report=document)
        _check_captions(made)


def _transcript(controls: Controls) -> dict[str, Any]:
    utterances: list[dict[str, Any]] = []
    start_s = 0.0
    for number in range(controls.byte() % 8):
        length = controls.byte()
        raw, controls.rest = controls.rest[:length], controls.rest[length:]
        how = controls.byte()
        text = raw.decode(("utf-8", "utf-16-le", "latin-1", "utf-8")[how % 4], "replace")
        start_s += controls.byte() / 10 - 2
        end_s = start_s + controls.byte() / 20 if how & 8 else _NUMBERS[controls.byte() % len(_NUMBERS)]
        one = {
            "id": str(number),
            "role": ("user", "assistant", text)[how % 3],
            "text": text,
            "start_s": start_s,
            "end_s": end_s,
        }
        if how & 16:
            words = text.split()
            step = (end_s - start_s) / max(1, len(words))
            one["words"] = [
                {"text": word, "start_s": start_s + step * place, "end_s": start_s + step * (place + 1)}
                for place, word in enumerate(words)
            ]
        if how & 32:
            one |= {"heard_text": text[: len(text) // 2], "interrupted": True}
        if how & 64:
            one |= {"speaker": text[:30], "language": text[:8]}
        utterances.append(one)
    return {"duration_s": controls.byte() / 4, "utterances": utterances}


def _check_captions(made: captions.Captions) -> None:
    for cues in (made.cues, made.single):
        assert all(0 <= cue.start_ms < cue.end_ms for cue in cues)
        assert [cue.start_ms for cue in cues] == sorted(cue.start_ms for cue in cues)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(made.single))
    for name, text in made.files.items():
        text.encode("utf-8", "replace")
        assert "\0" not in text, name
        if name.endswith(".ttml"):
            ET.fromstring(text.encode("utf-8", "replace"))
        if name.endswith((".vtt", ".srt")):
            cues = made.single if name.endswith(".srt") else made.cues
            assert captions.cue_times(text, name) == [(cue.start_ms, cue.end_ms) for cue in cues], name


TARGETS: dict[str, Callable[[bytes], None]] = {
    "webm": webm,
    "salvage": salvage,
    "documents": documents,
    "events": event_logs,
    "ogg": ogg,
    "mp4": mp4,
    "mp3": mp3,
    "adts": adts,
    "verify": verify,
    "captions": captioned,
}
