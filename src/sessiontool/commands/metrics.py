"""`sessiontool metrics`: the figures of conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..compose import targets_of
from ..console import console
from ..errors import UsageError
from .common import Common
from .parameters import on_store
from .sources import Sources

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store(without=("verbose", "retry_failed"))
def metrics(
    sources: Sources,
    common: Common,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV instead of lines for people.  A line for each figure.")
    ] = False,
) -> None:
    """Show who talked, who waited and who interrupted.

    The figures are counted from transcript.json and report.json, as metrics.json has them beside these.  Each has its
    unit, what it is counted from, and how far it may be off.  Nothing is written.
    """
    with common.errors_as_exits():
        from ..sessions.session_metrics import session_metrics  # noqa: PLC0415
        from ..views.figures import CSV_HEAD, METRICS, METRICS_CSV  # noqa: PLC0415

        if csv and common.as_json:
            raise UsageError("--csv and --json ask for two things", hint="give one of them")
        settings = common.settings()
        target_of = targets_of(settings)
        chosen = list(sources.session_ids(settings))

        def run(store: Store, session_id: str, _: Progress) -> Any:
            return session_metrics(session_id, target_of(store, session_id))

        if csv:
            console.print_data(CSV_HEAD)
        common.run_all(chosen, settings, run, METRICS_CSV if csv else METRICS)
