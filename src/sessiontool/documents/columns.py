"""A table whose columns are lists, as data frames are exported -> its rows.

`{"role": [...], "text": [...]}`, `{"role": {"0": ..., "1": ...}, ...}` and `{"columns": [...], "data": [[...], ...]}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .tables import named
from .texts import text_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEAST_COLUMNS = 2
"""Number of columns, as units of evidence, that are a table: a text and what belongs to it; derived."""


def rows_of_columns(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table that is held by columns, each by the names of its columns; none where it is no such table.

    Every column has a cell for each row, which is no list and no object.
    """
    if isinstance(names := value.get("columns"), list) and isinstance(rows := value.get("data"), list):
        is_table = all(isinstance(one, str) for one in names) and all(isinstance(row, list) for row in rows)
        return [named(names, row) for row in rows] if is_table and _has_text(names) else []
    if len(value) < _LEAST_COLUMNS or not _has_text(list(value)):
        return []
    columns = [_cells(column) for column in value.values()]
    if any(not cells or cells.keys() != columns[0].keys() for cells in columns):
        return []
    return [named(list(value), [cells[row] for cells in columns]) for row in columns[0]]


def _has_text(names: list[str]) -> bool:
    return bool(text_fields(dict.fromkeys(names, "")))


def _cells(column: Any) -> dict[Any, Any]:
    """The cells of a column by their rows; empty where it is none."""
    by_row = dict(enumerate(column)) if isinstance(column, list) else column if isinstance(column, dict) else {}
    is_plain = all(str(row).isdecimal() and not isinstance(cell, (list, dict)) for row, cell in by_row.items())
    return by_row if is_plain else {}
