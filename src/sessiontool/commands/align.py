"""`sessiontool align`: where every utterance was found in the sound, and why there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from ..compose import merge_options_of
from ..errors import UsageError
from .common import Common
from .parameters import Ids, on_store
from .positions import FromOption, ToOption, read_position

if TYPE_CHECKING:
    from ..progress import Progress
    from ..storage import Store


@on_store("pauses", "vad", "prefer", without=("output",))
def align(
    ids: Ids,
    common: Common,
    explain: Annotated[
        list[str] | None,
        typer.Option(
            "--explain",
            metavar="UTTERANCE",
            help="Explain the place of that one; repeat for more.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(
            "--plot",
            metavar="FILE",
            help="Draw sound, log and result as FILE.png or .svg; needs sessiontool[plot].",
            show_default=False,
        ),
    ] = None,
    begin: FromOption = None,
    end: ToOption = None,
) -> None:
    """Show where every utterance was found in the sound, and why.

    Nothing is published.  The session is joined and aligned as `merge` does it.  A picture shows the activity of each
    channel, the log's times, the times found and how far they are apart: what to look at first when captions seem
    wrong.
    """
    with common.errors_as_exits():
        from ..sessions.explain_alignment import place_session, story_of  # noqa: PLC0415
        from ..views.placings import placing_view  # noqa: PLC0415

        if plot is not None:
            from ..views.plots import check_plot, save_plot  # noqa: PLC0415

            if len(set(ids)) > 1:
                raise UsageError("a picture shows one session", hint="call it once for each")
            check_plot(plot)
        begin_s = read_position(begin, "--from") if begin else 0.0
        end_s = read_position(end, "--to") if end else None
        settings = common.settings()
        options = replace(merge_options_of(settings), align=True, dry_run=True)

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            result = place_session(store, session_id, options, progress)
            for name in explain or ():
                story_of(result, name)
            if plot is not None:
                save_plot(result, plot, begin_s, end_s)
            return result

        common.run_all(ids, settings, run, placing_view(tuple(explain or ())))
