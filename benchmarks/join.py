"""Joining beside its peers: an hour by Chrome, in packets of 20 and 60 ms, one by Firefox, and one of AAC as Safari's.

usage: python benchmarks/join.py [--hours H] [--rounds N] [--sessions DIR] [--only KIND]

Compared on the same chunks: `cat`, `cat | ffmpeg -c copy`, `mkvmerge` on the chunks put together, the join as a
library call, and `sessiontool merge --no-align` as a whole process (start-up, hashing, captions, verification
included), in interleaved runs.  The figures are medians of wall time, CPU time and peak memory, and their ratios to
ffmpeg's.  --sessions keeps the sessions made for it (a minute an hour each).  AAC is ffmpeg's, of noise in fragments
of a second; `mkvmerge` has no part in it.
"""

from __future__ import annotations

import argparse
import struct
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from processes import medians, run, versions

RECORDINGS = {"20ms": ["--frame-ms=20"], "60ms": ["--frame-ms=60"], "firefox": ["--recorder=firefox"], "aac": []}
CHUNK_FRAGMENTS = 5  # of a second each, as a timeslice of 5 s has them
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
        if kind == "aac":
            make_aac(store / name / "chunks" / "000", hours * 3600)
            return name
        arguments = [f"--seconds={hours * 3600:g}", *RECORDINGS[kind], "--quiet"]
        subprocess.run([sys.executable, "-m", "sessiontool", "simulate", str(store / name), *arguments], check=True)
    return name


def make_aac(folder: Path, seconds: float) -> None:
    """A fragmented MP4 of AAC by ffmpeg, cut into chunks where fragments begin."""
    sound = f"anoisesrc=r=48000:a=0.05:d={max(seconds, 10):g}:s=1,aformat=channel_layouts=stereo"
    coded = ["-c:a", "aac", "-b:a", "128k", "-movflags", "empty_moov+default_base_moof", "-frag_duration", "1000000"]
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", sound, *coded, "-f", "mp4", "-"]
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    folder.mkdir(parents=True)
    starts, at = [], 0
    while at < len(made):
        size, box = struct.unpack_from(">I4s", made, at)
        starts += [at] if box == b"moof" else []
        at += size
    cuts = [0, *starts[CHUNK_FRAGMENTS::CHUNK_FRAGMENTS], len(made)]
    for number, (first, end) in enumerate(pairwise(cuts)):
        (folder / f"{number:06}.mp4").write_bytes(made[first:end])


def commands(store: Path, name: str, work: Path) -> dict[str, list[str]]:
    chunks = f"{store / name}/chunks/000/*"
    is_aac = name.endswith("aac")
    ending = "m4a" if is_aac else "webm"
    merge = f"{sys.executable} -m sessiontool merge {name} --store {store} --output {work} --no-align --force --quiet"
    whole = work / "whole.webm"
    shell = {
        "cat": f"cat {chunks} > {work}/cat.webm",
        "cat | ffmpeg -c copy": f"cat {chunks} | ffmpeg -v error -y -i - -c copy {work}/ffmpeg.{ending}",
        "mkvmerge": f"cat {chunks} > {whole} && mkvmerge -q -o {work}/mkvmerge.webm {whole}",
        "sessiontool merge": merge,
    }
    if is_aac:
        del shell["mkvmerge"]
    library = [sys.executable, "-c", _LIBRARY, str(store), name, f"{work}/library.webm"]
    return {**{tool: ["sh", "-c", f"exec sh -c '{line}'"] for tool, line in shell.items()}, "library call": library}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sessions", type=Path)
    parser.add_argument("--only", choices=RECORDINGS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        store = options.sessions or Path(scratch) / "store"
        work = Path(scratch) / "work"
        work.mkdir()
        store.mkdir(exist_ok=True, parents=True)
        print(versions())
        print("| recording | | wall s | of ffmpeg | CPU s | of ffmpeg | peak MB |\n|---|---|---|---|---|---|---|")
        for kind in [options.only] if options.only else RECORDINGS:
            compared = commands(store, make_session(store, options.hours, kind), work)
            rounds = [{tool: run(command) for tool, command in compared.items()} for _ in range(options.rounds + 1)][1:]
            middle = medians(rounds)
            usual = middle["cat | ffmpeg -c copy"]
            for tool, (wall_s, cpu_s, peak_mb) in middle.items():
                ratios = f"{wall_s / usual.wall_s:.2f} | {cpu_s:.3f} | {cpu_s / usual.cpu_s:.2f}"
                print(f"| {kind} | {tool} | {wall_s:.3f} | {ratios} | {peak_mb:.0f} |")


if __name__ == "__main__":
    main()
