"""What the workers of a run are doing, live on stderr where that is a terminal; nothing elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFRESH_HZ = 4
"""Chosen: as often as it can be read."""


class NoTable:
    """No terminal shows it."""

    def doing(self, worker: int, session_id: str, stage: str) -> None:
        pass

    def totals(self, line: str) -> None:
        pass


class WorkerTable(NoTable):
    """A line with the totals, and a line for each worker; rich asks for it when it draws."""

    def __init__(self) -> None:
        self._totals = ""
        self._rows: dict[int, tuple[str, str, float]] = {}

    def doing(self, worker: int, session_id: str, stage: str) -> None:
        if not session_id:
            self._rows.pop(worker, None)
            return
        known = self._rows.get(worker)
        since = known[2] if known and known[0] == session_id else time.monotonic()
        self._rows[worker] = (session_id, stage, since)

    def totals(self, line: str) -> None:
        self._totals = line

    def __rich__(self) -> Any:
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table.grid(padding=(0, 2))
        for _, (session_id, stage, since) in sorted(self._rows.items()):
            spent = f"{time.monotonic() - since:.0f} s"
            table.add_row(Text(session_id), Text(stage), Text(spent, justify="right"))
        outer = Table.grid()
        outer.add_row(Text(self._totals))
        outer.add_row(table)
        return outer


@contextmanager
def worker_table(*, quiet: bool) -> Iterator[NoTable]:
    """The table while the block runs; what the block prints appears above it."""
    if quiet or not sys.stderr.isatty():
        yield NoTable()
        return
    from rich.console import Console  # noqa: PLC0415 - rich takes 50 ms to come up, and cron needs none of it
    from rich.live import Live  # noqa: PLC0415

    table = WorkerTable()
    console = Console(stderr=True)
    above = sys.stdout.isatty()
    with Live(table, console=console, refresh_per_second=_REFRESH_HZ, transient=True, redirect_stdout=above):
        yield table
