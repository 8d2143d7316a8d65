"""Where commands on many sessions get their ids from: named, listed in a file, or all that a store has."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import NotFoundError, UsageError
from ..wiring import open_store_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from ..config import Settings


def session_ids_of(
    settings: Settings,
    ids: list[str] | None,
    listed: str | None,
    *,
    every: bool,
    retry_failed: str | None = None,
    implied: bool = False,
) -> Iterable[str]:
    """The ids of the one source that was named."""
    from ..fleet.ledger import read_failed  # noqa: PLC0415

    named = [
        name
        for name, given in (("IDs", ids), ("--from", listed), ("--all", every), ("--retry-failed", retry_failed))
        if given
    ]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} name sessions twice", hint="name them in one way")
    if ids:
        return dict.fromkeys(ids)
    if listed:
        return _once(_listed(listed))
    if retry_failed:
        return _once(read_failed(Path(retry_failed)))
    if every or implied:
        return _stored(settings)
    raise UsageError("no session is named", hint="name them, or use --from, --all, --pending or --retry-failed")


def _listed(name: str) -> Iterator[str]:
    from ..fleet.ledger import read_ids  # noqa: PLC0415

    if name == "-":
        with _own_stdin() as lines:
            yield from read_ids(lines)
        return
    try:
        with Path(name).open(encoding="utf-8", errors="replace") as file:
            yield from read_ids(file)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no {name}", hint="--from names a list of sessions, one a line") from error


def _own_stdin() -> AbstractContextManager[IO[str]]:
    """Stdin as a file of its own: a thread may be waiting for it when the program ends, and Python's is locked then."""
    try:
        return open(sys.stdin.fileno(), encoding="utf-8", errors="replace", closefd=False)
    except OSError:  # no real file
        return nullcontext(sys.stdin)


def _stored(settings: Settings) -> Iterator[str]:
    with open_store_of(settings) as store:
        yield from store.session_ids()


def _once(session_ids: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for session_id in session_ids:
        if session_id not in seen:
            seen.add(session_id)
            yield session_id
