"""The command line: the program and its commands, which are in `commands`.  No other place knows Typer.

Of the commands only the one that is run is imported and built: all of them took half of the start-up.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from . import __version__
from .config import process_environment
from .console import console
from .console.terminal import use_environment
from .cpus import switch_threads_often, use_one_blas_thread
from .errors import StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Command(TyperCommand):
    """A command whose help has its options by panel."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            panel = getattr(param, "rich_help_panel", None) or "Options"
            name = "Arguments" if param.param_type_name == "argument" else panel
            if record := param.get_help_record(ctx):
                sections.setdefault(name, []).append(record)
        for name, records in sections.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


COMMANDS = {
    name.rstrip("_"): name
    for name in (
        "merge",
        "batch",
        "list_",
        "report",
        "inspect",
        "check",
        "align",
        "verify",
        "captions",
        "correct",
        "redact",
        "export",
        "metrics",
        "page",
        "get",
        "events",
        "purge",
        "doctor",
        "explain",
        "simulate",
        "import_",
        "help_",
    )
}
"""The commands in the order of the help, and the module that has each under its own name."""


def _built(module: str) -> Any:
    """A command as Typer makes it."""
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(module.rstrip("_"), cls=_Command)(getattr(import_module(f".commands.{module}", __package__), module))
    return get_command(alone)


@contextmanager
def _usage_errors(around: Any = None) -> Iterator[None]:
    """Typer's errors as ours are: two lines, which fit the terminal; `around` is the context of one that has none."""
    try:
        yield
    except TyperException as error:
        context, message = getattr(error, "ctx", None) or around, error.format_message()
        if context is None or message == context.get_help():  # without arguments, the help is all that is said
            raise
        usage = " ".join(context.get_usage().split()).removeprefix("Usage: ")
        hint = f"usage: {usage}; {context.command_path} {context.help_option_names[0]} says more"
        console.print_error(UsageError(f"{message[:1].lower()}{message[1:].removesuffix('.')}", hint=hint))
        raise typer.Exit(error.exit_code) from None


class _Commands(TyperGroup):
    """The commands, each built when it is asked for."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        with _usage_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _usage_errors(ctx):
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Click's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name; for another name all are built, as Typer looks among them for what was meant."""
        for name in [cmd_name] if cmd_name in COMMANDS else COMMANDS:
            if name not in self.commands:
                self.add_command(_built(COMMANDS[name]))
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    name="sessiontool",
    cls=_Commands,
    help="Turns the chunks of a recorded voice session into one seekable recording with captions from the sound.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 recording unusable or refused, 5 storage, "
    "130 interrupted.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def _version(wanted: bool) -> None:
    if wanted:
        console.print_line(f"sessiontool {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


def _open_streams() -> None:
    """Stand in for streams that the caller closed, or files that are opened later get their numbers and their output.

    No one reads what is written to them then; the exit code still says what happened.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))


def main() -> None:
    """Run the command line by the arguments of the process."""
    _open_streams()
    use_environment(process_environment())
    switch_threads_often()
    use_one_blas_thread()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    code: Any = 0
    try:
        with console.printed():
            app(prog_name=app.info.name)
    except SystemExit as end:
        code = end.code
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to be ended well, and Python's end is no place
        console.flush_result()
        gc.freeze()  # all of it goes with the process: to look through it for cycles took a twelfth of a merge from S3
    exec("")  # noqa: S102 - an interrupt within source text, as dataclasses have, is an end by SIGINT until the next one
    sys.exit(code or (StorageError.exit_code if console.is_cut() else 0))
