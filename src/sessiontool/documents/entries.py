"""A document of any kind -> the entries that it holds, each with the place where it stands.

JSON may be one value, a value a line, values one after another, or stand behind a logger's prefix or `data:`.  Lists
may be anywhere in it (`entry_lists`).  SubRip and WebVTT are read by srt and webvtt-py (`cues`), tables and lines of a
dialogue by `tables` and `dialogue`.

Not here: what an entry's fields mean (`fields`).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from .channel_words import words_by_channel
from .columns import rows_of_columns
from .cues import CUES, cues_in
from .dialogue import dialogue_in
from .entry_lists import speaks, transcript_lists
from .fields import has_role, has_time
from .lenient import LogProblems, json_problem, json_reader, kind_of, loads, shown
from .literals import BEHIND, as_json, value_behind
from .moments import moment_in
from .nested_json import MAY_BE_CLOSED, opened, parsed
from .other_formats import value_of_other
from .own_form import is_plain
from .people import with_people
from .role_keys import spoken_by_key
from .tables import JSON_CELL, cells_by_name, columns_of, named, rows_in
from .texts import has_text, text_fields, text_in
from .traces import conversation_in, conversation_of
from .typed_values import untyped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .fields import Entry

_PREFIX_CHARS = 400
"""Characters; chosen: longer than what loggers write before an entry."""
_BRACKETED_TIME = r"[\s\u200e\u200f]*\[\d[^\[\]{}\"]*\]\s*[^\s,\[\]{}]"


_UNSEEN = " \t\r\n\u200e\u200f"
"""Spaces, and the marks of direction that chats write before a line."""


class Troubles(Struct, frozen=True):
    """What was wrong: entries that could not be read at all, what is odd about others, and lists that were not read."""

    broken: LogProblems
    odd: LogProblems
    unread: LogProblems


class FoundEntries(Struct, frozen=True):
    """An entry as it was found: where, and its value; `is_ours`: it is known to be as our recorders write it."""

    place: str
    value: Any
    is_ours: bool = False


def entries_in(text: str, name: str, troubles: Troubles) -> Iterator[FoundEntries | Entry]:
    """The entries of a document; cues of captions are read already.  What is none of its format goes to `troubles`."""
    lined = text if "\n" in text else text.replace("\r", "\n")
    for found in _entries(lined, name, troubles):
        by_key = spoken_by_key(found.value) if isinstance(found, FoundEntries) and _may_be_keyed(found) else []
        if by_key:
            yield from _all_found(by_key, found.place)
        else:
            yield found


def _may_be_keyed(found: FoundEntries) -> bool:
    return not found.is_ours and isinstance(found.value, dict) and not has_text(found.value)


def _entries(text: str, name: str, troubles: Troubles) -> Iterator[FoundEntries | Entry]:
    start = text.lstrip(_UNSEEN)[:1]
    if (value := value_of_other(text)) is not None:
        yield from _expanded(value, "entry", troubles)
    elif start == "[" and re.match(_BRACKETED_TIME, text) and (lines := dialogue_in(text)):
        yield from _found(lines, "line")
    elif start not in {"{", "["} and re.search(JSON_CELL, text[:_CELL_CHARS]) and (held := _in_cells(text, troubles)):
        yield from held
    elif start in {"{", "["} or (start and not re.search(CUES, text[:_PREFIX_CHARS]) and _is_json_behind(text)):
        yield from _json(text, name, troubles)
    elif re.search(CUES, text[:4000]) or name.endswith((".srt", ".vtt")):
        yield from cues_in(text, troubles.broken)
    elif rows := rows_in(text, troubles.broken, troubles.odd):
        yield from _found(rows, "row")
    elif lines := dialogue_in(text):
        yield from _found(lines, "line")
    else:
        yield from _json(text, name, troubles)


_CELL_CHARS = 4000
"""Characters in which a table has a cell of JSON, if it has any; chosen."""


def _in_cells(text: str, troubles: Troubles) -> list[FoundEntries]:
    """The entries that are in the cells of a table, as a database exports a column of JSON."""
    rows = opened(cells_by_name(text))
    found = list(_expanded(rows, "entry", troubles))
    return found if any(has_role(one.value) for one in found if isinstance(one.value, dict)) else []


def _found(numbered: Iterable[tuple[int, dict[str, Any]]], what: str) -> Iterator[FoundEntries]:
    return (FoundEntries(f"{what} {number}", fields) for number, fields in numbered)


# -- JSON

_SENT = r"(?:event|id|retry)?:(?:\s+[\w.:-]+)?\s*$"
"""What server-sent events have beside their data."""


def _is_json_behind(text: str) -> bool:
    """Whether lines hold objects behind a prefix."""
    lines = [line for line in text[: 20 * _PREFIX_CHARS].split("\n")[:20] if line.strip() and not re.match(_SENT, line)]
    return sum(bool(re.search(BEHIND, line[:_PREFIX_CHARS])) for line in lines) * 2 > len(lines)


def _json(text: str, name: str, troubles: Troubles, *, is_mended: bool = False) -> Iterator[FoundEntries]:
    is_spread = _begins_over_lines(text)
    if name.endswith(".json") or is_spread:
        doubled: list[str] = []
        try:
            value = _value_of(loads(text, doubled), text)
        except (ValueError, RecursionError) as error:
            if not is_mended and not _is_cut_off(error) and (plain := as_json(text)) != text:
                yield from _json(plain, name, troubles, is_mended=True)
                return
            if text.lstrip().startswith("[") and not _is_more(error) and (found := _up_to(text, error, troubles)):
                yield from _expanded(found, "entry", troubles)
                return
            if not is_spread and not _is_more(error):
                troubles.broken.add(f"is not valid JSON ({json_problem(error)})")
                return
        else:
            troubles.odd.extend(map(twice, doubled))
            yield from _expanded(value, "entry", troubles)
            return
        if is_spread and re.search(_INDENTED, text[:_PREFIX_CHARS]):
            yield from _one_after_another(text, troubles)
            return
    yield from _lines(text, troubles)


_COMMENTED_OUT = r"(?:#|//)[#/\s]*[{\[]\s*[\"{]"
"""A comment that holds an object."""
_INDENTED = r"\n[ \t]+[\"{\[]"


def _begins_over_lines(text: str) -> bool:
    """Whether the first line is only the beginning of a value."""
    first = text.lstrip().partition("\n")[0].strip()
    return bool(re.fullmatch(r"[\[{]+|\[\s*\{.*[,{]|\{\s*\"[^\"]*\"\s*:.*[,{\[]", first)) and not _is_whole(first)


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _is_cut_off(error: Exception) -> bool:
    """Whether a text is JSON as far as it goes."""
    is_open = isinstance(error, json.JSONDecodeError) and error.msg.startswith("Unterminated string")
    return is_open or (isinstance(error, json.JSONDecodeError) and not error.doc[error.pos :].strip())


def _is_more(error: Exception) -> bool:
    """Whether a text is JSON, and has more behind it."""
    return isinstance(error, json.JSONDecodeError) and error.msg == "Extra data"


def _lines(text: str, troubles: Troubles) -> Iterator[FoundEntries]:
    doubled: list[str] = []
    read = json_reader(doubled)
    before: Sequence[FoundEntries] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith(("#", "//")) or re.match(_SENT, line):
            if re.match(_COMMENTED_OUT, line):
                troubles.odd.add(f"line {number}: is a comment, and what is in it was not read")
            continue
        doubled.clear()
        try:
            value = read(line)
        except (ValueError, RecursionError) as error:
            several = _values(line, 0) if _is_more(error) else None
            if several is not None and several.error is None:
                yield from _expanded(several.values, f"line {number}", troubles)
                continue
            try:
                value, at = value_behind(line, doubled)
            except ValueError:
                if (closed := parsed(line)) is None:
                    troubles.broken.add(f"line {number}: is not valid JSON ({json_problem(error)})")
                    continue
                value, at = closed, 0
            value = _with_time(value, line[:at])
        troubles.odd.extend(f"line {number}: {twice(field)}" for field in doubled)
        found = list(_of_line(value, line, f"line {number}", troubles))
        if _goes_on(before, found):
            found = [*before, *found[len(before) :]]  # an answer has its times where it is the last
        else:
            yield from before
        before = found
    yield from before


def _with_time(value: Any, prefix: str) -> Any:
    """An object with the time that a logger wrote before it, where it has none of its own."""
    time = moment_in(prefix) if isinstance(value, dict) and not has_time(value) else ""
    return {"timestamp": time, **value} if time else value


def _of_line(value: Any, line: str, place: str, troubles: Troubles) -> Iterable[FoundEntries]:
    if is_plain(value) and value["text"][0] not in "{[":
        return (FoundEntries(place, value, is_ours=True),)
    return _expanded(_value_of(value, line), place, troubles)


def _goes_on(before: Sequence[FoundEntries], found: Sequence[FoundEntries]) -> bool:
    """Whether a line has all entries of the one before, and more: what was said so far is written each time."""
    if not len(found) >= len(before) > 0 or len(found) == 1:
        return False
    return all(_is_said_again(one.value, two.value) for one, two in zip(before, found, strict=False))


def _is_said_again(before: Any, value: Any) -> bool:
    if before == value or not isinstance(before, dict) or not isinstance(value, dict):
        return bool(before == value)
    return before.get("role") == value.get("role") is not None and text_in(before) == text_in(value)


def _value_of(value: Any, text: str) -> Any:
    """A value read from `text`, with what is JSON in its texts, and without the types of databases."""
    return untyped(opened(value) if re.search(MAY_BE_CLOSED, text) else value, text)


def _one_after_another(text: str, troubles: Troubles) -> Iterator[FoundEntries]:
    read = _values(text, 0)
    for number, value in enumerate(read.values, 1):
        yield from _expanded(value, f"entry {number}", troubles)
    if read.error is not None:
        what = (
            f"entry {len(read.values) + 1}: is not valid JSON ({json_problem(read.error)}); what follows was not read"
        )
        troubles.broken.add(what)


def _up_to(text: str, error: Exception, troubles: Troubles) -> list[Any]:
    """The entries of a list of JSON up to where it breaks off; a comma too many at its end is no harm."""
    read = _values(text, text.index("[") + 1)
    if read.values and text[read.end :].strip() != "]":
        what = f"is not valid JSON ({json_problem(error)}); what follows entry {len(read.values)} was not read"
        troubles.broken.add(what)
    return read.values


class _Values(Struct, frozen=True):
    """Values one after another, where the last one ends, and why there are no more; None at the text's end."""

    values: list[Any]
    end: int
    error: Exception | None


def _values(text: str, at: int) -> _Values:
    decoder, values = json.JSONDecoder(), []
    while (at := _skipped(text, at)) < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
            values.append(untyped(loads(text[at:end]), text[at:end]))
        except (ValueError, RecursionError) as error:
            return _Values(values, at, error)
        at = end
    return _Values(values, at, None)


def _skipped(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,\x1e":
        at += 1
    return at


def twice(field: str) -> str:
    return f"{shown(field)} is there twice in one object; the last one counts"


# -- lists in objects


def _expanded(value: Any, place: str, troubles: Troubles) -> Iterator[FoundEntries]:
    """The entries of a value: itself, those of a list, or of the list in it that is most like a transcript."""
    if is_plain(value):
        yield FoundEntries(place if place != "entry" else "entry 1", value, is_ours=True)
    elif isinstance(value, list) and (names := columns_of(value)):
        yield from _found(((number, named(names, row)) for number, row in enumerate(value, 1)), "entry")
    elif traced := conversation_in(value) if isinstance(value, list) else conversation_of(value):
        yield from _all_found(traced, place)
    elif isinstance(value, list) and (place == "entry" or any(isinstance(one, dict) for one in value)):
        says_who = any(speaks(one) and has_role(one) for one in value)
        inner = value if says_who else _inner(value, troubles) or value
        yield from _all_found(inner, place)
    elif isinstance(value, dict) and (rows := rows_of_columns(value)):
        yield from _found(enumerate(rows, 1), "entry")
    elif isinstance(value, dict) and (by_channel := words_by_channel(value)):
        yield from _all_found(by_channel, place)
    elif isinstance(value, dict) and not _is_entry(value) and (inner := _inner(value, troubles)):
        yield from _all_found(inner, place)
    elif isinstance(value, dict) and (lines := dialogue_in(text_in(value.get("transcript")))):
        yield from _found(lines, "line")
    elif place == "entry" and not speaks(value):
        troubles.broken.add(f"holds {kind_of(value)}, not a list")
    else:
        yield FoundEntries(place if place != "entry" else "entry 1", value)


def _is_entry(value: dict[str, Any]) -> bool:
    """Whether an object says who said what, and is not one around a list of such ones."""
    said = next((value[name] for name in text_fields(value) if text_in(value[name])), None)
    holds_entries = isinstance(said, list) and any(speaks(one) and has_role(one) for one in said)
    return has_text(value) and has_role(value) and not holds_entries


def _inner(value: Any, troubles: Troubles) -> list[Any]:
    """The entries of the lists in a value that are a transcript; that others look like one as well is said."""
    found = transcript_lists(value)
    troubles.unread.extend(f"{other} looks like a transcript as well, and was not read" for other in found.others)
    return list(with_people(found.entries, value))


def _all_found(values: Iterable[Any], place: str) -> Iterator[FoundEntries]:
    before = "" if place == "entry" else f"{place}, "
    return (FoundEntries(f"{before}entry {number}", one, is_plain(one)) for number, one in enumerate(values, 1))
