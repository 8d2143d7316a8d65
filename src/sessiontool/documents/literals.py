"""Values as Python and JavaScript print them -> JSON: `{'role': 'user'}`, `{ role: 'user' }`, `Turn(role='user')`.

Also Ruby's `{:role=>"user"}`, and JSON5: comments, and commas behind the last item.  Text that is JSON comes out as it
went in.  Of a call with one argument (`ObjectId('…')`) the argument is left, of one with named ones an object;
`datetime(…)` becomes an instant.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .lenient import loads

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRING = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`"
_TOKEN = (
    rf"(?s)(?P<call>(?:new\s+)?[A-Za-z_$][\w$.]{{0,80}}\(\s*(?P<argument>{_STRING}|-?\d[\d.]*)\s*\))"
    rf"|<[\w.]{{1,80}}:\s*(?P<member>{_STRING})>|(?P<string>[bru]?(?:{_STRING}))"
    r"|datetime\.datetime\((?P<date>\d[\d, ]*)(?:,\s*tzinfo=(?P<zone>[\w.]+(?:\([^()]*(?:\([^()]*\))?[^()]*\))?))?\)"
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<opening>(?:[A-Za-z_][\w.]{0,80})?\((?=\s*[A-Za-z_]\w*=))"
    r"|:(?P<symbol>[A-Za-z_]\w*)(?=\s*=>)|(?P<arrow>=>)"
    r"|(?P<name>[A-Za-z_$][\w$]*)(?P<means>\s*[:=])?|(?P<number>[-+]?\d[\w.+-]*)|(?P<space>\s+)|(?P<mark>[^\"'`])|(?P<rest>.+)"
)
_WORDS = {
    "True": "true",
    "False": "false",
    "None": "null",
    "undefined": "null",
    "nil": "null",
    "NaN": "null",
    "nan": "null",
}
_JSON_WORDS = ("true", "false", "null")
BEHIND = r"[{\[]\s*(?:[\"'{\[(]|[A-Za-z_$:][\w$]*\s*(?::|=>))|\[?[A-Za-z_][\w.]*\([A-Za-z_]\w*="
_PREFIX_CHARS = 400
"""Characters; chosen: longer than what loggers write before an entry."""
_MOST_BEGINNINGS = 5
"""Places in a prefix at which a value may begin; chosen: loggers put two or three things in brackets."""
_ESCAPE = r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)|\"|[\x00-\x1f]"
_KEPT = '"\\/bfnrt'
"""Escapes that JSON has as well."""
_BRACKETS = {"{": "}", "[": "]"}


def as_json(text: str) -> str:
    """The text with its values as JSON; what is no value of any such language stays as it is."""
    made: list[str] = []
    closing: list[str] = []
    for piece in _pieces(text, closing):
        if piece[0] in "}]":
            _drop_last(made, ",")
        elif piece[0] == '"' and (before := _last(made)) is not None and made[before][0] == made[before][-1] == '"':
            made[before:] = [made[before][:-1] + piece[1:]]  # a text that goes on in the next line
            continue
        made.append(piece)
    return "".join(made)


def value_behind(line: str, doubled: list[str] | None = None) -> tuple[Any, int]:
    """The value that a line ends with, behind a logger's prefix or not, and where it begins (ValueError)."""
    places = [found.start() for found in re.finditer(BEHIND, line[:_PREFIX_CHARS])][:_MOST_BEGINNINGS]
    for written in (str, as_json):
        for place in places:
            try:
                return loads(written(line[place:]).rstrip(" \t\r\n,;"), doubled), place
            except (ValueError, RecursionError):
                continue
    raise json.JSONDecodeError("no value", line, 0)


def _pieces(text: str, closing: list[str]) -> Iterator[str]:
    """The tokens as JSON has them; `closing` are the ends of what is open."""
    for found in re.finditer(_TOKEN, text):
        kind = found.lastgroup
        if found["argument"] or found["member"] or kind == "string":
            yield _value(found["argument"] or found["member"] or found[0])
        elif found["date"]:
            yield _instant(found["date"], found["zone"] or "")
        elif found["opening"]:
            closing.append("}")
            yield "{"
            if name := found["opening"].rstrip("("):
                yield f'"class_name": "{name}", '
        elif found["arrow"] or found["symbol"]:
            yield f'"{found["symbol"]}"' if found["symbol"] else ":"
        elif found["name"]:
            yield _named(found["name"], found["means"])
        elif found["mark"]:
            yield _mark(found[0], closing)
        elif not found["comment"]:
            yield found[0]


def _value(written: str) -> str:
    """A string or a number."""
    if written[0] in "bru":
        written = written[1:]
    if written[0] not in "\"'`":
        return written
    return f'"{re.sub(_ESCAPE, _escaped, written[1:-1], flags=re.DOTALL)}"'


def _escaped(found: re.Match[str]) -> str:
    if found[1] is None:
        return '\\"' if found[0] == '"' else f"\\u{ord(found[0]):04x}"
    if found[1][0] in "xu" and len(found[1]) > 1:
        return f"\\u{found[1][1:]:0>4}"
    return found[0] if found[1] in _KEPT else found[1]


def _instant(numbers: str, zone: str) -> str:
    year, month, day, hour, minute, second, micro = [*map(int, re.findall(r"\d+", numbers)), 0, 0, 0, 0, 0, 0][:7]
    is_utc = "utc" in zone.casefold() or "timedelta(0)" in zone
    mark = "Z" if is_utc else ""
    return f'"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}{mark}"'


def _named(name: str, means: str | None) -> str:
    """A word: the name of a field, or a value."""
    if means:
        return f'"{name}":'
    word = _WORDS.get(name, name)
    return word if word in _JSON_WORDS else f'"{name}"'


def _mark(mark: str, closing: list[str]) -> str:
    """A bracket, with the one of JSON that a round one means; anything else as it is."""
    if mark in "{[(":
        closing.append(_BRACKETS.get(mark, "]"))
        return "[" if mark == "(" else mark
    if mark in "}])":
        return closing.pop() if closing and mark == ")" else (closing.pop() and mark) if closing else mark
    return mark


def _last(made: list[str]) -> int | None:
    """The place of the last piece that is no space."""
    return next((place for place in range(len(made) - 1, -1, -1) if not made[place].isspace()), None)


def _drop_last(made: list[str], mark: str) -> None:
    place = _last(made)
    if place is not None and made[place] == mark:
        del made[place]
