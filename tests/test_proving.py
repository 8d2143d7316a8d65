"""Streams without a header: what proves them to be Opus, which track is the sound's, and what is refused."""

from __future__ import annotations

from functools import cache
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

import av
import pytest
from mp4_recordings import chrome_packets, fragment
from ogg_recordings import headers, made, page, stereo
from recordings import (
    assert_all_counted,
    cluster,
    firefox,
    live_header,
    master,
    payloads,
    read_pairs,
    recorded,
    simple_block,
    track_entry,
)

from sessiontool.errors import RecordingError
from sessiontool.media.opus import OpusHead
from sessiontool.media.opus_evidence import OpusEvidence, names_opus
from sessiontool.media.packets import OTHER_TRACK, PICTURES, Track, second_opus
from sessiontool.media.probe import open_demuxer

if TYPE_CHECKING:
    from pathlib import Path

    from sessiontool.media.packets import Demuxer, PacketRun

SOUND = payloads(40, toc=0xFF)
OPUS_NAMED = "audio/webm;codecs=opus"


def read(data: bytes, *, mime_type: str = "", track: Track | None = None) -> tuple[Demuxer, list[PacketRun]]:
    reader = open_demuxer(data, mime_type=mime_type, track=track)
    runs = [*reader.feed(data), *reader.flush()]
    assert_all_counted(reader, runs)
    return reader, runs


def pictures(count: int, seed: int = 1) -> list[bytes]:
    """Frames as a video codec's: of any size, and any bytes."""
    rng = Random(seed)
    return [rng.randbytes(rng.choice((90, 700, 5000))) for _ in range(count)]


@cache
def film(number: int, *, blobs_of: int = 20) -> bytes:
    """A later blob of a recording with pictures, 40 ms each, and sound in track `number`."""
    other = 3 - number
    events = [(60 * index, number, packet) for index, packet in enumerate(SOUND)]
    events += [(40 * index + 5, other, picture) for index, picture in enumerate(pictures(60))]
    data = b""
    for start in range(0, len(SOUND), blobs_of):
        base_ms = 60 * start
        mine = [event for event in sorted(events) if base_ms <= event[0] < base_ms + 60 * blobs_of]
        data += cluster(base_ms, *(simple_block(what, at_ms - base_ms, track=track) for at_ms, track, what in mine))
    return data


# -- which track it is


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("lost_bytes", [0, 1, 3000])
def test_the_sound_is_found_among_pictures(number: int, lost_bytes: int) -> None:
    reader, runs = read(film(number)[lost_bytes:])
    found = [payload for payload, _ in read_pairs(runs)]
    assert found == SOUND[len(SOUND) - len(found) :]
    assert len(found) >= (len(SOUND) - 1 if lost_bytes < 2 else 30)
    assert reader.track is not None
    assert (reader.track.number, reader.track.others, reader.track.second) == (
        number,
        frozenset({3 - number}),
        frozenset(),
    )
    assert {aside.reason for aside in reader.ledger.asides} <= {PICTURES, OTHER_TRACK}


def test_pictures_are_passed_over_after_damage_too() -> None:
    header = live_header(track_entry(1), track_entry(2, b"V_VP8", kind=1, private=b""))
    data = header + film(1)
    at = len(header) + 9000
    reader, runs = read(data[:at] + bytes(50) + data[at + 50 :])
    assert len([payload for payload, _ in read_pairs(runs)]) >= len(SOUND) - 1
    assert sum(damage.length_bytes for damage in reader.ledger.damages) < 6000


def test_a_second_track_of_opus_is_set_aside_by_its_name() -> None:
    blocks = [simple_block(packet, index, track=1 + index % 2) for index, packet in enumerate(SOUND)]
    reader, runs = read(live_header(track_entry(1), track_entry(2)) + cluster(0, *blocks))
    assert [payload for payload, _ in read_pairs(runs)] == SOUND[::2]
    assert reader.track is not None
    assert reader.track.second == {2}
    assert [aside.reason for aside in reader.ledger.asides] == [second_opus(2)]


def test_two_tracks_of_opus_without_a_header_are_told_apart() -> None:
    blocks = [simple_block(packet, 60 * (index // 2), track=1 + index % 2) for index, packet in enumerate(SOUND)]
    reader, runs = read(cluster(0, *blocks))
    assert [payload for payload, _ in read_pairs(runs)] == SOUND[::2]
    assert reader.track is not None
    assert (reader.track.number, reader.track.second) == (1, frozenset({2}))


# -- what proves it


@pytest.mark.parametrize("name", ["chrome-1s", "chrome-24k", "chrome-mono", "firefox-pause"])
def test_real_recordings_prove_themselves_from_any_place_on(name: str) -> None:
    whole = recorded(name)
    for index in range(1, len(whole.blocks) - 10, 7):
        reader, runs = read(whole.data[whole.blocks[index].offset :])
        assert [payload for payload, _ in read_pairs(runs)] == [block.payload for block in whole.blocks[index:]]
        assert reader.track is not None
        assert reader.track.head == OpusHead(1 if "mono" in name else 2, 312 if "firefox" in name else 0)


def test_damage_among_the_first_packets_does_not_hide_what_they_are() -> None:
    whole = recorded("chrome-1s")
    at = whole.blocks[12].offset
    data = whole.data[whole.blocks[10].offset : at] + Random(1).randbytes(2000) + whole.data[at + 2000 :]
    _, runs = read(data)
    kept = [block.payload for block in whole.blocks if block.offset >= at + 2000]
    assert [payload for payload, _ in read_pairs(runs)][-len(kept) :] == kept


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_packets_are_believed_where_the_recorder_named_them(count: int) -> None:
    data = cluster(0, *(simple_block(packet, 60 * index) for index, packet in enumerate(SOUND[:count])))
    reader, runs = read(data)
    assert (runs, reader.track) == ([], None)
    assert sum(account.damaged_bytes for account in reader.ledger.accounts) > 0
    for known in ({"mime_type": OPUS_NAMED}, {"track": Track(1, OpusHead(2, 312), "Chrome")}):
        reader, runs = read(data, **known)
        assert [payload for payload, _ in read_pairs(runs)] == SOUND[:count]
        assert reader.header_missing == ("mime_type" in known)


def test_a_track_that_is_known_is_used() -> None:
    track = Track(2, OpusHead(2, 777), "elsewhere")
    whole = firefox()
    reader, runs = read(whole.data[len(whole.header) :], track=track)
    assert [payload for payload, _ in read_pairs(runs)] == [block.payload for block in whole.blocks]
    assert (reader.track, reader.header_missing) == (track, False)
    with pytest.raises(RecordingError, match="WebM for track 1 without its header cannot be proved"):
        read(whole.data[len(whole.header) :], track=Track(1, OpusHead(2, 0), "Chrome"))


def test_a_known_track_has_the_streams_number_in_ogg_and_mp4() -> None:
    track = Track(9, OpusHead(2, 312), "elsewhere")
    for data in (made().data[len(headers()) :], fragment(chrome_packets(3), 7, 48_000, track=3)):
        reader, runs = read(data, track=track)
        assert runs
        assert reader.track is not None
        assert (reader.track.head, reader.track.writing_app) == (track.head, "elsewhere")
        assert not reader.header_missing


def test_the_second_page_of_ogg_says_that_it_is_opus() -> None:
    whole = made()
    start = len(page(b"OpusHead" + bytes(11), number=0, granule=0, flags=2))
    reader, runs = read(whole.data[start:])
    assert read_pairs(runs) == whole.packets
    assert reader.track is not None
    assert (reader.header_missing, reader.track.writing_app) == (True, "libopus")


# -- what is refused


def aac_fragments(folder: Path) -> bytes:
    """A second and a half of AAC in fragments, without the header."""
    target = folder / "sound.mp4"
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000"}
    with av.open(str(target), "w", format="mp4", options=options) as out:
        stream = out.add_stream("aac", rate=48_000)
        assert isinstance(stream, av.AudioStream)
        rng = Random(1)
        for index in range(70):
            frame = av.AudioFrame("fltp", "stereo", 1024)
            for plane in frame.planes:
                plane.update(bytes(rng.choice((0, 60)) for _ in range(plane.buffer_size)))
            frame.rate, frame.pts = 48_000, index * 1024
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    data = target.read_bytes()
    return data[data.index(b"moof") - 4 :]


def test_aac_without_its_header_is_no_opus(tmp_path: Path) -> None:
    """Its fragments last as long as round times at 48 kHz do; `test_aac` has those that do not."""
    reader, _ = read(aac_fragments(tmp_path))
    assert reader.track is not None
    assert (reader.track.head.codec, reader.track.head.rate_hz, reader.header_missing) == ("aac", 48_000, True)


def test_pcm_without_its_header_is_refused() -> None:
    rng = Random(1)
    blocks = [simple_block(rng.randbytes(3840), 10 * index) for index in range(100)]
    with pytest.raises(RecordingError, match=r"WebM without its header cannot be proved to be Opus: track 1: \d+ of"):
        read(cluster(0, *blocks))


def test_frames_of_pictures_that_keep_opus_rules_by_chance_are_no_sound() -> None:
    """Frames of VP8 between key frames begin alike; a mime type that names both codecs says nothing of a track."""
    rng = Random(2)
    frames = [b"\x51" + rng.randbytes(rng.choice((40, 41, 90, 91))) for _ in range(80)]
    blocks = [
        [simple_block(one, 60 * n, track=1), simple_block(SOUND[n], 60 * n, track=2)]
        for n, one in enumerate(frames[: len(SOUND)])
    ]
    for mime_type in ("video/webm;codecs=vp8,opus", ""):
        reader, runs = read(cluster(0, *chain.from_iterable(blocks)), mime_type=mime_type)
        assert reader.track is not None
        assert reader.track.number == 2, mime_type
        assert [payload for payload, _ in read_pairs(runs)] == SOUND[: len(blocks)]


def test_pictures_alone_are_refused() -> None:
    with pytest.raises(RecordingError, match="cannot be proved to be Opus"):
        read(cluster(0, *(simple_block(picture, 40 * index) for index, picture in enumerate(pictures(60)))))


def test_packets_that_do_not_last_as_long_as_the_times_say_are_refused() -> None:
    with pytest.raises(RecordingError, match="60 of 60 packets keep Opus's rules, 500 ms apart"):
        read(cluster(0, *(simple_block(packet, 500 * index) for index, packet in enumerate(payloads(60, toc=0xFC)))))


@pytest.mark.parametrize("data", [cluster(0, *map(simple_block, SOUND)), page(*stereo(9), number=9, granule=0)])
def test_what_the_recorder_named_otherwise_is_refused(data: bytes) -> None:
    with pytest.raises(RecordingError, match="the recorder noted 'audio/webm;codecs=pcm'"):
        read(data, mime_type="audio/webm;codecs=pcm")


# -- the pieces of it


@pytest.mark.parametrize(
    ("mime_type", "expected"),
    [
        *(("", None), ("audio/webm", None), ("audio/webm;codecs=opus", True), ('video/webm; codecs="vp8, opus"', None)),
        *(("audio/webm;codecs=pcm", False), ("audio/mp4;codecs=mp4a.40.2", False), ("AUDIO/OGG; CODECS=OPUS", True)),
    ],
)
def test_the_codecs_of_a_mime_type(mime_type: str, expected: bool | None) -> None:
    assert names_opus(mime_type) is expected


def test_a_stereo_recorder_may_write_a_few_packets_in_mono() -> None:
    evidence = OpusEvidence()
    for packet in [*payloads(30, toc=0xF8), *payloads(6, toc=0xFC)]:
        evidence.add(packet)
    assert evidence.channels == 2
    assert evidence.proves_opus()


def test_one_wrong_time_among_a_few_packets_is_no_evidence_against_them() -> None:
    """One step is too long by it, and the next one runs back: that is no order of pictures."""
    evidence = OpusEvidence()
    for packet, step in zip(payloads(4, toc=0xF8), (960, 960 + 49_152, 960 - 49_152, None), strict=True):
        evidence.add(packet, step)
    assert evidence.proves_opus("audio/webm;codecs=opus")


def test_a_header_of_another_kind_behind_packets_costs_only_itself() -> None:
    """Refused, it took all that came after it along."""
    foreign = live_header(track_entry(1, b"V_VP9", kind=1, private=b"")) + cluster(0, *map(simple_block, pictures(9)))
    sound = [simple_block(packet, 60 * index) for index, packet in enumerate(SOUND)]
    data = live_header() + cluster(0, *sound[:20]) + foreign + cluster(1200, *(simple_block(p) for p in SOUND[20:]))
    reader, runs = read(data)
    assert [payload for payload, _ in read_pairs(runs)][-20:] == SOUND[20:]
    assert [payload for payload, _ in read_pairs(runs)][:20] == SOUND[:20]
    assert {run.recording for run in runs} == {0}
    assert any("V_VP9" in damage.reason for damage in reader.ledger.damages)


def test_a_document_type_of_another_kind_behind_packets_costs_only_itself() -> None:
    data = live_header() + cluster(0, *map(simple_block, SOUND[:9]))
    data += master("1a45dfa3", master("4282", b"gram")) + cluster(540, *map(simple_block, SOUND[9:]))
    reader, runs = read(data)
    assert [payload for payload, _ in read_pairs(runs)] == SOUND
    assert reader.ledger.damages
