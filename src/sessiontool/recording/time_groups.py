"""Packets that share one base of times, and what one wrong bit does to such a base."""

from __future__ import annotations

from array import array
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ..model import SAMPLES_PER_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_EDGE_PACKETS = 8
"""Timestamps jitter by 10 ms, and by 250 on a busy page (measured): of as many (chosen) the earliest is right."""

STEP_MS = 25
"""Between two groups of a recorder that lost nothing the clock steps by 8 ms at most (measured on 28 recordings)."""

_JITTER_MS = 100  # chosen: more than a few packets jitter
_COUNTED_BITS = 40  # chosen: more than a year of samples
_LATE_SHARE = 0.5  # ratio, of a jump, by which a blob must be later than usual; chosen
EXACT_MS = 1.0  # chosen: WebM's own precision
_EXACT_SHARE = 0.9  # of the steps between groups; chosen (measured: all of Firefox's, 64 % of Chrome's at most)
_BIT_JITTER_MS = 12  # chosen: timestamps jitter by 10 ms (measured)


class Group(Struct):
    """Consecutive packets that share one base of times; `claimed` says whether that base was read.

    `times_ms` are as read: where not `claimed` they count from the last base that was.  `after_break`: bytes are
    missing before it, and they probably lasted `lost_ms`; one that does not `has_base` goes on with the base of the
    group before.  `blob_lag_ms` is how much later than the group's end its blob came, None where that is not known.
    """

    piece: int
    claimed: bool
    after_break: bool
    lost_ms: float = 0.0
    times_ms: array[int] = field(default_factory=lambda: array("q"))
    durations: array[int] = field(default_factory=lambda: array("q"))
    blob_lag_ms: float | None = None
    last_piece: int = 0
    is_head: bool = False
    has_base: bool = True

    @property
    def length_ms(self) -> float:
        return sum(self.durations) / SAMPLES_PER_MS

    def end_ms(self, shift_ms: float) -> float:
        """Where its last packet ends, by its last packets, with what is to be added to its times."""
        return self.offsets()[1] + self.length_ms + shift_ms

    def offsets(self) -> tuple[float, float]:
        """Where its sample count begins on its own clock: by its first packets, and by its last."""
        off = self._offsets_ms()
        return _earliest(off[:_EDGE_PACKETS]), _earliest(off[-_EDGE_PACKETS:])

    def is_exact(self, within_ms: float) -> bool:
        """Whether its sample count begins in the same place by all of its packets, as far as a few show it."""
        off = self._offsets_ms()
        if len(off) <= _EDGE_PACKETS:  # its first packets are its last ones
            return max(off) - min(off) <= within_ms
        return abs(_earliest(off[-_EDGE_PACKETS:]) - _earliest(off[:_EDGE_PACKETS])) <= within_ms

    def _offsets_ms(self) -> list[float]:
        starts = accumulate(self.durations, initial=0)
        return [time - start / SAMPLES_PER_MS for time, start in zip(self.times_ms, starts, strict=False)]


def _earliest(off_ms: Sequence[float]) -> float:
    """The earliest of a few packets, without a single one that a wrong bit makes too early."""
    first, *others = sorted(off_ms)
    return others[0] if others and off_ms[0] != first and looks_like_a_bit(others[0] - first) else first


def looks_like_a_bit(step_ms: float, ticks_per_ms: int = 1, jitter_ms: int = _BIT_JITTER_MS) -> bool:
    """Whether a step is what one wrong bit makes in a timestamp that counts `ticks_per_ms`, but for its jitter."""
    size = round(abs(step_ms) * ticks_per_ms)
    nearest = 1 << max(0, size.bit_length() - 1)
    off = min(abs(size - nearest), abs(size - 2 * nearest))
    return abs(step_ms) > STEP_MS and off <= jitter_ms * ticks_per_ms


def flips(group: Group, by_ms: float) -> bool:
    """Whether one bit of a group's base moves it `by_ms`; what counts from the base of another may be moved by any."""
    return not group.has_base or any(abs(ms - by_ms) <= STEP_MS for ms in flipped(group))


def flipped(group: Group, ticks_per_ms: int = 1) -> list[float]:
    """By how many ms one wrong bit of a group's base may have moved it; none where the base is another group's."""
    base = group.times_ms[0]
    if not group.has_base:
        return []
    if ticks_per_ms > 1:  # the base was rounded: which bits it had is not known
        return [sign * (1 << bit) / ticks_per_ms for bit in range(_COUNTED_BITS) for sign in (1, -1)]
    return [float((base ^ 1 << bit) - base) for bit in range(base.bit_length() + 1)]


def split_at_odd_duration(groups: Sequence[Group]) -> Iterator[Group]:
    """The groups, those in two inside which a time jumps that the next base knows nothing of.

    One wrong bit in the duration of an MP4's sample moves what is after it in the fragment, and not the next fragment.
    """
    for index, group in enumerate(groups):
        after = groups[index + 1] if index + 1 < len(groups) else None
        cut = _odd_duration(group, after) if after else None
        if cut is None:
            yield group
            continue
        yield replace(group, times_ms=group.times_ms[:cut], durations=group.durations[:cut], blob_lag_ms=None)
        rest = replace(group, times_ms=group.times_ms[cut:], durations=group.durations[cut:])
        rest.after_break, rest.lost_ms, rest.has_base = False, 0.0, False
        yield rest


def _odd_duration(group: Group, after: Group) -> int | None:
    """The index of the packet before which a group's time jumps by as much as the next one steps back; None if none."""
    if not (group.claimed and after.claimed and after.has_base) or after.after_break:
        return None
    (head, tail), next_head = group.offsets(), after.offsets()[0]
    jump, step = tail - head, next_head - tail - group.length_ms
    if abs(jump) <= STEP_MS or abs(jump + step) > STEP_MS:
        return None
    times, durations = group.times_ms, group.durations
    steps = [times[i] - times[i - 1] - durations[i - 1] / SAMPLES_PER_MS for i in range(1, len(times))]
    at = min(range(len(steps)), key=lambda i: abs(steps[i] - jump))
    return at + 1 if abs(steps[at] - jump) <= STEP_MS else None


def came_late(groups: Sequence[Group], index: int, jump_ms: float) -> bool:
    """Whether the blob that ends with a group was handed over after the jump behind it: the recorder was suspended.

    A blob is not delayed by others that are lost behind it.
    """
    usual = sorted(group.blob_lag_ms for group in groups if group.blob_lag_ms is not None)
    lag_ms = groups[index].blob_lag_ms
    return lag_ms is not None and len(usual) > 1 and lag_ms - usual[(len(usual) - 1) // 2] > _LATE_SHARE * jump_ms


def runs_on(groups: Sequence[Group], index: int) -> bool:
    """Whether a group begins where the one before ends by their own times: lost blobs would have taken time.

    One that counts from a base before it needs another base behind it: its own may be lost, and as long as a blob ago.
    """
    for at in range(index, len(groups)) if index else ():
        before, group = groups[at - 1 : at + 1]
        if not (group.claimed and before.claimed) or abs(group.offsets()[0] - before.end_ms(0)) > STEP_MS:
            return False
        if group.has_base:
            return True
    return False


def runs_back(before: Group, group: Group) -> bool:
    """Whether a group begins before another one ends; by enough packets the clock is steady to 12 ms (measured)."""
    most_ms = STEP_MS if len(before.times_ms) >= _EDGE_PACKETS else _JITTER_MS
    return group.offsets()[0] < before.end_ms(0) - most_ms


def are_exact(groups: Sequence[Group]) -> bool:
    """Whether times count samples, as Firefox's do: then a browser that drops sound leaves no step in them."""
    steps = [abs(b.offsets()[0] - a.end_ms(0)) for a, b in pairwise(groups) if not b.after_break]
    exact = sum(step_ms <= EXACT_MS for step_ms in steps)
    return all(group.is_exact(EXACT_MS) for group in groups) and exact >= _EXACT_SHARE * len(steps)


def is_steady(group: Group, before: Sequence[Group], most_ms: float) -> bool:
    """Whether a group goes on in the one before: with its base, and at most `most_ms` behind it."""
    return group.is_head and group.offsets()[0] - before[-1].end_ms(0) <= most_ms


def end_at(groups: Sequence[Group], end_ms: float | None, most_ms: float) -> None:
    """Let what is lost before the last group last until that ends at `end_ms`, where it has no base of its own.

    At most `most_ms` are lost: more, and the recorder's clock stood still.
    """
    if end_ms is None or len(groups) < 2:
        return
    before, last = groups[-2:]
    lost_ms = end_ms - last.length_ms - before.end_ms(0)
    if before.claimed and last.after_break and not last.claimed and 0 < lost_ms <= most_ms:
        last.lost_ms = lost_ms
