"""The faults of `benchmarks/faults.py` done to AAC, MP3, PCM and a complete file per slice, merged and judged.

Called by `benchmarks/faults.py --formats`, and for some by the tests; `session.json` has sizes and `emitted_ms`.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import aac_recordings
import av
import mp3_recordings
import numpy as np
import test_pcm
from recordings import chrome

from sessiontool import MergeOptions, merge
from sessiontool.errors import SessionToolError
from sessiontool.media.aac import silent_frame
from sessiontool.media.mp3 import silent_frames
from sessiontool.media.opus import silent_packet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


CHUNKS, CHUNK_MS, PCM_MS = 12, 2000, 500
TOLERANCE_MS = 25
"""A frame of AAC at 44.1 kHz, to which gaps are rounded."""
FAULTY = 5
SILENCE = {made(channels) for made in (silent_frame, silent_packet) for channels in (1, 2)} | {*silent_frames()}


class Unit(NamedTuple):
    """A packet, or 10 ms of samples: as it is stored and as it comes out, and when it was recorded."""

    stored: bytes
    heard: bytes
    time_ms: float


@dataclass
class Recording:
    """Chunks, when each was handed over, and what is in them; `heard` reads a result."""

    ending: str
    mime_type: str
    chunks: list[bytes]
    emitted_ms: list[float]
    units: list[Unit]
    heard: Callable[[Path, Sequence[Unit]], list[tuple[bytes, float]]]


def packets(path: Path, _: Sequence[Unit]) -> list[tuple[bytes, float]]:
    """The packets of a result, by PyAV."""
    with av.open(str(path)) as file:
        found = [packet for packet in file.demux(file.streams.audio[0]) if packet.size]
        return [(bytes(packet), float((packet.pts or 0) * packet.time_base) * 1000) for packet in found]


def samples(path: Path, units: Sequence[Unit]) -> list[tuple[bytes, float]]:
    """Where units are in the samples of a result; what else sounds is a unit of its own."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        rate, channels = stream.rate, stream.channels
        decoded = np.concatenate([frame.to_ndarray().reshape(-1) for frame in file.decode(stream)])
    data, found = decoded.tobytes(), []
    a_second = rate * channels * decoded.itemsize
    rest = bytearray(data)
    for unit in units:
        at = data.find(unit.heard)
        while at >= 0:
            found.append((unit.heard, at * 1000 / a_second))
            rest[at : at + len(unit.heard)] = bytes(len(unit.heard))
            at = data.find(unit.heard, at + 1)
    strange = [at for at in range(0, len(rest), a_second // 100) if any(rest[at : at + a_second // 100])]
    return found + [(b"another", at * 1000 / a_second) for at in strange]


def emitted(chunk_ms: int = CHUNK_MS) -> list[float]:
    return [1000.0 + chunk_ms * (number + 1) + 60 for number in range(CHUNKS)]


@cache
def aac(seed: int) -> Recording:
    made = aac_recordings.recorded(chunks=CHUNKS, seed=seed)
    units = [Unit(frame, frame, made.place_ms(frame)) for frame in made.flat]
    return Recording("mp4", "audio/mp4", [*made.chunks], emitted(), units, packets)


@cache
def adts(seed: int) -> Recording:
    made = aac_recordings.streamed(48_000, 2, cut_anywhere=True, seed=seed, chunks=CHUNKS)
    units = [Unit(aac_recordings.adts(48_000, 2, frame), frame, made.place_ms(frame)) for frame in made.flat]
    return Recording("aac", "audio/aac", [*made.chunks], emitted(), units, packets)


@cache
def mp3(seed: int) -> Recording:
    made = mp3_recordings.recorded(48_000, 2, cut_anywhere=True, seed=seed, chunks=CHUNKS)
    units = [Unit(frame, frame, made.place_ms(frame)) for frame in made.frames]
    return Recording("mp3", "audio/mpeg", [*made.chunks], emitted(), units, packets)


def voiced(count: int, scale: int, seed: int) -> Any:
    """An array of noise as dark as a voice, in syllables: no 10 ms of it are like others, and it jumps nowhere."""
    noise = np.convolve(np.random.default_rng(seed).normal(size=count + 94), np.hanning(95), "valid")
    return noise / np.abs(noise).max() * scale * (1.1 + np.sin(2 * np.pi * 4 * np.arange(count) / 48_000)) / 2.1


@cache
def wav(seed: int) -> Recording:
    sound = voiced(CHUNKS * PCM_MS * 48, 20_000, seed).round().astype("<i2")
    blocks = [block.tobytes() for block in np.split(sound, CHUNKS * PCM_MS // 10)]
    units = [Unit(block, block, 10.0 * number) for number, block in enumerate(blocks)]
    first, *others = test_pcm.cut(sound, CHUNKS)
    return Recording("wav", "audio/wav", [test_pcm.wav(first, rate=48_000), *others], emitted(PCM_MS), units, samples)


@cache
def chrome_pcm(seed: int) -> Recording:
    lanes = [voiced(CHUNKS * PCM_MS * 48, 1 << 22, 10 * seed + lane) for lane in range(2)]
    whole = np.stack(lanes, axis=1).round().astype(int).reshape(-1)
    floats = (whole / (1 << 23)).astype("<f4")
    blocks = np.split(whole.astype("<i4") << 8, CHUNKS * PCM_MS // 10)
    stored = np.split(floats, len(blocks))
    pairs = enumerate(zip(stored, blocks, strict=True))
    units = [Unit(a.tobytes(), b.tobytes(), 10.0 * number) for number, (a, b) in pairs]
    data = test_pcm.webm(floats)
    size = -(-len(data) // CHUNKS)
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    return Recording("webm", "audio/webm;codecs=pcm", chunks, emitted(PCM_MS), units, samples)


@cache
def slices(seed: int) -> Recording:
    chunks, ends, units = [], [], []
    for number in range(CHUNKS):
        whole = chrome(33, seed=100 * seed + number)
        start_ms = number * (33 * 60 + 25)
        chunks.append(whole.data)
        ends.append(1000.0 + start_ms + 33 * 60 + 24)
        pairs = enumerate(block.payload for block in whole.blocks)  # without the jitter of the blocks' own times
        units += [Unit(payload, payload, start_ms + 60.0 * index) for index, payload in pairs]
    return Recording("webm", "audio/webm;codecs=opus", chunks, ends, units, packets)


FORMATS: dict[str, Callable[[int], Recording]] = {
    "AAC in MP4": aac,
    "AAC in ADTS": adts,
    "MP3": mp3,
    "WAV": wav,
    "PCM in WebM": chrome_pcm,
    "a file per slice": slices,
}
Stored = list[bytes | None]


def _without(chunks: Sequence[bytes], number: int, *instead: bytes | None) -> Stored:
    return [*chunks[:number], *instead, *chunks[number + 1 :]]


def _hurt(chunks: Sequence[bytes], filler: bytes) -> Stored:
    data = chunks[FAULTY]
    at = len(data) // 2
    return _without(chunks, FAULTY, data[:at] + filler + data[at + len(filler) :])


FAULTS: dict[str, Callable[[Sequence[bytes], Sequence[bytes]], Stored]] = {
    "none": lambda own, _: [*own],
    "a chunk missing": lambda own, _: _without(own, FAULTY, None),
    "the first chunk missing": lambda own, _: _without(own, 0, None),
    "the last chunk missing": lambda own, _: _without(own, len(own) - 1, None),
    "a chunk missing, numbers closed up": lambda own, _: _without(own, FAULTY),
    "a chunk twice": lambda own, _: _without(own, FAULTY, own[FAULTY], own[FAULTY]),
    "a chunk again at the end": lambda own, _: [*own, own[FAULTY]],
    "two chunks swapped": lambda own, _: [*own[:FAULTY], own[FAULTY + 1], own[FAULTY], *own[FAULTY + 2 :]],
    "a chunk cut in half": lambda own, _: _without(own, FAULTY, own[FAULTY][: len(own[FAULTY]) // 2]),
    "1024 zero bytes": lambda own, _: _hurt(own, bytes(1024)),
    "1024 random bytes": lambda own, _: _hurt(own, Random(1).randbytes(1024)),
    "another recorder's chunk": lambda own, other: _without(own, FAULTY, other[FAULTY]),
    "recorder restarted": lambda own, other: [*own[:FAULTY], *other[: len(own) - FAULTY]],
    "browser killed": lambda own, _: [*own[: len(own) - 2], own[-2][: len(own[-2]) // 2]],
}


def cell(kind: str, fault: str) -> str:
    """What a merge of a recording makes of a fault: units that were lost or are wrong, and what is said."""
    own, other = FORMATS[kind](1), FORMATS[kind](2)
    stored = FAULTS[fault](own.chunks, other.chunks)
    with TemporaryDirectory() as folder:
        _write(Path(folder) / "s", own, stored)
        try:
            result = merge("s", store=folder, options=MergeOptions(align=False))
        except SessionToolError as error:
            return f"refused: {error.message[:60]}"
        (audio,) = Path(result.location).glob("audio.*")
        judged = [own, other] if fault == "recorder restarted" else [own]
        heard = own.heard(audio, [unit for one in judged for unit in one.units])
    known = {unit.heard for one in judged for unit in one.units}
    lost, wrong = 0, sum(data not in known and data not in SILENCE for data, _ in heard)
    for one in judged:
        more = _judge(one, stored, heard)
        lost, wrong = lost + more[0], wrong + more[1]
    numbers = [f"**{count}** {what}" for count, what in ((lost, "lost"), (wrong, "wrong")) if count]
    return f"{', '.join(numbers) or 'all right'}; {_said(result) or 'said nothing'}"


def _write(folder: Path, own: Recording, stored: Stored) -> None:
    place = folder / "chunks" / "000"
    place.mkdir(parents=True)
    noted = zip(own.chunks, own.emitted_ms, strict=True)
    listed = [{"seq": n, "bytes": len(data), "emitted_ms": at_ms} for n, (data, at_ms) in enumerate(noted)]
    part = {"part": 0, "mime_type": own.mime_type, "start_ms": 1000.0, "chunks": listed}
    (folder / "session.json").write_text(json.dumps({"session_id": "s", "parts": [part]}))
    for number, data in enumerate(stored):
        if data is not None:
            (place / f"{number:06}.{own.ending}").write_bytes(data)


def _judge(own: Recording, stored: Stored, heard: Sequence[tuple[bytes, float]]) -> tuple[int, int]:
    """How many units that are whole in what is stored were lost, and how many are doubled or not at their place."""
    there = {chunk for chunk in stored if chunk is not None}
    in_order = b"".join(chunk if chunk in there else b"\0" for chunk in own.chunks)
    inputs = [in_order, *(chunk for chunk in stored if chunk is not None)]
    whole = [unit for unit in own.units if any(unit.stored in data for data in inputs)]
    counts = Counter(data for data, _ in heard)
    places = dict(heard)
    off_ms = [places[unit.heard] - unit.time_ms for unit in whole if counts[unit.heard]]
    misplaced = sum(abs(one - off_ms[0]) > TOLERANCE_MS for one in off_ms)
    doubled = sum(max(0, counts[unit.heard] - 1) for unit in whole)
    return sum(not counts[unit.heard] for unit in whole), misplaced + doubled


def _said(result: Any) -> str:
    named = [one for one in result.findings if one.severity != "info" and one.code != "session-still-recording"]
    return ", ".join(dict.fromkeys(f"{one.code}" + (f" {one.seq}" if one.seq is not None else "") for one in named))
