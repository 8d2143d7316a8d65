"""Where commands on many sessions get their ids from: named, listed in a file, or all that a store has."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from ..compose import open_store_of
from ..console import console
from ..errors import NotFoundError, UsageError
from .parameters import IDS_HELP, complete_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from ..config import Settings


class Sources(Struct, frozen=True):
    """The sessions that a command was asked to take: a group of options for `parameters.on_store`."""

    ids: list[str] | None
    listed: str | None
    every: bool
    retry_failed: str | None = None

    @staticmethod
    def declared(
        ids: Annotated[
            list[str] | None,
            typer.Argument(metavar="ID...", help=IDS_HELP, show_default=False, autocompletion=complete_ids),
        ] = None,
        listed: Annotated[
            str | None, typer.Option("--ids", metavar="FILE|-", help="Sessions from a list, one a line.")
        ] = None,
        every: Annotated[bool, typer.Option("--all", help="Every session of the store.")] = False,
        retry_failed: Annotated[
            str | None, typer.Option(metavar="REPORT", help="The sessions that failed in an earlier run.")
        ] = None,
    ) -> None:
        """The options."""

    def session_ids(self, settings: Settings, *, implied: bool = False) -> Iterable[str]:
        """The ids of the one source that was named; all of the store's where that is `implied`.

        A store without any is noted, also where nothing else is said: it may be the wrong one, night after night.
        """
        from ..batch.run_report import read_failed  # noqa: PLC0415
        from ..batch.selection import each_once  # noqa: PLC0415

        given = {"IDs": self.ids, "--ids": self.listed, "--all": self.every, "--retry-failed": self.retry_failed}
        named = [name for name, value in given.items() if value]
        if len(named) > 1:
            raise UsageError(f"{' and '.join(named)} name sessions twice", hint="name them in one way")
        if self.ids:
            return _named(settings, self.ids)
        if self.listed:
            return each_once(_listed(self.listed))
        if self.retry_failed:
            return each_once(read_failed(Path(self.retry_failed)))
        if self.every or implied:
            return _stored(settings)
        raise UsageError("no session is named", hint="name them, list them with --ids, or take all with --all")


def _named(settings: Settings, ids: list[str]) -> Iterable[str]:
    from ..storage.matching import expanded, is_pattern  # noqa: PLC0415

    if not any(map(is_pattern, ids)):
        return dict.fromkeys(ids)
    with open_store_of(settings) as store:
        return expanded(store, ids)


def _listed(name: str) -> Iterator[str]:
    from ..batch.run_report import read_ids  # noqa: PLC0415

    if name == "-":
        with _own_stdin() as lines:
            yield from read_ids(lines)
        return
    try:
        with Path(name).open(encoding="utf-8", errors="replace") as file:
            yield from read_ids(file)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no {name}", hint="--ids names a list of sessions, one a line") from error


def _own_stdin() -> AbstractContextManager[IO[str]]:
    """Stdin as a file of its own: a thread may be waiting for it when the program ends, and Python's is locked then."""
    try:
        return open(sys.stdin.fileno(), encoding="utf-8", errors="replace", closefd=False)
    except OSError:  # no real file
        return nullcontext(sys.stdin)


def _stored(settings: Settings) -> Iterator[str]:
    session_id = None
    with open_store_of(settings) as store:
        for session_id in chain(store.session_ids(), store.misnamed()):  # the latter fail, which is how they are known
            yield session_id
        if session_id is None:
            console.note(f"there is no session in {store.url}: is this the right store, and the right layout?")
