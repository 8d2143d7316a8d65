"""Tables of a log: rows of a text with separators, or lists in lists, each row an object.

The first row has the names of the columns.  Where it has not, the columns are recognised by what they hold: a few names
that are those of roles, times, and a text.
"""

from __future__ import annotations

import csv
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .moments import read_moment
from .roles import role_named
from .texts import plain, text_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .lenient import LogProblems

_SEPARATORS = ",;\t|"
_JUDGED = 50
"""Lines by which a table's columns are recognised; chosen."""
_MOST_COLUMNS = 30
"""Fields of a line; chosen: what has more is no log of a conversation."""
_MOST_ROLES = 4
"""Number of different words in a column of roles, as units of its content; chosen."""
_MOST = 0.8
"""So many of the rows (a share, chosen) must hold what makes a column what it is."""


def rows_in(text: str, problems: LogProblems) -> list[tuple[int, dict[str, Any]]]:
    """The rows of a table, each with its number; none where a text is no table."""
    text = text.lstrip("\ufeff\r\n ")
    if separator := _separator(text):
        return list(_named_rows(text, separator, problems))
    for separator in _SEPARATORS:
        some = list(_cells("\n".join(text.split("\n", _JUDGED)[:_JUDGED]), separator))
        if names := columns_of(some):
            return [(number, named(names, row)) for number, row in enumerate(_cells(text, separator), 1) if any(row)]
    return []


def _separator(text: str) -> str:
    """What separates the columns of a table that has names in its first line; empty where it is none."""
    first = text.partition("\n")[0]
    best, most = "", 1
    for separator in _SEPARATORS:
        names = [one.strip(' "\r') for one in first.split(separator)]
        has_names = any(True for _ in text_fields(dict.fromkeys(names, "x"))) and all(len(one) < 60 for one in names)
        if has_names and len(names) > most:
            best, most = separator, len(names)
    return best


def _named_rows(text: str, separator: str, problems: LogProblems) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = csv.reader(StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    names: list[str] = []
    try:
        for number, row in enumerate(lines, 1):
            if not names:
                names = [name.strip() for name in row]
            elif any(row):
                yield number, named(names, row)
    except csv.Error as error:
        problems.add(f"row {lines.line_num}: is no table row ({error}); what follows was not read")


def _cells(text: str, separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    except csv.Error:
        return


def named(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    return {name: cell for name, cell in zip(names, row, strict=False) if cell not in {"", None} and name}


# -- columns without names


def columns_of(rows: Sequence[Any]) -> list[str]:
    """A name for each column of rows without any; none where they are not those of a conversation."""
    some = [row for row in rows[:_JUDGED] if isinstance(row, (list, tuple)) and any(row)]
    widths = [len(row) for row in some]
    if len(some) < 2 or len(some) < _MOST * len(rows[:_JUDGED]):
        return []
    width = max(set(widths), key=widths.count)
    if not 2 <= width <= _MOST_COLUMNS or widths.count(width) < _MOST * len(some):
        return []
    columns = [[row[place] for row in some if len(row) == width] for place in range(width)]
    names = [_kind_of(column) for column in columns]
    texts = [place for place, name in enumerate(names) if name == "text"]
    if names.count("role") != 1 or not texts:
        return []
    longest = max(texts, key=lambda place: sum(len(cell) for cell in columns[place]))
    times = iter(("start", "end"))
    return [
        next(times, "") if name == "time" else (name if name != "text" or place == longest else "")
        for place, name in enumerate(names)
    ]


def _kind_of(column: Sequence[Any]) -> str:
    """What a column holds: `role`, `time`, `text`, or nothing that is known."""
    words = [cell.strip() for cell in column if isinstance(cell, str)]
    if len(words) == len(column) and len({plain(word) for word in words}) <= _MOST_ROLES:
        known = sum(role_named(word, {}) != "" for word in words)
        if known >= _MOST * len(column):
            return "role"
    if sum(read_moment(cell) is not None for cell in column) >= _MOST * len(column):
        return "time"
    return "text" if len(words) == len(column) and sum(" " in word for word in words) * 3 >= len(words) else ""


# -- fields whose names tell nothing


def likely_fields(entries: Sequence[Mapping[str, Any]], known: Collection[str]) -> dict[str, str]:
    """The fields that hold a text, a speaker and times (those not `known`) most likely, by what is in them.

    Good enough to be proposed to a person, and no more.
    """
    some = [dict(_paths(entry)) for entry in entries[:_JUDGED]]
    names = [name for name in dict.fromkeys(name for entry in some for name in entry) if plain(name) != "id"]
    columns = {name: [entry[name] for entry in some if entry.get(name) is not None] for name in names}
    texts = {name: column for name, column in columns.items() if column and all(isinstance(c, str) for c in column)}
    lengths = {
        name: sum(map(len, column)) / len(column) for name, column in texts.items() if _kind_of(column) == "text"
    }
    found = {"text": max(lengths, key=lambda name: lengths[name])} if lengths else {}
    few = [
        name
        for name, column in texts.items()
        if name != found.get("text") and 1 < len(set(column)) <= _MOST_ROLES and len(column) > len(set(column))
    ]
    if few:
        found["role"] = few[0]
    times = [name for name, column in columns.items() if len(column) > 1 and _rises(column)]
    return found | dict(zip([one for one in ("start", "end") if one not in known], times, strict=False))


def _paths(entry: Mapping[str, Any], within: str = "", depth: int = 2) -> Iterator[tuple[str, Any]]:
    """The fields of an entry and of the objects in it, by their paths."""
    for name, value in entry.items():
        if isinstance(value, dict) and depth:
            yield from _paths(value, f"{within}{name}.", depth - 1)
        else:
            yield within + name, value


def _rises(column: Sequence[Any]) -> bool:
    """Whether a column has times that go on."""
    moments = [read_moment(cell) for cell in column]
    values = [moment.value for moment in moments if moment is not None]
    is_count = all(b - a == 1 for a, b in pairwise(values))
    return len(values) == len(column) and all(a < b for a, b in pairwise(values)) and not is_count
