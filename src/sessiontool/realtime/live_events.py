"""Events of Live sessions, which know no items: fragments of transcripts, and what is put into a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conversation import Fragment, Pushed

if TYPE_CHECKING:
    from collections.abc import Callable

    from .event import Event
    from .gathering import Gathering


def _live_fragment(made: Gathering, event: Event) -> None:
    role = "user" if "input" in event.kind else "assistant"
    session = made.sessions.current()
    span_ms = event.span_ms or session.received_span_ms(event.at_ms)
    if span_ms is None:
        return
    if session.api == "realtime":
        session.api = "translation"
    made.made.fragments.append(Fragment(role, event.text, *span_ms, session, event.at_ms))


def _append(made: Gathering, event: Event) -> None:
    """Something is put into a Live session.  The acknowledgement has the time, the request the words."""
    text = event.payload.content if isinstance(event.payload.content, str) else ""
    if text.strip():
        kind = event.kind.split(".")[1]
        made.made.pushed.append(Pushed(kind, text, event.at_ms, made.sessions.current()))


def _delegated(made: Gathering, event: Event) -> None:
    if event.payload.delegation is not None:
        stated = {"call_id": event.payload.delegation.id, "name": event.payload.delegation.target}
        extra = {name: value for name, value in stated.items() if value}
        made.made.pushed.append(Pushed("delegation", "", event.at_ms, made.sessions.current(), extra))


HANDLERS: dict[str, Callable[[Gathering, Event], None]] = {
    "session.input_transcript.delta": _live_fragment,
    "session.output_transcript.delta": _live_fragment,
    "session.instructions.append": _append,
    "session.commentary.append": _append,
    "session.thinking.append": _append,
    "session.delegation.created": _delegated,
}
