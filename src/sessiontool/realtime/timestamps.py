"""When events were received: whatever a log notes, as milliseconds of the session clock.

A receive time is a field of what an event is wrapped in, of the event itself, or stands before it in the line.  What
its numbers count, and from where, the log as a whole tells (`documents.log_clock`).
"""

from __future__ import annotations

from array import array
from functools import lru_cache
from itertools import chain, islice, pairwise
from math import isnan, nan
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ..documents.fields import arrival_rank
from ..documents.log_clock import ClockDoubt, LogClock, SessionTimes, log_clock
from ..documents.moments import MS, read_moment
from ..documents.texts import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo

    from ..documents.moments import Moment
    from ..options import LogOptions
    from .event_table import EventTable

_MOST_SAMPLES = 4000
"""Events by which a log's clock is recognised; chosen: bounded time, and far more than it takes."""
_LEAST_SAME = 3
"""Events; chosen: two may be the same by chance."""
_OWN_FIELD = "tms"
"""`t_ms`: milliseconds of the session clock, unless the length of the recording says otherwise."""


@lru_cache(maxsize=1024)
def _rank(name: str) -> tuple[int, float] | None:
    """How likely a field holds the receive time, and in what unit; None where it does not."""
    return (0, MS) if plain(name) == _OWN_FIELD else arrival_rank(name, MS)


def received_at(holders: Sequence[dict[str, Any]], options: LogOptions) -> tuple[Moment | None, str]:
    """The receive time in the first holder that has one; and the field that should have been one and is none.

    A field that the settings name counts more than any other, in whatever holder it is.
    """
    wrong = ""
    for name, value, unit in chain(_asked(holders, options), _known(holders)):
        moment = read_moment(value, options.unit_ms or unit)
        if moment is not None:
            is_own = moment.clock == "bare" and plain(name) == _OWN_FIELD and options.unit_ms is None
            return replace(moment, clock="session") if is_own else moment, ""
        wrong = wrong or name
    return None, wrong


def _asked(holders: Sequence[dict[str, Any]], options: LogOptions) -> Iterator[tuple[str, Any, float]]:
    """The fields that the settings name, each with its value and unit; a dot goes into an object."""
    for path in options.names("arrived"):
        for holder in holders:
            value: Any = holder
            for step in (path,) if path in holder else path.split("."):
                value = value.get(step) if isinstance(value, dict) else None
            if value is not None:
                yield path, value, (_rank(path.rpartition(".")[2]) or (0, MS))[1]


def _known(holders: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Any, float]]:
    """The fields whose names say that they are receive times, in each holder the likeliest first."""
    for holder in holders:
        for (_, unit), name in sorted((rank, name) for name in holder if len(name) < 40 and (rank := _rank(name))):
            if holder[name] is not None:
                yield name, holder[name], unit


def set_times(events: EventTable, times: SessionTimes, zone: tzinfo | None = None) -> LogClock:
    """Give every event its `at_ms`, oldest first; the clock says what is doubtful about that.

    An event without a time has that of the one before it in the file.
    """
    is_bare = times.recorded_ms is not None
    clock, at_ms = LogClock(), array("d", [nan]) * len(events)
    if count := _timed(events, is_bare):
        step = max(1, count // _MOST_SAMPLES)
        sample = list(islice(filter(None, _moments(events, is_bare)), 0, None, step))
        clock = log_clock(sample, times, zone=zone)
        at_ms = array("d", (nan if one is None else clock.ms(one) for one in _moments(events, is_bare)))
        if _falls(at_ms):
            events.reverse()  # the newest was written first
            at_ms.reverse()
    last_ms = nan
    for place, ms in enumerate(at_ms):
        last_ms = at_ms[place] = last_ms if isnan(ms) else ms
    events.set_times(at_ms)
    if at_ms and isnan(last_ms):
        clock.doubts.append(ClockDoubt("no event has a receive time: only what the server's own clocks say is known"))
    return clock


def _moments(events: EventTable, is_bare: bool) -> Iterator[Moment | None]:
    """When each event was received; `is_bare`: how long the recording is says whether numbers are on its clock."""
    for receipt in events.receipts():
        is_moved = is_bare and receipt is not None and receipt.clock == "session"
        yield replace(receipt, clock="bare") if receipt is not None and is_moved else receipt


def _timed(events: EventTable, is_bare: bool) -> int:
    """How many events have a receive time; none where all have the same, as that is no time."""
    count, first, differ = 0, None, False
    for moment in filter(None, _moments(events, is_bare)):
        count, first = count + 1, first or moment
        differ = differ or (moment.value, moment.clock) != (first.value, first.clock)
    return count if differ or count < _LEAST_SAME else 0


def _falls(at_ms: Iterable[float]) -> bool:
    falling = rising = 0
    for one, other in pairwise(ms for ms in at_ms if not isnan(ms)):
        falling, rising = falling + (one > other), rising + (one < other)
    return falling >= _LEAST_SAME and falling > 4 * rising
