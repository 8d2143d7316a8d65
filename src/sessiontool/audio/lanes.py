"""Pieces of raw sound at known times -> two lanes of sound at 48 kHz, a second at a time, silent in between.

For sound that came in messages: 16-bit PCM or G.711, mono, of any rate.  Resampling is FFmpeg's (through PyAV).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import av
import numpy as np
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_RATE = 48_000  # samples a second (RFC 7845, section 4)


class LaneSound(Struct, frozen=True):
    """One lane, whose sound is in `file`: `codec` is `pcm` (16 bits, little-endian), `mulaw` or `alaw`.

    `pieces` are (sample of the lane at which it begins, byte of the file, bytes) in order; what would lie over an
    earlier piece is left out.
    """

    file: BinaryIO
    codec: str
    rate_hz: int
    pieces: Sequence[tuple[int, int, int]]


def lanes_at_48k(lanes: Sequence[LaneSound]) -> Iterator[Floats]:
    """All lanes side by side: blocks of shape (lanes, n), full scale 1.0, as long as the longest of them."""
    return side_by_side([_resampled(_lane(lane), lane.rate_hz) for lane in lanes])


def side_by_side(lanes: Sequence[Iterable[Floats]]) -> Iterator[Floats]:
    """Lanes at 48 kHz, each in blocks of any length, as blocks of shape (lanes, n); shorter ones are padded."""
    blocks = [_seconds(lane) for lane in lanes]
    silence = np.zeros(0, np.float32)
    while True:
        found = [next(lane, silence) for lane in blocks]
        longest = max(len(one) for one in found)
        if not longest:
            return
        yield np.stack([np.pad(one, (0, longest - len(one))) for one in found])


def _lane(lane: LaneSound) -> Iterator[Floats]:
    """A lane's samples at its own rate, a second at most at a time."""
    at, width = 0, 2 if lane.codec == "pcm" else 1
    for start, offset, size_bytes in lane.pieces:
        while at < start:
            silent = min(start - at, lane.rate_hz)
            yield np.zeros(silent, np.float32)
            at += silent
        place, end = offset + (at - start) * width, offset + size_bytes
        while end - place >= width:
            lane.file.seek(place)
            data = lane.file.read(min(end - place, lane.rate_hz * width) // width * width)
            yield _decoded(data, lane.codec)
            place, at = place + len(data), at + len(data) // width


def _decoded(data: bytes, codec: str) -> Floats:
    if codec == "pcm":
        return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
    return (_MULAW if codec == "mulaw" else _ALAW)[np.frombuffer(data, np.uint8)]


def _mulaw() -> Floats:
    """The values of the 256 codes of mu-law (ITU-T G.711)."""
    code = ~np.arange(256, dtype=np.uint8)
    size = (((code & 0x0F).astype(np.int32) << 3) + 0x84 << ((code >> 4) & 7).astype(np.int32)) - 0x84
    return (np.where(code & 0x80, -size, size) / 32768).astype(np.float32)


def _alaw() -> Floats:
    """The values of the 256 codes of A-law (ITU-T G.711)."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment = ((code >> 4) & 7).astype(np.int32)
    step = ((code & 0x0F).astype(np.int32) << 4) + 8
    size = np.where(segment == 0, step, (step + 0x100) << np.maximum(segment - 1, 0))
    return (np.where(code & 0x80, size, -size) / 32768).astype(np.float32)


_MULAW, _ALAW = _mulaw(), _alaw()


def _resampled(sound: Iterable[Floats], rate_hz: int) -> Iterator[Floats]:
    """Sound at 48 kHz, as long as it was."""
    if rate_hz == _RATE:
        yield from sound
        return
    resampler = av.AudioResampler(format="flt", layout="mono", rate=_RATE)
    for block in sound:
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = rate_hz
        yield from _samples(resampler.resample(frame))
    yield from _samples(resampler.resample(None))


def _samples(frames: Iterable[av.AudioFrame]) -> Iterator[Floats]:
    for frame in frames:
        yield frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)


def _seconds(sound: Iterable[Floats]) -> Iterator[Floats]:
    """The same sound in blocks of a second."""
    rest = np.zeros(0, np.float32)
    for block in sound:
        rest = np.concatenate((rest, block))
        while len(rest) >= _RATE:
            yield rest[:_RATE]
            rest = rest[_RATE:]
    if len(rest):
        yield rest
