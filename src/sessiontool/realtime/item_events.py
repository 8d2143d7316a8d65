"""Events of items of any role: put in, added, cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conversation import ITEM
from .gathering import has_sound

if TYPE_CHECKING:
    from collections.abc import Callable

    from .event import Event
    from .gathering import Gathering


def _created(made: Gathering, event: Event) -> None:
    """`conversation.item.create`: the page puts an item in."""
    item = event.payload.item
    if item is not None and item.id:
        known = made.item(item.id, event)
        if known is not None:
            known.is_pushed = not known.is_spoken
            made.fill(known, item, ITEM)


def _added(made: Gathering, event: Event) -> None:
    stated = event.payload.item
    item = made.item(stated.id if stated else None, event)
    if item is None or stated is None:
        return
    if item.session is not made.sessions.current() and not has_sound(stated):
        return  # an item of an earlier session, put into the new one as text
    item.previous = item.previous or event.payload.previous_item_id
    made.fill(item, stated, ITEM)


def _truncated(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "assistant")
    if item is not None and event.payload.audio_end_ms is not None:
        item.truncated = (event.payload.audio_end_ms, event.at_ms)


def _truncate(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "assistant")
    if item is not None and event.payload.audio_end_ms is not None:
        item.asked = (event.payload.audio_end_ms, event.at_ms)


HANDLERS: dict[str, Callable[[Gathering, Event], None]] = {
    "conversation.item.create": _created,
    "conversation.item.added": _added,
    "conversation.item.done": _added,
    "conversation.item.truncate": _truncate,
    "conversation.item.truncated": _truncated,
}
