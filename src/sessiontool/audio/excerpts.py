"""The sound of some stretches of a recording, in one pass over its packets: only what is wanted is decoded.

A stretch is cut out on whole packets, begun early enough for the decoder to have settled where it starts (RFC 7845,
section 4.6 asks for 80 ms): its samples are those of the whole recording's decode but for inaudible differences.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from .decoder import PRE_ROLL_SAMPLES, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from ..media.filler import SoundHead

    Floats = NDArray[np.float32]

_FULL_SCALE = 32767  # of 16-bit samples (by definition)
_SAMPLE_BYTES = 2  # of 16 bits (by definition)


class Excerpt(Struct, frozen=True):
    """The packets of a stretch and of what the decoder needs before it, which is `skip_samples` long (at 48 kHz)."""

    packets: tuple[bytes, ...]
    head: SoundHead
    skip_samples: int
    length_samples: int

    def pcm(self, channel: int) -> bytes:
        """One channel of the stretch at 16 kHz, as 16-bit samples in the machine's byte order."""

        def reduce(sound: Floats) -> bytes:
            return bytes((np.clip(sound[channel], -1, 1) * _FULL_SCALE).astype(np.int16))

        pcm = b"".join(decode(self.packets, self.head, reduce, skip_samples=self.skip_samples))
        return pcm[: _SAMPLE_BYTES * -(-self.length_samples // 3)]


def cut(
    packets: Iterable[bytes], head: SoundHead, stretches: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, Excerpt]]:
    """Each of `stretches` (start, end in output samples) with its position in the list, in the order of their starts.

    Held are the packets of the stretches that have begun and not ended.  A stretch that the recording does not reach is
    left out; one that it does not reach the end of is shorter.
    """
    waiting = deque(sorted(range(len(stretches)), key=lambda k: stretches[k]))
    held: deque[tuple[int, bytes]] = deque()
    position, length_of = -head.pre_skip, head.lengths()
    for packet in packets:
        if not waiting:
            return
        held.append((position, packet))
        position += length_of(packet)
        while waiting and stretches[waiting[0]][1] <= position:
            number = waiting.popleft()
            yield number, _excerpt(head, held, *stretches[number])
        needed = stretches[waiting[0]][0] - PRE_ROLL_SAMPLES if waiting else position
        while len(held) > 1 and held[1][0] <= needed:
            held.popleft()
    for number in waiting:
        if stretches[number][0] < position:
            yield number, _excerpt(head, held, stretches[number][0], min(position, stretches[number][1]))


def _excerpt(head: SoundHead, held: Iterable[tuple[int, bytes]], start: int, end: int) -> Excerpt:
    chosen = [(at, packet) for at, packet in held if at < end]
    while len(chosen) > 1 and chosen[1][0] <= start - PRE_ROLL_SAMPLES:
        chosen.pop(0)
    return Excerpt(tuple(packet for _, packet in chosen), head, start - chosen[0][0], end - start)
