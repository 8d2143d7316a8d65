"""`sessiontool export`: a merged recording, or a clip of it, as files that other programs play."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..compose import caption_options_of, targets_of
from ..errors import UsageError
from ..options import CAPTIONS, read_formats
from .common import Common
from .parameters import Ids, on_store
from .positions import FromOption, ToOption, read_position

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store(CAPTIONS, without=("verbose",))
def export(
    ids: Ids,
    common: Common,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME,...",
            help="The formats of the files.  Some of wav, flac, mp3, m4a, opus, ogg, webm; others by ffmpeg.",
        ),
    ] = "wav",
    roles: Annotated[
        str | None,
        typer.Option("--roles", metavar="NAME,...", help="A mono file for each role: user, assistant."),
    ] = None,
    mono: Annotated[bool, typer.Option("--mono", help="Both voices on one channel.")] = False,
    rate_hz: Annotated[
        int, typer.Option("--rate", metavar="HZ", help="8000, 16000, 24000 or 48000; Opus always has 48000.")
    ] = 48_000,
    loudness: Annotated[
        str, typer.Option("--loudness", metavar="ebu|podcast|none", help="Level the voices to what that asks for.")
    ] = "none",
    filter_graph: Annotated[
        str | None, typer.Option("--filter", metavar="GRAPH", help="Send the sound through ffmpeg's filters first.")
    ] = None,
    begin: FromOption = None,
    end: ToOption = None,
    utterance: Annotated[
        str | None, typer.Option("--utterance", metavar="ID", help="An utterance, by its id.  Nothing else.")
    ] = None,
    each_utterance: Annotated[
        bool, typer.Option("--each-utterance", help="A file for each utterance; with --roles of its voice alone.")
    ] = False,
    gap: Annotated[
        int | None, typer.Option("--gap", metavar="N", help="What is around the Nth gap, 5 seconds on either side.")
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            "--into",
            metavar="PLACE",
            help="The place for what is made.  A folder or s3://bucket/prefix, with a folder a session: `exports`.",
        ),
    ] = None,
    beside: Annotated[
        bool, typer.Option("--beside", help="Put what is made beside the result, into its folder `exports`.")
    ] = False,
    redacted: Annotated[
        bool, typer.Option("--redacted", help="Of the redacted result.  Into a folder `redacted` of its own.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Write again what is there already, even if nothing changed.")
    ] = False,
) -> None:
    """Export merged sessions as sound files, whole or as clips.

    A clip comes with its captions and transcript.  The result is read from where merge published it, and not changed.
    exports.json has the files' hashes.
    """
    with common.errors_as_exits():
        from ..sessions.exports.export import export_session  # noqa: PLC0415
        from ..sessions.exports.options import ExportOptions  # noqa: PLC0415
        from ..sessions.result_names import REDACTED  # noqa: PLC0415
        from ..storage import open_files  # noqa: PLC0415
        from ..views.exported import EXPORT  # noqa: PLC0415

        settings = common.settings()
        captions, target_of = caption_options_of(settings), targets_of(settings)
        if beside and into is not None:
            raise UsageError("--beside and --into name two places", hint="give one of them")
        place = None if beside else open_files(into or "exports", options=settings.s3, limits=settings.limits)
        if place is not None and redacted:
            place = place.inside(REDACTED)
        options = ExportOptions(
            formats=read_formats(formats),
            roles=read_formats(roles) if roles is not None else (),
            mono=mono,
            rate_hz=rate_hz,
            start_s=None if begin is None else read_position(begin, "--from"),
            end_s=None if end is None else read_position(end, "--to"),
            utterance=utterance,
            each_utterance=each_utterance,
            gap=gap,
            loudness=None if loudness == "none" else loudness,
            filter_graph=filter_graph,
            force=force,
        )

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            target = target_of(store, session_id)
            if redacted:
                target = target.inside(REDACTED)
            return export_session(session_id, target, place, options, captions, progress)

        common.run_all(ids, settings, run, EXPORT)
