"""Joining beside its peers: a session of an hour by Chrome, in packets of 20 and 60 ms, and one by Firefox.

usage: python benchmarks/join.py [--hours H] [--rounds N] [--sessions DIR]

Compared on the same chunks: `cat`, `cat | ffmpeg -c copy`, `mkvmerge` on the chunks put together, the join as a
library call, and `sessiontool merge --no-align` as a whole process (start-up, hashing, captions, verification
included), in interleaved runs.  The figures are medians of wall time, CPU time and peak memory, and their ratios to
ffmpeg's.  --sessions keeps the sessions made for it (a minute an hour each).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import medians, run, versions

RECORDINGS = {"20ms": ["--frame-ms=20"], "60ms": ["--frame-ms=60"], "firefox": ["--recorder=firefox"]}
_LIBRARY = """
import sys
from sessiontool.recording.assemble import assemble
from sessiontool.concat import Remuxer
from sessiontool.documents.models import SessionDocument
from sessiontool.progress import Silent
from sessiontool.storage import open_store
import time
begun = time.perf_counter()
with open_store(sys.argv[1]) as store, open(sys.argv[3] + ".body", "w+b") as body, open(sys.argv[3], "wb") as out:
    listing = store.list_session(sys.argv[2])
    read = lambda chunk: store.read(chunk.object)
    joiner, _ = assemble(listing.chunks, SessionDocument(), read, lambda: Remuxer(body), Silent())
    joiner.finish(out, writing_app="benchmark", track_uid=1)
print(time.perf_counter() - begun)
"""


def make_session(store: Path, hours: float, kind: str) -> str:
    name = f"{hours:g}h-{kind}"
    if not (store / name).exists():
        print(f"making {store / name} …", file=sys.stderr)
        arguments = [f"--seconds={hours * 3600:g}", *RECORDINGS[kind], "--quiet"]
        subprocess.run([sys.executable, "-m", "sessiontool", "simulate", str(store / name), *arguments], check=True)
    return name


def commands(store: Path, name: str, work: Path) -> dict[str, list[str]]:
    chunks = f"{store / name}/chunks/000/*"
    merge = f"{sys.executable} -m sessiontool merge {name} --store {store} --output {work} --no-align --force --quiet"
    whole = work / "whole.webm"
    shell = {
        "cat": f"cat {chunks} > {work}/cat.webm",
        "cat | ffmpeg -c copy": f"cat {chunks} | ffmpeg -v error -y -i - -c copy {work}/ffmpeg.webm",
        "mkvmerge": f"cat {chunks} > {whole} && mkvmerge -q -o {work}/mkvmerge.webm {whole}",
        "sessiontool merge": merge,
    }
    library = [sys.executable, "-c", _LIBRARY, str(store), name, f"{work}/library.webm"]
    return {**{tool: ["sh", "-c", f"exec sh -c '{line}'"] for tool, line in shell.items()}, "library call": library}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sessions", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        store = options.sessions or Path(scratch) / "store"
        work = Path(scratch) / "work"
        work.mkdir()
        store.mkdir(exist_ok=True, parents=True)
        print(versions())
        print("| recording | | wall s | of ffmpeg | CPU s | of ffmpeg | peak MB |\n|---|---|---|---|---|---|---|")
        for kind in RECORDINGS:
            compared = commands(store, make_session(store, options.hours, kind), work)
            rounds = [{tool: run(command) for tool, command in compared.items()} for _ in range(options.rounds + 1)][1:]
            middle = medians(rounds)
            usual = middle["cat | ffmpeg -c copy"]
            for tool, (wall_s, cpu_s, peak_mb) in middle.items():
                ratios = f"{wall_s / usual.wall_s:.2f} | {cpu_s:.3f} | {cpu_s / usual.cpu_s:.2f}"
                print(f"| {kind} | {tool} | {wall_s:.3f} | {ratios} | {peak_mb:.0f} |")


if __name__ == "__main__":
    main()
