"""How the sessions of a store read: a line each, as JSON, and as CSV."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING, Any

from .table import Row
from .view import clock, codes_text

if TYPE_CHECKING:
    from ..sessions.list_sessions import ListedSession

LIST_SCHEMA = "sessiontool.list/1"
COLUMNS = ("session_id", "state", "when", "duration_s", "lost_s", "chunks", "captions_status", "codes", "problem")
_WIDTHS = (28, 9, -11, 16)
"""Character cells of id, state, length and time; chosen: a date and a UUID's head fit."""


def listed_json(one: ListedSession) -> dict[str, Any]:
    """A session; without a result it has neither a length nor findings."""
    return {
        "session_id": one.session_id,
        "state": one.state,
        "when": _instant(one.when_s),
        "duration_s": one.duration_s,
        "lost_s": one.lost_s,
        "chunks": one.chunks,
        "captions_status": one.captions_status,
        "codes": dict(one.codes),
        **({"problem": one.problem} if one.problem else {}),
    }


def listed_line(one: ListedSession) -> Row:
    """A session in one line."""
    length = clock(one.duration_s) if one.duration_s else "-"
    when = _instant(one.when_s)[:16].replace("T", " ")
    lost = f"{one.lost_s:.2f} s lost; " if one.lost_s else ""
    captions = f"captions {one.captions_status}; " if one.captions_status == "doubtful" else ""
    rest = f"{lost}{captions}{one.problem or codes_text(one.codes)}".removesuffix("; ")
    return Row((one.session_id, one.state, length, when, rest), _WIDTHS)


def csv_line(values: dict[str, Any] | None) -> str:
    """The line of a session as `listed_json` has it; for None that of the names."""
    row = COLUMNS if values is None else [_cell(values.get(name, "")) for name in COLUMNS]
    out = StringIO()
    csv.writer(out, lineterminator="").writerow(row)
    return out.getvalue()


def _cell(value: Any) -> Any:
    return " ".join(f"{code}:{count}" for code, count in value.items()) if isinstance(value, dict) else value


def _instant(seconds: float) -> str:
    """RFC 3339 in UTC, empty where it is not known."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else ""
