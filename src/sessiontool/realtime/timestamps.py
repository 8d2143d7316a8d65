"""When events were received: whatever a log notes, as milliseconds of the session clock.

A receive time is a field of what an event is wrapped in, of the event itself, or stands before it in the line.  What
its numbers count, and from where, the log as a whole tells (`documents.log_clock`).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain, pairwise
from math import isnan
from typing import TYPE_CHECKING, Any

from ..documents.fields import arrival_rank
from ..documents.log_clock import ClockDoubt, LogClock, SessionTimes, log_clock
from ..documents.moments import MS, read_moment
from ..documents.texts import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from ..documents.moments import Moment
    from ..options import LogOptions
    from .event import Event

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
            return moment._replace(clock="session") if is_own else moment, ""
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


def set_times(events: list[Event], times: SessionTimes, zone: tzinfo | None = None) -> LogClock:
    """Give every event its `at_ms`, oldest first; the clock says what is doubtful about that.

    An event without a time has that of the one before it in the file.
    """
    if times.recorded_ms is not None:
        for event in events:
            if event.receipt is not None and event.receipt.clock == "session":
                event.receipt = event.receipt._replace(clock="bare")
    moments = [event.receipt for event in events if event.receipt is not None]
    if len(moments) >= _LEAST_SAME and len({(one.value, one.clock) for one in moments}) == 1:
        moments = []  # a value that all events have is no time
    clock = log_clock(moments[:: max(1, len(moments) // _MOST_SAMPLES)], times, zone=zone) if moments else LogClock()
    if moments:
        known = [clock.ms(event.receipt) for event in events if event.receipt is not None]
        falling = sum(a > b for a, b in pairwise(known))
        if falling >= _LEAST_SAME and falling > 4 * sum(a < b for a, b in pairwise(known)):
            events.reverse()  # the newest was written first
    at_ms: float | None = None
    for event in events:
        if moments and event.receipt is not None and not isnan(ms := clock.ms(event.receipt)):
            at_ms = ms
        event.at_ms = at_ms
    if events and at_ms is None:
        clock.doubts.append(ClockDoubt("no event has a receive time: only what the server's own clocks say is known"))
    return clock
