"""Packets of an MP4 as columns: rows of them in, one behind another in the file; runs out, as of all demuxers."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from ..opus import SAMPLES_PER_SECOND
from ..packets import NO_OPUS
from ..run_collector import RunCollector
from .samples import Kinds, kinds_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..aac import FrameKinds
    from ..filler import SoundHead
    from ..packets import Ledger, PacketRun
    from .boxes import Sample


class PacketRow(Struct, frozen=True):
    """Packets with nothing between them: where the first begins in the stream, sizes in bytes, times, durations.

    Decoding times and durations count in the track's timescale.
    """

    start: int
    sizes: Sequence[int]
    times: Sequence[int]
    durations: Sequence[int]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> PacketRow:
        """Of packets that follow one another."""
        offsets, sizes, times, durations = zip(*samples, strict=True)
        return cls(offsets[0], sizes, times, durations)


class RowCollector:
    """Gathers rows of packets into runs; a packet of another kind than the recording's is damaged.

    `kinds` are those seen so far, `last` is the place of the last packet with its run, if that was not handed out.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.runs = RunCollector()
        self.kinds: Kinds | FrameKinds = Kinds()
        self.last: tuple[int, int, PacketRun] | None = None
        self.placed = True
        self._ledger = ledger
        self._recording = -1
        self._new_base = False

    def begin_recording(self, head: SoundHead) -> None:
        """What follows is of another recording."""
        self.kinds = kinds_for(head)
        self._recording += 1

    def begin_fragment(self, *, placed: bool, new_base: bool) -> None:
        """What follows is of another fragment; see `PacketRun`."""
        self.placed, self._new_base = placed, new_base

    def add(self, row: PacketRow, buf: bytes, offset: int, timescale: int, shift: int) -> int:
        """Take the packets of a row, whose bytes are all in `buf`, which begins `offset` bytes into the stream.

        `shift` is added to their times.  Returns the offset after the last.
        """
        cuts = list(accumulate(row.sizes, initial=row.start - offset))
        payloads = [buf[start:end] for start, end in pairwise(cuts)]
        stated = (duration * SAMPLES_PER_SECOND // timescale for duration in row.durations)
        durations = self.kinds.lengths_of(payloads, stated)
        times_ms = [(time + shift) * 1000 // timescale for time in row.times]
        damaged = [] if all(durations) else [index for index, duration in enumerate(durations) if not duration]
        first = 0
        for index in (*damaged, len(payloads)):
            if first < index:
                run = self.runs.run(self._recording, placed=self.placed, base=self._new_base)
                self._new_base = False
                run.payloads += payloads[first:index]
                run.times_ms += times_ms[first:index]
                run.durations += durations[first:index]
                self.last = offset + cuts[index - 1], offset + cuts[index], run
                self._ledger.payload(offset + cuts[first], offset + cuts[index])
            if index < len(payloads):
                self.runs.note_break()
                self._ledger.damage(offset + cuts[index], offset + cuts[index + 1], NO_OPUS)
            first = index + 1
        return offset + cuts[-1]

    def take_back(self, at: int) -> int | None:
        """Take back the last packet if the offset `at` is inside it; returns where that began."""
        if self.last is None or not self.last[0] < at < self.last[1]:
            return None
        start, end, run = self.last
        self._ledger.take_back_payload(start, end)
        self.last = None
        run.drop_last()
        return start
