"""Is a published result what its report says?  An independent check.

The file is read from scratch, strictly, by other code than wrote it.

Proved of the audio: every recorded packet is there, in order, byte for byte (the report has a hash over each chunk's
packets); what stands between them is silence where the timeline says so; timestamps and Duration are the sum of the
packets' durations; SeekHead and Cues lead where they say; sizes are exact.  Of the rest: hashes, and that captions
and utterances lie inside the audio.

A problem is a finding with severity error; none means that the result is whole.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import accumulate
from math import isclose
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import RecordingError
from ..values import SAMPLE_RATE, Finding
from ..webm import ebml
from ..webm.opus import SILENT_PACKET_SAMPLES, OpusHead, PacketSamples, silent_packet
from ..webm.packets import PacketsDigest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SAMPLES_PER_MS = SAMPLE_RATE // 1000
_BLOCK = struct.Struct(">BHBHB")
_LONG_BLOCK = struct.Struct(">BIBHB")
_MOST_PROBLEMS = 20
_MAX_ELEMENT_BYTES = 1 << 26
_DURATION_TOLERANCE_MS = 1
_NS_PER_MS, _AUDIO_TRACK, _SEEK_PRE_ROLL_NS = 1_000_000, 2, 80_000_000


class _Broken(Exception):  # noqa: N818 - ends the reading, and becomes a finding
    """The file's structure is not what a reader could go on from."""


@dataclass(slots=True)
class _Head:
    """What stands before the clusters."""

    opus: OpusHead
    duration_ms: float
    track: int
    cues: dict[int, int] = field(default_factory=dict)  # cluster offset in the segment, timestamp


@dataclass(slots=True)
class _Cluster:
    offset: int
    timestamp_ms: int
    payloads: list[bytes]
    times_ms: list[int]


def verify_audio(file: BinaryIO, report: dict[str, Any]) -> list[Finding]:
    """Check an `audio.webm`, open for reading at its start, against its report."""
    problems = _Problems()
    try:
        _verify_audio(_File(file), report, problems)
    except (_Broken, ValueError, struct.error, RecordingError) as error:
        problems.add("verify-structure", f"audio.webm cannot be read to its end: {error}")
    return problems.findings


class _Problems:
    """Findings, the first ones in full."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def add(self, code: str, message: str) -> None:
        if len(self.findings) < _MOST_PROBLEMS:
            self.findings.append(Finding(code, "error", message, hint="merge the session again with --force"))

    def expect(self, code: str, what: str, expected: object, found: object) -> None:
        if expected != found:
            self.add(code, f"{what}: expected {expected}, found {found}")


class _File:
    """Reads elements of known size, one after another."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.offset = 0

    def header(self) -> tuple[int, int] | None:
        """Id and size of the next element; None at the end of the file."""
        start = self._file.read(1)
        if not start:
            return None
        id_bytes = start + self._file.read(8 - start[0].bit_length())
        first = self._file.read(1)
        size_bytes = first + self._file.read(8 - first[0].bit_length()) if first else b""
        found = ebml.read_header(id_bytes + size_bytes, 0)
        if found is None or found[1] == ebml.UNKNOWN_SIZE:
            raise _Broken(f"no element of known size at byte {self.offset}")
        self.offset += found[2]
        return found[0], found[1]

    def body(self, size: int) -> bytes:
        if size > _MAX_ELEMENT_BYTES:
            raise _Broken(f"an element of {size:,} bytes at byte {self.offset}")
        body = self._file.read(size)
        if len(body) != size:
            raise _Broken(f"the file ends inside the element at byte {self.offset}")
        self.offset += size
        return body


def _verify_audio(file: _File, report: dict[str, Any], problems: _Problems) -> None:
    head, clusters = _read_head(file, problems)
    chain = _Chain(report, head, problems)
    samples_of, samples, count = PacketSamples(), 0, 0
    for cluster in clusters:
        count += 1
        problems.expect(
            "verify-cues",
            f"the cue of the cluster at {cluster.offset}",
            head.cues.get(cluster.offset),
            cluster.timestamp_ms,
        )
        durations = [samples_of[payload[:2]] for payload in cluster.payloads]
        starts = list(accumulate(durations, initial=samples))
        expected = [start // _SAMPLES_PER_MS for start in starts[:-1]]
        if expected != cluster.times_ms or 0 in durations:
            problems.add(
                "verify-times", f"timestamps in the cluster at {cluster.timestamp_ms} ms are not the packets' sum"
            )
        chain.take(cluster.payloads, starts)
        samples = starts[-1]
    chain.end()
    problems.expect("verify-cues", "cues", count, len(head.cues))
    heard_ms = max(0, samples - head.opus.pre_skip) / _SAMPLES_PER_MS
    if not isclose(head.duration_ms, heard_ms, rel_tol=0, abs_tol=_DURATION_TOLERANCE_MS):
        problems.add("verify-times", f"Duration is {head.duration_ms:.1f} ms, the packets last {heard_ms:.1f} ms")
    problems.expect("verify-times", "duration_s in the report", report["duration_s"], heard_ms // 1 / 1000)


def _read_head(file: _File, problems: _Problems) -> tuple[_Head, Iterator[_Cluster]]:
    """What stands before the clusters, and the clusters, read as they are asked for."""
    start = file.header()
    if start is None or start[0] != ebml.EBML:
        raise _Broken("it does not begin with an EBML header")
    doc_type = dict(ebml.children(file.body(start[1]))).get(ebml.DOC_TYPE)
    problems.expect("verify-structure", "the document type", b"webm", doc_type)
    segment = file.header()
    if segment is None or segment[0] != ebml.SEGMENT:
        raise _Broken("no Segment behind the EBML header")
    begin = file.offset
    elements: dict[int, bytes] = {}
    places: dict[int, int] = {}
    while (found := _next(file, begin, segment[1])) is not None and found[0] != ebml.CLUSTER:
        places[found[0]] = found[2] - begin
        elements[found[0]] = file.body(found[1])
    head = _parse_head(elements, problems)
    seeks = list(_seeks(elements.get(ebml.SEEK_HEAD, b"")))
    problems.expect("verify-seek", "what SeekHead names", [ebml.INFO, ebml.TRACKS, ebml.CUES], [t for t, _ in seeks])
    for target, place in seeks:
        problems.expect("verify-seek", f"the SeekHead's place of element {target:#x}", places.get(target), place)
    return head, _clusters(file, found, begin, segment[1], head.track)


def _next(file: _File, begin: int, size: int) -> tuple[int, int, int] | None:
    """Id, size and offset of the segment's next element; None where it ends, which must be where the file ends."""
    at = file.offset
    found = file.header()
    if (found is None) != (at == begin + size):
        raise _Broken(f"the Segment should end at byte {begin + size}, the file goes on or ends at byte {at}")
    return None if found is None else (found[0], found[1], at)


def _parse_head(elements: dict[int, bytes], problems: _Problems) -> _Head:
    info = dict(ebml.children(elements.get(ebml.INFO, b"")))
    entries = [
        dict(ebml.children(body))
        for tag, body in ebml.children(elements.get(ebml.TRACKS, b""))
        if tag == ebml.TRACK_ENTRY
    ]
    if len(entries) != 1 or entries[0].get(ebml.CODEC_ID) != b"A_OPUS":
        raise _Broken("it has not exactly one Opus track")
    entry = entries[0]
    opus = OpusHead.parse(entry.get(ebml.CODEC_PRIVATE, b""))
    delay_ns = _uint(entry.get(ebml.CODEC_DELAY, b""))
    if delay_ns != opus.pre_skip * 1_000_000_000 // SAMPLE_RATE:
        raise _Broken(f"CodecDelay of {delay_ns} ns does not fit the pre-skip of {opus.pre_skip} samples")
    audio = dict(ebml.children(entry.get(ebml.AUDIO, b"")))
    for what, expected, found in (
        ("TimestampScale", _NS_PER_MS, _uint(info.get(ebml.TIMESTAMP_SCALE, b""))),
        ("TrackType", _AUDIO_TRACK, _uint(entry.get(ebml.TRACK_TYPE, b""))),
        ("FlagLacing", 0, _uint(entry.get(ebml.FLAG_LACING, b"\1"))),
        ("SeekPreRoll", _SEEK_PRE_ROLL_NS, _uint(entry.get(ebml.SEEK_PRE_ROLL, b""))),
        ("SamplingFrequency", SAMPLE_RATE, ebml.read_float(audio.get(ebml.SAMPLING_FREQUENCY, b""))),
        ("Channels", opus.channels, _uint(audio.get(ebml.CHANNELS, b""))),
    ):
        problems.expect("verify-structure", what, expected, found)
    head = _Head(opus, ebml.read_float(info.get(ebml.DURATION, b"")), _uint(entry.get(ebml.TRACK_NUMBER, b"")))
    for tag, point in ebml.children(elements.get(ebml.CUES, b"")):
        fields = dict(ebml.children(point)) if tag == ebml.CUE_POINT else {}
        position = dict(ebml.children(fields.get(ebml.CUE_TRACK_POSITIONS, b"")))
        problems.expect("verify-cues", "a cue's track", head.track, _uint(position.get(ebml.CUE_TRACK, b"")))
        head.cues[_uint(position.get(ebml.CUE_CLUSTER_POSITION, b""))] = _uint(fields.get(ebml.CUE_TIME, b""))
    return head


def _seeks(body: bytes) -> Iterator[tuple[int, int]]:
    for tag, seek in ebml.children(body):
        fields = dict(ebml.children(seek)) if tag == ebml.SEEK else {}
        yield _uint(fields.get(ebml.SEEK_ID, b"")), _uint(fields.get(ebml.SEEK_POSITION, b""))


def _uint(body: bytes) -> int:
    return int.from_bytes(body, "big")


def _clusters(file: _File, found: tuple[int, int, int] | None, begin: int, size: int, track: int) -> Iterator[_Cluster]:
    while found is not None:
        element_id, length, at = found
        if element_id != ebml.CLUSTER:
            raise _Broken(f"element {element_id:#x} among the clusters at byte {at}")
        yield _read_cluster(file.body(length), at - begin, track)
        found = _next(file, begin, size)


def _read_cluster(body: bytes, offset: int, track: int) -> _Cluster:
    """A cluster that is a Timestamp and SimpleBlocks of the one track, key frames without lacing."""
    header = ebml.read_header(body, 0)
    if header is None or header[0] != ebml.TIMESTAMP:
        raise _Broken(f"the cluster at {offset} does not begin with its timestamp")
    pos = header[2] + header[1]
    timestamp_ms = _uint(body[header[2] : pos])
    payloads: list[bytes] = []
    times_ms: list[int] = []
    unpack, flags_and_track = _BLOCK.unpack_from, (track | 0x80, 0x80)
    while pos < len(body):
        element_id, size, number, relative_ms, flags = unpack(body, pos)
        start, after = pos + 7, pos + size - 0x3FFD
        if size < 0x4000:
            element_id, size, number, relative_ms, flags = _LONG_BLOCK.unpack_from(body, pos)
            start, after = pos + 9, pos + size - 0x0FFFFFFB
        if element_id != ebml.SIMPLE_BLOCK or (number, flags) != flags_and_track or not start < after <= len(body):
            raise _Broken(f"no SimpleBlock of the track at {pos} in the cluster at {offset}")
        payloads.append(body[start:after])
        times_ms.append(timestamp_ms + relative_ms)
        pos = after
    return _Cluster(offset, timestamp_ms, payloads, times_ms)


class _Chain:
    """Checks that the packets are the chunks', in order, and that silence is exactly where the timeline has it."""

    def __init__(self, report: dict[str, Any], head: _Head, problems: _Problems) -> None:
        self._problems = problems
        self._chunks = [chunk for chunk in report["chunks"] if chunk["packets"]]
        self._next = 0
        self._held: list[bytes] = []
        skip = head.opus.pre_skip
        silences = [
            (s["output_samples"][1] + skip, s["silent_packets"]) for s in report["timeline"] if s["kind"] == "silence"
        ]
        self._silences = [(end - packets * SILENT_PACKET_SAMPLES, end) for end, packets in silences]
        self._silent = {silent_packet(1), silent_packet(2)}
        self._checked = 0

    def take(self, payloads: Sequence[bytes], starts: Sequence[int]) -> None:
        """The next packets and the samples at which they start."""
        first, end = starts[0], starts[-1]
        silences = [(a, b) for a, b in self._silences if a < end and b > first]
        if not silences:
            self._held += payloads
        for payload, start in zip(payloads, starts, strict=False) if silences else ():
            if any(a <= start < b for a, b in silences):
                if payload not in self._silent:
                    self._problems.add("verify-silence", f"at {start / SAMPLE_RATE:.3f} s there should be silence")
            else:
                self._held.append(payload)
        self._check()

    def end(self) -> None:
        if self._held or self._next < len(self._chunks):
            self._problems.add(
                "verify-packets",
                f"{len(self._held)} packets are too many, or those of {len(self._chunks) - self._next} chunks too few",
            )

    def _check(self) -> None:
        while self._next < len(self._chunks) and len(self._held) >= self._chunks[self._next]["packets"]:
            chunk = self._chunks[self._next]
            packets, self._held = self._held[: chunk["packets"]], self._held[chunk["packets"] :]
            self._next += 1
            digest = PacketsDigest()
            digest.update(packets)
            if digest.hexdigest() != chunk["packets_sha256"]:
                self._problems.add(
                    "verify-packets", f"the packets of {chunk['key']} are not all there, or not as recorded"
                )


def verify_outputs(sizes_and_digests: dict[str, tuple[int, str]], report: dict[str, Any]) -> list[Finding]:
    """Compare each output's size and SHA-256 with the report; a file that is not there is not in the mapping."""
    problems = _Problems()
    for output in report["outputs"]:
        found = sizes_and_digests.get(output["name"])
        if found is None:
            problems.add("verify-outputs", f"{output['name']} is missing")
        elif found != (output["bytes"], output["sha256"]):
            problems.add(
                "verify-outputs",
                f"{output['name']} is not the file that was published: {found[0]:,} bytes, another hash",
            )
    return problems.findings


def verify_times(transcript: dict[str, Any], cues_ms: Iterable[tuple[int, int]], duration_s: float) -> list[Finding]:
    """Check that utterances and cues lie inside the audio, and begin before they end."""
    problems = _Problems()
    for utterance in transcript["utterances"]:
        start_s, end_s = utterance["start_s"], utterance["end_s"]
        if start_s is not None and not 0 <= start_s <= end_s <= duration_s:
            problems.add(
                "verify-utterances", f"utterance {utterance['id']} at {start_s} to {end_s} s is outside of the audio"
            )
    for start_ms, end_ms in cues_ms:
        if not 0 <= start_ms < end_ms <= duration_s * 1000 + 500:
            problems.add(
                "verify-captions", f"a cue from {start_ms} to {end_ms} ms is outside of the audio of {duration_s} s"
            )
    return problems.findings
