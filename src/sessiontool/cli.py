"""The command line: the program and its commands, which are in `commands`.  No other place knows Typer."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from . import __version__
from .commands.align import align
from .commands.batch import batch
from .commands.captions import captions
from .commands.check import check
from .commands.compare import compare
from .commands.correct import correct
from .commands.doctor import doctor
from .commands.events import events
from .commands.explain import explain
from .commands.export import export
from .commands.get import get
from .commands.import_ import import_
from .commands.inspect import inspect
from .commands.list_ import list_
from .commands.merge import merge
from .commands.metrics import metrics
from .commands.page import page
from .commands.purge import purge
from .commands.redact import redact
from .commands.report import report
from .commands.simulate import simulate
from .commands.verify import verify
from .config import process_environment
from .console import console
from .console.terminal import use_colours
from .cpus import switch_threads_often


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


app = typer.Typer(
    name="sessiontool",
    help="Turns the chunks of a recorded voice session into one seekable recording with captions from the sound.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 recording unusable or refused, 5 storage, "
    "130 interrupted.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
for command in (
    merge,
    batch,
    list_,
    report,
    inspect,
    check,
    compare,
    align,
    verify,
    captions,
    correct,
    redact,
    export,
    metrics,
    page,
    get,
    events,
    purge,
    doctor,
    explain,
    simulate,
    import_,
):
    app.command(command.__name__.rstrip("_"), cls=_Command)(command)


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
    """The program: what the `sessiontool` script calls."""
    _open_streams()
    use_colours(process_environment())
    switch_threads_often()
    gc.set_threshold(50_000)  # many values and hardly a cycle: looking for some took a twentieth of a merge
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to be ended well, and Python's end is no place
        console.flush_result()
        gc.freeze()  # all of it goes with the process: to look through it for cycles took a twelfth of a merge from S3
