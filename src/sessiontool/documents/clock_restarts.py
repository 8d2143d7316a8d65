"""Clocks that begin anew with each part: a page that is loaded again counts from zero, in its notes and in its log."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..model import Finding
from .epoch_times import moved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .models import PartEntry, SessionDocument

_BACK_MS = 5000.0
"""Chosen: an utterance may have been noted so long after one that began later."""
_MARGIN_MS = 15_000.0
"""Chosen: a text may arrive so long after its sound, also after the recorder was stopped."""
_OVERLAP = 0.5
"""Of the shorter of two parts; chosen: recorders that take turns record less at the same time."""

_STOPPED_AT_ONCE_MS = 100.0
"""Between the stops of recorders that one call stopped (chosen; measured: 1 ms)."""
_LATER_START = 3.0
"""Chosen, a ratio: the starts of two recorders that ran at once differ by so much more than their stops."""


class RecordedPart(Struct, frozen=True):
    """When a part was recorded, in ms of the session clock."""

    start_ms: float
    stop_ms: float


def recorded_parts(session: SessionDocument) -> list[RecordedPart]:
    """The parts, where it was noted of each when it was recorded; none where one recorder was not after another."""
    parts = [_recorded(part) for part in session.parts]
    if None in parts or any(part.role for part in session.parts):
        return []
    return [part for part in parts if part]


def _recorded(part: PartEntry) -> RecordedPart | None:
    ends_ms = [chunk.emitted_ms for chunk in part.chunks if chunk.emitted_ms is not None]
    stop_ms = part.stop_ms if part.stop_ms is not None else max(ends_ms, default=None)
    if part.start_ms is None or stop_ms is None or stop_ms <= part.start_ms:
        return None
    return RecordedPart(part.start_ms, stop_ms)


def one_after_another(session: SessionDocument, name: str) -> tuple[SessionDocument, list[Finding]]:
    """The document with its parts behind one another, where each counts from its own beginning, and what is doubtful.

    Their order is that of the list; the time between them was not noted.
    """
    parts = recorded_parts(session)
    if len(parts) < 2 or not all(_starts_again(one, other) for one, other in pairwise(parts)):
        return session, []
    entries, end_ms = [session.parts[0]], parts[0].stop_ms
    for entry, part in zip(session.parts[1:], parts[1:], strict=True):
        entries.append(moved(entry, end_ms))
        end_ms += part.stop_ms
    message = f"{name}: the times of each part count from its own beginning: parts were put behind one another"
    hint = "note times since `started_at`; `performance.now()` begins anew when the page is loaded again.  Where two "
    hint += "recorders ran at once, they are in this result one after the other: leave one of them out"
    return replace(session, parts=entries), [Finding("session-clock", "warning", message, hint=hint)]


def _starts_again(one: RecordedPart, other: RecordedPart) -> bool:
    """Whether a part was recorded at the time of the one before, and not by a recorder beside it.

    Of recorders of different sound each has a role.  Two of the same are started one after the other and stopped at
    once; parts of a page that was loaded again last for any time, or all for the same.
    """
    starts_ms, stops_ms = abs(one.start_ms - other.start_ms), abs(one.stop_ms - other.stop_ms)
    if stops_ms <= _STOPPED_AT_ONCE_MS and starts_ms > _LATER_START * stops_ms:
        return False
    both_ms = min(one.stop_ms, other.stop_ms) - max(one.start_ms, other.start_ms)
    shorter_ms = min(one.stop_ms - one.start_ms, other.stop_ms - other.start_ms)
    return both_ms > _OVERLAP * shorter_ms


def restarts(times_ms: Sequence[float], parts: Sequence[RecordedPart]) -> list[float]:
    """By how much the times of a log, in its order, are too early, in ms; empty where its clock does not begin anew.

    It does where the times fall as often as there are parts after the first, each stretch fits its part's length, and
    none reaches the last part.
    """
    if len(parts) < 2 or not times_ms or max(times_ms) >= parts[-1].start_ms:
        return []
    stretch, highest_ms, stretches = 0, times_ms[0], []
    for time_ms in times_ms:
        if time_ms < highest_ms - _BACK_MS and time_ms < parts[0].start_ms + _MARGIN_MS:
            stretch, highest_ms = stretch + 1, time_ms
        highest_ms = max(highest_ms, time_ms)
        stretches.append(stretch)
    if stretch != len(parts) - 1:
        return []
    late_ms = [part.start_ms - parts[0].start_ms for part in parts]
    fits = all(
        time_ms < parts[at].stop_ms - late_ms[at] + _MARGIN_MS for time_ms, at in zip(times_ms, stretches, strict=True)
    )
    return [late_ms[at] for at in stretches] if fits else []
