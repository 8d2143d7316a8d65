"""Conversations that are written down as lines: `Name: text`, with a time before or behind the name, or beneath it.

Recognisers print `[00:01.000 --> 00:05.000] text`, chats export `22/11/2026, 14:45 - Dana: text`, and meetings have the
name and the time on a line of their own.  Which of them a log has is decided by the lines as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .field_names import ROLE_NAMES, TEXT_NAMES, TIMES
from .logfmt import fields_in
from .moments import moment_in
from .roles import ASSISTANT, USER, role_named
from .texts import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIME = (
    r"(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4},?[ T])?\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,6})?(?:\s?[AaPp]\.?[Mm]\.?)?Z?"
    r"|\d{1,6}(?:\.\d{1,6})?s|\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\s[+-]\d{4})?"
)
_NAME = r"[^\W\d_][^:\uff1a\n\[\]()<>{}\"]{0,39}?"
_LINE = (
    rf"(?:[\[(]?(?P<start>{_TIME})(?:\s*(?:-->|->|[-\u2013])\s*(?P<end>{_TIME}))?[\])]?[\s,|\u2013-]*)?"
    rf"(?:[-\u2013]\s*)?(?:<?[@+%~&]?(?P<name>{_NAME})\s*(?:[\[(](?P<behind>{_TIME})[\])]\s*)?"
    r"(?:[:>]\s+|\uff1a\s*|\s[-\u2013\u2014|]\s+))?(?P<text>\S.*)"
)
_HEAD = (
    rf"(?:\[?(?P<name>{_NAME})\]?[\s,|\u2013-]+[\[(]?(?P<start>{_TIME})[\])]?"
    rf"|[\[(]?(?P<first>{_TIME})[\])]?[\s|\u2013-]+(?P<last>{_NAME})):?"
)
_TITLE = rf"#{{1,6}}\s+(?P<title>{_NAME}):?"
_ALONE = r"[^\W\d_]\w*(?:\s\w+)?:?"
"""A name that stands in a line of its own."""
_CREDIT = r"(?i)(?:transcribed|transcript|generated|created|recorded|captions?|subtitles?)(?: \w+)? (?:by|with) \S.*"
"""A last line that says where a transcript is from."""
_MARKS = r"^\s*>+\s+|\*\*|__(?=[^\W_])|(?<=[^\W_])__|[\u200e\u200f\u202a-\u202e]"
"""What Markdown has around names, and marks of direction."""
_LOGGED = r"(?<![^\s\]:|>-])(?P<name>[^\W\d_][\w ]{0,20}?)\s*:\s+(?=\S)"
_PREFIX_CHARS = 200
"""Characters; chosen: longer than what a logger writes before its message."""
_LEAST_LOGGED = 0.5
"""So many lines of a logger (a share, chosen) are speech, or it is not a log of that."""
_MOST = 0.8
"""So many of the lines (a share, chosen) are of one form where all are meant to be."""


def dialogue_in(text: str) -> list[tuple[int, dict[str, Any]]]:
    """What is said in a text of lines, each with its line's number; nothing where most lines are something else."""
    whole = re.sub(_FOLDED, _unfolded, text) if re.search(_FOLDED, text) else text
    marked = ((number, re.sub(_MARKS, "", line).strip()) for number, line in enumerate(whole.split("\n"), 1))
    lines = [(number, line) for number, line in marked if line]
    if lines and re.fullmatch(_CREDIT, lines[-1][1]):
        lines.pop()
    if len(lines) < 2:
        return []
    return _records(lines) or _said(lines) or list(_under_heads(lines)) or _key_values(lines) or _logged(lines)


def _said(lines: Sequence[tuple[int, str]]) -> list[tuple[int, dict[str, Any]]]:
    """`Name: text` a line, or a time and a text; names that hardly ever come again are none."""
    found = [(number, match) for number, line in lines if (match := re.fullmatch(_LINE, line))]
    named = [(number, match) for number, match in found if match["name"]]
    names = {match["name"] for _, match in named}
    if len(named) < 2 or len(named) < _MOST * len(lines) or len(names) > len(named) // 2 + 1:
        timed = [(number, match) for number, match in found if match["end"] and not match["name"]]
        named = timed if len(timed) >= _MOST * len(lines) else []
    return [(number, _fields(match)) for number, match in named]


_SLASHED = r"^(\d+)/([A-Z][a-z]{2})/(\d{4}):(.*)$"
"""A date as web servers log it, in the words of RFC 2822."""


def _key_values(lines: Sequence[tuple[int, str]]) -> list[tuple[int, dict[str, Any]]]:
    """`role=user text="…"` a line, behind a logger's time or not."""
    made = [(number, fields) for number, line in lines if (fields := fields_in(line))]
    return made if len(made) >= _MOST * len(lines) else []


def _logged(lines: Sequence[tuple[int, str]]) -> list[tuple[int, dict[str, Any]]]:
    """What a logger has behind its own words: the name of a role, and a text."""
    made: list[tuple[int, dict[str, Any]]] = []
    for number, line in lines:
        for found in re.finditer(_LOGGED, line[:_PREFIX_CHARS]):
            if role_named(found["name"], {}) in {USER, ASSISTANT}:
                text, time = line[found.end() :], moment_in(line[: found.start()])
                made.append((number, {"role": found["name"], "text": text} | ({"timestamp": time} if time else {})))
                break
    return made if len(made) >= max(2, _LEAST_LOGGED * len(lines)) else []


def _fields(match: re.Match[str]) -> dict[str, Any]:
    start = re.sub(_SLASHED, r"\1 \2 \3 \4", match["start"] or match["behind"] or "")
    what = "start" if match["end"] else "timestamp"
    fields = {"role": match["name"], what: start, "end": match["end"], "text": match["text"]}
    return {name: value for name, value in fields.items() if value}


def _under_heads(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """A line with a name and a time, and below it what was said."""
    heads = [_head(line) for _, line in lines]
    count = sum(head is not None for head in heads)
    names = {head["role"] for head in heads if head}
    if heads[0] is None or count < 2 or len(names) > count // 2 + 1 or 3 * count < len(lines):
        return
    entry: dict[str, Any] = {}
    at = 0
    for (number, line), head in zip(lines, heads, strict=True):
        if head is None:
            entry["text"] = f"{entry.get('text', '')} {line}".strip()
            continue
        if entry.get("text"):
            yield at, entry
        at = number
        entry = {name: value for name, value in head.items() if value}
    if entry.get("text"):
        yield at, entry


def _head(line: str) -> dict[str, Any] | None:
    """Who speaks, and when, by a line above a text; None where a line is none."""
    if found := re.fullmatch(_HEAD, line):
        return {"role": found["name"] or found["last"], "timestamp": found["start"] or found["first"]}
    found = re.fullmatch(_TITLE, line)
    if found:
        return {"role": found["title"]}
    return {"role": line} if re.fullmatch(_ALONE, line) and role_named(line, {}) in {USER, ASSISTANT} else None


# -- fields, a line each


_NUMBERED = r"-\[ RECORD \d+ \]|\*{3,} \d+\. row"
"""The line above a record, as psql and mysql write it."""


def _pair(line: str) -> tuple[str, str]:
    """The name and the value of a field."""
    name, _, value = line.lstrip("- ").partition(":" if ":" in line.partition("|")[0] or "|" not in line else "|")
    return name.strip(), value


_FOLDED = r"(?m)^(?P<field>(?P<indent> *)(?:- )?[\w ]{1,40}: )[>|][+-]?[ \t\r]*\n(?P<lines>(?:(?P=indent) +\S.*\n?)+)"
"""A text of several lines in YAML, which are indented more than the name of its field."""


def _unfolded(found: re.Match[str]) -> str:
    return f"{found['field']}{' '.join(found['lines'].split())}\n"


def _records(lines: Sequence[tuple[int, str]]) -> list[tuple[int, dict[str, Any]]]:
    """`role: user` a line, as YAML has them: a record begins where a field comes again."""
    made: list[tuple[int, dict[str, Any]]] = []
    known = {*ROLE_NAMES, *TEXT_NAMES, *TIMES}
    fields = [(number, *_pair(line)) for number, line in lines if not re.match(_NUMBERED, line)]
    if sum(plain(name) in known for _, name, _ in fields) < _MOST * len(fields):
        return []
    for number, name, value in fields:
        if not made or name in made[-1][1]:
            made.append((number, {}))
        made[-1][1][name] = _unquoted(value.strip())
    return made if len(made) > 1 and all(len(record) > 1 for _, record in made) else []


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
