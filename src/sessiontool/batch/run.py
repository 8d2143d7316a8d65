"""A run from its first session to its last, whatever engine does them; it ends well also when it is interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..errors import SessionToolError
from .run_report import Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .job import Outcome


class Engine(Protocol):
    """What does sessions, several at a time."""

    def run(self, session_ids: Iterator[str]) -> Iterator[Outcome]:
        """What became of each, in the order in which they end; no more ids are taken than can be begun soon."""
        ...

    def stop(self) -> Iterator[Outcome]:
        """Stop what is running: what has come of it all the same, and which sessions were interrupted."""
        ...

    def close(self) -> None:
        """Let go of everything; what still runs is stopped."""
        ...


class _Source:
    """Ids until there are no more, or no more can be had; then `error` says why, and what has begun is ended well."""

    def __init__(self, session_ids: Iterable[str]) -> None:
        self._ids = iter(session_ids)
        self.error: SessionToolError | None = None
        self.taken, self.is_empty = 0, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            session_id = next(self._ids)
        except StopIteration:
            self.is_empty = True
            raise
        except SessionToolError as error:
            self.error = error
            raise StopIteration from error
        self.taken += 1
        return session_id


def run_sessions(
    engine: Engine, session_ids: Iterable[str], tell: Callable[[Outcome, Totals], None]
) -> tuple[Totals, SessionToolError | None]:
    """Do sessions and tell of each; the totals, and the error that kept further ids from coming, if one did."""
    totals, source = Totals(), _Source(session_ids)

    def count(outcome: Outcome) -> None:
        totals.add(outcome)
        totals.known, totals.all_known = source.taken, source.is_empty
        tell(outcome, totals)

    interrupted = False
    try:
        for outcome in engine.run(source):
            count(outcome)
    except KeyboardInterrupt:
        interrupted = True
        for outcome in engine.stop():
            count(outcome)
        totals.known, totals.all_known = source.taken, source.is_empty
    finally:
        engine.close()
    totals.end(interrupted=interrupted)
    return totals, source.error
