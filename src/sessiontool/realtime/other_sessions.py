"""Turns of sessions that were over before the recording began, or began after its end: a page logs on and on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..documents.log_clock import SessionTimes
    from .conversation import Conversation, Session
    from .turns import Turns

_APART_MS = 5000.0
"""Chosen: a session begins or ends up to this long before or after the recording of it."""


def leave_out_others(made: Turns, conversation: Conversation, times: SessionTimes) -> None:
    """Skip the turns of sessions that are none of the recording; one at least is."""
    others = {session.number for session in conversation.sessions if _is_other(session, times)}
    if len(others) == len(conversation.sessions):
        return  # then it is the clock that is wrong
    for turn in made.turns:
        if turn.session in others:
            made.skipped[turn.id] = "of a session before or after the recording"
    made.turns = [turn for turn in made.turns if turn.session not in others]


def _is_other(session: Session, times: SessionTimes) -> bool:
    if times.recorded_ms is None or session.last_ms is None:
        return False
    began_ms = session.created_ms if session.created_ms is not None else session.last_ms
    return session.last_ms < times.recorded_ms[0] - _APART_MS or began_ms > times.recorded_ms[1] + _APART_MS
