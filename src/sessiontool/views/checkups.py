"""How a check-up of the installation and the store reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from .table import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..storage.protocols import Check

SCHEMA = "sessiontool.doctor/1"
_MARKS = {"ok": "ok", "warning": "!", "failed": "FAILED"}
_WIDTHS = (6, 16)
"""Character cells of mark and name; chosen: each fits."""


def check_lines(check: Check) -> list[Row]:
    return list(_lines(check))


def _lines(check: Check) -> Iterator[Row]:
    yield Row((_MARKS[check.status], check.name, check.what), _WIDTHS)
    if check.hint:
        yield Row(("", "", check.hint), _WIDTHS)


def check_json(checks: Sequence[Check]) -> dict[str, Any]:
    failed = [check.name for check in checks if check.status == "failed"]
    return {"schema": SCHEMA, "status": "failed" if failed else "ok", "checks": [asdict(check) for check in checks]}
