"""The text of an entry of a log, however deep it stands: a field, parts of one, or inside a wrapper."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .field_names import BESIDE, CHOICES, IN_PARTS, ROLE_NAMES, SPANS, TEXT_NAMES, WRAPPERS
from .name_words import field_named, words_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_DEPTH = 4
"""Levels of objects around a text; chosen: APIs have two."""
_MOST_PARTS = 10_000
"""Parts of one text; chosen: bounded time on any JSON."""
_MOST_OF_A_SPAN = 6
"""Fields of an object that is a span of text; chosen: editors write at most four."""
_FORMS = 16
"""Entries with the same fields have one form; chosen: a log has a few, and little is kept of a hostile one."""
_BESIDE = frozenset(BESIDE)
_SPANS, _WRAPPERS = frozenset(SPANS), frozenset((*WRAPPERS, *CHOICES))
_SURELY = frozenset(("text", "transcript", "utterance", "transcription"))
"""Fields that hold what was said, whatever else an object has that may be a text."""
_UNSAID = frozenset(("reasoning", "thinking", "tool", "function"))
"""Words of the kind of a part whose text is not said."""
_NO_LETTER = r"[\W_]+"


def plain(name: str) -> str:
    """A field's name without case and punctuation."""
    return _letters_of(name[:100])


@lru_cache(maxsize=4096)  # every entry of a log has the same names
def _letters_of(name: str) -> str:
    return re.sub(_NO_LETTER, "", name.casefold())


def has_text(value: Any) -> bool:
    """Whether a value may be an entry of a transcript: an object with a text in it."""
    return isinstance(value, dict) and bool(text_of(unwrapped(value)))


def text_of(value: Mapping[str, Any]) -> str:
    """The text in the fields of an object itself; empty where it has none."""
    if is_unsaid(value):
        return ""
    return next((text for name in text_fields(value) if (text := text_in(value[name]))), "")


def is_unsaid(value: Any) -> bool:
    """Whether a value is a part that is not said, such as what a tool gave, or a list of such parts alone."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, dict) and is_unsaid(one) for one in value)
    kind = value.get("type") if isinstance(value, dict) else None
    return isinstance(kind, str) and not _UNSAID.isdisjoint(words_in(kind))


def text_fields(value: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that may have the text of an entry, the likeliest first."""
    return _text_names(tuple(value))


@lru_cache(maxsize=_FORMS)
def _text_names(names: tuple[str, ...]) -> tuple[str, ...]:
    by_name: dict[str, str] = {}
    for name in names:
        by_name.setdefault(plain(name), name)
    usual = [by_name[name] for name in TEXT_NAMES if name in by_name]
    named = ((name, field_named(name)) for name in names if plain(name) not in TEXT_NAMES)
    return (*usual, *(name for name, found in named if found is not None and found.what == "text"))


@lru_cache(maxsize=_FORMS)
def _those_of(names: tuple[str, ...], known: frozenset[str]) -> tuple[str, ...]:
    """The names that are `known`, however they are written."""
    return tuple(name for name in names if plain(name) in known)


def text_in(value: Any, depth: int = MOST_DEPTH) -> str:
    """The text of a value: a string, or the strings of its parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and depth:
        texts = [text_in(one, depth - 1) for one in value[:_MOST_PARTS]]
        return _glued([text for text in texts if text.strip()])
    if isinstance(value, dict) and depth:
        if is_unsaid(value):
            return ""
        by_name = {plain(name): item for name, item in value.items()}
        return next((text for name in IN_PARTS if (text := text_in(by_name.get(name), depth - 1)).strip()), "")
    return ""


def _glued(texts: Sequence[str]) -> str:
    """Parts of a text, with spaces where they have none of their own."""
    made = ""
    for text in texts:
        apart = made and not made[-1].isspace() and not text[0].isspace()
        made += (" " if apart else "") + text
    return made


def flattened(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entry whose start and end are in an object or a list of their own, with them as its own fields."""
    held: dict[str, Any] = {}
    for name in _those_of(tuple(value), _SPANS):
        item = value[name]
        if isinstance(item, dict) and len(item) <= _MOST_OF_A_SPAN:
            held |= {key: one for key, one in item.items() if key not in value}
        elif isinstance(item, list) and len(item) == 2 and not any(isinstance(one, (dict, list)) for one in item):
            held |= dict(zip(("start", "end"), item, strict=True))
    if not says_who(value):
        held |= _speaker_beside(value)
    return {**value, **held} if held else value


def _speaker_beside(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields for who speaks of an object that an entry has for what is not its text."""
    for name in _those_of(tuple(value), _BESIDE):
        item = value[name]
        if isinstance(item, dict) and (found := {key: one for key, one in item.items() if says_who({key: one})}):
            return found
    return {}


def unwrapped(value: Mapping[str, Any], depth: int = MOST_DEPTH) -> Mapping[str, Any]:
    """An entry without what it is wrapped in; the fields of the wrappers stay where the entry has none of that name.

    A wrapper of an unknown name names no speaker, and has one object that names one and has its text.
    """
    own = text_of(value)
    for name in _those_of(tuple(value), _WRAPPERS):
        item = value[name]
        inner = item[0] if plain(name) in CHOICES and isinstance(item, list) and item else item
        is_wrapper = plain(name) in WRAPPERS or inner is not item
        if is_wrapper and isinstance(inner, dict) and depth and (not own or own == text_in(inner)):
            found = unwrapped(inner, depth - 1)
            if text_of(found):
                return _within(value, name, found)
    if not depth or (own and says_who(value)):
        return value
    inside = {name: unwrapped(item, depth - 1) for name, item in value.items() if isinstance(item, dict)}
    said = {name: text_of(found) for name, found in inside.items() if says_who(found)}
    spoken = [
        (name, inside[name])
        for name, text in said.items()
        if text and (text == (own or text) or _SURELY & inside[name].keys())
    ]
    if not spoken and not own and says_who(value) and not any(map(_holds_objects, value.values())):
        spoken = [(name, found) for name, found in inside.items() if _SURELY & found.keys() and text_of(found)]
    return _within(value, *spoken[0]) if len(spoken) == 1 else value


def _holds_objects(value: Any) -> bool:
    """Whether a value is a list that may have the entries."""
    return isinstance(value, list) and any(isinstance(one, dict) for one in value[:_MOST_OF_A_SPAN])


def _within(value: Mapping[str, Any], name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """What was found in a field of an object, with the object's other fields where it has none of that name."""
    return {**{key: one for key, one in value.items() if key != name}, **found}


def says_who(value: Mapping[str, Any]) -> bool:
    """Whether an object has a field for who speaks."""
    return any(plain(name) in ROLE_NAMES or is_speaker(name) for name in value)


def is_speaker(name: str) -> bool:
    """Whether a name is made of words that say who speaks, or on which channel."""
    named = field_named(name)
    return named is not None and named.what in {"speaker", "channel"}
