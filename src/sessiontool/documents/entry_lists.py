"""The lists of a JSON value that are a transcript: the one that looks most like it, and those that go with it.

A transcript may be parted: a list for each channel or speaker, or for each page or chunk.  Lists go together that are
in the same place of objects of one list, or in places that differ in one name, which says who speaks or on which
channel.  What an object around a list says of the speaker holds for the list's entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from .field_names import CHOICES, ROLE_NAMES
from .fields import has_role, has_time
from .lenient import words_of
from .name_words import words_in
from .role_keys import role_of_lists_key, spoken_by_key
from .roles import channel_number
from .texts import has_text, is_speaker, plain, text_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MOST_DEPTH = 8
"""Levels of objects that are looked through for entries; chosen: exports have three."""
_MOST_LISTS = 1000
"""Number of lists of a level that are looked into, as steps of the search; chosen: bounded time on any JSON."""
_JUDGED = 50
"""Number of entries by which a list is judged, as units of evidence; chosen."""
_ALMOST = 0.9
"""Likeness of another list, as a ratio to the best one's, from which on it is a transcript as well; chosen."""
_LEAST_ENTRIES, _LEAST_SHARE = 3, 0.2
"""Number of entries of another list from which on it is named, and as a ratio to the number that is read; chosen."""
_ANY = "*"
_DIGITS = "0123456789"
_OF_CHANNELS = frozenset(words_of("channel channels ch track tracks lane side speaker stream left right"))
"""Words of a name that says on which channel something is, beside its number."""


class TranscriptLists(Struct, frozen=True):
    """The entries of lists that are a transcript, and of others that look as much like one: where, and how many."""

    entries: list[Any]
    others: list[str]


class _List(Struct, frozen=True):
    path: tuple[str, ...]
    entries: list[Any]
    around: dict[str, Any]  # what the objects around it say of the speaker
    likeness: float


def speaks(value: Any) -> bool:
    """Whether a value is an entry of a transcript, or holds some by who said them."""
    return isinstance(value, dict) and (has_text(value) or bool(spoken_by_key(value)))


def speaker_fields(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an object that may say who speaks."""
    return {
        name: item
        for name, item in value.items()
        if (plain(name) in ROLE_NAMES or is_speaker(name)) and not isinstance(item, (dict, list))
    }


def transcript_lists(value: Any) -> TranscriptLists:
    """The lists in a value whose entries are most like those of a transcript; none where there are none."""
    found = [one for one in _lists(value) if one.likeness]
    if not found:
        return TranscriptLists([], [])
    best = max(found, key=lambda one: one.likeness)  # the first of equals, which is the outermost
    together = [one for one in found if _go_together(best.path, one.path)]
    entries = [_with_speaker(entry, one) for one in together for entry in one.entries]
    return TranscriptLists(entries, list(_others(found, together, best)))


def _lists(value: Any) -> Iterator[_List]:
    """The lists of objects in a value, and objects of objects as lists, from the outside in."""
    level: list[tuple[tuple[str, ...], dict[str, Any], Any]] = [((), {}, value)]
    count = 0
    for _ in range(_MOST_DEPTH):
        inner: list[tuple[tuple[str, ...], dict[str, Any], Any]] = []
        for path, around, outer in level:
            named = _named(outer, path)
            items = [item for _, item in named]
            if sum(isinstance(one, dict) for one in items[:_JUDGED]) > (0 if isinstance(outer, list) else 1):
                count += 1
                yield _List(path, items, around, _likeness(items))
            known = around | speaker_fields(outer) if isinstance(outer, dict) else around
            inner += (((*path, name), known, one) for name, one in named[:_MOST_LISTS] if isinstance(one, (dict, list)))
            if count > _MOST_LISTS:
                return
        level = inner[:_MOST_LISTS]


def _named(outer: Any, path: Sequence[str]) -> list[tuple[str, Any]]:
    """What a value holds, by name; of the versions of one text the first alone."""
    if isinstance(outer, dict):
        return list(outer.items())
    is_choice = bool(path) and plain(path[-1]) in CHOICES
    return [(_ANY, one) for one in (outer[:1] if is_choice else outer)]


def _likeness(entries: list[Any]) -> float:
    """How much entries look like those of a transcript."""
    some = [one for one in entries[:_JUDGED] if isinstance(one, dict)]
    speaking = [one for one in some if speaks(one)]
    if not speaking:
        return 0.0
    points = sum(1.0 + has_role(one) + 0.5 * has_time(one) for one in speaking) / len(some)
    if all(plain(name) != "word" for one in speaking for name in one):
        points += 0.5  # sentences rather than the words of them
    return points


def _go_together(path: Sequence[str], other: Sequence[str]) -> bool:
    if len(path) != len(other):
        return False
    unlike = [(a, b) for a, b in zip(path, other, strict=True) if a != b]
    return not unlike or (len(unlike) == 1 and _are_alike(*unlike[0]))


def _are_alike(name: str, other: str) -> bool:
    """Whether both names say who speaks, or one is numbered as the other one is."""
    both_say = all(role_of_lists_key(one) or _is_channel(one) for one in (name, other))
    return both_say or name.rstrip(_DIGITS) == other.rstrip(_DIGITS)


def _is_channel(name: str) -> bool:
    """Whether a name is that of a channel, as `channel_1` and `left` are, and `page_1` is not."""
    words = {word.rstrip(_DIGITS) for word in words_in(name)} - {""}
    return words <= _OF_CHANNELS and channel_number(name) is not None


def _with_speaker(entry: Any, where: _List) -> Any:
    """An entry with what is said around it of who speaks; what it says itself counts more."""
    if not isinstance(entry, dict) or has_role(entry):
        return {**where.around, **entry} if isinstance(entry, dict) else entry
    said: dict[str, Any] = {}
    for name in where.path:
        if role := role_of_lists_key(name):
            said["role"] = role
        elif _is_channel(name):
            said["channel"] = name
    return {**where.around, **said, **entry}


def _others(found: Sequence[_List], together: Sequence[_List], best: _List) -> Iterator[str]:
    """Lists that are as much of a transcript and whose texts are in none that is read."""
    read = {_letters(entry) for one in together for entry in one.entries}
    least = max(_LEAST_ENTRIES, _LEAST_SHARE * sum(len(one.entries) for one in together))
    for one in found:
        is_small = len(one.entries) < least or one.likeness < _ALMOST * best.likeness
        if is_small or one in together or _is_inside(one.path, best.path):
            continue
        texts = list(filter(None, map(_letters, one.entries[:_JUDGED])))
        if sum(text not in read for text in texts) * 2 > len(texts):
            yield f"{'.'.join(one.path)[:80]} ({len(one.entries)} entries)"


def _is_inside(path: Sequence[str], other: Sequence[str]) -> bool:
    """Whether one of two places is inside of the other."""
    shorter = min(len(path), len(other))
    return list(path[:shorter]) == list(other[:shorter])


def _letters(entry: Any) -> str:
    return "".join(filter(str.isalnum, text_in(entry).casefold()))
