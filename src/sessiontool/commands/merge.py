"""`sessiontool merge`: the chunks of sessions into one recording each, captioned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..wiring import merge_options_of, target_of
from .common import (
    Common,
    Ids,
    RequireConsentOption,
    SseKmsKeyIdOption,
    SseOption,
    TagsOption,
    VadOption,
    WordsOption,
    on_store,
)

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store
def merge(
    ids: Ids,
    common: Common,
    pauses: Annotated[
        str | None,
        typer.Option("--pauses", metavar="close|keep", help="Close pauses up, or keep their length.  [default: close]"),
    ] = None,
    align: Annotated[
        bool, typer.Option("--align/--no-align", help="Find the utterances in the sound, or trust the log's times.")
    ] = True,
    vad: VadOption = None,
    words: WordsOption = None,
    prefer: Annotated[
        str | None,
        typer.Option(
            "--prefer",
            metavar="events|utterances",
            help="Whose word counts where both logs know.  [default: utterances]",
        ),
    ] = None,
    caption_text: Annotated[
        str | None,
        typer.Option(
            "--captions-text",
            metavar="heard|generated",
            help="What captions show of a turn that was cut off.  [default: heard]",
        ),
    ] = None,
    strict: Annotated[
        bool | None,
        typer.Option(
            "--strict/--no-strict", help="Publish nothing if there are findings (exit 4).", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Merge again even if nothing changed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Do everything but publish.")] = False,
    require_consent: RequireConsentOption = None,
    sse: SseOption = None,
    sse_kms_key_id: SseKmsKeyIdOption = None,
    tags: TagsOption = None,
) -> None:
    """Join the chunks of sessions, and caption them by the sound.

    Writes audio.webm, captions.vtt, captions.srt, transcript.json and report.json, the report last.  Nothing is
    re-encoded.  A session that was merged from the same input is left alone.  With several sessions one that fails
    does not stop the others; the exit code is then the highest.
    """
    with common.errors_as_exits():
        from ..pipeline import merge_session  # noqa: PLC0415
        from ..rendering.merges import MERGE  # noqa: PLC0415

        settings = common.settings(
            pauses=pauses,
            vad=vad,
            words=words,
            prefer=prefer,
            caption_text=caption_text,
            strict=strict,
            require_consent=require_consent,
            sse=sse,
            sse_kms_key_id=sse_kms_key_id,
            tags=tags,
        )
        options = merge_options_of(settings, align=align, force=force, dry_run=dry_run)

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            return merge_session(store, session_id, target_of(store, session_id, settings), options, progress)

        common.run_all(ids, settings, run, MERGE)
