"""Reads objects ahead: many travel at once, and they are handed out in order while later ones are still under way.

The order is given up front and is the order in which they will most likely be asked for; who asks otherwise gets
what was asked for, and the reading ahead goes on from there.  It goes on between requests, but what is under way or
waits to be asked for is bounded, in number and in bytes.  An object that cannot be read is an error for the caller that
asks for it, and for no other.

Threads are daemons: a server that does not answer keeps no program from ending.

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

    from ...model import StoredObject

MAX_OBJECTS = 512
"""Objects that are read ahead; chosen: an hour of chunks."""
MAX_BYTES = 32 * 1024 * 1024
"""Chosen: what reading ahead may hold in memory."""

_HALVED_AT_MOST_EVERY_S = 1.0
"""Chosen: a burst of refusals is one request to slow down."""


class Pace:
    """How many requests may be under way: halved when the server asks to slow down, one more for each that succeeds."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.allowed = most
        self._under_way = 0
        self._slowed_at = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until one more request may be under way; while the block runs, it is."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < self.allowed)
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify()

    def slow_down(self) -> None:
        now = time.monotonic()
        with self._changed:
            if now - self._slowed_at > _HALVED_AT_MOST_EVERY_S:  # a burst of refusals is one request to slow down
                self._slowed_at = now
                self.allowed = max(1, self.allowed // 2)

    def succeeded(self) -> None:
        with self._changed:
            if self.allowed < self.most:
                self.allowed += 1
                self._changed.notify()


class Prefetcher:
    """Calls `get` for `objects` ahead of `read`, in threads: `pace` bounds how many at once, the window how far."""

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
        """Ask for as many of the next objects as the window allows, but for one at least."""
        while self._next < len(self._objects):
            obj = self._objects[self._next]
            full = len(self._ahead) >= MAX_OBJECTS or self._ahead_bytes + obj.size_bytes > MAX_BYTES
            if self._ahead and full:
                return
            future: Future[bytes] = Future()
            self._ahead[self._next] = future
            self._ahead_bytes += obj.size_bytes
            self._next += 1
            self._jobs.put((obj, future))
            if self._workers < self._pace.most:
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
            with self._pace.turn():
                self._fetch(*job)
            del job  # or this thread would keep the last body alive while it waits

    def _fetch(self, obj: StoredObject, future: Future[bytes]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(self._get(obj))
        except BaseException as error:  # noqa: BLE001 - it is raised where the object is asked for
            future.set_exception(error)


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
