"""Ids of sessions as people write them: whole, or as patterns of the shell (`2026-11-*`)."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

from ..errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .protocols import Store

_WILD = r"[*?\[]"


def is_pattern(text: str) -> bool:
    """Whether a text is a pattern: none of these characters can be in an id."""
    return re.search(_WILD, text) is not None


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """What says whether an id is one of `patterns`; without any, each is."""
    if not patterns:
        return lambda _: True
    wanted = re.compile("|".join(translate(one) for one in patterns))
    return lambda session_id: wanted.fullmatch(session_id) is not None


class NamedIds:
    """Whether an id is one of those that people named, by ids and patterns; without any, each is.

    `unmet` are those that no id was like so far.
    """

    def __init__(self, named: Iterable[str]) -> None:
        self._patterns = {one: re.compile(translate(one)) for one in named}
        self.unmet = dict.fromkeys(self._patterns)

    def __call__(self, session_id: str) -> bool:
        met = [one for one, pattern in self._patterns.items() if pattern.fullmatch(session_id)]
        for one in met:
            self.unmet.pop(one, None)
        return bool(met) or not self._patterns


def expanded(store: Store, named: Iterable[str]) -> list[str]:
    """Ids and patterns as ids, each once; an id as it is, and a pattern that has no session, which ends no run.

    What works on a session calls `refuse_pattern` first.
    """
    named = list(named)
    if not any(map(is_pattern, named)):
        return list(dict.fromkeys(named))
    there = list(store.session_ids())
    found: dict[str, None] = {}
    for one in named:
        ids = list(filter(matcher([one]), there)) if is_pattern(one) else [one]
        found.update(dict.fromkeys(ids or [one]))
    return list(found)


def refuse_pattern(store: Store, session_id: str) -> None:
    """NotFoundError for a pattern that no session's id is like."""
    if is_pattern(session_id):
        message = f"no session in {store.url} is like {session_id[:80]!r}"
        raise NotFoundError(message, hint="`sessiontool list` names them")
