"""A lease in a bucket: one run at a time on one result, by an object that must be renewed.

The object is stored on the condition that there is none, and renewed, or taken over when it was not renewed for
`LEASE_S`, on the condition that no other run did so since it was read.  How old it is tells the server's clock alone,
so machines whose clocks differ agree.

A run removes its lease when it has left nothing half done.  So a run that finds a lease that has run out (`inherited`)
has a killed run to clean up after, and one that finds none has not.

A lease cannot stop a process that stands still for longer than `LEASE_S` between `confirm` and the request after it.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ...documents.json_text import parse
from ...errors import BusyError, SessionToolError, StorageError
from .digests import differs
from .errors import TRY_WITHOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .bucket import Bucket, Snapshot

LEASE_S = 60
"""Chosen: how long a killed run keeps others waiting."""
_CLOCK_STEP_S = 1
"""By definition: servers give times to the second (RFC 9110, 5.6.7)."""
_TRIES = 5
"""Times a lease is asked for anew when another run changed it at that moment, one lease each; chosen: more are a
fault."""
_RELEASE_WAIT_S = 5
"""Chosen: a renewal that is under way ends by then."""


class Lease:
    """A lease on what is below the folder of `key`.  `inherited`: a run died while it had it."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self.token = uuid.uuid4().hex
        self.inherited = False
        self.keep = False
        """Set where something is left to be cleaned up: the lease is not removed, so that the next run sees to it."""
        self._bucket = bucket
        self._key = key
        self._where = bucket.url(key.rpartition("/")[0])
        self._tag: str | None = None  # None as well when another run has it by now
        self._renewed = 0.0
        self._renewals = 0
        self._changing = threading.Lock()
        self._ended = threading.Event()

    @property
    def is_lost(self) -> bool:
        return self._tag is None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the lease, and renew it, while the block runs (BusyError where another run has it)."""
        self._acquire()
        threading.Thread(target=self._keep_alive, daemon=True).start()
        try:
            yield
        finally:
            self._ended.set()
            self._release()

    def confirm(self) -> None:
        """BusyError unless the lease is held, and will be for a while."""
        with self._changing:
            if self._tag and self._age_s() > LEASE_S / 2:
                self._renew()
        if self._tag is None:
            raise self.lost()

    def lost(self) -> BusyError:
        """The error for a run that another one took the result from."""
        self._tag = None
        return BusyError(
            f"another run took over {self._where}, as this one stood still for too long",
            hint="nothing was changed by this run; the other one publishes the result",
        )

    def _acquire(self) -> None:
        for _ in range(_TRIES):
            if self._put(None):
                return
            found = self._bucket.snapshot(self._key)
            if found is None:  # released this moment
                continue
            held_s = _seconds(found)
            if found.age_s <= held_s + _CLOCK_STEP_S:
                raise self._busy(found, held_s)
            if self._put(found.tag):
                self.inherited = True
                return
        raise BusyError(f"other runs come and go in {self._where}", hint="run again in a moment")

    def _busy(self, found: Snapshot, held_s: float) -> BusyError:
        left_s = max(1, round(held_s + _CLOCK_STEP_S - found.age_s))
        return BusyError(
            f"another run is at work in {self._where}: {_document(found).get('owner', 'an unknown run')}"[:500],
            hint=f"run again when it has ended; if it was killed, in {left_s} s",
        )

    def _put(self, tag: str | None) -> bool:
        """Store the lease if it is still as `tag` says; whether it was."""
        begun = time.monotonic()
        self._renewals += 1
        owner = f"process {os.getpid()} on {socket.gethostname()}"
        document = {"owner": owner, "seconds": LEASE_S, "token": self.token, "renewals": self._renewals}
        body = json.dumps(document).encode()
        self._tag = self._bucket.put_if(self._key, body, tag)
        if self._tag is not None:
            self._renewed = begun
            if self._renewals == 1 and differs(body, self._tag):  # where KMS encrypts, a tag is no digest
                self._check_kept(body)
        return self._tag is not None

    def _check_kept(self, body: bytes) -> None:
        """StorageError where the server does not keep what it is given: nothing must be published there."""
        if self._bucket.get_if_there(self._key) == body:
            return
        with suppress(SessionToolError):
            self._bucket.delete([self._key])
        raise StorageError(
            f"what is written to {self._where} comes back changed, so nothing was published", hint=TRY_WITHOUT
        )

    def _renew(self) -> None:
        with suppress(SessionToolError):
            self._put(self._tag)

    def _age_s(self) -> float:
        return time.monotonic() - self._renewed

    def _keep_alive(self) -> None:
        while not self._ended.wait(LEASE_S / 3):
            with self._changing:
                if self._tag is None or self._ended.is_set():
                    return
                self._renew()

    def _release(self) -> None:
        if not self._changing.acquire(timeout=_RELEASE_WAIT_S):
            return  # the server does not answer; the lease will run out
        try:
            if self._tag and not self.keep and self._age_s() < LEASE_S:
                with suppress(SessionToolError):
                    self._bucket.delete_if(self._key, self._tag)
        finally:
            self._changing.release()


def _document(found: Snapshot) -> dict[str, Any]:
    try:
        document = parse(found.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _seconds(found: Snapshot) -> float:
    """For how long a lease was taken; what is no lease of ours counts as one."""
    seconds = _document(found).get("seconds")
    return min(seconds, 3600) if isinstance(seconds, int) and seconds > 0 else LEASE_S
