"""Is a published audio.webm what its report says?  An independent check.

The file is read from scratch, strictly, by other code than wrote it.

Proved: every recorded packet is there, in order, byte for byte (the report has a hash over each chunk's packets), and
their bytes are as many as the chunks gave; what stands between them is silence where the timeline says so; timestamps
and Duration are the sum of the packets' durations; SeekHead and Cues lead where they say; sizes are exact; and there is
no element, and no value of one, that we do not write.

A problem is a finding with severity error; none means that the file is whole.  What else a result consists of is
compared in `agreement`.
"""

from __future__ import annotations

import struct
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct, field

from ..errors import RecordingError
from ..media.matroska import ebml
from ..media.opus import SILENT_PACKET_SAMPLES, OpusHead, PacketSamples, silent_packet
from ..model import SAMPLE_RATE, SAMPLES_PER_MS
from .verify_chain import PacketChain, silences_of
from .verify_filled import FilledChain, filled_ranges
from .verify_problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..documents.report_model import Report
    from ..model import Finding
    from .redaction.chain import RedactedChain

_BLOCK = struct.Struct(">BHBHB")
_LONG_BLOCK = struct.Struct(">BIBHB")
_MAX_ELEMENT_BYTES = 1 << 26
"""Chosen: a merge's clusters last some seconds and are far smaller."""
_MOST_NAMED = 20
"""Number of problems that are listed, a line each; chosen."""
_NS_PER_MS, _AUDIO_TRACK, _SEEK_PRE_ROLL_NS = 1_000_000, 2, 80_000_000
"""Units by definition of Matroska (RFC 9559): nanoseconds, TrackType audio, and 80 ms of pre-roll (RFC 7845)."""
# EBMLVersion 1, EBMLReadVersion 1, EBMLMaxIDLength 4, EBMLMaxSizeLength 8, DocType webm, its version 4, read version 2.
_EBML_HEADER = bytes.fromhex("42868101 42f78101 42f28104 42f38108 4282847765626d 42878104 42858102")
_HEAD = [ebml.SEEK_HEAD, ebml.INFO, ebml.TRACKS, ebml.CUES]
_INFO = [ebml.TIMESTAMP_SCALE, ebml.DURATION, ebml.MUXING_APP, ebml.WRITING_APP]
_TRACK = [
    *(ebml.TRACK_NUMBER, ebml.TRACK_UID, ebml.TRACK_TYPE, ebml.FLAG_LACING, ebml.LANGUAGE, ebml.CODEC_ID),
    *(ebml.CODEC_PRIVATE, ebml.CODEC_DELAY, ebml.SEEK_PRE_ROLL, ebml.AUDIO),
]


class Maker(Struct, frozen=True):
    """What a file says of its making: the program, and the number of its track, which is made of the session's id."""

    app: str
    track_uid: int


class _Broken(Exception):  # noqa: N818 - ends the reading, and becomes a finding
    """The file's structure is not what a reader could go on from."""


class _Head(Struct):
    """What stands before the clusters."""

    opus: OpusHead
    duration_ms: float
    track: int
    maker: Maker
    cues: dict[int, int] = field(default_factory=dict)  # cluster offset in the segment, timestamp


class _Cluster(Struct):
    offset: int
    timestamp_ms: int
    payloads: list[bytes]
    times_ms: list[int]


def verify_audio(file: BinaryIO, report: Report, maker: Maker | None = None) -> list[Finding]:
    """Check an `audio.webm`, open for reading at its start, against its report, which has the shape of one."""
    problems = Problems()
    try:
        _verify_audio(_File(file), report, maker, problems)
    except (_Broken, ValueError, struct.error, RecordingError) as error:
        problems.add("verify-structure", f"audio.webm cannot be read to its end: {error}")
    return problems.findings


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


def _verify_audio(file: _File, report: Report, maker: Maker | None, problems: Problems) -> None:
    head, clusters = _read_head(file, problems)
    if maker is not None:
        problems.expect("verify-structure", "what the file says of its making", maker, head.maker)
    skip, unit = head.opus.pre_skip, SILENT_PACKET_SAMPLES
    chain: PacketChain | RedactedChain
    if "redaction" in report:
        from .redaction.chain import RedactedChain  # noqa: PLC0415 - a merge makes no such result itself

        chain = RedactedChain(report, head.opus, problems)
    else:
        silences = [(end + skip - count * unit, end + skip) for end, count in silences_of(report)]
        chain = PacketChain(report, silences, {silent_packet(1), silent_packet(2)}, SAMPLE_RATE, problems)
    filled = FilledChain([] if "redaction" in report else filled_ranges(report, skip), problems)
    lengths, samples, count = PacketSamples(), 0, 0
    for cluster in clusters:
        count += 1
        problems.expect(
            "verify-cues",
            f"the cue of the cluster at {cluster.offset}",
            head.cues.get(cluster.offset),
            cluster.timestamp_ms,
        )
        durations = lengths.of(cluster.payloads)
        starts = list(accumulate(durations, initial=samples))
        expected = [start // SAMPLES_PER_MS for start in starts[:-1]]
        if expected != cluster.times_ms or expected[:1] != [cluster.timestamp_ms] or 0 in durations:
            problems.add(
                "verify-times", f"timestamps in the cluster at {cluster.timestamp_ms} ms are not the packets' sum"
            )
        chain.take(*filled.others(cluster.payloads, starts))
        samples = starts[-1]
    filled.end()
    chain.end()
    problems.expect("verify-cues", "cues", count, len(head.cues))
    heard_ms = max(0, samples - head.opus.pre_skip) / SAMPLES_PER_MS
    if head.duration_ms != heard_ms:
        problems.add("verify-times", f"Duration is {head.duration_ms:.1f} ms, the packets last {heard_ms:.1f} ms")
    problems.expect("verify-times", "duration_s in the report", report["duration_s"], heard_ms // 1 / 1000)


def _read_head(file: _File, problems: Problems) -> tuple[_Head, Iterator[_Cluster]]:
    """What stands before the clusters, and the clusters, read as they are asked for."""
    start = file.header()
    if start is None or start[0] != ebml.EBML:
        raise _Broken("it does not begin with an EBML header")
    problems.expect("verify-structure", "the EBML header", _EBML_HEADER.hex(), file.body(start[1]).hex())
    segment = file.header()
    if segment is None or segment[0] != ebml.SEGMENT:
        raise _Broken("no Segment behind the EBML header")
    begin = file.offset
    elements: dict[int, bytes] = {}
    places: dict[int, int] = {}
    order: list[int] = []
    while (found := _next(file, begin, segment[1])) is not None and found[0] != ebml.CLUSTER:
        order.append(found[0])
        places[found[0]] = found[2] - begin
        elements[found[0]] = file.body(found[1])
    problems.expect("verify-structure", "the elements before the clusters", _named(_HEAD), _named(order))
    head = _parse_head(elements, problems)
    seeks = [_seek(body) for body in _children(elements.get(ebml.SEEK_HEAD, b""), None, ebml.SEEK)]
    problems.expect("verify-seek", "what SeekHead names", _named(_HEAD[1:]), _named([target for target, _ in seeks]))
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


def _parse_head(elements: dict[int, bytes], problems: Problems) -> _Head:
    info = _only(elements.get(ebml.INFO, b""), _INFO, "Info")
    (entry_body, *more) = _children(elements.get(ebml.TRACKS, b""), None, ebml.TRACK_ENTRY) or [b""]
    entry = _only(entry_body, _TRACK, "TrackEntry")
    if more or entry[ebml.CODEC_ID] != b"A_OPUS":
        raise _Broken("it has not exactly one Opus track")
    opus = OpusHead.parse(entry[ebml.CODEC_PRIVATE])
    delay_ns = _uint(entry[ebml.CODEC_DELAY])
    if delay_ns != opus.pre_skip * 1_000_000_000 // SAMPLE_RATE:
        raise _Broken(f"CodecDelay of {delay_ns} ns does not fit the pre-skip of {opus.pre_skip} samples")
    audio = _only(entry[ebml.AUDIO], [ebml.SAMPLING_FREQUENCY, ebml.CHANNELS], "Audio")
    for what, expected, found in (
        ("TimestampScale", _NS_PER_MS, _uint(info[ebml.TIMESTAMP_SCALE])),
        ("MuxingApp", info[ebml.WRITING_APP], info[ebml.MUXING_APP]),
        ("TrackType", _AUDIO_TRACK, _uint(entry[ebml.TRACK_TYPE])),
        ("FlagLacing", 0, _uint(entry[ebml.FLAG_LACING])),
        ("Language", b"und", entry[ebml.LANGUAGE]),
        ("OpusHead", opus.to_bytes(), entry[ebml.CODEC_PRIVATE]),
        ("SeekPreRoll", _SEEK_PRE_ROLL_NS, _uint(entry[ebml.SEEK_PRE_ROLL])),
        ("SamplingFrequency", SAMPLE_RATE, ebml.read_float(audio[ebml.SAMPLING_FREQUENCY])),
        ("Channels", opus.channels, _uint(audio[ebml.CHANNELS])),
    ):
        problems.expect("verify-structure", what, expected, found)
    maker = Maker(info[ebml.WRITING_APP].decode("utf-8", "replace"), _uint(entry[ebml.TRACK_UID]))
    head = _Head(opus, ebml.read_float(info[ebml.DURATION]), _uint(entry[ebml.TRACK_NUMBER]), maker)
    for point in _children(elements.get(ebml.CUES, b""), None, ebml.CUE_POINT):
        time, positions = _children(point, [ebml.CUE_TIME, ebml.CUE_TRACK_POSITIONS])
        track, place = map(_uint, _children(positions, [ebml.CUE_TRACK, ebml.CUE_CLUSTER_POSITION]))
        problems.expect("verify-cues", "a cue's track", head.track, track)
        if place in head.cues:
            problems.add("verify-cues", f"two cues lead to the cluster at {place}")
        head.cues[place] = _uint(time)
    return head


def _children(body: bytes, ids: list[int] | None, each: int = 0) -> list[bytes]:
    """The bodies of the elements in a master element's, which must be those of `ids` in order, or all be `each`."""
    found = ebml.children(body)
    wanted = [each] * len(found) if ids is None else ids
    if [element_id for element_id, _ in found] != wanted or not ebml.is_whole(body):
        raise _Broken(f"instead of {_named(wanted) or hex(each)} there are {_named([one for one, _ in found])}")
    return [inner for _, inner in found]


def _only(body: bytes, ids: list[int], what: str) -> dict[int, bytes]:
    try:
        return dict(zip(ids, _children(body, ids), strict=True))
    except _Broken as error:
        raise _Broken(f"{what}: {error}") from None


def _named(ids: Sequence[int]) -> str:
    return " ".join(map(hex, ids[:_MOST_NAMED]))


def _seek(body: bytes) -> tuple[int, int]:
    target, place = _children(body, [ebml.SEEK_ID, ebml.SEEK_POSITION])
    return _uint(target), _uint(place)


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
    if header is None or header[0] != ebml.TIMESTAMP or not 0 <= header[1] <= 8:
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
