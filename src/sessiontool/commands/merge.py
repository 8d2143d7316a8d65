"""`sessiontool merge`: the chunks of sessions into one recording each, captioned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..compose import targets_of
from .common import Common, Ids, on_store
from .merge_options import Merging, Publishing

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store
def merge(ids: Ids, merging: Merging, publishing: Publishing, common: Common) -> None:
    """Join the chunks of sessions, and caption them by the sound.

    Writes audio.webm, captions.vtt, captions.srt, transcript.json and report.json, the report last.  Nothing is
    re-encoded.  A session that was merged from the same input is left alone.  With several sessions one that fails
    does not stop the others; the exit code is then the highest.
    """
    with common.errors_as_exits():
        from ..sessions.merge import merge_session  # noqa: PLC0415
        from ..views.merges import MERGE  # noqa: PLC0415

        settings = common.settings(**merging.flags, **publishing.flags)
        options, target_of = merging.options(settings), targets_of(settings)

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            return merge_session(store, session_id, target_of(store, session_id), options, progress)

        common.run_all(ids, settings, run, MERGE)
