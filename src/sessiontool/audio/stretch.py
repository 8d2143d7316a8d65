"""A stretch of a recording as sound at 48 kHz, sample by sample, in one pass: for what people hear, not for analysis.

A position in the decode is a position in the recording, as in `decoder`; here nothing is reduced, and packets are
decoded one after another, so that the whole recording has the samples that any player's decoder makes of it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError

from ..media.filler import CLOCK_HZ
from ..media.pcm import PcmHead
from .contexts import decoder_for, resampled
from .flac import floats

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from ..media.filler import SoundHead

    Floats = NDArray[np.float32]

_PRE_ROLL_SAMPLES = 48_000
"""What is decoded before a stretch and not used: chosen, twelve times what RFC 7845, section 4.6 asks for."""

_BLOCK_SAMPLES = 48_000
"""How much sound is handed over at once, at least: chosen; a call for each packet costs more than its decode."""

_FULL_SCALE = 32768  # of 16-bit samples (by definition)


def decode_stretch(packets: Iterable[bytes], head: SoundHead, start: int, end: int) -> Iterator[Floats]:
    """The sound from `start` to `end` (samples at 48 kHz after the pre-skip), in blocks of shape (channels, n).

    Float32 with full scale 1.0.  Shorter where the recording is; a packet that cannot be decoded is silence of its own
    length.  Held is a second of sound, whatever the length of the stretch.
    """
    held: list[Floats] = []
    pieces = _decoded_packets(packets_needed(packets, head, start, end, _PRE_ROLL_SAMPLES), head)
    for position, sound in pieces if head.rate_hz == CLOCK_HZ else resampled(pieces, head.rate_hz):
        held.append(sound[:, max(0, start - position) : max(0, end - position)])
        if sum(block.shape[1] for block in held) >= _BLOCK_SAMPLES:
            yield np.concatenate(held, axis=1)
            held.clear()
    if any(block.shape[1] for block in held):
        yield np.concatenate(held, axis=1)


def packets_needed(
    packets: Iterable[bytes], head: SoundHead, start: int, end: int, pre_roll: int
) -> Iterator[tuple[int, bytes, int]]:
    """Position, packet and length of what a decoder needs for a stretch: its packets, and `pre_roll` samples before."""
    length_of, position = head.lengths(), -head.pre_skip
    before: deque[tuple[int, bytes, int]] = deque()
    for packet in packets:
        if position >= end:
            return
        length = length_of(packet)
        before.append((position, packet, length))
        position += length
        if position > start:
            yield from before
            before.clear()
        while before and before[0][0] + before[0][2] <= start - pre_roll:
            before.popleft()


def _decoded_packets(wanted: Iterable[tuple[int, bytes, int]], head: SoundHead) -> Iterator[tuple[int, Floats]]:
    """The position of each packet, and its sound at the recording's own rate."""
    if isinstance(head, PcmHead):
        yield from ((position, floats(packet, head)) for position, packet, _ in wanted)
        return
    context = decoder_for(head)
    for position, packet, length in wanted:
        samples = length if head.rate_hz == CLOCK_HZ else head.filler.samples
        yield position, _decoded(context, packet, head.channels, samples)


def _decoded(context: av.AudioCodecContext, packet: bytes, channels: int, length: int) -> Floats:
    """A packet's sound, as long as it says that it lasts."""
    sound = np.zeros((channels, length), np.float32)
    try:
        frames = context.decode(av.Packet(packet)) if length else []
    except FFmpegError:
        return sound
    filled = 0
    for frame in frames:
        piece = frame.to_ndarray()[:, : length - filled]
        sound[:, filled : filled + piece.shape[1]] = piece
        filled += piece.shape[1]
    return sound


def pcm16(sound: Floats) -> bytes:
    """A block as interleaved 16-bit samples, little-endian, rounded and limited to full scale."""
    return bytes(np.clip(np.rint(sound.T * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2"))
