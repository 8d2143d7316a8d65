"""How a check-up of the installation and the store reads."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..storage.protocols import Check

SCHEMA = "sessiontool.doctor/1"
_MARKS = {"ok": "ok", "warning": "!", "failed": "FAILED"}


def check_lines(check: Check) -> list[str]:
    return list(_lines(check))


def _lines(check: Check) -> Iterator[str]:
    yield f"{_MARKS[check.status]:<8}{check.name:<18}{check.what}"
    if check.hint:
        yield f"{'':<26}{check.hint}"


def check_json(checks: Sequence[Check]) -> dict[str, Any]:
    failed = [check.name for check in checks if check.status == "failed"]
    return {"schema": SCHEMA, "status": "failed" if failed else "ok", "checks": [asdict(check) for check in checks]}
