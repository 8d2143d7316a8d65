"""AAC in ADTS: every frame goes out byte for byte into audio.m4a, at its place, whatever was done to the chunks."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import format_faults
import pytest
from aac_recordings import (
    FRAME,
    PRIMING,
    AacRecording,
    Chunks,
    adts,
    codes,
    config,
    frames_in,
    frames_of,
    hurt,
    joined,
    recorded,
    streamed,
    without,
    write_session,
)
from purging import examine

from sessiontool import MergeOptions, merge, verify
from sessiontool.errors import RecordingError
from sessiontool.media.aac import silent_frame
from sessiontool.media.mpeg_audio.adts import AdtsDemuxer, holds_adts, read_header

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TAG = b"ID3\4\0\0\0\0\0\2xy"
KINDS = [(48_000, 2), (44_100, 1), (24_000, 1), (16_000, 2)]


# -- headers and frames


@pytest.mark.parametrize(("rate", "channels"), KINDS)
@pytest.mark.parametrize("checked", [False, True])
def test_frames_are_read_in_any_pieces_and_every_byte_is_counted(rate: int, channels: int, checked: bool) -> None:
    frames = list(frames_of(rate, channels, 2))
    data = TAG + b"".join(adts(rate, channels, frame, checked=checked) for frame in frames) + TAG
    for size in (1, 7, 1000, len(data)):
        reader = AdtsDemuxer()
        runs = [run for at in range(0, len(data), size) for run in reader.feed(data[at : at + size])]
        runs += reader.flush()
        assert [payload for run in runs for payload in run.payloads] == frames
        assert not any(run.after_break or run.recording for run in runs)
        assert reader.ledger.damages == []
        counted = [(one.payload_bytes, one.unaccounted_bytes) for one in reader.ledger.accounts]
        assert [sum(column) for column in zip(*counted, strict=True)] == [len(b"".join(frames)), 0]
    assert reader.track is not None
    head = reader.track.head
    assert (head.decoder_config, head.rate_hz, head.channels) == (config(rate, channels), rate, channels)
    assert (head.pre_skip, head.delay_known) == (round(PRIMING * 48_000 / rate), True)  # FFmpeg writes its name


def test_what_is_no_header_is_none() -> None:
    whole = adts(48_000, 2, frames_of(48_000, 2, 1)[5])
    assert read_header(whole) is not None
    layer_3, several, empty = bytearray(whole[:7]), bytearray(whole[:7]), bytearray(whole[:7])
    layer_3[1] |= 2
    several[6] |= 1
    empty[3:6] = (empty[3] & 0xFC, 0, 7 << 5)
    assert [read_header(bytes(one)) for one in (layer_3, several, empty, whole[:6])] == [None] * 4
    assert not holds_adts(Random(3).randbytes(1 << 18))


@pytest.mark.parametrize(("kind", "channels", "said"), [(1, 2, "AAC Main"), (2, 6, "channel configuration 6")])
def test_other_kinds_of_aac_are_refused_by_name(tmp_path: Path, kind: int, channels: int, said: str) -> None:
    frames = frames_of(48_000, 2, 1)
    write_session(tmp_path, [b"".join(adts(48_000, channels, frame, kind=kind) for frame in frames)])
    with pytest.raises(RecordingError, match=said):
        merge("s", store=tmp_path)


# -- faults: what is whole is there once, at its place


FAULTS: dict[str, tuple[Callable[[AacRecording], Chunks], set[str]]] = {
    "none": (lambda rec: [*rec.chunks], set()),
    "tags": (lambda rec: [TAG + chunk if read_header(chunk) else chunk for chunk in rec.chunks], set()),
    "missing": (lambda rec: without(rec.chunks, 3, None), {"chunk-missing", "sound-lost"}),
    "first missing": (lambda rec: without(rec.chunks, 0, None), {"chunk-missing"}),
    "last missing": (lambda rec: without(rec.chunks, 5, None), {"chunk-missing", "sound-lost"}),
    "twice": (lambda rec: without(rec.chunks, 3, rec.chunks[3], rec.chunks[3]), {"chunk-duplicate"}),
    "cut": (lambda rec: without(rec.chunks, 3, rec.chunks[3][: len(rec.chunks[3]) // 2]), {"sound-lost"}),
    "zeroes": (lambda rec: without(rec.chunks, 3, hurt(rec.chunks[3], bytes(1024))), {"bytes-skipped", "sound-lost"}),
    "empty": (lambda rec: without(rec.chunks, 3, b""), {"chunk-truncated", "sound-lost"}),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("rate", "channels", "cut_anywhere"), [(48_000, 2, False), (44_100, 1, True)])
def test_frames_that_are_whole_are_joined_once_at_their_place(
    tmp_path: Path, fault: str, rate: int, channels: int, cut_anywhere: bool
) -> None:
    rec = streamed(rate, channels, cut_anywhere=cut_anywhere, chunks=6)
    done, expected = FAULTS[fault]
    chunks = done(rec)
    noted = {} if fault == "tags" else {"bytes_noted": [*map(len, rec.chunks), 0]}
    report, found = joined(tmp_path, chunks, **noted)
    there = b"".join(chunk or b"?" for chunk in chunks)
    wanted = [frame for frame in rec.flat if adts(rate, channels, frame) in there]
    own = set(rec.flat)
    assert [frame for frame, _ in found if frame in own] == wanted
    assert {frame for frame, _ in found} - own <= {silent_frame(channels)}
    places = dict(found)
    off = [places[frame] - rec.place_ms(frame) for frame in wanted]
    assert max(off) - min(off) <= 25
    assert codes(report) >= expected
    assert (report["status"] == "complete") == (not expected)
    assert verify("s", store=tmp_path).findings == ()


@pytest.mark.parametrize("fault", ["two chunks swapped", "recorder restarted"])
def test_chunks_that_moved_or_are_not_what_was_noted_lose_nothing(fault: str) -> None:
    assert format_faults.cell("AAC in ADTS", fault).startswith("all right; chunk-")


def test_a_wrong_byte_costs_one_frame_at_most() -> None:
    frames = list(frames_of(44_100, 2, 3))
    data = b"".join(adts(44_100, 2, frame) for frame in frames)
    rng = Random(6)
    for _ in range(300):
        hurt_data = bytearray(data)
        at = rng.randrange(len(data))
        hurt_data[at] ^= 1 << rng.randrange(8)
        reader = AdtsDemuxer()
        given = [payload for run in [*reader.feed(bytes(hurt_data)), *reader.flush()] for payload in run.payloads]
        assert sum(frame not in given for frame in frames) <= 1, at
        assert sum(account.unaccounted_bytes for account in reader.ledger.accounts) == 0


def test_bytes_that_are_no_aac_are_damage_and_end() -> None:
    for data in (Random(1).randbytes(100_000), bytes(100_000), b"\xff\xf1" * 30_000, b"ID3" + bytes(9)):
        reader = AdtsDemuxer()
        assert [*reader.feed(data[:30_000]), *reader.feed(data[30_000:]), *reader.flush()] == []
        counted = sum(one.damaged_bytes + one.structure_bytes for one in reader.ledger.accounts)
        assert counted == len(data)


def test_a_single_head_at_the_end_of_bytes_of_another_kind_is_there_by_chance() -> None:
    frame, after = (adts(48_000, 2, one) for one in frames_of(48_000, 2, 1)[3:5])
    assert not holds_adts(b"\x43" * 300 + frame)
    assert holds_adts(b"\x43" * 300 + frame + after)


def test_it_goes_into_one_file_with_a_part_in_mp4(tmp_path: Path) -> None:
    first, second = recorded(48_000, 2, 2), streamed(48_000, 2, cut_anywhere=True, seed=2, chunks=2)
    folder = write_session(tmp_path, first.chunks, note=False)
    (folder / "chunks" / "001").mkdir()
    for number, chunk in enumerate(second.chunks):
        (folder / "chunks" / "001" / f"{number}.aac").write_bytes(chunk)
    merge("s", store=tmp_path, options=MergeOptions(align=False))
    found = frames_in(folder / "merged" / "audio.m4a")
    assert [frame for frame, _ in found] == [*first.flat, *second.flat]
    assert {round((after - at) * 48) for (_, at), (_, after) in pairwise(found)} == {FRAME}


def test_purge_finds_every_frame_in_the_result(tmp_path: Path) -> None:
    rec = streamed(44_100, 1, cut_anywhere=True, chunks=4)
    joined(tmp_path, rec.chunks)
    assert len(examine(tmp_path).versions) == len(rec.chunks)
    path = tmp_path / "s" / "chunks" / "000" / "000002.mp4"
    path.write_bytes(path.read_bytes()[:-300] + Random(1).randbytes(300))
    with pytest.raises(RecordingError):
        examine(tmp_path)
