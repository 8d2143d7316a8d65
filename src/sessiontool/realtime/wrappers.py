"""A logged value of any shape -> the events in it, each with what it was wrapped in.

A wrapper is known by not being an event itself: `{"event": …}` round one is opened, and the `event` of Live's
`response.event` or of `dtmf_event_received` is a field of the event.  Lists may be anywhere: pairs of a time and an
event, the events of an object, the messages of a HAR file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..documents.moments import read_moment
from ..documents.nested_json import may_be_json, parsed
from .event_types import GA_NAMES, READ, TELL_NOTHING
from .telephone import as_realtime

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST = ("event", "data", "payload", "message", "eventData", "raw_model_event", "body", "msg", "raw")
"""Fields that hold an event most often; then every other is looked into."""

_KIND_NAMES = ("type", "event", "name", "eventName", "event_type", "eventType", "kind")
"""Fields beside an event's own fields that hold its type, as `emit(type, data)` is logged."""
_CONTENT_NAMES = ("data", "payload", "eventData", "body")
"""Fields that hold an event's own fields where its type stands beside them."""
_LEAST_BY_KEY = 3
"""Number of events, as units of evidence, that are entries of an object by their keys; chosen."""

_MOST_DEPTH = 8
"""Levels of objects around an event; chosen: loggers have two or three."""
_MOST_FIELDS = 100
"""Fields that are looked into; chosen: loggers have a dozen."""


class Carried(Struct, frozen=True):
    """An event, and its wrappers from the outermost in; a wrapper that is a list has its time under `t`."""

    event: dict[str, Any]
    holders: tuple[dict[str, Any], ...] = ()


def events_of(value: Any, holders: tuple[dict[str, Any], ...] = (), depth: int = _MOST_DEPTH) -> Iterator[Carried]:
    """The events in a value, in their order."""
    if isinstance(value, str):
        value = parsed(value)
    if not depth:
        return
    if isinstance(value, list):
        yield from _of_list(value, holders, depth)
    elif isinstance(value, dict):
        yield from _of_object(value, holders, depth)


def is_known(kind: Any) -> bool:
    """Whether a type is that of an event."""
    return isinstance(kind, str) and ((name := GA_NAMES.get(kind, kind)) in READ or name in TELL_NOTHING)


def _of_object(value: dict[str, Any], holders: tuple[dict[str, Any], ...], depth: int) -> Iterator[Carried]:
    kind = value.get("type")
    if (message := as_realtime(value)) is not None:
        yield Carried(message, (*holders, value))
        return
    if (parted := _put_together(value)) is not None:
        yield Carried(parted, (*holders, value))
        return
    if is_known(kind) and "." in str(kind):
        yield Carried(value, holders)
        return
    inner = (*holders, value)
    if several := _by_key(value, inner, depth):
        yield from several
        return
    unknown: list[Carried] = []
    for name in (*_FIRST, *list(value)[:_MOST_FIELDS]):
        item = value.get(name)
        if not isinstance(item, (dict, list)) and not (isinstance(item, str) and may_be_json(item)):
            continue
        found = list(events_of(item, inner, depth - 1))
        if any(is_known(one.event.get("type")) for one in found):
            yield from found
            return
        if name in _FIRST:
            unknown = unknown or found
    if isinstance(kind, str) and (is_known(kind) or "." in kind or not unknown):
        yield Carried(value, holders)
    else:
        yield from unknown


def _put_together(value: dict[str, Any]) -> dict[str, Any] | None:
    """An event whose type stands beside an object of its other fields; None where a value is none."""
    kind = next((value[name] for name in _KIND_NAMES if is_known(value.get(name))), None)
    fields = next((value[name] for name in _CONTENT_NAMES if isinstance(value.get(name), dict)), None)
    if kind is None or "." not in kind or fields is None:
        return None
    return {**fields, "type": kind} if fields.get("type", kind) == kind else None


def _by_key(value: dict[str, Any], holders: tuple[dict[str, Any], ...], depth: int) -> list[Carried]:
    """The events of an object that holds them by ids or times, or lists of them by who sent them; else none."""
    if not value or not all(isinstance(item, (dict, list)) for item in value.values()):
        return []
    if all(isinstance(item, dict) for item in value.values()) and len(value) < _LEAST_BY_KEY:
        return []
    found: list[Carried] = []
    for name, item in value.items():
        around = (*holders, {"t": name}) if read_moment(name) is not None else holders
        inside = list(events_of(item, around, depth - 1))
        if not any(is_known(one.event.get("type")) for one in inside):
            return []
        found += inside
    return found


def _of_list(value: list[Any], holders: tuple[dict[str, Any], ...], depth: int) -> Iterator[Carried]:
    if 2 <= len(value) <= 3 and sum(isinstance(one, (dict, list)) or _is_json(one) for one in value) == 1:
        at = next((one for one in value if not _is_json(one) and read_moment(one) is not None), None)
        if at is not None:
            holders = (*holders, {"t": at})
    if 2 <= len(value) <= 3 and is_known(value[0]) and isinstance(value[1], dict):
        value = [{"type": value[0], "data": value[1]}]
    for one in value:
        yield from events_of(one, holders, depth - 1)


def _is_json(value: Any) -> bool:
    return isinstance(value, str) and value[:1] in {"{", "["}
