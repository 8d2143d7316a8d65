"""`sessiontool report`: the report of a run as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..console import console
from ..options import read_formats
from .common import errors_as_exits
from .parameters import DebugOption


def report(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What batch --report has written.", show_default=False)],
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="NAME,...", help="Only those of this status.  Some of failed, partial, ..."),
    ] = None,
    every: Annotated[bool, typer.Option("--every", help="Also those that the run left alone.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of lines for people.")] = False,
    debug: DebugOption = False,
) -> None:
    """Show the report of a batch as a table.

    It says what became of each session, and which findings it has.  Sessions that were left alone are counted, not
    shown.
    """
    with errors_as_exits(debug=debug):
        from ..batch.run_report import read_entries  # noqa: PLC0415
        from ..views.run_table import table_lines  # noqa: PLC0415

        wanted = frozenset(read_formats(status)) if status else None
        for line in table_lines(read_entries(Path(file)), wanted, every=every, as_csv=as_csv):
            (console.print_data if as_csv else console.print_line)(line)
