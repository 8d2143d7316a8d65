"""When answers began that a log has as they were planned, and again as they were said: the earlier of both."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from .roles import USER

if TYPE_CHECKING:
    from .fields import Entry

_MOST_AHEAD = 20
"""Number of interim entries that are remembered, as units of a list; chosen: models plan a few sentences ahead."""


class Planned:
    """The interim entries of an assistant that have only the time of their arrival."""

    def __init__(self) -> None:
        self._ahead: deque[tuple[str, tuple[str, Any, float]]] = deque(maxlen=_MOST_AHEAD)

    def add(self, entry: Entry, role: str | None) -> None:
        """Remember an interim entry."""
        if role != USER and isinstance(entry.text, str) and entry.text.strip() and entry.names.keys() == {"arrived"}:
            self._ahead.append((entry.text.strip(), entry.names["arrived"]))

    def begin(self, entry: Entry, role: str | None) -> None:
        """Give the final entry the time of the first interim one that says the same, or the beginning of it."""
        if not self._ahead or role == USER or not isinstance(entry.text, str) or entry.names.keys() != {"arrived"}:
            return
        text = entry.text.strip()
        for place, (planned, arrived) in enumerate(self._ahead):
            if planned.startswith(text) or text.startswith(planned):
                entry.names["arrived"] = arrived
                for _ in range(place + 1):
                    self._ahead.popleft()
                return
