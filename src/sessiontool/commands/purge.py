"""`sessiontool purge`: delete what may not be kept any longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..compose import targets_of
from ..console import console
from ..errors import UsageError
from .common import Common
from .parameters import on_store
from .receipts import writing_receipt
from .sources import Sources

if TYPE_CHECKING:
    from ..progress import Progress
    from ..sessions.purge import Rule
    from ..storage import Store


@on_store(without=("retry_failed",))
def purge(
    sources: Sources,
    common: Common,
    chunks_after: Annotated[
        float | None, typer.Option(metavar="DAYS", help="Delete chunks then, of sessions that say nothing themselves.")
    ] = None,
    all_after: Annotated[
        float | None,
        typer.Option(metavar="DAYS", help="Delete all then, of sessions that say nothing themselves."),
    ] = None,
    even_damaged: Annotated[
        bool, typer.Option("--even-damaged", help="Also chunks with bytes that are not in the result.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only show what would be done.")] = False,
    receipt: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A new file for the receipt.  [default: purge-TIME.jsonl]"),
    ] = None,
) -> None:
    """Delete merged chunks, and sessions whose retention is over.

    With --yes, what session.json asks for is deleted, and nothing without it.  A session that asks for nothing is left
    alone, unless --chunks-after or --all-after is given.  Chunks are deleted only where the result is verified and each
    chunk, read again, has no byte that is not in it: its packets are in the recording, and the rest is the container's
    own.  What is deleted is written into the receipt: what, when, why, with hashes.  If anything is refused, the exit
    code is 4.
    """
    with common.errors_as_exits():
        from ..sessions.purge import Purger  # noqa: PLC0415
        from ..storage import open_store  # noqa: PLC0415
        from ..views.purges import PURGE  # noqa: PLC0415

        settings = common.settings()
        rule = _rule(chunks_after, all_after)
        if receipt and not yes:
            raise UsageError("--receipt is of what is deleted, and nothing is", hint="add --yes, or leave it away")
        chosen = list(sources.session_ids(settings))
        target_of = targets_of(settings)
        output = open_store(settings.output, options=settings.s3, limits=settings.limits) if settings.output else None
        with writing_receipt(receipt, settings.store, wanted=yes) as write:

            def run(store: Store, session_id: str, progress: Progress) -> Any:
                purger = Purger(store, rule, output=output, even_damaged=even_damaged)
                target = target_of(store, session_id)
                return purger.purge(session_id, target, write, progress) if yes else purger.examine(session_id, target, progress)  # fmt: skip  # noqa: E501

            if not yes and not common.quiet:
                console.note("nothing is deleted without --yes")
            common.run_all(chosen, settings, run, PURGE)


def _rule(chunks_after: float | None, all_after: float | None) -> Rule:
    from ..sessions.purge import Rule  # noqa: PLC0415

    for option, days in (("--chunks-after", chunks_after), ("--all-after", all_after)):
        if days is not None and not days >= 0:
            raise UsageError(f"{option} {days:g} is no number of days", hint="it is 0 or more")
    return Rule(chunks_after, all_after)
