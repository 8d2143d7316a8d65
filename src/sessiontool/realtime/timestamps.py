"""When events were received: whatever a log notes, as milliseconds of the session clock.

A time may be in milliseconds or seconds, on the page's own clock or since 1970, or in words (RFC 3339).  Which one a
number is, its name and size tell; whether the small numbers of a log are seconds, only the log as a whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .log import Event

TIME_FIELDS = ("t_ms", "received_at", "timestamp")

_EPOCH_S, _EPOCH_MS, _EPOCH_US = 1e9, 1e11, 1e14
_LAST_EPOCH_US = 1e17
_SECONDS_BELOW_MS = 5.0
"""Events of a conversation are further apart than this on average, or their times are seconds."""
_FAR_MS = 24 * 3600 * 1000.0


class Receipt(NamedTuple):
    """A receive time as noted: a number, and the clock it is on.  `some` are milliseconds or seconds."""

    value: float
    clock: Literal["never", "session", "some", "epoch"]


NEVER = Receipt(0.0, "never")


def read_receipt(name: str, value: Any) -> Receipt | None:
    """What a field of that name says; None where it is no time."""
    if isinstance(value, str):
        try:
            return _number(name, float(value))
        except ValueError:
            since_1970 = epoch_ms(value)
            return None if since_1970 is None else Receipt(since_1970, "epoch")
    return _number(name, float(value)) if type(value) in (int, float) and abs(value) < _LAST_EPOCH_US else None


def _number(name: str, value: float) -> Receipt | None:
    if not isfinite(value) or not -_EPOCH_MS < value < _LAST_EPOCH_US:
        return None
    if value >= _EPOCH_MS:
        return Receipt(value if value < _EPOCH_US else value / 1000, "epoch")
    if name == "t_ms":
        return Receipt(value, "session")
    return Receipt(value * 1000, "epoch") if value >= _EPOCH_S else Receipt(value, "some")


def epoch_ms(text: str) -> float | None:
    """Milliseconds since 1970 of an instant in words (RFC 3339; UTC where no zone is named), None where it is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
    except (ValueError, OverflowError):
        return None


def set_times(events: Sequence[Event], started_at: str | None) -> list[str]:
    """Give every event its `at_ms`; returns what is doubtful about that.

    An event without a time has that of the one before it in the file.
    """
    doubts = []
    unit_ms = _unit_ms(events)
    zero_ms = epoch_ms(started_at) if started_at else None
    since_1970 = [event.receipt.value for event in events if event.receipt.clock == "epoch"]
    if since_1970 and (zero_ms is None or abs(since_1970[0] - zero_ms) > _FAR_MS):
        why = "session.json does not say `started_at`" if zero_ms is None else "`started_at` is a day away from them"
        doubts.append(f"receive times are since 1970 and {why}: the first one was taken for the session's start")
        zero_ms = min(since_1970)
    at_ms: float | None = None
    for event in events:
        value, clock = event.receipt
        if clock == "epoch":
            at_ms = value - (zero_ms or 0.0)
        elif clock != "never":
            at_ms = value * (unit_ms if clock == "some" else 1.0)
        event.at_ms = at_ms
    if events and all(event.at_ms is None for event in events):
        doubts.append("no event has a receive time: only what the server's own clocks tell is known")
    return doubts


def _unit_ms(events: Sequence[Event]) -> float:
    """What a small number of the log means: 1000 where it counts seconds."""
    values = [event.receipt.value for event in events if event.receipt.clock == "some"]
    if len(values) < 2:
        return 1.0
    return 1000.0 if (max(values) - min(values)) / (len(values) - 1) < _SECONDS_BELOW_MS else 1.0
