"""Conversations that are written down as lines: `Name: text`, with a time before or behind the name, or beneath it.

Recognisers print `[00:01.000 --> 00:05.000] text`, chats export `22/11/2026, 14:45 - Dana: text`, and meetings have the
name and the time on a line of their own.  Which of them a log has is decided by the lines as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .field_names import ROLE_NAMES, TEXT_NAMES, TIMES
from .texts import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIME = (
    r"(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4},?[ T])?\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,6})?(?:\s?[AaPp]\.?[Mm]\.?)?Z?"
    r"|\d{1,6}(?:\.\d{1,6})?s"
)
_NAME = r"[^\W\d_][^:\n\[\]()<>{}\"]{0,39}?"
_LINE = (
    rf"(?:[\[(]?(?P<start>{_TIME})(?:\s*(?:-->|->|[-\u2013])\s*(?P<end>{_TIME}))?[\])]?[\s,|\u2013-]*)?"
    rf"(?:[-\u2013]\s*)?(?:(?P<name>{_NAME})\s*(?:[\[(](?P<behind>{_TIME})[\])]\s*)?:\s+)?(?P<text>\S.*)"
)
_HEAD = (
    rf"(?P<name>{_NAME})[\s,|\u2013-]+[\[(]?(?P<start>{_TIME})[\])]?|[\[(]?(?P<first>{_TIME})[\])]?\s+(?P<last>{_NAME})"
)
_MOST = 0.8
"""So many of the lines (a share, chosen) are of one form where all are meant to be."""


def dialogue_in(text: str) -> list[tuple[int, dict[str, Any]]]:
    """What is said in a text of lines, each with its line's number; nothing where most lines are something else."""
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if len(lines) < 2:
        return []
    return _records(lines) or _said(lines) or list(_under_heads(lines))


def _said(lines: Sequence[tuple[int, str]]) -> list[tuple[int, dict[str, Any]]]:
    """`Name: text` a line, or a time and a text; names that hardly ever come again are none."""
    found = [(number, match) for number, line in lines if (match := re.fullmatch(_LINE, line))]
    named = [(number, match) for number, match in found if match["name"]]
    names = {match["name"] for _, match in named}
    if len(named) < 2 or len(named) < _MOST * len(lines) or len(names) > len(named) // 2 + 1:
        timed = [(number, match) for number, match in found if match["end"] and not match["name"]]
        named = timed if len(timed) >= _MOST * len(lines) else []
    return [(number, _fields(match)) for number, match in named]


def _fields(match: re.Match[str]) -> dict[str, Any]:
    start = match["start"] or match["behind"]
    what = "start" if match["end"] else "timestamp"
    fields = {"role": match["name"], what: start, "end": match["end"], "text": match["text"]}
    return {name: value for name, value in fields.items() if value}


def _under_heads(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """A line with a name and a time, and below it what was said."""
    heads = [re.fullmatch(_HEAD, line) for _, line in lines]
    count = sum(head is not None for head in heads)
    names = {head["name"] or head["last"] for head in heads if head}
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
        entry = {"role": head["name"] or head["last"], "timestamp": head["start"] or head["first"]}
    if entry.get("text"):
        yield at, entry


# -- fields, a line each


def _records(lines: Sequence[tuple[int, str]]) -> list[tuple[int, dict[str, Any]]]:
    """`role: user` a line, as YAML has them: a record begins where a field comes again."""
    made: list[tuple[int, dict[str, Any]]] = []
    known = {*ROLE_NAMES, *TEXT_NAMES, *TIMES}
    fields = [(number, *(line.lstrip("- ").partition(":")[::2])) for number, line in lines]
    if sum(plain(name) in known for _, name, _ in fields) < _MOST * len(lines):
        return []
    for number, name, value in fields:
        if not made or name in made[-1][1]:
            made.append((number, {}))
        made[-1][1][name] = value.strip().strip("\"'")
    return made if len(made) > 1 and all(len(record) > 1 for _, record in made) else []
