"""Which sessions a run takes, and why: what is known of a session in, a decision with its reason out.

Times are seconds since 1970 on the store's clock: when chunks arrived, the one time that is always written down.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import UsageError
from ..model import in_largest_unit
from ..sessions.provenance import events_in, newest_input_s, newest_sign_s
from ..sessions.role_folders import chunks_elsewhere
from ..sessions.session_end import going_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..documents.models import SessionDocument
    from ..model import SessionListing

DEFAULT_SETTLE_MINUTES = 60
"""Chosen: the longest Realtime session; what is quiet for so long has ended."""
_AGE = r"(?P<number>[0-9]{1,6})(?P<unit>[mhdw])"
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Selection(Struct, frozen=True):
    """What a run asks of a session before it takes it.

    `since_s`, `until_s`: its last chunk came in that time.  `pending`: it has ended, and was not merged or has changed
    since; with `remerge` also if it was merged with other options.  `settle_s`: it has also ended when no chunk came
    for so long.  `announced`: the caller has said that it ended, which counts where the manifest says nothing.
    """

    pending: bool = False
    since_s: float | None = None
    until_s: float | None = None
    settle_s: float = DEFAULT_SETTLE_MINUTES * 60
    announced: bool = False
    remerge: bool = False

    @property
    def asks(self) -> bool:
        return self.pending or self.since_s is not None or self.until_s is not None


def each_once(session_ids: Iterable[str]) -> Iterator[str]:
    """The ids in their order, without those that came before."""
    seen: set[str] = set()
    for session_id in session_ids:
        if session_id not in seen:
            seen.add(session_id)
            yield session_id


class Decision(Struct, frozen=True):
    """Whether a session is taken, and why."""

    take: bool
    reason: str


def by_time(selection: Selection, listing: SessionListing) -> Decision:
    """Whether the last chunk came in the time that is asked for."""
    newest_s = newest_sign_s(listing)
    if selection.since_s is not None and newest_s < selection.since_s:
        return Decision(False, f"its last chunk came before {instant(selection.since_s)}")
    if selection.until_s is not None and newest_s >= selection.until_s:
        return Decision(False, f"its last chunk did not come before {instant(selection.until_s)}")
    return Decision(True, "chosen")


def by_end(selection: Selection, listing: SessionListing, session: SessionDocument, *, now_s: float) -> Decision:
    """Whether the session has ended: by its manifest, or by the quiet since its last chunk."""
    if not listing.chunks and not events_in(listing) and not chunks_elsewhere(listing):
        others = f"; no chunk is named like {listing.ignored[0].key!r}" if listing.ignored else ""
        sign_s = newest_sign_s(listing)
        if sign_s and now_s - sign_s >= selection.settle_s:  # to merge it says what is wrong
            return Decision(True, f"it has no chunks, and nothing came for {in_largest_unit(now_s - sign_s)}")
        return Decision(False, f"it has no chunks yet{others}")
    if selection.announced and not session.parts:
        return Decision(True, "its end was announced")
    more = going_on(listing, session)
    if not more:
        return Decision(True, "every part was stopped, and its chunks are there")
    quiet_s = now_s - newest_input_s(listing)
    if quiet_s >= selection.settle_s:
        return Decision(True, f"no chunk came for {in_largest_unit(quiet_s)}")
    return Decision(False, f"{more}, and the last chunk came {in_largest_unit(quiet_s)} ago")


def read_time(text: str, option: str, *, now_s: float) -> float:
    """An instant (`2026-11-22`, `2026-11-22T08:00:00+01:00`; UTC where it does not say) or an age (`36h`, `7d`)."""
    try:
        seconds = _seconds(text.strip(), now_s)
    except (ValueError, OverflowError):
        seconds = -1.0
    if seconds < 0:
        raise UsageError(
            f"{option} {text[:40]!r} is no time",
            hint="write a day (2026-11-22), a time in RFC 3339, or an age (36h, 7d)",
        )
    return seconds


def _seconds(text: str, now_s: float) -> float:
    if age := re.fullmatch(_AGE, text):
        return now_s - timedelta(**{_UNITS[age["unit"]]: int(age["number"])}).total_seconds()
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def instant(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
