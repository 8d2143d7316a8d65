"""The MP4 reader: real recordings and remuxes against PyAV, pieces cut anywhere, damage that costs one fragment."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mp4_recordings import (
    DURATION,
    FTYP,
    Made,
    box,
    chrome_packets,
    dops,
    edit_list,
    fragment,
    full,
    made,
    moof,
    moov,
    sample_entry,
    trak,
    u32,
)
from recordings import alike, assert_all_counted, read_pairs, split

from sessiontool.errors import RecordingError
from sessiontool.media.isobmff.demuxer import Mp4Demuxer
from sessiontool.media.opus import OpusHead
from sessiontool.media.packets import CUT, Damage, second_opus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sessiontool.media.packets import PacketRun

DATA = Path(__file__).parent / "data" / "containers"
CHUNKS = [path.read_bytes() for path in sorted((DATA / "chrome-mp4-opus" / "chunks" / "000").iterdir())]
FIREFOX = b"".join(path.read_bytes() for path in sorted((DATA / "firefox-ogg" / "chunks" / "000").iterdir()))
CHROME = b"".join(CHUNKS)
SMALL = made()

Pairs = list[tuple[bytes, int]]


def read(*pieces: bytes) -> tuple[Mp4Demuxer, list[PacketRun]]:
    reader = Mp4Demuxer()
    runs = [run for piece in pieces for run in reader.feed(piece)]
    runs += reader.flush()
    assert_all_counted(reader, runs)
    return reader, runs


def demuxed(data: bytes) -> Pairs:
    """Packets and times in ms as PyAV reads them."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        assert stream.time_base is not None
        ms = stream.time_base * 1000
        return [(bytes(packet), int((packet.dts or 0) * ms)) for packet in container.demux(stream) if packet.size]


def remuxed(data: bytes, options: dict[str, str], folder: Path, *, video: bool = False) -> bytes:
    """The packets of `data` in another MP4, written by FFmpeg's muxer."""
    target = folder / "remuxed.mp4"
    with av.open(io.BytesIO(data), "r") as source, av.open(str(target), "w", options=options) as out:
        picture = out.add_stream("mpeg4", rate=10) if video else None
        if picture is not None:
            picture.width = picture.height = 32
        stream = out.add_stream_from_template(source.streams.audio[0])
        for index, packet in enumerate(source.demux(source.streams.audio[0])):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
            if picture is not None and index % 5 == 0:
                frame = av.VideoFrame(32, 32, "yuv420p")
                frame.pts = index // 5
                out.mux(picture.encode(frame))
    return target.read_bytes()


# -- whole recordings


def test_packets_and_times_are_those_that_pyav_reads() -> None:
    reader, runs = read(*CHUNKS)
    assert read_pairs(runs) == demuxed(CHROME)
    assert (reader.ledger.damages, reader.header_missing) == ([], False)
    assert [(run.recording, run.placed, run.continued, run.after_break) for run in runs] == [
        (0, True, False, False) for _ in runs
    ]


def test_the_packets_last_as_long_as_they_say_not_as_the_clock_does() -> None:
    _, runs = read(CHROME)
    assert {duration for run in runs for duration in run.durations} == {DURATION}


def test_every_blob_gives_its_own_packets_at_once() -> None:
    reader = Mp4Demuxer()
    for chunk in CHUNKS:
        assert sum(len(run.payloads) for run in reader.feed(chunk)) == sum(
            struct.unpack_from(">I", chunk, at + 8)[0] for at in range(len(chunk)) if chunk.startswith(b"trun", at)
        )
        assert reader.ledger.pending_bytes == 0


REMUXES = {
    "fragments": ({"movflags": "frag_keyframe+empty_moov", "frag_duration": "300000"}, False),
    "from-moof": ({"movflags": "empty_moov+default_base_moof", "frag_duration": "300000"}, False),
    "no-offsets": ({"movflags": "empty_moov+omit_tfhd_offset", "frag_duration": "300000"}, False),
    "one-track-each": ({"movflags": "empty_moov+separate_moof", "frag_duration": "300000"}, True),
    "with-pictures": ({"movflags": "empty_moov", "frag_duration": "300000"}, True),
    "pictures-no-offsets": ({"movflags": "empty_moov+omit_tfhd_offset", "frag_duration": "300000"}, True),
    "cmaf": ({"movflags": "cmaf+dash+delay_moov", "frag_duration": "300000"}, False),
    "index-first": ({"movflags": "faststart"}, False),
    "index-first-with-pictures": ({"movflags": "faststart"}, True),
}


@pytest.mark.parametrize("name", REMUXES)
@pytest.mark.parametrize("source", ["chrome", "firefox"])
def test_other_ways_to_write_an_mp4(name: str, source: str, tmp_path: Path) -> None:
    options, video = REMUXES[name]
    original = {"chrome": CHROME, "firefox": FIREFOX}[source]
    data = remuxed(original, options, tmp_path, video=video)
    reader, runs = read(*split(data, range(0, len(data), 5000)))
    assert [payload for payload, _ in read_pairs(runs)] == [payload for payload, _ in demuxed(original)]
    expected = demuxed(data)
    shift = read_pairs(runs)[0][1] - expected[0][1]  # PyAV takes an edit list off the times
    assert max(abs(ours[1] - theirs[1] - shift) for ours, theirs in zip(read_pairs(runs), expected, strict=True)) <= 1
    assert not reader.ledger.damages


def test_an_index_behind_the_sound_is_read_in_one_piece_and_refused_in_several(tmp_path: Path) -> None:
    data = remuxed(CHROME, {}, tmp_path)
    assert [payload for payload, _ in read_pairs(read(data)[1])] == [payload for payload, _ in demuxed(data)]
    with pytest.raises(RecordingError, match="after the sound") as caught:
        read(*split(data, [len(data) // 2]))
    assert "-movflags +faststart" in caught.value.hint


# -- pieces cut anywhere


def test_a_byte_at_a_time_gives_the_same() -> None:
    data = CHROME[:8000]
    whole, one_by_one = read(data), read(*(data[at : at + 1] for at in range(len(data))))
    assert alike(one_by_one[1]) == alike(whole[1])
    assert one_by_one[0].ledger.damages == whole[0].ledger.damages


@given(st.lists(st.integers(0, len(CHROME)), max_size=30))
@settings(max_examples=25, deadline=None)
def test_any_cuts_give_the_same(cuts: list[int]) -> None:
    assert alike(read(*split(CHROME, cuts))[1]) == alike(read(CHROME)[1])


@pytest.mark.parametrize("piece_bytes", [1, 7, 1 << 20])
def test_a_stream_that_ends_anywhere_keeps_every_packet_that_was_whole(piece_bytes: int) -> None:
    for end in range(0, len(SMALL.data) + 1, 1 if piece_bytes > 7 else 5):
        reader, runs = read(*split(SMALL.data[:end], range(0, end, piece_bytes)))
        assert read_pairs(runs) == SMALL.ending_by(end)
        assert {damage.reason for damage in reader.ledger.damages} <= {CUT}


# -- damage


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_bytes_that_are_missing_cost_their_fragments_and_move_nothing(data: st.DataObject) -> None:
    """The fragment that was cut keeps what was whole; where nobody tells of the cut, what follows may be wrong."""
    start = data.draw(st.integers(len(SMALL.header), len(SMALL.data) - 1))
    end = data.draw(st.integers(start + 1, len(SMALL.data)))
    told = data.draw(st.booleans())
    reader = Mp4Demuxer()
    runs = reader.feed(SMALL.data[:start])
    runs += reader.discontinuity("bytes are missing") if told else []
    runs += reader.feed(SMALL.data[end:]) + reader.flush()
    found = read_pairs(runs)
    before, after = SMALL.ending_by(start), SMALL.outside(0, end)
    assert found[: len(before)] == before
    assert found[len(found) - len(after) :] == after
    damaged = [pair for one in SMALL.fragments if one.start < end and one.end > start for pair in one.pairs]
    in_between = found[len(before) : len(found) - len(after)]
    if told:  # a fragment of which the first bytes alone are missing is found by its name
        assert set(in_between) <= set(damaged)
    else:
        assert {time_ms for _, time_ms in in_between} <= {time_ms for _, time_ms in damaged}


def test_a_fragment_cut_short_costs_its_last_packets_and_nothing_more() -> None:
    """The blob after it begins with a fragment, as all of Chrome's do: that tells, without a word from outside."""
    for one, after in zip(SMALL.fragments, SMALL.fragments[1:], strict=False):
        for end in range(one.start + 1, one.end):
            reader, runs = read(SMALL.data[:end], SMALL.data[after.start :])
            assert read_pairs(runs) == SMALL.ending_by(end) + SMALL.outside(0, after.start)
            assert reader.ledger.damages
            assert [run.after_break for run in runs if run.times_ms[0] == after.pairs[0][1]] == [True]


def test_a_changed_byte_costs_its_fragment_and_moves_no_other() -> None:
    for at in range(len(SMALL.header), len(SMALL.data)):
        for change in (0x01, 0x80, 0xFF):
            hurt = bytearray(SMALL.data)
            hurt[at] ^= change
            reader, runs = read(bytes(hurt))
            others = SMALL.outside(at, at + 1)
            assert [pair for pair in read_pairs(runs) if pair in others] == others
            assert len(read_pairs(runs)) <= len(SMALL.pairs)
            assert all(damage.offset + damage.length_bytes <= len(hurt) for damage in reader.ledger.damages)


def test_a_changed_byte_of_the_header_is_survived_or_refused() -> None:
    refused = 0
    for at in range(len(SMALL.header)):
        hurt = bytearray(SMALL.data)
        hurt[at] ^= 0xFF
        refused += 1
        with suppress(RecordingError):
            _, runs = read(bytes(hurt))
            assert [payload for payload, _ in read_pairs(runs)] == [payload for payload, _ in SMALL.pairs]
            refused -= 1
    assert refused == 2  # which say that there are more than two channels


def test_zeroes_cost_the_fragments_that_they_hit() -> None:
    first, second = SMALL.fragments[1:3]
    hurt = SMALL.data[: first.sound + 5] + bytes(second.sound - first.sound) + SMALL.data[second.sound + 5 :]
    reader, runs = read(hurt)
    kept = read_pairs(runs)
    assert [pair for pair in kept if pair in SMALL.pairs] == SMALL.outside(first.sound, second.sound)
    assert reader.ledger.damages


def test_zeroes_in_the_sound_are_no_packets() -> None:
    """An MP4 has no checksums: what is overwritten from a packet's beginning on is all that can be told."""
    one = SMALL.fragments[1]
    packets = [*one.pairs[:1], *one.pairs[2:]]
    start, end = one.packets[0][2], one.packets[1][2]
    reader, runs = read(SMALL.data[:start] + bytes(end - start) + SMALL.data[end:])
    assert read_pairs(runs) == SMALL.pairs[:3] + packets + SMALL.pairs[6:]
    assert reader.ledger.damages == [Damage(start, end - start, "not an Opus packet")]
    assert [run.times_ms[0] for run in runs if run.after_break] == [packets[1][1]]


@pytest.mark.parametrize("missing", range(len(CHUNKS)))
@pytest.mark.parametrize("told", [True, False])
def test_a_chunk_of_a_real_recording_is_missing(missing: int, told: bool) -> None:
    whole = [read_pairs(read(*CHUNKS[: n + 1])[1]) for n in range(len(CHUNKS))]
    reader, runs = Mp4Demuxer(), []
    for index, chunk in enumerate(CHUNKS):
        if index != missing:
            runs += reader.feed(chunk)
        elif told:
            runs += reader.discontinuity("a chunk is missing")
    runs += reader.flush()
    before = whole[missing - 1] if missing else []
    assert read_pairs(runs) == before + whole[-1][len(whole[missing]) :]
    assert reader.header_missing == (missing == 0)
    # The number of a fragment does not tell what was before the first; the last chunk has nothing behind it.
    assert sum(run.after_break for run in runs) == (missing < len(CHUNKS) - 1 and (told or missing != 1))
    unexplained = not told and 1 < missing < len(CHUNKS) - 1
    assert [damage.reason for damage in reader.ledger.damages] == ["1 MP4 fragments are missing"] * unexplained


@pytest.mark.parametrize(("toc", "channels"), [(0xFF, 2), (0xFB, 1)])
def test_a_lost_header_is_guessed_from_the_packets(toc: int, channels: int) -> None:
    packets = [bytes([toc, 3]) + b"sounds", bytes([toc, 3]) + b"and"]
    reader, runs = read(fragment(packets, 7, 48_000, track=3))
    assert reader.header_missing
    assert reader.track is not None
    assert (reader.track.number, reader.track.head) == (3, OpusHead(channels, 0))
    assert read_pairs(runs) == [(packets[0], 1000), (packets[1], 1060)]


# -- sizes that are wrong


def hurt_by_a_bit(place: int, bit: int, made_of: Made | None = None) -> bytes:
    data = bytearray((made_of or LARGE).data)
    data[place] ^= 1 << bit
    return bytes(data)


LARGE = made(6, 20)


def places_of(kind: bytes, start: int, stop: int) -> list[int]:
    """The bytes `start` to `stop` of every box of a kind, counted from its size on."""
    boxes = [at - 4 for at in range(len(LARGE.data)) if LARGE.data.startswith(kind, at) and at > len(LARGE.header)]
    return [box + byte for box in boxes for byte in range(start, stop)]


@pytest.mark.parametrize("piece_bytes", [1 << 20, 997])
def test_a_bit_in_the_list_of_packets_costs_one_of_them_at_most(piece_bytes: int) -> None:
    """Each row is a duration and a size; the list fills its box, and the packets fill theirs.

    Now and then a wrong place begins as a packet does, and two sizes are as likely.
    """
    costly = []
    for place in places_of(b"trun", 20, 20 + 8 * 20):
        is_size = (place - LARGE.data.rindex(b"trun", 0, place) - 16) % 8 >= 4
        for bit in (0, 3, 6, 7) if is_size else (0,):
            data = hurt_by_a_bit(place, bit)
            _, runs = read(*(data[at : at + piece_bytes] for at in range(0, len(data), piece_bytes)))
            found = [payload for payload, _ in read_pairs(runs)]
            lost = [payload for payload, _ in LARGE.pairs if payload not in found]
            assert len(lost) <= 2, f"bit {bit} of byte {place}"
            assert len(found) <= len(LARGE.pairs)
            costly += [place] * (len(lost) > 1)
    assert len(costly) <= 10  # of 2,880


def test_a_count_of_packets_that_is_wrong_costs_nothing() -> None:
    for place in places_of(b"trun", 12, 16):
        _, runs = read(hurt_by_a_bit(place, 1))
        assert read_pairs(runs) == LARGE.pairs


@pytest.mark.parametrize("bit", range(8))
def test_the_head_of_the_box_of_packets_may_be_damaged(bit: int) -> None:
    for place in places_of(b"mdat", 0, 8):
        reader, runs = read(hurt_by_a_bit(place, bit))
        assert read_pairs(runs) == LARGE.pairs, f"byte {place}"
        assert {damage.reason for damage in reader.ledger.damages} == {"the size of an MP4 box is wrong"}


@pytest.mark.parametrize("bit", range(8))
def test_a_box_of_times_with_a_wrong_size_costs_no_packet(bit: int) -> None:
    for place in places_of(b"tfdt", 0, 4):
        reader, runs = read(hurt_by_a_bit(place, bit))
        assert {damage.reason for damage in reader.ledger.damages} == {"the size of an MP4 box is wrong"}
        assert [payload for payload, _ in read_pairs(runs)] == [payload for payload, _ in LARGE.pairs], f"byte {place}"


def test_bases_are_where_fragments_begin() -> None:
    for piece_bytes in (50, 1 << 20):
        _, runs = read(*split(LARGE.data, range(0, len(LARGE.data), piece_bytes)))
        bases = [run.payloads[base] for run in runs for base in run.bases]
        assert bases == [one.pairs[0][0] for one in LARGE.fragments]


def test_a_second_track_of_opus_is_set_aside_by_its_name() -> None:
    header = FTYP + moov(trak(1), trak(2))
    packets, others = chrome_packets(6), chrome_packets(6, seed=2)
    data = header + fragment(packets[:3], 1, 0) + fragment(others, 2, 0, track=2) + fragment(packets[3:], 3, 9000)
    reader, runs = read(data)
    assert [payload for payload, _ in read_pairs(runs)] == packets
    assert [aside.reason for aside in reader.ledger.asides] == [second_opus(2)]


@pytest.mark.parametrize("letter", range(4))
def test_a_damaged_letter_of_the_codec_is_mended(letter: int) -> None:
    data = bytearray(SMALL.data)
    data[data.index(b"Opus") + letter] ^= 1
    reader, runs = read(bytes(data))
    assert read_pairs(runs) == SMALL.pairs
    assert not reader.header_missing


# -- what the boxes say


def head_of(*traks: bytes) -> OpusHead:
    reader, _ = read(FTYP + moov(*traks))
    assert reader.track is not None
    assert isinstance(reader.track.head, OpusHead)
    return reader.track.head


@pytest.mark.parametrize(
    ("declared", "edits", "expected"),
    [
        pytest.param(3840, b"", 0, id="chrome"),
        pytest.param(312, b"", 312, id="as in ogg"),
        pytest.param(3840, edit_list(312), 312, id="an edit list decides"),
        pytest.param(312, edit_list(0), 0, id="an edit list that drops nothing"),
        pytest.param(3840, edit_list(-1, 3840), 3840, id="a wait, then an edit"),
        pytest.param(0, edit_list(312, version=1), 312, id="long edit list"),
    ],
)
def test_the_pre_skip_is_what_players_drop(declared: int, edits: bytes, expected: int) -> None:
    assert head_of(trak(entry=sample_entry(specific=dops(pre_skip=declared)), edits=edits)).pre_skip == expected


def test_an_edit_list_counts_in_the_tracks_timescale() -> None:
    assert head_of(trak(timescale=1000, edits=edit_list(10))).pre_skip == 480


def test_gain_and_channels_are_big_endian() -> None:
    assert head_of(trak(entry=sample_entry(specific=dops(1, 312, -256)))) == OpusHead(1, 312, 48_000, -256)


def test_times_are_in_the_tracks_timescale() -> None:
    packets = chrome_packets(2)
    _, runs = read(FTYP + moov(trak(timescale=1000)) + fragment(packets, 1, 500, durations=[61, 60]))
    assert read_pairs(runs) == [(packets[0], 500), (packets[1], 561)]


def test_defaults_come_from_the_fragment_or_from_the_movie() -> None:
    packets = [b"\xff\3" + bytes([n]) * 10 for n in range(4)]
    extends = full(b"trex", u32(1, 1, DURATION, 12, 0))
    for header, flags in ((u32(1), 0x20000), (u32(1, DURATION, 12), 0x20018)):
        runs_of_two = full(b"trun", u32(2, 8 + 8), flags=0x1), full(b"trun", u32(2))
        traf = box(b"traf", full(b"tfhd", header, flags=flags), full(b"tfdt", u32(4800)), *runs_of_two)
        one = moof(1, traf)
        one = one.replace(u32(2, 16), u32(2, len(one) + 8))
        _, runs = read(FTYP + moov(extends=extends) + one + box(b"mdat", *packets))
        assert read_pairs(runs) == list(zip(packets, (100, 160, 220, 280), strict=True))


def without_time(packets: Sequence[bytes], number: int) -> bytes:
    """A fragment without `tfdt`, which old programs leave out."""
    whole = fragment(packets, number, 0)
    head, sound = whole.split(b"tfdt")[0][:-4], whole[whole.index(b"mdat") - 4 :]
    size = 20
    rest = whole[len(head) + size : whole.index(b"mdat") - 4]
    one = bytearray(head + rest)
    for at, kind in ((0, b"moof"), (24, b"traf")):
        assert one[at + 4 : at + 8] == kind
        one[at : at + 4] = u32(int.from_bytes(one[at : at + 4], "big") - size)
    place = one.index(b"trun") + 12
    one[place : place + 4] = u32(len(one) + 8)
    return bytes(one) + sound


def test_a_fragment_that_tells_no_time_follows_the_one_before() -> None:
    packets = chrome_packets(4)
    first, second = fragment(packets[:2], 1, 4800), without_time(packets[2:], 2)
    _, runs = read(FTYP + moov() + first + second)
    assert read_pairs(runs) == list(zip(packets, (100, 160, 220, 280), strict=True))
    assert all(run.placed for run in runs)
    reader = Mp4Demuxer()
    runs = reader.feed(FTYP + moov() + first) + reader.discontinuity("bytes are missing") + reader.feed(second)
    assert [run.placed for run in runs] == [True, False]


def test_offsets_from_the_files_beginning_survive_a_lost_chunk(tmp_path: Path) -> None:
    data = remuxed(CHROME, {"movflags": "empty_moov", "frag_duration": "300000"}, tmp_path)
    starts = [at - 4 for at in range(len(data)) if data.startswith(b"moof", at)]
    whole = read_pairs(read(data)[1])
    lost = read_pairs(read(data[starts[3] : starts[4]])[1])
    reader = Mp4Demuxer()
    runs = reader.feed(data[: starts[3]]) + reader.discontinuity("a chunk is missing")
    runs += reader.feed(data[starts[4] :]) + reader.flush()
    assert read_pairs(runs) == [pair for pair in whole if pair not in lost]
    assert len(lost) > 1


def test_packets_whose_offset_is_damaged_are_those_in_the_box_behind() -> None:
    one = bytearray(SMALL.data)
    at = one.index(b"trun") + 12
    one[at : at + 4] = u32(1 << 20)
    reader, runs = read(bytes(one))
    assert read_pairs(runs) == SMALL.pairs
    assert [damage.reason for damage in reader.ledger.damages] == ["the place of an MP4 fragment's packets is wrong"]


def test_what_is_no_opus_packet_is_named_once_for_a_stretch() -> None:
    packets = [*chrome_packets(1), b"\xff\x3f bad", b"\xff\x3f bad", *chrome_packets(2)[1:]]
    reader, runs = read(FTYP + moov() + fragment(packets, 1, 0))
    assert read_pairs(runs) == [(packets[0], 0), (packets[3], 180)]
    assert [(damage.length_bytes, damage.reason) for damage in reader.ledger.damages] == [(12, "not an Opus packet")]


def test_a_second_header_begins_another_recording() -> None:
    _, runs = read(SMALL.data + SMALL.data)
    assert [(run.recording, run.after_break) for run in runs] == [(0, False), (1, False)]
    assert read_pairs(runs) == SMALL.pairs * 2


def test_boxes_that_matter_to_others_are_passed_over() -> None:
    others = box(b"free", bytes(99)), box(b"sidx", bytes(20)), box(b"styp", b"msdh", u32(0), b"msdh"), box(b"emsg")
    one = SMALL.fragments[1]
    data = SMALL.data[: one.start] + b"".join(others) + SMALL.data[one.start :] + box(b"mfra", bytes(50))
    reader, runs = read(data)
    assert read_pairs(runs) == SMALL.pairs
    assert not reader.ledger.damages


# -- refusals


@pytest.mark.parametrize(
    ("traks", "message"),
    [
        ((trak(entry=sample_entry(b"alac", b"")),), r"it holds: Apple Lossless \(alac\)$"),
        ((trak(entry=sample_entry(b"avc1", b""), handler=b"vide"),), "it holds: H.264 video$"),
        (
            (trak(1, sample_entry(b"avc1", b""), handler=b"vide"), trak(2, sample_entry(b"fLaC", b""))),
            "it holds: H.264 video, FLAC$",
        ),
        ((trak(entry=sample_entry(b"what", b"")),), "it holds: 'what'$"),
        ((trak(entry=sample_entry(b"enca", b"")),), "encrypted"),
        ((trak(entry=sample_entry(specific=dops(6))),), "6 channels"),
        ((trak(entry=sample_entry(specific=dops(family=1))),), "mapping family 1"),
    ],
)
def test_what_cannot_be_joined_is_refused_by_name(traks: tuple[bytes, ...], message: str) -> None:
    with pytest.raises(RecordingError, match=message) as caught:
        read(FTYP + moov(*traks))
    assert caught.value.hint


def test_the_refusal_of_another_codec_names_the_way_out() -> None:
    with pytest.raises(RecordingError) as caught:
        read(FTYP + moov(trak(entry=sample_entry(b"alac", b""))))
    assert "audio/webm;codecs=opus" in caught.value.hint
    assert "encodes again: ffmpeg -i whole.mp4" in caught.value.hint


# -- sizes from outside


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(full(b"trun", u32(0xFFFFFFFF)), id="no sizes at all"),
        pytest.param(full(b"trun", u32(0xFFFFFFFF), flags=0x300), id="more rows than bytes"),
        pytest.param(full(b"trun"), id="no count"),
    ],
)
def test_a_run_that_claims_too_much_costs_its_fragment(run: bytes) -> None:
    at = SMALL.fragments[2].start
    bad = moof(3, box(b"traf", full(b"tfhd", u32(1), flags=0x20000), run)) + box(b"mdat", bytes(40))
    reader, runs = read(SMALL.data[:at] + bad + SMALL.data[at:])
    assert read_pairs(runs) == SMALL.pairs
    assert reader.ledger.damages


@pytest.mark.parametrize("kind", [b"moov", b"moof", b"mdat", b"free"])
def test_a_box_that_claims_gigabytes_is_not_waited_for(kind: bytes) -> None:
    at = SMALL.fragments[2].start
    huge = u32(1) + kind + struct.pack(">Q", 1 << 60) + bytes(100)
    reader, runs = read(SMALL.data[:at] + huge + SMALL.data[at:])
    assert read_pairs(runs) == SMALL.pairs
    assert all(at <= damage.offset <= at + len(huge) for damage in reader.ledger.damages)
    assert reader.ledger.damages


@pytest.mark.parametrize("size", [(1 << 63) - 1, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("kind", [b"mdat", b"free"])
def test_a_box_that_claims_more_than_there_are_numbers_for(kind: bytes, size: int) -> None:
    at = SMALL.fragments[2].start
    _, runs = read(SMALL.data[:at] + u32(1) + kind + struct.pack(">Q", size) + bytes(20) + SMALL.data[at:])
    assert read_pairs(runs) == SMALL.pairs


def test_a_header_that_never_ends_is_not_kept() -> None:
    reader = Mp4Demuxer()
    reader.feed(FTYP + u32(1 << 30) + b"moov")
    for _ in range(64):
        reader.feed(bytes(1 << 16))
    reader.flush()
    assert reader.ledger.pending_bytes == 0
