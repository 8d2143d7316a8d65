"""How many processors this process may use: what threads and processes of one session are counted by.

One session at a time takes what there is.  A run over many has a process for each processor, and each is to be content
with one: more threads than processors only wait for one another.

And how soon one thread hands the interpreter over to another.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SWITCH_S = 0.001

_limit: int | None = None
_usual_s = 0.0
_handing_over = 0
_lock = Lock()


def usable(most: int) -> int:
    """The processors that may be used, `most` at most."""
    affinity = getattr(os, "sched_getaffinity", None)
    there = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(most, there, _limit or there))


def limit(count: int) -> None:
    """Use so many at most from now on, in this process."""
    global _limit  # noqa: PLW0603 - a process has one answer
    _limit = count


@contextmanager
def handing_over() -> Iterator[None]:
    """Let threads that wait for the interpreter have it after 1 ms, and not after Python's usual 5.

    For threads that need it often and briefly, between calls of a decoder or of the network, while another computes.
    """
    global _handing_over, _usual_s  # noqa: PLW0603 - a process has one interval
    with _lock:
        if not _handing_over:
            _usual_s = sys.getswitchinterval()
            sys.setswitchinterval(_SWITCH_S)
        _handing_over += 1
    try:
        yield
    finally:
        with _lock:
            _handing_over -= 1
            if not _handing_over:
                sys.setswitchinterval(_usual_s)
