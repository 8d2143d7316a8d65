"""The times of a stream's packets: the timestamp of the cluster at hand, and whether it is known to be theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..opus import SAMPLES_PER_MS

if TYPE_CHECKING:
    from ..packets import PacketRun

MILLISECOND_NS = 1_000_000  # by definition, and the usual unit of times (RFC 9559, section 5.1.2.9)
_MOST_SKIPPED_MS = 600
"""Chosen: sound that may be skipped in one cluster; Firefox's clusters last 1000 ms (measured), Chrome's longer."""

_LEAST_SLACK_MS = 120  # chosen: two of Chrome's packets
_SLACK = 0.6  # share of what was skipped; chosen: bytes a ms vary with the sound


class _Timestamp(Struct, frozen=True):
    """A timestamp that was read: its offset in the stream, and what was known before it."""

    offset: int
    earlier_ms: int
    was_new: bool


class Clock:
    """What is known of the next packet's time.

    A cluster's timestamp may be on the lost side of a cut, so packets after a break are not `placed` until the next
    cluster begins; but where the times show that only a few packets were skipped, inside the cluster, they are.
    """

    def __init__(self) -> None:
        self.cluster_ms = 0  # timestamp of the cluster at hand, or of the last one known
        self.placed = False
        self.continued = True  # the cluster began in an earlier piece
        self.unit_ns = MILLISECOND_NS
        self._new_base = False  # a timestamp was read since the last packet
        self._last = _Timestamp(-1, 0, False)
        self._expected: tuple[float, float] | None = None  # when the next packet comes if none is skipped; bytes a ms
        self._run: PacketRun | None = None  # the last packet is the last one of it

    @property
    def is_plain(self) -> bool:
        """Whether timestamps count milliseconds."""
        return self.unit_ns == MILLISECOND_NS

    def begin_recording(self) -> None:
        self.cluster_ms, self.placed, self.continued = 0, False, False
        self._expected = None

    def set_unit(self, unit_ns: int) -> None:
        """The unit of times, also of the timestamp that was read before it was known."""
        self.cluster_ms = self.cluster_ms * unit_ns // self.unit_ns
        self.unit_ns = unit_ns

    def begin_cluster(self) -> None:
        """A cluster begins; its timestamp comes after its head."""
        self.placed = False

    def set_timestamp(self, timestamp: int, offset: int) -> None:
        """The timestamp of the cluster, that was read at `offset` in the stream."""
        self._last = _Timestamp(offset, self.cluster_ms, self._new_base)
        self.cluster_ms = timestamp * self.unit_ns // MILLISECOND_NS
        self.placed, self.continued, self._new_base = True, False, True
        self._expected = None

    def take_back_timestamp(self, offset: int) -> None:
        """What was read at `offset` is to be read once more, or damage."""
        if self._last.offset == offset:
            self.cluster_ms, self._new_base = self._last.earlier_ms, self._last.was_new

    def time_ms(self, relative: int) -> int:
        """The time of a block in ms."""
        return self.cluster_ms + relative * self.unit_ns // MILLISECOND_NS

    def note_packet(self, run: PacketRun) -> None:
        """The next packet will be put into `run`."""
        if self._new_base:
            run.bases.append(len(run.payloads))
            self._new_base = False
        self._run = run

    def is_odd(self, time_ms: int) -> bool:
        """Whether there is time for one more packet, or nearly, before one at `time_ms`, or that is too early."""
        run = self._run
        if run is None or not run.payloads:
            return False
        return not 0 <= 2 * SAMPLES_PER_MS * (time_ms - run.times_ms[-1]) <= 3 * run.durations[-1]

    def drop_packet(self, run: PacketRun) -> None:
        """Take the last packet out of its run."""
        self._new_base = run.drop_last() or self._new_base
        self.placed = run.placed

    def break_off(self) -> None:
        """Something is wrong after the last packet."""
        run = self._run
        if self.placed and run is not None and run.payloads and run.placed:
            length_ms = run.durations[-1] / SAMPLES_PER_MS
            self._expected = run.times_ms[-1] + length_ms, len(run.payloads[-1]) / length_ms
        self.placed, self.continued = False, True

    def lose(self) -> None:
        """Bytes are missing, an unknown number."""
        self.placed, self._expected = False, None

    def settle(self, time_ms: int, skipped_bytes: int) -> None:
        """Whether the first packet after a break, at `time_ms` by the last timestamp, is in the cluster at hand."""
        if self._expected is None:
            return
        (expected_ms, rate), self._expected = self._expected, None
        skipped_ms = skipped_bytes / max(rate, 0.001)
        off_ms = abs(time_ms - expected_ms - skipped_ms)
        if skipped_ms <= _MOST_SKIPPED_MS and off_ms <= _LEAST_SLACK_MS + _SLACK * skipped_ms:
            self.placed = True
