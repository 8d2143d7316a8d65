"""How the figures of a conversation read: a line a figure with a column a role, or as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from .view import View, clock

if TYPE_CHECKING:
    from ..sessions.session_metrics import MetricsResult

_COLUMNS = ("name", "role", "value", "unit", "error", "coverage", "not_computed")
CSV_HEAD = ",".join(("session_id", "basis", *_COLUMNS))


def _document(result: MetricsResult) -> dict[str, Any]:
    return {"status": "counted", "location": result.location, **result.document}


def _lines(result: MetricsResult, _: bool) -> list[str]:
    document = result.document
    figures = document["figures"]
    roles = list(dict.fromkeys(one["role"] for one in figures if "role" in one))
    lines = [
        f"{result.session_id}: {clock(document['recorded_s'])} recorded, "
        f"{document['coverage']:.0%} of utterances placed, by the {document['basis']}",
        f"  {'':<22}" + "".join(f"{role:>12}" for role in roles),
    ]
    for name in dict.fromkeys(one["name"] for one in figures):
        of_role = {one.get("role"): one for one in figures if one["name"] == name}
        unit = next(iter(of_role.values()))["unit"]
        columns = [_value(of_role[role]) if role in of_role else "" for role in roles if None not in of_role]
        columns += [_value(of_role[None])] if None in of_role else []
        lines.append(f"  {name.replace('_', ' '):<22}" + "".join(f"{one:>12}" for one in columns) + f"  {unit}")
    return lines


def _value(figure: dict[str, Any]) -> str:
    value = figure["value"]
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _csv_lines(result: MetricsResult, _: bool) -> list[str]:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    for one in result.document["figures"]:
        table.writerow([result.session_id, result.document["basis"], *(one.get(name, "") for name in _COLUMNS)])
    return text.getvalue().splitlines()


METRICS: View[MetricsResult] = View(_document, _lines, lambda _: 0)
METRICS_CSV: View[MetricsResult] = View(_document, _csv_lines, lambda _: 0, is_data=True)
