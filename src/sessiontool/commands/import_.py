"""`sessiontool import`: a recording that was made elsewhere as a session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..config import load_settings
from ..console import console
from ..options import PUBLISHING
from .common import Common
from .parameters import on_store

_WITHOUT = (
    "as_json",
    "verbose",
    "output",
    "layout",
    "corrections",
    "max_chunk_bytes",
    "max_document_bytes",
    "max_report_bytes",
)
"""Options on a store that say nothing of a session that is made."""


@on_store(PUBLISHING, without=_WITHOUT)
def import_(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="A stereo file, or two with a voice each.", show_default=False),
    ],
    session_id: Annotated[str, typer.Option("--id", metavar="ID", help="The session to make.", show_default=False)],
    source: Annotated[
        str, typer.Option(metavar="NAME", help="Who recorded it: live, azure, livekit, vapi, twilio, telnyx, wav.")
    ] = "wav",
    channels: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE,ROLE", help="Who is on which channel.  [default: by the source, or by the log's sound]"
        ),
    ] = None,
    late: Annotated[
        list[float] | None, typer.Option("--late", metavar="S", help="How late each file begins; once for each.")
    ] = None,
    utterances: Annotated[
        str | None, typer.Option(metavar="FILE", help="Who said what (JSON, JSON Lines, CSV, SRT, VTT).")
    ] = None,
    event_log: Annotated[str | None, typer.Option("--event-log", metavar="FILE", help="The log of events.")] = None,
    started_at: Annotated[
        str | None, typer.Option(metavar="ISO", help="When the recording began, for logs that have dates.")
    ] = None,
    *,
    common: Common,
) -> None:
    """Make a session of a server's or telephone service's recording.

    The files are kept byte for byte, with their hashes in session.json.  Stereo Opus is taken as it is; anything else
    that FFmpeg reads (WAV of any kind, FLAC, MP3, M4A, …) is encoded to Opus once.  Then merge the session.
    """
    with common.errors_as_exits():
        from ..sessions.import_recording import ImportOptions, import_recording  # noqa: PLC0415
        from ..views.imported import imported_lines  # noqa: PLC0415

        settings = load_settings(common.flags)
        options = ImportOptions(
            source=source,
            channels=tuple(one.strip() for one in channels.split(",")) if channels else (),
            late_s=tuple(late or ()),
            utterances=Path(utterances) if utterances else None,
            events=Path(event_log) if event_log else None,
            started_at=started_at,
        )
        result = import_recording([Path(one) for one in files], settings.store, session_id, options, s3=settings.s3)
        if not common.quiet:
            console.print_lines(imported_lines(result))
