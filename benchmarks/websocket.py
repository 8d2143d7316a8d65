"""What it costs to make a recording of an hour of a Realtime session over a WebSocket, on real speech.

    python benchmarks/websocket.py [--minutes 60] STORE...

Each STORE is a folder of recorded dialogues, the user on the left channel, the assistant on the right.  Their speech,
over and over until it is long enough, is written as a log of such a session: the microphone in pieces of 100 ms, the
answers in pieces of 200 ms, received four times as fast as they sound.  Printed are the CPU time and the peak of
resident memory of `merge --no-align` of it, and of FFmpeg's encoder on the same samples in one piece.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from sessiontool import MergeOptions, merge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sessiontool.documents.transcript_model import TranscriptUtterance

    Dialogue = tuple[NDArray[np.int16], list[TranscriptUtterance]]

RATE = 24_000
MEASURE = """
import re, sys, time
from sessiontool import MergeOptions, merge
begun = time.process_time()
merge("hour", store=sys.argv[1], output=sys.argv[2], options=MergeOptions(align=False))
print(time.process_time() - begun, int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


def dialogues(stores: list[Path], folder: Path) -> Iterator[Dialogue]:
    """The sound (2, samples) of each session, and what its assistant says, by where it was found."""
    for store in stores:
        for session in sorted(path.name for path in store.iterdir() if (path / "session.json").exists()):
            made = merge(session, store=str(store), output=str(folder), options=MergeOptions())
            if made.report["captions_status"] != "complete":
                continue
            with av.open(str(folder / session / "audio.webm")) as file:
                resampler = av.AudioResampler("s16p", "stereo", RATE)
                frames = [one for frame in file.decode(audio=0) for one in resampler.resample(frame)]
            said = [one for one in made.transcript["utterances"] if one["role"] == "assistant" and one["end_s"]]
            yield np.concatenate([frame.to_ndarray() for frame in frames], axis=1), said


def write_log(known: list[Dialogue], length_s: float, path: Path) -> float:
    """The log; returns the seconds that it lasts."""
    lines: list[tuple[float, dict[str, Any]]] = []

    def add(at_s: float, kind: str, sound: NDArray[np.int16], field: str, **more: str) -> None:
        lines.append((1000 * at_s, {"type": kind, field: base64.b64encode(sound.tobytes()).decode(), **more}))

    form = {"format": {"type": "audio/pcm", "rate": RATE}}
    lines.append((0.0, {"type": "session.created", "session": {"id": "s", "audio": {"input": form, "output": form}}}))
    at_s, number = 0.0, 0
    for sound, said in cycle(known):
        if at_s >= length_s:
            break
        for first in range(0, sound.shape[1], RATE // 10):
            add(at_s + first / RATE + 0.1, "input_audio_buffer.append", sound[0, first : first + RATE // 10], "audio")
        for one in said:
            number += 1
            start, end = (round(RATE * (one[name] or 0)) for name in ("start_s", "end_s"))
            for piece, first in enumerate(range(start, end, RATE // 5)):
                audio, when = sound[1, first : min(end, first + RATE // 5)], at_s + start / RATE + 0.05 * piece
                add(when, "response.output_audio.delta", audio, "delta", item_id=f"i{number}", response_id=f"r{number}")
        at_s += sound.shape[1] / RATE
    lines.sort(key=lambda one: one[0])
    with path.open("w") as file:
        file.writelines(json.dumps({"t_ms": round(t_ms, 1), "event": event}) + "\n" for t_ms, event in lines)
    return at_s


def encoding(path: Path) -> float:
    """CPU seconds that FFmpeg's libopus takes to encode the samples of a recording, at what a recording has."""
    with av.open(str(path)) as file, av.open("/dev/null", "w", format="webm") as out:
        stream = out.add_stream("libopus", rate=48_000, layout="stereo")
        frames = [frame.to_ndarray().astype(np.float32) for frame in file.decode(audio=0)]
        begun = time.process_time()
        for samples in frames:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
            frame.sample_rate = 48_000
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        return time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stores", nargs="+", type=Path, metavar="STORE")
    parser.add_argument("--minutes", type=float, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = list(dialogues(arguments.stores, folder / "dialogues"))
        (folder / "store" / "hour").mkdir(parents=True)
        log = folder / "store" / "hour" / "events.jsonl"
        length_s = write_log(known, 60 * arguments.minutes, log)
        print(f"{length_s / 60:.1f} minutes of {len(known)} dialogues, a log of {log.stat().st_size / 1e6:.0f} MB")
        asked = [sys.executable, "-c", MEASURE, str(folder / "store"), str(folder / "made")]
        took, peak = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
        print(f"merge --no-align: {float(took):.1f} s CPU, {float(peak):.0f} MB")
        print(f"encoding the same samples: {encoding(folder / 'made' / 'hour' / 'audio.webm'):.1f} s CPU")


if __name__ == "__main__":
    main()
