"""Sound of one recording as Opus packets for gaps of another one: encoded anew, sample for sample in place."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from ..media.opus import SILENT_PACKET_SAMPLES
from .encoder import encode_opus, read_sound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_PACKET_MS = 20  # by definition of the silent packets in whose places these go
_LEAD_PACKETS = 5  # chosen: 100 ms, in which the encoder settles as decoders do (RFC 7845, section 4.6, has 80 ms)
_DELAY_SAMPLES = 312  # at 48 kHz: the delay of libopus (measured)
_BITS_PER_SECOND = 96_000  # chosen: as all sound that is encoded here


class GapSound(Struct, frozen=True):
    """What goes into a gap: so many `packets` of the sound from sample `start` (48 kHz) of the other recording on."""

    start: int
    packets: int


def packets_for_gaps(
    path: Path, gaps: Sequence[GapSound], channels: int, *, swapped: bool = False
) -> Iterator[list[bytes]]:
    """The packets for each gap, in order; `gaps` are in the order of their places, and none over another.

    The file is decoded once, and what is held is a block of it.  NotFoundError, RecordingError (no sound).
    """
    sound = _ForwardSound(read_sound(path, channels), channels)
    for gap in gaps:
        first = gap.start - _LEAD_PACKETS * SILENT_PACKET_SAMPLES + _DELAY_SAMPLES
        blocks = sound.read(first, first + (gap.packets + _LEAD_PACKETS) * SILENT_PACKET_SAMPLES)
        turned = (np.ascontiguousarray(block[::-1]) for block in blocks) if swapped and channels == 2 else blocks
        made = encode_opus(turned, channels, packet_ms=_PACKET_MS, bit_rate=_BITS_PER_SECOND)
        yield list(islice(made, _LEAD_PACKETS, _LEAD_PACKETS + gap.packets))
        for _ in made:  # to the end of what is read, which is that of the gap
            pass


class _ForwardSound:
    """Sound from which stretches are read in order; what is before its start, behind its end or passed is silence."""

    def __init__(self, blocks: Iterable[Floats], channels: int) -> None:
        self._blocks = iter(blocks)
        self._channels = channels
        self._block: Floats = np.zeros((channels, 0), np.float32)
        self._at = 0  # the sample at which the block begins

    def read(self, start: int, end: int) -> Iterator[Floats]:
        while start < end:
            if start < self._at:
                length = min(end, self._at) - start
                yield np.zeros((self._channels, length), np.float32)
                start += length
                continue
            while start >= self._at + self._block.shape[1]:
                self._at += self._block.shape[1]
                block = next(self._blocks, None)
                if block is None:
                    self._block = np.zeros((self._channels, 0), np.float32)
                    yield np.zeros((self._channels, end - start), np.float32)
                    return
                self._block = block
            piece = self._block[:, start - self._at : end - self._at]
            yield piece
            start += piece.shape[1]
