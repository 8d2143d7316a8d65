"""Reads objects ahead: many travel at once, and they are handed out in order while later ones are still under way.

The order is told up front and is the order in which they will most likely be asked for; whoever asks otherwise gets
what was asked for, and the reading ahead goes on from there.  What is under way or waits to be asked for is bounded, in
number and in bytes.  An object that cannot be read is an error for whoever asks for it, and nobody else.

Threads are daemons: a server that does not answer keeps nobody from ending.

Not here: how an object is read (`get`), asked for again and checked.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..values import StoredObject

MAX_OBJECTS = 128
MAX_BYTES = 32 * 1024 * 1024

_HALVED_AT_MOST_EVERY_S = 1.0


class Pace:
    """How many requests may be under way: halved when the server asks to slow down, one more for each that succeeds."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._slowed_at = 0.0
        self.allowed = most

    def slow_down(self) -> None:
        now = time.monotonic()
        if now - self._slowed_at > _HALVED_AT_MOST_EVERY_S:  # a burst of refusals is one request to slow down
            self._slowed_at = now
            self.allowed = max(1, self.allowed // 2)

    def succeeded(self) -> None:
        self.allowed = min(self._most, self.allowed + 1)


class Prefetcher:
    """Calls `get` for `objects` ahead of `read`; `pace` bounds how many at once, besides the window."""

    def __init__(self, get: Callable[[StoredObject], bytes], objects: Sequence[StoredObject], pace: Pace) -> None:
        self._get = get
        self._objects = objects
        self._places = {obj: place for place, obj in enumerate(objects)}
        self._pace = pace
        self._ahead: dict[int, Future[bytes]] = {}
        self._ahead_bytes = 0
        self._next = 0
        self._jobs: SimpleQueue[tuple[StoredObject, Future[bytes]] | None] = SimpleQueue()
        self._workers = 0

    def read(self, obj: StoredObject) -> bytes:
        """The body of an object, whatever was read before; raises what `get` raises."""
        place = self._places.get(obj)
        if place is None:
            return self._get(obj)
        if place not in self._ahead:
            self._drop()
            self._next = place
            self.fill()
        future = self._ahead.pop(place)
        self._ahead_bytes -= obj.size_bytes
        self.fill()
        data = future.result()
        self._pace.succeeded()
        return data

    def fill(self) -> None:
        """Ask for as many of the next objects as the window and the pace allow, but for one at least."""
        while self._next < len(self._objects):
            obj = self._objects[self._next]
            full = len(self._ahead) >= min(MAX_OBJECTS, self._pace.allowed)
            if self._ahead and (full or self._ahead_bytes + obj.size_bytes > MAX_BYTES):
                return
            future: Future[bytes] = Future()
            self._ahead[self._next] = future
            self._ahead_bytes += obj.size_bytes
            self._next += 1
            self._jobs.put((obj, future))
            if self._workers < self._pace.allowed:
                self._workers += 1
                threading.Thread(target=self._work, daemon=True, name="sessiontool-fetch").start()

    def close(self) -> None:
        self._drop()
        for _ in range(self._workers):
            self._jobs.put(None)

    def _drop(self) -> None:
        for future in self._ahead.values():
            future.cancel()
        self._ahead.clear()
        self._ahead_bytes = 0

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            obj, future = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._get(obj))
            except BaseException as error:  # noqa: BLE001 - it is raised where the object is asked for
                future.set_exception(error)
            del job, future  # or this thread would keep the last body alive while it waits


@contextmanager
def prefetching(
    get: Callable[[StoredObject], bytes], objects: Sequence[StoredObject], pace: Pace
) -> Iterator[Prefetcher]:
    """A prefetcher that has begun."""
    prefetcher = Prefetcher(get, objects, pace)
    try:
        prefetcher.fill()
        yield prefetcher
    finally:
        prefetcher.close()
