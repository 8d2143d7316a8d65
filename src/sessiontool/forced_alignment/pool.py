"""Processes that align, one for each core: started when there is work, replaced when they die or hang."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec.structs import astuple

from ..cpus import usable
from .pocketsphinx import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from .worker import Task

_MOST = 8  # processes; chosen: bounds memory
_PATIENCE_S = 60.0
"""Chosen: how long a process may take beside the sound's own length; it takes a fiftieth of that."""
_WORKER = "sessiontool.forced_alignment.worker"
_START = f"import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {_WORKER} import main; main()"
_BYTES_PER_S = 32_000  # derived: 16-bit samples at 16 kHz


def cores() -> int:
    """How many processes are worth their memory (0.1 GB each)."""
    return usable(_MOST)


class Worker:
    """One process and the talk with it.  Not for two threads at once."""

    def __init__(self, command: list[str] | None = None) -> None:
        # Not `-m`: that would put the current folder, which is not ours, before our own modules.
        self._command = command or [sys.executable, "-c", _START, json.dumps(sys.path)]
        self._process: subprocess.Popen[bytes] | None = None

    def align(self, task: Task, pcm: bytes) -> Found | None:
        """The process's answer; None as well where it died or took too long: the wait has an end."""
        try:
            return self._ask(
                json.dumps([len(pcm), *astuple(task)]).encode() + b"\n" + pcm, _PATIENCE_S + len(pcm) / _BYTES_PER_S
            )
        except (OSError, ValueError):
            self.close()
            return None

    def _ask(self, request: bytes, patience_s: float) -> Found | None:
        process = self._process = self._process or subprocess.Popen(  # noqa: S603 - our own Python
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdin is not None
        assert process.stdout is not None
        watch = threading.Timer(patience_s, process.kill)
        watch.start()
        try:
            process.stdin.write(request)
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
        finally:
            watch.cancel()
        if answer is None:
            return None
        times, first, end, score, phones = answer
        return Found(
            tuple(time and (time[0], time[1]) for time in times),
            first,
            end,
            score,
            tuple(tuple((name, start, stop) for name, start, stop in some) for some in phones),
        )

    def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(OSError):
                process.communicate()


class Pool:
    """Workers for threads: each thread that asks has one of its own."""

    def __init__(self, new_worker: Callable[[], Any] = Worker) -> None:
        self._new_worker = new_worker
        self._own = threading.local()
        self._workers: list[Any] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.close()

    def align(self, task: Task, pcm: bytes) -> Found | None:
        worker = getattr(self._own, "worker", None)
        if worker is None:
            worker = self._own.worker = self._new_worker()
            self._workers.append(worker)
        found: Found | None = worker.align(task, pcm)
        return found
