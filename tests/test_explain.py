"""What `explain` says of blobs.

Facts counted here by a strict walk over the whole recording that each blob is a piece of.
"""

from __future__ import annotations

import json
from functools import cache

import mp3_recordings
import pytest
from aac_recordings import streamed
from recordings import LIVE_CLUSTER, SESSIONS, Live, blobs, chrome, live_header, recorded, recorded_chunks, track_entry

from sessiontool.errors import RecordingError
from sessiontool.sessions.probe import explain
from sessiontool.views.explanation import explanation_json, explanation_lines

RECORDED = sorted(path.name for path in SESSIONS.iterdir())
whole_recording = cache(recorded)


def pieces(session_id: str) -> list[tuple[int, bytes]]:
    """The blobs of a recording, and where each begins in it."""
    placed, at = [], 0
    for blob in recorded_chunks(session_id):
        placed.append((at, blob))
        at += len(blob)
    return placed


def cluster_times(whole: Live, start: int, end: int) -> list[int]:
    """Of the clusters whose head begins from a byte before `start` on."""
    found, at = [], whole.data.find(LIVE_CLUSTER)
    while at >= 0:
        if start - 1 <= at < end - len(LIVE_CLUSTER):
            length = whole.data[at + 13] & 0x7F
            found.append(int.from_bytes(whole.data[at + 14 : at + 14 + length], "big"))
        at = whole.data.find(LIVE_CLUSTER, at + 1)
    return found


@pytest.mark.parametrize("session_id", RECORDED)
def test_the_facts_of_every_recorded_blob(session_id: str) -> None:
    whole = whole_recording(session_id)
    for start, blob in pieces(session_id):
        told, end = explain(blob), start + len(blob)
        inside = [block for block in whole.blocks if start - 1 <= block.offset and block.end <= end]
        assert told.size_bytes == len(blob)
        assert told.packets == len(inside)
        assert list(told.clusters_ms) == cluster_times(whole, start, end)
        assert told.header_missing == (start > 0 and bool(inside))
        assert told.damages == () or not inside
        if told.clusters_ms:
            assert told.start_ms == pytest.approx(inside[0].time_ms, abs=70)
            assert told.end_ms is not None
            assert told.end_ms == pytest.approx(inside[-1].time_ms + 40, abs=70)  # packets of 20 or 60 ms, and jitter
            leading = [block for block in inside if block.offset < blob_head(whole, start)]
            assert told.leading_packets == len(leading)
        else:
            assert (told.start_ms, told.end_ms, told.leading_packets) == (None, None, 0)
        assert sum(count for _, count in told.packet_ms) == len(inside)


def blob_head(whole: Live, start: int) -> int:
    """Where the first cluster's head at or after `start` begins, a byte of which may be in the blob before."""
    return whole.data.find(LIVE_CLUSTER, max(0, start - 1))


@pytest.mark.parametrize(
    ("session_id", "seq", "begins", "ends"),
    [
        ("chrome-1s", 0, "a WebM header", "first byte of the next block"),
        ("chrome-1s", 1, "one byte inside a block", "first byte of the next block"),
        ("chrome-1s", -1, "one byte inside a block", "with a whole packet"),
        ("firefox-pause", 0, "a WebM header", "with a whole packet"),
        ("firefox-pause", 1, "with a cluster", "with a whole packet"),
    ],
)
def test_how_real_blobs_begin_and_end(session_id: str, seq: int, begins: str, ends: str) -> None:
    told = explain(recorded_chunks(session_id)[seq])
    assert begins in told.begins
    assert ends in told.ends


def test_the_browser_that_wrote_it_is_named() -> None:
    track = explain(recorded_chunks("firefox-pause")[0]).track
    assert track is not None
    assert "QTwritingApp" in track.writing_app
    assert (track.head.pre_skip, track.number) == (312, 2)


def test_a_blob_may_begin_inside_a_clusters_head() -> None:
    whole = chrome(40)
    start = whole.data.find(LIVE_CLUSTER, 300)
    told = explain(whole.data[start + 1 :])
    assert "inside a cluster's head" in told.begins
    assert told.clusters_ms[0] == int.from_bytes(
        whole.data[start + 14 : start + 14 + (whole.data[start + 13] & 0x7F)], "big"
    )
    assert told.leading_packets == 0
    assert "first byte of the next cluster" in explain(whole.data[: start + 1]).ends


def test_a_cut_is_told_with_what_is_left_of_the_packet() -> None:
    whole = chrome(40)
    block = whole.blocks[20]
    assert "inside a packet: 9 bytes" in explain(whole.data[: block.offset + 9]).ends
    assert "with a block" in explain(whole.data[block.offset :]).begins


def test_damage_is_told_with_its_place() -> None:
    whole = chrome(40)
    start, end = whole.blocks[12].offset + 9, whole.blocks[14].offset + 3
    told = explain(whole.data[:start] + bytes(end - start) + whole.data[end:])
    (damage,) = told.damages
    assert whole.blocks[12].offset <= damage.offset <= start
    assert told.packets >= 37


def test_a_second_blob_alone_tells_that_it_continues_one() -> None:
    _, second, *_ = blobs(chrome(84 * 3, cluster_packets=84), 84)
    told = explain(second)
    assert (told.leading_packets, told.header_missing) == (1, True)
    assert told.start_ms == pytest.approx(83 * 60, abs=10)


@pytest.mark.parametrize("blob", [b"", b"\xa3", bytes(1000), b"hello world, this is no recording"])
def test_what_is_no_recording_holds_nothing(blob: bytes) -> None:
    told = explain(blob)
    assert (told.packets, told.track, told.start_ms, told.clusters_ms) == (0, None, None, ())


@pytest.mark.parametrize(
    ("recording", "seq", "begins", "packets", "from_ms", "to_ms"),
    [
        ("firefox-ogg", 0, "an Ogg header", ((20, 234),), 0, 4680),
        ("firefox-ogg", 1, "an Ogg page", ((20, 258),), 4680, 9840),
        ("chrome-mp4-opus", 0, "an MP4 header", (), None, None),
        ("chrome-mp4-opus", 3, "an MP4 fragment", ((60, 83),), 15_182, 20_181),
    ],
)
def test_blobs_of_other_containers(
    recording: str, seq: int, begins: str, packets: tuple[tuple[int, int], ...], from_ms: int | None, to_ms: int | None
) -> None:
    (blob,) = (SESSIONS.parent / "containers" / recording).glob(f"chunks/000/{seq:06d}.*")
    told = explain(blob.read_bytes())
    assert begins in told.begins
    assert (told.packet_ms, told.start_ms, told.end_ms, told.damages) == (packets, from_ms, to_ms, ())


@pytest.mark.parametrize(
    ("blob", "what"), [(b'{"id": "u1"}', "a JSON document"), (b"FORM\0\0\0\0AIFF", "an AIFF file")]
)
def test_what_is_no_recording_is_named(blob: bytes, what: str) -> None:
    with pytest.raises(RecordingError, match=what):
        explain(blob)


def test_a_blob_of_zeroes_or_nothing_says_so() -> None:
    assert "zeroes" in explain(bytes(1000)).begins
    assert "empty" in explain(b"").begins


def test_other_codecs_are_refused() -> None:
    with pytest.raises(RecordingError, match="A_VORBIS"):
        explain(live_header(track_entry(1, b"A_VORBIS")) + bytes(50))


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (chrome(9).data, "Opus stereo"),
        (streamed(44_100, 1, cut_anywhere=False, chunks=2).chunks[1], "AAC mono"),
        (mp3_recordings.recorded(48_000, 2, cut_anywhere=False, chunks=2).chunks[1], "MP3 stereo"),
    ],
    ids=["WebM", "ADTS", "MP3"],
)
def test_lines_and_json_name_the_codec(data: bytes, header: str) -> None:
    """Of every blob with a header the JSON was an error, and all were Opus that begins in a block of WebM."""
    told = explain(data)
    lines = explanation_lines("x", told)
    assert header in "\n".join(lines)
    assert not any("inside a block" in line for line in lines)
    document = json.loads(json.dumps(explanation_json("x", told)))
    assert document["track"]["head"]["channels"] == (1 if "mono" in header else 2)
