"""Times of session.json that count from 1970, as a page writes them that notes `Date.now()`, on the session clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..model import Finding
from .moments import DAY_MS, EPOCH_MS, EPOCH_US, epoch_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .models import PartEntry, SessionDocument


def on_session_clock(session: SessionDocument, name: str) -> tuple[SessionDocument, list[Finding]]:
    """The document with its times on the session clock, which is zero at `started_at`, and what was concluded.

    Where all of them count milliseconds since 1970, they are counted from `started_at`; where that is missing or more
    than a day away, from the first of them, which is `started_at` then.  A document of which only some do is left as it
    is.
    """
    times_ms = [time_ms for part in session.parts for time_ms in _times_ms(part)]
    if not times_ms or not all(EPOCH_MS <= time_ms < EPOCH_US for time_ms in times_ms):
        return session, []
    first_ms = min(times_ms)
    started_at, whence = session.started_at, "`started_at`"
    zero_ms = epoch_ms(started_at) if started_at else None
    if zero_ms is None or abs(first_ms - zero_ms) > DAY_MS:
        zero_ms, whence = first_ms, "the first of them"
        started_at = datetime.fromtimestamp(zero_ms / 1000, UTC).isoformat(timespec="milliseconds")
    message = f"{name}: its times count milliseconds since 1970: they are taken from {whence} on"
    hint = "note times in milliseconds since `started_at`: what `performance.now()` has gained since then"
    parts = [moved(part, -zero_ms) for part in session.parts]
    found = Finding("session-clock", "info", message, hint=hint)
    return replace(session, parts=parts, started_at=started_at), [found]


def _times_ms(part: PartEntry) -> Iterator[float]:
    yield from (time_ms for time_ms in (part.start_ms, part.stop_ms) if time_ms is not None)
    yield from (chunk.emitted_ms for chunk in part.chunks if chunk.emitted_ms is not None)
    for pause in part.pauses:
        yield from (pause.start_ms, pause.end_ms)


def moved(part: PartEntry, by_ms: float) -> PartEntry:
    """The part, its times later by so much."""

    def later(time_ms: float | None) -> float | None:
        return None if time_ms is None else time_ms + by_ms

    return replace(
        part,
        start_ms=later(part.start_ms),
        stop_ms=later(part.stop_ms),
        chunks=[replace(chunk, emitted_ms=later(chunk.emitted_ms)) for chunk in part.chunks],
        pauses=[replace(pause, start_ms=pause.start_ms + by_ms, end_ms=pause.end_ms + by_ms) for pause in part.pauses],
    )
