"""Sessions to be purged, for tests: small ones, their results, and reports that were forged."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import mp4_recordings
import ogg_recordings
from places import Folder
from recordings import LIVE_CLUSTER, Live, blobs, chrome, firefox, split, walk

from sessiontool.options import MergeOptions
from sessiontool.sessions import report
from sessiontool.sessions.merge import merge_session
from sessiontool.sessions.purge import Purge, Purger, Rule
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ID = "s"


def merge(root: Path, session_id: str = ID) -> None:
    with open_store(str(root)) as store:
        merge_session(store, session_id, store.target(session_id), MergeOptions(align=False))


def examine(root: Path, session_id: str = ID, **options: Any) -> Purge:
    """What a purge that is due at once would delete."""
    with open_store(str(root)) as store:
        return Purger(store, Rule(chunks_after_days=0), **options).examine(session_id, store.target(session_id))


def put_chunks(root: Path, chunks: Sequence[bytes]) -> None:
    place = Folder(root)
    for number, data in enumerate(chunks):
        place.put(f"{ID}/chunks/0/{number:06d}.webm", data)


def key(number: int, part: str = "0") -> str:
    return f"{ID}/chunks/{part}/{number:06d}.webm"


def packets_of(root: Path) -> Counter[bytes]:
    data = (root / ID / "merged" / "audio.webm").read_bytes()
    return Counter(block.payload for block in walk(data))


def report_of(root: Path, session_id: str = ID) -> Any:
    found: Any = json.loads((root / session_id / "merged" / "report.json").read_text())
    return found


def forge(root: Path, change: Callable[[Any], object], session_id: str = ID) -> None:
    """Change a report as somebody would who knows how it is made: with a new hash, in its own spelling."""
    document = report_of(root, session_id)
    change(document)
    report.seal(document)
    (root / session_id / "merged" / "report.json").write_text(report.to_text(document))


def forged_ok(document: Any) -> None:
    """Say of every chunk that it is whole, so that the report agrees with itself."""
    for chunk in document["chunks"]:
        chunk["structure_bytes"] += chunk["damaged_bytes"] + chunk["set_aside_bytes"]
        chunk.update(damaged_bytes=0, set_aside_bytes=0, verdict="ok" if chunk["packets"] else "empty")
        for name in ("damage", "damage_more", "set_aside", "set_aside_more"):
            chunk.pop(name, None)
    document.update(findings=[], status="complete")


def firefox_blobs(live: Live, packets: int) -> list[bytes]:
    """The recording in blobs of so many packets, each beginning with a cluster."""
    starts = [live.blocks[at].offset for at in range(packets, len(live.blocks), packets)]
    return split(live.data, [live.data.rindex(LIVE_CLUSTER[:4], 0, start) for start in starts])


CHROME = chrome(80, quiet=range(20, 44))
FIREFOX = firefox(120, cluster_packets=10, quiet=range(30, 64))
OGG = ogg_recordings.made(12, 5)
MP4 = mp4_recordings.made(8, 5)
WHOLE = {
    "chrome": blobs(CHROME, 10),
    "firefox": firefox_blobs(FIREFOX, 20),
    "ogg": split(OGG.data, [start for start, _, _ in OGG.pages[2::2]]),
    "mp4": [MP4.header, *split(MP4.data[len(MP4.header) :], [f.start - len(MP4.header) for f in MP4.fragments[1:]])],
}  # fmt: skip
