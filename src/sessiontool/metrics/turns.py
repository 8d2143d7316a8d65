"""Who follows whom: turns, the gaps before answers, interruptions, and how long one voice went on alone.

A short sound inside of what the other says ("mhm") is a backchannel: it takes no turn and interrupts no one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .talk import SpokenUtterance, Talk

BACKCHANNEL_MS = 600
"""At most, chosen: "mhm" and "right"."""

LEAST_OVERLAP_MS = 200
"""Chosen: who begins in the last moments of the other has not cut anything off, and places are known to some 30 ms."""

CUT_OFF_MS = 3000
"""At most, chosen: an answer that was stopped falls silent before the one who stopped it is heard."""

DEAD_AIR_MS = 3000
"""At least, chosen: as call centres count it."""


class SpokenTurn(Struct):
    """Utterances of one role that the other's do not divide."""

    role: str
    start_ms: int
    end_ms: int


class ResponseGap(Struct, frozen=True):
    """The silence before a role answers the other; `is_sure`: neither side has a doubtful place.

    `asked` and `answer` are the ids of the utterances around it.
    """

    role: str
    start_ms: int
    end_ms: int
    is_sure: bool
    asked: str = ""
    answer: str = ""

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


class Interruption(Struct, frozen=True):
    """One role begins while the other speaks.

    `recovery_ms` is until the other speaks again, None if never, or if one of the places is doubtful.
    """

    by: str
    start_ms: int
    end_ms: int
    recovery_ms: int | None


def backchannels(said: Iterable[SpokenUtterance]) -> set[str]:
    """The ids of utterances that are short and inside of one of the other's."""
    found: set[str] = set()
    outer: list[SpokenUtterance] = []
    for one in said:
        outer = [other for other in outer if other.end_ms > one.start_ms]
        is_short = one.end_ms - one.start_ms <= BACKCHANNEL_MS
        if is_short and any(other.role != one.role and other.end_ms >= one.end_ms for other in outer):
            found.add(one.id)
        outer.append(one)
    return found


def turns_of(talk: Talk) -> list[SpokenTurn]:
    """All turns, in the order of their starts."""
    small = backchannels(talk.said)
    turns: list[SpokenTurn] = []
    for one in talk.said:
        if one.id in small:
            continue
        if turns and turns[-1].role == one.role:
            turns[-1].end_ms = max(turns[-1].end_ms, one.end_ms)
        else:
            turns.append(SpokenTurn(one.role, one.start_ms, one.end_ms))
    return turns


def gaps_of(talk: Talk) -> tuple[list[ResponseGap], int]:
    """The gaps before answers, and how many were dropped because not all of the time was recorded."""
    small = backchannels(talk.said)
    gaps: list[ResponseGap] = []
    dropped = 0
    last: SpokenUtterance | None = None
    for one in talk.said:
        if one.id in small:
            continue
        if last is not None and last.role != one.role and one.start_ms >= last.end_ms:
            if talk.is_broken(last.end_ms, one.start_ms):
                dropped += 1
            else:
                is_sure = last.has_sure_end and one.is_sure
                gaps.append(ResponseGap(one.role, last.end_ms, one.start_ms, is_sure, last.id, one.id))
        if last is None or one.end_ms > last.end_ms:
            last = one
    return gaps, dropped


def interruptions_of(talk: Talk) -> list[Interruption]:
    """All interruptions: a start well inside of the other's utterance, or right after one that was cut off."""
    small = backchannels(talk.said)
    taken = [one for one in talk.said if one.id not in small]
    found: list[Interruption] = []
    last: SpokenUtterance | None = None
    for number, one in enumerate(taken):
        if last is not None and last.role != one.role:
            is_inside = one.start_ms < last.end_ms - LEAST_OVERLAP_MS
            is_cut_off = last.interrupted and one.start_ms <= last.end_ms + CUT_OFF_MS
            if is_inside or is_cut_off:
                found.append(_interruption(talk, one, last, taken[number + 1 :]))
        if last is None or one.end_ms > last.end_ms:
            last = one
    return found


def _interruption(
    talk: Talk, by: SpokenUtterance, whom: SpokenUtterance, later: Iterable[SpokenUtterance]
) -> Interruption:
    following = next((one for one in later if one.role == whom.role), None)
    again = following.start_ms if following else None
    is_sure = by.has_sure_end and whom.is_sure and (following is None or following.is_sure)
    if whom.end_ms > by.end_ms:
        again = by.end_ms  # it never stopped
    known = is_sure and again is not None and again >= by.end_ms and not talk.is_broken(by.end_ms, again)
    recovery_ms = again - by.end_ms if known and again is not None else None
    return Interruption(by.role, by.start_ms, max(by.start_ms, min(by.end_ms, whom.end_ms)), recovery_ms)


def silences_of(talk: Talk) -> list[tuple[int, int]]:
    """Where no one speaks between the first word and the last, and all of it was recorded."""
    found = []
    end_ms: int | None = None
    for one in talk.said:
        if end_ms is not None and one.start_ms > end_ms and not talk.is_broken(end_ms, one.start_ms):
            found.append((end_ms, one.start_ms))
        end_ms = max(one.end_ms, end_ms or 0)
    return found
