"""`sessiontool captions`: captions again, from what was published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

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
) -> None:
    """Make captions again, in another profile or format.

    They are made from transcript.json.  Neither the chunks nor the audio are read, but for a redacted result, which is
    made anew.  What is to stay corrected is for `sessiontool correct`.  With --corrections, what that file has of the
    session is put into transcript.json too.
    """
    with common.errors_as_exits():
        from ..sessions.recaption import recaption_session  # noqa: PLC0415
        from ..views import captioned  # noqa: PLC0415

        settings = common.settings()
        options, target_of = caption_options_of(settings), targets_of(settings)
        file = corrections_file_of(settings)

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            corrections = file.of_session(session_id) if file else None
            target = target_of(store, session_id)
            return recaption_session(
                session_id, target, options, corrections, store=store, publish=not check, progress=progress
            )

        common.run_all(ids, settings, run, captioned.CAPTION_CHECK if check else captioned.CAPTIONS)
