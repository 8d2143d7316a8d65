"""`sessiontool page`: what was merged as a page to look at and listen to."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..compose import open_results_of, open_store_of, targets_of
from ..console import console
from ..errors import UsageError
from .common import Common
from .parameters import on_store

if TYPE_CHECKING:
    from ..config import Settings
    from ..progress import Progress
    from ..storage import Store

_UNITS_S = {"m": 60, "h": 3600, "d": 86_400}
"""Seconds, by definition."""
_LIFETIME = r"(?a)([1-9]\d{0,5})([mhd])"


@on_store(without=("verbose",))
def page(
    common: Common,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="The sessions.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Every session of the store.")] = False,
    embed: Annotated[
        bool, typer.Option("--embed", help="Make one file with the audio inside, ID.html, and change no result.")
    ] = False,
    into: Annotated[
        str,
        typer.Option(
            "--into", metavar="FOLDER", help="The place for what is made.  A local folder.  With --embed alone."
        ),
    ] = ".",
    link: Annotated[
        str | None, typer.Option("--link", metavar="TIME", help="On S3: print a link for so long (30m, 12h, 7d).")
    ] = None,
    redacted: Annotated[
        bool, typer.Option("--redacted", help="Of the redacted result.  Only what is left is on it.")
    ] = False,
    show: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Write again what is there already, even if nothing changed.")
    ] = False,
) -> None:
    """Make a page with player, waveform and transcript.

    It is one HTML file, index.html beside the audio, with the findings as marks, and needs no network.  Peaks of the
    sound go into peaks.dat.  --all makes those that are not there yet, and index.html over all sessions in the store,
    or where --output says.
    """
    with common.errors_as_exits():
        from ..sessions.page.publish import page_session, page_with_audio  # noqa: PLC0415
        from ..sessions.result_names import REDACTED  # noqa: PLC0415
        from ..storage.locations import local_folder  # noqa: PLC0415
        from ..views.pages import PAGES  # noqa: PLC0415

        settings = common.settings()
        if embed and link:
            raise UsageError("--embed and --link ask for two things", hint="give one of them")
        if every == bool(ids):
            raise UsageError("name the sessions, or take --all", hint="--all makes a page over all sessions too")
        if every:
            if embed or link or redacted:
                raise UsageError("--all makes pages in their places alone", hint="name the sessions to send")
            pages_of_all(common, settings, show=show, force=force)
            return
        link_s = None if link is None else _read_lifetime(link)
        target_of, folder = targets_of(settings), local_folder(into)

        def run(store: Store, session_id: str, progress: Progress) -> Any:
            target = target_of(store, session_id)
            if redacted:
                target = target.inside(REDACTED)
            if embed:
                file = folder / f"{session_id}{'.redacted' if redacted else ''}.html"
                _require_room(file, force=force)
                result = page_with_audio(session_id, target, file, progress)
            else:
                result = page_session(session_id, target, force=force, link_s=link_s, progress=progress)
            if show:
                _open(result.link or result.location)
            return result

        common.run_all(ids or (), settings, run, PAGES)


def pages_of_all(common: Common, settings: Settings, *, show: bool = False, force: bool = False) -> None:
    """Pages of all sessions, and the one over them; exits with the highest code of those that failed."""
    from ..sessions.page.index import index_sessions  # noqa: PLC0415
    from ..views.pages import INDEX  # noqa: PLC0415

    target_of = targets_of(settings)
    with open_store_of(settings) as store, console.progress_bar(quiet=common.quiet) as progress:
        place = open_results_of(settings) if settings.output else store
        targets = partial(target_of, store)
        result = index_sessions(store.session_ids(), targets, place, force=force, progress=progress)
    for session_id, error in result.failed:
        console.print_session_error(session_id, error)
    if common.as_json:
        console.print_json([INDEX.document(result)])
    elif not common.quiet:
        console.print_lines(INDEX.lines(result, False))
    if show:
        _open(result.location)
    if code := INDEX.exit_code(result):
        raise typer.Exit(code)


def _read_lifetime(text: str) -> int:
    """Seconds (UsageError)."""
    found = re.fullmatch(_LIFETIME, text.strip())
    if found is None:
        raise UsageError(f"--link {text[:40]!r} is no time", hint="write it as 30m, 12h or 7d")
    return int(found[1]) * _UNITS_S[found[2]]


def _require_room(file: Path, *, force: bool) -> None:
    if file.exists() and not force:
        raise UsageError(f"{file} is there already", hint="--force replaces it; --into names another folder")


def _open(where: str) -> None:
    """Show a page in the browser; where there is none, say where it is (UsageError without a link to S3)."""
    import webbrowser  # noqa: PLC0415 - for this alone

    if where.startswith("s3://"):
        raise UsageError(f"a browser cannot open {where}", hint="add --link 1h")
    url = where if "://" in where else Path(where).resolve().as_uri()
    if not webbrowser.open(url):
        console.note(f"no browser was found here: open {url}")
