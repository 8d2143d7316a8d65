"""How long a command takes before it begins: `sessiontool --help` beside an interpreter that does nothing.

usage: python benchmarks/startup.py [ROUNDS]

Both are run in turn, so that whatever else the machine does meets both; the figures are medians of wall time.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from processes import compiling

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "sessiontool --version": ["-m", "sessiontool", "--version"],
    "sessiontool --help": ["-m", "sessiontool", "--help"],
    "sessiontool merge --help": ["-m", "sessiontool", "merge", "--help"],
}


def wall_ms(arguments: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, env=compiling(), check=True)
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for arguments in COMMANDS.values():
        wall_ms(arguments)  # compiles what is not compiled yet
    measured = [[wall_ms(arguments) for arguments in COMMANDS.values()] for _ in range(rounds)]
    medians = [statistics.median(column) for column in zip(*measured, strict=True)]
    for name, median_ms in zip(COMMANDS, medians, strict=True):
        print(f"{name:<26} {median_ms:6.0f} ms   {median_ms - medians[0]:+5.0f} ms")


if __name__ == "__main__":
    main()
