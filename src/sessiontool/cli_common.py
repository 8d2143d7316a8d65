"""What the commands share: options that mean the same everywhere, and how an error ends a command."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from . import console
from .errors import SessionToolError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTED = 130

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
ProfileOption = Annotated[
    str | None, typer.Option("--aws-profile", "--profile", metavar="NAME", help="The AWS profile to use.")
]
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


@contextmanager
def errors_as_exits(*, debug: bool) -> Iterator[None]:
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
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - or Python complains when it flushes at its end
        raise typer.Exit from None
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
