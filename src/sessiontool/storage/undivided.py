"""Which layout takes a recording in one piece that a likelier one divides: by folders for minutes, or a wrong field."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from ..errors import UsageError
from .layout import Layout, natural_key
from .layout_hint import ANY, SEQ
from .name_times import microseconds, moments_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PART, _TIME = "{part}", "{time}"
_COUNTED = r"(?a)(?P<head>.*[-_.])(?P<number>[0-9]{1,6})(?P<end>\.[A-Za-z0-9]{1,8})"


def undivided(pattern: str, keys: Sequence[str]) -> str:
    """The pattern, or one by which the chunks of a session are one part in order, where `keys` show that they are."""
    for name in (_of_one_counter(pattern, keys), pattern.replace(_PART, ANY) if _PART in pattern else ""):
        if name and name != pattern and _takes(name, keys) and (_PART not in pattern or _goes_on(pattern, keys)):
            return name
    return pattern


def _takes(pattern: str, keys: Sequence[str]) -> bool:
    try:
        return len(Layout(pattern).fields_of(keys)) == len(keys)
    except UsageError:
        return False


def _goes_on(pattern: str, keys: Sequence[str]) -> bool:
    """Whether the chunks of each session are counted from one part to the next, or its parts are named by the time."""
    sessions: dict[str, dict[str, list[dict[str, str]]]] = {}
    for fields in Layout(pattern).fields_of(keys):
        sessions.setdefault(fields["session"], {}).setdefault(fields["part"], []).append(fields)
    divided = [parts for parts in sessions.values() if len(parts) > 1]
    return bool(divided) and all(map(_is_counted_on, divided) if SEQ in pattern else map(_is_named_by_time, divided))


def _is_counted_on(parts: dict[str, list[dict[str, str]]]) -> bool:
    """Whether a part begins with the number after the last one of the part before; a few may be missing there.

    Parts that are counted themselves are parts all the same.
    """
    if {name for name in parts if name.isdecimal() and int(name) <= len(parts)} == parts.keys():
        return False
    numbers = [sorted(int(one["seq"]) for one in parts[name]) for name in sorted(parts, key=natural_key)]
    return all(a[-1] < b[0] <= a[-1] + len(a) + len(b) for a, b in pairwise(numbers))


def _is_named_by_time(parts: dict[str, list[dict[str, str]]]) -> bool:
    """Whether the name of each part is the minute, hour or day of the chunks in it."""
    return all(_is_time_of(name, (one["time"] for one in chunks if "time" in one)) for name, chunks in parts.items())


def _is_time_of(name: str, times: Iterable[str]) -> bool:
    digits = re.sub(r"[^0-9]", "", name)
    found = [digits in moments_in(microseconds(time)) for time in times]
    return bool(found) and all(found)


def _of_one_counter(pattern: str, keys: Sequence[str]) -> str:
    """The pattern for names of a time that is the same in many of them, and a counter; empty for others."""
    folder, _, file = pattern.rpartition("/")
    names = [match for key in keys if (match := re.fullmatch(_COUNTED, key))]
    if _TIME not in file or not file.startswith(_TIME) or len(names) < len(keys):
        return ""
    heads = {match["head"] for match in names}
    if len(heads) * 2 > len(names):
        return ""
    (between,) = {head[-1] for head in heads} if len({head[-1] for head in heads}) == 1 else ("",)
    return f"{folder}/{ANY}{between}{SEQ}.{{ext}}" if between else ""
