"""The command line: parse, call, render, exit.  The only place that knows Typer.

Heavy imports wait until a command runs, so that help comes at once.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import __version__, console
from .errors import SessionToolError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .config import Settings
    from .storage import Store

INTERRUPTED = 130

app = typer.Typer(
    name="sessiontool",
    help="Turns the chunks of a recorded voice session into one seekable recording with captions from the sound.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 recording unusable or refused, 5 storage, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

Ids = Annotated[
    list[str], typer.Argument(metavar="ID...", help="The sessions: names of folders in the store.", show_default=False)
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", "-s", metavar="STORE", help="Where sessions live: a folder or s3://bucket/prefix.  [default: .]"
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="DIR", help="Write to DIR/ID instead of the store's ID/merged."),
]
LayoutOption = Annotated[
    str | None,
    typer.Option(
        "--layout", metavar="PATTERN", help="How chunks are named.  [default: {session}/chunks/{part}/{seq}.{ext}]"
    ),
]
ProfileOption = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="The AWS profile to use.")]
RegionOption = Annotated[str | None, typer.Option("--region", metavar="NAME", help="The AWS region to use.")]
EndpointOption = Annotated[
    str | None, typer.Option("--endpoint-url", metavar="URL", help="The URL of an S3 server that is not AWS.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a summary.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors alone.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print every finding with its hint, and every chunk.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")]


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
    """Join the chunks of sessions, without re-encoding, and write captions that follow the sound.

    Writes audio.webm, captions.vtt, captions.srt, transcript.json and report.json, the report last.  A session that was merged
    from the same input is left alone.  With several sessions one that fails does not stop the others; the exit code is then the highest.
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
    with _errors(debug=debug):
        from .pipeline import MergeOptions, merge_session  # noqa: PLC0415
        from .storage import open_output  # noqa: PLC0415

        settings = _settings(flags)
        options = MergeOptions(
            keep_pauses=settings.pauses == "keep", align=align, strict=settings.strict, force=force, dry_run=dry_run
        )

        def run(opened: Store, session_id: str, progress: Any) -> Any:
            target = open_output(settings.output, session_id) if settings.output else opened.target(session_id)
            return merge_session(opened, session_id, target, options, progress)

        _run_all(ids, settings, run, as_json=as_json, quiet=quiet, verbose=verbose, debug=debug)


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
    """Show what is there of sessions and what is missing, without writing anything."""
    flags = {"store": store, "layout": layout, "profile": profile, "region": region, "endpoint_url": endpoint_url}
    with _errors(debug=debug):
        from .pipeline import inspect_session  # noqa: PLC0415

        _run_all(ids, _settings(flags), inspect_session, as_json=as_json, quiet=quiet, verbose=verbose, debug=debug)


def _settings(flags: dict[str, Any]) -> Settings:
    from .config import load_settings  # noqa: PLC0415

    return load_settings({name: value for name, value in flags.items() if value is not None})


def _open(settings: Settings) -> Store:
    from .storage import Layout, S3Options, open_store  # noqa: PLC0415

    options = S3Options(profile=settings.profile, region=settings.region, endpoint_url=settings.endpoint_url)
    return open_store(settings.store, options=options, layout=Layout(settings.layout))


def _run_all(
    ids: list[str], settings: Settings, run: Any, *, as_json: bool, quiet: bool, verbose: bool, debug: bool
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
            documents.append(console.result_json(result))
            if not as_json and not quiet:
                console.print_summary(result, verbose=verbose)
    if as_json:
        console.print_json(documents)
    if code:
        raise typer.Exit(code)


@contextmanager
def _errors(*, debug: bool) -> Iterator[None]:
    """Our errors as two lines and an exit code; a traceback only when it is asked for."""
    try:
        yield
    except SessionToolError as error:
        if debug:
            raise
        console.print_error(error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        console.note("interrupted: nothing was published")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        if debug:
            raise
        console.print_error(
            StorageError(f"{error.strerror or error}: {error.filename or 'a file'}", hint="try again with --debug")
        )
        raise typer.Exit(StorageError.exit_code) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        if debug:
            raise
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        console.print_error(
            SessionToolError(f"unexpected {what}", hint="this is a bug of sessiontool; --debug shows where")
        )
        raise typer.Exit(SessionToolError.exit_code) from None


def main() -> None:
    """The program: what the `sessiontool` script calls."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app()
