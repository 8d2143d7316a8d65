"""What the fuzzers run and what must hold, whatever the bytes.

Used by the coverage-guided runs in `fuzz/` and by the tests.

A target takes one input, bytes of any kind, and raises AssertionError where something does not hold.  Bytes at an
input's end say how it is cut, hurt and handed over; what stands before them is data, so that a file with a few bytes
behind it is a good seed.

Everywhere: no exception but SessionToolError; at most a second a megabyte; memory of a few times the input.
"""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import time
import tracemalloc
import zlib
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, filterwarnings
from xml.etree import ElementTree as ET

import mp4_recordings
import ogg_recordings
import recordings

from sessiontool import captions, report, results, timeline
from sessiontool.assemble import assemble
from sessiontool.concat import Joiner
from sessiontool.containers.mp4 import Mp4Reader
from sessiontool.containers.ogg import OggReader
from sessiontool.documents import read_session, read_utterances
from sessiontool.errors import SessionToolError
from sessiontool.inputs import Notes
from sessiontool.models import SessionDocument
from sessiontool.progress import Silent
from sessiontool.values import ChunkRef, Placement, StoredObject
from sessiontool.verify import verify_audio
from sessiontool.webm.opus import MAX_PACKET_SAMPLES, packet_samples
from sessiontool.webm.reader import WebmReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sessiontool.recording import Assembly
    from sessiontool.webm.packets import Packets, Reader

SLOWNESS = float(os.environ.get("FUZZ_SLOWNESS", "5"))
"""How much slower than by itself the code runs: instrumented for coverage, about twice."""

_S_PER_MB, _S_AT_LEAST = 1.0, 0.1
_MEMORY_FACTOR, _MEMORY_AT_LEAST = 12, 4 << 20
_MEMORY_MEASURED_ONE_IN = 50
_REPEATED_BYTES = 1 << 16


class Controls:
    """Takes an input apart: numbers from its end, then `rest` is the data.  A short input gives zeros."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def byte(self) -> int:
        value, self.rest = self.rest[-1:], self.rest[:-1]
        return value[0] if value else 0

    def below(self, limit: int) -> int:
        """A number from 0 to `limit`, by two bytes."""
        return (self.byte() << 8 | self.byte()) * (limit + 1) >> 16


@contextmanager
def bounded(input_bytes: int, *, measure_memory: bool = False) -> Iterator[io.BytesIO]:
    """Run what must take at most a second a megabyte, and a few times the input's memory where that is measured.

    What is written to the file it gives counts too: there may be more silence in it than there was input.
    """
    out = io.BytesIO()
    if measure_memory:
        gc.collect()
        tracemalloc.start()
    started = time.process_time()
    try:
        yield out
        took_s = time.process_time() - started
        peak = tracemalloc.get_traced_memory()[1] if measure_memory else 0
    finally:
        if measure_memory:
            tracemalloc.stop()
    input_bytes += 2 * len(out.getbuffer())
    slow = SLOWNESS * (4 if measure_memory else 1)
    allowed_s = (_S_AT_LEAST + _S_PER_MB * input_bytes / 1e6) * slow
    assert took_s <= allowed_s, f"{took_s:.2f} s for {input_bytes:,} bytes"
    allowed = _MEMORY_AT_LEAST + _MEMORY_FACTOR * input_bytes
    assert peak <= allowed, f"{peak:,} bytes of memory for {input_bytes:,} bytes"


def measures_memory(data: bytes) -> bool:
    """Whether this input is one of those whose memory is measured, which makes all slower."""
    return zlib.crc32(data) % _MEMORY_MEASURED_ONE_IN == 0


# -- readers


def webm(data: bytes) -> None:
    _read_stream(WebmReader, data)


def ogg(data: bytes) -> None:
    _read_stream(OggReader, data)


def mp4(data: bytes) -> None:
    _read_stream(Mp4Reader, data)


def _read_stream(new_reader: Callable[[], Reader], data: bytes) -> None:
    controls = Controls(data)
    pieces = _pieces(controls)
    fed = b"".join(piece for piece, _ in pieces)
    reader, runs = new_reader(), []
    with bounded(len(fed), measure_memory=measures_memory(data)), suppress(SessionToolError):
        for piece, is_lost in pieces:
            if is_lost:
                runs += reader.lost("a test")
            runs += reader.feed(piece)
            assert reader.pending_bytes >= 0
        runs += reader.close()
        runs += reader.close()
    _check_runs(runs, reader)
    _check_packets([payload for run in runs for payload in run.payloads], fed)
    for damage in reader.damages:
        assert damage.offset >= 0, damage
        assert damage.length_bytes >= 0, damage
        assert damage.offset + damage.length_bytes <= len(fed), (damage, len(fed))


def _pieces(controls: Controls) -> list[tuple[bytes, bool]]:
    """The data in pieces; some are left out, with (True) or without a word before the next."""
    marks = [(controls.below(len(controls.rest)), controls.byte()) for _ in range(controls.byte() % 8)]
    if controls.byte() == 0xFF and controls.rest:
        controls.rest *= max(1, _REPEATED_BYTES // len(controls.rest))
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


def _check_runs(runs: Sequence[Packets], reader: Reader) -> None:
    assert not runs or reader.track is not None
    for run in runs:
        assert len(run.payloads) == len(run.times_ms) == len(run.durations) > 0
        assert all(type(time_ms) is int for time_ms in run.times_ms)
        assert all(0 < duration <= MAX_PACKET_SAMPLES for duration in run.durations)
        assert run.durations == [packet_samples(payload) for payload in run.payloads]
        assert run.recording >= 0


def _check_packets(payloads: Sequence[bytes], fed: bytes) -> None:
    """Every packet stands in what was fed, byte for byte, each behind the one before."""
    at = 0
    for payload in payloads:
        at = fed.find(payload, at)
        assert at >= 0, f"a packet of {len(payload)} bytes that is not in the input, or not there"
        at += len(payload)


# -- salvage


@dataclass(frozen=True, slots=True)
class Blob:
    """A chunk of a part, as a store has it."""

    part: str
    seq: int
    data: bytes


@cache
def seed_parts() -> tuple[tuple[bytes, ...], ...]:
    """Recordings in chunks: small ones of every container, and the beginnings of real ones."""
    made = []
    for live in (recordings.chrome(40), recordings.firefox(60), recordings.chrome(24, cluster_packets=3, seed=9)):
        clusters = [live.data.index(block.payload) for block in live.blocks[::5]][1:]
        made.append(tuple(recordings.split(live.data, clusters)))
    others = (ogg_recordings.made(8).data, mp4_recordings.made(8).data)
    made += [tuple(recordings.split(data, range(len(data) // 5, len(data), len(data) // 5))) for data in others]
    real = (recordings.recorded_chunks(name)[:4] for name in ("chrome-24k", "chrome-1s", "firefox-pause"))
    return (*made, *map(tuple, real))


def salvage(data: bytes) -> None:
    """Chunks of a recording, dropped, doubled, moved, cut and overwritten, are joined: the result is always whole."""
    controls = Controls(data)
    blobs = _hurt(controls)
    session = _session(controls, blobs)
    join_and_verify(blobs, session, measure_memory=measures_memory(data))


def _hurt(controls: Controls) -> list[Blob]:
    seeds = seed_parts()
    blobs = [Blob("000", seq, chunk) for seq, chunk in enumerate(seeds[controls.byte() % len(seeds)])]
    if controls.byte() % 4 == 3:
        blobs += [Blob("001", seq, chunk) for seq, chunk in enumerate(seeds[controls.byte() % len(seeds)])]
    for _ in range(controls.byte() % 10):
        if not blobs:
            break
        fault = _FAULTS[controls.byte() % len(_FAULTS)]
        fault(blobs, controls.below(len(blobs) - 1), controls)
    return sorted(blobs, key=lambda blob: (blob.part, blob.seq))


def _drop(blobs: list[Blob], index: int, _: Controls) -> None:
    del blobs[index]


def _double(blobs: list[Blob], index: int, controls: Controls) -> None:
    blob = blobs[index]
    blobs.append(Blob(blob.part, controls.byte() % 12, blob.data))


def _renumber(blobs: list[Blob], index: int, controls: Controls) -> None:
    number = controls.byte()
    blobs[index] = Blob(blobs[index].part, number if number < 200 else number**8, blobs[index].data)


def _swap(blobs: list[Blob], index: int, controls: Controls) -> None:
    other = controls.below(len(blobs) - 1)
    a, b = blobs[index], blobs[other]
    blobs[index], blobs[other] = Blob(a.part, a.seq, b.data), Blob(b.part, b.seq, a.data)


def _replace(blobs: list[Blob], index: int, data: bytes) -> None:
    blobs[index] = Blob(blobs[index].part, blobs[index].seq, data)


def _cut_end(blobs: list[Blob], index: int, controls: Controls) -> None:
    _replace(blobs, index, blobs[index].data[: controls.below(len(blobs[index].data))])


def _cut_start(blobs: list[Blob], index: int, controls: Controls) -> None:
    _replace(blobs, index, blobs[index].data[controls.below(len(blobs[index].data)) :])


def _overwrite(blobs: list[Blob], index: int, controls: Controls) -> None:
    data = blobs[index].data
    at, new = controls.below(len(data)), _some(controls)
    _replace(blobs, index, data[:at] + new + data[at + len(new) :])


def _insert(blobs: list[Blob], index: int, controls: Controls) -> None:
    data = blobs[index].data
    at = controls.below(len(data))
    _replace(blobs, index, data[:at] + _some(controls) + data[at:])


def _zero(blobs: list[Blob], index: int, controls: Controls) -> None:
    data = blobs[index].data
    start, end = sorted((controls.below(len(data)), controls.below(len(data))))
    _replace(blobs, index, data[:start] + bytes(end - start) + data[end:])


def _splice(blobs: list[Blob], index: int, controls: Controls) -> None:
    seeds = seed_parts()
    chunks = seeds[controls.byte() % len(seeds)]
    foreign = chunks[controls.byte() % len(chunks)]
    _replace(blobs, index, foreign if controls.byte() & 1 else blobs[index].data + foreign)


def _some(controls: Controls) -> bytes:
    """Up to 64 bytes of the input's data."""
    length = controls.byte() % 64
    some, controls.rest = controls.rest[:length], controls.rest[length:]
    return some


_FAULTS = (_drop, _double, _renumber, _swap, _cut_end, _cut_start, _overwrite, _insert, _zero, _splice, _overwrite)


def _session(controls: Controls, blobs: Sequence[Blob]) -> SessionDocument:
    """What the recorder noted: nothing, something likely, or what the input's data says in JSON."""
    kind = controls.byte() % 4
    if kind == 0:
        return SessionDocument()
    if kind == 1:
        return read_session(controls.rest, "session.json")[0]
    parts = []
    for place, part in enumerate(sorted({blob.part for blob in blobs})):
        slice_ms = controls.byte() * 40
        start_ms = place * 20_000 + controls.byte() * (1 if kind == 2 else -1000)
        chunks: list[dict[str, Any]] = []
        for seq in range(controls.byte() % 8):
            noted = {"seq": seq, "emitted_ms": start_ms + (seq + 1) * slice_ms + controls.byte()}
            noted |= {"bytes": controls.byte() * 100} if kind == 3 else {}
            chunks.append(noted)
        pauses = (
            [{"start_ms": start_ms + 1500, "end_ms": start_ms + controls.byte() * 50}] if controls.byte() & 1 else []
        )
        start = {} if controls.byte() & 1 else {"start_ms": start_ms}
        parts.append({"part": part, "timeslice_ms": slice_ms, "chunks": chunks, "pauses": pauses, **start})
    return SessionDocument.model_validate({"parts": parts})


def join_and_verify(blobs: Sequence[Blob], session: SessionDocument, *, measure_memory: bool = False) -> dict[str, Any]:
    """Join the chunks as a merge does; returns the report ({} where the recording is refused)."""
    listed = [_listed(blob, place) for place, blob in enumerate(blobs)]
    data_of = {chunk: blob.data for chunk, blob in zip(listed, blobs, strict=True)}
    size = sum(len(blob.data) for blob in blobs)
    with bounded(size + 20_000, measure_memory=measure_memory) as out:
        try:
            joiner, assembly = assemble(listed, session, data_of.__getitem__, lambda: Joiner(io.BytesIO()), Silent())
        except SessionToolError:
            return {}
        spans = joiner.finish(out, writing_app="test", track_uid=1)
        document = results.make_report("test", Notes(session), assembly, spans)
        out.seek(0)
        assert verify_audio(out, document) == []
    _check_assembly(joiner, assembly, listed)
    _check_timeline(spans, document)
    _check_json(document)
    return document


def _listed(blob: Blob, place: int) -> ChunkRef:
    key = f"test/chunks/{blob.part}/{place}/{blob.seq:06d}.webm"
    return ChunkRef(StoredObject(key, len(blob.data), ""), blob.part, blob.seq)


def _check_assembly(joiner: Joiner, assembly: Assembly, listed: Sequence[ChunkRef]) -> None:
    assert joiner.recorded_packets == sum(record.packets for record in assembly.chunks) > 0
    keys = [record.chunk.object.key for record in assembly.chunks]
    refused = {finding.part for finding in assembly.findings if finding.code == "part-unreadable"}
    assert len(keys) == len(set(keys)), "a chunk is in two recordings"
    assert {chunk.object.key for chunk in listed if chunk.part not in refused} <= set(keys), "a chunk went unseen"
    sizes: dict[tuple[str, int], int] = {}
    for chunk in listed:
        sizes[chunk.part, chunk.seq] = max(chunk.object.size_bytes, sizes.get((chunk.part, chunk.seq), 0))
    for finding in assembly.findings:
        assert finding.hint
        assert finding.lost_ms is None or finding.lost_ms >= 0
        if finding.byte_offset is not None and finding.part is not None and finding.seq is not None:
            assert 0 <= finding.byte_offset <= sizes[finding.part, finding.seq], finding


def _check_timeline(spans: timeline.Timeline, document: dict[str, Any]) -> None:
    assert all(span.output_start <= span.output_end for span in spans.spans)
    assert all(a.output_end == b.output_start for a, b in pairwise(spans.spans))
    assert all(span.session_start_us <= span.session_end_us for span in spans.spans)
    for finding in document["findings"]:
        assert 0 <= finding.get("at_s", 0) <= document["duration_s"], finding


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def _check_json(document: dict[str, Any]) -> None:
    text = report.to_text(document).encode("utf-8", "replace")
    assert isinstance(json.loads(text, parse_constant=_no_constant), dict)


# -- documents


def documents(data: bytes) -> None:
    """session.json and utterances of any bytes: read, written into the transcript and the report, and captioned."""
    controls = Controls(data)
    kind = controls.byte()
    if kind == 0xFF and controls.rest:
        controls.rest *= max(1, _REPEATED_BYTES // len(controls.rest))
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
    transcript = report.transcript_json("test", spans, placements, speakers)
    _check_json(transcript)
    _check_json({"findings": [report.finding_json(finding) for finding in notes.findings]})


# -- verify


@cache
def whole_result() -> tuple[bytes, dict[str, Any]]:
    """A joined recording and its report."""
    chunks = seed_parts()[0]
    listed = [_listed(Blob("000", seq, chunk), seq) for seq, chunk in enumerate(chunks) if seq != 2]
    joiner, assembly = assemble(
        listed, SessionDocument(), lambda chunk: chunks[chunk.seq], lambda: Joiner(io.BytesIO()), Silent()
    )
    out = io.BytesIO()
    spans = joiner.finish(out, writing_app="test", track_uid=1)
    return out.getvalue(), results.make_report("test", Notes(), assembly, spans)


def verify(data: bytes) -> None:
    """A result's file, changed: never an exception, and where no problem is found, every packet is the same."""
    controls = Controls(data)
    whole, document = whole_result()
    changed = bytearray(whole)
    if controls.byte() & 1:
        changed = bytearray(controls.rest)
    for _ in range(controls.byte() % 8):
        at, length, kind = controls.below(len(changed)), controls.byte() % 16, controls.byte()
        new = controls.rest[:length]
        changed[at : at + (length if kind & 1 else kind % 5)] = new
    with bounded(len(changed), measure_memory=measures_memory(data)):
        problems = verify_audio(io.BytesIO(changed), document)
    assert verify_audio(io.BytesIO(whole), document) == []
    if not problems:
        assert _packets_of(bytes(changed)) == _packets_of(whole)


def _packets_of(data: bytes) -> list[tuple[str, int]]:
    """Hashes and times of a file's blocks, by a walk that shares nothing with what is tested."""
    return [(hashlib.sha256(block.payload).hexdigest(), block.time_ms) for block in recordings.walk(data)]


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
        generated=bool(kind & 8),
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
    "ogg": ogg,
    "mp4": mp4,
    "verify": verify,
    "captions": captioned,
}


def control_bytes(*values: int) -> bytes:
    """What to put behind data so that the first of `values` is what a target asks for first."""
    return bytes(reversed(values))
