"""Structured logs: one JSON object a line on stderr, by the standard library's `logging`.

They are on once `use_json_logs` was called; until then nothing here writes.  Fields come from what was computed, never
from settings or the environment, so no credential can be among them.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_LOGGER = logging.getLogger("sessiontool")
_FIELDS = "sessiontool_fields"


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = {"time": at, "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps({**head, **getattr(record, _FIELDS, {})}, default=str)


class _Stderr(logging.StreamHandler[Any]):
    """Writes to what stderr is when a line is written."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(_JsonFormatter())

    @property
    def stream(self) -> Any:
        return sys.stderr


def use_json_logs(*, wanted: bool = True) -> None:
    """From now on events are logged, and errors and notes are events."""
    _LOGGER.handlers = [_Stderr()] if wanted else []
    _LOGGER.propagate = False
    _LOGGER.setLevel(logging.INFO)


def are_json() -> bool:
    return any(isinstance(handler, _Stderr) for handler in _LOGGER.handlers)  # others may add handlers of their own


def event(name: str, level: str = "info", **fields: Any) -> None:
    """Log one line; text from outside is quoted by JSON."""
    if are_json():
        _LOGGER.log(logging.getLevelNamesMapping()[level.upper()], name, extra={_FIELDS: fields})
