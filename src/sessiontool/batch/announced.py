"""What was announced in earlier runs: each damaged session is announced once, and again when it changed.

The report of the last run is what remembers it: the line of a session has when it was announced, and a mark of what was
said.  A run that is given the same `--report` reads it before it writes its own.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import SessionToolError
from .job import FAILED, MERGED, Outcome
from .run_report import read_entries
from .selection import instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MARK_DIGITS = 16
"""Hexadecimal digits of a hash, 64 bits; chosen: two states of one session are not taken for each other."""


class _Said(Struct, frozen=True):
    at: str
    mark: str


class Announcements:
    """Which sessions of a run are news.  `report` is the file of the run before, which need not be there."""

    def __init__(self, report: Path | None) -> None:
        self._said = _read(report) if report and report.is_file() else {}
        self.repeated = 0
        """How many sessions failed as they had before, which is no news."""

    def look(self, outcome: Outcome, now_s: float) -> tuple[Outcome, bool]:
        """The outcome with when it was announced, and whether it is to be announced now."""
        before = self._said.pop(outcome.session_id, None)
        if outcome.status not in (*MERGED, *FAILED):
            return (replace(outcome, announced_at=before.at, announced_as=before.mark) if before else outcome), False
        if outcome.status == "interrupted" or not outcome.needs_a_look:
            return outcome, False
        mark = _mark(outcome)
        is_news = before is None or before.mark != mark
        self.repeated += not is_news and outcome.status in FAILED
        at = before.at if before and not is_news else instant(now_s)
        return replace(outcome, announced_at=at, announced_as=mark), is_news

    def left(self) -> Iterator[str]:
        """Lines for the report on sessions that this run did not come to, so that the next one knows of them."""
        for session_id, said in self._said.items():
            entry = {"type": "announced", "session_id": session_id, "announced_at": said.at, "announced_as": said.mark}
            yield json.dumps(entry)


def _mark(outcome: Outcome) -> str:
    """Changes when what is wrong with a session does, or what it is made of."""
    said = (outcome.status, outcome.reason, sorted(outcome.codes.items()), outcome.lost_s)
    body = json.dumps([*said, outcome.chunks, outcome.bytes])
    return hashlib.sha256(body.encode()).hexdigest()[:_MARK_DIGITS]


def _read(report: Path) -> dict[str, _Said]:
    """What a report remembers; where it is none, nothing was announced."""
    found = {}
    with suppress(SessionToolError):
        for entry in read_entries(report):
            session_id, at, mark = (entry.get(name) for name in ("session_id", "announced_at", "announced_as"))
            if isinstance(session_id, str) and isinstance(at, str) and isinstance(mark, str):
                found[session_id] = _Said(at, mark)
    return found
