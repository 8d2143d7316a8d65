"""What processes cost, measured from outside, and the middle of several rounds; what the benchmarks beside it share."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
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


def versions() -> str:
    """What was measured, by what, and on how busy a machine: a line to print above figures."""
    found = [f"Python {platform.python_version()}"]
    for package in ("sessiontool", "numpy", "av", "typer", "pydantic"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:  # run from its source
            continue
    if shutil.which("ffmpeg"):
        said = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout.split()
        found.append(f"ffmpeg {said[2]}")
    return f"{', '.join(found)}; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n"


def table(middle: Mapping[str, Cost], peers: Mapping[str, str]) -> None:
    """Prints the costs, and of those that have a peer how many times its CPU time they take."""
    print("| | wall ms | CPU ms | of its peer's CPU | peak MB |\n|---|---|---|---|---|")
    for name, (wall_s, cpu_s, peak_mb) in middle.items():
        ratio = f"{cpu_s / middle[peers[name]].cpu_s:.2f}" if name in peers else ""
        print(f"| {name} | {wall_s * 1000:.0f} | {cpu_s * 1000:.0f} | {ratio} | {peak_mb:.0f} |")
