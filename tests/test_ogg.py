"""The Ogg reader: real recordings against PyAV, pieces cut anywhere, and damage that costs its own page alone."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ogg_recordings import CONTINUED, FIRST, LAST, NO_GRANULE, headers, lace, made, page, raw_page, stereo, tags
from recordings import alike, assert_all_counted, opus_head, read_pairs, split

from sessiontool.errors import RecordingError
from sessiontool.media.ogg.demuxer import OggDemuxer
from sessiontool.media.opus import OpusHead

if TYPE_CHECKING:
    from sessiontool.media.packets import PacketRun

DATA = Path(__file__).parent / "data"
FIREFOX = sorted((DATA / "containers" / "firefox-ogg" / "chunks" / "000").iterdir())
WILD = sorted((DATA / "torture").glob("*.opus"))
PACKETS_A_PAGE = 3
SMALL = made(per_page=PACKETS_A_PAGE)

Pairs = list[tuple[bytes, int]]


def read(*pieces: bytes) -> tuple[OggDemuxer, list[PacketRun]]:
    reader = OggDemuxer()
    runs = [run for piece in pieces for run in reader.feed(piece)]
    runs += reader.flush()
    assert_all_counted(reader, runs)
    return reader, runs


def firefox() -> bytes:
    return b"".join(chunk.read_bytes() for chunk in FIREFOX)


def demuxed(*files: Path) -> tuple[Pairs, int]:
    """Packets and times as PyAV reads them, and how many samples of the last packet it plays."""
    whole = io.BytesIO(b"".join(file.read_bytes() for file in files))
    with av.open(whole, "r") as container:
        packets = [packet for packet in container.demux(container.streams.audio[0]) if packet.size]
    places = [packet.pts or 0 for packet in packets]
    pairs = [(bytes(packet), (place - places[0]) // 48) for packet, place in zip(packets, places, strict=True)]
    return pairs, packets[-1].duration or 0


# -- whole recordings


@pytest.mark.parametrize("files", [FIREFOX, *([file] for file in WILD)], ids=lambda files: files[0].stem)
def test_packets_and_times_are_those_that_pyav_reads(files: list[Path]) -> None:
    reader, runs = read(*(file.read_bytes() for file in files))
    expected, played = demuxed(*files)
    assert read_pairs(runs) == expected
    assert reader.end_trim_samples == runs[-1].durations[-1] - played
    assert (reader.ledger.damages, reader.header_missing) == ([], False)
    assert [(run.recording, run.placed, run.continued, run.after_break) for run in runs] == [
        (0, True, False, False) for _ in runs
    ]


def test_the_headers_tell_of_the_track_and_the_recorder() -> None:
    reader, _ = read(firefox())
    assert reader.track is not None
    assert reader.track.head == OpusHead(channels=2, pre_skip=312)
    assert reader.track.writing_app == "Mozilla153.0"


@pytest.mark.parametrize(
    ("comments", "expected"), [((), "libopus"), ((b"ARTIST=x", b"encoder=Recorder 1"), "Recorder 1")]
)
def test_the_recorder_is_the_encoder_comment_or_else_the_vendor(comments: tuple[bytes, ...], expected: str) -> None:
    reader, _ = read(headers(comments=comments))
    assert reader.track is not None
    assert reader.track.writing_app == expected


# -- pieces cut anywhere


def test_a_byte_at_a_time_gives_the_same() -> None:
    data = firefox()[:20_000]
    whole, one_by_one = read(data), read(*(data[at : at + 1] for at in range(len(data))))
    assert alike(one_by_one[1]) == alike(whole[1])
    assert one_by_one[0].ledger.damages == whole[0].ledger.damages


@given(st.lists(st.integers(0, 245_696), max_size=30))
@settings(max_examples=25, deadline=None)
def test_any_cuts_give_the_same(cuts: list[int]) -> None:
    assert alike(read(*split(firefox(), cuts))[1]) == alike(read(firefox())[1])


def test_a_stream_that_ends_anywhere_keeps_every_packet_that_was_whole() -> None:
    for end in range(len(SMALL.data) + 1):
        reader, runs = read(SMALL.data[:end])
        first = read_pairs(runs)
        assert first == SMALL.packets[: len(first)]
        assert {packet for packet, _ in SMALL.packets[len(first) :]} == SMALL.touched(end, len(SMALL.data))
        read_to = [damage for damage in reader.ledger.damages if damage.length_bytes]
        assert all(damage.offset + damage.length_bytes == end for damage in read_to)
        cut = [damage for damage in reader.ledger.damages if not damage.length_bytes]  # a page whose packets are whole
        assert all("checksum" in damage.reason for damage in cut)
        assert len(cut) <= 1


# -- damage


def test_a_page_that_is_cut_in_its_head_does_not_take_the_next_along() -> None:
    (start, _, _), (*_, (last, _, packets)) = SMALL.pages[1], SMALL.pages
    for kept in range(28):
        for before in range(28 - kept):
            cut, on = start + kept, last - before
            found = read_pairs(read(SMALL.data[:cut], SMALL.data[on:])[1])
            assert found[-3:] == list(packets), f"{kept} bytes kept, {before} before the last page"


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_bytes_that_are_missing_cost_what_they_touch_and_move_nothing(data: st.DataObject) -> None:
    """What is behind them on their page may be lost as well: its bounds count from the page's beginning."""
    start = data.draw(st.integers(len(headers()), len(SMALL.data) - 1))
    end = data.draw(st.integers(start + 1, len(SMALL.data)))
    told = data.draw(st.booleans())
    reader = OggDemuxer()
    runs = reader.feed(SMALL.data[:start])
    runs += reader.discontinuity("bytes are missing") if told else []
    runs += reader.feed(SMALL.data[end:]) + reader.flush()
    assert_all_counted(reader, runs)
    found = read_pairs(runs)
    known = [pair for pair in found if pair in SMALL.packets]
    assert known == [pair for pair in SMALL.packets if pair in found]
    assert set(SMALL.outside(start, end)) <= set(known)
    assert len(found) - len(known) <= (0 if told else PACKETS_A_PAGE)  # a page with a wrong checksum gives its packets
    before = [pair for pair in SMALL.packets if SMALL.data.index(pair[0]) + len(pair[0]) <= start]
    assert found[: len(before)] == before


@pytest.mark.parametrize("change", [1 << bit for bit in range(8)])
def test_a_changed_bit_costs_the_packet_that_it_is_in_and_moves_nothing(change: int) -> None:
    for at in range(len(headers()), len(SMALL.data)):
        hurt = bytearray(SMALL.data)
        hurt[at] ^= change
        reader, runs = read(bytes(hurt))
        touched = SMALL.touched(at, at + 1) | SMALL.bounded_by(at)
        found = read_pairs(runs)
        assert [pair for pair in found if pair[0] not in touched and pair in SMALL.packets] == [
            pair for pair in SMALL.packets if pair[0] not in touched
        ]
        assert len(found) <= len(SMALL.packets)
        assert reader.ledger.damages


def test_a_page_of_many_packets_is_read_whatever_bit_of_its_table_is_wrong() -> None:
    """Now and then a wrong place begins as a packet does, and two sizes are as likely."""
    whole = made(3, 40)
    costly = []
    for start, _, packets in whole.pages:
        for place in range(start + 26, start + 27 + 40):
            for bit in range(8):
                hurt = bytearray(whole.data)
                hurt[place] ^= 1 << bit
                found = {packet for packet, _ in read_pairs(read(bytes(hurt))[1])}
                lost = [packet for packet, _ in whole.packets if packet not in found]
                assert len(lost) <= 2, f"bit {bit} of byte {place - start} of the page of {packets[0][1]} ms"
                costly += [place] * (len(lost) > 1)
    assert len(costly) <= 10  # of 984


def test_bases_are_where_pages_with_a_granule_begin() -> None:
    for piece_bytes in (50, 1 << 20):
        _, runs = read(*split(SMALL.data, range(0, len(SMALL.data), piece_bytes)))
        bases = [run.payloads[base] for run in runs for base in run.bases]
        assert bases == [packets[0][0] for _, _, packets in SMALL.pages]


def test_a_changed_byte_of_a_segment_table_costs_its_page_at_most() -> None:
    for at in range(len(headers()), len(SMALL.data)):
        hurt = bytearray(SMALL.data)
        hurt[at] ^= 0x55
        reader, runs = read(bytes(hurt))
        table_at, table_end = SMALL.table_of(at)
        kept = SMALL.outside(at, at + 1) if table_at <= at < table_end else SMALL.packets
        assert {pair[0] for pair in kept} - SMALL.touched(at, at + 1) <= {packet for packet, _ in read_pairs(runs)}
        assert reader.ledger.damages


def test_a_page_that_claims_more_than_there_is_does_not_take_the_next_along() -> None:
    start = SMALL.pages[-2][0]
    hurt = bytearray(SMALL.data)
    hurt[start + 26] = 255  # segments: more than the rest of the stream is waited for
    assert read_pairs(read(bytes(hurt))[1]) == SMALL.outside(start, start + 1)


def test_junk_between_pages_is_skipped_and_noted() -> None:
    at = SMALL.pages[2][0]
    junk = b"OggS\0 this is no page"
    reader, runs = read(SMALL.data[:at] + junk + SMALL.data[at:])
    assert read_pairs(runs) == SMALL.packets
    assert [(damage.offset, damage.length_bytes) for damage in reader.ledger.damages] == [(at, len(junk))]


def test_junk_at_the_end_is_noted() -> None:
    reader, runs = read(SMALL.data + b"<html>")
    assert read_pairs(runs) == SMALL.packets
    assert [(damage.offset, damage.length_bytes) for damage in reader.ledger.damages] == [(len(SMALL.data), 6)]


@pytest.mark.parametrize("missing", range(len(FIREFOX)))
@pytest.mark.parametrize("told", [True, False])
def test_a_chunk_of_a_real_recording_is_missing(missing: int, told: bool) -> None:
    chunks = [chunk.read_bytes() for chunk in FIREFOX]
    reader, runs = OggDemuxer(), []
    whole = [read_pairs(OggDemuxer().feed(b"".join(chunks[: n + 1]))) for n in range(len(chunks))]
    for index, chunk in enumerate(chunks):
        if index != missing:
            runs += reader.feed(chunk)
        elif told:
            runs += reader.discontinuity("a chunk is missing")
    runs += reader.flush()
    before = whole[missing - 1] if missing else []
    assert read_pairs(runs) == before + whole[-1][len(whole[missing]) :]
    assert [run.after_break for run in runs if run.after_break] == ([True] if missing < len(chunks) - 1 else [])
    assert reader.header_missing == (missing == 0)
    unexplained = not told and 0 < missing < len(chunks) - 1
    assert [damage.reason.split(" ", 1)[1] for damage in reader.ledger.damages] == [
        "Ogg pages are missing"
    ] * unexplained


@pytest.mark.parametrize(("toc", "channels"), [(0xFC, 2), (0xF8, 1)])
def test_a_lost_header_is_guessed_from_the_packets(toc: int, channels: int) -> None:
    packets = [bytes([toc]) + b"sound", bytes([toc]) + b"more"]
    reader, runs = read(page(*packets, number=9, granule=48_000 + 1920))
    assert reader.header_missing
    assert reader.track is not None
    assert reader.track.head == OpusHead(channels, 312)
    assert read_pairs(runs) == [(packets[0], 1000), (packets[1], 1020)]


def test_lost_tags_cost_nothing_but_the_name() -> None:
    start = len(page(opus_head(2, 312), number=0, granule=0, flags=FIRST))
    reader, runs = read(SMALL.data[:start] + SMALL.data[len(headers()) :])
    assert read_pairs(runs) == SMALL.packets
    assert not reader.header_missing
    assert [damage.reason for damage in reader.ledger.damages] == ["1 Ogg pages are missing"]


# -- packets across pages


def long_stream() -> tuple[bytes, list[bytes], list[bytes]]:
    """Pages in which packet 1 begins on page 2, fills page 3 and ends on page 4, with others before and behind it."""
    packets = [b"\xfc" + bytes([n]) * size for n, size in enumerate((40, 999, 60, 50))]
    first, middle, last = packets[1][:255], packets[1][255:765], packets[1][765:]
    pages = [
        raw_page(lace(41) + b"\xff", packets[0] + first, number=2, granule=960),
        raw_page(b"\xff\xff", middle, number=3, granule=NO_GRANULE, flags=CONTINUED),
        raw_page(lace(len(last), 61), last + packets[2], number=4, granule=2880, flags=CONTINUED),
        page(packets[3], number=5, granule=3840, flags=LAST),
    ]
    return headers(), pages, packets


def test_a_packet_goes_on_over_pages() -> None:
    header, pages, packets = long_stream()
    reader, runs = read(header, *pages)
    assert read_pairs(runs) == list(zip(packets, (0, 20, 40, 60), strict=True))
    assert not reader.ledger.damages


@pytest.mark.parametrize(("lost", "kept"), [(0, (2, 3)), (1, (0, 2, 3)), (2, (0, 3)), (3, (0, 1, 2))])
def test_a_packet_of_which_a_page_is_missing_is_lost_alone(lost: int, kept: tuple[int, ...]) -> None:
    header, pages, packets = long_stream()
    _, runs = read(header, *(one for index, one in enumerate(pages) if index != lost))
    assert read_pairs(runs) == [(packets[index], index * 20) for index in kept]


def test_tags_with_a_picture_are_read_over_many_pages_and_not_kept() -> None:
    packet = tags(b"libopus", b"ENCODER=Recorder", b"METADATA_BLOCK_PICTURE=" + b"x" * 300_000)
    head = page(opus_head(2, 312), number=0, granule=0, flags=FIRST)
    sizes = [packet[at : at + 65_025] for at in range(0, len(packet), 65_025)]
    pages = [
        raw_page(
            b"\xff" * 255 if len(part) == 65_025 else lace(len(part)),
            part,
            number=index + 1,
            granule=0,
            flags=index > 0,
        )
        for index, part in enumerate(sizes)
    ]
    sound = page(b"\xfcsound", number=len(pages) + 1, granule=960)
    reader, runs = read(head, *pages, sound)
    assert read_pairs(runs) == [(b"\xfcsound", 0)]
    assert reader.track is not None
    assert reader.track.writing_app == "Recorder"
    assert not reader.ledger.damages


# -- granules


def test_a_stream_that_was_joined_late_begins_at_zero() -> None:
    packets = stereo(4)
    sound = page(*packets[:2], number=2, granule=10**9), page(*packets[2:], number=3, granule=10**9 + 1920)
    assert read_pairs(read(headers(), *sound)[1]) == list(zip(packets, (0, 20, 40, 60), strict=True))


def test_time_that_the_granules_leave_out_is_a_jump() -> None:
    packets = stereo(4)
    sound = page(*packets[:2], number=2, granule=1920), page(*packets[2:], number=3, granule=3840 + 48_000)
    reader, runs = read(headers(), *sound)
    assert read_pairs(runs) == list(zip(packets, (0, 20, 1040, 1060), strict=True))
    assert not reader.ledger.damages


def test_a_page_without_a_granule_goes_on_where_the_last_ended() -> None:
    packets = stereo(4)
    sound = page(*packets[:2], number=2, granule=1920), page(*packets[2:], number=3, granule=NO_GRANULE)
    _, runs = read(headers(), *sound)
    assert read_pairs(runs) == list(zip(packets, (0, 20, 40, 60), strict=True))
    assert all(run.placed for run in runs)


def test_a_page_without_a_granule_after_a_loss_has_no_sure_place() -> None:
    packets = stereo(5)
    pages = [
        page(*packets[:2], number=2, granule=1920),
        page(*packets[2:4], number=7, granule=NO_GRANULE),
        page(packets[4], number=8, granule=96_000),
    ]
    _, runs = read(headers(), *pages)
    assert [(run.placed, run.after_break, len(run.payloads)) for run in runs] == [
        *((True, False, 2), (False, True, 2), (True, False, 1))
    ]


@pytest.mark.parametrize("pages_before", [0, 1])
def test_the_end_is_trimmed_in_word_only(pages_before: int) -> None:
    packets = stereo(4)
    first = page(*packets[:2], number=2, granule=1920) if pages_before else b""
    rest = packets[2:] if pages_before else packets
    last = page(*rest, number=2 + pages_before, granule=3840 - 1000, flags=LAST)
    reader, runs = read(headers(), first + last)
    assert read_pairs(runs) == list(zip(packets, (0, 20, 40, 60), strict=True))
    assert reader.end_trim_samples == 1000


def test_an_empty_packet_at_the_end_is_nothing() -> None:
    packets = stereo(2)
    reader, runs = read(
        headers(), page(*packets, number=2, granule=1920), page(b"", number=3, granule=1920, flags=LAST)
    )
    assert [payload for payload, _ in read_pairs(runs)] == packets
    assert not reader.ledger.damages


def test_what_is_no_opus_packet_is_named() -> None:
    reader, runs = read(headers(), page(b"\xff\x3f too long", stereo(1)[0], number=2, granule=960))
    assert read_pairs(runs) == [(stereo(1)[0], 0)]
    assert [damage.reason for damage in reader.ledger.damages] == ["not an Opus packet"]


# -- several streams


def test_a_second_header_begins_another_recording() -> None:
    other = made(seed=5, stream=77)
    reader, runs = read(SMALL.data + other.data)
    assert [(run.recording, run.after_break) for run in runs] == [(0, False), (1, False)]
    assert [read_pairs([run]) for run in runs] == [SMALL.packets, other.packets]
    assert not reader.ledger.damages


def test_another_recording_of_which_the_header_is_lost_is_one_of_its_own() -> None:
    other = made(seed=5, stream=77)
    reader = OggDemuxer()
    runs = reader.feed(SMALL.data[: SMALL.pages[3][0]]) + reader.discontinuity("chunks are missing")
    runs += reader.feed(other.data[len(headers()) :]) + reader.flush()
    assert [run.recording for run in runs] == [0, 1]
    assert read_pairs(runs[1:]) == other.packets
    assert reader.header_missing


@pytest.mark.parametrize(
    ("first", "in_front"),
    [(b"fishead\0", True), (b"fishead\0", False), (b"\x80theora", True), (opus_head(2, 0), False)],
)
def test_other_streams_in_between_are_passed_over(first: bytes, in_front: bool) -> None:
    """The beginnings of all streams stand together, and the first Opus stream counts."""
    mine = [SMALL.data[start:end] for start, end, _ in SMALL.pages]
    others = [page(b"\xfcother", number=n + 1, granule=n, stream=9) for n in range(len(mine))]
    head = page(opus_head(2, 312), number=0, granule=0, flags=FIRST)
    heads = [page(first, number=0, granule=0, flags=FIRST, stream=9), head]
    in_between = [one for two in zip(others, mine, strict=True) for one in two]
    reader, runs = read(*(heads if in_front else heads[::-1]), headers()[len(head) :], *in_between)
    assert read_pairs(runs) == SMALL.packets
    assert not reader.ledger.damages


@pytest.mark.parametrize(
    ("first", "name"),
    [
        *((b"\x01vorbis rest", "Vorbis"), (b"\x7fFLAC\1\0", "FLAC"), (b"Speex   1.2", "Speex")),
        *((b"\x80theora", "Theora"), (b"what is this", "an unknown codec")),
    ],
)
def test_other_codecs_are_refused_by_name(first: bytes, name: str) -> None:
    start = page(first, number=0, granule=0, flags=FIRST)
    with pytest.raises(RecordingError, match=f"no Opus stream in the Ogg file; it holds: {name}") as caught:
        read(start, page(b"\xfcsound", number=1, granule=960))
    assert "audio/ogg;codecs=opus" in caught.value.hint


def test_more_than_two_channels_are_refused() -> None:
    with pytest.raises(RecordingError, match="6 channels"):
        read(headers(channels=6))


def test_another_codec_behind_the_recording_is_named_and_costs_nothing() -> None:
    tail = page(b"\x01vorbis", number=0, granule=0, flags=FIRST, stream=9)
    reader, runs = read(SMALL.data + tail + page(b"\xfcother", number=1, granule=960, stream=9))
    assert read_pairs(runs) == SMALL.packets
    assert [damage.reason for damage in reader.ledger.damages] == ["from here on the Ogg file holds Vorbis"]


def test_bytes_made_to_look_like_pages_cost_little() -> None:
    """Each seems to be the beginning of a page of 65 kB whose checksum would have to be computed."""
    head = b"OggS\0\0" + b"\xff" * 21
    started = time.process_time()
    _, runs = read(head * (500_000 // len(head)))
    assert time.process_time() - started < 5  # 0.1 where nothing else runs, an hour before it was bounded
    assert not runs


@pytest.mark.parametrize("missing", [2, 9])
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("kept", [0.3, 0.8])
def test_a_page_that_is_cut_behind_missing_ones_is_where_its_number_and_its_granule_say(
    missing: int, told: bool, kept: float
) -> None:
    recording = made(pages=40, per_page=25)
    end, (start, stop, packets) = recording.pages[20][0], recording.pages[20 + missing]
    reader = OggDemuxer()
    runs = reader.feed(recording.data[:end])
    runs += reader.discontinuity("chunk 3 is missing") if told else []
    runs += [*reader.feed(recording.data[start : start + round((stop - start) * kept)]), *reader.flush()]
    found = read_pairs(runs)
    assert len(found) > 20 * 25
    assert found == [*recording.packets[: 20 * 25], *packets[: len(found) - 20 * 25]]
    assert runs[-1].placed
