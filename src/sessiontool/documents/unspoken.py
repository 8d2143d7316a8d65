"""Entries of a log that are no speech by what they say of themselves: events without words, thoughts, silence.

Not here: roles that do not speak, such as tools (`roles`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .field_names import SESSION_IDS
from .lenient import words_of
from .moments import read_moment
from .name_words import words_in
from .texts import plain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from .fields import Entry

_SILENT_KINDS = frozenset(words_of("reasoning thinking thought thoughts debug warning breadcrumb metadata"))
"""Words of a kind of entry whose text is not heard."""
_MARK = (
    r"(?i)\s*[\[(<*]+\s*"
    r"(?:blank[_ ]audio|silence|no[_ ]speech|noise|background[_ ]noise|music|static|pause|unk|applause)\s*[\])>*]+\s*"
)
"""What recognisers write where there is no speech."""
_MARK_ENDS = ("]", ")", ">", "*")
_MOST_DEPTH = 6
"""Levels of objects that are looked through for such a text; chosen."""


def kinds_that_speak(entries: Iterable[Entry]) -> set[str]:
    """The kinds of entries that have texts."""
    return {entry.kind for entry in entries if entry.text}


def why_silent(
    entry: Entry, speaking: Collection[str], session: Mapping[str, Collection[str]], *, has_spoken: bool = False
) -> str:
    """What to call an entry that is no speech; empty where it may be.

    `speaking` are the kinds of entries that have texts, `session` the ids of the session by the fields that name it;
    `has_spoken`: some entries say that they were spoken, so that those which were typed are not all there is.
    """
    if entry.how_said == "typed" and has_spoken:
        return "typed"
    if session and any(value not in session[name] for name, value in _ids(entry).items() if name in session):
        return "of another session"
    if entry.is_hidden:
        return "hidden"
    if isinstance(entry.text, str) and entry.text.rstrip()[-1:] in _MARK_ENDS and re.fullmatch(_MARK, entry.text):
        return "without words"
    if entry.kind and _SILENT_KINDS.intersection(words_in(entry.kind)):
        return entry.kind
    is_event = speaking and entry.text is None and (entry.kind not in speaking if entry.kind else entry.role is None)
    return (entry.kind or "without a text") if is_event and not _may_speak(entry.rest) else ""


def _may_speak(value: Any, depth: int = _MOST_DEPTH) -> bool:
    """Whether a text of several words is somewhere in a value, and is no time."""
    if isinstance(value, str):
        return " " in value.strip() and any(map(str.isalpha, value)) and read_moment(value) is None
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_may_speak(one, depth - 1) for one in items) if depth else False


# -- sessions


def own_ids(entries: Iterable[Entry], session: Collection[str]) -> dict[str, frozenset[str]]:
    """The ids of `session` by the fields in which some entries name it; none where no entry does."""
    own = frozenset(session)
    return {name: own for entry in entries for name, value in _ids(entry).items() if value in own} if own else {}


def _ids(entry: Entry) -> dict[str, str]:
    return {plain(name): str(value) for name, value in entry.rest.items() if plain(name) in SESSION_IDS and value}
