"""Sessions done by the workers of a Dask cluster (the extra `dask`), which have sessiontool and reach the store.

Dask gives the sessions of a worker that dies to others, three times at most.  A session that was merged by then is
found so and left alone.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

from ..errors import SessionToolError, StorageError, UsageError, install_line, unexpected
from .job import Job, Outcome, Runner, failed, interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .process_pool import Watch

_ADDRESS = r"(tcp|tls)://[A-Za-z0-9._\[\]:-]{1,255}:[0-9]{1,5}"
_CONNECT_S = 10
"""Chosen: a scheduler that does not answer for so long is not there."""
_AHEAD = 2
"""How many sessions a worker's thread has in sight; chosen: one to do, one to go on with."""


class DaskEngine:
    """Does sessions on the cluster whose scheduler is at `address` (UsageError, StorageError)."""

    def __init__(self, job: Job, address: str, watch: Watch) -> None:
        if not re.fullmatch(_ADDRESS, address):
            raise UsageError(f"{address[:80]!r} is no address of a Dask scheduler", hint="write tcp://host:8786")
        try:
            from distributed import Client  # noqa: PLC0415 - an extra, and it takes a second to come up
        except ImportError as error:
            raise UsageError("--dask needs the package distributed", hint=install_line("dask")) from error
        try:
            self._client = Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise StorageError(
                f"no Dask scheduler answers at {address}", hint="check its address, and that it runs"
            ) from error
        self._job = job
        self._watch = watch
        self._running: dict[Any, str] = {}
        self._rows: dict[Any, int] = {}

    def run(self, session_ids: Iterator[str]) -> Iterator[Outcome]:
        from distributed import as_completed  # noqa: PLC0415

        done = as_completed(loop=self._client.loop)
        while True:
            while len(self._running) < self._width() and (session_id := next(session_ids, "")):
                future = self._client.submit(run_one, self._job, session_id, pure=False)
                self._running[future] = session_id
                self._show(future)
                done.add(future)
            if not self._running:
                return
            future = next(done)
            outcome = self._outcome(future)
            del self._running[future]
            self._watch.doing(self._rows.pop(future), "", "")
            future.release()
            yield outcome

    def stop(self) -> Iterator[Outcome]:
        done = [future for future in self._running if future.status == "finished"]
        yield from (self._outcome(future) for future in done)
        yield from (interrupted(session_id) for future, session_id in self._running.items() if future not in done)

    def close(self) -> None:
        self._client.cancel(list(self._running), force=True)
        self._client.close(timeout=_CONNECT_S)

    def _show(self, future: Any) -> None:
        self._rows[future] = next(row for row in count() if row not in self._rows.values())
        self._watch.doing(self._rows[future], self._running[future], "given away")

    def _width(self) -> int:
        """How many sessions may be given away now: clusters grow and shrink."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, _AHEAD * sum(threads.values()))

    def _outcome(self, future: Any) -> Outcome:
        session_id = self._running[future]
        if future.status == "finished":
            outcome: Outcome = future.result()
            return outcome
        if future.status in {"cancelled", "lost"}:
            raise StorageError("the Dask scheduler is gone", hint="run again: what was merged is left alone")
        return failed(session_id, _problem(future.exception()))


def _problem(error: BaseException) -> SessionToolError:
    if type(error).__name__ == "KilledWorker":
        return SessionToolError(
            "its workers died, one after another", hint="out of memory, most likely: merge it alone to see why"
        )
    return unexpected(error)


# -- in the cluster's workers


def run_one(job: Job, session_id: str) -> Outcome:
    """One session, where the cluster has put it."""
    with _LOCK:
        runner = _runner(job)
    return runner.run(session_id)


_LOCK = threading.Lock()


@lru_cache(maxsize=1)
def _runner(job: Job) -> Runner:
    """The runner of this worker process: connections are made once a run, not once a session."""
    return Runner(job)
