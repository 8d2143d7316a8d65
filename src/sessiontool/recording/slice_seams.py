"""Where two slices of a recording meet: when the next one begins, and what of it is in the one before, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ..model import ChunkRef, samples_to_us
from .records import Stretch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..media.packets import PacketRun
    from .records import ChunkRecord
    from .runs import PieceStream
    from .slice_values import Slice

SHARED_MS = 100
"""Chosen: two slices that overlap by less do not do so on purpose, as clocks differ."""

SHARED = "the recorder before has this sound"

LEFT_US = 10_000  # chosen, half a silent packet: what is shared is cut to the nearest


class Seam(Struct):
    """Takes packets out that the recorder before has, too, until `left_us` of them are gone: `aside`, by chunk."""

    left_us: int = 0
    trimmed: int = 0  # samples
    aside: dict[ChunkRef, Stretch] = field(default_factory=dict)

    def over_us(self, durations: Sequence[int]) -> int:
        """How much more than what is shared goes with the last of the packets that are taken out, by their lengths."""
        left_us = self.left_us
        for duration in durations:
            if left_us <= LEFT_US:
                break
            left_us -= samples_to_us(duration)
        return max(0, -left_us)

    def trim(self, packets: PacketRun, stream: PieceStream, chunk: ChunkRef) -> None:
        """Take the first of `packets` out; they are in `chunk`, which was fed last."""
        count = 0
        while count < len(packets.payloads) and self.left_us > LEFT_US:
            self.left_us -= samples_to_us(packets.durations[count])
            self.trimmed += packets.durations[count]
            count += 1
        if not count:
            return
        size_bytes = sum(map(len, packets.payloads[:count]))
        known = self.aside.get(chunk) or Stretch(stream.place_of(packets.payloads[0]), 0, SHARED)
        self.aside[chunk] = replace(known, size_bytes=known.size_bytes + size_bytes)
        for column in (packets.payloads, packets.times_ms, packets.durations):
            del column[:count]
        packets.bases = [base - count for base in packets.bases if base >= count]

    def settle(self, chunks: Iterable[ChunkRef], known: Mapping[ChunkRef, ChunkRecord]) -> None:
        """Write what was taken out into the records of its chunks; a packet may have begun in the chunk before."""
        rest = 0
        for chunk in reversed(list(dict.fromkeys(chunks))):
            stretch = self.aside.get(chunk)
            size = min(rest + (stretch.size_bytes if stretch else 0), known[chunk].account.payload_bytes)
            rest += (stretch.size_bytes if stretch else 0) - size
            if size:
                known[chunk].leave_out(Stretch(stretch.byte_offset if stretch else 0, size, SHARED))


def begin_at(place: Slice, start_us: int | None, before_us: int | None) -> tuple[int, int, Seam]:
    """When a slice begins on the session clock, how much is missing before a first one, and what it shares, in µs.

    `start_us` is its start as far as it is known, and `before_us` where what was joined before it ends.
    """
    lost_us = round(1000 * place.lost_ms)
    lead_us = lost_us if place.first else 0
    if start_us is None:
        start_us = lead_us if before_us is None else before_us + lost_us
    elif place.overlap_ms is not None and before_us is not None:
        start_us = before_us - round(1000 * place.overlap_ms)
    if place.first or before_us is None or before_us - start_us < 1000 * SHARED_MS:
        return start_us, lead_us, Seam()
    return before_us, lead_us, Seam(before_us - start_us)
