"""`sessiontool help`: what `--help` prints, for those who type it first."""

from __future__ import annotations

from typing import Annotated

import typer


def _complete(context: typer.Context, incomplete: str) -> list[str]:
    group = context.find_root().command
    return [name for name in group.list_commands(context) if name.startswith(incomplete)]  # type: ignore[attr-defined]


def help_(
    context: typer.Context,
    command: Annotated[
        str | None,
        typer.Argument(
            metavar="COMMAND",
            help="The command; without one, all of them.",
            autocompletion=_complete,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show the help of a command, as its --help does."""
    root = context.find_root()
    root.command.main([*([command] if command else []), "--help"], prog_name=root.info_name)
