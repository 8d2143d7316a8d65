"""`sessiontool events`: what the mirrored Realtime events of sessions hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from ..compose import log_options_of
from ..console import console
from ..errors import UsageError
from .common import Common
from .parameters import Ids, on_store

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store("force")
def events(
    ids: Ids,
    common: Common,
    to_utterances: Annotated[
        bool, typer.Option("--to-utterances", help="Write the utterances as JSON lines, to stdout or with --output.")
    ] = False,
) -> None:
    """Show what the Realtime event logs of sessions hold.

    Sessions, turns, interruptions, and what was left aside and why.  The recording is not read, and the store is left
    as it is.
    """
    with common.errors_as_exits():
        from ..sessions.event_log import read_session_log, utterances_jsonl, write_utterances  # noqa: PLC0415
        from ..views.eventlog import LOG, LOG_WRITTEN  # noqa: PLC0415

        output, force = common.flags.get("output"), bool(common.flags.get("force"))
        _check(ids, common, to_utterances=to_utterances, output=output)
        settings = common.settings()
        log = log_options_of(settings)

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            result = read_session_log(store, session_id, progress, log)
            if to_utterances and output:
                return replace(result, written=write_utterances(result.log, output, session_id, force=force))
            if to_utterances:
                console.write_text(utterances_jsonl(result.log))
            return result

        common.run_all(ids, settings, run, LOG_WRITTEN if to_utterances else LOG)


def _check(ids: list[str], common: Common, *, to_utterances: bool, output: str | None) -> None:
    if output is not None and not to_utterances:
        raise UsageError("--output is for --to-utterances", hint="without it, what the log holds is printed")
    if output is not None:
        from ..storage.locations import local_folder  # noqa: PLC0415

        local_folder(output)
    if to_utterances and output is None and (len(ids) > 1 or common.as_json):
        raise UsageError(
            "the utterances of one session go to stdout, and nothing else",
            hint="name a folder with --output for several sessions, or beside --json",
        )
