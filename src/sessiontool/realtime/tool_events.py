"""Events of what a model does beside speaking: calls of functions and MCP servers; and keys that a caller presses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conversation import Pushed

if TYPE_CHECKING:
    from collections.abc import Callable

    from .event import Event
    from .gathering import Gathering


def _function_arguments(made: Gathering, event: Event) -> None:
    _called(made, event, "function_call")


def _mcp_arguments(made: Gathering, event: Event) -> None:
    _called(made, event, "mcp_call")


def _called(made: Gathering, event: Event, kind: str) -> None:
    stated = event.payload
    item = made.item(event.item_id, event, "assistant")
    if item is not None:
        item.type = kind
        fields = {"name": stated.name, "call_id": stated.call_id, "arguments": stated.arguments}
        item.tool.update({name: value for name, value in fields.items() if value})
        made.join(stated.response_id, item, event)


def _mcp_failed(made: Gathering, event: Event) -> None:
    item = made.item(event.item_id, event, "assistant")
    if item is not None:
        item.type = "mcp_call"
        item.tool.setdefault("error", "failed")


def _key_pressed(made: Gathering, event: Event) -> None:
    """A key of a telephone, in a SIP call or over a Live session's transport."""
    stated = event.payload
    for key in (stated.event, stated.digit, stated.digits):
        if isinstance(key, str) and 0 < len(key) <= _MOST_KEYS:
            made.made.pushed.append(Pushed("dtmf", key, event.at_ms, made.sessions.current()))
            return


_MOST_KEYS = 100
"""Digits of DTMF in one note; chosen: a card's number is a fifth of it."""

HANDLERS: dict[str, Callable[[Gathering, Event], None]] = {
    "response.function_call_arguments.done": _function_arguments,
    "response.mcp_call_arguments.done": _mcp_arguments,
    "response.mcp_call.failed": _mcp_failed,
    "input_audio_buffer.dtmf_event_received": _key_pressed,
    "transport.dtmf.received": _key_pressed,
}
