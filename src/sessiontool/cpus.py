"""How many processors this process may use: what threads and processes of one session are counted by.

One session at a time takes what there is.  A run over many has a process for each processor, and each is to be content
with one: more threads than processors only wait for one another.

And how soon one thread hands the interpreter over to another, how many threads numpy's linear algebra begins, and how
soon memory that all of them let go is the system's again.
"""

from __future__ import annotations

import os
import sys

_SWITCH_S = 0.001
"""Seconds.  Chosen: a fifth of Python's default, longer than a call of the decoder takes."""

_BLAS = "OPENBLAS_NUM_THREADS"
"""What tells the library in numpy's wheels how many threads it may have; it is read when numpy is first imported."""
_SAID = (_BLAS, "GOTO_NUM_THREADS", "OMP_NUM_THREADS")
"""The variables by which a user says it to OpenBLAS (its manual, "Setting the number of threads")."""

_BLOCK_BYTES = 4 << 20
"""Chosen: arrays of a whole day are larger; those of a minute of sound, which come and go by the thousand, are not."""
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
"""By definition: `M_MMAP_THRESHOLD` and `M_ARENA_MAX` of glibc's malloc.h."""

_limit: int | None = None
_set_by_us = False
_is_ours = False


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


def use_one_blas_thread() -> None:
    """Let numpy's linear algebra have one thread, unless the user says how many; to be called before numpy is imported.

    For programs of our own alone, as above.  OpenBLAS begins a thread for each processor as it is loaded, which takes
    as long as a short session to merge, and what is multiplied here is too small for them.
    """
    global _set_by_us, _is_ours  # noqa: PLW0603 - as there is one environment
    _is_ours = True
    if not any(os.environ.get(name) for name in _SAID):
        os.environ[_BLAS] = "1"
        _set_by_us = True


def give_back_memory() -> None:
    """Let large arrays have pages of their own from now on, which go back when they do, and all threads one heap.

    In programs of our own alone, as above, and where the C library is glibc.  It keeps a heap for each thread, and
    takes even arrays of 30 MB from heaps once one of that size was let go: what is in use above keeps them.
    """
    if not _is_ours:
        return
    import ctypes  # noqa: PLC0415 - numpy loads it too, and what aligns nothing loads neither

    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    set_option(_MMAP_THRESHOLD, _BLOCK_BYTES)
    set_option(_ARENA_MAX, 1)


def given_environment() -> dict[str, str]:
    """The environment that this process was given: for commands of the user's own."""
    ours = {_BLAS} if _set_by_us else set()
    return {name: value for name, value in os.environ.items() if name not in ours}
