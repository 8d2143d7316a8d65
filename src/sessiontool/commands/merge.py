"""`sessiontool merge`: the chunks of sessions into one recording each, captioned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..compose import merge_options_of, targets_of
from ..options import CAPTIONS, MERGING, PUBLISHING
from .common import Common
from .parameters import Ids, on_store

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store("fail_on", MERGING, CAPTIONS, PUBLISHING)
def merge(ids: Ids, common: Common) -> None:
    """Join the chunks of sessions, and caption them by the sound.

    Writes audio.webm (audio.m4a of AAC, audio.flac of PCM, audio.mp3 of MP3), captions.vtt, captions.srt,
    transcript.json and report.json, the report last.  Nothing is re-encoded.  A session that was merged from the same
    input is left alone.  With several sessions one that fails does not stop the others; the exit code is then the
    highest.
    """
    with common.errors_as_exits():
        from ..sessions.merge import merge_session  # noqa: PLC0415
        from ..views.merges import merge_view  # noqa: PLC0415

        settings = common.settings()
        options, target_of = merge_options_of(settings), targets_of(settings)

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            return merge_session(store, session_id, target_of(store, session_id), options, progress)

        common.run_all(ids, settings, run, merge_view(settings.fail_on))
