"""JSON inside JSON: values that a queue, a database or a logger keeps as a text, plain or in base64.

What an entry says itself counts: an object that has a text and says who speaks is left as it is.  A pair of a time and
an object, and objects of a name and a value each, as logs are queried, are made one object.
"""

from __future__ import annotations

import binascii
import re
from typing import Any

from .fields import has_role
from .lenient import loads
from .literals import value_behind
from .moments import read_moment
from .texts import text_of, unwrapped

MAY_BE_CLOSED = r"\"\s*(?:[{\[]|eyJ|W3s)|\"(?:field|key)\"\s*:"
"""A text that may hold JSON (`eyJ` and `W3s` are its beginnings in base64), or a field of a name and a value."""
_BASE64 = ("eyJ", "W3s")
_MOST_DEPTH = 8
"""Levels of objects and texts; chosen: a queue, a logger and a program have one or two each."""
_BEHIND = r"\s\{\s*\""
_PREFIX_CHARS = 200
"""Characters; chosen: longer than what a logger writes before an object."""
_NAMES = ("field", "key")
_VALUE = "value"


def opened(value: Any, depth: int = _MOST_DEPTH) -> Any:
    """A value with the JSON in its texts as values."""
    if not depth:
        return value
    if isinstance(value, str):
        inner = parsed(value)
        return value if inner is None else opened(inner, depth - 1)
    if isinstance(value, list):
        return _joined([opened(one, depth - 1) for one in value])
    if not isinstance(value, dict) or _is_entry(value):
        return value
    return {name: opened(one, depth - 1) for name, one in value.items()}


def _is_entry(value: dict[str, Any]) -> bool:
    return has_role(value) and any(text and text[0] not in "{[" for text in (text_of(unwrapped(value)),))


def may_be_json(text: str) -> bool:
    """Whether a text may be a list or an object, plain or in base64, or one behind a logger's prefix."""
    return text.lstrip()[:3].startswith(("{", "[", *_BASE64)) or re.search(_BEHIND, text[:_PREFIX_CHARS]) is not None


def parsed(text: str) -> Any:
    """The list or object that a text is, None where it is none."""
    start = text.lstrip()
    try:
        if start[:1] not in {"{", "["} and re.search(_BEHIND, text[:_PREFIX_CHARS]):
            return value_behind(text)[0]
        if start.startswith(_BASE64):
            text = binascii.a2b_base64(start.rstrip().encode(), strict_mode=True).decode()
        elif start[:1] not in {"{", "["}:
            return None
        found = loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, (dict, list)) else None


def _joined(items: list[Any]) -> Any:
    """A list, or the object that it is one of."""
    if len(items) == 2 and isinstance(items[1], dict) and read_moment(items[0]) is not None:
        return {"t": items[0], **items[1]}
    named = [_named(one) for one in items]
    if named and all(named):
        made = dict(filter(None, named))
        if len(made) == len(named):
            return made
    return items


def _named(value: Any) -> tuple[str, Any] | None:
    """The name and the value of an object that has nothing else."""
    if not isinstance(value, dict) or len(value) != 2 or _VALUE not in value:
        return None
    name = next((value[one] for one in _NAMES if one in value), None)
    return (name, value[_VALUE]) if isinstance(name, str) else None
