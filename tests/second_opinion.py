"""What outside programs say of a merged file: FFmpeg, MKVToolNix and libwebm's webm_info, run and read.

Nothing here knows how sessiontool writes a file, and no answer of sessiontool's is taken for granted.  Each function
runs one program and returns plain facts; judging them is the tests' part.  `ffprobe` and `mkvinfo` return 0 on most
damage, so what they print counts, not their exit code alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

RATE = 48_000


def need(*programs: str) -> str:
    """Path of the first of `programs` that is installed; with none the test is skipped, or fails where `CI` is true."""
    for program in programs:
        if found := shutil.which(program):
            return found
    reason = f"{' or '.join(programs)} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as FFmpeg's demuxer hands it out; `pts_us` is counted from the first audible sample."""

    pts_us: int
    duration_us: int
    size_bytes: int
    md5: str


@dataclass(frozen=True, slots=True)
class Structure:
    """The layout of a WebM file by webm_info, positions in bytes; `cues` and `clusters` are (time in ms, position).

    A cue's position counts from the first byte inside the Segment, every other from the first of the file.
    `cues_position` is -1 where there are none; `end` is that of the Segment, which is the file's where the two fit.
    """

    segment_position: int
    end: int
    cues_position: int
    cues: tuple[tuple[int, int], ...]
    clusters: tuple[tuple[int, int], ...]
    frame_types: frozenset[str]


def _run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [need(program), *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False, timeout=60)


def _printed(done: subprocess.CompletedProcess[str]) -> list[str]:
    failed = [f"exit code {done.returncode}"] if done.returncode else []
    return [*done.stderr.strip().splitlines(), *failed]


def _mkvinfo_oddities(done: subprocess.CompletedProcess[str]) -> list[str]:
    odd = re.compile(r"\(Unknown element|\(Known element, but invalid|warning|error", re.IGNORECASE)
    return [*_printed(done), *filter(odd.search, done.stdout.splitlines())]


def _mkvmerge_oddities(done: subprocess.CompletedProcess[str]) -> list[str]:
    answer = json.loads(done.stdout)
    return [*_printed(done), *answer["errors"], *answer["warnings"]]


_JUDGES: dict[str, tuple[Sequence[str], Callable[[subprocess.CompletedProcess[str]], list[str]]]] = {
    "webm_info": (("-all", "-i", "{file}"), _printed),
    "mkvinfo": (("--ui-language", "en_US", "-a", "{file}"), _mkvinfo_oddities),
    "mkvmerge": (("--ui-language", "en_US", "-J", "{file}"), _mkvmerge_oddities),
    "ffprobe": (("-v", "warning", "-show_packets", "-show_format", "{file}"), _printed),
    "ffmpeg": (("-v", "warning", "-xerror", "-i", "{file}", "-f", "null", "-"), _printed),
}
JUDGES = tuple(_JUDGES)


def complaints(judge: str, file: Path) -> list[str]:
    """Every line in which `judge` finds fault with the file."""
    arguments, read = _JUDGES[judge]
    return read(_run(judge, *(part.format(file=file) for part in arguments)))


def _ffprobe(file: Path, *arguments: str) -> dict[str, list[dict[str, str]]]:
    done = _run("ffprobe", "-v", "error", *arguments, "-of", "json", file)
    done.check_returncode()
    answer: dict[str, list[dict[str, str]]] = json.loads(done.stdout)
    return answer


def duration_us(file: Path) -> int:
    """The Duration that the container states."""
    done = _run("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", file)
    return round(float(done.stdout) * 1_000_000)


def packets(file: Path) -> list[Packet]:
    """Every packet of the file, in file order."""
    fields = "packet=pts_time,duration_time,size,data_hash"
    return [
        Packet(
            round(float(packet["pts_time"]) * 1_000_000),
            round(float(packet["duration_time"]) * 1_000_000),
            int(packet["size"]),
            packet["data_hash"].removeprefix("MD5:"),
        )
        for packet in _ffprobe(file, "-show_entries", fields, "-show_data_hash", "md5")["packets"]
    ]


def cue_times_ms(captions: Path) -> list[tuple[int, int]]:
    """(start, end) of each caption of a WebVTT or SRT file, as FFmpeg reads it."""
    cues = _ffprobe(captions, "-show_entries", "packet=pts_time,duration_time").get("packets", [])
    spans = ((float(cue["pts_time"]), float(cue["duration_time"])) for cue in cues)
    return [(round(start * 1000), round((start + length) * 1000)) for start, length in spans]


def decode(file: Path, *, start_s: float = 0, length_s: float | None = None, decoder: str = "opus") -> Sound:
    """The file's sound mixed to mono at 48 kHz, from `start_s` on by seeking (in the file's own
    time, where a first packet that is not played lies below zero); `decoder` is FFmpeg's name of one."""
    seek = ["-seek_timestamp", "1", "-ss", f"{start_s:.6f}"] if start_s else []
    length = ["-t", f"{length_s:.6f}"] if length_s is not None else []
    argv = [need("ffmpeg"), "-v", "error", *seek, "-c:a", decoder, "-i", str(file)]
    argv += [*length, "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    raw = subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(raw, np.float32)


def seek_landing_us(file: Path, at_us: int) -> int:
    """Where `ffmpeg -ss` starts to read when it is asked for `at_us`: the time of the first packet it copies."""
    seek = (
        "-seek_timestamp",
        "1",
        "-ss",
        f"{at_us / 1_000_000:.6f}",
        "-copyts",
        "-i",
        file,
        "-c",
        "copy",
        "-frames:a",
        "1",
    )
    done = _run("ffmpeg", "-v", "error", *seek, "-f", "framemd5", "-")
    unit = re.search(r"#tb 0: (\d+)/(\d+)", done.stdout)
    first = next(line for line in done.stdout.splitlines() if line and not line.startswith("#"))
    assert unit is not None, done.stderr
    return int(first.split(",")[2]) * 1_000_000 * int(unit[1]) // int(unit[2])


def remux(file: Path, target: Path) -> list[str]:
    """Copies the file with mkvmerge; returns what mkvmerge warned of."""
    done = _run("mkvmerge", "--ui-language", "en_US", "-o", target, file)
    return [*_printed(done), *(line for line in done.stdout.splitlines() if line.startswith(("Warning", "Error")))]


def structure(file: Path) -> Structure:
    """The file's elements as webm_info lists them."""
    text = _run("webm_info", "-all", "-i", file).stdout

    def pairs(pattern: str) -> tuple[tuple[int, int], ...]:
        found = re.finditer(pattern, text)
        return tuple((round(float(match["secs"]) * 1000), int(match["at"])) for match in found)

    segment = re.search(r"Segment:\s+@: (\d+)\s+size: (\d+)", text)
    cues = re.search(r"\n\s*Cues: @:(\d+)", text)
    assert segment is not None, f"webm_info found no Segment in {file}"
    return Structure(
        int(segment[1]),
        int(segment[1]) + int(segment[2]),
        int(cues[1]) if cues else -1,
        pairs(r"Cue Point:\d+ type:A track:\d+ secs:\s*(?P<secs>[\d.]+) block:\d+ @:(?P<at>\d+)"),
        pairs(r"Cluster:\s+@: (?P<at>\d+)\s+size: \d+\s+Timecode \(sec\) : (?P<secs>[\d.]+)"),
        frozenset(re.findall(r"Block: type:A frame:(\w)", text)),
    )


def make_noise(target: Path, *, length_s: int, hole_at_s: int | None = None, hole_s: int = 0) -> None:
    """Writes a WebM file of noise by FFmpeg; from `hole_at_s` on its timestamps are `hole_s` ahead of its samples."""
    argv = [need("ffmpeg"), "-v", "error", "-f", "lavfi", "-i", f"anoisesrc=seed=7:amplitude=0.2:duration={length_s}"]
    argv += ["-ac", "2", "-c:a", "libopus", "-b:a", "64k"]
    if hole_at_s is not None:  # in packets of 20 ms and in WebM's milliseconds
        argv += ["-bsf:a", f"setts=ts='TS+gte(N,{hole_at_s * 50})*{hole_s * 1000}'"]
    subprocess.run([*argv, str(target)], check=True, capture_output=True, timeout=60)


def find(clip: Sound, track: Sound, near: int, within: int) -> tuple[int, float]:
    """Where `clip` lies in `track`, looked for between `near - within` and `near + within`.

    Returns the index of its first sample, and the normalised correlation there: 1.0 for the same sound, 0.0 for none.
    """
    low = max(0, near - within)
    hay = track[low : near + within + len(clip)]
    if len(hay) < len(clip) or not clip.any():
        return near, 0.0
    size = 1 << (len(hay) + len(clip) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(hay, size) * np.conj(np.fft.rfft(clip, size)), size)[: len(hay) - len(clip) + 1]
    energy = np.concatenate(([0.0], np.cumsum(np.square(hay, dtype=np.float64))))
    own = float(np.square(clip, dtype=np.float64).sum())
    there = np.maximum(energy[len(clip) :] - energy[: -len(clip)], 0.25 * own)  # silence must not match by rounding
    likeness = product / np.sqrt(there * own)
    best = int(np.argmax(likeness))
    return low + best, float(likeness[best])


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
