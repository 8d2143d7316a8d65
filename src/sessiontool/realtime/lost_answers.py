"""Answers that the server gave up before it sent an item of theirs: of some, the log knows that there was one.

An item that `previous_item_id` names and that no event describes is between two others; where an answer failed
there, it is that answer's.  Its text is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conversation import Conversation, Response

UNFINISHED = ("failed", "incomplete")
"""States of an answer that the server itself gave up: quota, `max_output_tokens`, `content_filter`."""


def lost_answers(conversation: Conversation) -> dict[str, Response]:
    """Answers that failed without an item, by the id of the item that is missing where each of them was."""
    items = conversation.items
    missing = sorted(
        (item.place, item.previous) for item in items.values() if item.previous and item.previous not in items
    )
    found: dict[str, Response] = {}
    for response in _without_item(conversation):
        for place, name in missing:
            if place > response.place and name not in found and name is not None:
                found[name] = response
                break
    return found


def unanswered(conversation: Conversation) -> list[Response]:
    """Answers that failed and left nothing behind."""
    known = {response.id for response in lost_answers(conversation).values()}
    return [response for response in _without_item(conversation) if response.id not in known]


def _without_item(conversation: Conversation) -> list[Response]:
    return [one for one in conversation.responses.values() if one.status in UNFINISHED and not one.items]
