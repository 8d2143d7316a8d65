"""Whom the ids in a log name: participants, agents or speakers listed beside the entries -> a role for each id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .name_words import words_in
from .roles import ASSISTANT, USER, role_named
from .texts import has_text, says_who

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MOST_DEPTH = 6
"""Levels of objects that are looked through for people; chosen: exports have three."""
_MOST_OBJECTS = 1000
"""Number of objects that are looked at, as steps of the search; chosen: bounded time on any JSON."""
_MOST_FIELDS = 30
"""Number of fields of an object of a person, as units of its content; chosen."""
_OF_PEOPLE = frozenset(("speakers", "participants", "speaker", "roles", "people", "users", "agents"))
_SAY_MORE, _SAY_LESS = frozenset(("role", "purpose")), frozenset(("kind", "type"))


def with_people(entries: Sequence[Any], value: Any) -> Sequence[Any]:
    """The entries of a value, those that name an id alone with the role that it has elsewhere in the value."""
    if not any(isinstance(one, dict) and _is_unknown(one) for one in entries):
        return entries
    people: dict[str, str] = {}
    for name, role in _people(value, {id(one) for one in entries}):
        people.setdefault(name, role)
    if len(set(people.values())) < 2:  # what all of them are tells none from the other
        return entries
    return [_named(one, people) if isinstance(one, dict) else one for one in entries]


def _is_unknown(entry: Mapping[str, Any]) -> bool:
    named = (item for name, item in entry.items() if isinstance(item, str) and says_who({name: 0}))
    return not any(role_named(item, {}) for item in named)


def _named(entry: dict[str, Any], people: Mapping[str, str]) -> dict[str, Any]:
    if not _is_unknown(entry):
        return entry
    role = next((people[item] for item in map(str, _plain(entry)) if item in people), "")
    return {**entry, "role": role} if role else entry


def _plain(entry: Mapping[str, Any]) -> Iterator[Any]:
    return (item for item in entry.values() if isinstance(item, (str, int)) and not isinstance(item, bool))


def _people(value: Any, entries: set[int]) -> Iterator[tuple[str, str]]:
    """Ids and the roles that they have."""
    level: list[tuple[str, Any]] = [("", value)]
    for _ in range(_MOST_DEPTH):
        inner: list[tuple[str, Any]] = []
        for name, outer in level[:_MOST_OBJECTS]:
            if isinstance(outer, dict) and id(outer) not in entries:
                yield from _ids(name, outer)
                inner += outer.items()
            elif isinstance(outer, list):
                inner += ((name, one) for one in outer[:_MOST_OBJECTS])
        level = [one for one in inner if isinstance(one[1], (dict, list))]


def _ids(name: str, value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The ids of one person, or of all in an object that has a name for each id."""
    if len(value) > _MOST_FIELDS or has_text(value):
        return
    named = [(key, role_named(item, {})) for key, item in value.items() if isinstance(item, str)]
    known = [(key, role) for key, role in named if role in {USER, ASSISTANT}]
    if _OF_PEOPLE.intersection(words_in(name)) and len(known) == len(value):
        yield from known
        return
    ids = [str(item) for key, item in value.items() if words_in(key)[-1:] == ("id",) and isinstance(item, (str, int))]
    if known:
        role = min(known, key=lambda one: _rank(words_in(one[0])))[1]
        yield from ((one, role) for one in ids)


def _rank(words: tuple[str, ...]) -> int:
    return 0 if _SAY_MORE.intersection(words) else 2 if _SAY_LESS.intersection(words) else 1
