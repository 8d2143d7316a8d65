"""The recorder sample as people run it: its server by Node, its page in Chromium, two voices with known words.

`speech` is the microphone's file, `run_ingest` the server, `WITNESS` a script that says what each MediaRecorder handed
out, before any code of the page has seen it; `spoken` finds where a sentence sounds in a finished recording.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
import wave
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ahead import ahead
from second_opinion import RATE, find, need

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from second_opinion import Sound

SAMPLE = Path(__file__).parent.parent / "samples" / "recorder"
SCRIPT: dict[str, list[str]] = json.loads((SAMPLE / "demo" / "script.json").read_text())
USER, ASSISTANT = 0, 1
BEFORE_SPEECH_S = 2.0
LEFT_TO_REPLY_S = 2.4  # the demo's silence, thinking and the way through the network, before and after its answer
_NOISE = 3e-4
_INSTALL_S = 300
_LOOKED_UP_SAMPLES = RATE // 2
_MARGIN_SAMPLES = RATE * 6 // 10  # a starved jitter buffer was seen to stretch a sentence by 0.4 s
_STRETCHED_SAMPLES = RATE // 20  # an untroubled one is within 30 ms of its length
LOUD = 10 ** (-30 / 20)  # chosen: every last sound of the script's sentences is louder, or within 90 ms of one that is
FADED = 10 ** (-70 / 20)  # chosen: nothing that is heard
AUDIBLE = 10 ** (-48 / 20)  # as in the truth of the demo, which the sentences are cut out by

WITNESS = """
const Native = MediaRecorder;
window.microphones = [];
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (...given) => {
  const stream = await getUserMedia(...given);
  microphones.push(stream);
  return stream;
};
window.recorders = [];
window.MediaRecorder = class extends Native {
  constructor(...given) {
    super(...given);
    recorders.push(this);
    this.addEventListener("dataavailable", async ({ data }) => {
      const digest = await crypto.subtle.digest("SHA-256", await data.arrayBuffer());
      const sha256 = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      say(JSON.stringify({ bytes: data.size, sha256 }));
    });
  }
};
"""


@dataclass(frozen=True, slots=True)
class Ingest:
    """The running server of the sample."""

    url: str
    pid: int

    def put(self, key: str, body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> int:
        """The status of the answer to a PUT of one key."""
        address = f"{self.url}/sessions/{key}"
        request = urllib.request.Request(
            address, data=body, method="PUT", headers={"content-type": kind} | dict(headers or {})
        )
        return status_of(request)


def status_of(request: urllib.request.Request | str) -> int:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)


@cache
def node() -> str:
    """Path of Node.js itself: `node` may be a script around it, as from a wheel, and ending that ends no server."""
    done = subprocess.run([need("node"), "-p", "process.execPath"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@cache
def installed() -> Path:
    """The folder of the sample with what its lock file names, installed by npm where it is not."""
    argv = [need("npm"), "ci"]
    with (SAMPLE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes run side by side
        if not (SAMPLE / "node_modules" / ".package-lock.json").exists():
            done = subprocess.run(argv, cwd=SAMPLE, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
            assert done.returncode == 0, done.stderr
    return SAMPLE


@contextmanager
def run_ingest(store: str | Path, **settings: str) -> Iterator[Ingest]:
    """The server on a free port, for one store."""
    env = os.environ | {"STORE": str(store), "PORT": "0"} | settings
    argv = [node(), str(installed() / "server.mjs")]
    with subprocess.Popen(ahead(argv), env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Open "), line
            yield Ingest(line.split()[1], process.pid)
        finally:
            process.terminate()


@cache
def clip(channel: int, text: str) -> Sound:
    """A sentence as it sounds in the recorded demo, from its first audible sample to its last."""
    (said,) = [one for one in _truth() if one["text"] == text]
    part = _decoded(SAMPLE.parent / "demo" / "chunks" / f"{said['part']:03}")
    return part[round(said["start_s"] * RATE) : round(said["end_s"] * RATE), channel]


@cache
def _truth() -> list[dict[str, Any]]:
    path = Path(__file__).parent / "data" / "demo-truth.json"
    found: list[dict[str, Any]] = json.loads(path.read_text())["utterances"]
    return found


@cache
def _decoded(folder: Path) -> Sound:
    return stereo(b"".join(path.read_bytes() for path in sorted(folder.iterdir())))


def stereo(data: bytes) -> Sound:
    """The two channels of a recording, shape (samples, 2)."""
    argv = [need("ffmpeg"), "-v", "fatal", "-i", "-", "-ac", "2", "-ar", str(RATE), "-f", "f32le", "-"]
    raw = subprocess.run(argv, input=data, capture_output=True, check=False, timeout=60).stdout
    return np.frombuffer(raw, np.float32).reshape(-1, 2)


def speech(target: Path, lines: range) -> Path:
    """A microphone's file: some of the user's sentences, each with the time that the assistant needs for its answer."""
    chance = np.random.default_rng(5)
    pieces = [np.zeros(round(BEFORE_SPEECH_S * RATE), np.float32)]
    for line in lines:
        wait = len(clip(ASSISTANT, SCRIPT["assistant"][line])) + round(LEFT_TO_REPLY_S * RATE)
        pieces += [clip(USER, SCRIPT["user"][line]), np.zeros(wait, np.float32)]
    quiet = np.concatenate(pieces)
    sound = quiet + chance.normal(0, _NOISE, len(quiet))
    with wave.open(str(target), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return target


class Spoken(NamedTuple):
    """Where a sentence sounds in a recording, in seconds, and how alike the sound there is to the sentence's.

    It ends between two times, which are the same but where a starved jitter buffer stretched it: the buffer makes a
    fade of a sound whose packets stay away, and anywhere in that is a right end.  `is_whole`: it is as long there as it
    was said; a browser without processor drops pieces of it, or puts silence between them.
    """

    start_s: float
    first_end_s: float
    last_end_s: float
    alike: float
    is_whole: bool


def spoken(sound: Sound, channel: int, text: str, near_s: float | None = None) -> Spoken:
    """Where a sentence sounds, near a time or anywhere: its middle is looked up, and the audible samples around it."""
    track, wanted = sound[:, channel], clip(channel, text)
    middle = (len(wanted) - _LOOKED_UP_SAMPLES) // 2
    near, within = (0, len(track)) if near_s is None else (round(near_s * RATE) + middle, 2 * RATE)
    place, alike = find(wanted[middle : middle + _LOOKED_UP_SAMPLES], track, near, within)
    low = max(0, place - middle - _MARGIN_SAMPLES)
    level = np.abs(track[low : place - middle + len(wanted) + _MARGIN_SAMPLES])
    audible = np.flatnonzero(level > AUDIBLE)
    if not len(audible):
        return Spoken(0.0, 0.0, 0.0, 0.0, is_whole=False)
    first, last = int(audible[0]), int(audible[-1])
    stretched = abs(last - first - len(wanted)) > _STRETCHED_SAMPLES
    ends = (
        [int(np.flatnonzero(level > one)[-1]) for one in (min(LOUD, level.max() / 2), FADED)]
        if stretched
        else [last] * 2
    )
    return Spoken((low + first) / RATE, (low + ends[0]) / RATE, (low + ends[1]) / RATE, alike, not stretched)


def is_in_order(wanted: Sequence[str], there: Sequence[str]) -> bool:
    """Whether all of `wanted` is in `there`, in its order."""
    rest = iter(there)
    return all(one in rest for one in wanted)


def npm(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [need("npm"), *arguments]
    return subprocess.run(argv, cwd=installed(), capture_output=True, text=True, timeout=_INSTALL_S, check=False)


def copy_of_sample(target: Path) -> Path:
    """The sample as a newcomer gets it: without what was installed."""
    return Path(shutil.copytree(SAMPLE, target, ignore=shutil.ignore_patterns("node_modules", "recordings")))
