"""Structured logs: one JSON object a line on stderr, by the standard library's `logging` (`json_lines`).

They are on once `use_json_logs` was called; until then nothing here writes.  Fields come from what was computed, never
from settings or the environment, so no credential can be among them.
"""

from __future__ import annotations

from typing import Any

_are_on = False


def use_json_logs(*, wanted: bool = True) -> None:
    """From now on events are logged, and errors and notes are events."""
    global _are_on  # noqa: PLW0603 - a process has one stderr
    _are_on = wanted
    if wanted:
        from . import json_lines  # noqa: PLC0415 - `logging` takes a while to load

        json_lines.begin()


def are_json() -> bool:
    return _are_on


def event(name: str, level: str = "info", **fields: Any) -> None:
    """Log one line; text from outside is quoted by JSON."""
    if _are_on:
        from . import json_lines  # noqa: PLC0415

        json_lines.log(name, level, fields)
