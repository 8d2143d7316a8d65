"""The command line: parse, call, render, exit.  The only place that knows Typer.

Heavy imports wait until a command runs, so that help comes at once.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import __version__, cli_files, console
from .cli_common import (
    DebugOption,
    EndpointOption,
    Ids,
    JsonOption,
    LayoutOption,
    OutputOption,
    ProfileOption,
    QuietOption,
    RegionOption,
    StoreOption,
    VerboseOption,
    errors_as_exits,
)
from .errors import SessionToolError

if TYPE_CHECKING:
    from .captions import CaptionOptions
    from .config import Settings
    from .storage import Store, Target

app = typer.Typer(
    name="sessiontool",
    help="Turns the chunks of a recorded voice session into one seekable recording with captions from the sound.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 recording unusable or refused, 5 storage, "
    "130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        console.print_line(f"sessiontool {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


@app.command()
def merge(
    ids: Ids,
    store: StoreOption = None,
    output: OutputOption = None,
    layout: LayoutOption = None,
    pauses: Annotated[
        str | None,
        typer.Option("--pauses", metavar="close|keep", help="Close pauses up, or keep their length.  [default: close]"),
    ] = None,
    align: Annotated[
        bool, typer.Option("--align/--no-align", help="Find the utterances in the sound, or trust the log's times.")
    ] = True,
    strict: Annotated[
        bool | None,
        typer.Option(
            "--strict/--no-strict", help="Publish nothing if there are findings (exit 4).", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Merge again even if nothing changed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Do everything but publish.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
    profile: ProfileOption = None,
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Join the chunks of sessions, and caption them by the sound.

    Writes audio.webm, captions.vtt, captions.srt, transcript.json and report.json, the report last.  Nothing is
    re-encoded.  A session that was merged from the same input is left alone.  With several sessions one that fails
    does not stop the others; the exit code is then the highest.
    """
    flags = {
        "store": store,
        "output": output,
        "layout": layout,
        "pauses": pauses,
        "strict": strict,
        "profile": profile,
        "region": region,
        "endpoint_url": endpoint_url,
    }
    with errors_as_exits(debug=debug):
        from .pipeline import MergeOptions, merge_session  # noqa: PLC0415

        settings = _settings(flags)
        options = MergeOptions(
            keep_pauses=settings.pauses == "keep",
            align=align,
            captions=_caption_options(settings),
            strict=settings.strict,
            force=force,
            dry_run=dry_run,
        )

        def run(opened: Store, session_id: str, progress: Any) -> Any:
            return merge_session(opened, session_id, _target(opened, session_id, settings), options, progress)

        _run_all(ids, settings, run, console.MERGE, as_json=as_json, quiet=quiet, verbose=verbose, debug=debug)


@app.command()
def inspect(
    ids: Ids,
    store: StoreOption = None,
    layout: LayoutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
    profile: ProfileOption = None,
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Show what is there of sessions, and what is missing.  Nothing is written."""
    flags = {"store": store, "layout": layout, "profile": profile, "region": region, "endpoint_url": endpoint_url}
    with errors_as_exits(debug=debug):
        from .pipeline import inspect_session  # noqa: PLC0415

        settings = _settings(flags)
        _run_all(
            ids,
            settings,
            inspect_session,
            console.INSPECT,
            as_json=as_json,
            quiet=quiet,
            verbose=verbose,
            debug=debug,
        )


@app.command()
def verify(
    ids: Ids,
    store: StoreOption = None,
    output: OutputOption = None,
    layout: LayoutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    profile: ProfileOption = None,
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Check merged sessions by reading them from scratch.

    Every recorded packet must be there, in order and byte for byte, silence where the report says so, and every
    index, time and hash right.  If anything is not, the exit code is 4.
    """
    flags = {
        "store": store,
        "output": output,
        "layout": layout,
        "profile": profile,
        "region": region,
        "endpoint_url": endpoint_url,
    }
    with errors_as_exits(debug=debug):
        from .pipeline import verify_session  # noqa: PLC0415

        settings = _settings(flags)

        def run(opened: Store, session_id: str, progress: Any) -> Any:
            return verify_session(session_id, _target(opened, session_id, settings), progress)

        _run_all(ids, settings, run, console.VERIFY, as_json=as_json, quiet=quiet, verbose=True, debug=debug)


@app.command()
def captions(
    ids: Ids,
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
    store: StoreOption = None,
    output: OutputOption = None,
    layout: LayoutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
    aws_profile: Annotated[str | None, typer.Option(metavar="NAME", help="The AWS profile to use.")] = None,
    region: RegionOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Make captions again from transcript.json, in another profile or format.

    Neither the chunks nor the audio are read.  Correct the text in transcript.json first, if you like.
    """
    flags = {
        "store": store,
        "output": output,
        "layout": layout,
        "profile": aws_profile,
        "region": region,
        "endpoint_url": endpoint_url,
        "caption_profile": caption_profile,
        "caption_formats": ",".join(formats) if formats else None,
        "caption_speakers": speakers,
        "caption_text": caption_text,
        "mark_gaps": mark_gaps,
    }
    with errors_as_exits(debug=debug):
        from .captions import read_timestamp_map  # noqa: PLC0415
        from .recaption import recaption_session  # noqa: PLC0415

        settings = _settings(flags)
        options = replace(
            _caption_options(settings),
            styles=styles,
            karaoke=karaoke,
            timestamp_map=read_timestamp_map(timestamp_map),
        )

        def run(opened: Store, session_id: str, progress: Any) -> Any:
            target = _target(opened, session_id, settings)
            return recaption_session(session_id, target, options, publish=not check, progress=progress)

        view = console.CAPTION_CHECK if check else console.CAPTIONS
        _run_all(ids, settings, run, view, as_json=as_json, quiet=quiet, verbose=True, debug=debug)


def _caption_options(settings: Settings) -> CaptionOptions:
    from .captions import make_options  # noqa: PLC0415

    return make_options(
        settings.caption_profile,
        settings.caption_formats,
        own_profiles=settings.profiles,
        speakers=settings.caption_speakers,
        generated=settings.caption_text == "generated",
        mark_gaps=settings.mark_gaps,
    )


def _settings(flags: dict[str, Any]) -> Settings:
    from .config import load_settings  # noqa: PLC0415

    return load_settings({name: value for name, value in flags.items() if value is not None})


def _open(settings: Settings) -> Store:
    from .storage import Layout, S3Options, open_store  # noqa: PLC0415

    options = S3Options(profile=settings.profile, region=settings.region, endpoint_url=settings.endpoint_url)
    return open_store(settings.store, options=options, layout=Layout(settings.layout))


def _target(store: Store, session_id: str, settings: Settings) -> Target:
    from .storage import open_output  # noqa: PLC0415

    return open_output(settings.output, session_id) if settings.output else store.target(session_id)


def _run_all(
    ids: list[str],
    settings: Settings,
    run: Any,
    view: console.View[Any],
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Run something on each session, render what comes of it, and exit with the highest code."""
    documents, code = [], 0
    with _open(settings) as store:
        for session_id in dict.fromkeys(ids):
            try:
                with console.progress_bar(quiet=quiet) as progress:
                    result = run(store, session_id, progress)
            except SessionToolError as error:
                if debug:
                    raise
                console.print_error(error)
                documents.append(console.error_json(session_id, error))
                code = max(code, error.exit_code)
                continue
            documents.append(view.document(result))
            code = max(code, view.exit_code(result))
            if not as_json and not quiet:
                console.print_lines(view.lines(result, verbose))
    if as_json:
        console.print_json(documents)
    if code:
        raise typer.Exit(code)


app.add_typer(cli_files.app)


def main() -> None:
    """The program: what the `sessiontool` script calls."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app()
