"""`sessiontool redact`: a second result, from which something is gone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..compose import open_result_store_of, targets_of
from ..errors import NotFoundError, UsageError
from ..options import read_formats
from .common import Common
from .parameters import on_store
from .receipts import writing_receipt

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store("dry_run", without=("verbose",))
def redact(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The session.", show_default=False)],
    common: Common,
    spans: Annotated[
        str | None,
        typer.Option(
            "--spans",
            metavar="FILE",
            help='What goes, one JSON object a line: {"start_s": 12.5, "end_s": 14}, or {"utterance": "u012"}.',
        ),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            "--text", metavar="REGEX", help="A text; again for more.  Whatever matches, in any case of letters."
        ),
    ] = None,
    utterance: Annotated[
        list[str] | None,
        typer.Option("--utterance", metavar="UTTERANCE", help="An utterance, by its id.  All of it; again for more."),
    ] = None,
    find: Annotated[
        str | None,
        typer.Option(
            "--find", metavar="KIND,...", help="What is found: some of card, phone, email, iban, ssn, presidio."
        ),
    ] = None,
    finder: Annotated[
        str | None,
        typer.Option("--finder", metavar="COMMAND", help="A command that finds; it reads and writes JSON lines."),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            "--role",
            metavar="ROLE",
            help="user or assistant: what that one says, and where it can be that voice alone.",
        ),
    ] = None,
    label: Annotated[bool, typer.Option("--label", help="Labels name the kind: [redacted: card].")] = False,
    beep: Annotated[bool, typer.Option("--beep", help="A tone in the place of the sound, instead of silence.")] = False,
    destroy: Annotated[
        bool,
        typer.Option(
            "--destroy-originals", help="Delete chunks, log and every other result, for good: only redacted/ is left."
        ),
    ] = False,
    receipt: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A new file for the receipt.  [default: purge-TIME.jsonl]"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only show what would be done.")] = False,
) -> None:
    """Make a second result from which sound and text are gone.

    It is in redacted/.  The sound outside is the same to the byte, and silence in the place of what is gone.  With
    --role the other voice is kept: that stretch is encoded again, unless the voice is heard on both channels.  What has
    no place in the sound is named, and nothing is made (exit 4).  With --find, --finder or --destroy-originals, what
    would be done is shown, and done with --yes alone.  redactions.jsonl, beside the log, says what is gone, and every
    merge makes the redacted result of it.  The merged result and the chunks are not changed, unless
    --destroy-originals is given.
    """
    with common.errors_as_exits():
        from ..sessions.redaction.asked import RedactRequest  # noqa: PLC0415
        from ..sessions.redaction.destroy import OriginalsOf, redact_for_good  # noqa: PLC0415
        from ..sessions.redaction.redact import redact_session  # noqa: PLC0415
        from ..views.redacted import REDACTED  # noqa: PLC0415

        settings = common.settings()
        target_of = targets_of(settings)
        asked = RedactRequest(
            (spans, _read(spans)) if spans else None,
            tuple(text or ()),
            tuple(utterance or ()),
            read_formats(find or ""),
            finder or "",
            role or "",
            beep=beep,
            label=label,
        )
        dry_run = bool(common.flags.get("dry_run")) or ((asked.finds or destroy) and not yes)
        if receipt and (dry_run or not destroy):
            raise UsageError("--receipt is of what is deleted, and nothing is", hint="add --destroy-originals --yes")
        with writing_receipt(receipt, settings.store, wanted=destroy and not dry_run) as write:

            def run(store: Store, name: str, progress: Progress) -> Any:
                target = target_of(store, name)
                if not destroy:
                    return redact_session(store, name, target, asked, dry_run=dry_run, progress=progress)
                originals = OriginalsOf(store, name, target, open_result_store_of(settings))
                return redact_for_good(originals, asked, write, dry_run=dry_run, progress=progress)

            common.run_all([session_id], settings, run, REDACTED)


def _read(name: str) -> bytes:
    from ..documents.redactions import MOST_BYTES  # noqa: PLC0415

    try:
        with Path(name).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no {name}", hint="it names a file of spans") from error
