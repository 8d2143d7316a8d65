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
    from .storage import Store, Target

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

        settings = _settings(flags)
        options = MergeOptions(
            keep_pauses=settings.pauses == "keep", align=align, strict=settings.strict, force=force, dry_run=dry_run
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
    """Show what is there of sessions and what is missing, without writing anything."""
    flags = {"store": store, "layout": layout, "profile": profile, "region": region, "endpoint_url": endpoint_url}
    with _errors(debug=debug):
        from .pipeline import inspect_session  # noqa: PLC0415

        settings = _settings(flags)
        _run_all(
            ids,
            settings,
            inspect_session,
            console.MERGE,
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
    """Check merged sessions by reading their files from scratch; exit 4 if anything is not as it was published.

    Every recorded packet must be there, in order and byte for byte, silence where the report says so, and every index, time and hash right.
    """
    flags = {
        **{"store": store, "output": output, "layout": layout},
        **{"profile": profile, "region": region, "endpoint_url": endpoint_url},
    }
    with _errors(debug=debug):
        from .pipeline import verify_session  # noqa: PLC0415

        settings = _settings(flags)

        def run(opened: Store, session_id: str, progress: Any) -> Any:
            return verify_session(session_id, _target(opened, session_id, settings), progress)

        _run_all(ids, settings, run, console.VERIFY, as_json=as_json, quiet=quiet, verbose=True, debug=debug)


def _list_faults(wanted: bool) -> None:
    if wanted:
        from .simulate import FAULTS  # noqa: PLC0415

        width = max(len(fault.usage) for fault in FAULTS.values())
        for fault in FAULTS.values():
            console.print_line(f"{fault.usage:{width}}  {fault.summary}")
        raise typer.Exit


@app.command()
def simulate(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The session to make: STORE/ID.", show_default=False)],
    recorder: Annotated[str, typer.Option(metavar="chrome|firefox", help="Whose recording it is.")] = "chrome",
    seconds: Annotated[float, typer.Option(metavar="S", help="How long it is recorded.")] = 30.0,
    faults: Annotated[
        list[str] | None,
        typer.Option(
            "--fault", metavar="NAME:CHUNK", help="What goes wrong, and where; again for more.", show_default=False
        ),
    ] = None,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", callback=_list_faults, is_eager=True, help="Show the faults and exit.")
    ] = False,
    source: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Record this audio file.  [default: made-up speech]")
    ] = None,
    tones: Annotated[bool, typer.Option("--tones", help="Record a tone for each utterance.")] = False,
    mono: Annotated[bool, typer.Option("--mono", help="One channel for both voices.")] = False,
    parts: Annotated[int, typer.Option(metavar="N", help="How often the recorder is started.")] = 1,
    gap_ms: Annotated[int, typer.Option(metavar="MS", help="Time between two parts.")] = 800,
    pause: Annotated[
        list[str] | None, typer.Option(metavar="AT:S", help="Pause the recorder at second AT.", show_default=False)
    ] = None,
    starve: Annotated[
        list[str] | None, typer.Option(metavar="AT:S", help="Lose sound before it is recorded.", show_default=False)
    ] = None,
    busy: Annotated[
        list[str] | None, typer.Option(metavar="AT:S", help="Keep the page too busy to write.", show_default=False)
    ] = None,
    timeslice_ms: Annotated[int, typer.Option(metavar="MS", help="Length of a chunk.")] = 5000,
    frame_ms: Annotated[
        int | None, typer.Option(metavar="20|60", help="Length of a packet.  [default: the recorder's]")
    ] = None,
    bitrate: Annotated[int, typer.Option(metavar="BPS", help="Bits a second.")] = 64_000,
    clock_offset_ms: Annotated[float, typer.Option(metavar="MS", help="How late the log's times are.")] = 0.0,
    clock_drift_ppm: Annotated[float, typer.Option(metavar="PPM", help="How fast the log's clock runs away.")] = 0.0,
    clock_jitter_ms: Annotated[float, typer.Option(metavar="MS", help="How much the log's times scatter.")] = 0.0,
    bare: Annotated[bool, typer.Option("--bare", help="Leave session.json away.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same bytes.")] = 1,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Make a session as a browser records it, with chosen faults, and the truth about it in truth.json.

    Try your own pipeline against it, or sessiontool's.  For example, with a chunk lost and another cut in half:

    sessiontool simulate ./store/test --fault missing:2 --fault truncated:4:0.5
    """
    del list_faults
    with _errors(debug=debug):
        from .simulate import ClockError, make_plan, simulate_session  # noqa: PLC0415

        plan = make_plan(
            recorder=recorder, seconds=seconds, source=source, tones=tones, channels=1 if mono else 2, parts=parts,
            gap_ms=gap_ms, pauses=pause or (), starved=starve or (), busy=busy or (), timeslice_ms=timeslice_ms,
            packet_ms=frame_ms, bit_rate=bitrate, seed=seed,
            clock_error=ClockError(clock_offset_ms, clock_drift_ppm, clock_jitter_ms),
        )  # fmt: skip
        session = simulate_session(folder, plan, faults or (), bare=bare)
        if not quiet:
            console.print_simulated(session, folder)


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


def _run_all(  # noqa: PLR0913
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
