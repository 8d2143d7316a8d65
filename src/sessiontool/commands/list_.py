"""`sessiontool list`: the sessions of a store, and what there is of each."""

from __future__ import annotations

import gc
import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from ..compose import open_result_store_of, open_store_of
from ..console import console
from ..errors import SessionToolError, UsageError
from ..options import read_formats
from .common import Common
from .page import pages_of_all
from .parameters import on_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..sessions.list_sessions import ListedSession
    from ..storage import Store

_GC_THRESHOLD = 700
"""Objects, Python's own default (measured: each page of a listing leaves cycles behind, 10 MB of them by the
program's)."""
_MOST_NAMED = 3
"""Number of folders that a note names, as parts of a line; chosen."""
_STATES = "none, recording, merged, partial, stale"


@on_store(without=("verbose",))
def list_(
    common: Common,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="Only these: ids, or patterns of ids ('2026-11-*').", show_default=False),
    ] = None,
    status: Annotated[
        str | None, typer.Option("--status", metavar="NAME,...", help=f"Only those of this status.  Some of {_STATES}.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only those whose last chunk came then or later.")
    ] = None,
    settle: Annotated[
        float,
        typer.Option(
            metavar="MINUTES",
            help="Without a new chunk for so long, a session has ended.  [default: 60]",
            show_default=False,
        ),
    ] = 60.0,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of lines for people.")] = False,
    page: Annotated[
        bool, typer.Option("--page", help="Make the page too.  Over the store, to sort: the same as page --all.")
    ] = False,
) -> None:
    """List sessions with their state, length and findings.

    The state is none (not merged), recording (chunks still come), merged, partial (merged, and sound is lost) or stale
    (merged, and changed since).  In a bucket an index of the reports is kept, so that only those that changed are read.
    """
    with common.errors_as_exits():
        from ..sessions.list_sessions import STATES, SessionLister  # noqa: PLC0415
        from ..storage.matching import NamedIds  # noqa: PLC0415

        gc.set_threshold(_GC_THRESHOLD)
        settings = common.settings()
        if page:
            if patterns or status or since or as_csv:
                raise UsageError("--page is of the whole store", hint="leave ids and the other options out")
            pages_of_all(common, settings)
            return
        if as_csv and common.as_json:
            raise UsageError("--csv and --json are two forms", hint="leave one of them out")
        wanted = read_formats(status) if status else STATES
        if unknown := [one for one in wanted if one not in STATES]:
            raise UsageError(f"there is no state {unknown[0][:40]!r}", hint=f"a state is one of {_STATES}")
        now_s = time.time()
        since_s = _since_s(since, now_s) if since else 0.0
        with open_store_of(settings) as store:
            results = open_result_store_of(settings)
            elsewhere = settings.output is not None
            lister = SessionLister(store, results, elsewhere=elsewhere, settle_s=settle * 60, now_s=now_s)
            named = NamedIds(patterns or ())
            found = lister.sessions(named)
            count = _print((one for one in found if one.state in wanted and one.when_s >= since_s), common, as_csv)
            if code := _refuse(store, named.unmet):
                raise typer.Exit(code)
            if not count and not common.quiet:
                console.note(f"no such session in {store.url}")
            odd = [] if patterns else [repr(name) for name in store.misnamed()]
            if odd and not common.quiet:
                names = ", ".join(odd[:_MOST_NAMED]) + ", …" * (len(odd) > _MOST_NAMED)
                console.note(f"not listed, as their names are no session ids: {len(odd)} with chunks: {names}")


def _since_s(text: str, now_s: float) -> float:
    from ..batch.selection import read_time  # noqa: PLC0415 - which loads all that merges

    return read_time(text, "--since", now_s=now_s)


def _refuse(store: Store, unmet: Iterable[str]) -> int:
    """Say of each name that nothing was found by it; the highest exit code."""
    from ..storage.matching import refuse_pattern  # noqa: PLC0415

    code = 0
    for one in unmet:
        try:
            refuse_pattern(store, one)
            store.list_session(one)
        except SessionToolError as error:
            console.print_error(error)
            code = max(code, error.exit_code)
    return code


def _print(found: Iterator[ListedSession], common: Common, as_csv: bool) -> int:
    """Print sessions as they come; how many there were."""
    from ..views.listed import LIST_SCHEMA, csv_line, listed_json, listed_line  # noqa: PLC0415

    count = 0
    if as_csv:
        console.print_data(csv_line(None))
    if common.as_json:
        console.print_data(f'{{"schema": "{LIST_SCHEMA}", "sessions": [')
    for one in found:
        comma = "," if count else ""
        count += 1
        if common.as_json:
            console.print_data(f" {comma}{json.dumps(listed_json(one))}")
        elif as_csv:
            console.print_data(csv_line(listed_json(one)))
        else:
            console.print_line(listed_line(one))
    if common.as_json:
        console.print_data("]}")
    return count
