"""What a log's times may mean: its only time may be when an utterance began, or when its text arrived.

Programs that push a finished transcript note when it came, and call that its start.  A user's transcript comes after
the end of what was said, so such a "start" is late by the length of the utterance and more, which no constant can
correct.  Others note when an utterance began, and call that a time (`ts`), as if it were when its text came.  The log
does not tell which it is, but it has no ends then; the sound tells.

Not here: deciding between the readings (`align`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..model import INAUDIBLE
from .channel_matching import ASSISTANT, USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..model import Utterance

_LEAST = 3
"""Number of utterances with a start, as units of evidence, from which on a role's times are doubted; chosen."""

_TWIN_US = 50_000
"""Microseconds (s / 1,000,000); chosen: starts of what the log holds twice are no farther apart."""

_ENDLESS_SHARE = 0.9
"""Share of a role's starts that have no end, chosen: nearly all, as a few ends may come from elsewhere."""


def readings(utterances: Sequence[Utterance]) -> Iterator[list[Utterance]]:
    """The utterances as the log has them, then with starts read as arrivals, and with arrivals read as starts.

    An arrival is an end that is late.
    """
    if _same_times(utterances):
        utterances = [replace(u, t_start_us=None, t_end_us=None) for u in utterances]
    yield list(utterances)
    doubtful = [role for role in (USER, ASSISTANT) if _without_ends(utterances, role)]
    for roles in ((USER,), (ASSISTANT,), (USER, ASSISTANT)):
        if set(roles) <= set(doubtful):
            yield [_arrived(u) if u.role in roles else u for u in utterances]
    if sum(_is_arrival(u) for u in utterances) >= _LEAST:
        yield [_begun(u) if _is_arrival(u) else u for u in utterances]


def _same_times(utterances: Sequence[Utterance]) -> bool:
    """Whether all lines have one value: that is no time."""
    starts = {u.t_start_us for u in utterances}
    return len(utterances) >= _LEAST and len(starts) == 1 and None not in starts


def _without_ends(utterances: Sequence[Utterance], role: str) -> bool:
    started = [u for u in utterances if u.role == role and u.t_start_us is not None]
    endless = [u for u in started if u.t_end_us is None]
    return len(started) >= _LEAST and len(endless) >= _ENDLESS_SHARE * len(started)


def _arrived(utterance: Utterance) -> Utterance:
    """The utterance, its start taken for its end; where it is not known how long its text takes, as it is."""
    if utterance.t_end_us is not None or utterance.text == INAUDIBLE:
        return utterance
    return replace(utterance, t_start_us=None, t_end_us=utterance.t_start_us)


def _is_arrival(utterance: Utterance) -> bool:
    """Whether the log has nothing of a user's utterance but when its text came, or what is called so."""
    return utterance.role == USER and utterance.arrived_us is not None and utterance.t_start_us is None


def _begun(utterance: Utterance) -> Utterance:
    return replace(utterance, t_start_us=utterance.t_end_us, t_end_us=None)


def twins(utterances: Sequence[Utterance]) -> dict[int, int]:
    """Utterances that the log holds twice (position of the copy to that of the first): they share their sound."""
    seen: dict[tuple[str, str, str], int] = {}
    twins = {}
    for i, u in enumerate(utterances):
        first = seen.setdefault((u.id, u.role, u.text), i)
        a, b = utterances[first].t_start_us, u.t_start_us
        if first != i and (a is None or b is None or abs(a - b) < _TWIN_US):
            twins[i] = first
    return twins
