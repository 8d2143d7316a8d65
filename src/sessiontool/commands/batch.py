"""`sessiontool batch`: many sessions, side by side."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..compose import merge_options_of, targets_of
from ..console import console, json_logs
from ..errors import SessionToolError, UsageError
from ..options import CAPTIONS, MERGING, PUBLISHING, RUNS
from .common import INTERRUPTED, Common
from .parameters import on_store
from .sources import Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..batch.job import Job, Outcome
    from ..batch.run import Engine
    from ..batch.run_report import Totals
    from ..batch.shards import Shard
    from ..console.worker_table import NoTable

_LEVELS = {"failed": "error", "interrupted": "error", "partial": "warning"}


@on_store(RUNS, MERGING, CAPTIONS, PUBLISHING, without=("verbose",))
def batch(
    sources: Sources,
    common: Common,
    pending: Annotated[
        bool, typer.Option("--pending", help="Only those that have ended and are not merged, or changed since.")
    ] = False,
    settle: Annotated[
        float | None,
        typer.Option(metavar="MINUTES", help="Without a new chunk for so long, a session has ended.  [default: 60]"),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only those whose last chunk came then or later.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only those whose last chunk came before.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="How many at once, on a processor each.  [default: as many as there are]"
        ),
    ] = None,
    dask: Annotated[str | None, typer.Option(metavar="tcp://HOST:PORT", help="Have a Dask cluster do them.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be merged, and why; merge nothing.")] = False,
    report: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write what became of each session, as JSON lines.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the run's numbers for Prometheus' textfile collector.")
    ] = None,
    fail_on_error: Annotated[
        bool, typer.Option("--fail-on-error", help="Exit with the highest code of the sessions, not with 0.")
    ] = False,
) -> None:
    """Merge many sessions, side by side.

    The sessions are named, listed (--ids), all of the store (--all, and the default with --pending, --since or
    --until), or those that failed before.  A session that fails, even by taking its worker with it, never stops the
    others.  The exit code is 0 when the run came to its end; --fail-on-error, or --strict, makes it the highest of the
    sessions'.

    TIME is a day (2026-11-22), a time in RFC 3339, or an age (36h, 7d).
    """
    with common.errors_as_exits():
        from ..batch.job import Job  # noqa: PLC0415
        from ..batch.run import run_sessions  # noqa: PLC0415
        from ..batch.shards import find_shard  # noqa: PLC0415
        from ..config import process_environment  # noqa: PLC0415

        settings = common.settings()
        selection = _selection(pending=pending, settle=settle, since=since, until=until)
        job = Job(
            store=settings.store,
            layout=settings.layout,
            s3=settings.s3,
            limits=settings.limits,
            output=settings.output,
            options=merge_options_of(settings),
            selection=selection,
            plan_only=plan,
        )
        targets_of(settings)  # a place that is none ends the run here, not session by session
        share = find_shard(settings.shard, process_environment(), settings.source("shard"))
        if share.count > 1 and not common.quiet:
            console.note(f"shard {share} ({share.source})")
        source = sources.session_ids(settings, implied=selection.asks, quiet=common.quiet)
        with ExitStack() as stack:
            tell = _Teller(common, stack, report, metrics)
            stack.enter_context(_stoppable())
            engine = _engine(job, dask, workers, tell.table)
            totals, error = run_sessions(engine, _chosen(source, share), tell)
            if error is not None and not totals.sessions:
                raise error  # nothing was run: the report and the numbers of the last run stay
            tell.end(totals)
        if error is not None:
            raise error
        if totals.interrupted:
            raise typer.Exit(INTERRUPTED)
        if (fail_on_error or settings.merge.strict) and totals.worst_exit_code:
            raise typer.Exit(totals.worst_exit_code)


def _selection(*, pending: bool, settle: float | None, since: str | None, until: str | None) -> Any:
    from ..batch import selection  # noqa: PLC0415

    if settle is not None and not pending:
        raise UsageError("--settle says when a session has ended, which only --pending asks", hint="add --pending")
    minutes = selection.DEFAULT_SETTLE_MINUTES if settle is None else settle
    if not minutes >= 0:
        raise UsageError(f"--settle {minutes:g} is no length of time", hint="it is a number of minutes")
    now_s = time.time()
    return selection.Selection(
        pending=pending,
        since_s=selection.read_time(since, "--since", now_s=now_s) if since else None,
        until_s=selection.read_time(until, "--until", now_s=now_s) if until else None,
        settle_s=minutes * 60,
    )


def _chosen(session_ids: Iterable[str], share: Shard) -> Iterator[str]:
    return (session_id for session_id in session_ids if share.holds(session_id))


def _engine(job: Job, dask: str | None, workers: int | None, table: NoTable) -> Engine:
    if dask:
        from ..batch.dask_engine import DaskEngine  # noqa: PLC0415

        return DaskEngine(job, dask, table)
    from ..batch.process_pool import WorkerPool  # noqa: PLC0415

    return WorkerPool(job, workers, table)


class _Teller:
    """Tells what becomes of sessions, wherever it is wanted: stdout, the report, the metrics, the log, the table."""

    def __init__(self, common: Common, stack: ExitStack, report: str | None, metrics: str | None) -> None:
        from ..batch.run_report import written_whole  # noqa: PLC0415
        from ..console.worker_table import worker_table  # noqa: PLC0415

        def file(name: str | None) -> Any:
            return stack.enter_context(written_whole(Path(name))) if name else None

        self._common = common
        self._report_name = report
        self._metrics, self._report = file(metrics), file(report)
        self.table = stack.enter_context(worker_table(quiet=common.quiet or json_logs.are_json()))

    def __call__(self, outcome: Outcome, totals: Totals) -> None:
        from ..batch.job import FAILED  # noqa: PLC0415
        from ..batch.run_report import session_line  # noqa: PLC0415
        from ..views.batches import outcome_line, totals_line  # noqa: PLC0415

        line = session_line(outcome)
        self._write(line)
        json_logs.event("session", _LEVELS.get(outcome.status, "info"), **outcome.to_json())
        if self._common.as_json:
            console.print_line(line)
        elif not self._common.quiet:
            console.print_line(outcome_line(outcome))
        elif outcome.status in FAILED and not json_logs.are_json():
            console.print_error(SessionToolError(outcome.reason, hint=outcome.hint), where=outcome.session_id)
        self.table.totals(totals_line(totals))

    def end(self, totals: Totals) -> None:
        from ..batch.metrics import exposition  # noqa: PLC0415
        from ..batch.run_report import summary_line  # noqa: PLC0415
        from ..views.batches import summary_lines  # noqa: PLC0415

        self._write(summary_line(totals))
        if self._metrics:
            self._metrics.write(exposition(totals))
        json_logs.event("summary", **totals.to_json())
        if self._common.as_json:
            console.print_line(summary_line(totals))
        elif not self._common.quiet:
            console.print_lines(list(summary_lines(totals, self._report_name)))

    def _write(self, line: str) -> None:
        if self._report:
            self._report.write(line + "\n")


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM, by which services and pods are stopped, ends a run as Ctrl-C does."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before: Callable[..., Any] | int | None = signal.SIG_DFL
    with suppress(ValueError):  # not the main thread: whoever runs us there has the signals
        before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, before)
