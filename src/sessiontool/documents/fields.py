"""What the fields of other people's logs hold, by their names: one entry of a log in, its parts out.

Names are compared without case and punctuation (`t_start`, `tStart`), and a unit at the end of a name is that of its
times (`startMs`).  An entry may be wrapped in another (`{"timestamp": …, "message": {…}}`), its text may be a list of
parts (`content[].transcript`), and its speaker an object.

Not here: what the values mean for the log as a whole (`log_clock`, `roles`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .field_names import (
    ARRIVED,
    END,
    FINAL,
    FLAGS,
    IN_PARTS,
    INTERIM,
    INTERIM_KINDS,
    MORE,
    ROLE_KINDS,
    ROLE_NAMES,
    ROLE_OBJECT,
    START,
    SUFFIX_UNITS,
    SURELY_TIMES,
    TEXT_NAMES,
    TIMES,
    UNIT,
    WRAPPERS,
)
from .moments import S, read_moment
from .roles import role_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..options import LogOptions


_MOST_DEPTH = 4
_MOST_PARTS = 10_000
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(slots=True)
class Entry:
    """One entry of a log: what its fields hold, as it stands there.

    Times are (field, value, unit in ms) and are read for the log as a whole; `language`, `interrupted` and `heard_text`
    are checked by the model of utterances.  `rest` are the fields that nothing is known of.
    """

    place: str
    text: Any = None
    role: str | None = None
    names: dict[str, tuple[str, Any, float]] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    is_interim: bool = False
    rest: dict[str, Any] = field(default_factory=dict)


def plain(name: str) -> str:
    """A field's name without case and punctuation."""
    return _NO_LETTER.sub("", name[:100].casefold())


def entry_of(
    value: Mapping[str, Any],
    place: str,
    options: LogOptions,
    names: Mapping[str, str],
    channels: Sequence[str] = (),
) -> Entry:
    """What an object of a log holds.

    `names` maps the letters of known speakers to roles, `channels` are the roles on the channels of the recording.
    """
    reader = _Reader(_unwrapped(value), options)
    entry = Entry(place)
    entry.text = reader.text(entry)
    entry.role = reader.role(names, channels)
    reader.times(entry)
    entry.is_interim = reader.is_interim()
    for name, known in MORE.items():
        found = reader.take(known, name)
        if found is not None:
            entry.known[name] = found
    if "interrupted" not in entry.known and reader.status == "incomplete":
        entry.known["interrupted"] = True
    entry.rest = reader.rest()
    return entry


def has_text(value: Any) -> bool:
    """Whether a value may be an entry of a transcript: an object with a text in it."""
    return isinstance(value, dict) and bool(_text_of(_unwrapped(value)))


def has_time(value: Mapping[str, Any]) -> bool:
    return any(_time_kind(plain(name))[0] for name in value)


def has_role(value: Mapping[str, Any]) -> bool:
    return any(plain(name) in ROLE_NAMES for name in value)


def _text_of(value: Mapping[str, Any]) -> str:
    by_name = {plain(name): item for name, item in value.items()}
    return next((text for name in TEXT_NAMES if (text := text_in(by_name.get(name)))), "")


def text_in(value: Any, depth: int = _MOST_DEPTH) -> str:
    """The text of a value: a string, or the strings of its parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and depth:
        texts = [text_in(one, depth - 1) for one in value[:_MOST_PARTS]]
        return _glued([text for text in texts if text.strip()])
    if isinstance(value, dict) and depth:
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


def _unwrapped(value: Mapping[str, Any], depth: int = _MOST_DEPTH) -> Mapping[str, Any]:
    """An entry without what it is wrapped in; the fields of the wrappers stay where the entry has none of that name."""
    own = _text_of(value)
    for name, inner in value.items():
        if plain(name) in WRAPPERS and isinstance(inner, dict) and depth and (not own or own == text_in(inner)):
            found = _unwrapped(inner, depth - 1)
            if _text_of(found):
                return {**{key: item for key, item in value.items() if key != name}, **found}
    return value


def _time_kind(name: str) -> tuple[str, float]:
    """What a time a field of that plain name holds, and its unit; nothing where it holds none."""
    if name in TIMES:
        return TIMES[name], S
    if found := UNIT.fullmatch(name):
        unit = next(unit for unit, suffix in zip(SUFFIX_UNITS, found.groups()[1:], strict=True) if suffix)
        return TIMES.get(found[1], ""), unit
    return "", S


def arrival_rank(name: str, usual: float) -> tuple[int, float] | None:
    """How likely a field has the time at which something was received (0 the most), and what its numbers count.

    None for other fields; `usual` is the unit where the name tells none.
    """
    known = plain(name)
    base = known if known in TIMES else (found[1] if (found := UNIT.fullmatch(known)) else "")
    if base not in ARRIVED:
        return None
    return ARRIVED.index(base), usual if base == known else _time_kind(known)[1]


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
        first: tuple[str, Any] | None = None
        for name in TEXT_NAMES:
            key = self._by_name.get(name)
            if key is None:
                continue
            first = first or (key, self._value[key])
            if text := text_in(self._value[key]):
                self._taken.add(key)
                break
        else:
            if first is None:
                return None
            self._taken.add(first[0])
            is_empty = first[1] in ([], {}, "") or (first[1] is None and first[0] != "text")
            return "" if is_empty else first[1]
        if isinstance(words := self._value.get("words"), list):
            _add_word_times(entry, words)
            self._taken.add("words")
        return text

    def times(self, entry: Entry) -> None:
        for what in ("start", "end", "duration", "arrived"):
            if found := self._asked(what):
                unit = _time_kind(plain(found[0]))[1]
                entry.names[what] = (found[0], found[1], self._options.unit_ms or unit)
        ranks = {name: rank for rank, name in enumerate((*START, *END, *ARRIVED))}
        best: dict[str, int] = {what: -1 for what in entry.names if self._options.names(what)}
        for key, value in self._value.items():
            what, unit = _time_kind(plain(key))
            if not what or key in self._taken or value is None:
                continue
            if plain(key) not in SURELY_TIMES and read_moment(value, unit) is None:
                continue
            rank = ranks.get(plain(key), 50)
            if what not in best or rank < best[what]:
                best[what] = rank
                entry.names[what] = (key, value, self._options.unit_ms or unit)
        self._taken.update(name for name, _, _ in entry.names.values())
        if "start" not in entry.names and "arrived" in entry.names and entry.names.keys() & {"end", "duration"}:
            entry.names["start"] = entry.names.pop("arrived")

    def role(self, names: Mapping[str, str], channels: Sequence[str]) -> str | None:
        """The name of who speaks; of several fields the first that names a role."""
        if found := self._asked("role"):
            return _name_in(found[1])
        for flag, (yes, no) in FLAGS.items():
            key = self._by_name.get(flag)
            if key is not None and isinstance(self._value[key], bool):
                self._taken.add(key)
                return yes if self._value[key] else no
        first: tuple[str, str] | None = None
        for key, told in self._told_roles(channels):
            if role_named(told, names):
                self._taken.add(key)
                return told
            first = first or (key, told)
        for name in ROLE_KINDS:
            kind = self._value.get(self._by_name.get(name, ""))
            role = role_named(re.split(r"[._:\s-]", kind)[0], names) if isinstance(kind, str) else ""
            if role in {"user", "assistant"}:
                return role
        if first is not None:
            self._taken.add(first[0])
            return first[1]
        return self._options.speaker or None

    def _told_roles(self, channels: Sequence[str]) -> Iterator[tuple[str, str]]:
        for name in ROLE_NAMES:
            key = self._by_name.get(name)
            if key is None or key in self._taken:
                continue
            told = self._value[key]
            if name in {"channel", "channelid"} and (role := _of_channel(told, channels)):
                yield key, role
            elif (found := _name_in(told)) is not None:
                yield key, found

    def is_interim(self) -> bool:
        if found := self._asked("final"):
            return found[1] is False or found[1] == "false"
        for name, interim in FINAL.items():
            key = self._by_name.get(name)
            if key is not None and isinstance(self._value[key], bool):
                return bool(self._value[key] is interim)
        kinds = (self._value.get(self._by_name.get(name, "")) for name in INTERIM_KINDS)
        return any(isinstance(kind, str) and INTERIM.search(kind[:100].casefold()) for kind in kinds)


def _name_in(value: Any, depth: int = 2) -> str | None:
    """The name of a speaker: a text, a number, or in an object."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, dict) and depth:
        by_name = {plain(name): item for name, item in value.items()}
        return next((found for name in ROLE_OBJECT if (found := _name_in(by_name.get(name), depth - 1))), None)
    return None


def _of_channel(value: Any, channels: Sequence[str]) -> str:
    """The role on a channel that is told by its number."""
    digits = re.search(r"\d{1,2}$", str(value)[:20], re.ASCII) if isinstance(value, (int, str)) else None
    return channels[int(digits[0])] if digits and int(digits[0]) < len(channels) else ""


def _add_word_times(entry: Entry, words: list[Any]) -> None:
    """The start of the first word and the end of the last."""
    timed = [word for word in words if isinstance(word, dict)]
    for what, some in (("start", timed[:1]), ("end", timed[-1:])):
        for word in some:
            for key, value in word.items():
                kind, unit = _time_kind(plain(key))
                if kind == what and value is not None and what not in entry.names:
                    entry.names[what] = (f"words.{key}", value, unit)
