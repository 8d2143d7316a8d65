"""How many processors this process may use: what threads and processes of one session are counted by.

One session at a time takes what there is.  A run over many has a process for each processor, and each is to be content
with one: more threads than processors only wait for one another.
"""

from __future__ import annotations

import os

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
