"""How much memory a merge takes, by the length of a session: it should hardly grow.

usage: python benchmarks/memory.py [--hours 1,6,24] [--no-align]

Sessions of 60 ms packets are made of one of 10 minutes, or of their own length if that is less, as recording days of
made-up speech would take as long: each part is that again with the end of each packet changed, or a merge would set it
aside as an upload that was repeated.
Peaks are those of whole processes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from processes import run, versions

from sessiontool.media.probe import open_demuxer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PIECE_S = 600


def make(store: Path, hours: float) -> str:
    """A session of so many hours: the parts of one of 10 minutes again and again, each a recorder's run."""
    piece_s = min(PIECE_S, round(hours * 3600))
    name, piece = f"h{hours:g}", store / f"piece-{piece_s}"
    if not piece.exists():
        arguments = [f"--seconds={piece_s}", "--frame-ms=60", "--quiet"]
        subprocess.run([sys.executable, "-m", "sessiontool", "simulate", str(piece), *arguments], check=True)
    document = json.loads((piece / "session.json").read_text())
    (part,) = document.pop("parts")
    recorded = [chunk.read_bytes() for chunk in sorted((piece / "chunks" / "000").iterdir())]
    said = [json.loads(line) for line in (piece / "utterances.jsonl").read_text().splitlines()]
    parts, lines = [], []
    for number in range(round(hours * 3600 / piece_s)):
        later_ms = number * (piece_s + 1) * 1000
        folder = store / name / "chunks" / f"{number:03d}"
        folder.mkdir(parents=True)
        chunks = []
        for one, data in zip(part["chunks"], another(recorded, number), strict=True):
            (folder / f"{one['seq']:06d}.webm").write_bytes(data)
            noted = {"emitted_ms": one["emitted_ms"] + later_ms, "sha256": hashlib.sha256(data).hexdigest()}
            chunks.append({**one, **noted})
        times = {key: part[key] + later_ms for key in ("start_ms", "stop_ms")}
        parts.append({**part, **times, "part": f"{number:03d}", "chunks": chunks})
        for one in said:
            moved = {key: one[key] + later_ms / 1000 for key in ("t_start", "t_end")}
            lines.append(json.dumps({**one, **moved, "id": f"{one['id']}-{number}"}))
    (store / name / "session.json").write_text(json.dumps({**document, "session_id": name, "parts": parts}))
    (store / name / "utterances.jsonl").write_text("\n".join(lines))
    return name


def another(chunks: Sequence[bytes], number: int) -> Iterator[bytes]:
    """The chunks of a part of its own: the same, but for the last bytes of each packet."""
    whole = bytearray(b"".join(chunks))
    demuxer, at = open_demuxer(bytes(whole)), 0
    for packets in [*demuxer.feed(bytes(whole)), *demuxer.flush()]:
        for payload in packets.payloads:
            at = whole.index(payload, at) + len(payload)
            whole[at - 1] ^= number & 0xFF
            whole[at - 2] ^= number >> 8
    for size in map(len, chunks):
        yield bytes(whole[:size])
        del whole[:size]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", default="1,6,24")
    parser.add_argument("--no-align", action="store_true")
    options = parser.parse_args()
    print(versions())
    print("| hours | aligned | wall s | CPU s | peak MB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "store"
        for hours in map(float, options.hours.split(",")):
            merge = [sys.executable, "-m", "sessiontool", "merge", make(store, hours), f"--store={store}", "--quiet"]
            for aligned in ("no",) if options.no_align else ("no", "yes"):
                more = ["--no-align"] if aligned == "no" else []
                wall_s, cpu_s, peak_mb = run([*merge, f"--output={scratch}/{aligned}", *more])
                print(f"| {hours:g} | {aligned} | {wall_s:.1f} | {cpu_s:.1f} | {peak_mb:.0f} |", flush=True)


if __name__ == "__main__":
    main()
