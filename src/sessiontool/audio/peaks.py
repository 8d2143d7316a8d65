"""Peaks of a recording: the lowest and the highest sample of each twentieth of a second, on each channel.

As a file they are audiowaveform's data format, version 2 with 8 bits (doc/DataFormat.md of bbc/audiowaveform), which
peaks.js and its like read: 24 bytes of header, then lowest and highest for each channel in turn.

Not here: how they are drawn.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from .decoder import DECODE_RATE, decode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..media.filler import SoundHead
    from .decoder import Floats

PEAKS_PER_S = 20
"""Peaks a second.  Chosen: a window of half a minute fills a screen, and an hour of stereo has 288 kB."""

_SAMPLES = DECODE_RATE // PEAKS_PER_S  # samples to a peak; derived from both rates
_SAMPLE_RATE = 48_000  # Hz, in which the file counts time; chosen: Opus has it, and all codecs have whole peaks
_HEADER = struct.Struct("<iIiiIi")
_VERSION, _EIGHT_BITS = 2, 1  # version and flags of the header; definition of the format
_FULL_SCALE = 128  # levels of a signed byte on either side of zero; by definition


def peaks_of(sound: Floats) -> bytes:
    """The peaks of a block of sound at `DECODE_RATE` of shape (channels, n); all blocks but the last in whole peaks."""
    channels, length = sound.shape
    if not length:
        return b""
    count = -(-length // _SAMPLES)
    padded = np.pad(sound, ((0, 0), (0, count * _SAMPLES - length)), mode="edge").reshape(channels, count, _SAMPLES)
    both = np.stack([padded.min(axis=2), padded.max(axis=2)], axis=2) * _FULL_SCALE
    limited = np.clip(np.floor(both), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int8)
    return bytes(limited.transpose(1, 0, 2).tobytes())


def decoded_peaks(packets: Iterable[bytes], head: SoundHead) -> bytes:
    """The peaks of a recording, as a file."""
    return peaks_file(b"".join(decode(packets, head, peaks_of)), head.channels)


def peaks_file(peaks: bytes, channels: int) -> bytes:
    """Peaks as audiowaveform writes them."""
    length = len(peaks) // (2 * channels)
    return _HEADER.pack(_VERSION, _EIGHT_BITS, _SAMPLE_RATE, _SAMPLE_RATE // PEAKS_PER_S, length, channels) + peaks


def is_peaks_file(data: bytes) -> bool:
    """Whether a file is one that `peaks_file` wrote."""
    if len(data) < _HEADER.size:
        return False
    *kind, length, channels = _HEADER.unpack_from(data)
    expected = [_VERSION, _EIGHT_BITS, _SAMPLE_RATE, _SAMPLE_RATE // PEAKS_PER_S]
    return kind == expected and channels in {1, 2} and len(data) == _HEADER.size + 2 * channels * length


def envelope(file: bytes) -> tuple[int, bytes]:
    """The channels of a file of peaks, and how far each peak is from zero: a byte for each channel in turn."""
    channels: int = _HEADER.unpack_from(file)[-1]
    peaks = np.frombuffer(file, np.int8, offset=_HEADER.size).astype(np.int16).reshape(-1, 2)
    return channels, np.minimum(np.abs(peaks).max(axis=1), _FULL_SCALE - 1).astype(np.uint8).tobytes()
