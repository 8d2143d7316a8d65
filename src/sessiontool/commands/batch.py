"""`sessiontool batch`: many sessions, side by side."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..compose import corrections_file_of, merge_options_of, targets_of
from ..console import console
from ..errors import SessionToolError, UsageError
from ..options import CAPTIONS, MERGING, PUBLISHING, RUNS
from .common import INTERRUPTED, Common, this_call
from .parameters import on_store
from .sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..batch.job import Job, Outcome
    from ..batch.run import Engine
    from ..batch.run_report import Totals
    from ..batch.shards import Shard
    from ..console.worker_table import NoTable


@on_store(RUNS, MERGING, CAPTIONS, PUBLISHING, without=("verbose",))
def batch(
    sources: Sources,
    common: Common,
    pending: Annotated[
        bool, typer.Option("--pending", help="Only those that have ended and are not merged, or changed since.")
    ] = False,
    remerge: Annotated[
        bool, typer.Option("--remerge", help="With --pending: also those that were merged with other options.")
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
    no_fail: Annotated[
        bool, typer.Option("--no-fail", help="Exit with 0 when the run came to its end, whatever became of sessions.")
    ] = False,
) -> None:
    """Merge many sessions, side by side.

    The sessions are named, listed (--ids), all of the store (--all, and the default with --pending, --since or
    --until), or those that failed before.  A session that fails, even by taking its worker with it, never stops the
    others.  The exit code is the highest of the sessions'; with --no-fail it is 0 when the run came to its end.

    With --quiet, what failed, lost sound or has warnings is said in a line each, once: a run that is given the --report
    of the one before is silent of what that announced and did not change.

    TIME is a day (2026-11-22), a time in RFC 3339, or an age (36h, 7d).
    """
    with common.errors_as_exits():
        from ..batch.job import Job  # noqa: PLC0415
        from ..batch.run import run_sessions  # noqa: PLC0415
        from ..batch.run_report import Totals  # noqa: PLC0415
        from ..batch.shards import find_shard  # noqa: PLC0415
        from ..config import process_environment  # noqa: PLC0415
        from ..console.run_output import RunOutput  # noqa: PLC0415

        settings = common.settings()
        selection = _selection(pending=pending, remerge=remerge, settle=settle, since=since, until=until)
        job = Job(
            store=settings.store,
            layout=settings.layout,
            s3=settings.s3,
            limits=settings.limits,
            output=settings.output,
            options=merge_options_of(settings),
            selection=selection,
            plan_only=plan,
            fail_on=settings.fail_on,
            corrections=corrections_file_of(settings),
        )
        targets_of(settings)  # a place that is none ends the run here, not session by session
        share = find_shard(settings.shard, process_environment(), settings.source("shard"))
        if share.count > 1 and not common.quiet:
            console.note(f"shard {share} ({share.source})")
        source = sources.session_ids(settings, implied=selection.asks)
        totals, error, news = Totals(), None, []
        try:
            with ExitStack() as stack:
                paste, quiet = common.to_paste, common.quiet
                output = RunOutput(stack, report, metrics, this_call(), paste, quiet=quiet, as_json=common.as_json)
                news = output.news
                engine = _engine(job, dask, workers, output.table)
                totals, error = run_sessions(engine, _chosen(source, share), output)
                if error is not None and not totals.sessions:
                    raise error  # nothing was run: the report and the numbers of the last run stay
                output.end(totals)
        except SessionToolError as failure:
            error = failure
        is_notified = _notify(settings.notify, totals, news, error)
        if error is not None:
            raise error
        if totals.interrupted:
            raise typer.Exit(INTERRUPTED)
        code = 0 if no_fail else totals.worst_exit_code
        if code or not is_notified:
            raise typer.Exit(code or SessionToolError.exit_code)


def _notify(command: str | None, totals: Totals, news: list[Outcome], error: SessionToolError | None) -> bool:
    """Run the command that wants to know of runs; whether it did what it is for."""
    if not command:
        return True
    from ..batch.notify import message, notify  # noqa: PLC0415

    wrong = notify(command, message(totals, news, error, this_call()))
    if wrong:
        console.note(f"--notify {command}: {wrong}")
    return not wrong


def _selection(*, pending: bool, remerge: bool, settle: float | None, since: str | None, until: str | None) -> Any:
    from ..batch import selection  # noqa: PLC0415

    if settle is not None and not pending:
        raise UsageError("--settle says when a session has ended, which only --pending asks", hint="add --pending")
    if remerge and not pending:
        raise UsageError("--remerge is of --pending; other runs do so always", hint="add --pending, or leave it out")
    minutes = selection.DEFAULT_SETTLE_MINUTES if settle is None else settle
    if not minutes >= 0:
        raise UsageError(f"--settle {minutes:g} is no length of time", hint="it is a number of minutes")
    now_s = time.time()
    return selection.Selection(
        pending=pending,
        remerge=remerge,
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
