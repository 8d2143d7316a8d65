"""How a check of a recording's sound reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from .checkups import check_lines
from .view import View

if TYPE_CHECKING:
    from ..sessions.sound_check import SoundCheck
    from .table import Line


def _document(result: SoundCheck) -> dict[str, Any]:
    return {
        "session_id": result.session_id,
        "status": _status(result),
        "checks": [asdict(check) for check in result.checks],
    }


def _status(result: SoundCheck) -> str:
    statuses = {check.status for check in result.checks}
    return next((one for one in ("failed", "warning") if one in statuses), "ok")


def _lines(result: SoundCheck, _: bool) -> list[Line]:
    return [
        f"{result.session_id}: {_status(result)}",
        *(line for check in result.checks for line in check_lines(check)),
    ]


CHECK = View(_document, _lines, lambda result: max((check.exit_code for check in result.checks), default=0))
