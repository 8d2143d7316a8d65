"""An export as WAV beside ffmpeg's, which decodes the same recording into the same file.

usage: python benchmarks/export.py [--hours H] [--rounds N] [--session STORE/ID]

The recording is simulated in packets of 60 ms, as Chrome makes them, and merged without alignment; or that of a merged
session is taken.  The figures are medians of wall time, CPU time and peak memory, and the ratio to ffmpeg's.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from join import make_session
from processes import medians, run, table, versions

OURS, PEER = "sessiontool export", "ffmpeg"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--hours", type=float, default=1.0)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--session", type=Path)
    chosen = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, ours = Path(name), [sys.executable, "-m", "sessiontool"]
        if chosen.session is None:
            session = folder / make_session(folder, chosen.hours, "60ms")
            run([*ours, "merge", session.name, "--store", str(folder), "--no-align", "--quiet"])
        else:
            session = chosen.session
        source, into, peer = session / "merged" / "audio.webm", folder / "exports", folder / "peer.wav"
        export = [*ours, "export", session.name, "--store", str(session.parent), "--into", str(into), "--quiet"]
        ffmpeg = ["ffmpeg", "-v", "error", "-y", "-i", str(source), "-rf64", "auto", str(peer)]
        rounds = []
        for _ in range(chosen.rounds):
            rounds.append({OURS: run(export), PEER: run(ffmpeg)})
            shutil.rmtree(into)
    print(versions())
    table(medians(rounds), {OURS: PEER})


if __name__ == "__main__":
    main()
