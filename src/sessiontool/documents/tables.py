"""Tables of a log: rows of a text with separators, or lists in lists, each row an object.

The first row has the names of the columns.  Where it has not, the columns are recognised by what they hold: a few names
that are those of roles, times, and a text.
"""

from __future__ import annotations

import re
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from .lenient import shown
from .moments import read_moment
from .roles import role_named
from .spoken_text import name_in_front
from .texts import plain, text_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .lenient import LogProblems

_SEPARATORS = ",;\t|"
_SEPARATOR_LINE = r'"?sep=[,;\t|]"?\r?\n'
"""The line by which spreadsheets say what separates the columns; the names are in the next one."""
_RULED = r"(?m)^(?=.*-{2})[ \t|+:=-]+\r?(?:\n|\Z)"
"""A line that only draws one: below the names of a table of psql, mysql or Markdown."""
_RULED_CHARS = 4000
"""Characters in which a table has such a line, if it has any; chosen."""
JSON_CELL = r"\"[\[{]\{?\"\""
"""How JSON begins in a cell of a table."""
_JUDGED = 50
"""Lines by which a table's columns are recognised; chosen."""
_MOST_COLUMNS = 30
"""Fields of a line; chosen: what has more is no log of a conversation."""
_MOST_ROLES = 4
"""Number of different words in a column of roles, as units of its content; chosen."""
_LEAST_ROWS = 3
"""Number of rows, as units of evidence, that have cells of a column without a name; chosen."""
_MOST = 0.8
"""So many of the rows (a share, chosen) must hold what makes a column what it is."""


def rows_in(text: str, broken: LogProblems, odd: LogProblems) -> list[tuple[int, dict[str, Any]]]:
    """The rows of a table, each with its number; none where a text is no table.

    What could not be read goes to `broken`, and that texts seem to hold what separates columns to `odd`.
    """
    text = re.sub(_SEPARATOR_LINE, "", text.lstrip("\ufeff\r\n "))
    if re.search(_RULED, text[:_RULED_CHARS]):
        text = re.sub(_RULED, "", text)
        text = re.sub(r"(?m)^\|[ \t]*|[ \t]*\|[ \t\r]*$", "", text)
    if separator := _separator(text):
        rows = _rows(text, separator, broken)
        names = [name.strip() for name in next(rows, _Row(0, [], "")).cells]
        return _joined(names, [row for row in rows if any(row.cells)], separator, odd)
    for separator in _SEPARATORS:
        some = [row.cells for row in _rows("\n".join(text.split("\n", _JUDGED)[:_JUDGED]), separator)]
        if names := columns_of(some):
            return _joined(names, [row for row in _rows(text, separator) if any(row.cells)], separator, odd)
    return []


def cells_by_name(text: str) -> list[dict[str, Any]]:
    """The rows of a table with names in its first line."""
    rows = _rows(text, max(_SEPARATORS, key=text.partition("\n")[0].count))
    names = [name.strip() for name in next(rows, _Row(0, [], "")).cells]
    return [named(names, row.cells) for row in rows]


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


class _Row(Struct, frozen=True):
    """What a line holds, or several that share a cell: its number, its cells, and the text they were read from."""

    number: int
    cells: list[str]
    text: str


def _rows(text: str, separator: str, broken: LogProblems | None = None) -> Iterator[_Row]:
    import csv  # noqa: PLC0415 - most logs are no tables

    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in StringIO(text, newline=""):
            taken.append(line)
            yield line

    reader = csv.reader(lines(), delimiter=separator, skipinitialspace=True)
    try:
        for number, cells in enumerate(reader, 1):
            yield _Row(number, cells, "".join(taken))
            taken.clear()
    except csv.Error as error:
        if broken is not None:
            broken.add(f"row {reader.line_num}: is no table row ({error}); what follows was not read")


def _joined(
    names: Sequence[str], rows: Sequence[_Row], separator: str, odd: LogProblems
) -> list[tuple[int, dict[str, Any]]]:
    """The rows by the names of their columns; cells that are too many belong to the text, which was not quoted.

    Where every row has as many too many, they are columns without a name.
    """
    text_name = next(iter(text_fields(dict.fromkeys(names, "x"))), None)
    over = [_too_many(names, row.cells) for row in rows]
    if text_name is None or not any(over) or (len(over) >= _LEAST_ROWS and min(over) == max(over)):
        return [(row.number, named(names, row.cells)) for row in rows]
    place = names.index(text_name)
    found = []
    for row, more in zip(rows, over, strict=True):
        is_plain = '"' not in row.text
        cells = [cell.strip() for cell in row.text.split(separator)] if is_plain and more else row.cells
        if more:
            parts = row.text.split(separator) if is_plain else [f" {cell}" for cell in cells]
            text = separator.join(parts[place : place + more + 1]).strip()
            cells = [*cells[:place], text, *cells[place + more + 1 :]]
        found.append((row.number, named(names, cells)))
    first = next(row.number for row, more in zip(rows, over, strict=True) if more)
    odd.add(
        f"row {first}: has more cells than there are columns, as {sum(map(bool, over))} of {len(rows)} rows; "
        f"{separator!r} was taken for a part of their {shown(text_name)}, which is to stand in quotes"
    )
    return found


def _too_many(names: Sequence[str], cells: Sequence[str]) -> int:
    """How many cells a row has that no column is for, but for empty ones at its end."""
    filled = next((n for n in range(len(cells), 0, -1) if cells[n - 1].strip()), 0)
    return max(0, filled - len(names))


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
    if names.count("role") > 1 or not texts:
        return []
    longest = max(texts, key=lambda place: sum(len(cell) for cell in columns[place]))
    if "role" not in names and ("time" not in names or not _begin_with_names(columns[longest])):
        return []
    times = iter(("start", "end"))
    return [
        next(times, "") if name == "time" else (name if name != "text" or place == longest else "")
        for place, name in enumerate(names)
    ]


def _begin_with_names(column: Sequence[str]) -> bool:
    """Whether texts begin with the names of roles."""
    return sum(name_in_front(cell, {}) is not None for cell in column) >= _MOST * len(column)


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
