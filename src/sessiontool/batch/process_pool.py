"""Sessions done by processes of this machine, a few at a time, each worker with one pipe to us.

A worker that dies, killed for its memory or by a bug in a decoder, costs the session it had and no other: it is
replaced, and its pipe was its own.  A worker whose run is gone (killed, even by `kill -9`) drops what it does and
leaves.  `concurrent.futures` gives up all its work when one process dies, hence this.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from multiprocessing import connection
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from .. import cpus
from ..errors import SessionToolError, UsageError
from .job import Job, Outcome, Runner, failed, interrupted
from .selection import each_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from typing import NoReturn

_SPAWN = multiprocessing.get_context("spawn")  # no thread or connection of ours is half in a worker
_PATIENCE_S = 10.0
"""Chosen: what a worker needs to end what it has begun, clean up and leave."""
_TELL_EVERY_S = 0.2
"""Chosen: as often as a terminal is drawn anew."""
_MOST_WORKERS = 256
"""Processes, by default; chosen: each has a pipe and an interpreter of 60 MB or more."""


class Watch(Protocol):
    """Receives what every worker does."""

    def doing(self, worker: int, session_id: str, stage: str) -> None:
        """A worker has come to a stage of a session; an empty id: it has nothing to do."""


class _Worker(Struct):
    number: int
    process: SpawnProcess
    pipe: Connection
    session_id: str = ""
    is_at_it: bool = False
    sessions_done: int = 0


class _Unwatched:
    def doing(self, worker: int, session_id: str, stage: str) -> None:
        pass


class WorkerPool:
    """Does sessions in up to `count` processes, by default as many as there are processors."""

    def __init__(self, job: Job, count: int | None = None, watch: Watch | None = None) -> None:
        self._job = job
        self._count = count or cpus.usable(_MOST_WORKERS)
        self._watch = watch or _Unwatched()
        self._workers: dict[int, _Worker] = {}
        self._ids: Connection | None = None

    @property
    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers.values() if worker.session_id]

    def run(self, session_ids: Iterator[str]) -> Iterator[Outcome]:
        """What became of each session, in the order in which they end; ids are taken as workers come free."""
        ids = self._ids = _pouring(session_ids)
        is_more = True
        while is_more or self._busy:
            busy = {worker.pipe: worker for worker in self._busy}
            wanted = [ids] if is_more and len(busy) < self._count else []
            for pipe in connection.wait([*busy, *wanted]):
                if pipe is ids:
                    is_more = self._take(ids)
                else:
                    yield from self._hear(busy[pipe])  # type: ignore[index]

    def stop(self) -> Iterator[Outcome]:
        for worker in self._busy:
            worker.process.terminate()
        for worker in self._busy:
            outcome = None
            with suppress(EOFError, OSError):
                while outcome is None and worker.pipe.poll(_PATIENCE_S):
                    word = worker.pipe.recv()
                    outcome = word if isinstance(word, Outcome) else None
            yield outcome or interrupted(worker.session_id)
            worker.session_id = ""

    def close(self) -> None:
        """End all workers; those in the middle of a session take back what they have begun."""
        if self._ids is not None:
            self._ids.close()
        for worker in self._workers.values():
            worker.pipe.close()
            worker.process.terminate()
        deadline = time.monotonic() + _PATIENCE_S
        for worker in self._workers.values():
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()
        self._workers.clear()

    def _give(self, session_id: str) -> None:
        worker = next((one for one in self._workers.values() if not one.session_id), None) or self._started()
        worker.session_id, worker.is_at_it = session_id, False
        self._watch.doing(worker.number, session_id, "starting")
        with suppress(OSError):  # it died since: the closed pipe tells of it in a moment
            worker.pipe.send(session_id)

    def _started(self) -> _Worker:
        number = next(number for number in range(self._count) if number not in self._workers)
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(theirs, self._job), daemon=True)
        process.start()
        theirs.close()
        self._workers[number] = _Worker(number, process, ours)
        return self._workers[number]

    def _take(self, ids: Connection) -> bool:
        """Begin the next session; False when there is none any more."""
        try:
            found = ids.recv()
        except EOFError:
            return False
        if isinstance(found, Exception):
            raise found
        self._give(found)
        return True

    def _hear(self, worker: _Worker) -> Iterator[Outcome]:
        """Take a word of a worker: a stage, what became of its session, or its end."""
        try:
            word = worker.pipe.recv()
        except (EOFError, OSError):
            yield from self._died(worker)
            return
        worker.is_at_it = True
        if isinstance(word, Outcome):
            worker.session_id = ""
            worker.sessions_done += 1
            self._watch.doing(worker.number, "", "")
            yield word
        else:
            self._watch.doing(worker.number, worker.session_id, word)

    def _died(self, worker: _Worker) -> Iterator[Outcome]:
        """What a worker's death costs: its session, if it had begun it; else another is given that."""
        del self._workers[worker.number]
        worker.pipe.close()
        worker.process.join()
        self._watch.doing(worker.number, "", "")
        death = _death(worker.process.exitcode or 0)
        worker.process.close()
        if worker.sessions_done and not worker.is_at_it:  # it died while it had nothing to do
            self._give(worker.session_id)
        else:
            yield failed(worker.session_id, death)


def _pouring(session_ids: Iterator[str]) -> Connection:
    """A pipe out of which ids come.  They may be long in coming; what ends meanwhile is not to wait for them."""
    ours, theirs = connection.Pipe(duplex=False)

    def pour() -> None:
        with theirs, suppress(OSError):  # no more is wanted
            try:
                for session_id in session_ids:
                    theirs.send(session_id)
            except Exception as error:  # noqa: BLE001 - raised again where ids are taken
                theirs.send(error)

    threading.Thread(target=pour, daemon=True).start()
    return ours


def _death(code: int) -> SessionToolError:
    if code >= 0:
        return SessionToolError(f"its worker left with exit code {code}", hint="merge it alone to see why")
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    hint = "out of memory, most likely: fewer --workers" if name == "SIGKILL" else "merge it alone to see why"
    return SessionToolError(f"its worker was ended by {name}", hint=hint)


# -- in the worker


def _serve(pipe: Connection, job: Job) -> None:
    """Do the sessions that come through the pipe until it closes."""
    for number in ("SIGINT", "SIGHUP"):  # Ctrl-C and a closed terminal reach all; the run decides
        if hasattr(signal, number):
            signal.signal(getattr(signal, number), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    cpus.limit(1)  # the others are the other workers'
    cpus.switch_threads_often()
    cpus.use_one_blas_thread()
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    with suppress(EOFError, OSError), Runner(job) as runner:
        while True:
            pipe.send(_done(runner, pipe.recv(), _Telling(pipe)))
    sys.unraisablehook = _say_nothing  # of a signal that comes in this very moment Python says that it was ignored
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is leaving


def _done(runner: Runner, session_id: str, telling: _Telling) -> Outcome:
    """What became of a session; one that failed while the worker was leaving was interrupted.

    A compiled package that is just being imported makes an ImportError of the exit.
    """
    outcome = runner.run(session_id, telling)
    is_leaving = signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    return interrupted(session_id) if is_leaving and outcome.status == "failed" else outcome


def _leave(number: int, _frame: object) -> NoReturn:
    """Unwind, so that work folders and leases are given back; once, for Python's end is no place to be interrupted."""
    sys.unraisablehook = _say_nothing  # where Python can let nothing through, the pipe's end is what ends the worker
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _say_nothing(_: object) -> None:
    """What cannot be raised any more is no line for the run's stderr, which may be a log of JSON lines."""


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


class _Telling:
    """Progress that is sent through the pipe: every stage, and now and then how far it is."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._name, self._steps, self._done, self._sent = "", 0, 0, 0.0

    def stage(self, name: str, steps: int | None = None) -> None:
        self._name, self._steps, self._done = name, steps or 0, 0
        self._tell(name)

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        if self._steps and time.monotonic() > self._sent + _TELL_EVERY_S:
            self._tell(f"{self._name} {100 * self._done // self._steps} %")

    def received(self, size_bytes: int) -> None:
        pass

    def _tell(self, word: str) -> None:
        self._sent = time.monotonic()
        self._pipe.send(word)


def outcomes_of(job: Job, session_ids: Iterable[str], workers: int | None) -> Iterator[Outcome]:
    """What became of each session, by a pool of its own that ends with the iterator (UsageError at once)."""
    if workers is not None and workers < 1:
        raise UsageError(f"workers {workers} is no number of processes", hint="it is 1 or more")
    return _outcomes(job, session_ids, workers)


def _outcomes(job: Job, session_ids: Iterable[str], workers: int | None) -> Iterator[Outcome]:
    pool = WorkerPool(job, workers)
    try:
        yield from pool.run(each_once(session_ids))
    finally:
        pool.close()
