"""Aligning beside decoding: how long and how much memory it takes to find every utterance of an hour of stereo.

usage: python benchmarks/align_speed.py [--hours H] [--rounds N] [--packets 20|60] [--session FOLDER]

Compared in interleaved runs on one audio.webm: `ffmpeg -i audio.webm -f null -`, which decodes and does nothing else,
the alignment as a process of its own, from its imports to the last placement: decode, activity, matching, edges; and
the merge that it is a part of, from the chunks to the report.
The figures are medians of wall time, CPU time and peak memory, and their ratios to ffmpeg's.  Without --session an hour
of two voices made of noise is recorded for it; real speech tells more of the matching.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import medians, run, versions

_ALIGN = """
import json, sys
from pathlib import Path
from sessiontool.align import align
from sessiontool.alignment.speech_activity import measure
from sessiontool.alignment.band_levels import MARGIN, Levels, reduce
from sessiontool.documents.utterances import read_utterances
from sessiontool.audio.decoder import decode
from sessiontool.media.opus import OpusHead
from sessiontool.sessions.align_recording import packets_of
from sessiontool.timeline import Span, Timeline
session, merged = map(Path, sys.argv[1:])
us = lambda pair: [round(1000 * ms) for ms in pair]
spans = [
    Span(s["kind"], s["part"], s.get("cause", ""), *s["output_samples"], *us(s["recorder_ms"]), *us(s["session_ms"]))
    for s in json.loads((merged / "report.json").read_text())["timeline"]
]
utterances, _ = read_utterances((session / "utterances.jsonl").read_bytes(), "utterances.jsonl")
blocks = decode(packets_of(merged / "audio.webm"), OpusHead(2, 0), reduce, MARGIN)
activity = measure(Levels.collected(blocks, 2), Timeline(spans))
align(utterances, Timeline(spans), activity, ("user", "assistant"))
"""


def sessiontool(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "sessiontool", *arguments, "--quiet"], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--packets", choices=("20", "60"), default="60")
    parser.add_argument("--session", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        session = options.session or Path(scratch) / "store" / "long"
        if not options.session:
            seconds = f"--seconds={options.hours * 3600:g}"
            sessiontool("simulate", str(session), seconds, f"--frame-ms={options.packets}", "--clock-offset-ms=1500")
        merge = ["merge", session.name, f"--store={session.parent}"]
        sessiontool(*merge, f"--output={scratch}/merged", "--no-align")
        merged = Path(scratch) / "merged" / session.name
        report = json.loads((merged / "report.json").read_text())
        compared = {
            "ffmpeg -f null": ["ffmpeg", "-v", "error", "-i", str(merged / "audio.webm"), "-f", "null", "-"],
            "alignment": [sys.executable, "-c", _ALIGN, str(session), str(merged)],
            "merge": [sys.executable, "-m", "sessiontool", *merge, f"--output={scratch}/aligned", "--force", "--quiet"],
        }
        rounds = [{tool: run(command) for tool, command in compared.items()} for _ in range(options.rounds)]
    print(versions())
    print(f"{report['duration_s'] / 3600:.2f} h, {report['utterances']} utterances\n")
    print("| | wall s | of ffmpeg | CPU s | of ffmpeg | peak MB |\n|---|---|---|---|---|---|")
    middle = medians(rounds)
    usual_wall_s, usual_cpu_s, _ = middle["ffmpeg -f null"]
    for tool, (wall_s, cpu_s, peak_mb) in middle.items():
        ratios = f"{wall_s / usual_wall_s:.2f} | {cpu_s:.2f} | {cpu_s / usual_cpu_s:.2f}"
        print(f"| {tool} | {wall_s:.2f} | {ratios} | {peak_mb:.0f} |")


if __name__ == "__main__":
    main()
