"""Recordings of MP3 for tests: frames of a real encoder (LAME), in chunks that are cut anywhere, or in whole files."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import av
import numpy as np

from sessiontool.media.mp3 import HEADER_BYTES, frame_samples, read_header

if TYPE_CHECKING:
    from pathlib import Path

LAYOUTS = {1: "mono", 2: "stereo"}


def sound(rate: int, channels: int, seconds: float, seed: int = 1) -> np.ndarray:
    """A tone that rises, and noise that has pauses: an encoder keeps bits for what is loud."""
    at = np.arange(round(rate * seconds)) / rate
    chance = np.random.default_rng(seed)
    noise = chance.normal(0, 0.1, (channels, at.size)) * (np.sin(2 * np.pi * at / 0.7) > 0)
    return (0.2 * np.sin(2 * np.pi * (chance.uniform(200, 400) + 40 * at) * at) + noise).astype(np.float32)


def _frames(pieces: np.ndarray, rate: int, size: int) -> list[av.AudioFrame]:
    made = []
    for at in range(0, pieces.shape[1], size):
        piece = np.ascontiguousarray(pieces[:, at : at + size])
        made.append(av.AudioFrame.from_ndarray(piece, format="fltp", layout=LAYOUTS[len(pieces)]))
        made[-1].sample_rate = rate
    return made


@cache
def frames_of(rate: int, channels: int, seconds: float, seed: int = 1, kbps: int = 64) -> tuple[bytes, ...]:
    """Frames as a page's encoder gives them: none of them describes a file."""
    encoder = av.CodecContext.create("libmp3lame", "w")
    encoder.sample_rate, encoder.format, encoder.layout = rate, "fltp", LAYOUTS[channels]
    encoder.bit_rate = kbps * 1000
    packets: list[bytes] = []
    for frame in _frames(sound(rate, channels, seconds, seed), rate, frame_samples(rate)):
        packets += map(bytes, encoder.encode(frame))
    return tuple(packets + list(map(bytes, encoder.encode(None))))


@cache
def whole_file(rate: int, channels: int, seconds: float, seed: int = 1) -> bytes:
    """A file as FFmpeg writes it: ID3, the frame that describes it with LAME's delay, frames."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp3") as file:
        stream = file.add_stream("libmp3lame", rate=rate)
        stream.layout, stream.bit_rate, stream.format = LAYOUTS[channels], 64_000, "fltp"
        for frame in [*_frames(sound(rate, channels, seconds, seed), rate, frame_samples(rate)), None]:
            file.mux(stream.encode(frame))
    return out.getvalue()


def split_frames(data: bytes) -> list[bytes]:
    """The frames that bytes are, from their first one on."""
    frames, at = [], 0
    while at < len(data):
        header = read_header(data[at : at + HEADER_BYTES])
        assert header is not None, at
        frames.append(data[at : at + header.size_bytes])
        at += header.size_bytes
    return frames


@dataclass(frozen=True)
class Mp3Recording:
    """`frames` in order, and the chunks that they are in."""

    rate: int
    frames: tuple[bytes, ...]
    chunks: tuple[bytes, ...]

    def place_ms(self, frame: bytes) -> float:
        return 1000 * frame_samples(self.rate) * self.frames.index(frame) / self.rate


@cache
def recorded(rate: int, channels: int, *, cut_anywhere: bool, seed: int = 1, chunks: int = 12) -> Mp3Recording:
    """A recording in chunks of 2 s of sound, which end with a frame or, as an upload cuts them, anywhere."""
    frames = frames_of(rate, channels, 2 * chunks, seed)
    data = b"".join(frames)
    if cut_anywhere:
        size = -(-len(data) // chunks)
        return Mp3Recording(rate, frames, tuple(data[at : at + size] for at in range(0, len(data), size)))
    count = -(-len(frames) // chunks)
    parts = tuple(b"".join(frames[at : at + count]) for at in range(0, len(frames), count))
    return Mp3Recording(rate, frames, parts)


def frames_in(audio: Path) -> list[bytes]:
    """The frames of a published file, behind its tag and the frame that describes it."""
    data = audio.read_bytes()
    size = sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    return split_frames(data[10 + size :])[1:]


def decoded(data: bytes) -> np.ndarray:
    """What FFmpeg plays of a file: its delay left out."""
    with av.open(io.BytesIO(data), "r") as file:
        return np.concatenate([frame.to_ndarray() for frame in file.decode(audio=0)], axis=1)
