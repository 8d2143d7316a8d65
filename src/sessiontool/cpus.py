"""How many processors this process may use: what threads and processes of one session are counted by.

One session at a time takes what there is.  A run over many has a process for each processor, and each is to be content
with one: more threads than processors only wait for one another.

And how soon one thread hands the interpreter over to another.
"""

from __future__ import annotations

import os
import sys

_SWITCH_S = 0.001
"""Seconds.  Chosen: a fifth of Python's default, longer than a call of the decoder takes."""

_limit: int | None = None


def usable(most: int) -> int:
    """The processors that may be used, `most` at most."""
    affinity = getattr(os, "sched_getaffinity", None)
    there = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(most, there, _limit or there))


def limit(count: int) -> None:
    """Use so many at most from now on, in this process."""
    global _limit  # noqa: PLW0603 - a process has one answer
    _limit = count


def switch_threads_often() -> None:
    """Let threads that wait for the interpreter have it after 1 ms, and not after Python's usual 5.

    For programs of our own alone (command line, workers, Lambda): it holds for the whole process, and a library changes
    nothing of its host.  Threads between calls of a decoder or of the network need the interpreter often and briefly.
    """
    sys.setswitchinterval(_SWITCH_S)
