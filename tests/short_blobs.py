"""Recordings of real browsers whose blobs are so short that most of them hold no cluster of their own.

Firefox 153 and Chromium 156, a tone of 5 s, 4 s of digital silence and a tone of 3 s, recorded by one page with
timeslices of 100, 250 and 500 ms at once.  Firefox's clusters last a second and go on over blobs; the first blob of
Chromium is one byte.
"""

from __future__ import annotations

import json
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).with_name("data") / "short_blobs"
RECORDINGS = sorted(path.stem for path in FOLDER.glob("*.webm"))


def blobs_of(recording: str) -> list[bytes]:
    """What the browser handed over, blob by blob."""
    data = (FOLDER / f"{recording}.webm").read_bytes()
    sizes = [size for size, _ in _notes(recording)["chunks"]]
    return [data[start:stop] for start, stop in pairwise(accumulate(sizes, initial=0))]


def cut_every(recording: str, size_bytes: int) -> list[bytes]:
    """The same bytes as a server stores them whose buffer has so many."""
    data = (FOLDER / f"{recording}.webm").read_bytes()
    return [data[at : at + size_bytes] for at in range(0, len(data), size_bytes)]


def store(folder: Path, chunks: Mapping[int, bytes], recording: str = "") -> Path:
    """A session of these chunks by their numbers; with the name of a recording, also what the page noted of it."""
    session = folder / "blobs"
    (session / "chunks/000").mkdir(parents=True)
    for number, data in chunks.items():
        (session / f"chunks/000/{number:06}.webm").write_bytes(data)
    if recording:
        (session / "session.json").write_text(json.dumps(_session(recording)))
    return session


def _session(recording: str) -> dict[str, Any]:
    part = part_of(recording)
    return {"schema": "sessiontool.session/1", "session_id": "blobs", "channels": ["user"], "parts": [part]}


def part_of(recording: str) -> dict[str, Any]:
    """What the page noted of the recording's only part, as session.json has it."""
    notes = _notes(recording)
    chunks = [{"seq": n, "bytes": size, "emitted_ms": at_ms} for n, (size, at_ms) in enumerate(notes["chunks"])]
    times = {name: notes[name] for name in ("timeslice_ms", "start_ms", "stop_ms")}
    return {"part": 0, "mime_type": "audio/webm;codecs=opus", **times, "chunks": chunks}


def _notes(recording: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{recording}.json").read_text())
    return found
