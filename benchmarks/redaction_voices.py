"""What one voice alone costs: stretches of recordings of two channels, of which one goes, measured on both.

    python benchmarks/redaction_voices.py [--count 30] [--seed 1] SESSION...

Each SESSION is a folder with an `audio.webm` in stereo, as a merge publishes it.  Printed is, for each: how loud the
channel that goes is in what was asked for; by how much the difference of the other channel is below its sound, where it
sounds, inside of what is encoded again and in the 200 ms behind it.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from sessiontool.audio.stretch import decode_stretch
from sessiontool.sessions.align_recording import head_of, packets_of
from sessiontool.sessions.redaction.packet_cuts import Wanted, find_cuts
from sessiontool.sessions.redaction.without import without

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST, LOUD = 0.01, 0.02  # of full scale: what goes is no silence; where the other one sounds
BEHIND = 9600  # samples: 200 ms
QUIET_DB = -60.0


def db(sound: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2) + 1e-18))


def measure(path: Path, count: int, chance: random.Random) -> str:
    packets, head = list(packets_of(path)), head_of(path)
    whole = np.concatenate(list(decode_stretch(packets, head, 0, 1 << 40)), axis=1)
    loudest: list[float] = []
    inside: list[float] = []
    behind: list[float] = []
    for number in range(count):
        start = chance.randrange(48_000, whole.shape[1] - 4 * 48_000)
        stretch = start, start + chance.randrange(20_000, 96_000)
        gone, stays = (0, 1) if number % 2 else (1, 0)
        if np.abs(whole[gone, slice(*stretch)]).max() < LEAST:
            continue
        (cut,) = find_cuts(packets, head, [Wanted(stretch, gone)])
        left = np.concatenate(list(decode_stretch(without(packets, head, [cut]), head, 0, 1 << 40)), axis=1)
        loudest.append(20 * np.log10(np.abs(left[gone, slice(*stretch)]).max() + 1e-9))
        difference = whole[stays] - left[stays]
        for found, place in ((inside, slice(cut.start, cut.end)), (behind, slice(cut.end, cut.end + BEHIND))):
            if np.abs(whole[stays, place]).max() > LOUD and db(whole[stays, place]) > QUIET_DB:
                found.append(db(whole[stays, place]) - db(difference[place]))
    rows = {"gone, dBFS": loudest, "other inside, dB": inside, "other behind, dB": behind}
    shown = (f"{name} {median(one):.0f} ({min(one):.0f} to {max(one):.0f})" for name, one in rows.items() if one)
    return f"{path.parent}: {len(loudest)} stretches; " + "; ".join(shown)


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--count", type=int, default=30)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("folders", nargs="+", type=Path)
    options = given.parse_args()
    for folder in options.folders:
        print(measure(folder / "audio.webm", options.count, random.Random(options.seed)), flush=True)


if __name__ == "__main__":
    main()
