"""`sessiontool captions`: captions again, from what was published."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..compose import caption_options_of, targets_of
from .common import Common, Ids, on_store
from .merge_options import Publishing

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store(without=("profile", "verbose"))
def captions(
    ids: Ids,
    publishing: Publishing,
    common: Common,
    caption_profile: Annotated[
        str | None,
        typer.Option(
            "--caption-profile",
            "--profile",
            metavar="NAME",
            help="The rules: default, netflix, bbc, dcmp, podcast, or your own.  [default: default]",
        ),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="vtt, srt, ttml, ass, txt, json or csv; again for more.  [default: vtt and srt]",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; list every cue that breaks its profile (exit 4).")
    ] = False,
    speakers: Annotated[
        bool | None,
        typer.Option("--speakers/--no-speakers", help="Show who speaks.  [default: speakers]", show_default=False),
    ] = None,
    caption_text: Annotated[
        str | None,
        typer.Option(
            "--captions-text",
            metavar="heard|generated",
            help="What to show of a turn that was cut off.  [default: heard]",
        ),
    ] = None,
    mark_gaps: Annotated[
        bool | None,
        typer.Option("--mark-gaps/--no-mark-gaps", help="Note where sound is lost or has no text.", show_default=False),
    ] = None,
    styles: Annotated[
        bool, typer.Option("--styles", help="WebVTT: a colour for each role; some players then show nothing.")
    ] = False,
    karaoke: Annotated[
        bool, typer.Option("--karaoke", help="WebVTT: a time for each word, where words have one.")
    ] = False,
    timestamp_map: Annotated[
        str | None,
        typer.Option(metavar="TICKS[:MS]", help="WebVTT for HLS: the MPEG-2 time of a local time.", show_default=False),
    ] = None,
    aws_profile: Annotated[
        str | None, typer.Option("--aws-profile", metavar="NAME", help="The AWS profile to use.")
    ] = None,
) -> None:
    """Make captions again from transcript.json, in another profile or format.

    Neither the chunks nor the audio are read.  Correct the text in transcript.json first, if you like.
    """
    with common.errors_as_exits():
        from ..captions import read_timestamp_map  # noqa: PLC0415
        from ..sessions.recaption import recaption_session  # noqa: PLC0415
        from ..views.captioned import CAPTION_CHECK, CAPTIONS  # noqa: PLC0415

        settings = common.settings(
            profile=aws_profile,
            caption_profile=caption_profile,
            caption_formats=",".join(formats) if formats else None,
            caption_speakers=speakers,
            caption_text=caption_text,
            mark_gaps=mark_gaps,
            **publishing.flags,
        )
        options = replace(
            caption_options_of(settings),
            styles=styles,
            karaoke=karaoke,
            timestamp_map=read_timestamp_map(timestamp_map),
        )

        target_of = targets_of(settings)

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            target = target_of(store, session_id)
            return recaption_session(session_id, target, options, publish=not check, progress=progress)

        common.run_all(ids, settings, run, CAPTION_CHECK if check else CAPTIONS)
