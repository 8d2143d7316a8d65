"""What the commands share: options that mean the same everywhere, runs over sessions, how an error ends them."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from ..compose import open_store_of
from ..console import console, json_logs
from ..errors import SessionToolError, StorageError
from ..progress import Timed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..config import Settings
    from ..progress import Progress
    from ..storage import Store
    from ..views.view import View

INTERRUPTED = 130
_CHANGING = ("publishing", "deleting")
"""Stages that change what is stored, by steps that the next run finishes."""

Ids = Annotated[
    list[str], typer.Argument(metavar="ID", help="The sessions: names of folders in the store.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a summary.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors alone.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print every finding with its hint, and every chunk.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")]


_SETTINGS = (
    *("store", "output", "layout", "profile", "region", "endpoint_url"),
    *("max_chunk_bytes", "max_document_bytes", "max_report_bytes", "log_format"),
)
_LIMIT = "[default: 268435456]"


@dataclass(frozen=True, slots=True)
class Common:
    """What a command was told by the options that commands on a store share."""

    flags: dict[str, str | int | None]
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False

    @staticmethod
    def declared(
        store: Annotated[
            str | None,
            typer.Option(
                "--store",
                "-s",
                metavar="STORE",
                help="Where sessions live: a folder or s3://bucket/prefix.  [default: .]",
            ),
        ] = None,
        output: Annotated[
            str | None,
            typer.Option(
                "--output",
                "-o",
                metavar="DIR",
                help="Write to DIR/ID (a folder, or s3://…), not ID/merged.",
            ),
        ] = None,
        layout: Annotated[
            str | None,
            typer.Option(
                "--layout",
                metavar="PATTERN",
                help="How chunks are named.  [default: {session}/chunks/{part}/{seq}.{ext}]",
            ),
        ] = None,
        profile: Annotated[
            str | None, typer.Option("--aws-profile", "--profile", metavar="NAME", help="The AWS profile to use.")
        ] = None,
        region: Annotated[str | None, typer.Option("--region", metavar="NAME", help="The AWS region to use.")] = None,
        endpoint_url: Annotated[
            str | None, typer.Option("--endpoint-url", metavar="URL", help="The URL of an S3 server that is not AWS.")
        ] = None,
        max_chunk_bytes: Annotated[
            int | None,
            typer.Option("--max-chunk-bytes", metavar="N", help=f"The largest chunk that is read.  {_LIMIT}"),
        ] = None,
        max_document_bytes: Annotated[
            int | None,
            typer.Option("--max-document-bytes", metavar="N", help=f"The same of a session's documents.  {_LIMIT}"),
        ] = None,
        max_report_bytes: Annotated[
            int | None,
            typer.Option("--max-report-bytes", metavar="N", help=f"The same of a result's documents.  {_LIMIT}"),
        ] = None,
        log_format: Annotated[
            str | None,
            typer.Option(
                "--log-format", metavar="text|json", help="What stderr gets, for people or one JSON object a line."
            ),
        ] = None,
        as_json: JsonOption = False,
        quiet: QuietOption = False,
        verbose: VerboseOption = False,
        debug: DebugOption = False,
    ) -> None:
        """The options."""

    @classmethod
    def told(cls, **given: Any) -> Self:
        flags = {name: given.pop(name) for name in _SETTINGS if name in given}
        return cls(flags, **given)

    def settings(self, **flags: Any) -> Settings:
        """The settings in force; `flags` are a command's own, None where they were not given."""
        from ..config import load_settings  # noqa: PLC0415

        given = {**self.flags, **flags}
        settings = load_settings({name: value for name, value in given.items() if value is not None})
        json_logs.use_json_logs(wanted=settings.log_format == "json")
        return settings

    def errors_as_exits(self) -> Any:
        return errors_as_exits(debug=self.debug)

    def run_all(
        self, ids: Sequence[str], settings: Settings, run: Callable[[Store, str, Progress], Any], view: View[Any]
    ) -> None:
        """Run something on each session, render what comes of it, and exit with the highest code."""
        documents, code = [], 0
        with open_store_of(settings) as store:
            for session_id in dict.fromkeys(ids):
                try:
                    with console.progress_bar(quiet=self.quiet) as progress:
                        timed = Timed(progress)
                        with _telling_where(session_id, timed):
                            result = run(store, session_id, timed)
                except SessionToolError as error:
                    if self.debug:
                        raise
                    if self.as_json:
                        documents.append(console.error_json(session_id, error))
                    console.print_session_error(session_id, error)
                    code = max(code, error.exit_code)
                    continue
                if self.as_json:
                    documents.append(view.document(result))
                if json_logs.are_json():
                    json_logs.event("session", **_logged(view.document(result)), stages_s=timed.stages_s())
                code = max(code, view.exit_code(result))
                if not self.as_json and not self.quiet:
                    console.print_lines(view.lines(result, self.verbose))
        if self.as_json:
            console.print_json(documents)
        if code:
            raise typer.Exit(code)


@contextmanager
def _telling_where(session_id: str, timed: Timed) -> Iterator[None]:
    """An interrupt says in which session it came, and how that one was left."""
    try:
        yield
    except KeyboardInterrupt:
        if timed.current in _CHANGING:
            raise KeyboardInterrupt(f" while {timed.current} {session_id}: run again, which finishes it") from None
        raise KeyboardInterrupt(f": {session_id} is as it was") from None


def _logged(document: dict[str, Any]) -> dict[str, Any]:
    """What of a result fits into a line of a log; a report is counted."""
    plain: dict[str, Any] = {name: value for name, value in document.items() if isinstance(value, str | int | float)}
    if report := document.get("report"):
        plain |= {name: report[name] for name in ("duration_s", "utterances") if name in report}
        plain["chunks"] = len(report.get("chunks", ()))
        plain["findings"] = Counter(finding["severity"] for finding in report.get("findings", ()))
    return plain


def on_store(command: Callable[..., None] | None = None, *, without: Sequence[str] = ()) -> Callable[..., Any]:
    """A command that takes groups of options, each as one value, and shows them behind its own.

    A group is a class like `Common`: the parameters of `declared` are the options, but for those named in `without`,
    and `told` makes a value of what was given.
    """
    if command is None:
        return functools.partial(on_store, without=without)
    parameters = list(inspect.signature(command, eval_str=True).parameters.values())
    own = [p for p in parameters if not hasattr(p.annotation, "declared")]
    groups = {
        p.name: (p.annotation, [o for o in _options_of(p.annotation) if o.name not in without])
        for p in parameters
        if p not in own
    }
    shown = [*own, *chain.from_iterable(options for _, options in groups.values())]

    @functools.wraps(command)
    def with_groups(**given: Any) -> None:
        values = {
            name: kind.told(**{o.name: given[o.name] for o in options}) for name, (kind, options) in groups.items()
        }
        command(**{p.name: given[p.name] for p in own}, **values)

    with_groups.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    with_groups.__annotations__ = {p.name: p.annotation for p in shown}
    return with_groups


def _options_of(group: Any) -> Iterable[inspect.Parameter]:
    return inspect.signature(group.declared, eval_str=True).parameters.values()


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
    except KeyboardInterrupt as interrupt:
        console.note(f"interrupted{interrupt}")
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
