"""A batch by one worker and by two: throughput, memory, and whether its summary is exact.

usage: python benchmarks/batch.py [--sessions N] [--rounds R] [--workers 1,2] [--no-align] [--scratch DIR]

N sessions are recordings of tests/data/sessions and the sample in turn, one in ten of them broken: no chunks, or chunks
without sound.  Runs with different numbers of workers take turns.  Memory is that of the fattest process of the run,
in the run's first and its last quarter.  DIR says on which disk the store and the results are: publishing waits for
it, so a folder in memory (/dev/shm) shows what the processors do.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from processes import versions

PROJECT = Path(__file__).parent.parent
RECORDINGS = [*sorted((PROJECT / "tests" / "data" / "sessions").iterdir()), PROJECT / "samples" / "demo"]
BROKEN_EVERY = 10


def make_store(store: Path, count: int) -> int:
    """A store of `count` sessions; how many of them are broken."""
    broken = 0
    for number in range(count):
        session = store / f"s{number:05d}"
        if number % BROKEN_EVERY == BROKEN_EVERY - 1:
            broken += 1
            (session / "chunks" / "0").mkdir(parents=True)
            if number % (2 * BROKEN_EVERY) == BROKEN_EVERY - 1:
                (session / "chunks" / "0" / "0.webm").write_bytes(os.urandom(20_000))
        else:
            shutil.copytree(RECORDINGS[number % len(RECORDINGS)], session)
    return broken


def resident_mb(pid: int) -> float:
    """The memory of the fattest of a process and its children."""
    fattest = 0.0
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (str(pid), *children):
            fattest = max(fattest, int(Path(f"/proc/{one}/statm").read_text().split()[1]) * 4096 / 1e6)
    except (FileNotFoundError, ProcessLookupError, ValueError, IndexError):
        pass
    return fattest


def run(store: Path, workers: int, more: list[str]) -> tuple[float, float, list[float], dict[str, object]]:
    """Wall and CPU seconds, memory over time, and the summary."""
    with tempfile.TemporaryDirectory(dir=store.parent) as output:
        argv = [sys.executable, "-m", "sessiontool", "batch", "--all", "--json", f"--workers={workers}", *more]
        begun = time.perf_counter()
        with Path(output, "lines").open("w+") as lines:
            process = subprocess.Popen([*argv, f"--store={store}", f"--output={output}/merged"], stdout=lines)
            memory = []
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                memory.append(resident_mb(process.pid))
                time.sleep(0.05)
            wall_s = time.perf_counter() - begun
            if status:
                sys.exit(f"failed: {argv}")
            lines.seek(0)
            told = [json.loads(line) for line in lines]
    counted = Counter(line["status"] for line in told if line["type"] == "session")
    summary = told[-1]
    assert {name: n for name, n in summary["by_status"].items() if n} == counted, "the summary is not what was told"
    return wall_s, usage.ru_utime + usage.ru_stime, memory, summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--no-align", action="store_true")
    parser.add_argument("--scratch", type=Path)
    options = parser.parse_args()
    counts = [int(count) for count in options.workers.split(",")]
    more = ["--no-align"] if options.no_align else []
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        store = Path(scratch) / "store"
        broken = make_store(store, options.sessions)
        walls: dict[int, list[float]] = {count: [] for count in counts}
        print(versions())
        print("| workers | wall s | CPU s | sessions a s | MB, first quarter | MB, last quarter | failed |")
        print("|---|---|---|---|---|---|---|")
        for _ in range(options.rounds):
            for count in counts:
                wall_s, cpu_s, memory, summary = run(store, count, more)
                assert (summary["sessions"], summary["by_status"]["failed"]) == (options.sessions, broken)  # type: ignore[index]
                walls[count].append(wall_s)
                quarter = max(1, len(memory) // 4)
                first, last = max(memory[:quarter]), max(memory[-quarter:])
                rate = options.sessions / wall_s
                print(f"| {count} | {wall_s:.1f} | {cpu_s:.1f} | {rate:.2f} | {first:.0f} | {last:.0f} | {broken} |")
    base = statistics.median(walls[counts[0]])
    for count in counts[1:]:
        ratio = base / statistics.median(walls[count])
        print(f"\n{count} workers: {ratio:.2f} times the throughput of {counts[0]} (medians of {options.rounds})")


if __name__ == "__main__":
    main()
