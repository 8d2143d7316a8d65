"""What records and plays in real time goes before whatever else the tests do.

A browser that waits for its turn behind other tests loses sound, and nobody can tell that from a recorder that does.
Test processes that run side by side therefore step back, and a browser is started where they stood before; Chromium
gives its processes their priorities itself, so that starting it with a higher one would not do.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEP = 10  # of niceness: about a tenth of the processor that one without it gets


@cache
def step_back() -> None:
    """Lower the priority of this process and of all that it starts, where it is one of several; once."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.nice(_STEP)


def ahead(argv: Sequence[str]) -> list[str]:
    """The command as before `step_back`; to whom that is forbidden, `nice` says so, and runs it as it is."""
    return ["nice", "-n", str(-_STEP), *argv] if "PYTEST_XDIST_WORKER" in os.environ else list(argv)


def thread_ahead() -> None:
    """The same for the calling thread alone, where the system counts niceness by threads, as Linux does."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        with suppress(OSError):
            niceness = os.getpriority(os.PRIO_PROCESS, 0) - _STEP
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
