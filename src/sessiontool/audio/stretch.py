"""A stretch of a recording as sound at 48 kHz, sample by sample, in one pass: for what people hear, not for analysis.

A position in the decode is a position in the recording, as in `decoder`; here nothing is reduced, and packets are
decoded one after another, so that the whole recording has the samples that any player's decoder makes of it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from ..media.filler import CLOCK_HZ
from ..media.pcm import PcmHead
from .contexts import decode_run, decoder_for, resampled
from .flac import floats

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from ..media.filler import SoundHead

    Floats = NDArray[np.float32]

_PRE_ROLL_SAMPLES = 48_000
"""What is decoded before a stretch and not used: chosen, twelve times what RFC 7845, section 4.6 asks for."""

_BLOCK_SAMPLES = 48_000
"""How much sound is made at once: chosen; what a call for each packet costs is more than a twentieth of its decode."""

_FULL_SCALE = 32768  # of 16-bit samples (by definition)


def decode_stretch(packets: Iterable[bytes], head: SoundHead, start: int, end: int) -> Iterator[Floats]:
    """The sound from `start` to `end` (samples at 48 kHz after the pre-skip), in blocks of shape (channels, n).

    Float32 with full scale 1.0.  Shorter where the recording is; a packet that cannot be decoded is silence of its own
    length.  Made is a second of sound at a time, whatever the length of the stretch.
    """
    pieces = _decoded(packets_needed(packets, head, start, end, _PRE_ROLL_SAMPLES), head)
    for position, sound in pieces if head.rate_hz == CLOCK_HZ else resampled(pieces, head.rate_hz):
        piece = sound[:, max(0, start - position) : max(0, end - position)]
        if piece.shape[1]:
            yield piece


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
        if position + length > start:
            yield from before
            before.clear()
            yield position, packet, length
        else:
            before.append((position, packet, length))
        position += length
        while before and before[0][0] + before[0][2] <= start - pre_roll:
            before.popleft()


def _decoded(wanted: Iterable[tuple[int, bytes, int]], head: SoundHead) -> Iterator[tuple[int, Floats]]:
    """The positions of runs of packets, and their sound at the recording's own rate."""
    context = None if isinstance(head, PcmHead) else decoder_for(head)
    for position, packets, lengths in _runs(wanted):
        if isinstance(head, PcmHead):
            yield position, floats(b"".join(packets), head)
            continue
        assert context is not None
        own = lengths if head.rate_hz == CLOCK_HZ else [head.filler.samples] * len(packets)
        sound = np.empty((head.channels, sum(own)), np.float32)
        decode_run(context, head.codec, packets, own, sound)
        yield position, sound


def _runs(wanted: Iterable[tuple[int, bytes, int]]) -> Iterator[tuple[int, list[bytes], list[int]]]:
    """Packets of a second each time, with the position of the first and the length of each."""
    packets: list[bytes] = []
    lengths: list[int] = []
    begin = 0
    for position, packet, length in wanted:
        if not packets:
            begin = position
        packets.append(packet)
        lengths.append(length)
        if position + length - begin >= _BLOCK_SAMPLES:
            yield begin, packets, lengths
            packets, lengths = [], []
    if packets:
        yield begin, packets, lengths


def pcm16(sound: Floats) -> bytes:
    """A block as interleaved 16-bit samples, little-endian, rounded and limited to full scale."""
    return bytes(np.clip(np.rint(sound.T * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2"))
