"""Traces of calls of a language model -> the conversation: each call has all messages before it, and the answer.

`{"input": [{"role": …, "content": …}, …], "output": "…"}`, once for each answer: what one has more than those before it
goes on with the conversation.  An answer has the times of its call, about when it began to be said.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from .entry_lists import speaks
from .fields import has_role, has_time
from .lenient import words_of
from .name_words import words_in
from .texts import text_in, text_of, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_ASKED = frozenset(words_of("input inputs request prompt messages"))
_ANSWERED = frozenset(words_of("output outputs response completion"))
_MOST_DEPTH = 4
"""Levels of objects around messages and an answer; chosen: APIs have three."""
_MOST_FIELDS = 1000
"""Number of fields of a call, as units of its content; chosen: bounded time on any JSON."""
_JUDGED = 50
"""Number of items by which a list is known to be one of calls, as units of evidence; chosen."""
_MOST_CHOICES = 20
"""Number of fields or items in which an answer is looked for, as steps of the search; chosen: APIs have a few."""
_LEAST_SHARE = 0.5
"""Share of a list's items, from which on they are calls; chosen: traces have other spans as well."""


def conversation_of(value: Any) -> list[dict[str, Any]]:
    """The messages of one call and its answer; none where a value is no call."""
    if not isinstance(value, dict):
        return []
    asked = next((found for one in _fields(value, _ASKED) if (found := _messages(one)) is not None), None)
    if asked is None:
        return []
    for one in _fields(value, _ANSWERED):
        if asked and list(map(_said, (again := _messages(one) or [])[: len(asked)])) == list(map(_said, asked)):
            return again
        if text := _answer(one):
            times = {name: item for name, item in value.items() if has_time({name: item})}
            return [*asked, {**times, "role": "assistant", "content": text}]
        return asked
    return []


def conversation_in(values: Sequence[Any]) -> list[dict[str, Any]]:
    """The conversation that a list of calls has; none where most of its items are no calls."""
    judged = [bool(conversation_of(one)) for one in values[:_JUDGED]]
    if not any(judged) or sum(judged) < _LEAST_SHARE * len(judged):
        return []
    found = [conversation_of(one) for one in values]
    made: list[dict[str, Any]] = []
    for one in found:
        made = gone_on(made, one)
    return made


def gone_on(before: Sequence[Any], more: Sequence[Any]) -> list[Any]:
    """A conversation, and what another one that may begin with it, or with its end, has more."""
    said, again = list(map(_said, before)), list(map(_said, more))
    most = range(min(len(said), len(again)), 0, -1)
    common = next((n for n in most if said[-n] == again[0] and said[-n:] == again[:n]), 0)
    return [*before, *more[common:]]


def _said(value: Any) -> tuple[Any, str]:
    return (value.get("role"), text_in(value)) if isinstance(value, dict) else (None, "")


def _fields(value: Mapping[str, Any], words: frozenset[str]) -> Iterator[Any]:
    return (value[name] for name in _names(tuple(value), words)) if len(value) <= _MOST_FIELDS else iter(())


@lru_cache(maxsize=16)  # the entries of a log have a few forms
def _names(names: tuple[str, ...], words: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in names if words.intersection(words_in(name)))


def _messages(value: Any, depth: int = _MOST_DEPTH) -> list[Any] | None:
    """The list of messages in a value, which may be empty; None where there is none."""
    if isinstance(value, list):
        return value if all(speaks(one) and has_role(one) for one in value) else None
    inner: Iterable[Any] = value.values() if isinstance(value, dict) and depth else ()
    return next((found for one in inner if (found := _messages(one, depth - 1)) is not None), None)


def _answer(value: Any, depth: int = _MOST_DEPTH) -> str:
    """The text of the first answer in a value."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and (text := text_of(unwrapped(value))):
        return text
    inner: Iterable[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    some = (one for one in islice(inner, _MOST_CHOICES) if isinstance(one, (dict, list))) if depth else ()
    return next((text for one in some if (text := _answer(one, depth - 1))), "")
