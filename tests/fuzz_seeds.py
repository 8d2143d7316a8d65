"""What the fuzzers begin with.

For each target small inputs of the kind that it is made for, and everything found before.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import aac_recordings
import mp3_recordings
import mp4_recordings
import ogg_recordings
import recordings
from fuzz_eventlogs import LOGS
from fuzz_joins import whole_result

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parent / "data"
_MOST_BYTES = 3000


def seeds(target: str) -> Iterator[bytes]:
    yield from _MADE[target]()
    for path in sorted((DATA / "fuzz" / target).glob("*")):
        yield path.read_bytes()


def _with_controls(data: bytes, seed: int = 0) -> Iterator[bytes]:
    """The data read whole, and with a few cuts."""
    yield data + bytes(8)
    yield data + Random(seed).randbytes(24)


def _webm() -> Iterator[bytes]:
    for live in (
        recordings.chrome(12),
        recordings.firefox(16),
        recordings.chrome(20, cluster_packets=2, sizes=(3, 12)),
    ):
        yield from _with_controls(live.data, len(live.data))
    for name in ("chrome-mono", "chrome-24k", "firefox-pause"):
        yield from _with_controls(b"".join(recordings.recorded_chunks(name)[:2])[:_MOST_BYTES])
    yield from _torture(".webm", ".mkv", ".mka")


def _torture(*endings: str) -> Iterator[bytes]:
    for path in sorted((DATA / "torture").glob("*")):
        if path.suffix in endings:
            yield from _with_controls(path.read_bytes()[:_MOST_BYTES])


def _ogg() -> Iterator[bytes]:
    yield from _with_controls(ogg_recordings.made(4).data)
    yield from _torture(".ogg", ".opus")


def _mp4() -> Iterator[bytes]:
    yield from _with_controls(mp4_recordings.made(3).data)
    for name in ("000000.mp4", "000001.mp4"):
        folder = DATA / "containers" / "chrome-mp4-opus" / "chunks" / "000"
        yield from _with_controls((folder / "000000.mp4").read_bytes() + (folder / name).read_bytes()[:_MOST_BYTES])


def _mp3() -> Iterator[bytes]:
    for rate, channels in ((48_000, 2), (44_100, 1), (22_050, 1)):
        yield from _with_controls(b"".join(mp3_recordings.frames_of(rate, channels, 0.3))[:_MOST_BYTES])
        yield from _with_controls(mp3_recordings.whole_file(rate, channels, 0.2)[:_MOST_BYTES])


def _adts() -> Iterator[bytes]:
    for rate, channels in ((48_000, 2), (44_100, 1)):
        frames = aac_recordings.frames_of(rate, channels, 1)[:14]
        yield from _with_controls(
            b"".join(aac_recordings.adts(rate, channels, frame) for frame in frames)[:_MOST_BYTES]
        )


def _salvage() -> Iterator[bytes]:
    rng = Random(7)
    for _ in range(40):
        yield rng.randbytes(rng.randint(8, 200))
    session = {"parts": [{"part": "0", "start_ms": 5, "timeslice_ms": 900, "chunks": [{"seq": 1, "emitted_ms": 1e3}]}]}
    yield json.dumps(session).encode() + bytes([1, 2, 0, 0, 0])


def _documents() -> Iterator[bytes]:
    for name in ("chrome-24k", "firefox-pause"):
        folder = recordings.SESSIONS / name
        yield (folder / "session.json").read_bytes()[:4000] + b"\0"
        yield (folder / "utterances.jsonl").read_bytes()[:2000] + b"\1"
    utterance = {"id": 3, "role": "user", "text": "Hä?", "t_start": 1.5, "t_end": None, "x": [1e9, {"y": True}]}
    yield json.dumps([utterance, utterance]).encode() + b"\2"
    rng = Random(4)
    for kind in range(4, 7):
        yield from (rng.randbytes(60) + bytes([kind]) for _ in range(5))
    part = {"part": 0, "mime_type": "audio/webm", "timeslice_ms": 5000, "start_ms": 12, "stop_ms": 20_000.5}
    part |= {"pauses": [{"start_ms": 100, "end_ms": 300}], "expires_at": 5}
    part |= {"chunks": [{"seq": n, "bytes": 30, "emitted_ms": n * 900 + 900, "sha256": "ab"} for n in range(4)]}
    session = {
        "session_id": 7,
        "started_at": "2026-01-01",
        "channels": ["user", "assistant"],
        "speakers": {"user": "D"},
    }
    yield json.dumps({**session, "parts": [part, {**part, "part": "001"}]}).encode() + b"\0"


def _events() -> Iterator[bytes]:
    for log in LOGS:
        yield log[:5000].encode() + b"\0"
        yield json.dumps([json.loads(line) for line in log.splitlines()[:8]], indent=1).encode() + b"\1"
    rng = Random(6)
    for kind in range(128, 140):
        yield rng.randbytes(60) + bytes([kind])


def _verify() -> Iterator[bytes]:
    whole, _ = whole_result()
    yield whole[:3000] + b"\0\1"
    rng = Random(3)
    for _ in range(10):
        yield rng.randbytes(60)


def _captions() -> Iterator[bytes]:
    one = {
        "id": "a",
        "role": "user",
        "text": "Hello <b>-->\n\nthere",
        "start_s": 0.5,
        "end_s": 2.25,
        "status": "aligned",
    }
    one |= {"words": [{"text": "Hello", "start_s": 0.5, "end_s": 1}], "heard_text": "Hello", "interrupted": True}
    span = {"kind": "silence", "cause": "lost", "output_samples": [48_000, 480_000]}
    document = {"duration_s": 4.5, "utterances": [one, {**one, "role": "assistant"}], "timeline": [span]}
    yield json.dumps(document).encode() + b"\0\x1c"
    texts = "Words, and \u202eRTL, \u4f60\u597d, \U0001f600 --> <c> &amp; {\\b1} 00:00:01.000 WEBVTT NOTE\r\n\r\n\u2028"
    rng = Random(5)
    for _ in range(20):
        yield (texts * 3).encode() + rng.randbytes(40)


_MADE = {
    "webm": _webm,
    "salvage": _salvage,
    "documents": _documents,
    "events": _events,
    "ogg": _ogg,
    "mp4": _mp4,
    "mp3": _mp3,
    "adts": _adts,
    "verify": _verify,
    "captions": _captions,
}
