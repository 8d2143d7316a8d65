"""What is to be done with the times of a run's packets, applied as they are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ..media.packets import PacketRun

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..media.filler import SoundHead


class Step(Struct):
    """The next `count` packets get `shift_ms` added; before the first of them `lost` or `suspended` time passed."""

    count: int
    shift_ms: int
    lost: bool = False
    suspended: bool = False


class TimeMap(Struct):
    """Applied to packets in the order in which they were measured; one without steps changes nothing.

    `suspended_ms` is how long the recorder's clock was suspended in all, `head` what was found of its sound.
    """

    steps: dict[int, list[Step]] = field(default_factory=dict)
    suspended_ms: float = 0.0
    head: SoundHead | None = None
    _pending: list[Step] = field(default_factory=list)

    def begin(self, recording: int) -> None:
        """The packets of this recording follow."""
        self._pending = [replace(step) for step in reversed(self.steps.get(recording, []))]

    def apply(self, packets: PacketRun) -> Iterator[PacketRun]:
        """A run, with its times as they should be."""
        done, count = 0, len(packets.payloads)
        while done < count and self._pending:
            step = self._pending[-1]
            size = min(step.count, count - done)
            whole = size == count and not (step.shift_ms or step.lost or step.suspended)
            yield packets if whole else _part(packets, done, done + size, step)
            done, step.count = done + size, step.count - size
            step.lost = step.suspended = False
            if not step.count:
                self._pending.pop()
        if done < count:
            yield packets if not done else _part(packets, done, count, Step(0, 0))


def _part(packets: PacketRun, start: int, stop: int, step: Step) -> PacketRun:
    return PacketRun(
        packets.recording,
        placed=True,
        continued=packets.continued,
        after_break=step.lost or (packets.after_break and not start),
        suspended=step.suspended,
        payloads=packets.payloads[start:stop],
        times_ms=[time_ms + step.shift_ms for time_ms in packets.times_ms[start:stop]],
        durations=packets.durations[start:stop],
    )
