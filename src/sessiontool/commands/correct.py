"""`sessiontool correct`: what people corrected, kept beside the log and through every merge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..compose import log_options_of, targets_of
from ..errors import NotFoundError, UsageError
from .common import Common
from .parameters import on_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..progress import Progress
    from ..storage import Store


_FILE_HELP = "An edited transcript.json, or captions as VTT or SRT.  [default: the result's transcript.json]"


@on_store("dry_run", without=("verbose",))
def correct(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The session.", show_default=False)],
    common: Common,
    edited: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="An edited transcript.json, VTT or SRT file.  [default: the result's transcript]",
            show_default=False,
        ),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option("--text", metavar="UTTERANCE=TEXT", help="A text; again for more.  What was said in truth."),
    ] = None,
    speaker: Annotated[
        list[str] | None, typer.Option("--speaker", metavar="UTTERANCE=NAME", help="The name to show of who said it.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", metavar="UTTERANCE", help="Leave it out: it was not said.")
    ] = None,
    restore: Annotated[
        list[str] | None, typer.Option("--restore", metavar="UTTERANCE", help="As the log has it again.")
    ] = None,
) -> None:
    """Correct texts and speakers, for this and every later merge.

    Corrections are in corrections.jsonl beside the log.  Without options, what differs in the result's transcript.json,
    edited by hand, or in its captions.vtt and captions.srt, becomes corrections; with a FILE what differs in that: a
    transcript.json, or captions, of which texts and names count and times do not.  Merge the session afterwards, which
    makes the captions of them.  Where the store cannot be written, --corrections FILE has them, of any number of
    sessions: merge with the same option.  With --dry-run, what is corrected is shown and nothing is written.
    """
    with common.errors_as_exits():
        from ..sessions.correct import Edits, correct_session  # noqa: PLC0415
        from ..views.corrected import CORRECTED  # noqa: PLC0415

        settings = common.settings()
        target_of, log = targets_of(settings), log_options_of(settings)
        edits = Edits(
            texts=_pairs(text or (), "--text"),
            speakers=_pairs(speaker or (), "--speaker"),
            dropped=tuple(drop or ()),
            restored=tuple(restore or ()),
            transcript=_read(edited) if edited else None,
            dry_run=bool(common.flags.get("dry_run")),
        )

        def run(store: Store, name: str, _progress: Progress) -> Any:
            return correct_session(store, name, target_of(store, name), edits, log)

        common.run_all([session_id], settings, run, CORRECTED, corrects=True)


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    pairs = dict(_pair(one, option) for one in given)
    if len(pairs) < len(given):
        raise UsageError(f"{option} names an utterance twice", hint="name each once")
    return pairs


def _pair(given: str, option: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not (name and equals and value.strip()):
        raise UsageError(f"{option} {given[:80]!r} is not UTTERANCE=…", hint=f"for example {option} u012=Hello")
    return name, value


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no {name}", hint="it names an edited transcript.json, or captions") from error
    except OSError as error:
        raise UsageError(
            f"cannot read {name}: {error.strerror}", hint="it names an edited transcript.json, or captions"
        ) from error
