"""Values that a database wrote with their types (`{"S": …}`, `{"stringValue": …}`) -> plain values.

An object counts as typed where every field of it is: `{"S": "user"}` by itself may have another meaning.

Sources: Amazon DynamoDB, AttributeValue; Firestore REST reference, Value.
"""

from __future__ import annotations

import re
from typing import Any

from .lenient import words_of

_MOST_DEPTH = 50
"""Levels of objects around typed ones; chosen: exports have three."""
_MAY_BE_TYPED = r"\"(?:[SN]|\w+Value)\"\s*:"
_TEXTS = words_of("S B stringValue timestampValue referenceValue bytesValue")
_NUMBERS = words_of("N integerValue doubleValue")
_LISTS = words_of("L SS NS BS")
_OTHERS = words_of("BOOL NULL booleanValue nullValue geoPointValue")


def untyped(value: Any, text: str) -> Any:
    """A value read from `text` without the types that its records have."""
    return without_types(value) if re.search(_MAY_BE_TYPED, text) else value


def without_types(value: Any, depth: int = _MOST_DEPTH) -> Any:
    """`untyped` for a value that may be typed; what is nested deeper stays as it is."""
    if not depth:
        return value
    if isinstance(value, list):
        return [without_types(one, depth - 1) for one in value]
    if not isinstance(value, dict):
        return value
    if value and all(_is_typed(one) for one in value.values()):
        return {name: _plain(one) for name, one in value.items()}
    return {name: without_types(one, depth - 1) for name, one in value.items()}


def _is_typed(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, held),) = value.items()
    if kind in _TEXTS:
        return isinstance(held, str)
    if kind in _NUMBERS:
        return isinstance(held, (str, int, float)) and _number(held) is not None
    if kind in _LISTS:
        return isinstance(held, list)
    return kind in _OTHERS or (kind in {"M", "mapValue", "arrayValue"} and isinstance(held, dict))


def _plain(value: Any, depth: int = _MOST_DEPTH) -> Any:
    """What a typed value is; a value inside that has no type stays as it is."""
    if not depth or not _is_typed(value):
        return value
    ((kind, held),) = value.items()
    if kind in _NUMBERS:
        return _number(held)
    if kind in {"NULL", "nullValue"}:
        return None
    if kind in {"M", "mapValue"}:
        inner = held.get("fields", {}) if kind == "mapValue" else held
        return {name: _plain(one, depth - 1) for name, one in inner.items()} if isinstance(inner, dict) else held
    inner = held.get("values", []) if kind == "arrayValue" else held
    return [_plain(one, depth - 1) for one in inner] if isinstance(inner, list) else held


def _number(held: str | float) -> float | None:
    try:
        number = float(held)
    except (OverflowError, ValueError):
        return None
    return int(number) if number.is_integer() else number
