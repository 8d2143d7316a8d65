"""AAC in MP4: every frame goes out byte for byte, at its place, whatever was done to the chunks."""

from __future__ import annotations

import io
import json
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from aac_recordings import (
    FRAME,
    PRIMING,
    AacRecording,
    Chunks,
    aac_entry,
    codes,
    config,
    esds,
    frames_in,
    frames_of,
    header,
    hurt,
    joined,
    recorded,
    whole_file,
    without,
    write_session,
)
from mp4_recordings import FTYP, box, fragment, moov, trak
from msgspec.structs import replace
from purging import examine

from sessiontool import MergeOptions, merge, verify
from sessiontool.audio.decoder import decode
from sessiontool.audio.stretch import decode_stretch
from sessiontool.errors import RecordingError
from sessiontool.media.aac import AacHead, FrameClock, is_frame, silent_frame
from sessiontool.media.isobmff.demuxer import Mp4Demuxer
from sessiontool.media.isobmff.muxer import M4aMuxer
from sessiontool.sessions.result_files import track_uid, writing_app
from sessiontool.sessions.verify import Maker
from sessiontool.sessions.verify_m4a import verify_m4a

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SILENT = {silent_frame(1), silent_frame(2)}


# -- what a configuration says


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (16_000, 1), (96_000, 2)])
def test_a_configuration_of_lc_is_read_and_its_silence_is_silent(rate: int, channels: int) -> None:
    head = AacHead.parse(config(rate, channels))
    assert (head.rate_hz, head.channels) == (rate, channels)
    assert is_frame(head.filler.payload, channels)
    sound = np.concatenate(list(decode([head.filler.payload] * 9, head, np.copy)), axis=1)
    assert sound.shape == (channels, pytest.approx(9 * FRAME * 16_000 / rate, abs=1))
    assert not sound.any()


def test_what_quicktime_says_of_aac_is_read() -> None:
    """A sound description of version 1 has four more numbers, and its `esds` in a `wave` (QuickTime File Format)."""
    plain = aac_entry(44_100, 2)[8:36]
    entry = box(
        b"mp4a",
        plain[:8] + b"\0\1" + plain[10:] + bytes(16),
        box(b"wave", box(b"frma", b"mp4a"), box(b"mp4a", bytes(4)), esds(config(44_100, 2)), box(b"\0\0\0\0", b"")),
    )
    frames = frames_of(44_100, 2, 1, 3)
    demuxer = Mp4Demuxer()
    runs = demuxer.feed(box(b"ftyp", b"qt  ", bytes(4), b"qt  ") + moov(trak(entry=entry, timescale=44_100)))
    runs += demuxer.feed(fragment(frames, 1, 0, durations=[FRAME] * len(frames)))
    assert [frame for run in runs for frame in run.payloads] == list(frames)
    assert (demuxer.ledger.damages, demuxer.header_missing) == ([], False)


@pytest.mark.parametrize(
    ("specific", "said"),
    [
        (config(24_000, 2, kind=5) + b"\x08", "HE-AAC"),
        (config(24_000, 1, kind=29) + b"\x08", "HE-AAC v2"),
        (config(24_000, 2) + bytes.fromhex("56e598"), "HE-AAC"),
        (config(48_000, 2, kind=4), "AAC LTP"),
        (b"\xf8\xe6\x40\x00", "AAC-ELD"),
        (config(48_000, 6), "channel configuration 6"),
        (bytes.fromhex("1194"), "960 samples"),
    ],
)
def test_other_kinds_of_aac_are_refused_by_name_with_what_helps(specific: bytes, said: str) -> None:
    with pytest.raises(RecordingError, match=said) as caught:
        Mp4Demuxer().feed(FTYP + moov(trak(entry=box(b"mp4a", aac_entry(48_000, 2)[8:36], esds(specific)))))
    assert "cat CHUNKS > whole.mp4" in caught.value.hint


@pytest.mark.parametrize(("codec", "said"), [(b"alac", "Apple Lossless"), (b"ec-3", "Dolby"), (b"fLaC", "FLAC")])
def test_other_codecs_in_mp4_are_refused_by_name_with_what_helps(tmp_path: Path, codec: bytes, said: str) -> None:
    head = FTYP + moov(trak(entry=box(codec, aac_entry(48_000, 2)[8:36])))
    write_session(tmp_path, [head + box(b"mdat", bytes(99)), box(b"mdat", bytes(99))])
    with pytest.raises(RecordingError, match=said) as caught:
        merge("s", store=tmp_path)
    assert "cat CHUNKS" in caught.value.hint
    assert not (tmp_path / "s" / "merged").exists()


GAPLESS = b"iTunSMPB\0\0\0\x84data\0\0\0\1\0\0\0\0 00000000 00000840 000001CA 00000000003F31F6"


@pytest.mark.parametrize(
    ("head", "priming"),
    [
        (header(48_000, 2, priming=2112), 2112),
        (header(48_000, 2, priming=0, name=b"SoundHandler", more=box(b"udta", b"Lavf60")), 1024),
        (header(48_000, 2, name=b"x", more=box(b"udta", GAPLESS)), 2112),
        (header(44_100, 1), 2112),
        (header(48_000, 2, name=b"unknown"), None),
    ],
    ids=["edit list", "Lavf", "iTunSMPB", "Apple", "unknown"],
)
def test_the_priming_is_found(head: bytes, priming: int | None) -> None:
    reader = Mp4Demuxer()
    reader.feed(head)
    assert reader.track is not None
    found = reader.track.head
    assert isinstance(found, AacHead)
    assert (found.priming, found.delay_known) == (priming or 0, priming is not None)


def test_an_unknown_priming_is_said(tmp_path: Path) -> None:
    rec = recorded(name=b"nothing", chunks=1)
    report, _ = joined(tmp_path, rec.chunks)
    assert codes(report) == {"encoder-delay-unknown"}
    assert report["status"] == "complete"


# -- the demuxer


def test_a_stream_fed_in_any_pieces_gives_the_same_frames() -> None:
    rec = recorded(44_100, 1, chunks=2)
    data = b"".join(rec.chunks)
    for size in (1, 7, 1000, len(data)):
        reader = Mp4Demuxer()
        runs = [run for at in range(0, len(data), size) for run in reader.feed(data[at : at + size])]
        runs += reader.flush()
        assert [payload for run in runs for payload in run.payloads] == rec.flat
        assert sum(account.unaccounted_bytes for account in reader.ledger.accounts) == 0
        assert reader.ledger.damages == []


def test_fragments_without_a_header_that_do_not_show_their_rate_are_refused() -> None:
    frames = frames_of(48_000, 2, 2)[:56]
    with pytest.raises(RecordingError, match="nothing in the fragments tells the sampling rate") as caught:
        Mp4Demuxer().feed(fragment(frames, 1, 0, durations=[FRAME] * len(frames)))
    assert "first chunk" in caught.value.hint


def test_lengths_at_44100_add_up() -> None:
    length_of = AacHead.parse(config(44_100, 1)).lengths()
    ends = list(accumulate(length_of(b"") for _ in range(100_000)))
    assert max(abs(end - n * FRAME * 48_000 / 44_100) for n, end in enumerate(ends, 1)) <= 0.5


@pytest.mark.parametrize("rate", [7350, 11_025, 44_100, 48_000, 16_777_213])
def test_lengths_add_up_at_every_rate_a_configuration_can_state(rate: int) -> None:
    clock = FrameClock(rate)
    ends = list(accumulate(length for count in (1, 47, 1000) for length in clock.next(count)))
    assert max(abs(end - n * FRAME * 48_000 / rate) for n, end in enumerate(ends, 1)) <= 0.5


# -- faults: what is whole is there once, at its place


OTHER_SEED = 2
FAULTS: dict[str, tuple[Callable[[AacRecording, AacRecording], Chunks], set[str]]] = {
    "none": (lambda rec, _: [*rec.chunks], set()),
    "missing": (lambda rec, _: without(rec.chunks, 5, None), {"chunk-missing", "sound-lost"}),
    "first missing": (lambda rec, _: without(rec.chunks, 0, None), {"chunk-missing", "header-missing", "sound-lost"}),
    "last missing": (lambda rec, _: without(rec.chunks, 11, None), {"chunk-missing", "sound-lost"}),
    "renumbered": (lambda rec, _: without(rec.chunks, 5), {"chunk-missing", "sound-lost"}),
    "twice": (lambda rec, _: without(rec.chunks, 5, rec.chunks[5], rec.chunks[5]), {"chunk-duplicate"}),
    "at the end again": (lambda rec, _: [*rec.chunks, rec.chunks[5]], {"chunk-duplicate"}),
    "swapped": (
        lambda rec, _: [*rec.chunks[:5], rec.chunks[6], rec.chunks[5], *rec.chunks[7:]],
        {"chunk-out-of-order"},
    ),
    "cut": (
        lambda rec, _: without(rec.chunks, 5, rec.chunks[5][: len(rec.chunks[5]) // 2]),
        {"chunk-truncated", "sound-lost"},
    ),
    "zeroes": (
        lambda rec, _: without(rec.chunks, 5, hurt(rec.chunks[5], bytes(1024))),
        {"bytes-skipped", "sound-lost"},
    ),
    "garbage": (
        lambda rec, _: without(rec.chunks, 5, hurt(rec.chunks[5], Random(4).randbytes(1024))),
        {"bytes-skipped", "sound-lost"},
    ),
    "another's": (lambda rec, other: without(rec.chunks, 5, other.chunks[5]), {"chunk-foreign", "sound-lost"}),
    "restarted": (lambda rec, other: [*rec.chunks[:5], *other.chunks[:7]], {"recorder-restarted"}),
    "killed": (lambda rec, _: [*rec.chunks[:10], rec.chunks[10][:9000]], {"chunk-truncated"}),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1)])
def test_frames_that_are_whole_are_joined_once_at_their_place(
    tmp_path: Path, fault: str, rate: int, channels: int
) -> None:
    rec, other = recorded(rate, channels), recorded(rate, channels, seed=OTHER_SEED)
    done, expected = FAULTS[fault]
    chunks = done(rec, other)
    noted = [len(chunk) for chunk in rec.chunks] if fault == "another's" else None
    report, found = joined(tmp_path, chunks, bytes_noted=noted)
    there = b"".join(chunk for chunk in chunks if chunk)
    payloads = [payload for payload, _ in found]
    wanted = [frame for frame in rec.flat if frame in there]
    own = set(rec.flat)
    assert [payload for payload in payloads if payload in own] == wanted
    known = {*rec.flat, *other.flat, *SILENT}
    assert sum(payload not in known for payload in payloads) <= (fault == "garbage")  # its own bytes do not show it
    places = dict(found)
    off = [places[frame] - rec.place_ms(frame) for frame in wanted]
    assert max(off) - min(off) < 25
    assert codes(report) >= expected or fault == "another's"
    assert report["status"] != "complete" or fault == "none"
    assert verify("s", store=tmp_path).findings == ()


# -- files without fragments, and one file a slice


@pytest.mark.parametrize("index_first", [True, False])
def test_a_whole_file_is_joined_wherever_its_index_is(tmp_path: Path, index_first: bool) -> None:
    frames = frames_of(44_100, 2, 4)
    report, found = joined(tmp_path, [whole_file(44_100, 2, frames, index_first=index_first)], timeslice_ms=4000)
    assert [payload for payload, _ in found] == list(frames)
    assert found[0][1] == pytest.approx(-1000 * PRIMING / 44_100, abs=0.1)
    assert (report["status"], codes(report)) == ("complete", set())
    assert all(chunk["damaged_bytes"] == chunk["set_aside_bytes"] == 0 for chunk in report["chunks"])


def test_a_whole_file_in_chunks_with_its_index_at_the_end_is_refused_with_what_helps(tmp_path: Path) -> None:
    data = whole_file(48_000, 2, frames_of(48_000, 2, 4))
    write_session(tmp_path, [data[:9000], data[9000:]])
    with pytest.raises(RecordingError) as caught:
        merge("s", store=tmp_path)
    assert "cat CHUNKS" in caught.value.hint


def test_slices_that_are_files_are_one_recording(tmp_path: Path) -> None:
    frames = frames_of(48_000, 2, 12)
    each = len(frames) // 6
    slices = [frames[each * n : each * (n + 1)] for n in range(6)]
    report, found = joined(tmp_path, [whole_file(48_000, 2, one) for one in slices])
    assert [payload for payload, _ in found if payload not in SILENT] == list(frames[: 6 * each])
    assert codes(report) == {"recording-in-slices"}
    assert report["status"] == "complete"


# -- the file that comes out


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session at 44.1 kHz with a chunk missing."""
    root = tmp_path_factory.mktemp("published")
    joined(root, without(recorded(44_100, 2).chunks, 5, None))
    return root


def report_in(root: Path) -> Any:
    return json.loads((root / "s" / "merged" / "report.json").read_text())


def test_its_index_comes_first_and_says_what_it_is(published: Path) -> None:
    data = (published / "s" / "merged" / "audio.m4a").read_bytes()
    assert data[4:12] == b"ftypM4A "
    assert data.index(b"moov") < data.index(b"mdat")
    assert report_in(published)["outputs"][0]["name"] == "audio.m4a"
    assert not (published / "s" / "merged" / "audio.webm").exists()


def test_our_decoder_and_ffmpegs_hear_the_same_at_the_same_place(published: Path) -> None:
    """FFmpeg plays the file with its edit list; ours decodes the frames and counts."""
    path = published / "s" / "merged" / "audio.m4a"
    reader = Mp4Demuxer()
    packets = [payload for run in reader.feed(path.read_bytes()) for payload in run.payloads]
    assert reader.track is not None
    head = reader.track.head
    ours = np.concatenate(list(decode_stretch(packets, head, 0, 48_000 * 30)), axis=1)
    with av.open(str(path)) as file:
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=48_000)
        frames = [made for frame in (*file.decode(audio=0), None) for made in resampler.resample(frame)]
        theirs = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    length = round(48_000 * report_in(published)["duration_s"])
    assert abs(theirs.shape[1] - length) <= 96
    length = min(theirs.shape[1], ours.shape[1]) - 4800
    for start in range(4800, length - 48_000, 96_000):
        one, two = ours[0, start : start + 48_000], theirs[0, start - 240 : start + 48_240]
        if np.abs(one).max() > 0.01:
            at = int(np.argmax(np.correlate(two, one, "valid")))
            assert abs(at - 240) <= 2


def test_purge_finds_every_frame_in_the_result(published: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    joined(root, recorded(44_100, 2).chunks)
    found = examine(root)
    assert len(found.versions) == len(recorded(44_100, 2).chunks)


def test_every_changed_byte_of_the_file_is_noticed(published: Path) -> None:
    data = (published / "s" / "merged" / "audio.m4a").read_bytes()
    report = report_in(published)
    maker = Maker(writing_app(), track_uid("s"))
    assert verify_m4a(io.BytesIO(data), report, maker) == []
    rng = Random(5)
    index_end = data.index(b"mdat") + 4
    for place in (*rng.sample(range(index_end), 150), *rng.sample(range(index_end, len(data)), 30)):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        assert verify_m4a(io.BytesIO(bytes(changed)), report, maker), place
    for cut in (0, 7, 100, index_end, len(data) - 1):
        assert verify_m4a(io.BytesIO(data[:cut]), report, maker), cut


def test_a_file_of_more_than_4_gb_has_places_of_64_bits() -> None:
    muxer = M4aMuxer(io.BytesIO())
    muxer.write([b"\x21\x10\x04\x60\x8c\x1c"], [FRAME])
    muxer._body_bytes = (1 << 32) + 5
    out = io.BytesIO()
    muxer.finish(out, replace(AacHead.parse(config(48_000, 2)), priming=0), writing_app="x", track_uid=1)
    written = out.getvalue()
    assert b"co64" in written
    assert written[written.index(b"mdat") - 4 :][:4] == b"\0\0\0\1"


def test_parts_that_do_not_go_into_one_file_are_named_and_the_rest_is_joined(tmp_path: Path) -> None:
    folder = write_session(tmp_path, recorded(48_000, 2, chunks=2).chunks, note=False)
    other = folder / "chunks" / "001"
    other.mkdir()
    for number, chunk in enumerate(recorded(44_100, 1, chunks=2).chunks):
        (other / f"{number:06}.mp4").write_bytes(chunk)
    result = merge("s", store=tmp_path, options=MergeOptions(align=False))
    assert result.status == "partial"
    assert "part-unreadable" in {finding.code for finding in result.findings}
    found = frames_in(folder / "merged" / "audio.m4a")
    assert [payload for payload, _ in found] == recorded(48_000, 2, chunks=2).flat
    assert verify("s", store=tmp_path).findings == ()


def test_frames_last_as_long_many_at_once_as_one_by_one() -> None:
    """44.1 kHz goes into 48 kHz without a remainder only over many frames."""
    for rate_hz in (44_100, 48_000, 22_050):
        one, many = FrameClock(rate_hz), FrameClock(rate_hz)
        singly = [length for _ in range(500) for length in one.next(1)]
        assert [length for count in (1, 0, 99, 400) for length in many.next(count)] == singly
        assert sum(singly) == pytest.approx(500 * 1024 * 48_000 / rate_hz, abs=0.51)
