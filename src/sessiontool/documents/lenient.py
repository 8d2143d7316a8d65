"""JSON from outside, read with leniency: any text in, plain values or models out, and what was wrong in words.

What Python reads beyond JSON (NaN, half a surrogate pair, nesting without end) is mended or refused here, so that
whatever passed can be written again.  Which problem becomes which finding is for the readers to say.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import partial, reduce
from math import isfinite
from operator import getitem
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, field

from .utf8_damage import hold, without_halves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic import BaseModel

MAX_NAMED = 20
"""Number of problems of a document that are listed one by one, a line each; the rest are counted; chosen."""


class LogProblems(Struct):
    """What was wrong, the first twenty in words, in the order in which they were found."""

    named: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, text: str) -> None:
        self.count += 1
        if len(self.named) < MAX_NAMED:
            self.named.append(text)

    def extend(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.add(text)

    def merge(self, other: LogProblems) -> None:
        self.named = [*self.named, *other.named][:MAX_NAMED]
        self.count += other.count


_SURROGATE = r"\\u[dD]|[\ud800-\udfff]"
_MAX_NAME_CHARS = 80
"""Characters of a name in a message; chosen: a line of a terminal."""
_MAX_DEPTH = 100
"""Levels of fields that are handed through; chosen: below what Python's own parser takes."""
_Model = TypeVar("_Model", bound="BaseModel")


def loads(text: str, doubled: list[str] | None = None) -> Any:
    """The value of a JSON text (ValueError, RecursionError).

    Half a surrogate pair, left where JavaScript cut a string, becomes a question mark.  Of a name that is there twice
    in an object the last one counts; `doubled` gets such names.
    """
    return json_reader(doubled)(text)


def json_reader(doubled: list[str] | None = None) -> Callable[[str], Any]:
    """`loads` for many texts."""
    decode = json.JSONDecoder(object_pairs_hook=None if doubled is None else partial(_object, doubled)).decode

    def read(text: str) -> Any:
        value = decode(text)
        return mended(value) if may_need_mending(text) else value

    return read


def _object(doubled: list[str], fields: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(fields)
    if len(made) < len(fields):
        doubled += [name for name, count in Counter(name for name, _ in fields).items() if count > 1]
    return made


def may_need_mending(text: str) -> bool:
    return (not text.isascii() or "\\u" in text) and re.search(_SURROGATE, text) is not None


def mended(value: Any, in_pieces: str = "") -> Any:
    """`value` without halves of surrogate pairs; lists and objects are changed in place, however deep they are.

    The field `in_pieces` keeps those at the ends of its text, for `utf8_damage.rejoined`.
    """
    pending: list[Any] = []

    def mend(item: Any) -> Any:
        if isinstance(item, str):
            return without_halves(item)
        if isinstance(item, (dict, list)):
            pending.append(item)
        return item

    value = mend(value)
    while pending:
        holder = pending.pop()
        if isinstance(holder, list):
            holder[:] = map(mend, holder)
        else:
            fields = [
                (mend(name), hold(item) if name == in_pieces and isinstance(item, str) else mend(item))
                for name, item in holder.items()
            ]
            holder.clear()
            holder.update(fields)
    return value


def is_writable(value: Any, depth: int = _MAX_DEPTH) -> bool:
    """Whether a value can be handed through: Python reads more than JSON has, and deeper than it writes."""
    if isinstance(value, (dict, list)):
        items = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(is_writable(item, depth - 1) for item in items)
    return not isinstance(value, float) or isfinite(value)


def validated(kind: type[_Model], value: dict[str, Any]) -> tuple[_Model | None, list[str]]:
    """The model of `value` without the fields that are wrong, and what was wrong; None where a required field is."""
    from pydantic import ValidationError  # noqa: PLC0415 - what only lists sessions has no model

    problems: list[str] = []
    while True:
        try:
            return kind.model_validate(value), problems
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False, include_input=False)
            problems += [f"{shown('.'.join(map(str, item['loc'])))}: {item['msg']}" for item in wrong[:MAX_NAMED]]
            culprits = {_culprit(value, item["loc"]) for item in wrong}
            if None in culprits:
                return None, problems
            _take_out(value, [path for path in culprits if path])


def _culprit(value: Any, loc: tuple[int | str, ...]) -> tuple[int | str, ...] | None:
    """What to take out of `value` for an error at `loc`: the field there.

    Where that is missing, the object without it.
    """
    for end in range(len(loc), 0, -1):
        try:
            holder = reduce(getitem, loc[: end - 1], value)
            getitem(holder, loc[end - 1])
        except (KeyError, IndexError, TypeError):
            continue
        if not isinstance(holder, list) or any(one is None or isinstance(one, dict) for one in holder):
            return loc[:end]  # a list of plain values means nothing without one of them
    return None


def _take_out(value: Any, paths: Iterable[tuple[int | str, ...]]) -> None:
    """Delete what is at each of `paths`; items of a list all at once, so that the places of the others stay right."""
    lists: dict[int, list[Any]] = {}
    for path in sorted(paths, key=len, reverse=True):
        holder = reduce(getitem, path[:-1], value)
        if isinstance(holder, list):
            lists[id(holder)] = holder
            holder[int(path[-1])] = None
        else:
            del holder[path[-1]]
    for items in lists.values():
        items[:] = [item for item in items if item is not None]


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text: a table of names that can be read."""
    return tuple(text.split())


def shown(name: str) -> str:
    """A name from outside, fit for a line of a message."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name[:_MAX_NAME_CHARS])


def json_problem(error: Exception) -> str:
    """What a parser did not like."""
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno} " if "\n" in error.doc else ""
        return f"{error.msg}, {line}column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]


def kind_of(value: Any) -> str:
    """What a JSON value is, with its article."""
    return {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}.get(
        type(value), "a number"
    )
