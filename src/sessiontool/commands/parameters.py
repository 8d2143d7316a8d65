"""Commands and their options: those of the table as Typer wants them, and the few that are of one run alone.

`on_store` makes a command of a function: it names panels of the table, or single options, and gets what was given as
one value, `Common`.
"""

from __future__ import annotations

import functools
import inspect
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..config import TABLE, Option
from ..options import MESSAGES, STORE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ..option_declaration import Meta


def complete_ids(context: typer.Context, incomplete: str) -> list[str]:
    """The ids that a shell completes: of a store that is a folder, for a bucket would have to be asked each time."""
    from ..config import load_settings  # noqa: PLC0415
    from ..errors import SessionToolError  # noqa: PLC0415
    from ..storage import Layout, open_store  # noqa: PLC0415

    try:
        settings = load_settings({"store": context.params.get("store")})
        if "://" in settings.store:
            return []
        with open_store(settings.store, layout=Layout(settings.layout)) as store:
            fitting = (one for one in store.session_ids() if one.startswith(incomplete))
            return list(islice(fitting, _MOST_COMPLETED))
    except SessionToolError:
        return []


_MOST_COMPLETED = 200
"""Ids; chosen: more than a screen of them is of no use."""
IDS_HELP = "The sessions: names of folders in the store, or patterns of them ('2026-11-*')."
Ids = Annotated[
    list[str],
    typer.Argument(
        metavar="ID...",
        help=IDS_HELP,
        autocompletion=complete_ids,
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a summary.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors alone.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print every finding with its hint, and every chunk.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")]

RUN_OPTIONS = {"as_json": JsonOption, "quiet": QuietOption, "verbose": VerboseOption, "debug": DebugOption}
"""What every command on a store has and no file can set, by the name of its parameter."""


def table_options(chosen: Iterable[str]) -> Iterator[Option]:
    """The options of the table that commands have, of panels or by their own names, in the order of `chosen`."""
    for wanted in chosen:
        found = [one for one in TABLE.values() if wanted in {one.name, one.meta.panel} and one.meta.has_flag]
        assert found, f"{wanted} is neither an option nor a panel"
        yield from found


def parameter(one: Option) -> inspect.Parameter:
    """An option of the table as a parameter of a command: None where it is not given."""
    meta = one.meta
    names = [one.flag, *([meta.short] if meta.short else [])]
    if meta.kind is bool and meta.is_setting:
        names[0] = f"{one.flag}/--no-{one.flag.removeprefix('--')}"
    declared = typer.Option(
        *names,
        metavar=meta.metavar or None,
        help=meta.help + _shown_default(meta),
        show_default=False,
        rich_help_panel=meta.panel,
    )
    kind: Any = meta.kind
    return inspect.Parameter(
        one.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, declared]
    )


def _shown_default(meta: Meta) -> str:
    default = meta.shown_default or ("on" if meta.default is True else meta.default)
    return f"  [default: {default}]" if default else ""


def _own_parameters(group: Any) -> Iterable[inspect.Parameter]:
    """The parameters of a group of options: a class whose `declared` has them as its parameters."""
    return inspect.signature(group.declared, eval_str=True).parameters.values()


def on_store(*chosen: str, without: Iterable[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a command of a function, with the options of `chosen` and those that all commands on a store have.

    Its parameter `common` gets these; a parameter whose class has `declared`, as `Sources` does, gets the options that
    are declared there.  Options named in `without` are left out.
    """

    def made(command: Callable[..., None]) -> Callable[..., None]:
        from .common import Common  # noqa: PLC0415 - which needs what is here

        of_table = [parameter(one) for one in table_options([*chosen, STORE, MESSAGES]) if one.name not in without]
        of_run = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
            for name, annotation in RUN_OPTIONS.items()
            if name not in without
        ]
        given_to = inspect.signature(command, eval_str=True).parameters.values()
        groups = {
            one.name: (one.annotation, [own for own in _own_parameters(one.annotation) if own.name not in without])
            for one in given_to
            if hasattr(one.annotation, "declared")
        }
        own = [one for one in given_to if one.name not in {*groups, "common"}]
        shown = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for one in (*own, *chain.from_iterable(some for _, some in groups.values()), *of_table, *of_run)
        ]

        @functools.wraps(command)
        def with_values(**given: Any) -> None:
            flags = {one.name: given[one.name] for one in of_table if given[one.name] is not None}
            values = {name: kind(**_of(given, some)) for name, (kind, some) in groups.items()}
            common = Common(flags, tuple(given.get("ids") or ()), **_of(given, of_run))
            command(**_of(given, own), **values, common=common)

        with_values.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        with_values.__annotations__ = {one.name: one.annotation for one in shown}
        return with_values

    return made


def _of(given: Mapping[str, Any], some: Iterable[inspect.Parameter]) -> dict[str, Any]:
    return {one.name: given[one.name] for one in some}
