"""What processes cost, measured from outside, and the middle of several rounds; what the benchmarks beside it share."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Cost(NamedTuple):
    """Wall and CPU seconds, and peak memory in megabytes."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def compiling(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An environment in which modules are compiled once, as pip leaves them, and not in every run."""
    return {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(command: Sequence[str], environment: Mapping[str, str] = os.environ) -> Cost:
    """What a process costs that ends well.  Where it prints a number, that is its wall time without its start-up."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=compiling(environment))
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - begun
    if status:
        sys.exit(f"failed: {command}")
    return Cost(float(printed or wall_s), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def medians(rounds: Sequence[Mapping[str, Cost]]) -> dict[str, Cost]:
    """The middle of each figure, by the name of what was run in every round."""
    return {name: Cost(*map(statistics.median, zip(*(one[name] for one in rounds), strict=True))) for name in rounds[0]}
