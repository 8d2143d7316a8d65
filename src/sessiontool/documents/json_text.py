"""JSON from outside, read with bounds: bytes or text in, plain values out, and ValueError for whatever is none.

Python's parser takes nesting up to its own limit and then raises RecursionError; a value just below that limit breaks
code that walks, compares or writes it later.  So depth is bounded here, and NaN and infinities, which JSON has not,
are refused.

Not here: documents that people and browsers write, which are read with leniency (`documents.lenient`).
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

MAX_DEPTH = 128
"""Levels; chosen: what we write is nested less, and fields that are handed through may have 100 levels of their own."""

TOO_DEEP = "it is nested too deeply"


def parse(text: bytes | str, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text, in UTF-8 where it is bytes (ValueError)."""
    try:
        value = json.loads(text if isinstance(text, str) else text.decode("utf-8-sig"), parse_constant=_no_number)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    if not _is_within(value, max_depth):
        raise ValueError(TOO_DEEP)
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _is_within(value: Any, max_depth: int) -> bool:
    """Whether a value is nested at most so deep; walked level by level, for it may be too deep to recurse into."""
    level = [value]
    for _ in range(max_depth):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False
