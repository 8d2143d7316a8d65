"""Recordings of AAC in fragmented MP4 for tests, as Safari stores them: frames of a real encoder, made box by box."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from mp4_recordings import FTYP, box, edit_list, fragment, full, moov, trak, u32

from sessiontool import MergeOptions, merge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Chunks = list[bytes | None]
FRAME = 1024
RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000)
PRIMING = 1024
"""Samples: FFmpeg's encoder (measured)."""


@cache
def frames_of(rate: int, channels: int, seconds: int, seed: int = 1) -> tuple[bytes, ...]:
    """Frames of noise and tones, no two of which are alike; what the encoder adds before the sound included."""
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.format, encoder.layout = rate, "fltp", {1: "mono", 2: "stereo"}[channels]
    encoder.bit_rate = 48_000 * channels
    chance = np.random.default_rng(seed)
    packets: list[bytes] = []
    for number in range(rate * seconds // FRAME):
        at = np.arange(number * FRAME, (number + 1) * FRAME) / rate
        tone = 0.2 * np.sin(2 * np.pi * (300 + 10 * number % 900) * at)
        sound = tone + chance.normal(0, 0.05, (channels, FRAME))
        made = av.AudioFrame.from_ndarray(sound.astype(np.float32), format="fltp", layout=encoder.layout.name)
        made.sample_rate = rate
        packets += map(bytes, encoder.encode(made))
    return tuple(packets + list(map(bytes, encoder.encode(None))))


def config(rate: int, channels: int, kind: int = 2) -> bytes:
    return struct.pack(">H", kind << 11 | RATES.index(rate) << 7 | channels << 3)


def esds(specific: bytes, kind: int = 0x40) -> bytes:
    decoder = bytes((kind, 0x15)) + bytes(11) + bytes((5, len(specific))) + specific
    es = struct.pack(">HB", 1, 0) + bytes((4, len(decoder))) + decoder + b"\x06\x01\x02"
    return full(b"esds", bytes((3, len(es))) + es)


def aac_entry(rate: int, channels: int, specific: bytes | None = None, kind: int = 0x40) -> bytes:
    sound = bytes(6) + b"\0\1" + bytes(8) + struct.pack(">HHII", channels, 16, 0, rate << 16)
    return box(b"mp4a", sound, esds(config(rate, channels) if specific is None else specific, kind))


def header(
    rate: int, channels: int, *, priming: int | None = None, name: bytes = b"Core Media Audio", more: bytes = b""
) -> bytes:
    """`ftyp` and `moov`; with an edit list where `priming` is given.  `more` is put behind the track."""
    edits = b"" if priming is None else edit_list(priming)
    track = trak(entry=aac_entry(rate, channels), name=name, timescale=rate, edits=edits)
    return FTYP + moov(track, more)


@dataclass(frozen=True)
class AacRecording:
    """Chunks of whole fragments, the header in the first; `frames` and their times in ms, chunk by chunk."""

    rate: int
    chunks: tuple[bytes, ...]
    frames: tuple[tuple[bytes, ...], ...]

    @property
    def flat(self) -> list[bytes]:
        return [frame for chunk in self.frames for frame in chunk]

    def place_ms(self, frame: bytes) -> float:
        return 1000 * FRAME * self.flat.index(frame) / self.rate


@cache
def recorded(
    rate: int = 48_000, channels: int = 2, chunks: int = 12, chunk_s: int = 2, *, seed: int = 1, name: bytes = b"Lavf"
) -> AacRecording:
    """A recording in chunks of `chunk_s` seconds, of fragments that last a second and what is left of a frame."""
    frames = frames_of(rate, channels, chunks * chunk_s, seed)
    tags = box(b"udta", name)
    made, lists, at, number = [], [], 0, 0
    for chunk in range(chunks):
        data = header(rate, channels, name=b"SoundHandler", more=tags) if not chunk else b""
        mine: list[bytes] = []
        for second in range(chunk * chunk_s + 1, (chunk + 1) * chunk_s + 1):
            until = min(len(frames), -(-rate * second // FRAME))
            number += 1
            durations = [FRAME] * (until - at)
            data += fragment(frames[at:until], number, at * FRAME, durations=durations)
            mine += frames[at:until]
            at = until
        made.append(data)
        lists.append(tuple(mine))
    return AacRecording(rate, tuple(made), tuple(lists))


def adts(rate: int, channels: int, frame: bytes, *, checked: bool = False, kind: int = 2) -> bytes:
    """A frame with its header (ISO/IEC 13818-7, section 6.2), whose checksum, if there is one, is not right."""
    index, size = RATES.index(rate), len(frame) + (9 if checked else 7)
    bits = 0xFFF << 44 | (not checked) << 40 | (kind - 1) << 38 | index << 34 | channels << 30 | size << 13 | 0x7FF << 2
    return bits.to_bytes(7, "big") + bytes(2 if checked else 0) + frame


@cache
def streamed(
    rate: int, channels: int, *, cut_anywhere: bool, seed: int = 1, chunks: int = 12, chunk_s: int = 2
) -> AacRecording:
    """A recording in ADTS, in chunks of `chunk_s` seconds that end with a frame or, as an upload cuts them, anywhere.

    Its `frames` are by the chunk that they end in.
    """
    frames = frames_of(rate, channels, chunks * chunk_s, seed)
    stored = [adts(rate, channels, frame) for frame in frames]
    ends = list(accumulate(map(len, stored)))
    count = -(-len(frames) // chunks)
    size = -(-ends[-1] // chunks)
    cuts = range(size, ends[-1], size) if cut_anywhere else ends[count - 1 : -1 : count]
    data, bounds = b"".join(stored), [0, *cuts, ends[-1]]
    lists = [tuple(f for f, end in zip(frames, ends, strict=True) if a < end <= b) for a, b in pairwise(bounds)]
    return AacRecording(rate, tuple(data[a:b] for a, b in pairwise(bounds)), tuple(lists))


def whole_file(rate: int, channels: int, frames: Sequence[bytes], *, index_first: bool = False) -> bytes:
    """A file without fragments, its index last as a recorder writes it that was stopped."""
    sound = box(b"mdat", *frames)

    def index(offset: int) -> bytes:
        table = (
            full(b"stts", u32(1, len(frames), FRAME)),
            full(b"stsc", u32(1, 1, len(frames), 1)),
            full(b"stsz", u32(0, len(frames), *map(len, frames))),
            full(b"stco", u32(1, offset)),
        )
        track = trak(entry=aac_entry(rate, channels), timescale=rate, table=b"".join(table), edits=edit_list(PRIMING))
        return box(b"moov", full(b"mvhd", bytes(96)), track)

    if index_first:
        head = FTYP + index(len(FTYP) + len(index(0)) + 8)
        return head + sound
    return FTYP + sound + index(len(FTYP) + 8)


def write_session(
    store: Path,
    chunks: Sequence[bytes | None],
    *,
    name: str = "s",
    note: bool = True,
    timeslice_ms: int = 2000,
    bytes_noted: Sequence[int] | None = None,
) -> Path:
    """A session of these chunks; None is one that was recorded and is missing.  `note`: with a session.json.

    `bytes_noted` are the sizes of the chunks that it has.
    """
    folder = store / name / "chunks" / "000"
    folder.mkdir(parents=True)
    listed = []
    for number, data in enumerate(chunks):
        size = {"bytes": bytes_noted[number]} if bytes_noted else {}
        listed.append({"seq": number, "emitted_ms": 1000.0 + timeslice_ms * (number + 1) + 60, **size})
        if data is not None:
            (folder / f"{number:06}.mp4").write_bytes(data)
    entry = {"part": 0, "mime_type": "audio/mp4", "timeslice_ms": timeslice_ms, "start_ms": 1000.0, "chunks": listed}
    if note:
        document = {"schema": "sessiontool.session/1", "session_id": name, "parts": [entry]}
        (store / name / "session.json").write_text(json.dumps(document))
    return store / name


def frames_in(audio: Path) -> list[tuple[bytes, float]]:
    """The frames of a file as FFmpeg reads it, with their times in ms, those of the priming before 0."""
    with av.open(str(audio)) as file:
        packets = [packet for packet in file.demux(file.streams.audio[0]) if packet.size]
        return [(bytes(packet), float((packet.pts or 0) * packet.time_base) * 1000) for packet in packets]


def joined(folder: Path, chunks: Sequence[bytes | None], **more: Any) -> tuple[Any, list[tuple[bytes, float]]]:
    """The report of the merged chunks, and the frames in its audio with their times."""
    write_session(folder, chunks, **more)
    result = merge("s", store=folder, options=MergeOptions(align=False))
    return result.report, frames_in(folder / "s" / "merged" / "audio.m4a")


def codes(report: Any) -> set[str]:
    """The findings of a report, but for what a session without a log and without an end always has."""
    return {one["code"] for one in report["findings"]} - {"no-utterances", "session-still-recording"}


def without(chunks: Sequence[bytes], number: int, *instead: bytes | None) -> Chunks:
    """The chunks with others in the place of one."""
    return [*chunks[:number], *instead, *chunks[number + 1 :]]


def hurt(data: bytes, filler: bytes) -> bytes:
    """A chunk with some bytes of its sound overwritten."""
    return data[:9000] + filler + data[9000 + len(filler) :]
