"""Recordings of the libraries that pages record with beside a MediaRecorder: `data/libraries` says of each what it is.

In containers without a clock bytes alone show what two chunks share, and frames of digital silence are the same bytes
wherever they are.
"""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sessiontool import MergeOptions, merge
from sessiontool.errors import SessionToolError
from sessiontool.media.probe import open_demuxer

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).with_name("data") / "libraries"
RECORDINGS = sorted(path for path in FOLDER.iterdir() if path.suffix not in {".json", ".md"})
RESENT_BYTES = 300


def chunks_of(recording: Path) -> list[bytes]:
    """What the library handed over, chunk by chunk."""
    data, sizes = recording.read_bytes(), json.loads(recording.with_suffix(".json").read_bytes())
    return [data[start:stop] for start, stop in pairwise(accumulate(sizes, initial=0))]


def merged(store: Path, recording: Path, chunks: Sequence[bytes], *, noted: bool) -> Any:
    """The report of a session of these chunks; `noted` with their sizes in session.json."""
    (store / "s/chunks/0").mkdir(parents=True)
    for number, data in enumerate(chunks):
        (store / f"s/chunks/0/{number:06}{recording.suffix}").write_bytes(data)
    if noted:
        entries = [{"seq": number, "bytes": len(data)} for number, data in enumerate(chunks)]
        (store / "s/session.json").write_text(
            json.dumps({"session_id": "s", "parts": [{"part": 0, "chunks": entries}]})
        )
    return merge("s", store=store, options=MergeOptions(align=False)).report


def packets_in(data: bytes) -> int:
    """How many packets a recording holds, read in one piece."""
    demuxer = open_demuxer(data)
    return sum(len(run.payloads) for run in (*demuxer.feed(data), *demuxer.flush()))


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_chunks_that_are_all_there_are_joined_whole(recording: Path, noted: bool, tmp_path: Path) -> None:
    chunks = chunks_of(recording)
    report = merged(tmp_path, recording, chunks, noted=noted)
    named = {finding["code"] for finding in report["findings"] if finding["severity"] != "info"}
    assert (report["status"], named - {"no-utterances"}) == ("complete", set())
    assert report["packets"] == {"recorded": packets_in(b"".join(chunks)), "silent": 0}
    assert [chunk["seq"] for chunk in report["chunks"]] == [*range(len(chunks))]


@pytest.mark.parametrize("noted", [True, False])
def test_a_wav_file_of_no_samples_at_the_end_is_no_loss(noted: bool, tmp_path: Path) -> None:
    """audio-recorder-polyfill 0.4.1 hands one over when it is stopped and nothing is left (seen in Chromium)."""
    sound = (3000 * np.sin(np.arange(8000) / 9)).astype("<i2").tobytes()
    files = [wav(sound), wav(sound[::-1]), wav(b"")]
    report = merged(tmp_path, Path("polyfill.wav"), files, noted=noted)
    assert [chunk["verdict"] for chunk in report["chunks"]] == ["ok", "ok", "empty"]
    assert not {finding["code"] for finding in report["findings"]} & {"chunk-unreadable", "sound-lost"}
    cut = merged(tmp_path / "cut", Path("polyfill.wav"), [*files[:2], wav(sound)[:44]], noted=False)
    assert "chunk-unreadable" in {finding["code"] for finding in cut["findings"]}


@pytest.mark.parametrize("noted", [True, False])
def test_short_pieces_of_samples_stay_in_the_order_of_their_numbers(noted: bool, tmp_path: Path) -> None:
    """mediabunny 1.61.0 writes 8 KiB of WAV at a time, and less each second: nothing but numbers tells their order."""
    at = np.arange(48_000 * 3)
    left = 8000 * np.sin(at / 40) * np.sin(at / 9000)
    samples = np.stack([left, np.zeros_like(left)], axis=1).astype("<i2").tobytes()
    second = 48_000 * 4
    starts = [start + at for start in range(0, len(samples), second) for at in range(0, second, 8192)]
    pieces = [samples[start:stop] for start, stop in pairwise([*starts, len(samples)])]
    pieces[0] = wav(samples, channels=2, rate=48_000)[:44] + pieces[0]
    report = merged(tmp_path, Path("mediabunny.wav"), pieces, noted=noted)
    assert [chunk["seq"] for chunk in report["chunks"]] == [*range(len(pieces))]
    assert "chunk-out-of-order" not in {finding["code"] for finding in report["findings"]}
    assert report["duration_s"] == 3


def wav(samples: bytes, channels: int = 1, rate: int = 8000) -> bytes:
    """A WAV file of 16 bit."""
    frame = 2 * channels
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * frame, frame, 16)
    head = struct.pack("<4sI4s", b"RIFF", 36 + len(samples), b"WAVE") + form
    return head + struct.pack("<4sI", b"data", len(samples)) + samples


def test_what_is_sent_again_is_still_found_where_it_is_no_silence(tmp_path: Path) -> None:
    recording = FOLDER / "lamejs.mp3"
    chunks = chunks_of(recording)
    chunks[1] = chunks[0][-RESENT_BYTES:] + chunks[1]
    report = merged(tmp_path, recording, chunks, noted=False)
    assert "chunk-overlap" in {finding["code"] for finding in report["findings"]}
    assert report["packets"]["recorded"] == packets_in(recording.read_bytes())


def test_a_chunk_that_was_stored_again_and_again_is_joined_once(tmp_path: Path) -> None:
    recording = FOLDER / "lamejs.mp3"
    chunks = chunks_of(recording)
    report = merged(tmp_path, recording, [*chunks[:8], *[chunks[8]] * 5, *chunks[9:]], noted=False)
    assert [one["verdict"] for one in report["chunks"]].count("duplicate") == 4
    assert report["packets"]["recorded"] == packets_in(recording.read_bytes())


def tone(samples: int, period: float = 9) -> bytes:
    return (3000 * np.sin(np.arange(samples) / period)).astype("<i2").tobytes()


def test_wav_files_of_another_format_are_sound_that_is_not_read(tmp_path: Path) -> None:
    """The rate changed with the microphone: `repaired`, and half of the sound was not there."""
    files = [
        wav(tone(8000)),
        wav(tone(8000, 11)),
        wav(tone(16_000, 19), rate=16_000),
        wav(tone(16_000, 23), rate=16_000),
    ]
    report = merged(tmp_path, Path("other.wav"), files, noted=False)
    assert report["status"] == "partial"
    assert [chunk["verdict"] for chunk in report["chunks"]] == ["ok", "ok", "unread", "unread"]
    assert [one["seq"] for one in report["findings"] if one["code"] == "chunk-unreadable"] == [2, 3]


@pytest.mark.parametrize("count", [2, 3, 6])
def test_pieces_of_mp3_in_an_mp4_without_its_index_do_not_crash(count: int, tmp_path: Path) -> None:
    """One of them holds no whole frame, and seemed to go on with the next."""
    sound = (FOLDER / "wasm-media-encoders.mp3").read_bytes()
    data = b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + struct.pack(">I4s", len(sound) + 8, b"mdat") + sound
    size = len(data) // count + 1
    with suppress(SessionToolError):
        merged(tmp_path, Path("a.mp4"), [data[at : at + size] for at in range(0, len(data), size)], noted=False)
