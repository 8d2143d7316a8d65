"""`sessiontool captions`: captions again, from what was published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from ..compose import caption_options_of, corrections_file_of, targets_of
from ..options import CAPTIONS, PUBLISHING
from .common import Common
from .parameters import Ids, on_store

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store(CAPTIONS, PUBLISHING, without=("verbose",))
def captions(
    ids: Ids,
    common: Common,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; list every cue that breaks its profile (exit 4).")
    ] = False,
    formats: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME,...", help="The formats of the files.  The same as --caption-formats."),
    ] = None,
    phones: Annotated[
        bool,
        typer.Option("--phones", help="Find the sounds of words too, for mouth shapes; needs sessiontool[words]."),
    ] = False,
) -> None:
    """Make captions again, in another profile or format.

    They are made from transcript.json.  Neither the chunks nor the audio are read, but for a redacted result, which is
    made anew.  What is to stay corrected is for `sessiontool correct`.  With --corrections, what that file has of the
    session is put into transcript.json too; so are the sounds of words, with --phones, which reads the audio.
    """
    with common.errors_as_exits():
        from ..sessions.recaption import TranscriptChanges, recaption_session  # noqa: PLC0415
        from ..views import captioned  # noqa: PLC0415

        if formats is not None:
            common = replace(common, flags={**common.flags, "caption_formats": formats})
        settings = common.settings()
        options, target_of = caption_options_of(settings), targets_of(settings)
        file = corrections_file_of(settings)

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            changes = TranscriptChanges(file.of_session(session_id) if file else None, phones)
            target = target_of(store, session_id)
            return recaption_session(
                session_id, target, options, changes, store=store, publish=not check, progress=progress
            )

        common.run_all(ids, settings, run, captioned.CAPTION_CHECK if check else captioned.CAPTIONS)
