"""What the handlers of events share: the conversation as far as it is gathered, its items, responses and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conversation import ITEM, SPOKEN, Conversation, Item, Mark, Response
from .event_types import CONTENT_NAMES
from .sessions import SessionKeeper

if TYPE_CHECKING:
    from .event import Event
    from .payloads import Content, ItemPayload


class Gathering:
    """A conversation while events are added to it; `place` is how far into the log that is.

    `speaking` are the items whose speech has begun and is not committed yet.
    """

    def __init__(self) -> None:
        self.made = Conversation()
        self.place = 0
        self.speaking: dict[str, Item] = {}
        self.sessions = SessionKeeper(self.made)

    def begin(self, event: Event) -> None:
        """Take note of an event, whatever it is."""
        self.place += 1
        self.sessions.add(event)

    def item(self, name: str | None, event: Event, role: str = "") -> Item | None:
        """The item of a name, made where it was not heard of before; None where an event names none."""
        if name is None:
            return None
        item = self.made.items.get(name)
        if item is None:
            item = self.made.items[name] = Item(name, self.sessions.current(), self.place, event.at_ms)
        item.role = item.role or role
        if item.arrived_ms is None and event.receipt is not None:
            item.arrived_ms = event.at_ms
            if item.stopped is not None and item.stopped.at_ms is None:
                item.stopped.at_ms = event.at_ms  # it was received by then
        return item

    def mark(self, event: Event, audio_ms: float) -> Mark:
        """What the server states of its clock; it is not known when an event without a receive time came."""
        return Mark(audio_ms, event.at_ms if event.receipt is not None else None, self.sessions.current())

    def response(self, name: str | None, event: Event) -> Response | None:
        """The response of a name, made where it was not heard of before; None where an event names none."""
        if not name:
            return None
        known = self.made.responses.get(name)
        if known is None:
            known = Response(name, self.sessions.current(), self.place, event.at_ms)
            self.made.responses[name] = known
        return known

    def join(self, name: str | None, item: Item, event: Event) -> None:
        """Say that an item is of a response."""
        response = self.response(name, event)
        if response is not None:
            item.response = name
            response.items[item.id] = None

    @staticmethod
    def fill(item: Item, stated: ItemPayload, source: int = ITEM) -> None:
        """Add all that an event tells of an item."""
        item.role = item.role or stated.role or ""
        item.type = stated.type or item.type
        item.status = stated.status or item.status
        for number, part in enumerate(stated.content or ()):
            add_part(item, number, part, source)
        item.tool.update(stated.tool())


def has_sound(stated: ItemPayload) -> bool:
    return any(part.type in (*SPOKEN, "audio") for part in stated.content or ())


def add_part(item: Item, number: int, part: Content, source: int) -> None:
    """Add a content part to an item: its kind, and its text."""
    kind = CONTENT_NAMES.get(part.type or "", part.type or "")
    if kind in SPOKEN:
        item.kinds.add(kind)
        item.add_text(number, source, part.transcript)
    elif kind:
        item.kinds.add(kind)
        item.add_text(number, source, part.text)
