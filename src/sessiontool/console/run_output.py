"""What becomes of the sessions of a run, wherever it is wanted: stdout, the report, the metrics, the log, the table."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..batch.announced import Announcements
from ..batch.job import FAILED
from ..batch.metrics import exposition
from ..batch.notify import MOST_NAMED
from ..batch.run_report import session_line, summary_line, written_whole
from ..errors import SessionToolError
from ..views.batches import announcement, interrupted_lines, outcome_line, repeated_line, summary_lines, totals_line
from . import console, json_logs
from .worker_table import worker_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from ..batch.job import Outcome
    from ..batch.run_report import Totals

_LEVELS = {"failed": "error", "interrupted": "error", "partial": "warning"}


class RunOutput:
    """Says what becomes of each session as it ends, and the totals.  Files are whole when `stack` is left well.

    `again` is the command line that goes on with a run that was interrupted, `to_paste` makes the hint on a session one
    whose commands can be.  With `quiet`, what is said is what a
    person has to know and was not shown before: what failed, lost sound or has warnings.
    """

    def __init__(
        self,
        stack: ExitStack,
        report: str | None,
        metrics: str | None,
        again: str,
        to_paste: Callable[[str, str], str],
        *,
        quiet: bool,
        as_json: bool,
    ) -> None:
        def file(name: str | None) -> IO[str] | None:
            return stack.enter_context(written_whole(Path(name))) if name else None

        self._again, self._quiet, self._as_json = again, quiet, as_json
        self._to_paste = to_paste
        self._report_name = report
        self._announcements = Announcements(Path(report) if report else None)
        self.news: list[Outcome] = []
        """The first of those sessions that are to be announced."""
        self._metrics, self._report = file(metrics), file(report)
        among_data = as_json and sys.stdout.isatty()  # what is above a table is wrapped
        self.table = stack.enter_context(worker_table(quiet=quiet or json_logs.are_json() or among_data))

    def __call__(self, outcome: Outcome, totals: Totals) -> None:
        outcome, is_news = self._announcements.look(outcome, time.time())
        if is_news and len(self.news) < MOST_NAMED:
            self.news.append(outcome)
        line = session_line(outcome)
        self._write(line)
        json_logs.event("session", _LEVELS.get(outcome.status, "info"), **outcome.to_json())
        if self._as_json:
            console.print_data(line)
        elif not self._quiet:
            console.print_line(outcome_line(outcome))
        elif (is_news or outcome.status == "interrupted") and not json_logs.are_json():
            _announce(outcome, self._to_paste(outcome.hint, outcome.session_id))
        self.table.totals(totals_line(totals))

    def end(self, totals: Totals) -> None:
        """The run is over."""
        for line in self._announcements.left():
            self._write(line)
        self._write(summary_line(totals))
        if self._metrics:
            self._metrics.write(exposition(totals))
        json_logs.event("summary", **totals.to_json())
        if self._as_json:
            console.print_data(summary_line(totals))
        elif not self._quiet:
            console.print_lines(list(summary_lines(totals, self._report_name, self._again)))
        if self._quiet and self._announcements.repeated and not json_logs.are_json():
            console.note(repeated_line(self._announcements.repeated, self._report_name))
        if totals.interrupted and (self._quiet or self._as_json):
            console.note("\n".join(interrupted_lines(totals, self._again)))

    def _write(self, line: str) -> None:
        if self._report:
            self._report.write(line + "\n")


def _announce(outcome: Outcome, hint: str) -> None:
    if outcome.status in FAILED:
        console.print_error(SessionToolError(outcome.reason, hint=hint), where=outcome.session_id)
    else:
        console.note(announcement(outcome))
