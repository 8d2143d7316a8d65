"""The fuzz targets that join chunks: hurt recordings, and results that were changed (see `fuzz_targets`)."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import mp4_recordings
import ogg_recordings
import recordings
from fuzz_bounds import Controls, bounded, measures_memory

from sessiontool.concat import Remuxer
from sessiontool.documents.models import SessionDocument
from sessiontool.documents.reading import read_object
from sessiontool.documents.session import read_session
from sessiontool.errors import SessionToolError
from sessiontool.model import ChunkRef, StoredObject
from sessiontool.progress import Silent
from sessiontool.recording.assemble import assemble
from sessiontool.sessions import report, write_result
from sessiontool.sessions.inputs import Notes
from sessiontool.sessions.verify import verify_audio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sessiontool import timeline
    from sessiontool.recording.records import Assembly

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
        chunks: list[Any] = []
        for seq in range(controls.byte() % 8):
            noted = {"seq": seq, "emitted_ms": start_ms + (seq + 1) * slice_ms + controls.byte()}
            noted |= {"bytes": controls.byte() * 100} if kind == 3 else {}
            chunks.append(noted)
        pauses = (
            [{"start_ms": start_ms + 1500, "end_ms": start_ms + controls.byte() * 50}] if controls.byte() & 1 else []
        )
        start = {} if controls.byte() & 1 else {"start_ms": start_ms}
        parts.append({"part": part, "timeslice_ms": slice_ms, "chunks": chunks, "pauses": pauses, **start})
    session, problems = read_object(SessionDocument, {"parts": parts})
    assert session is not None, problems
    return session


def join_and_verify(blobs: Sequence[Blob], session: SessionDocument, *, measure_memory: bool = False) -> Any:
    """Join the chunks as a merge does; returns the report ({} where the recording is refused)."""
    listed = [_listed(blob, place) for place, blob in enumerate(blobs)]
    data_of = {chunk: blob.data for chunk, blob in zip(listed, blobs, strict=True)}
    size = sum(len(blob.data) for blob in blobs)
    with bounded(size + 20_000, measure_memory=measure_memory) as out:
        try:
            joiner, assembly = assemble(listed, session, data_of.__getitem__, lambda: Remuxer(io.BytesIO()), Silent())
        except SessionToolError:
            return {}
        spans = joiner.finish(out, writing_app="test", track_uid=1)
        _check_assembly(joiner, assembly, listed)
        document = write_result.make_report("test", Notes(session), assembly, spans)
        out.seek(0)
        assert verify_audio(out, document) == []
    _check_timeline(spans, document)
    check_json(document)
    return document


def _listed(blob: Blob, place: int) -> ChunkRef:
    key = f"test/chunks/{blob.part}/{place}/{blob.seq:06d}.webm"
    return ChunkRef(StoredObject(key, len(blob.data), ""), blob.part, blob.seq)


def _check_assembly(joiner: Remuxer, assembly: Assembly, listed: Sequence[ChunkRef]) -> None:
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


def _check_timeline(spans: timeline.Timeline, document: Any) -> None:
    assert all(span.output_start <= span.output_end for span in spans.spans)
    assert all(a.output_end == b.output_start for a, b in pairwise(spans.spans))
    assert all(span.session_start_us <= span.session_end_us for span in spans.spans)
    for finding in document["findings"]:
        assert 0 <= finding.get("at_s", 0) <= document["duration_s"], finding


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def check_json(document: Any) -> None:
    text = report.to_text(document).encode("utf-8", "replace")
    assert isinstance(json.loads(text, parse_constant=_no_constant), dict)


# -- verify


@cache
def whole_result() -> tuple[bytes, Any]:
    """A joined recording and its report."""
    chunks = seed_parts()[0]
    listed = [_listed(Blob("000", seq, chunk), seq) for seq, chunk in enumerate(chunks) if seq != 2]
    joiner, assembly = assemble(
        listed, SessionDocument(), lambda chunk: chunks[chunk.seq], lambda: Remuxer(io.BytesIO()), Silent()
    )
    out = io.BytesIO()
    spans = joiner.finish(out, writing_app="test", track_uid=1)
    return out.getvalue(), write_result.make_report("test", Notes(), assembly, spans)


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
