"""What the fields of other people's logs hold, by their names: one entry of a log in, its parts out.

Names are compared without case and punctuation (`t_start`, `tStart`), and a unit at the end of a name is that of its
times (`startMs`).  An entry may be wrapped in another (`{"timestamp": …, "message": {…}}`), its text may be a list of
parts (`content[].transcript`), and its speaker an object.

Not here: its text (`texts`), and what the values mean for the log as a whole (`log_clock`, `roles`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from .field_names import (
    ARRIVED,
    END,
    FINAL,
    FLAGS,
    FRAGMENTS,
    HIDDEN,
    INTERIM,
    INTERIM_KINDS,
    KINDS,
    MORE,
    ROLE_KINDS,
    ROLE_NAMES,
    ROLE_NAMES_LAST,
    ROLE_OBJECT,
    START,
    SUFFIX_UNITS,
    SURELY_TIMES,
    TIMES,
)
from .how_said import how_said
from .moments import S, read_moment
from .name_words import field_named, words_in
from .own_form import is_plain
from .roles import CHANNEL, channel_name, channel_number, role_named
from .spoken_text import name_in_front
from .texts import flattened, is_speaker, is_unsaid, plain, says_who, text_fields, text_in, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..options import LogOptions

_RANKS = {name: rank for rank, name in enumerate((*START, *END, *ARRIVED))}
"""How likely a field of that name has what it seems to have; the least number is the likeliest."""


class Entry(Struct):
    """One entry of a log: what its fields hold, as it stands there.

    Times are (field, value, unit in ms) and are read for the log as a whole; `language`, `interrupted` and `heard_text`
    are checked by the model of utterances.  `kind` is the kind of entry or event that it says it is, `how_said` whether
    it was `typed` or `spoken`, `is_fragment` that its text goes on in the next one.  `rest` are all other fields.
    """

    place: str
    text: Any = None
    role: str | None = None
    names: dict[str, tuple[str, Any, float]] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    is_interim: bool = False
    is_hidden: bool = False
    is_fragment: bool = False
    kind: str = ""
    how_said: str = ""
    rest: dict[str, Any] = field(default_factory=dict)


def entry_of(
    value: Mapping[str, Any],
    place: str,
    options: LogOptions,
    names: Mapping[str, str],
) -> Entry:
    """What an object of a log holds; `names` maps the letters of known speakers to roles."""
    return (
        _plain_entry(value, place, options)
        if is_plain(value) and not options.fields
        else _read(value, place, options, names)
    )


_OUR_TIMES = {"t_start": "start", "t_end": "end"}


def _plain_entry(value: Mapping[str, Any], place: str, options: LogOptions) -> Entry:
    unit = options.unit_ms or S
    return Entry(
        place,
        value["text"],
        value["role"],
        {_OUR_TIMES[name]: (name, item, unit) for name, item in value.items() if name in _OUR_TIMES},
        {name: value[name] for name in ("id", "interrupted") if name in value},
    )


def _read(value: Mapping[str, Any], place: str, options: LogOptions, names: Mapping[str, str]) -> Entry:
    """The same of any object, by the names of its fields and by what they hold."""
    held = flattened(unwrapped(value))
    reader = _Reader(held, options)
    entry = Entry(place, how_said=how_said(held))
    entry.text = reader.text(entry)
    entry.role = reader.role(names)
    if entry.role is None and isinstance(entry.text, str) and (named := name_in_front(entry.text, names)):
        entry.role, entry.text = named
    entry.kind = reader.kind
    entry.is_hidden = (reader.take(HIDDEN) or "false") != "false"
    reader.times(entry)
    entry.is_interim = reader.is_interim()
    for name, known in MORE.items():
        found = reader.take(known, name)
        if found is not None and not isinstance(found, list):
            entry.known[name] = found.get("$oid", found) if isinstance(found, dict) else found
    if "interrupted" not in entry.known and reader.status == "incomplete":
        entry.known["interrupted"] = True
    entry.rest = reader.rest()
    return entry


def has_time(value: Mapping[str, Any]) -> bool:
    return any(_time_kind(name)[0] for name in value)


def has_role(value: Mapping[str, Any]) -> bool:
    """Whether an entry says who speaks."""
    return says_who(unwrapped(value))


def _time_kind(name: str) -> tuple[str, float]:
    """What a time a field of that name holds, and its unit; nothing where it holds none."""
    known = plain(name)
    if known in TIMES:
        return TIMES[known], S
    base, unit = _with_unit(known)
    if base:
        return TIMES[base], unit
    named = field_named(name)
    return (named.what, named.unit_ms) if named is not None and named.what in TIMES.values() else ("", S)


@lru_cache(maxsize=1024)  # every entry of a log has the same names
def _with_unit(known: str) -> tuple[str, float]:
    """The name of a time, and the unit that is named behind it; nothing where a name is no such one."""
    for suffix, unit in SUFFIX_UNITS.items():
        if known.endswith(suffix) and known.removesuffix(suffix) in TIMES:
            return known.removesuffix(suffix), unit
    return "", S


def arrival_rank(name: str, usual: float) -> tuple[int, float] | None:
    """How likely a field has the time at which something was received (0 the most), and what its numbers count.

    None for other fields; `usual` is the unit where the name tells none.
    """
    known = plain(name)
    base = known if known in TIMES else _with_unit(known)[0]
    if base not in ARRIVED:
        return None
    return ARRIVED.index(base), usual if base == known else _time_kind(name)[1]


class _Reader:
    """Takes the fields of one object, each once."""

    def __init__(self, value: Mapping[str, Any], options: LogOptions) -> None:
        self._value = value
        self._options = options
        self._by_name: dict[str, str] = {}
        for name in value:
            self._by_name.setdefault(plain(name), name)
        self._taken: set[str] = set()

    @property
    def kind(self) -> str:
        kinds = (self._value.get(self._by_name.get(name, "")) for name in ROLE_KINDS)
        return next((kind for kind in kinds if isinstance(kind, str)), "")

    @property
    def status(self) -> Any:
        return self._value.get(self._by_name.get("status", ""))

    def rest(self) -> dict[str, Any]:
        return {name: item for name, item in self._value.items() if name not in self._taken}

    def _asked(self, what: str) -> tuple[str, Any] | None:
        """The field that the settings name for something, if it is there."""
        for path in self._options.names(what):
            found: Any = self._value
            for step in (path,) if path in self._value else path.split("."):
                found = found.get(step) if isinstance(found, dict) else None
            if found is not None:
                self._taken.add(path.split(".")[0] if path not in self._value else path)
                return path, found
        return None

    def take(self, names: Sequence[str], asked: str = "") -> Any:
        if asked and (found := self._asked(asked)):
            return found[1]
        for name in names:
            key = self._by_name.get(name)
            if key is not None and key not in self._taken and self._value[key] is not None:
                self._taken.add(key)
                return self._value[key]
        return None

    def text(self, entry: Entry) -> Any:
        """The text, or what stands in its place; times of its words, where it is made of them."""
        if found := self._asked("text"):
            return text_in(found[1]) or found[1]
        names = [name for name in text_fields(self._value) if name not in self._taken]
        key = next((name for name in names if text_in(self._value[name])), None)
        if key is None:
            return self._no_text(names)
        self._taken.add(key)
        entry.is_fragment = plain(key) in FRAGMENTS
        for name, words in self._value.items():
            if isinstance(words, list) and (name == "words" or (name != key and words and _is_word(words[0]))):
                _add_word_times(entry, name, words)
                self._taken.add(name)
        return text_in(self._value[key])

    def _no_text(self, names: Sequence[str]) -> Any:
        """What stands where a text should be: nothing, or a value that is none."""
        if not names:
            return None
        self._taken.add(names[0])
        held = self._value[names[0]]
        return "" if held in ([], {}, "") or is_unsaid(held) or (held is None and names[0] != "text") else held

    def times(self, entry: Entry) -> None:
        for what in ("start", "end", "duration", "arrived"):
            if found := self._asked(what):
                unit = _time_kind(found[0])[1]
                entry.names[what] = (found[0], found[1], self._options.unit_ms or unit)
        best: dict[str, int] = {what: -1 for what in entry.names if self._options.names(what)}
        for key, value in self._value.items():
            what, unit = _time_kind(key)
            if not what or key in self._taken or value is None:
                continue
            if plain(key) not in SURELY_TIMES and read_moment(value, unit) is None:
                continue
            rank = _RANKS.get(plain(key), len(_RANKS))
            if what not in best or rank < best[what]:
                best[what] = rank
                entry.names[what] = (key, value, self._options.unit_ms or unit)
        self._taken.update(name for name, _, _ in entry.names.values())
        if "start" not in entry.names and "arrived" in entry.names and entry.names.keys() & {"end", "duration"}:
            entry.names["start"] = entry.names.pop("arrived")

    def role(self, names: Mapping[str, str]) -> str | None:
        """The name of who speaks; of several fields the first that names a role."""
        if found := self._asked("role"):
            return _name_in(found[1])
        for flag, (yes, no) in FLAGS.items():
            key = self._by_name.get(flag)
            if key is not None and isinstance(self._value[key], bool):
                self._taken.add(key)
                return yes if self._value[key] else no
        first: tuple[str, str] | None = None
        for key, role in self._stated_roles():
            if role_named(role, names) or role.startswith(CHANNEL):
                self._taken.add(key)
                return role
            first = first or (key, role)
        for name in ROLE_KINDS:
            kind = self._value.get(self._by_name.get(name, ""))
            role = _role_of_kind(kind, names) if isinstance(kind, str) else ""
            if role in {"user", "assistant"}:
                return role
        if first is None:
            owners = [self._by_name[name] for name in ROLE_NAMES_LAST if name in self._by_name]
            first = next(((key, owner) for key in owners if (owner := _name_in(self._value[key]))), None)
        if first is not None:
            self._taken.add(first[0])
            return first[1]
        return None

    def _stated_roles(self) -> Iterator[tuple[str, str]]:
        """The fields that say who speaks, the likeliest first, and what they say."""
        known = [self._by_name[name] for name in ROLE_NAMES if name in self._by_name]
        for key in (*known, *(name for name in self._value if name not in known and is_speaker(name))):
            if key in self._taken:
                continue
            role, named = self._value[key], field_named(key)
            number = channel_number(role) if named is not None and named.what == "channel" else None
            if number is not None:
                yield key, channel_name(number)
            elif (found := _name_in(role)) is not None:
                yield key, found

    def is_interim(self) -> bool:
        if found := self._asked("final"):
            return _truth(found[1]) is False
        for name, interim in FINAL.items():
            said = _truth(self._value.get(self._by_name.get(name, "")))
            if said is not None:
                return said is interim
        kinds = (self._value.get(self._by_name.get(name, "")) for name in INTERIM_KINDS)
        return any(isinstance(kind, str) and INTERIM.intersection(words_in(kind)) for kind in kinds)


def _truth(value: Any) -> bool | None:
    """What true, 1 and "true" mean alike; None for what is neither true nor false."""
    if isinstance(value, str):
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(value.casefold())
    return bool(value) if value in (0, 1) and isinstance(value, int) else None


def _role_of_kind(kind: str, names: Mapping[str, str]) -> str:
    """The role that a kind of entry begins with (`user.transcript`), or is known for."""
    return role_named(re.split(r"[._:\s-]", kind)[0], names) or KINDS.get(plain(kind), "")


def _name_in(value: Any, depth: int = 2) -> str | None:
    """The name of a speaker: a text, a number, or in an object."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, dict) and depth:
        by_name = {plain(name): item for name, item in value.items()}
        flag = next((name for name in FLAGS if isinstance(by_name.get(name), bool)), None)
        if flag is not None:
            return FLAGS[flag][0 if by_name[flag] else 1]
        return next((found for name in ROLE_OBJECT if (found := _name_in(by_name.get(name), depth - 1))), None)
    return None


def _is_word(value: Any) -> bool:
    """Whether an item of a list is a word with its times."""
    return isinstance(value, dict) and has_time(value) and bool(text_in(value))


def _add_word_times(entry: Entry, name: str, words: list[Any]) -> None:
    """The start of the first word and the end of the last."""
    timed = [word for word in words if isinstance(word, dict)]
    for what, some in (("start", timed[:1]), ("end", timed[-1:])):
        for word in some:
            for key, value in word.items():
                kind, unit = _time_kind(key)
                if kind == what and value is not None and what not in entry.names:
                    entry.names[what] = (f"{name}.{key}", value, unit)
