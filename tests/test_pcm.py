"""PCM in WAV, WebM or raw: every sample goes into audio.flac as it is, at its place."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from purging import examine
from recordings import cluster, live_header, master, simple_block, uint

from sessiontool import MergeOptions, merge, verify
from sessiontool.audio.flac import canonical
from sessiontool.errors import RecordingError
from sessiontool.media.matroska.pcm_demuxer import PcmWebmDemuxer
from sessiontool.media.probe import open_demuxer
from sessiontool.media.riff.demuxer import PcmDemuxer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 24_000
CHUNK_S = 2


def samples(seconds: float, rate: int = RATE, channels: int = 1, seed: int = 1) -> NDArray[np.int16]:
    """Noise, no stretch of which is like another, interleaved."""
    chance = np.random.default_rng(seed)
    return chance.integers(-20_000, 20_000, round(seconds * rate) * channels).astype("<i2")


def wav(
    data: bytes, *, rate: int = RATE, channels: int = 1, bits: int = 16, kind: int = 1, size: int | None = None
) -> bytes:
    width = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * width, width, bits)
    stated = struct.pack("<I", len(data) if size is None else size)
    return b"RIFF" + stated + b"WAVEfmt \x10\0\0\0" + form + b"data" + stated + data


def cut(sound: NDArray[np.int16], chunks: int) -> list[bytes]:
    return [piece.tobytes() for piece in np.split(sound, chunks)]


def write_session(
    store: Path, chunks: Sequence[bytes | None], ending: str = "wav", mime_type: str = "audio/wav", *, note: bool = True
) -> None:
    folder = store / "s" / "chunks" / "000"
    folder.mkdir(parents=True)
    listed = []
    for number, data in enumerate(chunks):
        listed.append({"seq": number, "emitted_ms": 1000.0 + 1000 * CHUNK_S * (number + 1) + 5})
        if data is not None:
            (folder / f"{number:06}.{ending}").write_bytes(data)
    entry = {"part": 0, "mime_type": mime_type, "timeslice_ms": 1000 * CHUNK_S, "start_ms": 1000.0, "chunks": listed}
    if note:
        document = {"schema": "sessiontool.session/1", "session_id": "s", "parts": [entry]}
        (store / "s" / "session.json").write_text(json.dumps(document))


def merged(store: Path) -> tuple[Any, NDArray[np.int32]]:
    """The result, which is verified, and its samples, interleaved: of 24 bits left-justified in 32."""
    result = merge("s", store=store, options=MergeOptions(align=False))
    assert verify("s", store=store).findings == ()
    with av.open(str(store / "s" / "merged" / "audio.flac")) as file:
        found = np.concatenate([frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)])
    return result, found.astype(np.int32)


def codes(result: Any) -> set[str]:
    return {finding.code for finding in result.findings} - {"no-utterances", "session-still-recording"}


def test_a_header_in_the_first_chunk_alone(tmp_path: Path) -> None:
    sound = samples(8)
    first, *others = cut(sound, 4)
    write_session(tmp_path, [wav(first, size=0xFFFFFFFF), *others])
    result, found = merged(tmp_path)
    assert np.array_equal(found, sound)
    assert (result.status, codes(result)) == ("complete", set())


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, None], ids=["none", "all ones", "right"])
def test_a_header_in_each_chunk_is_passed_over_whatever_it_states(tmp_path: Path, size: int | None) -> None:
    sound = samples(8, channels=2)
    write_session(tmp_path, [wav(piece, channels=2, size=size) for piece in cut(sound, 4)])
    result, found = merged(tmp_path)
    assert np.array_equal(found, sound)
    assert (result.status, codes(result)) == ("complete", set())
    assert all(chunk["structure_bytes"] == 44 for chunk in result.report["chunks"])


def test_what_is_behind_the_samples_is_no_sound(tmp_path: Path) -> None:
    sound = samples(2)
    write_session(tmp_path, [wav(sound.tobytes()) + b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + bytes(18)])
    assert np.array_equal(merged(tmp_path)[1], sound)


def test_frames_that_chunks_cut_are_whole_again(tmp_path: Path) -> None:
    sound = samples(4, channels=2)
    data = wav(sound.tobytes(), channels=2)
    write_session(tmp_path, [data[:50_001], data[50_001:90_003], data[90_003:]])
    assert np.array_equal(merged(tmp_path)[1], sound)


@pytest.mark.parametrize("rest", [1, 39, 240, 241])
def test_a_last_chunk_of_a_few_samples_is_of_the_recording(tmp_path: Path, rest: int) -> None:
    sound = samples(6 + rest / RATE)
    data = wav(sound.tobytes())
    step = (len(data) - 2 * rest) // 3
    write_session(tmp_path, [data[at : at + step] for at in range(0, len(data), step)], note=False)
    result, found = merged(tmp_path)
    assert np.array_equal(found, sound)
    assert result.status == "complete"


def test_raw_samples_are_read_as_session_json_says(tmp_path: Path) -> None:
    sound = samples(8)
    write_session(tmp_path, cut(sound, 4), "pcm", "audio/pcm;rate=24000;channels=1;format=s16le")
    result, found = merged(tmp_path)
    assert np.array_equal(found, sound)
    assert result.status == "complete"


@pytest.mark.parametrize("noted", ["", ";rate=24000", ";rate=24000;channels=1", ";rate=24000;format=s16le"])
def test_raw_samples_of_which_the_format_is_not_noted_are_refused_with_what_to_note(tmp_path: Path, noted: str) -> None:
    write_session(tmp_path, cut(samples(8), 4), "pcm", f"audio/pcm{noted}")
    with pytest.raises(RecordingError, match="does not say the format") as caught:
        merge("s", store=tmp_path)
    assert "audio/pcm;rate=24000" in caught.value.hint


@pytest.mark.parametrize("filler", [bytes(1024), np.random.default_rng(1).bytes(1024)], ids=["zeroes", "random"])
@pytest.mark.parametrize("is_proved", [False, True])
def test_bytes_that_were_written_over_samples_are_named(tmp_path: Path, filler: bytes, is_proved: bool) -> None:
    """But not where a noted hash says that they are the recorder's own."""
    sound = (12_000 * np.sin(np.arange(4 * RATE) / 40) + samples(4) / 640).astype("<i2")
    data = wav(sound.tobytes())
    data = data[:60_044] + filler + data[60_044 + len(filler) :]
    chunks = [data[:48_044], data[48_044:96_044], data[96_044:]]
    write_session(tmp_path, chunks)
    if is_proved:
        document = json.loads((tmp_path / "s" / "session.json").read_text())
        for noted, chunk in zip(document["parts"][0]["chunks"], chunks, strict=True):
            noted["sha256"] = hashlib.sha256(chunk).hexdigest()
        (tmp_path / "s" / "session.json").write_text(json.dumps(document))
    result = merge("s", store=tmp_path, options=MergeOptions(align=False))
    found = [(one.seq, one.severity) for one in result.findings if one.code == "samples-odd"]
    assert found == ([] if is_proved else [(1, "warning")])


def test_short_mutes_that_the_sound_fades_into_are_not_doubted(tmp_path: Path) -> None:
    level = np.sin(np.arange(8 * RATE) / 2000) ** 2
    sound = 12_000 * np.sin(np.arange(8 * RATE) / 40) * np.where(level < 0.01, 0, level)
    write_session(tmp_path, cut(sound.astype("<i2"), 4), "pcm", "audio/pcm;rate=24000;channels=1;format=s16le")
    assert codes(merge("s", store=tmp_path, options=MergeOptions(align=False))) == set()


@pytest.mark.parametrize("at", [48_044, 48_045])
def test_a_wav_whose_first_chunk_is_lost_is_read_as_session_json_says(tmp_path: Path, at: int) -> None:
    """Where that cut a sample in two, too."""
    sound = (12_000 * np.sin(np.arange(4 * RATE) / 40) + samples(4) / 64).astype("<i2")
    data = wav(sound.tobytes())
    chunks = [None, data[at:96_000], data[96_000:]]
    write_session(tmp_path / "unsaid", chunks)
    with pytest.raises(RecordingError, match="header is lost") as caught:
        merge("s", store=tmp_path / "unsaid")
    noted = "audio/wav;rate=24000;channels=1;format=s16le"
    assert noted in caught.value.hint
    write_session(tmp_path / "said", chunks, mime_type=noted)
    result, found = merged(tmp_path / "said")
    whole = sound[(at - 44 + 1) // 2 :]
    assert np.array_equal(found[-len(whole) :], whole)
    assert result.status == "partial"


def test_a_webm_of_pcm_whose_first_chunk_is_lost(tmp_path: Path, floats: NDArray[np.float32]) -> None:
    chunks = [None, *pieces_of(webm(floats))[1:]]
    write_session(tmp_path / "unsaid", chunks, "webm", "audio/webm;codecs=pcm")
    with pytest.raises(RecordingError, match="header is lost") as caught:
        merge("s", store=tmp_path / "unsaid")
    noted = "audio/webm;codecs=pcm;rate=48000;channels=2"
    assert noted in caught.value.hint
    write_session(tmp_path / "said", chunks, "webm", noted)
    result, found = merged(tmp_path / "said")
    assert result.status == "partial"
    whole = (floats[-9600:] * (1 << 23)).round().astype(np.int32) << 8
    assert np.array_equal(found[-9600:], whole)


@pytest.mark.parametrize("rate", [24_000, 44_100])
def test_a_missing_chunk_is_silence_of_its_length(tmp_path: Path, rate: int) -> None:
    sound = samples(8, rate)
    first, second, third, last = cut(sound, 4)
    write_session(tmp_path, [wav(first, rate=rate), second, None, last])
    result, found = merged(tmp_path)
    assert "chunk-missing" in codes(result)
    assert result.status == "partial"
    kept = np.frombuffer(first + second, "<i2")
    assert np.array_equal(found[: len(kept)], kept)
    gap = len(found) - len(kept) - len(last) // 2
    assert not found[len(kept) : len(kept) + gap].any()
    assert abs(gap - len(third) // 2) <= rate // 40
    assert np.array_equal(found[len(kept) + gap :], np.frombuffer(last, "<i2"))


def test_a_chunk_of_silence_is_sound_and_an_error_page_is_none(tmp_path: Path) -> None:
    first, second, _, last = cut(samples(8), 4)
    write_session(tmp_path / "silence", [wav(first), bytes(len(second)), second, last])
    result, found = merged(tmp_path / "silence")
    assert (result.status, codes(result)) == ("complete", set())
    assert np.array_equal(found, np.frombuffer(first + bytes(len(second)) + second + last, "<i2"))
    page = b"<html><body>" + b"502 Bad Gateway " * 400 + b"</body></html>"
    write_session(tmp_path / "page", [wav(first), second, page, last])
    result, found = merged(tmp_path / "page")
    assert "chunk-unreadable" in codes(result)
    assert result.status == "partial"
    assert np.array_equal(found[-len(last) // 2 :], np.frombuffer(last, "<i2"))
    assert len(found) == pytest.approx(8 * RATE, abs=RATE // 20)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (wav(b"", kind=7, bits=8), "µ-law"),
        (wav(b"", kind=0x55), "MP3"),
        (wav(b"", channels=6), "6 channels"),
    ],
)
def test_other_wav_files_are_refused_by_name(tmp_path: Path, header: bytes, said: str) -> None:
    write_session(tmp_path, [header + bytes(9999), bytes(9999)])
    with pytest.raises(RecordingError, match=said) as caught:
        merge("s", store=tmp_path)
    assert "ffmpeg" in caught.value.hint


@pytest.mark.parametrize(("bits", "kind"), [(8, 1), (16, 1), (24, 1), (32, 1), (32, 3)])
def test_samples_of_every_width_come_out_as_exactly_as_flac_has_them(tmp_path: Path, bits: int, kind: int) -> None:
    chance = np.random.default_rng(2)
    wide = chance.integers(-(1 << 23), 1 << 23, RATE * 2).astype("<i4")
    data = {
        (8, 1): (wide >> 16).astype(np.int16).astype(np.uint8).tobytes(),
        (16, 1): (wide >> 8).astype("<i2").tobytes(),
        (24, 1): np.ascontiguousarray(wide).view(np.uint8).reshape(-1, 4)[:, :3].tobytes(),
        (32, 1): (wide << 8).astype("<i4").tobytes(),
        (32, 3): (wide / (1 << 23)).astype("<f4").tobytes(),
    }[bits, kind]
    write_session(tmp_path, [wav(data, bits=bits, kind=kind)])
    result, found = merged(tmp_path)
    wanted = {8: None, 16: wide >> 8}.get(bits, wide << 8)
    if wanted is not None:
        assert np.array_equal(found, wanted)
    assert codes(result) == set()


def test_floats_that_flac_cannot_hold_are_named(tmp_path: Path) -> None:
    floats = np.random.default_rng(3).normal(0, 0.1, RATE).astype("<f4")
    write_session(tmp_path, [wav(floats.tobytes(), bits=32, kind=3)])
    result, found = merged(tmp_path)
    assert codes(result) == {"samples-rounded"}
    assert np.abs(found / 2**31 - floats).max() <= 2**-24


# -- in WebM


def webm(sound: NDArray[np.float32], *, lost: Sequence[int] = ()) -> bytes:
    """A recording as Chrome makes it: blocks of 10 ms of floats, clusters of a second; some blocks may be left out."""
    audio = master("e1", master("b5", struct.pack(">f", 48_000)) + uint("9f", 2) + uint("6264", 32))
    entry = master("ae", uint("d7", 1) + uint("83", 2) + master("86", b"A_PCM/FLOAT/IEEE") + audio)
    blocks = [
        simple_block(piece.tobytes(), 10 * (number % 100))
        for number, piece in enumerate(np.split(sound, len(sound) // 960))
    ]
    kept = [b"" if number in lost else block for number, block in enumerate(blocks)]
    return live_header(entry) + b"".join(cluster(10 * at, *kept[at : at + 100]) for at in range(0, len(kept), 100))


@pytest.fixture(scope="module")
def floats() -> NDArray[np.float32]:
    noise = np.random.default_rng(4).integers(-(1 << 22), 1 << 22, 48_000 * 2 * 6)
    return (noise / (1 << 23)).astype("<f4")


def pieces_of(data: bytes, count: int = 3) -> list[bytes]:
    """Cut one byte into an element, as Chrome does."""
    ends = [data.index(b"\x1f\x43\xb6\x75", at * len(data) // count) + 1 for at in range(1, count)]
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


def test_pcm_in_webm_is_joined_sample_by_sample(tmp_path: Path, floats: NDArray[np.float32]) -> None:
    write_session(tmp_path, pieces_of(webm(floats)), "webm", "audio/webm;codecs=pcm")
    result, found = merged(tmp_path)
    assert np.array_equal(found / 2**31, floats)
    assert (result.status, codes(result)) == ("complete", set())


@pytest.mark.parametrize("order", [[0, 2, 1, 3], [0, 3, 2, 1], [0, 2, 3, 1]])
def test_chunks_of_webm_are_put_in_order_by_their_times(
    tmp_path: Path, floats: NDArray[np.float32], order: list[int]
) -> None:
    pieces = pieces_of(webm(floats), 4)
    write_session(tmp_path, [pieces[number] for number in order], "webm", "audio/webm;codecs=pcm", note=False)
    result, found = merged(tmp_path)
    assert np.array_equal(found / 2**31, floats)
    assert (result.status, codes(result)) == ("repaired", {"chunk-out-of-order"})


def test_a_lost_chunk_of_webm_is_silence_of_its_length(tmp_path: Path, floats: NDArray[np.float32]) -> None:
    first, _, last = pieces_of(webm(floats))
    write_session(tmp_path, [first, None, last], "webm", "audio/webm;codecs=pcm")
    result, found = merged(tmp_path)
    assert {"chunk-missing", "sound-lost"} <= codes(result)
    assert abs(len(found) - len(floats)) <= 2 * 960
    end = np.flatnonzero(found[::2])[-1]
    assert np.array_equal(found[-len(floats) // 4 :] / 2**31, floats[-len(floats) // 4 :])
    assert end > 0


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_a_stream_in_any_pieces_gives_the_same_blocks(floats: NDArray[np.float32], size: int) -> None:
    data = webm(floats[: 960 * 20])
    reader = PcmWebmDemuxer()
    runs = [run for at in range(0, len(data), size) for run in reader.feed(data[at : at + size])] + reader.flush()
    assert b"".join(payload for run in runs for payload in run.payloads) == floats[: 960 * 20].tobytes()
    assert sum(account.unaccounted_bytes for account in reader.ledger.accounts) == 0
    assert reader.ledger.damages == []


def test_bytes_that_make_no_sense_cost_their_own_blocks(floats: NDArray[np.float32]) -> None:
    data = bytearray(webm(floats[: 960 * 100]))
    data[100_000:100_500] = bytes(500)
    reader = PcmWebmDemuxer()
    runs = reader.feed(bytes(data)) + reader.flush()
    whole = {piece.tobytes() for piece in np.split(floats[: 960 * 100], 100)}
    assert sum(payload in whole for run in runs for payload in run.payloads) >= 98
    assert sum(account.unaccounted_bytes for account in reader.ledger.accounts) == 0


def test_the_demuxer_is_chosen_by_the_header(floats: NDArray[np.float32]) -> None:
    assert isinstance(open_demuxer(webm(floats[: 960 * 2])), PcmWebmDemuxer)
    assert isinstance(open_demuxer(wav(b"")), PcmDemuxer)


def test_chunks_of_pcm_are_not_purged(tmp_path: Path) -> None:
    write_session(tmp_path, [wav(samples(2).tobytes())])
    merged(tmp_path)
    with pytest.raises(RecordingError, match="not compared with audio"):
        examine(tmp_path)


def test_a_changed_sample_is_noticed(tmp_path: Path) -> None:
    write_session(tmp_path, [wav(samples(2).tobytes())])
    merged(tmp_path)
    path = tmp_path / "s" / "merged" / "audio.flac"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert {finding.code for finding in verify("s", store=tmp_path).findings} >= {"verify-outputs"}


def test_canonical_bytes_are_those_of_whole_numbers() -> None:
    assert canonical(b"\x80\xff\x00", "u8") == struct.pack("<3h", 0, 127 << 8, -128 << 8)
    assert canonical(struct.pack("<f", float("nan")) + struct.pack("<f", 2.0), "f32le") == b"\0\0\0\xff\xff\x7f"
