"""`sessiontool import`: a recording that was made elsewhere as a session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..console import console
from ..errors import UsageError
from .common import errors_as_exits
from .parameters import DebugOption, QuietOption


def import_(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="A stereo file, or two with a voice each.", show_default=False),
    ],
    session_id: Annotated[str, typer.Option("--id", metavar="ID", help="The session to make.", show_default=False)],
    store: Annotated[
        str, typer.Option("--store", "-s", metavar="DIR", help="Where sessions are: a folder or s3://bucket/prefix.")
    ] = ".",
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
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Make a session of a server's or telephone service's recording.

    The files are kept byte for byte, with their hashes in session.json.  Stereo Opus is taken as it is; anything else
    that FFmpeg reads (WAV of any kind, FLAC, MP3, M4A, …) is encoded to Opus once.  Then merge the session.
    """
    with errors_as_exits(debug=debug):
        if "://" in store:
            hint = (
                f"import it into a folder, and copy that: aws s3 sync DIR/{session_id} {store.rstrip('/')}/{session_id}"
            )
            raise UsageError(f"a recording is imported into a folder, not into {store}", hint=hint)
        from ..sessions.import_recording import ImportOptions, import_recording  # noqa: PLC0415
        from ..views.imported import imported_lines  # noqa: PLC0415

        options = ImportOptions(
            source=source,
            channels=tuple(one.strip() for one in channels.split(",")) if channels else (),
            late_s=tuple(late or ()),
            utterances=Path(utterances) if utterances else None,
            events=Path(event_log) if event_log else None,
            started_at=started_at,
        )
        result = import_recording([Path(one) for one in files], Path(store), session_id, options)
        if not quiet:
            for line in imported_lines(result):
                console.print_line(line)
