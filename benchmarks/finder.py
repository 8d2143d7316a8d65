"""How much of what is planted in calls `redact --find` finds, and how much that is none of it.

    python benchmarks/finder.py [-v] [first|second...]

`-v` shows the calls in which something was missed, or found where nothing is.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("tests", "src")]

from finder_calls import calls_of, measure, together  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=["first", "second"])
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.sets:
        calls = calls_of(name)
        figures, beside = measure(calls), [measure([together(name, seed)]) for seed in range(10)]
        without = sum(not call.pieces for call in calls)
        print(
            f"{name}: {figures.found.total()} of {figures.planted.total()} found ({100 * figures.recall:.1f} %), "
            f"{len(figures.false)} of {figures.hits} hits false (precision {100 * figures.precision:.1f} %); "
            f"{without} calls without any"
        )
        print("  " + ", ".join(f"{kind} {figures.found[kind]}/{count}" for kind, count in figures.planted.items()))
        recall, precision = min(one.recall for one in beside), min(one.precision for one in beside)
        print(
            f"  as one session, the worst of ten orders: {100 * recall:.1f} % found, precision {100 * precision:.1f} %"
        )
        for line in figures.missed if arguments.verbose else ():
            print("  missed:", line)
        for line in figures.false if arguments.verbose else ():
            print("  false: ", line)


if __name__ == "__main__":
    main()
