"""One session after another in a process that has loaded everything, as workers and warm Lambda functions have them.

usage: python benchmarks/warm.py [--seconds S] [--merges N] [--no-align] [--output DIR]

The same session is merged N times by `sessiontool.merge`, with the threads that a worker has.  The figures are the
median and the least of wall and CPU time.  DIR says on which disk results are put: publishing waits for it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from processes import versions

from sessiontool import MergeOptions, cpus, merge


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--merges", type=int, default=30)
    parser.add_argument("--no-align", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    cpus.limit(1)
    cpus.switch_threads_often()
    cpus.use_one_blas_thread()
    wall_s, cpu_s = [], []
    with tempfile.TemporaryDirectory() as scratch:
        session = Path(scratch) / "store" / "warm"
        made = ["simulate", str(session), f"--seconds={options.seconds:g}", "--quiet"]
        subprocess.run([sys.executable, "-m", "sessiontool", *made], check=True)
        for _ in range(options.merges + 1):
            begun, spent = time.perf_counter(), time.process_time()
            wanted = MergeOptions(force=True, align=not options.no_align)
            merge(session.name, store=session.parent, output=options.output or scratch, options=wanted)
            wall_s.append(time.perf_counter() - begun)
            cpu_s.append(time.process_time() - spent)
    print(versions())
    print("| | median ms | least ms |\n|---|---|---|")
    for name, found in (("wall", wall_s[1:]), ("CPU", cpu_s[1:])):  # the first loads what the others have
        print(f"| {name} | {statistics.median(found) * 1000:.0f} | {min(found) * 1000:.0f} |")


if __name__ == "__main__":
    main()
