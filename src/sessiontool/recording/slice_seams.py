"""Where two slices of a recording meet: when the next one begins, and what of it is in the one before, too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..media.opus import SILENT_PACKET_SAMPLES
from ..model import SAMPLE_RATE, ChunkRef, samples_to_us
from .records import Stretch

if TYPE_CHECKING:
    from ..media.packets import PacketRun
    from .runs import PieceStream

SHARED_MS = 100
"""Chosen: two slices that overlap by less do not do so on purpose, as clocks differ."""

SHARED = "the slice before has this sound"

_LEFT_US = 10_000  # chosen, half a silent packet: what is shared is cut to the nearest


@dataclass(frozen=True, slots=True)
class Slice:
    """The place of a complete file in a recording in slices, which is part `group` of the timeline.

    `start_ms` is its start on the session clock, None where nothing says; `lost` slices are missing before it, each of
    `stride_ms`.  What is in the slice before, too, is not joined: `overlap_ms` where the sound said how much.
    """

    group: str
    first: bool
    start_ms: float | None
    lost: int = 0
    stride_ms: float = 0.0
    overlap_ms: float | None = None


@dataclass(slots=True)
class SliceTally:
    """What a recording in slices was, counted while it is joined."""

    slices: int = 0
    filled_ms: float = 0.0
    lost: int = 0
    unclocked: int = 0
    overlaps: int = 0
    compared: int = 0
    trimmed_ms: float = 0.0

    def add(self, place: Slice, silent_packets: int, *, known: bool) -> None:
        """One more slice, before which so much silence was put."""
        self.slices += 1
        self.lost += place.lost
        self.unclocked += not known
        self.filled_ms += 0 if place.lost else silent_packets * SILENT_PACKET_SAMPLES * 1000 / SAMPLE_RATE

    def close(self, place: Slice, seam: Seam) -> None:
        """A slice has ended, without what it shared with the one before."""
        if seam.trimmed:
            self.overlaps += 1
            self.compared += place.overlap_ms is not None
            self.trimmed_ms += seam.trimmed * 1000 / SAMPLE_RATE


@dataclass(slots=True)
class Seam:
    """Takes packets of a slice out that are in the slice before, until `left_us` of them are gone."""

    left_us: int = 0
    trimmed: int = 0  # samples
    aside: tuple[ChunkRef, Stretch] | None = None

    def trim(self, packets: PacketRun, stream: PieceStream, chunk: ChunkRef) -> None:
        """Take the first of `packets` out; they are in `chunk`, which was fed last."""
        count = 0
        while count < len(packets.payloads) and self.left_us > _LEFT_US:
            self.left_us -= samples_to_us(packets.durations[count])
            self.trimmed += packets.durations[count]
            count += 1
        if not count:
            return
        size_bytes = sum(map(len, packets.payloads[:count]))
        known = self.aside[1] if self.aside else Stretch(stream.place_of(packets.payloads[0]), 0, SHARED)
        self.aside = chunk, replace(known, size_bytes=known.size_bytes + size_bytes)
        for column in (packets.payloads, packets.times_ms, packets.durations):
            del column[:count]
        packets.bases = [base - count for base in packets.bases if base >= count]


def begin_at(place: Slice, start_us: int | None, before_us: int | None) -> tuple[int, int, Seam]:
    """When a slice begins on the session clock, how much is missing before a first one, and what it shares, in µs.

    `start_us` is its start as far as it is known, and `before_us` where what was joined before it ends.
    """
    lost_us = round(1000 * place.lost * place.stride_ms)
    lead_us = lost_us if place.first else 0
    if start_us is None:
        start_us = lead_us if before_us is None else before_us + lost_us
    elif place.overlap_ms is not None and before_us is not None:
        start_us = before_us - round(1000 * place.overlap_ms)
    if place.first or before_us is None or before_us - start_us < 1000 * SHARED_MS:
        return start_us, lead_us, Seam()
    return before_us, lead_us, Seam(before_us - start_us)
