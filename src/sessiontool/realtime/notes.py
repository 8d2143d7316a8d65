"""What stands in a log and was not spoken: instructions, pushed context, texts, tools and what they gave.

A new session is given what was said in the one before: such items are recognised by their text and left out.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ..model import Note
from .lost_answers import unanswered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .conversation import Conversation, Fragment, Item
    from .session_clock import SessionClock
    from .turn import Turn

_NO_LETTER = r"[\W_]+"
_LEAST_PREFIX, _MOST_COMPARED = 12, 50
"""Letters that recognise a text by its beginning, and texts it is compared with; chosen: neither chance nor
quadratic time."""
_TOOL_KINDS = {
    "function_call": "tool_call",
    "mcp_call": "tool_call",
    "function_call_output": "tool_result",
    "mcp_approval_request": "approval_request",
    "mcp_approval_response": "approval",
}
_PUSHING_ROLES = ("system", "developer")


class Context(Struct):
    """Notes by time, and the ids of items that only repeated an earlier session."""

    notes: list[Note] = field(default_factory=list)
    resent: list[str] = field(default_factory=list)


def context_of(conversation: Conversation, turns: Sequence[Turn], clocks: Mapping[int, SessionClock]) -> Context:
    """Everything in the conversation that is no turn."""
    made = Context()
    said = _Said(turns)
    for item in sorted(conversation.items.values(), key=lambda item: item.place):
        note = None if item.type == "message" and item.is_spoken else _note(item)
        if note is None:
            continue
        if _repeats(item, note, said):
            made.resent.append(item.id)
        else:
            made.notes.append(note)
        said.add_note(item, note)
    for number, pushed in enumerate(conversation.pushed):
        name = f"{pushed.kind}-{number}"
        made.notes.append(Note(name, pushed.kind, pushed.text, _us(pushed.at_ms), extra=pushed.extra))
    made.notes += (
        Note(one.id, "failed_answer", one.reason or one.status, _us(one.first_ms), "assistant")
        for one in unanswered(conversation)
    )
    made.notes += _appended(conversation.fragments, clocks)
    made.notes.sort(key=lambda note: (note.t_us is None, note.t_us or 0))
    return made


def _us(at_ms: float | None) -> int | None:
    return None if at_ms is None else round(at_ms * 1000)


def _note(item: Item) -> Note | None:
    if item.type in _TOOL_KINDS:
        return Note(item.id, _TOOL_KINDS[item.type], "", _us(item.first_ms), extra=dict(sorted(item.tool.items())))
    text = item.text()
    if item.type != "message" or not text:
        return None
    kind = "context" if item.role in _PUSHING_ROLES else "text"
    return Note(item.id, kind, text, _us(item.first_ms), item.role)


def _appended(fragments: Iterable[Fragment], clocks: Mapping[int, SessionClock]) -> Iterable[Note]:
    """Fragments of no length in a Live transcript: context that was appended at a moment."""
    for number, fragment in enumerate(fragments):
        if fragment.end_ms <= fragment.start_ms and fragment.text.strip():
            at_ms = clocks[fragment.session.number].at(fragment.start_ms)
            yield Note(f"appended-{number}", "context", fragment.text.strip(), _us(at_ms), fragment.role)


# -- said before


class _Said:
    """What was said and put in so far, to be recognised by its letters."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._texts: dict[str, list[tuple[str, int]]] = {}
        for turn in turns:
            self._texts.setdefault(turn.role, []).append((_letters(turn.text), turn.session))
        for known in self._texts.values():
            known.sort()
        self._notes: dict[tuple[str, str], int] = {}

    def add_note(self, item: Item, note: Note) -> None:
        if note.text:
            self._notes.setdefault((note.role, _letters(note.text)), item.session.number)

    def has_turn(self, role: str, text: str, before: int) -> bool:
        """Whether someone of that role said it in a session before, or began with it and was interrupted."""
        known, letters = self._texts.get(role, []), _letters(text)
        place = bisect_left(known, (letters, -1))
        for whole, session in known[place : place + _MOST_COMPARED]:
            if not letters or not whole.startswith(letters):
                return False
            if session < before and (whole == letters or len(letters) >= _LEAST_PREFIX):
                return True
        return False

    def has_note(self, role: str, text: str, before: int) -> bool:
        return self._notes.get((role, _letters(text)), before) < before


def _letters(text: str) -> str:
    return re.sub(_NO_LETTER, "", text.casefold())


def _repeats(item: Item, note: Note, said: _Said) -> bool:
    number = item.session.number
    return bool(note.text) and (
        said.has_turn(note.role, note.text, number) or said.has_note(note.role, note.text, number)
    )
