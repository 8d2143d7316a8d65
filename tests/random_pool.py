"""The undamaged recordings that the random judge hurts: real ones that the project has, made ones, and a folder's.

Of Ogg and MP4 the project has one real recording each; the others are made of simulated packets, page by page and box
by box, in the shape of the real ones.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mp4_recordings
import ogg_recordings
from random_recordings import Recording, check_order, make_recording

from sessiontool.simulate.simulate import SessionPlan, SimulatedStretch, record_session

if TYPE_CHECKING:
    from sessiontool.simulate.recorders import SimulatedRun

PROJECT = Path(__file__).parent.parent
REAL = ("samples/demo", *(f"tests/data/containers/{name}" for name in ("chrome-mp4-opus", "firefox-ogg")))
SESSIONS = "tests/data/sessions"
FAMILIES = ("chrome", "firefox", "ogg", "mp4")
BROWSERS = {"chrome": "chrome", "mp4": "chrome", "firefox": "firefox", "ogg": "firefox"}

_PLANS: dict[str, dict[str, Any]] = {
    "sim-chrome": {"recorder": "chrome", "seed": 21},
    "sim-chrome-starved": {
        "recorder": "chrome",
        "seed": 22,
        "starved": (SimulatedStretch(7_000, 400), SimulatedStretch(15_200, 800)),
    },
    "sim-chrome-busy": {"recorder": "chrome", "seed": 23, "busy": (SimulatedStretch(11_000, 1_600),)},
    "sim-chrome-20ms": {"recorder": "chrome", "seed": 24, "packet_ms": 20},
    "sim-firefox": {"recorder": "firefox", "seed": 25},
    "sim-firefox-mono": {"recorder": "firefox", "seed": 26, "channels": 1},
    "sim-firefox-paused": {"recorder": "firefox", "seed": 27, "pauses": (SimulatedStretch(9_000, 2_500),)},
    "sim-ogg": {"recorder": "firefox", "seed": 28},
    "sim-mp4": {"recorder": "chrome", "seed": 29},
}
_SMALL: dict[str, Any] = {"length_ms": 24_000, "timeslice_ms": 3000, "bit_rate": 24_000}
_PAGE_PACKETS, _PAGES_A_BLOB = 25, 6


@cache
def pool(corpus: Path | None = None) -> dict[str, tuple[Recording, ...]]:
    """All recordings by family, those of `corpus` included, each checked."""
    folders = [PROJECT / name for name in REAL] + sorted((PROJECT / SESSIONS).iterdir())
    if corpus is not None:
        folders += sorted(path.parent for path in corpus.glob("*/session.json"))
    found = [*(one for folder in folders for one in _read_session(folder)), *map(_simulated, _PLANS)]
    for recording in found:
        check_order(recording)
    unique = {b"".join(recording.blobs): recording for recording in reversed(found)}
    return {family: tuple(r for r in reversed(unique.values()) if r.family == family) for family in FAMILIES}


def _read_session(folder: Path) -> list[Recording]:
    """The parts of a recorded session that are Opus with four blobs or more, up to 80 s, and nothing but one run."""
    found = []
    for part in json.loads((folder / "session.json").read_text())["parts"]:
        blobs = sorted((folder / "chunks" / f"{int(part['part']):03d}").glob("[0-9]*.*"))
        mime = part["mime_type"]
        if len(blobs) < 4 or not mime.startswith("audio/") or not mime.endswith("opus"):
            continue
        chrome = "chrome" if b"Chrome" in blobs[0].read_bytes()[:300] else "firefox"
        family = {".ogg": "ogg", ".mp4": "mp4"}.get(blobs[0].suffix, chrome)
        name = f"{folder.name}/{part['part']}"
        try:
            recording = make_recording(name, family, [blob.read_bytes() for blob in blobs], part)
            check_order(recording)
        except AssertionError:  # a session of another kind: video, several recorders
            continue
        if recording.packets[-1].time_ms < 80_000:
            found.append(recording)
    return found


def _simulated(name: str) -> Recording:
    plan = SessionPlan(**(_SMALL | _PLANS[name]))
    run = record_session(plan).runs[0]
    part = {
        "part": 0,
        "mime_type": "audio/webm;codecs=opus",
        "timeslice_ms": plan.timeslice_ms,
        "start_ms": run.plan.start_ms,
        "stop_ms": run.plan.stop_ms,
        "pauses": [{"start_ms": pause.start_ms, "end_ms": pause.end_ms} for pause in run.plan.pauses],
        "chunks": [{"seq": seq, "emitted_ms": blob.emitted_ms} for seq, blob in enumerate(run.blobs)],
    }
    if name == "sim-ogg":
        return make_recording(name, "ogg", _as_ogg(run), part | {"mime_type": "audio/ogg;codecs=opus"})
    if name == "sim-mp4":
        notes = [{"seq": seq, "emitted_ms": run.blobs[max(0, seq - 1)].emitted_ms} for seq in range(len(run.blobs) + 1)]
        part |= {"mime_type": "audio/mp4;codecs=opus", "chunks": notes}
        return make_recording(name, "mp4", _as_mp4(run), part)
    return make_recording(name, plan.recorder, [blob.data for blob in run.blobs], part)


def _as_ogg(run: SimulatedRun) -> list[bytes]:
    """Pages of half a second, six to a blob; the header's pages are in the first."""
    payloads = [packet.payload for packet in run.packets]
    cuts = range(0, len(payloads), _PAGE_PACKETS)
    pages = []
    for number, start in enumerate(cuts, 2):
        packets = payloads[start : start + _PAGE_PACKETS]
        last = start + _PAGE_PACKETS >= len(payloads)
        granule = (start + len(packets)) * 960
        flags = ogg_recordings.LAST if last else 0
        pages.append(ogg_recordings.page(*packets, number=number, granule=granule, flags=flags))
    blobs = [b"".join(pages[at : at + _PAGES_A_BLOB]) for at in range(0, len(pages), _PAGES_A_BLOB)]
    return [ogg_recordings.headers() + blobs[0], *blobs[1:]]


def _as_mp4(run: SimulatedRun) -> list[bytes]:
    """A blob with the header alone, then one fragment a blob, as in the real recording."""
    starts = [packet.start_us * 48 // 1000 for packet in run.packets]
    starts.append(starts[-1] + mp4_recordings.DURATION)
    durations = [after - before for before, after in pairwise(starts)]
    blobs, first = [mp4_recordings.FTYP + mp4_recordings.moov()], 0
    for number, blob in enumerate(run.blobs, 1):
        count = sum(packet.end <= blob.end for packet in run.packets[first:])
        packets = [packet.payload for packet in run.packets[first : first + count]]
        mine = durations[first : first + count]
        blobs.append(mp4_recordings.fragment(packets, number, starts[first], durations=mine))
        first += count
    return blobs
