"""A short session, as cron and Lambda have them by the thousand: whole processes beside their peers.

usage: python benchmarks/short.py [--seconds S] [--rounds N]

Compared in interleaved runs: the merge without alignment with `cat | ffmpeg -c copy` on the same chunks, and the merge
with it with an interpreter that does nothing.  The figures are medians, and the ratios those of CPU time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import medians, run, table, versions

PYTHON, FFMPEG = "python -c pass", "ffmpeg -c copy"
PEERS = {"merge --no-align": FFMPEG, "merge": PYTHON, "merge that was done before": PYTHON}


def commands(store: Path, work: Path) -> dict[str, list[str]]:
    merge = [sys.executable, "-m", "sessiontool", "merge", "short", f"--store={store}", "--quiet"]
    copied = f"cat {store}/short/chunks/000/* | ffmpeg -v error -y -i - -c copy {work}/ffmpeg.webm"
    return {
        PYTHON: [sys.executable, "-c", "pass"],
        FFMPEG: ["sh", "-c", copied],
        "merge --no-align": [*merge, f"--output={work / 'joined'}", "--no-align", "--force"],
        "merge": [*merge, f"--output={work / 'aligned'}", "--force"],
        "merge that was done before": [*merge, f"--output={work / 'aligned'}"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        store, work = Path(scratch) / "store", Path(scratch) / "work"
        work.mkdir()
        made = [str(store / "short"), f"--seconds={options.seconds:g}", "--quiet"]
        subprocess.run([sys.executable, "-m", "sessiontool", "simulate", *made], check=True)
        compared = commands(store, work)
        rounds = [{name: run(command) for name, command in compared.items()} for _ in range(options.rounds + 1)]
    print(versions())
    table(medians(rounds[1:]), PEERS)  # the first round compiles what is not compiled yet


if __name__ == "__main__":
    main()
