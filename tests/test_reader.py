"""The reader on whole, cut and truncated recordings: packets and times are those of a strict walk and of PyAV."""

from __future__ import annotations

import io
import struct
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import (
    SESSIONS,
    Live,
    assert_all_counted,
    chrome,
    cluster,
    ebml_header,
    firefox,
    live_header,
    master,
    opus_head,
    pairs,
    payloads,
    read_pairs,
    recorded,
    recorded_chunks,
    simple_block,
    split,
    track_entry,
    uint,
)

from sessiontool.errors import RecordingError
from sessiontool.media.matroska.demuxer import WebmDemuxer
from sessiontool.media.opus import OpusHead
from sessiontool.media.packets import CUT, NO_OPUS, Damage, PacketDigest, PacketRun

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDED = sorted(path.name for path in SESSIONS.iterdir())
MADE = {"chrome": cache(chrome), "firefox": cache(firefox)}
FREE = settings(deadline=None, max_examples=60)
ANY: dict[str, Callable[[], Live]] = {
    "chrome": lambda: recorded("chrome-1s"),
    "firefox": lambda: recorded("firefox-pause"),
    **MADE,
}


@pytest.fixture(params=MADE)
def live(request: pytest.FixtureRequest) -> Live:
    return MADE[request.param]()


def read(*pieces: bytes) -> tuple[WebmDemuxer, list[PacketRun]]:
    """All that a reader gives for `pieces`."""
    reader = WebmDemuxer()
    runs = [run for piece in pieces for run in reader.feed(piece)]
    runs += reader.flush()
    assert_all_counted(reader, runs)
    return reader, runs


def made(*blocks: bytes, header: bytes | None = None) -> bytes:
    return (live_header() if header is None else header) + cluster(0, *blocks)


# -- whole recordings


@pytest.mark.parametrize("session_id", RECORDED)
def test_a_real_recording_gives_the_packets_that_pyav_finds(session_id: str) -> None:
    whole = recorded(session_id)
    reader, runs = read(*recorded_chunks(session_id))
    assert read_pairs(runs) == pairs(whole.blocks)
    assert reader.ledger.damages == []
    assert not reader.header_missing
    with av.open(io.BytesIO(whole.data), "r") as container:
        stream = container.streams.audio[0]
        demuxed = [packet for packet in container.demux(stream) if packet.size]
        assert [bytes(packet) for packet in demuxed] == [payload for payload, _ in read_pairs(runs)]
        first_ms = -(demuxed[0].pts or 0)  # PyAV takes the codec delay off
        times_ms = [time_ms - runs[0].times_ms[0] for _, time_ms in read_pairs(runs)]
        assert [(packet.pts or 0) + first_ms for packet in demuxed] == pytest.approx(times_ms, abs=1)
        assert reader.track is not None
        assert reader.track.head.channels == stream.codec_context.channels
        assert isinstance(reader.track.head, OpusHead)
        assert reader.track.head.to_bytes() == stream.codec_context.extradata


def test_the_track_is_what_the_header_says() -> None:
    reader, _ = read(MADE["firefox"]().data)
    assert reader.track is not None
    assert (reader.track.number, reader.track.writing_app) == (2, "QTwritingAppLibWebM-0.0.1")
    assert (reader.track.head.channels, reader.track.head.pre_skip) == (2, 312)


# -- cut anywhere


def test_a_cut_at_any_byte_changes_nothing(live: Live) -> None:
    expected = pairs(live.blocks)
    for cut in range(len(live.data) + 1):
        reader, runs = read(live.data[:cut], live.data[cut:])
        assert read_pairs(runs) == expected, f"cut at {cut}"
        assert (reader.ledger.damages, reader.header_missing) == ([], False), f"cut at {cut}"


@pytest.mark.parametrize("form", MADE)
@given(cuts=st.lists(st.integers(0, 2000), max_size=40))
@FREE
def test_cuts_at_any_set_of_bytes_change_nothing(form: str, cuts: list[int]) -> None:
    whole = MADE[form]()
    reader, runs = read(*split(whole.data, cuts))
    assert read_pairs(runs) == pairs(whole.blocks)
    assert all(run.placed for run in runs)
    assert reader.ledger.damages == []


def test_a_byte_at_a_time_changes_nothing(live: Live) -> None:
    reader, runs = read(*(live.data[at : at + 1] for at in range(len(live.data))))
    assert read_pairs(runs) == pairs(live.blocks)
    assert reader.ledger.damages == []


@given(data=st.data())
@FREE
def test_cuts_of_a_real_recording_change_nothing(data: st.DataObject) -> None:
    whole = ANY[data.draw(st.sampled_from(["chrome", "firefox"]))]()
    cuts = data.draw(st.lists(st.integers(0, len(whole.data)), max_size=30))
    assert read_pairs(read(*split(whole.data, cuts))[1]) == pairs(whole.blocks)


def test_every_piece_gives_what_it_completes(live: Live) -> None:
    for cut in range(0, len(live.data), 7):
        reader = WebmDemuxer()
        first = read_pairs(reader.feed(live.data[:cut]))
        # The very first elements are not believed before a few more were seen.
        assert first == live.ending_by(cut) or len(first) < 3
        assert read_pairs(reader.feed(live.data[cut:])) == pairs(live.blocks)[len(first) :]


def test_what_continues_a_cluster_is_told_from_what_begins_one(live: Live) -> None:
    for before, block in zip(live.blocks[3:], live.blocks[4:], strict=False):
        reader = WebmDemuxer()
        reader.feed(live.data[: before.end])
        runs = reader.feed(live.data[before.end :])
        begins_cluster = before.end != block.offset
        assert runs[0].continued != begins_cluster
        assert [run.continued for run in runs[1:]] == [False] * (len(runs) - 1)


@pytest.mark.parametrize("form", [*MADE, "real chrome", "real firefox"])
def test_truncation_keeps_every_packet_that_was_whole(form: str) -> None:
    whole = (
        MADE[form]() if form in MADE else recorded({"real chrome": "chrome-1s", "real firefox": "firefox-pause"}[form])
    )
    for cut in range(min(len(whole.data), 5000)):
        reader, runs = read(whole.data[:cut])
        assert read_pairs(runs) == whole.ending_by(cut), f"cut at {cut}"
        assert cut < len(whole.header) or {damage.reason for damage in reader.ledger.damages} <= {CUT}


def test_what_is_behind_the_last_whole_element_is_cut_but_for_the_byte_that_chrome_leaves(live: Live) -> None:
    for block in live.blocks[3:10]:
        for more in range(block.end - block.offset):
            reader, _ = read(live.data[: block.offset + more])
            cut = [Damage(block.offset, more, CUT)] if more > 1 else []
            assert reader.ledger.damages == cut


# -- two recordings


def test_a_second_header_begins_a_recording_of_its_own(live: Live) -> None:
    other = MADE["firefox"]() if live is MADE["chrome"]() else MADE["chrome"]()
    for cut in (0, 1, len(live.data) - 1):
        reader, runs = read(*split(live.data + other.data, [len(live.data) + cut]))
        assert sorted({run.recording for run in runs}) == [0, 1]
        assert read_pairs(run for run in runs if run.recording == 0) == pairs(live.blocks)
        assert read_pairs(run for run in runs if run.recording == 1) == pairs(other.blocks)
        assert reader.ledger.damages == []


def test_a_header_that_comes_later_is_not_missing(live: Live) -> None:
    reader, runs = read(live.data[len(live.header) :] + live.data)
    assert [run.recording for run in runs if run.payloads][-1] >= 0
    assert read_pairs(runs)[-len(live.blocks) :] == pairs(live.blocks)
    assert not reader.header_missing


# -- no header


@pytest.mark.parametrize(("number", "pre_skip"), [(1, 0), (2, 312)])
@pytest.mark.parametrize(("toc", "channels"), [(0xFC, 2), (0xF8, 1), (0xFF, 2), (0xFB, 1)])
def test_a_missing_header_is_rebuilt(number: int, pre_skip: int, toc: int, channels: int) -> None:
    """Firefox, which writes sizes of four bytes, declares libopus's pre-skip; Chrome declares none."""
    made_of, step_ms = payloads(6, toc=toc), 60 if toc & 3 else 20
    form = {"track": number, "size_length": 4 if pre_skip else 2, "flags": 0 if pre_skip else 0x80}
    data = cluster(40, *(simple_block(packet, index * step_ms, **form) for index, packet in enumerate(made_of)))
    reader, runs = read(data)
    assert read_pairs(runs) == [(packet, 40 + index * step_ms) for index, packet in enumerate(made_of)]
    assert reader.header_missing
    assert reader.track is not None
    assert (reader.track.number, reader.track.head.channels, reader.track.head.pre_skip) == (
        number,
        channels,
        pre_skip,
    )


def test_a_later_blob_alone_gives_its_packets(live: Live) -> None:
    """Cut one byte inside an element, as Chrome does, or where an element begins."""
    start = live.blocks[9].offset
    for inside in (0, 1):
        reader, runs = read(live.data[start + inside :])
        assert [payload for payload, _ in read_pairs(runs)] == [block.payload for block in live.blocks[9:]]
        assert reader.header_missing
        placed = read_pairs(run for run in runs if run.placed)
        assert placed == pairs(live.blocks)[-len(placed) :]
        assert 0 < len(placed) < len(live.blocks) - 9


# -- other forms of Matroska


PAYLOADS = payloads(5, toc=0xFC)


@pytest.mark.parametrize("number", [1, 2, 3, 50, 127])
def test_the_track_may_have_any_number(number: int) -> None:
    data = made(*(simple_block(p, 0, track=number) for p in PAYLOADS), header=live_header(track_entry(number)))
    reader, runs = read(data)
    assert [payload for payload, _ in read_pairs(runs)] == PAYLOADS
    assert reader.track is not None
    assert reader.track.number == number


@pytest.mark.parametrize("length", [1, 2, 3, 4, 8])
def test_a_block_may_have_its_size_in_any_form(length: int) -> None:
    data = made(*(simple_block(payload, index, size_length=length) for index, payload in enumerate(PAYLOADS)))
    assert read_pairs(read(data)[1]) == list(zip(PAYLOADS, range(5), strict=True))


def group(payload: bytes, relative_ms: int, *, known: bool) -> bytes:
    block = master("a1", struct.pack(">BhB", 0x81, relative_ms, 0), payload, size_length=2)
    body = block + uint("9b", 20) + uint("fb", 1) + uint("75a2", 5)
    return master("a0", body, size_length=2) if known else b"\xa0\xff" + body


@pytest.mark.parametrize("known", [True, False])
def test_block_groups_are_read(known: bool) -> None:
    data = made(*(group(payload, index * 20, known=known) for index, payload in enumerate(PAYLOADS)))
    for cut in range(0, len(data), 3):
        reader, runs = read(data[:cut], data[cut:])
        assert read_pairs(runs) == list(zip(PAYLOADS, range(0, 100, 20), strict=True))
        assert reader.ledger.damages == []


def test_segment_and_clusters_may_have_sizes_and_other_elements() -> None:
    blocks = b"".join(simple_block(payload, index) for index, payload in enumerate(PAYLOADS))
    rest = (
        master("114d9b74", bytes(30))
        + live_header()[len(ebml_header()) + 12 :]
        + master("1254c367", bytes(2000), size_length=3)
        + master("ec", bytes(200), size_length=2)
        + master("1f43b675", uint("e7", 7), uint("a7", 1), uint("ab", 1), master("bf", bytes(4)), blocks, size_length=4)
        + master("1c53bb6b", bytes(50))
    )
    data = ebml_header() + master("18538067", rest, size_length=8)
    for cut in range(0, len(data), 11):
        reader, runs = read(data[:cut], data[cut:])
        assert read_pairs(runs) == [(payload, 7 + index) for index, payload in enumerate(PAYLOADS)]
        assert reader.ledger.damages == []


@pytest.mark.parametrize(("scale_ns", "times"), [(1_000_000, [90, 110]), (500_000, [45, 55]), (2_000_000, [180, 220])])
def test_times_count_in_the_timestamp_scale(scale_ns: int, times: list[int]) -> None:
    data = live_header(scale_ns=scale_ns) + cluster(100, simple_block(PAYLOADS[0], -10), simple_block(PAYLOADS[1], 10))
    assert read_pairs(read(data)[1]) == list(zip(PAYLOADS[:2], times, strict=True))


def test_other_tracks_are_passed_over() -> None:
    header = live_header(track_entry(1, b"V_VP8", kind=1, private=b""), track_entry(2))
    picture = simple_block(bytes(100_000), track=1, size_length=4)
    data = made(*(picture + simple_block(payload, 5, track=2) for payload in PAYLOADS), header=header)
    for pieces in ([data], split(data, [*range(0, len(data), 40_007)])):
        reader, runs = read(*pieces)
        assert [payload for payload, _ in read_pairs(runs)] == PAYLOADS
        assert reader.ledger.damages == []


def test_an_attachment_is_passed_over_whatever_its_size() -> None:
    header = live_header() + master("1941a469", bytes(3_000_000), size_length=4)
    data = made(*map(simple_block, PAYLOADS), header=header)
    assert [p for p, _ in read_pairs(read(*split(data, [*range(0, len(data), 500_000)]))[1])] == PAYLOADS


@pytest.mark.parametrize("size_length", [1, 2, 4])
@pytest.mark.parametrize("bad", [b"\xff\x80", b"\xff\x3f" + bytes(20)])
def test_a_packet_that_no_decoder_could_read_is_named(bad: bytes, size_length: int) -> None:
    row = [simple_block(payload, size_length=size_length) for payload in [*PAYLOADS[:3], bad, *PAYLOADS[3:]]]
    data = made(*row)
    reader, runs = read(data)
    assert [payload for payload, _ in read_pairs(runs)] == PAYLOADS
    (damage,) = reader.ledger.damages
    assert damage.reason == NO_OPUS
    assert row[3].endswith(data[damage.offset : damage.offset + damage.length_bytes])


# -- what is refused


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (live_header(track_entry(1, b"A_VORBIS")), "A_VORBIS"),
        (live_header(track_entry(1, b"A_PCM/INT/LIT")), "A_PCM/INT/LIT"),
        (live_header(track_entry(1, b"V_VP9", kind=1), track_entry(2, b"A_AAC")), "V_VP9, A_AAC"),
        (live_header(track_entry(1, more=master("6d80", bytes(4)))), "encrypted"),
        (live_header(track_entry(1, private=opus_head(6, 0)[:18] + b"\1" + bytes(8))), "6 channels"),
        (live_header(doc_type=b"gram"), "'gram'"),
    ],
)
def test_what_is_not_one_plain_opus_track_is_refused_by_name(header: bytes, told: str) -> None:
    with pytest.raises(RecordingError, match=told) as refusal:
        read(made(*map(simple_block, PAYLOADS), header=header))
    assert refusal.value.hint


@pytest.mark.parametrize("known", [True, False])
def test_matroska_is_read_as_webm_is(known: bool) -> None:
    header = live_header(doc_type=b"matroska\0" if known else b"matroska")
    assert len(read_pairs(read(made(*map(simple_block, PAYLOADS), header=header))[1])) == len(PAYLOADS)


@given(st.lists(st.binary(max_size=300), max_size=5))
@FREE
def test_nothing_but_a_refusal_is_ever_raised(pieces: list[bytes]) -> None:
    try:
        _, runs = read(*pieces)
    except RecordingError:
        return
    assert sum(len(payload) for payload, _ in read_pairs(runs)) <= sum(map(len, pieces))


# -- the digest


@given(st.lists(st.binary(max_size=5), max_size=12), st.lists(st.integers(0, 12)))
def test_a_digest_knows_packets_and_lengths_and_not_how_they_came(packets: list[bytes], cuts: list[int]) -> None:
    whole, pieces = PacketDigest(), PacketDigest()
    whole.update(packets)
    places = [0, *sorted(min(cut, len(packets)) for cut in cuts), len(packets)]
    for start, end in pairwise(places):
        pieces.update(packets[start:end])
    assert pieces.hexdigest() == whole.hexdigest()
    other = PacketDigest()
    other.update([b"".join(packets[:2]), *packets[2:]])
    assert (other.hexdigest() == whole.hexdigest()) == (len(packets) == 1)
