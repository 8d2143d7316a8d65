"""Events -> sessions, items and responses: what each event adds is kept where it belongs, whatever came before it.

An item is known by its id, so events of different items may come in any order.  What is done with an event is in the
module of what it is of: `user_events`, `answer_events`, `item_events`, `live_events`, `tool_events`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import answer_events, item_events, live_events, tool_events, user_events
from .gathering import Gathering

if TYPE_CHECKING:
    from .conversation import Conversation
    from .event_table import EventTable

_HANDLERS = {
    kind: handle
    for module in (user_events, answer_events, item_events, live_events, tool_events)
    for kind, handle in module.HANDLERS.items()
}


def gather(events: EventTable) -> Conversation:
    """The conversation of a log's events, taken in the order in which they were received."""
    made = Gathering()
    for event in events.by_time():
        made.begin(event)
        if (handle := _HANDLERS.get(event.kind)) is not None:
            handle(made, event)
    return made.made
