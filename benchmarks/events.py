"""How fast an hour of Realtime events is read: 100,000 of them, beside parsing the same lines and doing nothing else.

usage: python benchmarks/events.py [ROUNDS]

Each reading is a process of its own, so that its memory is its own; they take turns, and the figures are medians of CPU
time and the peak of resident memory, the interpreter and its imports included.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from sessiontool.simulate.eventlog import event_log
from sessiontool.simulate.log_plan import LogPlan, Said

EVENTS = 100_000
READERS = {
    "json.loads of each line": "import json\nfor line in open(path, 'rb'): json.loads(line)",
    "read_events": "from sessiontool.events import read_events\nread_events(open(path, 'rb'), 'events.jsonl')",
}
MEASURE = """
import re, sys, time
path = sys.argv[1]
{imports}
begun = time.process_time()
{body}
took = time.process_time() - begun
print(took, int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""
WORDS = "so that is what it comes to when all is said and done and nobody has anything more to add to it today "


def hour() -> str:
    """Turns of 10 s each, with as many words as it takes to make an event of each."""
    per_turn = EVENTS // 720
    text = " ".join((WORDS * 20).split()[: per_turn - 12])
    roles = ("assistant", "user")
    said = [Said(f"u{n:04d}", roles[n % 2], text, 5000.0 * n + 1000, 5000.0 * n + 5400) for n in range(720)]
    return event_log(said, LogPlan())


def measure(body: str, log: Path) -> tuple[float, float]:
    imports, _, rest = body.partition("\n")
    program = MEASURE.format(imports=imports, body=rest)
    done = subprocess.run([sys.executable, "-c", program, str(log)], capture_output=True, text=True, check=True)
    cpu_s, peak_mb = map(float, done.stdout.split())
    return cpu_s, peak_mb


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "events.jsonl"
        log.write_text(hour())
        lines = log.read_text().splitlines()
        deltas = sum(json.loads(line)["event"]["type"].endswith(".delta") for line in lines)
        print(f"{len(lines):,} events, {deltas:,} of them pieces of text, {log.stat().st_size / 1e6:.1f} MB")
        measured = [[measure(body, log) for body in READERS.values()] for _ in range(rounds)]
        for name, column in zip(READERS, zip(*measured, strict=True), strict=True):
            cpu_s, peak_mb = (statistics.median(values) for values in zip(*column, strict=True))
            print(f"{name:<26} {cpu_s:6.2f} s   {peak_mb:6.0f} MB")


if __name__ == "__main__":
    main()
