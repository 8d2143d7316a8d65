"""The report of a run as a table, for people and as CSV.  What a report says is data: a field may be anything."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

from ..batch.run_report import STATUSES
from .table import Row
from .view import clock, codes_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .table import Line

COLUMNS = ("session_id", "status", "exit_code", "duration_s", "lost_s", "chunks", "announced_at", "codes", "reason")
_LEFT_ALONE = frozenset({"unchanged", "skipped", "busy"})
_WIDTHS = (28, 11, -4, -11)
"""Character cells of id, status, exit code and length; chosen: a date and a UUID's head fit."""
_HEAD = Row(("session", "status", "code", "length", "findings"), _WIDTHS)


def table_lines(
    entries: Iterable[Mapping[str, Any]], wanted: frozenset[str] | None, *, every: bool, as_csv: bool
) -> Iterator[Line]:
    """The lines of a table; of `wanted` statuses alone, or without those that were left alone, unless `every`."""
    yield _csv(COLUMNS) if as_csv else _HEAD
    left: dict[str, int] = {}
    for entry in entries:
        if entry.get("type") != "session":
            continue
        status = str(entry.get("status"))
        if status in wanted if wanted is not None else every or status not in _LEFT_ALONE:
            yield _csv([_cell(entry, name) for name in COLUMNS]) if as_csv else _line(entry, status)
        else:
            left[status] = left.get(status, 0) + 1
    if left and not as_csv:
        known = [name for name in STATUSES if name in left]
        yield "not shown: " + ", ".join(f"{left[name]} {name}" for name in [*known, *(left.keys() - set(known))])


def _line(entry: Mapping[str, Any], status: str) -> Row:
    duration_s, lost_s, codes = entry.get("duration_s"), entry.get("lost_s"), entry.get("codes")
    length = clock(duration_s) if isinstance(duration_s, int | float) else "-"
    lost = f"{lost_s:.2f} s lost; " if isinstance(lost_s, int | float) and lost_s else ""
    found = codes_text(codes) if isinstance(codes, dict) else ""
    what = f"{lost}{found or _reason(entry)}".removesuffix("; ")
    code = entry.get("exit_code") or ""
    return Row((str(entry.get("session_id")), status, str(code), length, what), _WIDTHS)


def _cell(entry: Mapping[str, Any], name: str) -> str:
    value = _reason(entry) if name == "reason" else entry.get(name, "")
    return " ".join(f"{code}:{count}" for code, count in value.items()) if isinstance(value, dict) else str(value)


def _reason(entry: Mapping[str, Any]) -> str:
    return " ".join(str(entry.get("error") or entry.get("reason") or "").split())


def _csv(cells: Iterable[str]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
