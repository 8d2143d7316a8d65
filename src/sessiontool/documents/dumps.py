"""Dumps of databases in SQL -> the rows of their tables: `INSERT INTO … VALUES (…)` and `COPY … FROM stdin`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGINS = r"(?mi)^\s*(?:INSERT\s+INTO|COPY)\s+[\w.\"`\[\]]+\s*\("
_INSERT = r"(?is)\bINSERT\s+INTO\s+(?P<table>[\w.\"`\[\]]+)\s*\((?P<names>[^()]*)\)\s*VALUES\s*(?=\()"
_COPY = r"(?im)^COPY\s+(?P<table>[\w.\"]+)\s*\((?P<names>[^()]*)\)\s+FROM\s+stdin;\r?\n"
_COPY_ENDS = "\n\\."
_CELL = (
    r"(?s)\s*(?:(?:[EN]|_\w{1,20}\s)?'(?P<text>(?:[^'\\]|''|\\.)*)'(?:::[\w \[\]]{1,40})?"
    r"|(?P<other>[^',()]{0,200}(?:\([^()]{0,200}\))?[^',()]{0,40}))"
    r"\s*(?P<end>[,)])"
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}


def value_of_dump(text: str) -> Any:
    """The rows of all tables by their names; None where a text is no dump, or does not name its columns."""
    if not re.search(_BEGINS, text):
        return None
    tables: dict[str, list[Any]] = {}
    for found in re.finditer(_INSERT, text):
        tables.setdefault(found["table"], []).extend(_inserted(text, found.end(), _names(found["names"])))
    at, copy = 0, re.compile(_COPY)
    while (head := copy.search(text, at)) is not None:
        end = text.find(_COPY_ENDS, head.end())
        at = end if end >= 0 else len(text)
        tables.setdefault(head["table"], []).extend(_copied(text[head.end() : at], _names(head["names"])))
    return tables or None


def _names(written: str) -> list[str]:
    return [name.strip(' \t\r\n"`[]') for name in written.split(",")]


def _inserted(text: str, at: int, names: list[str]) -> Iterator[dict[str, Any]]:
    """The rows in brackets from a place on."""
    cell = re.compile(_CELL)
    while text[at : at + 1] == "(":
        at += 1
        cells: list[Any] = []
        while (found := cell.match(text, at)) is not None:
            cells.append(_plain(found["text"], found["other"]))
            at = found.end()
            if found["end"] == ")":
                break
        else:
            return
        yield {name: one for name, one in zip(names, cells, strict=False) if one is not None}
        more = re.compile(r"\s*,?\s*").match(text, at)
        at = more.end() if more is not None else at


def _plain(text: str | None, other: str | None) -> Any:
    if text is not None:
        return _unescaped(text.replace("''", "'"))
    try:
        return json.loads((other or "null").strip().lower())
    except ValueError:
        return other


def _unescaped(text: str) -> str:
    return re.sub(r"(?s)\\(.)", lambda one: _ESCAPES.get(one[1], one[1]), text)


def _copied(rows: str, names: list[str]) -> Iterator[dict[str, Any]]:
    for row in rows.splitlines():
        cells = [None if cell == "\\N" else _unescaped(cell) for cell in row.split("\t")]
        yield {name: cell for name, cell in zip(names, cells, strict=False) if cell is not None}
