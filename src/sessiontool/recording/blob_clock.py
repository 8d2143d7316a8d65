"""When the recorder handed its blobs over: a second clock, besides the file's own, where session.json has it.

A blob's `dataavailable` comes a steady while after the end of its last packet.  So the noted instants show time that
left no trace in the file, and end what was lost with a chunk.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..documents.models import PartEntry

_USUAL_LAG_MS = 60
"""Between the end of a blob's last packet and its `dataavailable` (measured in Chrome: 54 to 72)."""

_UNNOTICED_MS = 100
"""Growth of the lag that is no jitter (measured: -19 to 13 ms in Firefox, 122 ms at most in Chrome)."""

_SOUND_CARD_DRIFT = 0.0002
"""Share by which the clock of a sound card may differ from the computer's; chosen, twice what cards state."""

SUSPENDED_MS = 2000
"""A lasting step of the lag between two blobs that no busy page makes (measured: 658 ms): the machine slept."""


_BEFORE_STOP_MS = 40
"""`stop()` hands a last blob over at once (measured: 1 to 44 ms later).  Where the last noted one was handed over this
long before (chosen: recorders may note the `stop` event, which comes a moment later), another one came after it."""

_UNSENT_MS = 100
"""What was on its way to the encoder at `stop()` is in no blob (measured: 78 ms)."""

_EARLY = 0.9
"""Share of the usual time between two blobs in which none is due (chosen; a timer comes late, not early)."""

_FEWEST_STEPS = 3  # times between blobs that say how long one usually lasts; chosen

_UNNOTED_STOP_MS = 1000  # chosen: as _UNNOTED_DRIFT, for recordings too short for a share
_UNNOTED_DRIFT = 0.02
"""Share that may be missing at `stop_ms` where no blob's instant was noted: a busy Firefox drops sound without a trace
(measured: 0.5 s in 60 s)."""


class BlobClock:
    """The session's instants of a part on its recorder's clock, in ms.

    Where the recorder's start was not noted, its first blob gives it.
    """

    def __init__(self, entry: PartEntry | None) -> None:
        self.started_ms = entry.start_ms if entry else None
        self._stop_ms = entry.stop_ms if entry else None
        self._emitted = {c.seq: c.emitted_ms for c in entry.chunks if c.emitted_ms is not None} if entry else {}
        self._pauses = [(p.start_ms, p.end_ms) for p in entry.pauses] if entry else []
        self.lags_ms: dict[int, float] = {}
        """By chunk number: how long after the end of its last packet a blob was handed over."""

    def began(self, seq: int, end_ms: int) -> None:
        """The recording's first blob, `seq`, ends at `end_ms` of the recorder's clock."""
        emitted_ms = self._emitted.get(seq)
        if self.started_ms is None and emitted_ms is not None:
            self.started_ms = emitted_ms - end_ms - _USUAL_LAG_MS

    def saw(self, seq: int, end_ms: int) -> None:
        """A blob's last packet ends at `end_ms` of the recorder's clock."""
        recorder_ms = self.emitted_ms(seq)
        if recorder_ms is not None:
            self.lags_ms[seq] = recorder_ms - end_ms

    def end_ms(self, seq: int) -> int | None:
        """Where on the recorder's clock the last packet of a blob must have ended that is lost; None if not noted."""
        if seq == max(self._emitted, default=None) and self._stop_ms is not None:
            recorder_ms = self._at(self._stop_ms)  # the last one comes at once
            return None if recorder_ms is None else round(recorder_ms)
        recorder_ms = self.emitted_ms(seq)
        return None if recorder_ms is None else round(recorder_ms - self._lag_ms(seq))

    def active_ms(self, seq: int) -> float | None:
        """When a blob was handed over, on the session clock without the pauses before; None if not noted."""
        emitted_ms = self._emitted.get(seq)
        return None if emitted_ms is None else emitted_ms - self._paused_ms(emitted_ms)

    def emitted_ms(self, seq: int) -> float | None:
        """When a blob was handed over, on the recorder's clock; None if not noted."""
        emitted_ms = self._emitted.get(seq)
        return None if emitted_ms is None else self._at(emitted_ms)

    def unnoticed_ms(self) -> float:
        """How much time was lost without a trace in the file, little by little.

        How much later blobs came at the end than at the start, where all of them did: a page that is busy or hidden
        makes some late.
        """
        lags_ms = list(self.lags_ms.values())
        if len(lags_ms) < 3:
            return 0
        third = len(lags_ms) // 3
        allowed_ms = max(_UNNOTICED_MS, _SOUND_CARD_DRIFT * self._lasted_ms())
        grown_ms = median(lags_ms[-third:]) - min(lags_ms[:third])
        return grown_ms if min(grown_ms, min(lags_ms[-third:]) - min(lags_ms[:third])) > allowed_ms else 0

    def _lasted_ms(self) -> float:
        """Between the first blob that was handed over and the last one."""
        return max(self._emitted.values()) - min(self._emitted.values())

    def unstored_ms(self, end_ms: float) -> float:
        """How much sound was recorded after the last blob that is known, by when the recorder was stopped; else 0.

        The sound that is there ends at `end_ms` of the recorder's clock.
        """
        if self._stop_ms is None or (stop_ms := self._at(self._stop_ms)) is None:
            return 0
        noted_ms = max(self._emitted.values(), default=None)
        if noted_ms is None:
            allowed_ms = _UNNOTED_STOP_MS + _UNNOTED_DRIFT * end_ms
        elif self._stop_ms - noted_ms <= _BEFORE_STOP_MS:
            return 0
        else:
            allowed_ms = _UNSENT_MS
        lost_ms = stop_ms - end_ms - self.unnoticed_ms()
        return lost_ms if lost_ms > allowed_ms else 0

    @property
    def ended_by_itself(self) -> bool:
        """Whether the last blob came early, as no other did, and none came after it until the stop.

        A recorder whose tracks have ended, as those of a microphone that was taken away do, hands over what it has.
        """
        began_ms = [] if self.started_ms is None else [self.started_ms]
        steps_ms = [after - before for before, after in pairwise([*began_ms, *sorted(self._emitted.values())])]
        if self._stop_ms is None or len(steps_ms) <= _FEWEST_STEPS:
            return False
        *others_ms, last_ms = steps_ms
        usual_ms = median(others_ms)
        return last_ms < _EARLY * usual_ms <= min(others_ms) and self._stop_ms - max(self._emitted.values()) > usual_ms

    def suspensions(self) -> dict[int, float]:
        """Lasting steps of the lag, by the number of the first blob that came late, in ms.

        A recorder that was suspended with the machine shows them.  A page that was busy for a moment makes one
        blob late and the next one not, a hidden one many that are handed over together.
        """
        steps: dict[int, float] = {}
        numbers = list(self.lags_ms)
        least_ms = self._least_lags_ms()
        for index in range(1, len(numbers)):
            before = [self.lags_ms[seq] for seq in numbers[max(0, index - 3) : index]]
            after = [self.lags_ms[seq] for seq in numbers[index : index + 3]]
            step = min(after) - max(before)
            if step > SUSPENDED_MS and least_ms[index] - max(before) > SUSPENDED_MS:
                steps[numbers[index]] = step
        return steps

    def _least_lags_ms(self) -> list[float]:
        """The least lag of each blob and all behind it, until the clock was set back."""
        found: list[float] = []
        after: int | None = None
        for seq in reversed(self.lags_ms):
            was_set_back = after is not None and self._emitted[after] < self._emitted[seq]
            least_ms = self.lags_ms[seq] if was_set_back or not found else min(found[-1], self.lags_ms[seq])
            found.append(least_ms)
            after = seq
        return found[::-1]

    def _lag_ms(self, seq: int) -> float:
        """How long after the end of its last packet a blob was handed over of which that end is lost."""
        others = [lag_ms for number, lag_ms in self.lags_ms.items() if number != seq]
        return median(others) if others else _USUAL_LAG_MS

    def _at(self, session_ms: float) -> float | None:
        """The recorder's clock at an instant of the session clock; None where its start is not known."""
        if self.started_ms is None:
            return None
        return session_ms - self.started_ms - self._paused_ms(session_ms)

    def _paused_ms(self, session_ms: float) -> float:
        """How long the recorder was paused before an instant of the session clock."""
        return sum(min(end, session_ms) - start for start, end in self._pauses if start < session_ms)
