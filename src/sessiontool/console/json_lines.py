"""The standard library's `logging`, set up to write JSON lines; on its own, as most runs write none."""

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


def begin() -> None:
    """Write events to stderr, and nowhere else."""
    _LOGGER.handlers = [_Stderr()]
    _LOGGER.propagate = False
    _LOGGER.setLevel(logging.INFO)


def log(name: str, level: str, fields: dict[str, Any]) -> None:
    _LOGGER.log(logging.getLevelNamesMapping()[level.upper()], name, extra={_FIELDS: fields})
