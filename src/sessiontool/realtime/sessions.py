"""Events -> sessions: which one is running, what holds in it, how it ended, and how long events are under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conversation import Conversation, Pushed, Session
from .settings import RealtimeSettings, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .event import Event

_BEGINS = ("session.created", "session.started")


class SessionKeeper:
    """Keeps the sessions of a conversation, as events are received."""

    def __init__(self, made: Conversation) -> None:
        self.made = made
        self._by_id: dict[str, Session] = {}
        self._asked: dict[str, float] = {}
        self._instructions: str | None = None

    def current(self) -> Session:
        """The session that is running; one without a name where none was announced."""
        if not self.made.sessions:
            self.made.sessions.append(Session(0))
        return self.made.sessions[-1]

    def add(self, event: Event) -> None:
        """Whatever an event says of its session."""
        if event.kind in _BEGINS:
            self._begin(event)
        session = self.current()
        session.events += 1
        if event.at_ms is not None:
            session.last_ms = event.at_ms if session.last_ms is None else max(session.last_ms, event.at_ms)
            self._time_round_trip(event, event.at_ms)
        if (handle := _HANDLERS.get(event.kind)) is not None:
            handle(self, event)

    def _begin(self, event: Event) -> None:
        stated = event.payload.session
        if stated and stated.id in self._by_id:
            return
        last = self.made.sessions[-1] if self.made.sessions else None
        if last is None or last.created_ms is not None or last.id or last.settings:
            self.made.sessions.append(Session(len(self.made.sessions)))
        session = self.made.sessions[-1]
        session.created_ms = event.at_ms
        session.api = "live" if event.kind == "session.started" else "realtime"

    def _settings(self, event: Event) -> None:
        """What `session.created`, `session.updated` and `session.started` say of a session."""
        stated = event.payload.session
        if stated is None:
            return
        session = self._by_id.get(stated.id or "", self.current())
        session.id = session.id or stated.id or ""
        self._by_id.setdefault(session.id, session)
        session.model = stated.model or session.model
        session.expires_at = stated.expires_at if stated.expires_at is not None else session.expires_at
        session.settings.append((event.at_ms, settings_of(stated, _last(session))))
        self._note_instructions(stated.instructions, event, session, is_update=event.kind == "session.updated")

    def _update(self, event: Event) -> None:
        """`session.update`: what the page asks for; counts where the server's answer is not in the log."""
        stated = event.payload.session
        if stated is None:
            return
        session = self.current()
        before = _last(session)
        if not before.is_stated:
            session.settings.append((event.at_ms, settings_of(stated, before, is_stated=False)))
        self._note_instructions(stated.instructions, event, session, is_update=True)

    def _note_instructions(self, text: str | None, event: Event, session: Session, *, is_update: bool) -> None:
        """New instructions are noted; those that a session begins with are what it is before it is given any."""
        if is_update and text and text != self._instructions:
            self.made.pushed.append(Pushed("instructions", text, event.at_ms, session))
        if is_update or self._instructions is None:
            self._instructions = text or self._instructions

    def _closed(self, event: Event) -> None:
        self._end(event, event.payload.reason or "closed")

    def _end(self, event: Event, how: str) -> None:
        session = self.current()
        session.ended, session.ended_ms = how, event.at_ms

    def _error(self, event: Event) -> None:
        error = event.payload.error
        if error is None:
            return
        if error.code == "session_expired":
            self._end(event, "expired")
        self.made.errors.append((error.code or error.type or "", error.message or "", event.at_ms))

    def _time_round_trip(self, event: Event, at_ms: float) -> None:
        """How long the answer to a request takes.  An item is known by its id; what else may have come by itself."""
        name = event.payload.item.id if event.payload.item is not None else None
        kind = event.kind + (f" {name}" if event.kind.startswith("conversation.item.") else "")
        if (answer := _ANSWERED_BY.get(event.kind)) is not None and (name or answer != _ADDED):
            self._asked.setdefault(f"{answer} {name}" if answer == _ADDED else answer, at_ms)
        elif (asked_ms := self._asked.pop(kind, None)) is not None:
            sure = event.kind in _SURELY_ANSWERS
            (self.made.round_trips_ms if sure else self.made.perhaps_trips_ms).append(at_ms - asked_ms)


def _last(session: Session) -> RealtimeSettings:
    return session.settings[-1][1] if session.settings else RealtimeSettings()


_ADDED = "conversation.item.added"
_ANSWERED_BY = {
    "session.update": "session.updated",
    "conversation.item.create": _ADDED,
    "input_audio_buffer.commit": "input_audio_buffer.committed",
    "response.create": "response.created",
}
_SURELY_ANSWERS = ("session.updated", _ADDED)

_HANDLERS: dict[str, Callable[[SessionKeeper, Event], None]] = {
    "session.created": SessionKeeper._settings,
    "session.updated": SessionKeeper._settings,
    "session.started": SessionKeeper._settings,
    "session.update": SessionKeeper._update,
    "session.closed": SessionKeeper._closed,
    "error": SessionKeeper._error,
}
