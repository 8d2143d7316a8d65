"""What the times of consecutive packets say: where the last one ends, and which single one is wrong.

One wrong bit in a block's relative time puts a packet out of the row.  No recorder's times run back from one packet to
the next (measured: Chrome's and Firefox's never do, nor on a busy page), so such a time is wrong, and its neighbours
say what it was.
"""

from __future__ import annotations

from itertools import accumulate
from statistics import median_low
from typing import TYPE_CHECKING

from ..model import SAMPLES_PER_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..media.packets import PacketRun

JUMP_MS = 1000
"""A step of the recorder's clock that no starved graph makes (measured: 660 ms): a lost chunk, or a suspension."""

_FEW = 5  # packets; chosen: a single timestamp may be damaged
_MOST_DROPPED_MS = 1000  # chosen: above what a busy page loses between two packets (measured: 660 ms)


def end_ms(times_ms: Sequence[int], durations: Sequence[int]) -> float:
    """Where the last packet ends on the recorder's clock, by the last few; `durations` in samples."""
    lasted = accumulate(reversed(durations[-_FEW:]))
    ends = zip(reversed(times_ms[-_FEW:]), lasted, strict=True)
    return median_low(time + length / SAMPLES_PER_MS for time, length in ends)


def correct_odd_times(packets: PacketRun) -> list[float]:
    """Put right the times that are out of the row; by how many ms each was too late, or too early if negative."""
    times = packets.times_ms
    if times == sorted(times):  # as nearly all are
        return []
    off_ms = []
    for index in list(_odd(packets)):
        right_ms = times[index - 1] + packets.durations[index - 1] // SAMPLES_PER_MS
        right_ms = min(right_ms, times[index + 1]) if index + 1 < len(times) else right_ms
        off_ms.append(float(times[index] - right_ms))
        times[index] = right_ms
    return off_ms


def _odd(packets: PacketRun) -> Iterator[int]:
    """The indexes of packets whose times are out of the row; of what begins with a base of its own, others decide."""
    times, durations, bases = packets.times_ms, packets.durations, set(packets.bases)
    found = -1
    for index in range(1, len(times) - 1):
        before, time, after = times[index - 1 : index + 2]
        if before <= time <= after or found == index - 1 or index + 1 in bases:
            continue
        passed_ms = after - before - (durations[index - 1] + durations[index]) / SAMPLES_PER_MS
        if before <= after and abs(passed_ms) <= _MOST_DROPPED_MS:
            found = index
            yield index
    last = len(times) - 1
    if last > 0 and times[last] < times[last - 1] and found != last - 1 and last not in bases:
        yield last


def jumps(packets: PacketRun) -> Iterator[int]:
    """Where times jump inside a run without a new base: a wrong one, or a recorder that was suspended."""
    times, durations = packets.times_ms, packets.durations
    for index in range(1, len(times)):
        if abs(times[index] - times[index - 1] - durations[index - 1] / SAMPLES_PER_MS) > JUMP_MS:
            yield index
