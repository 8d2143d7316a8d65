"""The writer: what goes in comes out, for our reader and for PyAV, and everything that leads to it leads there."""

from __future__ import annotations

import io
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import payloads, read_pairs

from sessiontool.media.matroska import ebml
from sessiontool.media.matroska.demuxer import WebmDemuxer
from sessiontool.media.matroska.muxer import WebmMuxer
from sessiontool.media.opus import OpusHead

if TYPE_CHECKING:
    from collections.abc import Sequence

STEREO = OpusHead(channels=2, pre_skip=312)
APP = "sessiontool test"
# TOC byte (and frame count) of packets that last so many samples.
PACKETS = {
    120: b"\xe4",  # 2.5 ms
    240: b"\xec",
    480: b"\xf4",
    960: b"\xfc",
    2880: b"\xff\x03",
    5760: b"\xff\x06",  # 120 ms
}
FREE = settings(deadline=None, max_examples=40)


def write(
    packets: Sequence[bytes], durations: Sequence[int], *, head: OpusHead = STEREO, cuts: Sequence[int] = ()
) -> bytes:
    """A whole file of `packets`, handed to the writer in pieces cut at `cuts`."""
    body, out = io.BytesIO(), io.BytesIO()
    writer = WebmMuxer(body)
    places = [0, *sorted(min(cut, len(packets)) for cut in cuts), len(packets)]
    for start, end in pairwise(places):
        writer.write(packets[start:end], durations[start:end])
    assert writer.samples == sum(durations)
    writer.finish(out, head, writing_app=APP, track_uid=7)
    return out.getvalue()


def packets_of(lengths: Sequence[int], size: int = 20) -> list[bytes]:
    return [PACKETS[length] + index.to_bytes(4, "big") + bytes(size) for index, length in enumerate(lengths)]


def start_times_ms(lengths: Sequence[int]) -> list[int]:
    return [samples // 48 for samples in accumulate(lengths, initial=0)][:-1]


def segment_of(data: bytes) -> tuple[int, bytes]:
    """Where the segment's body begins, and the body; sizes must be exact."""
    header = ebml.read_header(data, 0)
    assert header is not None
    segment = ebml.read_header(data, header[2] + header[1])
    assert segment is not None
    assert segment[0] == ebml.SEGMENT
    assert segment[2] + segment[1] == len(data)
    return segment[2], data[segment[2] :]


def children_at(body: bytes) -> list[tuple[int, int, bytes]]:
    """Place, id and body of each element in a master's body, which they fill."""
    found, pos = [], 0
    while pos < len(body):
        header = ebml.read_header(body, pos)
        assert header is not None
        element_id, size, start = header
        assert 0 <= size <= len(body) - start
        found.append((pos, element_id, body[start : start + size]))
        pos = start + size
    return found


def value(body: bytes, *path: int) -> int:
    for element_id in path:
        body = dict(ebml.children(body))[element_id]
    return int.from_bytes(body, "big")


@given(lengths=st.lists(st.sampled_from(sorted(PACKETS)), min_size=1, max_size=120), cuts=st.lists(st.integers(0, 120)))
@FREE
def test_what_is_written_reads_back(lengths: list[int], cuts: list[int]) -> None:
    packets = packets_of(lengths)
    data = write(packets, lengths, cuts=cuts)
    assert data == write(packets, lengths), "however it was handed over"
    reader = WebmDemuxer()
    runs = reader.feed(data)
    assert read_pairs(runs) == list(zip(packets, start_times_ms(lengths), strict=True))
    assert [samples for run in runs for samples in run.durations] == lengths
    assert reader.ledger.damages == []
    assert reader.track is not None
    assert (reader.track.head, reader.track.writing_app) == (STEREO, APP)


@pytest.mark.parametrize("length", PACKETS)
@pytest.mark.parametrize("channels", [1, 2])
def test_pyav_reads_back_what_is_written(length: int, channels: int) -> None:
    lengths = [length] * (48_000 * 11 // length)
    packets, head = packets_of(lengths), OpusHead(channels, 312)
    with av.open(io.BytesIO(write(packets, lengths, head=head)), "r") as container:
        stream = container.streams.audio[0]
        demuxed = [packet for packet in container.demux(stream) if packet.size]
        assert [bytes(packet) for packet in demuxed] == packets
        assert stream.codec_context.extradata == head.to_bytes()
        assert container.duration is not None
        assert container.duration / 1000 == pytest.approx((sum(lengths) - 312) / 48, abs=1)
        first = demuxed[0].pts or 0
        assert [(packet.pts or 0) - first for packet in demuxed] == pytest.approx(start_times_ms(lengths), abs=1)


@given(lengths=st.lists(st.sampled_from([2880, 5760]), min_size=1, max_size=400))
@FREE
def test_clusters_last_five_seconds_at_most_and_are_where_the_index_says(lengths: list[int]) -> None:
    begin, segment = segment_of(write(packets_of(lengths), lengths))
    assert begin
    elements = children_at(segment)
    clusters = {place: body for place, element_id, body in elements if element_id == ebml.CLUSTER}
    starts = [value(body, ebml.TIMESTAMP) for body in clusters.values()]
    ends = [*starts[1:], sum(lengths) / 48]
    assert starts[0] == 0
    assert all(0 < end - start <= 5000 for start, end in zip(starts, ends, strict=True))
    assert all(after - start > 5000 - 120 for start, after in pairwise(starts)), "no more of them than needed"
    (cues,) = (body for _, element_id, body in elements if element_id == ebml.CUES)
    positions = (ebml.CUE_TRACK_POSITIONS, ebml.CUE_CLUSTER_POSITION)
    assert [(value(p, ebml.CUE_TIME), value(p, *positions)) for _, p in ebml.children(cues)] == [
        *zip(starts, clusters, strict=True)
    ]
    assert all(value(p, ebml.CUE_TRACK_POSITIONS, ebml.CUE_TRACK) == 1 for _, p in ebml.children(cues))


def test_the_seek_head_leads_to_what_it_names() -> None:
    _, segment = segment_of(write(packets_of([960] * 600), [960] * 600))
    elements = children_at(segment)
    places = {element_id: place for place, element_id, _ in elements}
    assert [element_id for _, element_id, _ in elements[:4]] == [ebml.SEEK_HEAD, ebml.INFO, ebml.TRACKS, ebml.CUES]
    seeks = [(value(seek, ebml.SEEK_ID), value(seek, ebml.SEEK_POSITION)) for _, seek in ebml.children(elements[0][2])]
    assert seeks == [(element_id, places[element_id]) for element_id in (ebml.INFO, ebml.TRACKS, ebml.CUES)]


@pytest.mark.parametrize(("pre_skip", "count"), [(0, 50), (312, 50), (312, 1), (3840, 1)])
def test_duration_is_what_a_decoder_plays(pre_skip: int, count: int) -> None:
    data = write(packets_of([960] * count), [960] * count, head=OpusHead(2, pre_skip))
    info = next(body for _, element_id, body in children_at(segment_of(data)[1]) if element_id == ebml.INFO)
    duration_ms = ebml.read_float(dict(ebml.children(info))[ebml.DURATION])
    assert duration_ms == max(0, 960 * count - pre_skip) / 48


def test_the_track_says_what_a_decoder_must_know() -> None:
    data = write(packets_of([960]), [960])
    tracks = next(body for _, element_id, body in children_at(segment_of(data)[1]) if element_id == ebml.TRACKS)
    ((_, entry),) = ebml.children(tracks)
    fields = dict(ebml.children(entry))
    assert fields[ebml.CODEC_ID] == b"A_OPUS"
    assert fields[ebml.CODEC_PRIVATE] == STEREO.to_bytes()
    assert value(entry, ebml.CODEC_DELAY) == 6_500_000
    assert value(entry, ebml.SEEK_PRE_ROLL) == 80_000_000
    assert value(entry, ebml.TRACK_TYPE) == 2
    assert value(entry, ebml.FLAG_LACING) == 0
    assert value(entry, ebml.AUDIO, ebml.CHANNELS) == 2
    assert ebml.read_float(dict(ebml.children(fields[ebml.AUDIO]))[ebml.SAMPLING_FREQUENCY]) == 48_000


@pytest.mark.parametrize("size", [16_376, 16_377, 16_378, 16_379, 16_380, 16_400, 61_000])
def test_a_packet_too_long_for_a_short_size_reads_back(size: int) -> None:
    padding = (size - 3) % 48
    longest = bytes([0xE7, 0x70, padding]) + bytes(size - 3)  # 48 frames of 2.5 ms, all of one length, and padding
    packets, lengths = [longest, *payloads(3, toc=0xFC)], [5760, 960, 960, 960]
    data = write(packets, lengths)
    assert [payload for payload, _ in read_pairs(WebmDemuxer().feed(data))] == packets
    with av.open(io.BytesIO(data), "r") as container:
        assert [bytes(packet) for packet in container.demux(audio=0) if packet.size] == packets


def test_a_file_of_one_packet_plays() -> None:
    silence = b"\xfc\xff\xfe"
    with av.open(io.BytesIO(write([silence], [960])), "r") as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == 960 - 312


def test_a_file_of_no_packet_is_whole_all_the_same() -> None:
    data = write([], [])
    elements = children_at(segment_of(data)[1])
    assert [element_id for _, element_id, _ in elements][:3] == [ebml.SEEK_HEAD, ebml.INFO, ebml.TRACKS]
    reader = WebmDemuxer()
    assert [*reader.feed(data), *reader.flush()] == []
    assert reader.track is not None
    seeks = [value(seek, ebml.SEEK_ID) for _, seek in ebml.children(elements[0][2])]
    assert seeks == [ebml.INFO, ebml.TRACKS], "nothing that is not there"


def test_times_are_rounded_down_and_never_drift() -> None:
    lengths = [120] * 4001  # 2.5 ms: every second one begins between two milliseconds
    runs = WebmDemuxer().feed(write(packets_of(lengths, 0), lengths))
    times_ms = [time_ms for _, time_ms in read_pairs(runs)]
    assert times_ms[:5] == [0, 2, 5, 7, 10]
    assert times_ms[4000] == 10_000


@pytest.mark.parametrize("hours", [30])
def test_a_long_file_keeps_counting(hours: int) -> None:
    """Timestamps past 2^24 ms and 2^32 samples take more bytes, nothing else."""
    count = hours * 3600 * 1000 // 120
    lengths, packet = [5760] * count, b"\xff\x06\0"
    data = write([packet] * count, lengths)
    last = read_pairs(WebmDemuxer().feed(data))[-1]
    assert last == (packet, (count - 1) * 120)
