"""MP3: every frame goes out byte for byte, at its place, whatever was done to the chunks."""

from __future__ import annotations

import io
import json
from random import Random
from shutil import copytree
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from aac_recordings import (
    Chunks,
    codes,
    hurt,
    without,
    write_session,
)
from mp3_recordings import Mp3Recording, decoded, frames_in, frames_of, recorded, split_frames, whole_file
from purging import examine

from sessiontool import ExportOptions, MergeOptions, export, merge, page, verify
from sessiontool.audio.decoder import decode
from sessiontool.errors import RecordingError
from sessiontool.media.mp3 import (
    DECODER_DELAY,
    LAME_DELAY,
    Mp3Head,
    frame_samples,
    read_header,
    silent_frame,
    silent_frames,
)
from sessiontool.media.mpeg_audio.demuxer import Mp3Demuxer, holds_mp3
from sessiontool.media.mpeg_audio.tags import id3_tag, info_frame, is_info, priming_of
from sessiontool.sessions.result_files import track_uid, writing_app
from sessiontool.sessions.verify import Maker
from sessiontool.sessions.verify_mp3 import verify_mp3

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SILENT = {*silent_frames()}
KINDS = [(48_000, 2), (44_100, 1), (32_000, 2), (24_000, 1), (22_050, 2), (16_000, 1), (8000, 2)]


def joined(folder: Path, chunks: Sequence[bytes | None], **more: Any) -> tuple[Any, list[bytes]]:
    """The report of the merged chunks, and the frames in its audio."""
    write_session(folder, chunks, **more)
    result = merge("s", store=folder, options=MergeOptions(align=False))
    return result.report, frames_in(folder / "s" / "merged" / "audio.mp3")


def heard(packets: Sequence[bytes], head: Mp3Head) -> np.ndarray:
    return np.concatenate(list(decode(packets, head, np.copy, skip_samples=0)), axis=1)


# -- frames, tags and silence


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_frames_of_an_encoder_are_read_in_any_pieces_and_every_byte_is_counted(rate: int, channels: int) -> None:
    frames = list(frames_of(rate, channels, 3, kbps=32 if rate < 32_000 else 64))
    data = b"ID3\4\0\0\0\0\0\2xy" + b"".join(frames) + b"TAG" + bytes(125)
    for size in (1, 7, 1000, len(data)):
        reader = Mp3Demuxer()
        runs = [run for at in range(0, len(data), size) for run in reader.feed(data[at : at + size])]
        runs += reader.flush()
        assert [payload for run in runs for payload in run.payloads] == frames
        assert not any(run.after_break or run.recording for run in runs)
        assert reader.ledger.damages == []
        counted = [(one.payload_bytes, one.structure_bytes, one.unaccounted_bytes) for one in reader.ledger.accounts]
        assert [sum(column) for column in zip(*counted, strict=True)] == [len(b"".join(frames)), 12 + 128, 0]
    assert reader.track is not None
    assert (reader.track.head.rate_hz, reader.track.head.channels) == (rate, channels)


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_silence_is_silent_and_what_follows_a_seam_is_not_louder_than_the_sound(rate: int, channels: int) -> None:
    """The frames after a seam lack bytes that were in frames before it: decoders must not make noise of them."""
    head = Mp3Head(channels, rate)
    assert not heard([head.filler.payload] * 9, head).any()
    frames = frames_of(rate, channels, 3, kbps=32 if rate < 32_000 else 64)
    loudest = np.abs(heard(frames, head)).max()
    for cut in range(10, len(frames) - 10, 7):
        seam = heard([*frames[cut - 5 : cut], *[head.filler.payload] * 4, *frames[cut + 3 : cut + 9]], head)
        assert np.abs(seam).max() < 1.2 * loudest, cut


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        ("fffd9004", "Layer II"),
        ("fff99004", "AAC in ADTS"),
        ("fff3f0c4", "no bit rate"),
        ("fff30cc4", "no rate"),
        ("fffb0004", "free format"),
        ("fffb90c6", "a reserved emphasis"),
    ],
)
def test_what_is_no_header_of_layer_3_is_none(bits: str, why: str) -> None:
    assert read_header(bytes.fromhex(bits)) is None, why


def test_packets_of_opus_hold_no_mp3() -> None:
    assert not holds_mp3(Random(3).randbytes(1 << 18))


def test_what_a_first_frame_says_of_the_delay_is_found() -> None:
    data = whole_file(48_000, 2, 2)
    size = 10 + (data[8] << 7 | data[9])
    first, *frames = split_frames(data[size:])
    assert is_info(first)
    assert priming_of(first) == LAME_DELAY + DECODER_DELAY
    head = Mp3Head(2, 48_000, LAME_DELAY + DECODER_DELAY)
    ours = info_frame(head, [len(frame) for frame in frames])
    assert priming_of(ours) == head.priming
    assert priming_of(info_frame(head.with_priming(None), [1])) is None


def test_ffmpeg_plays_our_file_as_the_original_to_the_sample_and_knows_its_length() -> None:
    """With the encoder's delay left out at the start; FFmpeg's own file also leaves out what was added at the end."""
    data = whole_file(44_100, 2, 3)
    size = 10 + (data[8] << 7 | data[9])
    first, *frames = split_frames(data[size:])
    head = Mp3Head(2, 44_100).with_priming(priming_of(first))
    ours = decoded(id3_tag("x", 1) + info_frame(head, [*map(len, frames)]) + b"".join(frames))
    theirs = decoded(data)
    assert ours.shape[1] == len(frames) * frame_samples(44_100) - head.priming >= theirs.shape[1]
    assert np.array_equal(ours[:, : theirs.shape[1]], theirs)


# -- faults: what is whole is there once, at its place


FAULTS: dict[str, tuple[Callable[[Mp3Recording, Mp3Recording], Chunks], set[str]]] = {
    "none": (lambda rec, _: [*rec.chunks], set()),
    "missing": (lambda rec, _: without(rec.chunks, 5, None), {"chunk-missing", "sound-lost"}),
    "first missing": (lambda rec, _: without(rec.chunks, 0, None), {"chunk-missing"}),
    "last missing": (lambda rec, _: without(rec.chunks, 11, None), {"chunk-missing", "sound-lost"}),
    "twice": (lambda rec, _: without(rec.chunks, 5, rec.chunks[5], rec.chunks[5]), {"chunk-duplicate"}),
    "at the end again": (lambda rec, _: [*rec.chunks, rec.chunks[5]], {"chunk-duplicate"}),
    "cut": (lambda rec, _: without(rec.chunks, 5, rec.chunks[5][: len(rec.chunks[5]) // 2]), {"sound-lost"}),
    "zeroes": (
        lambda rec, _: without(rec.chunks, 5, hurt(rec.chunks[5], bytes(1024))),
        {"bytes-skipped", "sound-lost"},
    ),
    "garbage": (
        lambda rec, _: without(rec.chunks, 5, hurt(rec.chunks[5], Random(4).randbytes(1024))),
        {"bytes-skipped", "sound-lost"},
    ),
    "empty": (lambda rec, _: without(rec.chunks, 5, b""), {"chunk-truncated", "sound-lost"}),
    "killed": (lambda rec, _: [*rec.chunks[:10], rec.chunks[10][:9000]], {"sound-lost"}),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("rate", "channels", "cut_anywhere"), [(48_000, 2, False), (44_100, 1, True)])
def test_frames_that_are_whole_are_joined_once_at_their_place(
    tmp_path: Path, fault: str, rate: int, channels: int, cut_anywhere: bool
) -> None:
    rec, other = (recorded(rate, channels, cut_anywhere=cut_anywhere, seed=seed) for seed in (1, 2))
    done, expected = FAULTS[fault]
    chunks = done(rec, other)
    report, found = joined(tmp_path, chunks, bytes_noted=[*map(len, rec.chunks), 0])
    there = b"".join(chunk or b"?" for chunk in chunks)
    wanted = [frame for frame in rec.frames if frame in there]
    own = set(rec.frames)
    assert [frame for frame in found if frame in own] == wanted
    places = {frame: 1000 * frame_samples(rate) * at / rate for at, frame in enumerate(found)}
    off = [places[frame] - rec.place_ms(frame) for frame in wanted]
    assert max(off) - min(off) <= 25
    assert codes(report) >= expected
    assert report["status"] != "complete" or fault == "none"
    assert verify("s", store=tmp_path).findings == ()


def test_a_wrong_byte_costs_one_frame_at_most() -> None:
    frames = list(frames_of(44_100, 2, 3))
    data = b"".join(frames)
    rng = Random(6)
    for _ in range(300):
        hurt_data = bytearray(data)
        at = rng.randrange(len(data))
        hurt_data[at] ^= 1 << rng.randrange(8)
        reader = Mp3Demuxer()
        given = [payload for run in [*reader.feed(bytes(hurt_data)), *reader.flush()] for payload in run.payloads]
        assert sum(frame not in given for frame in frames) <= 1, at
        assert sum(account.unaccounted_bytes for account in reader.ledger.accounts) == 0


def test_bytes_that_are_no_mp3_are_damage_and_end() -> None:
    for data in (Random(1).randbytes(200_000), bytes(100_000), b"\xff\xfb" * 50_000, b"ID3" + bytes(9)):
        reader = Mp3Demuxer()
        assert [*reader.feed(data[:70_000]), *reader.feed(data[70_000:]), *reader.flush()] == []
        counted = sum(one.damaged_bytes + one.structure_bytes for one in reader.ledger.accounts)
        assert counted == len(data)


# -- one file a slice, and files that begin again


def test_slices_that_are_files_are_one_recording(tmp_path: Path) -> None:
    slices = [whole_file(48_000, 2, 2, seed) for seed in range(6)]
    report, found = joined(tmp_path, slices)
    wanted = [frame for one in slices for frame in split_frames(one[one.index(b"\xff\xfb") :])[1:]]
    assert [frame for frame in found if frame not in SILENT] == wanted
    assert codes(report) == {"recording-in-slices"}
    assert all(chunk["damaged_bytes"] == 0 < chunk["structure_bytes"] for chunk in report["chunks"])
    assert verify("s", store=tmp_path).findings == ()


def test_a_file_that_begins_again_in_a_chunk_is_a_part_of_its_own(tmp_path: Path) -> None:
    first, second = (whole_file(48_000, 2, 4, seed) for seed in (1, 2))
    data = first + second
    report, found = joined(tmp_path, [data[: len(first) - 999], data[len(first) - 999 :]])
    assert "recorder-restarted" in codes(report)
    assert len(report["parts"]) == 2
    wanted = [frame for one in (first, second) for frame in split_frames(one[one.index(b"\xff\xfb") :])[1:]]
    assert [frame for frame in found if frame not in SILENT] == wanted


def test_parts_of_another_rate_are_named_and_the_rest_is_joined(tmp_path: Path) -> None:
    rec = recorded(48_000, 2, cut_anywhere=False)
    folder = write_session(tmp_path, rec.chunks, note=False)
    (folder / "chunks" / "001").mkdir()
    (folder / "chunks" / "001" / "0.mp3").write_bytes(whole_file(44_100, 2, 2))
    result = merge("s", store=tmp_path, options=MergeOptions(align=False))
    assert result.status == "partial"
    assert "part-unreadable" in {finding.code for finding in result.findings}
    assert frames_in(folder / "merged" / "audio.mp3") == list(rec.frames)


def test_layer_2_is_refused_by_name(tmp_path: Path) -> None:
    frame = bytes.fromhex("fffd9004") + bytes(413)
    write_session(tmp_path, [frame * 20])
    with pytest.raises(RecordingError, match="MPEG audio of Layer II"):
        merge("s", store=tmp_path)


# -- the file that comes out


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session at 44.1 kHz, of files with a delay, with a chunk missing."""
    root = tmp_path_factory.mktemp("published")
    data = whole_file(44_100, 2, 12)
    size = len(data) // 6
    chunks: Chunks = [data[at : at + size] for at in range(0, len(data), size)]
    chunks[3] = None
    joined(root, chunks)
    return root


def report_in(root: Path) -> Any:
    return json.loads((root / "s" / "merged" / "report.json").read_text())


def test_ffmpeg_hears_it_as_long_as_the_report_says(published: Path) -> None:
    report = report_in(published)
    assert report["outputs"][0]["name"] == "audio.mp3"
    heard_s = decoded((published / "s/merged/audio.mp3").read_bytes()).shape[1] / 44_100
    assert heard_s == pytest.approx(report["duration_s"], abs=0.001)
    assert not [one for one in report["findings"] if one["code"] == "encoder-delay-unknown"]


def test_every_changed_byte_of_the_file_is_noticed(published: Path) -> None:
    data = (published / "s/merged/audio.mp3").read_bytes()
    report = report_in(published)
    maker = Maker(writing_app(), track_uid("s"))
    assert verify_mp3(io.BytesIO(data), report, maker) == []
    rng = Random(5)
    for place in (*range(0, 400, 3), *rng.sample(range(400, len(data)), 60)):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        assert verify_mp3(io.BytesIO(bytes(changed)), report, maker), place
    for cut in (0, 7, 100, 300, len(data) - 1):
        assert verify_mp3(io.BytesIO(data[:cut]), report, maker), cut


def test_purge_finds_every_frame_in_the_result(tmp_path: Path) -> None:
    rec = recorded(44_100, 1, cut_anywhere=True)
    joined(tmp_path, rec.chunks)
    assert len(examine(tmp_path).versions) == len(rec.chunks)
    path = tmp_path / "s" / "chunks" / "000" / "000004.mp4"
    path.write_bytes(path.read_bytes()[:-300] + Random(1).randbytes(300))
    with pytest.raises(RecordingError):
        examine(tmp_path)


def test_pages_and_exports_are_made_of_it(published: Path, tmp_path: Path) -> None:
    copytree(published / "s", tmp_path / "s")
    made = export("s", into=tmp_path / "x", store=tmp_path, options=ExportOptions(formats=("wav",)))
    assert made.document["files"]
    assert page("s", store=tmp_path).location.endswith("index.html")
    assert "audio.mp3" in (tmp_path / "s" / "merged" / "index.html").read_text()
    assert verify("s", store=tmp_path).findings == ()
    assert silent_frame(44_100, 2) in SILENT
