"""The clock of a log -> the session clock: what unit its numbers have, in what zone its local times are.

A value alone seldom tells.  The log as a whole does, as it has to lie in the time that was recorded: a conversation of
a minute does not take a thousand, and a log that is five hours away from it was written in another zone.  What had to
be concluded, or does not fit at all, is said.

Not here: how far a log that fits is off by seconds (`alignment`), which the sound tells.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import log, nan
from statistics import median
from typing import TYPE_CHECKING

from msgspec import Struct, field

from .moments import DAY_MS, MS, NS, TICKS, US, S, epoch_ms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from .clock_restarts import RecordedPart
    from .moments import Moment

_ZONE_STEP_MS = 1_800_000.0
"""By definition: zones are whole or half hours apart (a few, by quarters, are left out)."""
_MOST_ZONES = 28
"""By definition: steps of half an hour from UTC to UTC+14, the farthest zone."""

_MARGIN_MS = 15_000.0
"""A text may arrive so long after its sound (measured: up to 9.5 s), and a page open before its recorder starts."""
_MOST_OUTSIDE, _LEAST_OUTSIDE_COUNT = 0.6, 3
"""Share of utterances, and their number, from which on a log does not fit the recording; chosen."""
_UNIT_NAMES = {S: "seconds", MS: "milliseconds", US: "microseconds", NS: "nanoseconds", TICKS: "ticks of 100 ns"}
_UNKNOWN_LENGTH_MS = 6 * 3_600_000.0
"""Chosen: where the recording's length is not known, no session is longer."""
_MOST_LONGER, _LEAST_SAID = 1.5, 0.2
"""Ratios, chosen: a log in its right unit is not much longer than the recording, and leaves time to say a part of
what it holds."""
_SILENT_SHARE = 100.0
"""Ratio of a log's length to that of its speech; chosen: no conversation is more silent."""
_SECONDS_BELOW_MS = 5.0
"""Chosen: events of a conversation are further apart than this on average, or their times are seconds."""


class SessionTimes(Struct, frozen=True):
    """What a session knows of its own time.

    `started_at` is session-clock zero as RFC 3339, `recorded_ms` when on the session clock the first recorder was
    started and the last stopped; None where it was not recorded.  `parts` are the recorders, one after another.
    """

    started_at: str | None = None
    recorded_ms: tuple[float, float] | None = None
    parts: Sequence[RecordedPart] = ()


class ClockDoubt(Struct, frozen=True):
    """Something that was concluded (`is_sure`), or that does not fit."""

    text: str
    is_sure: bool = False


class LogClock(Struct):
    """From the moments of one log to milliseconds of the session clock."""

    units: dict[float, float] = field(default_factory=dict)
    since_ms: dict[str, float] = field(default_factory=dict)
    first_day_ms: float | None = None
    moved_ms: float = 0.0
    zone: tzinfo | None = None
    doubts: list[ClockDoubt] = field(default_factory=list)

    def ms(self, moment: Moment) -> float:
        """Milliseconds of the session clock."""
        value, clock = moment.value, moment.clock
        if clock == "bare":
            if "bare" not in self.since_ms:
                return value * self.units.get(moment.unit_ms, moment.unit_ms) + self.moved_ms
            value *= S
        if clock == "naive" and self.zone is not None:
            value = _in_zone(value, self.zone)
        if clock in {"day", "count"} and clock in self.since_ms and self.first_day_ms is not None:
            value = self.first_day_ms + (value - self.first_day_ms + DAY_MS / 2) % DAY_MS - DAY_MS / 2  # midnight
        return value - self.since_ms.get(clock, 0.0) + self.moved_ms


def log_clock(
    moments: Sequence[Moment], times: SessionTimes, *, zone: tzinfo | None = None, said_ms: float | None = None
) -> LogClock:
    """The clock of a log with these moments, in its order.

    `said_ms` is how long the texts of the log take to say, for want of a recorded length; `zone` is what the settings
    say of local times.
    """
    clock = LogClock(zone=zone)
    _find_units(clock, moments, times, said_ms)
    _find_zero(clock, moments, times)
    _look_outside(clock, moments, times)
    return clock


# -- units


def _find_units(clock: LogClock, moments: Sequence[Moment], times: SessionTimes, said_ms: float | None) -> None:
    bare = [one for one in moments if one.clock == "bare"]
    if bare and all(1e9 <= one.value < 4e9 for one in bare) and {one.unit_ms for one in bare} <= {S, MS}:
        clock.since_ms["bare"] = 0.0  # seconds since 1970, of the years 2001 to 2096
        return
    for unit in sorted({one.unit_ms for one in bare}):
        values = [one.value for one in bare if one.unit_ms == unit]
        found = _unit(values, unit, times.recorded_ms, said_ms)
        clock.units[unit] = found
        if found != unit:
            name = _UNIT_NAMES.get(found, "another unit")
            clock.doubts.append(ClockDoubt(f"its times count {name}, by how long the recording is", is_sure=True))


def _unit(
    values: Sequence[float], usual: float, recorded_ms: tuple[float, float] | None, said_ms: float | None
) -> float:
    """The unit in which a log is about as long as its recording; the usual one wherever that is possible."""
    spread = max(values) - min(values)
    if len(values) < 2 or not spread:
        spread = max(abs(value) for value in values)
    if recorded_ms is not None and recorded_ms[1] > recorded_ms[0]:
        length = recorded_ms[1] - recorded_ms[0]
        low, high = min(_LEAST_SAID * (said_ms or 0.0), length / 4), _MOST_LONGER * length + 60_000
        if said_ms is None and usual == MS and len(values) > 1:
            low = _SECONDS_BELOW_MS * (len(values) - 1)
    elif said_ms and len(values) > 1:
        length = 1.5 * said_ms
        low, high = _LEAST_SAID * said_ms, _SILENT_SHARE * said_ms + 600_000
    else:
        if len(values) < 2 or usual != MS:
            return usual
        return S if spread / (len(values) - 1) < _SECONDS_BELOW_MS else MS
    if len(values) < 2:
        low = 0.0
    if _fill(values, usual, recorded_ms):
        return usual  # whatever there was before the recording, or after it
    units = [unit for unit in (usual, S, MS, US, TICKS, NS) if low <= spread * unit <= high]
    if not units or usual in units or not spread:
        return usual
    return min(units, key=lambda unit: abs(log(spread * unit / length)))


def _fill(values: Sequence[float], unit: float, recorded_ms: tuple[float, float] | None) -> bool:
    """Whether most values are in the recording, and as far apart as it is long, nearly."""
    if recorded_ms is None:
        return False
    low, high = recorded_ms[0] - _MARGIN_MS, recorded_ms[1] + _MARGIN_MS
    inside = [value for value in values if low <= value * unit <= high]
    is_long = len(inside) > 1 and (max(inside) - min(inside)) * unit >= (recorded_ms[1] - recorded_ms[0]) / 4
    return is_long and 2 * len(inside) > len(values)


# -- zero


def _find_zero(clock: LogClock, moments: Sequence[Moment], times: SessionTimes) -> None:
    """Where session-clock zero is on each clock that does not count from there."""
    zero_ms = epoch_ms(times.started_at) if times.started_at else None
    for kind in ("epoch", "bare", "naive", "day", "count"):
        values = [one.value * (S if kind == "bare" else 1.0) for one in moments if one.clock == kind]
        if not values or (kind == "bare" and kind not in clock.since_ms):
            continue
        if kind == "count" and _is_position(values, times):
            continue
        if kind == "naive" and clock.zone is not None:
            values = [_in_zone(value, clock.zone) for value in values]
        if kind in {"day", "count"}:
            clock.first_day_ms = values[0]
            values = [values[0] + (v - values[0] + DAY_MS / 2) % DAY_MS - DAY_MS / 2 for v in values]
        clock.since_ms[kind] = _zero(clock, kind, values, zero_ms, times)


def _in_zone(naive_ms: float, zone: tzinfo) -> float:
    """Milliseconds since 1970 of a local time, itself given as such."""
    try:
        return datetime.fromtimestamp(naive_ms / 1000, UTC).replace(tzinfo=zone).timestamp() * 1000
    except (ValueError, OverflowError, OSError):
        return naive_ms


def _is_position(values: Sequence[float], times: SessionTimes) -> bool:
    """Whether `H:MM:SS` counts from the start of the session, and is no time of day."""
    if times.recorded_ms is not None:
        return _share_within(values, 0.0, times) >= 0.5 or max(values) < times.recorded_ms[1]
    return not times.started_at or min(values) < _ZONE_STEP_MS


def _zero(clock: LogClock, kind: str, values: Sequence[float], zero_ms: float | None, times: SessionTimes) -> float:
    """What is to be taken off the values of one clock."""
    start_ms = times.recorded_ms[0] if times.recorded_ms else 0.0
    what = {"day": "times of day", "count": "times of day", "naive": "local times"}.get(kind, "times since 1970")
    if zero_ms is None and max(values) == min(values):
        return nan  # one moment alone cannot be compared to anything
    if zero_ms is None:
        clock.doubts.append(
            ClockDoubt(
                f"it has {what}, and session.json does not say `started_at`: the first one was taken for the start"
            )
        )
        return min(values) - start_ms
    if kind in {"day", "count"}:
        middle = median(values)
        zero_ms = zero_ms % DAY_MS + DAY_MS * round((middle - zero_ms % DAY_MS) / DAY_MS)
    is_local = kind in {"day", "count"} or (kind == "naive" and clock.zone is None)
    hours = _zone_off(values, zero_ms, times, is_local=is_local)
    if hours is None:
        clock.doubts.append(
            ClockDoubt(f"its {what} are more than a day away from `started_at`: the first one was taken for the start")
        )
        return min(values) - start_ms
    if hours:
        text = f"its {what} are {abs(hours):g} h {'ahead of' if hours > 0 else 'behind'} `started_at`"
        clock.doubts.append(ClockDoubt(f"{text}, as in another zone: that was taken off", is_sure=is_local))
    return zero_ms + hours * 3_600_000


def _zone_off(values: Sequence[float], zero_ms: float, times: SessionTimes, *, is_local: bool) -> float | None:
    """How many hours, whole or half, values are ahead of the recording; None where they are more than a day away."""
    if times.recorded_ms is None:
        first = min(values) - zero_ms
        if abs(first) > DAY_MS:
            return None
        if first >= -60_000 and (not is_local or first < _ZONE_STEP_MS - 60_000):
            return 0.0
        steps = (first + 60_000) // _ZONE_STEP_MS
        return steps / 2 if is_local and abs(steps) <= _MOST_ZONES else 0.0
    best, most = 0, _share_within(values, zero_ms, times)
    if most < 0.5:
        for steps in sorted(range(-_MOST_ZONES, _MOST_ZONES + 1), key=abs):
            share = _share_within(values, zero_ms + steps * _ZONE_STEP_MS, times)
            if share > most + 0.01:
                best, most = steps, share
        if most < 0.5:
            return None if abs(median(values) - zero_ms) > DAY_MS else 0.0
    return best / 2


def _share_within(values: Sequence[float], zero_ms: float, times: SessionTimes) -> float:
    low, high = times.recorded_ms or (0.0, _UNKNOWN_LENGTH_MS)
    within = sum(low - _MARGIN_MS <= value - zero_ms <= high + _MARGIN_MS for value in values)
    return within / len(values)


# -- outside


def _look_outside(clock: LogClock, moments: Sequence[Moment], times: SessionTimes) -> None:
    """Move a log of which most is outside the recording into it, where it fits; say so, or that it does not."""
    if times.recorded_ms is None or len(moments) < _LEAST_OUTSIDE_COUNT:
        return
    low, high = times.recorded_ms
    at = sorted(clock.ms(moment) for moment in moments)
    outside = sum(not low - _MARGIN_MS / 3 <= value <= high + _MARGIN_MS / 3 for value in at) / len(at)
    if outside < _MOST_OUTSIDE:
        return
    first, last = at[len(at) // 50], at[-1 - len(at) // 50]
    where = (
        f"{at[0] / 1000:.1f} to {at[-1] / 1000:.1f} s of the session clock, "
        f"the recording is {low / 1000:.1f} to {high / 1000:.1f} s"
    )
    if last - first > high - low + _MARGIN_MS:
        clock.doubts.append(ClockDoubt(f"it does not fit the recording: its times are {where}"))
        return
    clock.moved_ms = (low + high - first - last) / 2
    clock.doubts.append(
        ClockDoubt(
            f"it is outside the recording: its times are {where}; it was moved by {clock.moved_ms / 1000:+.1f} s"
        )
    )
